//! Lines of the log: JSON as ever, with the trace that they belong to at the end. Where there is no trace a
//! line is what it was.

use std::fmt;

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{Format, Json, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Writes one line.
pub(super) struct Line(pub(super) Format<Json>);

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let current = Context::current();
        let span = current.span().span_context().clone();
        if !span.is_valid() {
            return self.0.format_event(context, writer, event);
        }
        let mut text = String::new();
        self.0
            .format_event(context, Writer::new(&mut text), event)?;
        match text.trim_end().strip_suffix('}') {
            Some(text) => writeln!(writer, "{text},\"trace_id\":\"{}\"}}", span.trace_id()),
            None => writer.write_str(&text),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex, PoisonError};

    use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
    use serde_json::Value;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_json_and_names_its_trace_if_there_is_one() {
        let kept = Kept::default();
        let (copy, trace) = (kept.clone(), "0af7651916cd43dd8448eb211c80319c");
        let layer = tracing_subscriber::fmt::layer::<tracing_subscriber::Registry>()
            .json()
            .with_writer(move || copy.clone())
            .map_event_format(Line);
        let log = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(log, || {
            tracing::info!(sync = "dev", "alone");
            let span = SpanContext::new(
                TraceId::from_hex(trace).unwrap(),
                SpanId::from_hex("b7ad6b7169203331").unwrap(),
                TraceFlags::SAMPLED,
                false,
                TraceState::default(),
            );
            let inside = Context::new().with_remote_span_context(span).attach();
            tracing::info!(sync = "dev", "within");
            drop(inside);
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert_eq!(lines[0]["fields"]["message"], "alone");
        assert!(lines[0].get("trace_id").is_none(), "{text}");
        assert_eq!(lines[1]["fields"]["sync"], "dev");
        assert_eq!(lines[1]["trace_id"], trace);
    }
}
