//! The part of a forge that all dialects share: a server on loopback, users with permissions, pages,
//! entity tags, a record of requests, and faults on demand.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use kubemate::report::forge::Permission;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::loopback;

pub(crate) const HEAD: &str = "1111111111111111111111111111111111111111";
pub(crate) const BASE: &str = "2222222222222222222222222222222222222222";
pub(crate) const BOT: &str = "kubemate-bot";
pub(crate) const TOKEN: &str = "t0ken-of-the-bot-0123456789";
pub(crate) const READER: &str = "t0ken-of-a-reader-012345678";

/// What happens to one request instead of an answer, or after it.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// This status, header and body; nothing is done.
    Answer(u16, Option<(&'static str, String)>, Value),
    /// The connection breaks; nothing is done.
    Drop,
    /// It is done, and then the connection breaks.
    DoneAndDrop,
    /// "Not modified" to whoever asks.
    NotModified,
    /// Text that is not JSON.
    Garbage,
    /// Nothing at all: the fault is for a later request.
    Pass,
}

#[derive(Debug, Clone)]
pub(crate) struct Comment {
    pub(crate) id: u64,
    pub(crate) pull: u64,
    pub(crate) author: String,
    pub(crate) body: String,
}

/// What a forge knows.
#[derive(Debug, Default)]
pub(crate) struct Store {
    /// Name and permission by token.
    pub(crate) tokens: BTreeMap<String, (String, Permission)>,
    /// Permission by name.
    pub(crate) members: BTreeMap<String, Permission>,
    /// Whether everybody may read.
    pub(crate) public: bool,
    pub(crate) commits: BTreeSet<String>,
    /// Pull requests in the words of the dialect.
    pub(crate) pulls: BTreeMap<u64, Value>,
    pub(crate) comments: Vec<Comment>,
    /// Comments that were edited after they were written.
    pub(crate) edited: BTreeSet<u64>,
    /// Statuses in the words of the dialect, the oldest first.
    pub(crate) statuses: Vec<Value>,
    pub(crate) deployments: Vec<Value>,
    pub(crate) reviews: Vec<Value>,
    /// What was done to the pull request since it was opened, in the words of the dialect.
    pub(crate) events: Vec<Value>,
    /// Members by team or group.
    pub(crate) teams: BTreeMap<String, BTreeSet<String>>,
    /// Author and committer of each commit of the pull request; `None` where nobody has the address.
    pub(crate) writers: Vec<[Option<&'static str>; 2]>,
    /// Check runs or threads.
    pub(crate) notes: Vec<Value>,
    pub(crate) last_id: u64,
    /// Most statuses of one context on one commit.
    pub(crate) most_statuses: usize,
    /// Methods and paths, in order.
    pub(crate) requests: Vec<String>,
    pub(crate) not_modified: usize,
    pub(crate) faults: VecDeque<(Option<Method>, Fault)>,
    /// Branches and what is on them.
    pub(crate) git: super::branches::Git,
}

impl Store {
    pub(crate) fn id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Somebody writes a comment on pull request 7.
    pub(crate) fn says(&mut self, author: &str, body: &str) -> u64 {
        let id = self.id();
        self.comments.push(Comment {
            id,
            pull: 7,
            author: author.to_owned(),
            body: body.to_owned(),
        });
        id
    }

    /// A comment of this number, and when it was written and changed: just now.
    pub(crate) fn comment(&self, id: &str) -> Option<(&Comment, [String; 2])> {
        let mut all = self.comments.iter();
        let found = all.find(|comment| comment.id.to_string() == id)?;
        let written = Timestamp::now();
        let changed = match self.edited.contains(&found.id) {
            true => written + SignedDuration::from_secs(1),
            false => written,
        };
        Some((found, [written.to_string(), changed.to_string()]))
    }

    /// How many requests wrote something.
    pub(crate) fn writes(&self) -> usize {
        self.requests
            .iter()
            .filter(|r| !r.starts_with("GET "))
            .count()
    }
}

/// A request as the dialects see it.
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    pub(crate) path: Vec<&'a str>,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) body: Value,
    pub(crate) user: String,
}

impl Ask<'_> {
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.body[key].as_str()
    }
}

pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) next: bool,
}

pub(crate) fn ok(body: Value) -> Reply {
    Reply {
        status: 200,
        body,
        next: false,
    }
}

pub(crate) fn made(body: Value) -> Reply {
    Reply {
        status: 201,
        body,
        next: false,
    }
}

pub(crate) fn no(status: u16, message: &str) -> Reply {
    Reply {
        status,
        body: json!({ "message": message }),
        next: false,
    }
}

/// One page of a list, at most `most` items.
pub(crate) fn page(ask: &Ask<'_>, size: &str, most: usize, items: Vec<Value>) -> Reply {
    let number = |key: &str, default: usize| {
        ask.query
            .get(key)
            .and_then(|v| v.parse().ok())
            .unwrap_or(default)
    };
    let (size, page) = (number(size, 20).clamp(1, most), number("page", 1).max(1));
    let end = (page * size).min(items.len());
    let start = ((page - 1) * size).min(end);
    Reply {
        status: 200,
        next: end < items.len(),
        body: items[start..end].to_vec().into(),
    }
}

pub(crate) type Dialect = fn(&mut Store, &Ask<'_>) -> Reply;

/// How requests prove who they are: the header, and what stands before the token.
#[derive(Clone, Copy)]
pub(crate) struct Door {
    pub(crate) header: &'static str,
    pub(crate) prefix: &'static str,
}

struct Shared {
    store: Mutex<Store>,
    dialect: Dialect,
    door: Door,
}

/// A running forge; stopped when it is dropped.
pub(crate) struct Sim {
    pub(crate) runtime: Runtime,
    pub(crate) address: String,
    shared: Arc<Shared>,
}

impl Sim {
    pub(crate) fn start(dialect: Dialect, door: Door, pull: Value) -> Self {
        let user = |name: &str, may| (name.to_owned(), may);
        let store = Store {
            tokens: [
                (TOKEN.to_owned(), user(BOT, Permission::Write)),
                (READER.to_owned(), user("reader", Permission::Read)),
            ]
            .into(),
            members: [
                user("admin", Permission::Admin),
                user(BOT, Permission::Write),
                user("reader", Permission::Read),
            ]
            .into(),
            commits: [HEAD.to_owned(), BASE.to_owned()].into(),
            pulls: [(7, pull)].into(),
            most_statuses: 1000,
            ..Store::default()
        };
        let shared = Arc::new(Shared {
            store: Mutex::new(store),
            dialect,
            door,
        });
        let app = Router::new()
            .fallback(handle)
            .with_state(Arc::clone(&shared));
        let (runtime, address) = loopback::serve(app);
        Self {
            runtime,
            address,
            shared,
        }
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.shared.store.lock().unwrap()
    }

    /// The next request of this method meets this fault.
    pub(crate) fn fail(&self, method: Option<Method>, fault: Fault) {
        self.store().faults.push_back((method, fault));
    }
}

async fn handle(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut store = shared.store.lock().unwrap();
    store.requests.push(format!("{method} {uri}"));
    let fault = due(&mut store, &method).filter(|fault| !matches!(fault, Fault::Pass));
    if let Some(instead) = fault.as_ref().and_then(instead) {
        return instead;
    }
    let reply = answer(&mut store, &shared, (&method, &uri), &headers, &body);
    if fault.is_some() {
        return broken();
    }
    if method != Method::GET {
        return linked(respond(&reply, None), &reply, &uri);
    }
    let tag = format!(
        "\"{}\"",
        blake3::hash(format!("{}{}", reply.body, reply.next).as_bytes()).to_hex()
    );
    let known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|v| v.to_str().ok());
    if reply.status == 200 && known == Some(&tag) {
        store.not_modified += 1;
        return respond(&not_modified(), Some(&tag));
    }
    linked(respond(&reply, Some(&tag)), &reply, &uri)
}

/// The fault that this request meets, if any.
fn due(store: &mut Store, method: &Method) -> Option<Fault> {
    let (wanted, _) = store.faults.front()?;
    if wanted.as_ref().is_some_and(|wanted| wanted != method) {
        return None;
    }
    store.faults.pop_front().map(|(_, fault)| fault)
}

/// What is answered instead, where nothing is done.
fn instead(fault: &Fault) -> Option<Response> {
    match fault {
        Fault::Answer(status, header, body) => {
            let reply = Reply {
                status: *status,
                body: body.clone(),
                next: false,
            };
            let mut response = respond(&reply, None);
            if let Some((name, value)) = header {
                response.headers_mut().insert(*name, value.parse().unwrap());
            }
            Some(response)
        }
        Fault::Drop => Some(broken()),
        Fault::NotModified => Some(respond(&not_modified(), None)),
        Fault::Garbage => Some(Response::new(Body::from("<html>hello</html>"))),
        Fault::DoneAndDrop | Fault::Pass => None,
    }
}

fn not_modified() -> Reply {
    Reply {
        status: 304,
        body: Value::Null,
        next: false,
    }
}

/// Says where the next page is, or where the first one was.
fn linked(mut response: Response, reply: &Reply, uri: &Uri) -> Response {
    let link = if reply.next {
        format!("<http://127.0.0.1{uri}>; rel=\"next\"")
    } else if uri.query().is_some_and(|q| q.contains("page=")) {
        "<http://127.0.0.1/first>; rel=\"first\"".to_owned()
    } else {
        return response;
    };
    response
        .headers_mut()
        .insert(header::LINK, link.parse().unwrap());
    response
}

fn answer(
    store: &mut Store,
    shared: &Shared,
    (method, uri): (&Method, &Uri),
    headers: &HeaderMap,
    body: &Bytes,
) -> Reply {
    let given = headers
        .get(shared.door.header)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let token = given.strip_prefix(shared.door.prefix).unwrap_or_default();
    let jwt = uri
        .path()
        .starts_with("/app")
        .then(|| ("app".to_owned(), Permission::Admin));
    let Some((user, may)) = jwt.or_else(|| store.tokens.get(token).cloned()) else {
        return no(401, &format!("Bad credentials: {given}"));
    };
    let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let ask = Ask {
        method: method.clone(),
        path: uri.path().trim_matches('/').split('/').collect(),
        query: query.into_owned().collect(),
        body: serde_json::from_slice(body).unwrap_or_default(),
        user: if uri.path().starts_with("/app") {
            given.to_owned()
        } else {
            user
        },
    };
    if may < Permission::Write && *method != Method::GET {
        return no(403, "Resource not accessible by integration");
    }
    (shared.dialect)(store, &ask)
}

fn respond(reply: &Reply, tag: Option<&String>) -> Response {
    let text = if reply.body.is_null() {
        String::new()
    } else {
        reply.body.to_string()
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap();
    if let Some(tag) = tag {
        response
            .headers_mut()
            .insert(header::ETAG, tag.parse().unwrap());
    }
    response
}

/// A length that is never delivered.
fn broken() -> Response {
    let stream = futures::stream::iter([Ok(Bytes::from("{")), Err(std::io::Error::other("gone"))]);
    Response::new(Body::from_stream(stream))
}
