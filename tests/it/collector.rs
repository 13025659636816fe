//! A collector of OpenTelemetry on loopback: takes spans as OTLP over HTTP in protobuf, and keeps them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
pub(crate) use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::runtime::Runtime;

use crate::loopback;

#[derive(Default)]
struct Taken {
    bodies: Vec<Vec<u8>>,
    keys: BTreeSet<String>,
}

/// A collector on loopback.
pub(crate) struct Collector {
    taken: Arc<Mutex<Taken>>,
    pub(crate) address: String,
    _served: Runtime,
}

impl Collector {
    /// One that takes everything, and keeps what the header `x-key` says.
    pub(crate) fn start() -> Self {
        let taken = Arc::<Mutex<Taken>>::default();
        let app = Router::new()
            .route("/v1/traces", post(take))
            .with_state(Arc::clone(&taken));
        let (served, address) = loopback::serve(app);
        Self {
            taken,
            address,
            _served: served,
        }
    }

    /// All spans that came so far.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let taken = self.taken.lock().unwrap();
        let requests = taken.bodies.iter().map(|body| {
            let body = body.as_slice();
            ExportTraceServiceRequest::decode(body).expect("what comes is OTLP")
        });
        requests
            .flat_map(|request| request.resource_spans)
            .flat_map(|resource| resource.scope_spans)
            .flat_map(|scope| scope.spans)
            .collect()
    }

    /// Whether a text stands anywhere in what came.
    pub(crate) fn holds(&self, text: &str) -> bool {
        let taken = self.taken.lock().unwrap();
        let mut bodies = taken.bodies.iter();
        bodies.any(|body| body.windows(text.len()).any(|part| part == text.as_bytes()))
    }

    /// Whether this key stood in a header.
    pub(crate) fn was_shown(&self, key: &str) -> bool {
        self.taken.lock().unwrap().keys.contains(key)
    }
}

/// Takes a batch.
async fn take(
    State(taken): State<Arc<Mutex<Taken>>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let mut taken = taken.lock().unwrap();
    let key = headers.get("x-key").and_then(|key| key.to_str().ok());
    taken.keys.extend(key.map(str::to_owned));
    taken.bodies.push(body.to_vec());
    StatusCode::OK
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A text among what a span says.
pub(crate) fn said<'a>(span: &'a Span, name: &str) -> Option<&'a str> {
    let attribute = span.attributes.iter().find(|a| a.key == name)?;
    match attribute.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.as_str()),
        _ => None,
    }
}

/// The names of a span and of all above it.
pub(crate) fn path(spans: &[Span], span: &Span) -> Vec<String> {
    let known: BTreeMap<&[u8], &Span> = spans.iter().map(|s| (s.span_id.as_slice(), s)).collect();
    let mut names = Vec::new();
    let mut at = Some(span);
    while let Some(span) = at {
        names.push(span.name.clone());
        at = known.get(span.parent_span_id.as_slice()).copied();
    }
    names
}
