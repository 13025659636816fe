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

struct Open {
    body: Body,
    rest: Vec<u8>,
    key: ObjectKey,
    what: String,
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
        let opened = open(&link, places, &resource, key, &since).await;
        match opened {
            Ok(open) => stream::unfold(Some(open), next).boxed(),
            Err(problem) => stream::once(async { Err(problem) }).boxed(),
        }
    });
    opened.flatten().boxed()
}

async fn open(
    link: &Link,
    places: Arc<Semaphore>,
    resource: &Resource,
    key: ObjectKey,
    since: &str,
) -> Result<Open, Problem> {
    let path = resource.path(key.namespace.as_deref());
    let request = Request::watch(resource, &key.name, path, since);
    let what = request.what.clone();
    let problem = |kind, said: &str| Problem::new(kind, &what, said);
    let place = places
        .try_acquire_owned()
        .map_err(|_| problem(ProblemKind::Throttled, "too many watches are open"))?;
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
    Ok(Open {
        body: response.into_body(),
        rest: Vec::new(),
        key,
        what,
        _place: place,
    })
}

/// The next event; after an error, and at the end, nothing more.
async fn next(open: Option<Open>) -> Option<(Event, Option<Open>)> {
    let mut open = open?;
    loop {
        while let Some(line) = take_line(&mut open.rest) {
            match event(&line, &open) {
                Ok(Some(seen)) => return Some((Ok(seen), Some(open))),
                Ok(None) => {}
                Err(problem) => return Some((Err(problem), None)),
            }
        }
        let problem = |kind, said: &str| Some((Err(Problem::new(kind, &open.what, said)), None));
        let frame = match tokio::time::timeout(SILENCE, open.body.frame()).await {
            Err(_) => return problem(ProblemKind::Timeout, "the watch was silent for too long"),
            Ok(None) => return None,
            Ok(Some(Err(error))) => return problem(ProblemKind::BadAnswer, &chain(&error)),
            Ok(Some(Ok(frame))) => frame,
        };
        if let Ok(data) = frame.into_data() {
            open.rest.extend_from_slice(&data);
        }
        if open.rest.len() > MAX_LINE {
            return problem(ProblemKind::TooLarge, "an event is too large");
        }
    }
}

fn take_line(rest: &mut Vec<u8>) -> Option<Vec<u8>> {
    let end = rest.iter().position(|b| *b == b'\n')?;
    let line = rest.drain(..=end).collect();
    Some(line)
}

/// An event of our object; bookmarks say nothing.
fn event(line: &[u8], open: &Open) -> Result<Option<Seen>, Problem> {
    let problem = |kind, said: &str| Problem::new(kind, &open.what, said);
    let mut event: Value = serde_json::from_slice(line).map_err(|e| {
        problem(
            ProblemKind::BadAnswer,
            &format!("an event is not JSON ({e})"),
        )
    })?;
    let object = event.get_mut("object").map(Value::take).unwrap_or_default();
    match event.get("type").and_then(Value::as_str) {
        Some("ADDED" | "MODIFIED") => {
            live(object, &open.key, &open.what).map(|l| Some(Seen::Present(Box::new(l))))
        }
        Some("DELETED") => Ok(Some(Seen::Gone)),
        Some("BOOKMARK") => Ok(None),
        _ => {
            let message = object
                .get("message")
                .and_then(Value::as_str)
                .unwrap_or("no reason");
            let gone = object.get("code").and_then(Value::as_u64) == Some(410);
            let kind = if gone {
                ProblemKind::Stale
            } else {
                ProblemKind::Server
            };
            Err(problem(kind, &format!("the watch ended: {message}")))
        }
    }
}
