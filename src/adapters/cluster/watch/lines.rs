//! The answer to a watch, line by line. It ends at the first trouble and never repeats itself.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use kube::client::Body;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::adapters::cluster::client::{Link, chain};
use crate::adapters::cluster::request::Request;
use crate::apply::cluster::Identity;
use crate::apply::problem::{Problem, ProblemKind};

/// The longest event that is read.
const MAX_LINE: usize = 8 * 1024 * 1024;
/// For how long a watch may be silent: the server ends it after 290 seconds.
const SILENCE: Duration = Duration::from_mins(5);
/// For how long opening may take.
const OPENING: Duration = Duration::from_secs(15);

/// One event.
pub(in crate::adapters::cluster) enum Change {
    /// The object is so now.
    Now(Value),
    /// The object is not among what was selected any more; it was so.
    Gone(Value),
    /// Nothing happened up to this version.
    Bookmark(String),
}

/// An open watch.
pub(in crate::adapters::cluster) struct Lines {
    body: Body,
    rest: Vec<u8>,
    /// How much of `rest` was searched for the end of a line.
    searched: usize,
    what: String,
    over: bool,
    silence: Duration,
    _place: OwnedSemaphorePermit,
}

impl Lines {
    /// Sends the request; holds a place among all watches until it is dropped.
    pub(in crate::adapters::cluster) async fn open(
        link: &Link,
        places: &Arc<Semaphore>,
        request: Request,
    ) -> Result<Self, Problem> {
        let what = request.what.clone();
        let problem = |kind, said: &str| Problem::new(kind, &what, said);
        let place = Arc::clone(places)
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
            let kind = match status.as_u16() {
                410 => ProblemKind::Stale,
                401 | 403 => ProblemKind::Forbidden,
                _ => ProblemKind::Server,
            };
            return Err(problem(kind, &format!("the API server answered {status}")));
        }
        Ok(Self {
            body: response.into_body(),
            rest: Vec::new(),
            searched: 0,
            what,
            over: false,
            silence: SILENCE,
            _place: place,
        })
    }

    /// The same, for a server that may be silent for so long.
    pub(in crate::adapters::cluster) fn silent_for(self, silence: Duration) -> Self {
        Self { silence, ..self }
    }

    /// What is watched, as in an error.
    pub(in crate::adapters::cluster) fn what(&self) -> &str {
        &self.what
    }

    /// The next event; after an error, and at the end, nothing more.
    pub(in crate::adapters::cluster) async fn next(&mut self) -> Option<Result<Change, Problem>> {
        while !self.over {
            if let Some(line) = self.take_line() {
                let change = self.change(&line);
                self.over = change.is_err();
                return Some(change);
            }
            if let Err(problem) = self.more().await {
                self.over = true;
                return Some(Err(problem));
            }
        }
        None
    }

    /// Reads on; the end of the answer is the end of the watch.
    async fn more(&mut self) -> Result<(), Problem> {
        let problem = |kind, said: &str| Err(Problem::new(kind, &self.what, said));
        let frame = match tokio::time::timeout(self.silence, self.body.frame()).await {
            Err(_) => return problem(ProblemKind::Timeout, "the watch was silent for too long"),
            Ok(Some(Err(error))) => return problem(ProblemKind::BadAnswer, &chain(&error)),
            Ok(None) => {
                self.over = true;
                return Ok(());
            }
            Ok(Some(Ok(frame))) => frame,
        };
        if let Ok(data) = frame.into_data() {
            self.rest.extend_from_slice(&data);
        }
        if self.rest.len() > MAX_LINE {
            return problem(ProblemKind::TooLarge, "an event is too large");
        }
        Ok(())
    }

    fn take_line(&mut self) -> Option<Vec<u8>> {
        let fresh = self.rest.get(self.searched..)?;
        match fresh.iter().position(|b| *b == b'\n') {
            Some(end) => {
                let line = self.rest.drain(..=self.searched + end).collect();
                self.searched = 0;
                Some(line)
            }
            None => {
                self.searched = self.rest.len();
                None
            }
        }
    }

    fn change(&self, line: &[u8]) -> Result<Change, Problem> {
        let problem = |kind, said: &str| Problem::new(kind, &self.what, said);
        let mut event: Value = serde_json::from_slice(line).map_err(|e| {
            let said = format!("an event is not JSON ({e})");
            problem(ProblemKind::BadAnswer, &said)
        })?;
        let object = event.get_mut("object").map(Value::take).unwrap_or_default();
        match event.get("type").and_then(Value::as_str) {
            Some("ADDED" | "MODIFIED") => Ok(Change::Now(object)),
            Some("DELETED") => Ok(Change::Gone(object)),
            Some("BOOKMARK") => {
                let version = object.pointer("/metadata/resourceVersion");
                let version = version.and_then(Value::as_str);
                Ok(Change::Bookmark(version.unwrap_or_default().to_owned()))
            }
            _ => {
                let message = object.get("message").and_then(Value::as_str);
                let gone = object.get("code").and_then(Value::as_u64) == Some(410);
                let kind = if gone {
                    ProblemKind::Stale
                } else {
                    ProblemKind::Server
                };
                let said = format!("the watch ended: {}", message.unwrap_or("no reason"));
                Err(problem(kind, &said))
            }
        }
    }
}
