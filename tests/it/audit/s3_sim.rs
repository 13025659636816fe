//! A small S3 store on loopback: signatures of version 4, conditions on writes, locks, pages of lists, and
//! faults on demand. What is not signed over exactly as it arrived is refused.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use tokio::runtime::Runtime;

use crate::loopback;

pub(super) const KEY: &str = "AKIDKUBEMATE";
pub(super) const SECRET: &str = "s3cret-of-the-store-0123456789";
/// Keys on one page of a list.
const PAGE: usize = 7;

/// What happens to one request.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// Nothing: the fault is for a later request.
    Pass,
    /// This status; nothing is done.
    Status(u16),
    /// The connection breaks; nothing is done.
    Drop,
    /// It is done, and then the connection breaks.
    DoneAndDrop,
    /// It is done after a while.
    Slow(Duration),
}

#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) bytes: Vec<u8>,
    pub(super) locked: bool,
}

impl Object {
    fn tag(&self) -> String {
        format!("\"{}\"", &blake3::hash(&self.bytes).to_hex()[..32])
    }
}

#[derive(Debug, Default)]
pub(super) struct Store {
    pub(super) objects: BTreeMap<String, Object>,
    /// Methods and paths, in order.
    pub(super) requests: Vec<String>,
    pub(super) faults: VecDeque<(Method, Fault)>,
    /// Everything of this method meets this.
    pub(super) always: Option<(Method, u16)>,
    /// It writes over what is there, whatever is asked.
    pub(super) deaf: bool,
}

/// A running store with one bucket, `audit`; stopped when it is dropped.
pub(super) struct Sim {
    pub(super) runtime: Runtime,
    pub(super) address: String,
    store: Arc<Mutex<Store>>,
}

impl Sim {
    pub(super) fn start() -> Self {
        let store = Arc::new(Mutex::new(Store::default()));
        let app = Router::new()
            .fallback(handle)
            .with_state(Arc::clone(&store));
        let (runtime, address) = loopback::serve(app);
        Self {
            runtime,
            address,
            store,
        }
    }

    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap()
    }

    pub(super) fn fail(&self, method: Method, fault: Fault) {
        self.store().faults.push_back((method, fault));
    }
}

async fn handle(
    State(store): State<Arc<Mutex<Store>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let fault = {
        let mut store = store.lock().unwrap();
        store.requests.push(format!("{method} {uri}"));
        if let Some((which, status)) = &store.always
            && *which == method
        {
            return error(*status, "SlowDown");
        }
        match store.faults.front() {
            Some((which, _)) if *which == method => store.faults.pop_front().map(|(_, f)| f),
            _ => None,
        }
    };
    match &fault {
        Some(Fault::Status(status)) => return error(*status, "ServiceUnavailable"),
        Some(Fault::Drop) => return broken(),
        Some(Fault::Slow(time)) => tokio::time::sleep(*time).await,
        Some(Fault::DoneAndDrop | Fault::Pass) | None => {}
    }
    if let Err(why) = signed(&method, &uri, &headers, &body) {
        return error(403, &why);
    }
    let answer = answer(&mut store.lock().unwrap(), (&method, &uri), &headers, &body);
    match fault {
        Some(Fault::DoneAndDrop) => broken(),
        _ => answer,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// Checks a signature of version 4 over everything that arrived.
fn signed(method: &Method, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Result<(), String> {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
    };
    let given = text("authorization")
        .strip_prefix("AWS4-HMAC-SHA256 ")
        .ok_or("AccessDenied")?;
    let parts: BTreeMap<&str, &str> = given
        .split(',')
        .filter_map(|part| part.trim().split_once('='))
        .collect();
    let scope: Vec<&str> = parts
        .get("Credential")
        .ok_or("AccessDenied")?
        .split('/')
        .collect();
    let [key, day, region, "s3", "aws4_request"] = scope.as_slice() else {
        return Err("AuthorizationHeaderMalformed".to_owned());
    };
    if *key != KEY {
        return Err("InvalidAccessKeyId".to_owned());
    }
    let digest = hex(&Sha256::digest(body));
    if text("x-amz-content-sha256") != digest {
        return Err("XAmzContentSHA256Mismatch".to_owned());
    }
    let names = parts.get("SignedHeaders").ok_or("AccessDenied")?;
    let all: Vec<&str> = names.split(';').collect();
    if !covers(&all, headers) {
        return Err("AccessDenied: a header is not signed".to_owned());
    }
    let canonical: String = all
        .iter()
        .map(|name| format!("{name}:{}\n", text(name).trim()))
        .collect();
    let (path, query) = (uri.path(), sorted(uri));
    let request = format!("{method}\n{path}\n{query}\n{canonical}\n{names}\n{digest}");
    let date = text("x-amz-date");
    let scope = format!("{day}/{region}/s3/aws4_request");
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{date}\n{scope}\n{}",
        hex(&Sha256::digest(request.as_bytes()))
    );
    let mut key = hmac(format!("AWS4{SECRET}").as_bytes(), day);
    for part in [*region, "s3", "aws4_request"] {
        key = hmac(&key, part);
    }
    let expected = hex(&hmac(&key, &to_sign));
    let same = parts.get("Signature") == Some(&expected.as_str());
    let wrong = || "SignatureDoesNotMatch".to_owned();
    (same && date.starts_with(day))
        .then_some(())
        .ok_or_else(wrong)
}

/// The query in its order.
fn sorted(uri: &Uri) -> String {
    let whole = |pair: &str| match pair.contains('=') || pair.is_empty() {
        true => pair.to_owned(),
        false => format!("{pair}="),
    };
    let pairs = uri.query().unwrap_or_default().split('&');
    let mut pairs: Vec<String> = pairs.map(whole).collect();
    pairs.sort();
    pairs.join("&")
}

/// Whether everything that decides about a write is signed over as well.
fn covers(signed: &[&str], headers: &HeaderMap) -> bool {
    let decides =
        |name: &&str| name.starts_with("x-amz-") || ["if-match", "if-none-match"].contains(name);
    let needed = ["host", "x-amz-content-sha256", "x-amz-date"].into_iter();
    let present = headers.keys().map(|name| name.as_str()).filter(decides);
    needed.chain(present).all(|name| signed.contains(&name))
}

fn answer(
    store: &mut Store,
    (method, uri): (&Method, &Uri),
    headers: &HeaderMap,
    body: &Bytes,
) -> Response {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    let Some(rest) = uri.path().strip_prefix("/audit") else {
        return error(404, "NoSuchBucket");
    };
    let key = rest.trim_start_matches('/').to_owned();
    match method.as_str() {
        "GET" if key.is_empty() => list(store, uri),
        "GET" => match store.objects.get(&key) {
            Some(object) => Response::builder()
                .header("etag", object.tag())
                .body(Body::from(object.bytes.clone()))
                .unwrap(),
            None => error(404, "NoSuchKey"),
        },
        "PUT" => {
            let known = store.objects.get(&key);
            if text("if-none-match") == Some("*") && known.is_some() && !store.deaf {
                return error(412, "PreconditionFailed");
            }
            if let Some(tag) = text("if-match") {
                match known {
                    None => return error(404, "NoSuchKey"),
                    Some(object) if object.tag() != tag => return error(412, "PreconditionFailed"),
                    Some(_) => {}
                }
            }
            if known.is_some_and(|object| object.locked) {
                return error(403, "AccessDenied");
            }
            let locked = text("x-amz-object-lock-mode").is_some();
            if locked {
                let checked = headers
                    .keys()
                    .any(|n| n.as_str().starts_with("x-amz-checksum-"));
                if !checked || text("x-amz-object-lock-retain-until-date").is_none() {
                    return error(400, "InvalidRequest");
                }
            }
            let object = Object {
                bytes: body.to_vec(),
                locked,
            };
            let tag = object.tag();
            store.objects.insert(key, object);
            Response::builder()
                .header("etag", tag)
                .body(Body::empty())
                .unwrap()
        }
        _ => error(405, "MethodNotAllowed"),
    }
}

fn list(store: &Store, uri: &Uri) -> Response {
    let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let query: BTreeMap<String, String> = query.into_owned().collect();
    if query.get("list-type").map(String::as_str) != Some("2") {
        return error(400, "InvalidArgument");
    }
    let prefix = query.get("prefix").cloned().unwrap_or_default();
    let after = query.get("continuation-token").cloned().unwrap_or_default();
    let keys = store
        .objects
        .keys()
        .filter(|key| key.starts_with(&prefix) && **key > after);
    let keys: Vec<&String> = keys.collect();
    let page = &keys[..keys.len().min(PAGE)];
    let items: String = page
        .iter()
        .map(|key| format!("<Contents><Key>{key}</Key></Contents>"))
        .collect();
    let more = match page.last().filter(|_| keys.len() > PAGE) {
        Some(last) => format!(
            "<IsTruncated>true</IsTruncated><NextContinuationToken>{last}</NextContinuationToken>"
        ),
        None => "<IsTruncated>false</IsTruncated>".to_owned(),
    };
    let xml = format!("<?xml version=\"1.0\"?><ListBucketResult>{more}{items}</ListBucketResult>");
    Response::new(Body::from(xml))
}

fn error(status: u16, code: &str) -> Response {
    let xml = format!(
        "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{code}</Message></Error>"
    );
    let mut response = Response::new(Body::from(xml));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

/// A length that is never delivered.
fn broken() -> Response {
    let stream = futures::stream::iter([Ok(Bytes::from("<")), Err(std::io::Error::other("gone"))]);
    Response::new(Body::from_stream(stream))
}
