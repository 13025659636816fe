//! What the program tells of its own work: the controller's log, and traces where a collector is named. It
//! never holds up or fails what it tells of: what cannot be sent is dropped and counted.
//!
//! Spans of this program are told and nobody else's, and no events: an attribute is a name, a commit or a
//! word from a fixed list, and never a value.
#![expect(
    clippy::disallowed_methods,
    reason = "collectors are named by the standard variables of the environment"
)]

mod courier;
mod line;
mod queue;

use std::collections::HashMap;
use std::time::Duration;

use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{Context, Key, KeyValue};
use opentelemetry_otlp::{SpanExporter, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::{EnvFilter, LevelFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, Registry};

use self::courier::Courier;
use self::line::Line;
use self::queue::Queue;
pub use self::queue::lost;

/// For how long the end of the program waits for a collector.
const FLUSH: Duration = Duration::from_secs(2);
/// For how long one batch may take, if the environment says nothing.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same at most.
const LONGEST: Duration = Duration::from_secs(30);

type Boxed = Box<dyn Layer<Registry> + Send + Sync>;

/// Reads a variable; an empty one is as good as none.
type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What is written about the work, beside what a command prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Log {
    /// Lines of JSON on standard error.
    Json,
    /// Nothing.
    None,
}

/// The log and the traces of this process, until it ends.
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
    trouble: Option<String>,
}

impl Telemetry {
    /// Begins. A second start in one process keeps what the first one began.
    #[must_use]
    pub fn start(log: Log) -> Self {
        let (traces, trouble) = match is_named(&variable).then(provider).transpose() {
            Ok(traces) => (traces, None),
            Err(why) => (None, Some(why)),
        };
        let mut layers: Vec<Boxed> = traces.iter().map(spans).collect();
        if log == Log::Json {
            layers.push(lines());
        }
        if !layers.is_empty() {
            drop(tracing_subscriber::registry().with(layers).try_init());
        }
        if let Some(why) = &trouble {
            tracing::warn!(why, "traces are not sent");
        }
        Self { traces, trouble }
    }

    /// Puts a span that was not entered yet below the one that whoever started this process is in, as a CI
    /// system says it in `TRACEPARENT`.
    pub fn adopt(&self, span: &Span) {
        if self.traces.is_some() {
            span.set_parent(parent(&variable)).ok();
        }
    }

    /// Sends what waits, for a moment at most. The error says what was not sent; nothing else failed.
    pub fn end(self) -> Result<(), String> {
        let Some(traces) = self.traces else {
            return self.trouble.map_or(Ok(()), Err);
        };
        let late = traces.shutdown_with_timeout(FLUSH).is_err();
        match (late, lost().get()) {
            (true, _) => Err("the collector does not answer in time".to_owned()),
            (false, 0) => Ok(()),
            (false, spans) => Err(format!("the collector did not take {spans} spans")),
        }
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether a collector is named, and traces are not switched off.
fn is_named(variable: Variable<'_>) -> bool {
    let says = |name: &str, word: &str| {
        variable(name).is_some_and(|value| value.trim().eq_ignore_ascii_case(word))
    };
    let off = says("OTEL_SDK_DISABLED", "true") || says("OTEL_TRACES_EXPORTER", "none");
    let names = [
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
    ];
    !off && names.iter().any(|name| variable(name).is_some())
}

/// For how long one batch may take.
fn patience(variable: Variable<'_>) -> Duration {
    let names = [
        "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
        "OTEL_EXPORTER_OTLP_TIMEOUT",
    ];
    let said = names
        .iter()
        .find_map(|name| variable(name)?.trim().parse::<u64>().ok());
    said.map_or(PATIENCE, Duration::from_millis).min(LONGEST)
}

/// Where spans go. No variable stands in the error: an address may hold a password.
fn provider() -> Result<SdkTracerProvider, String> {
    let courier = Courier::new(patience(&variable))?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(courier)
        .build()
        .map_err(|_| {
            "OTEL_EXPORTER_OTLP_ENDPOINT, or the same for TRACES, is not an address: write \
            http://HOST:4318"
                .to_owned()
        })?;
    Ok(SdkTracerProvider::builder()
        .with_resource(resource())
        .with_span_processor(Queue::before(exporter))
        .build())
}

/// Who we are: as the environment says, or else by our own name.
fn resource() -> Resource {
    let said = Resource::builder().build();
    let name = said.get(&Key::new("service.name"));
    let unnamed = name.is_none_or(|name| name.as_str().starts_with("unknown_service"));
    let mut more = Vec::new();
    if unnamed {
        more.push(KeyValue::new("service.name", "kubemate"));
    }
    if said.get(&Key::new("service.version")).is_none() {
        more.push(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    }
    Resource::builder().with_attributes(more).build()
}

fn parent(variable: Variable<'_>) -> Context {
    let names = [("traceparent", "TRACEPARENT"), ("tracestate", "TRACESTATE")];
    let carrier: HashMap<String, String> = names
        .iter()
        .filter_map(|(key, name)| Some(((*key).to_owned(), variable(name)?)))
        .collect();
    TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier)
}

/// Our spans. What libraries say of themselves may hold addresses and values.
fn spans(provider: &SdkTracerProvider) -> Boxed {
    let ours = filter_fn(|metadata| {
        metadata.is_span() && metadata.target().split("::").next() == Some("kubemate")
    })
    .with_max_level_hint(LevelFilter::INFO);
    tracing_opentelemetry::layer::<Registry>()
        .with_tracer(provider.tracer("kubemate"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_filter(ours)
        .boxed()
}

/// The log. Spans are no part of it.
fn lines() -> Boxed {
    tracing_subscriber::fmt::layer::<Registry>()
        .json()
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(std::io::stderr)
        .map_event_format(Line)
        .with_filter(EnvFilter::new("warn,kubemate=info"))
        .boxed()
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TraceContextExt as _;

    use super::*;

    fn given<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        move |name| {
            let mut pairs = pairs.iter();
            let found = pairs.find(|(known, _)| *known == name)?;
            Some(found.1.to_owned())
        }
    }

    #[test]
    fn nothing_is_sent_unless_a_collector_is_named() {
        let place = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
        let traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://collector/t");
        for (pairs, named) in [
            (vec![], false),
            (vec![("OTEL_SERVICE_NAME", "x")], false),
            (vec![place], true),
            (vec![traces], true),
            (vec![place, ("OTEL_SDK_DISABLED", "TRUE")], false),
            (vec![place, ("OTEL_SDK_DISABLED", "false")], true),
            (vec![place, ("OTEL_TRACES_EXPORTER", "none")], false),
            (vec![place, ("OTEL_TRACES_EXPORTER", "otlp")], true),
        ] {
            assert_eq!(is_named(&given(&pairs)), named, "{pairs:?}");
        }
    }

    #[test]
    fn a_batch_takes_as_long_as_is_said_within_bounds() {
        let all = "OTEL_EXPORTER_OTLP_TIMEOUT";
        for (pairs, wanted) in [
            (vec![], PATIENCE),
            (vec![(all, "500")], Duration::from_millis(500)),
            (
                vec![(all, "500"), ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "7")],
                Duration::from_millis(7),
            ),
            (vec![(all, "soon")], PATIENCE),
            (vec![(all, "99999999")], LONGEST),
        ] {
            assert_eq!(patience(&given(&pairs)), wanted, "{pairs:?}");
        }
    }

    #[test]
    fn the_parent_is_the_one_of_the_job_and_a_broken_one_is_none() {
        let of = |text: &str| {
            let context = parent(&given(&[("TRACEPARENT", text)]));
            let span = context.span().span_context().clone();
            span.is_valid().then(|| span.trace_id().to_string())
        };
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let whole = format!("00-{trace}-b7ad6b7169203331-01");
        assert_eq!(of(&whole).as_deref(), Some(trace));
        for broken in ["00", "00-zz-b7ad6b7169203331-01", &whole[..40]] {
            assert_eq!(of(broken), None, "{broken}");
        }
        assert!(!parent(&given(&[])).span().span_context().is_valid());
    }
}
