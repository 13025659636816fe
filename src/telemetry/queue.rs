//! Spans that wait for a collector: at most so many. What does not fit, and what the collector does not
//! take, is dropped and counted; it is said once, until it goes well again.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor,
};
use prometheus_client::metrics::counter::Counter;

/// Spans that wait at most, those of a batch that is on its way included.
const MOST: usize = 2048;

static LOST: LazyLock<Counter> = LazyLock::new(Counter::default);

/// Counts the spans of this process that never reached a collector.
pub fn lost() -> Counter {
    (*LOST).clone()
}

fn lose(spans: usize) {
    LOST.inc_by(u64::try_from(spans).unwrap_or(u64::MAX));
}

/// What both ends of the queue know.
#[derive(Debug, Default)]
struct Level {
    waiting: AtomicUsize,
    /// Something did not fit since the last batch.
    full: AtomicBool,
    /// It was said that spans are dropped.
    said: AtomicBool,
}

/// The end that spans come in at. Nobody waits here.
#[derive(Debug)]
pub(super) struct Queue {
    level: Arc<Level>,
    batches: BatchSpanProcessor,
}

impl Queue {
    /// A queue before a collector.
    pub(super) fn before<E: SpanExporter + 'static>(collector: E) -> Self {
        let level = Arc::<Level>::default();
        let exit = Exit {
            level: Arc::clone(&level),
            collector,
        };
        let bounds = BatchConfigBuilder::default().with_max_queue_size(MOST);
        let batches = BatchSpanProcessor::builder(exit)
            .with_batch_config(bounds.build())
            .build();
        Self { level, batches }
    }
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        let level = &self.level;
        if level.waiting.fetch_add(1, Ordering::Relaxed) < MOST {
            self.batches.on_end(span);
            return;
        }
        level.waiting.fetch_sub(1, Ordering::Relaxed);
        level.full.store(true, Ordering::Relaxed);
        lose(1);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.batches.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.batches.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.batches.set_resource(resource);
    }
}

/// The end that batches go out at.
#[derive(Debug)]
struct Exit<E> {
    level: Arc<Level>,
    collector: E,
}

impl<E: SpanExporter> SpanExporter for Exit<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let ended = self.collector.export(batch).await;
        let level = &self.level;
        level.waiting.fetch_sub(spans, Ordering::Relaxed);
        let full = level.full.swap(false, Ordering::Relaxed);
        let why = match &ended {
            Err(error) => {
                lose(spans);
                Some(error.to_string())
            }
            Ok(()) => full.then(|| "they come faster than the collector takes them".to_owned()),
        };
        match why {
            Some(why) if !level.said.swap(true, Ordering::Relaxed) => {
                tracing::warn!(why, "spans are dropped; it is said once, and counted");
            }
            Some(_) => {}
            None if level.said.swap(false, Ordering::Relaxed) => {
                tracing::info!("spans are sent again");
            }
            None => {}
        }
        ended
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.collector.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.collector.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.collector.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{Tracer as _, TracerProvider as _};
    use opentelemetry_sdk::error::OTelSdkError;
    use opentelemetry_sdk::trace::SdkTracerProvider;

    use super::*;

    /// A collector that never answers, or says no at once.
    #[derive(Debug)]
    struct Deaf {
        answers: bool,
    }

    impl SpanExporter for Deaf {
        async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
            match self.answers {
                true => Err(OTelSdkError::InternalFailure("no".to_owned())),
                false => std::future::pending().await,
            }
        }
    }

    fn spans(collector: Deaf, spans: usize) -> SdkTracerProvider {
        let provider = SdkTracerProvider::builder()
            .with_span_processor(Queue::before(collector))
            .build();
        let tracer = provider.tracer("test");
        for _ in 0..spans {
            drop(tracer.start("span"));
        }
        provider
    }

    /// In one test, for they are counted together.
    #[test]
    fn what_does_not_fit_or_is_not_taken_is_counted_and_nobody_waits_for_it() {
        let before = lost().get();
        let provider = spans(Deaf { answers: false }, MOST + 100);
        let dropped = lost().get() - before;
        assert!(dropped >= 100, "{dropped}");
        let ended = provider.shutdown_with_timeout(Duration::from_millis(10));
        assert!(ended.is_err(), "the batch never ends");

        let before = lost().get();
        let provider = spans(Deaf { answers: true }, 3);
        drop(provider.shutdown_with_timeout(Duration::from_mins(1)));
        assert_eq!(lost().get() - before, 3);
    }
}
