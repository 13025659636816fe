//! One call: record it, ask the rules, pass it on, and bring back what the rules leave of the answer.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::Shared;
use super::call::{Call, Verb};
use super::rule::{Fault, LONGEST};
use super::upstream::Pools;
use super::watch;

const LARGEST: usize = 64 * 1024 * 1024;
const DRIPPED: usize = 1024;

/// Why a connection is cut.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct CutOff(String);

pub(super) type Body = UnsyncBoxBody<Bytes, CutOff>;

/// What the connections of a proxy need to pass calls on.
pub(super) struct Forwarder {
    shared: Arc<Shared>,
    pools: Pools,
}

impl Forwarder {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let pools = shared.upstream.pools();
        Self { shared, pools }
    }

    /// Writes something about a call into the record, if the record still has it.
    fn note(&self, call: &Call, note: impl FnOnce(&mut Call)) {
        let mut calls = self.shared.calls();
        let found = calls
            .get_mut(call.index)
            .filter(|recorded| recorded.at == call.at);
        if let Some(recorded) = found {
            note(recorded);
        }
    }
}

/// Handles one call; an error cuts the connection.
pub(super) async fn forward(
    forwarder: Arc<Forwarder>,
    request: Request<Incoming>,
) -> Result<Response<Body>, CutOff> {
    let (parts, body) = request.into_parts();
    let body = collect(body).await?;
    let mut call = Call::of(&parts, body.clone());
    let faults = {
        let mut rules = forwarder.shared.rules();
        let faults = rules.judge(&call);
        call.faults = faults.iter().map(Fault::name).collect();
        faults
    };
    {
        let mut calls = forwarder.shared.calls();
        call.index = calls.len();
        calls.push(call.clone());
    }
    for fault in &faults {
        if let Some(answer) = before(fault).await? {
            forwarder.note(&call, |call| call.status = Some(answer.status().as_u16()));
            return Ok(answer);
        }
    }
    let answer = pass_on(&forwarder, &call, parts, body).await?;
    let answer = broken(&call, answer, &faults).await?;
    forwarder.note(&call, |call| {
        call.status = Some(answer.status().as_u16());
        call.took = Some(call.at.elapsed());
    });
    Ok(answer)
}

/// What happens before the server sees the call: an answer means that it never does.
async fn before(fault: &Fault) -> Result<Option<Response<Body>>, CutOff> {
    match fault {
        Fault::Status(code, headers) => Ok(Some(refusal(*code, headers))),
        Fault::Said(code, words) => Ok(Some(worded(*code, words, &[]))),
        Fault::Html => Ok(Some(answered(
            "text/html",
            "<!DOCTYPE html><html><body>Sign in</body></html>",
        ))),
        Fault::Body(text) => Ok(Some(answered("application/json", text))),
        Fault::Delay(time) => {
            sleep((*time).min(LONGEST)).await;
            Ok(None)
        }
        Fault::BlackHole(time) => {
            sleep((*time).min(LONGEST)).await;
            Err(CutOff("black hole".into()))
        }
        Fault::ResetBefore => Err(CutOff("reset before the call".into())),
        Fault::PauseBefore(gate) => {
            gate.pass().await;
            Ok(None)
        }
        Fault::StatusAfter(_)
        | Fault::ResetAfter
        | Fault::Truncate(_)
        | Fault::Drip(_)
        | Fault::WithoutGroup(_)
        | Fault::Watch(_)
        | Fault::PauseAfter(_) => Ok(None),
    }
}

async fn pass_on(
    forwarder: &Forwarder,
    call: &Call,
    mut parts: http::request::Parts,
    body: Bytes,
) -> Result<Response<Incoming>, CutOff> {
    if call.faults.contains(&"WithoutGroup") {
        // The answer is going to be read here.
        parts.headers.remove(header::ACCEPT_ENCODING);
    }
    let sent = forwarder.pools.send(parts, body);
    // A watch answers at once as well; only its body takes long.
    let answer = timeout(LONGEST, sent)
        .await
        .map_err(|_| CutOff("the server is silent".into()))?;
    let answer = answer.map_err(CutOff)?;
    forwarder.note(call, |call| {
        call.upstream_status = Some(answer.status().as_u16());
    });
    Ok(answer)
}

/// What happens to an answer of the server.
async fn broken(
    call: &Call,
    answer: Response<Incoming>,
    faults: &[Fault],
) -> Result<Response<Body>, CutOff> {
    let mut answer = answer.map(|body| {
        body.map_err(|error| CutOff(error.to_string()))
            .boxed_unsync()
    });
    for fault in faults {
        answer = match fault {
            Fault::StatusAfter(code) => {
                collect(answer.into_body()).await?;
                refusal(*code, &[])
            }
            Fault::ResetAfter => {
                collect(answer.into_body()).await?;
                return Err(CutOff("reset after the call".into()));
            }
            Fault::PauseAfter(gate) => {
                // The effect is complete once the whole answer is here.
                let (head, body) = answer.into_parts();
                let body = collect(body).await?;
                gate.pass().await;
                Response::from_parts(head, full(body))
            }
            Fault::Truncate(length) => truncated(answer, *length).await?,
            Fault::Drip(pause) => dripped(answer, (*pause).min(LONGEST)).await?,
            Fault::WithoutGroup(group) => smaller(call, answer, group).await?,
            Fault::Watch(fault) if call.verb == Verb::Watch => watch::broken(answer, fault.clone()),
            Fault::Watch(_)
            | Fault::Delay(_)
            | Fault::PauseBefore(_)
            | Fault::Status(..)
            | Fault::Said(..)
            | Fault::ResetBefore
            | Fault::Html
            | Fault::Body(_)
            | Fault::BlackHole(_) => answer,
        };
    }
    Ok(answer)
}

/// Reads a body to its end, within limits of size and time.
async fn collect<B>(body: B) -> Result<Bytes, CutOff>
where
    B: hyper::body::Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let limited = Limited::new(body, LARGEST).collect();
    let read = timeout(LONGEST, limited)
        .await
        .map_err(|_| CutOff("a body never ended".into()))?;
    Ok(read.map_err(|error| CutOff(error.to_string()))?.to_bytes())
}

pub(super) fn full(body: impl Into<Bytes>) -> Body {
    Full::new(body.into())
        .map_err(|never: Infallible| match never {})
        .boxed_unsync()
}

/// A body made of chunks with pauses, which may end with a cut.
pub(super) fn streamed(
    chunks: impl futures::Stream<Item = Result<Bytes, CutOff>> + Send + 'static,
) -> Body {
    StreamBody::new(chunks.map(|chunk| chunk.map(Frame::data))).boxed_unsync()
}

fn answered(kind: &'static str, text: &str) -> Response<Body> {
    let mut answer = Response::new(full(text.to_owned()));
    answer
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

/// An error in the form that the API server gives it.
fn refusal(code: u16, headers: &[(&'static str, String)]) -> Response<Body> {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    worded(code, &format!("made up by a test: {status}"), headers)
}

fn worded(code: u16, words: &str, headers: &[(&'static str, String)]) -> Response<Body> {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let reason = match code {
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        409 => "Conflict",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        504 => "Timeout",
        _ => "InternalError",
    };
    let mut body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": words, "reason": reason, "code": code,
    });
    let wait = headers.iter().find(|(name, _)| *name == "retry-after");
    if let Some(seconds) = wait.and_then(|(_, value)| value.parse::<u32>().ok()) {
        body["details"] = json!({ "retryAfterSeconds": seconds });
    }
    let mut answer = answered("application/json", &body.to_string());
    *answer.status_mut() = status;
    for (name, value) in headers {
        let value = HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static(""));
        answer
            .headers_mut()
            .insert(HeaderName::from_static(name), value);
    }
    answer
}

async fn truncated(answer: Response<Body>, length: usize) -> Result<Response<Body>, CutOff> {
    let (mut head, body) = answer.into_parts();
    let body = collect(body).await?;
    // The full length stays announced, so that the cut can be noticed.
    head.headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    let kept = body.slice(..length.min(body.len()));
    let cut = async {
        // Time for the kept bytes to leave before the connection ends.
        sleep(Duration::from_millis(50)).await;
        Err(CutOff("truncated".into()))
    };
    let chunks = futures::stream::iter([Ok(kept)]).chain(futures::stream::once(cut));
    Ok(Response::from_parts(head, streamed(chunks)))
}

async fn dripped(answer: Response<Body>, pause: Duration) -> Result<Response<Body>, CutOff> {
    let (head, body) = answer.into_parts();
    let body = collect(body).await?;
    let slow = body.len().min(DRIPPED);
    let rest = body.slice(slow..);
    let drops = futures::stream::iter(0..slow).then(move |at| {
        let drop = body.slice(at..=at);
        async move {
            sleep(pause).await;
            Ok(drop)
        }
    });
    Ok(Response::from_parts(
        head,
        streamed(drops.chain(futures::stream::iter([Ok(rest)]))),
    ))
}

/// A discovery answer from which one API group is missing; other answers stay as they are.
async fn smaller(
    call: &Call,
    answer: Response<Body>,
    group: &str,
) -> Result<Response<Body>, CutOff> {
    let about_group =
        call.path.starts_with(&format!("/apis/{group}/")) || call.path == format!("/apis/{group}");
    if about_group && call.target.resource.is_empty() {
        return Ok(refusal(404, &[]));
    }
    if call.path != "/apis" {
        return Ok(answer);
    }
    let (mut head, body) = answer.into_parts();
    let body = collect(body).await?;
    let mut document: Value = serde_json::from_slice(&body).map_err(|error| {
        CutOff(format!(
            "discovery is not JSON, smaller it cannot be: {error}"
        ))
    })?;
    for (list, name) in [("groups", "/name"), ("items", "/metadata/name")] {
        if let Some(entries) = document.get_mut(list).and_then(Value::as_array_mut) {
            entries.retain(|entry| entry.pointer(name).and_then(Value::as_str) != Some(group));
        }
    }
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.remove(header::ETAG);
    Ok(Response::from_parts(head, full(document.to_string())))
}
