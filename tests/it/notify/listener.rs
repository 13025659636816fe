//! A receiver of notices on loopback, which writes down what it hears and can misbehave.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::loopback;

/// How it answers.
#[derive(Debug, Clone)]
pub(crate) enum Mood {
    /// 200 and `ok`.
    Fine,
    /// 200 and this.
    Body(Value),
    /// 200 and this.
    Text(&'static str),
    /// This status, and when to come again.
    Status(u16, Option<&'static str>),
    /// This status, and the address that was called.
    Echo(u16),
    /// Sends the caller to another address.
    Redirect(u16, String),
    /// Never answers.
    Hang,
    /// Answers with more than anybody reads.
    Endless,
    /// Breaks the answer off.
    Drop,
}

/// One call.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) body: Bytes,
    headers: HeaderMap,
    uri: Uri,
}

impl Heard {
    /// A header; empty if it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    /// What stands in the query, decoded; empty if it is not there.
    pub(crate) fn query(&self, name: &str) -> String {
        let url = url::Url::parse(&format!("http://here{}", self.uri)).unwrap();
        let mut pairs = url.query_pairs();
        let found = pairs.find(|(key, _)| key == name);
        found
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    }

    /// The body.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

#[derive(Debug)]
struct Shared {
    mood: Mutex<Mood>,
    next: Mutex<VecDeque<Mood>>,
    heard: Mutex<Vec<Heard>>,
}

/// A running receiver; stopped when it is dropped.
pub(crate) struct Listener {
    pub(crate) runtime: Runtime,
    pub(crate) address: String,
    shared: Arc<Shared>,
}

impl Listener {
    pub(crate) fn start() -> Self {
        let shared = Arc::new(Shared {
            mood: Mutex::new(Mood::Fine),
            next: Mutex::default(),
            heard: Mutex::default(),
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

    /// Answers so from now on.
    pub(crate) fn answers(&self, mood: Mood) {
        *self.shared.mood.lock().unwrap() = mood;
    }

    /// Answers the next call so, and only that one.
    pub(crate) fn meets(&self, mood: Mood) {
        self.shared.next.lock().unwrap().push_back(mood);
    }

    /// What it heard so far.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.shared.heard.lock().unwrap().clone()
    }
}

async fn handle(
    State(shared): State<Arc<Shared>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let echo = uri.to_string();
    shared
        .heard
        .lock()
        .unwrap()
        .push(Heard { body, headers, uri });
    let next = shared.next.lock().unwrap().pop_front();
    let mood = next.unwrap_or_else(|| shared.mood.lock().unwrap().clone());
    let answer = |status: u16| Response::builder().status(status);
    let built = match mood {
        Mood::Fine => answer(200).body(Body::from("ok")),
        Mood::Body(value) => answer(200).body(Body::from(value.to_string())),
        Mood::Text(text) => answer(200).body(Body::from(text)),
        Mood::Status(status, again) => {
            let answer = answer(status);
            let answer = again
                .into_iter()
                .fold(answer, |answer, again| answer.header("retry-after", again));
            answer.body(Body::from("no"))
        }
        Mood::Echo(status) => answer(status).body(Body::from(format!("no such thing: {echo}"))),
        Mood::Redirect(status, to) => answer(status)
            .header("location", format!("{to}{echo}"))
            .body(Body::empty()),
        Mood::Hang => std::future::pending().await,
        Mood::Endless => answer(200).body(Body::from("x".repeat(1024 * 1024))),
        Mood::Drop => {
            let parts = [
                Ok(Bytes::from_static(b"o")),
                Err(std::io::Error::other("broken")),
            ];
            answer(200).body(Body::from_stream(futures::stream::iter(parts)))
        }
    };
    built.unwrap()
}
