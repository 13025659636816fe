//! A watch of one object as a stream of what was seen. It ends at the first trouble, and whoever
//! listens reads the object again; it never repeats itself.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use http_body_util::BodyExt as _;
use kube::client::Body;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::adapters::cluster::client::{Link, chain};
use crate::adapters::cluster::discovery::Resource;
use crate::adapters::cluster::live;
use crate::adapters::cluster::request::Request;
use crate::apply::cluster::{Identity, Seen};
use crate::apply::problem::{Problem, ProblemKind};
use crate::object::ObjectKey;

/// Watches at once; each holds a connection. Whoever gets none reads from time to time.
pub(super) const MAX_WATCHES: usize = 96;
/// The longest event that is read.
const MAX_LINE: usize = 8 * 1024 * 1024;
/// For how long a watch may be silent: the server ends it after 290 seconds.
const SILENCE: Duration = Duration::from_mins(5);
/// For how long opening may take.
const OPENING: Duration = Duration::from_secs(15);

/// An open watch.
pub(super) struct Open {
    body: Body,
    rest: Vec<u8>,
    what: String,
    silence: Duration,
}

/// What a watch says.
pub(super) enum Raw {
    /// The object is new or another one than before.
    Set(Value),
    /// It is gone, or not selected any more.
    Gone(Value),
    /// Nothing happened until this version.
    Bookmark(Value),
}

/// A watch of one object.
struct One {
    open: Open,
    key: ObjectKey,
    _place: OwnedSemaphorePermit,
}

type Event = Result<Seen, Problem>;

/// Watches one object from a resourceVersion on.
pub(super) fn watch(
    link: Arc<Link>,
    places: Arc<Semaphore>,
    resource: Resource,
    (key, since): (ObjectKey, String),
) -> BoxStream<'static, Event> {
    let opened = stream::once(async move {
        let path = resource.path(key.namespace.as_deref());
        let request = Request::watch(&resource, &key.name, path, &since);
        let full = || {
            let said = "too many watches are open";
            Problem::new(ProblemKind::Throttled, &request.what, said)
        };
        let opened = match places.try_acquire_owned() {
            Ok(place) => Open::open(&link, &request, SILENCE)
                .await
                .map(|open| (open, place)),
            Err(_) => Err(full()),
        };
        match opened {
            Ok((open, _place)) => {
                stream::unfold(Some(One { open, key, _place }), next).boxed()
            }
            Err(problem) => stream::once(async { Err(problem) }).boxed(),
        }
    });
    opened.flatten().boxed()
}

/// The next event; after an error, and at the end, nothing more.
async fn next(one: Option<One>) -> Option<(Event, Option<One>)> {
    let mut one = one?;
    loop {
        let seen = match one.open.next().await? {
            Ok(Raw::Set(object)) => live(object, &one.key, &one.open.what)
                .map(|live| Seen::Present(Box::new(live))),
            Ok(Raw::Gone(_)) => Ok(Seen::Gone),
            Ok(Raw::Bookmark(_)) => continue,
            Err(problem) => Err(problem),
        };
        let more = seen.is_ok().then_some(one);
        return Some((seen, more));
    }
}

impl Open {
    /// Opens a watch that may be silent for so long.
    pub(super) async fn open(
        link: &Link,
        request: &Request,
        silence: Duration,
    ) -> Result<Self, Problem> {
        let what = request.what.clone();
        let problem = |kind, said: &str| Problem::new(kind, &what, said);
        let client = link.client(&Identity::Own, &what)?;
        let built = http::Request::get(request.uri())
            .body(Body::empty())
            .map_err(|e| problem(ProblemKind::BadAnswer, &e.to_string()))?;
        let response = tokio::time::timeout(OPENING, client.send(built))
            .await
            .map_err(|_| {
                problem(
                    ProblemKind::Timeout,
                    "the API server did not answer in time",
                )
            })?
            .map_err(|e| problem(ProblemKind::NoCluster, &chain(&e)))?;
        let status = response.status();
        if !status.is_success() {
            let kind = if status.as_u16() == 410 {
                ProblemKind::Stale
            } else {
                ProblemKind::Server
            };
            return Err(problem(kind, &format!("the API server answered {status}")));
        }
        Ok(Self {
            body: response.into_body(),
            rest: Vec::new(),
            what,
            silence,
        })
    }

    /// The next event; none at the end. After an error it is not asked again.
    pub(super) async fn next(&mut self) -> Option<Result<Raw, Problem>> {
        let what = self.what.clone();
        let problem = |kind, said: &str| Some(Err(Problem::new(kind, &what, said)));
        loop {
            if let Some(line) = take_line(&mut self.rest) {
                return Some(event(&line, &what));
            }
            let frame = match tokio::time::timeout(self.silence, self.body.frame()).await {
                Err(_) => {
                    return problem(ProblemKind::Timeout, "the watch was silent for too long");
                }
                Ok(None) => return None,
                Ok(Some(Err(error))) => return problem(ProblemKind::BadAnswer, &chain(&error)),
                Ok(Some(Ok(frame))) => frame,
            };
            if let Ok(data) = frame.into_data() {
                self.rest.extend_from_slice(&data);
            }
            if self.rest.len() > MAX_LINE {
                return problem(ProblemKind::TooLarge, "an event is too large");
            }
        }
    }
}

fn take_line(rest: &mut Vec<u8>) -> Option<Vec<u8>> {
    let end = rest.iter().position(|b| *b == b'\n')?;
    let line = rest.drain(..=end).collect();
    Some(line)
}

fn event(line: &[u8], what: &str) -> Result<Raw, Problem> {
    let problem = |kind, said: String| Problem::new(kind, what, said);
    let mut event: Value = serde_json::from_slice(line).map_err(|e| {
        problem(
            ProblemKind::BadAnswer,
            format!("an event is not JSON ({e})"),
        )
    })?;
    let object = event.get_mut("object").map(Value::take).unwrap_or_default();
    match event.get("type").and_then(Value::as_str) {
        Some("ADDED" | "MODIFIED") => Ok(Raw::Set(object)),
        Some("DELETED") => Ok(Raw::Gone(object)),
        Some("BOOKMARK") => Ok(Raw::Bookmark(object)),
        _ => {
            let message = object.get("message").and_then(Value::as_str);
            let message = message.unwrap_or("no reason");
            let gone = object.get("code").and_then(Value::as_u64) == Some(410);
            let kind = if gone {
                ProblemKind::Stale
            } else {
                ProblemKind::Server
            };
            Err(problem(kind, format!("the watch ended: {message}")))
        }
    }
}
