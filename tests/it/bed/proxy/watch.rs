//! Watch streams: one JSON event per line, some of which a rule leaves out, repeats or replaces.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::stream;
use http::{Response, header};
use http_body_util::BodyExt as _;
use serde_json::json;
use tokio::time::sleep;

use super::forward::{Body, CutOff, streamed};
use super::rule::{LONGEST, WatchFault};

/// The answer to a watch, broken.
pub(super) fn broken(answer: Response<Body>, fault: WatchFault) -> Response<Body> {
    let (mut head, body) = answer.into_parts();
    head.headers.remove(header::CONTENT_LENGTH);
    let events = Events {
        body,
        buffer: BytesMut::new(),
        ready: VecDeque::new(),
        held: None,
        seen: 0,
        over: false,
        fault,
    };
    let chunks = stream::unfold(events, |mut events| async move {
        let next = events.next().await?;
        Some((next, events))
    });
    Response::from_parts(head, streamed(chunks))
}

struct Events {
    body: Body,
    buffer: BytesMut,
    ready: VecDeque<Bytes>,
    held: Option<Bytes>,
    seen: usize,
    over: bool,
    fault: WatchFault,
}

impl Events {
    /// The next line for the client, or the end.
    async fn next(&mut self) -> Option<Result<Bytes, CutOff>> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Some(Ok(line));
            }
            if self.over {
                return None;
            }
            self.between().await;
            if self.over || !self.ready.is_empty() {
                continue;
            }
            match self.line().await {
                Ok(Some(line)) => {
                    self.seen += 1;
                    self.judge(line);
                }
                Ok(None) => {
                    self.over = true;
                    self.ready.extend(self.held.take());
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// What the fault does before the server's next event is waited for.
    async fn between(&mut self) {
        match self.fault {
            WatchFault::CloseAfter(count) if self.seen >= count => self.over = true,
            WatchFault::ErrorAfter(count, code) if self.seen >= count => {
                self.over = true;
                self.ready.push_back(error_event(code));
            }
            WatchFault::StallAfter(count, time) if self.seen >= count => {
                sleep(time.min(LONGEST)).await;
                self.fault = WatchFault::StallAfter(usize::MAX, Duration::ZERO);
            }
            WatchFault::CloseAfter(_)
            | WatchFault::ErrorAfter(..)
            | WatchFault::StallAfter(..)
            | WatchFault::Drop(_)
            | WatchFault::Duplicate(_)
            | WatchFault::Swap(_) => {}
        }
    }

    /// What the fault makes of one event of the server.
    fn judge(&mut self, line: Bytes) {
        match self.fault {
            WatchFault::Drop(at) if self.seen == at => {}
            WatchFault::Duplicate(at) if self.seen == at => {
                self.ready.extend([line.clone(), line]);
            }
            WatchFault::Swap(at) if self.seen == at => self.held = Some(line),
            _ => {
                self.ready.push_back(line);
                self.ready.extend(self.held.take());
            }
        }
    }

    /// One whole line of the server's stream, with its end.
    async fn line(&mut self) -> Result<Option<Bytes>, CutOff> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                return Ok(Some(self.buffer.split_to(end + 1).freeze()));
            }
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
                Some(Err(error)) => return Err(error),
                None => return Ok(None),
            }
        }
    }
}

/// An ERROR event as the API server sends it; 410 says that the history is gone.
fn error_event(code: u16) -> Bytes {
    let reason = if code == 410 {
        "Expired"
    } else {
        "InternalError"
    };
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "made up by a test", "reason": reason, "code": code,
    });
    format!("{}\n", json!({ "type": "ERROR", "object": status })).into()
}
