//! `/healthz`, `/readyz` and `/metrics`: what machines may know about the controller. No label holds a
//! commit, a message or a place, only names of Syncs and words from fixed lists.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::ControllerError;
use crate::telemetry;

type Labels = [(&'static str, String); 1];

/// How the controller is.
pub struct Vitals {
    ready: AtomicBool,
    registry: Registry,
    leader: Gauge,
    syncs: Gauge,
    passes: Family<Labels, Counter>,
    steps: Counter,
    seconds: Histogram,
    sync_ready: Family<Labels, Gauge<i64, AtomicI64>>,
    sync_drifted: Family<Labels, Gauge<i64, AtomicI64>>,
    told: Family<Labels, Counter>,
    called: Family<Labels, Counter>,
    noticed: Family<Labels, Counter>,
}

impl Default for Vitals {
    fn default() -> Self {
        let mut vitals = Self {
            ready: AtomicBool::new(false),
            registry: Registry::with_prefix("kubemate"),
            leader: Gauge::default(),
            syncs: Gauge::default(),
            passes: Family::default(),
            steps: Counter::default(),
            seconds: Histogram::new([0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0]),
            sync_ready: Family::default(),
            sync_drifted: Family::default(),
            told: Family::default(),
            called: Family::default(),
            noticed: Family::default(),
        };
        let registry = &mut vitals.registry;
        registry.register(
            "leader",
            "1 while this process leads",
            vitals.leader.clone(),
        );
        registry.register("syncs", "Syncs that are kept", vitals.syncs.clone());
        registry.register("passes", "Passes by how they ended", vitals.passes.clone());
        registry.register("steps", "Steps that were carried out", vitals.steps.clone());
        let seconds = vitals.seconds.clone();
        registry.register_with_unit("pass", "How long passes took", Unit::Seconds, seconds);
        registry.register(
            "sync_ready",
            "1 while a Sync is ready",
            vitals.sync_ready.clone(),
        );
        let drifted = vitals.sync_drifted.clone();
        registry.register("sync_drifted", "Objects changed outside of Git", drifted);
        let told = vitals.told.clone();
        registry.register("forge_reports", "Reports to forges by how they ended", told);
        let called = vitals.called.clone();
        registry.register("hooks", "Calls of forges by their answer", called);
        let noticed = vitals.noticed.clone();
        registry.register("notices", "Notices to receivers by how they ended", noticed);
        let about = "Spans that never reached the collector";
        registry.register("trace_spans_lost", about, telemetry::lost());
        vitals
    }
}

/// What is counted about one pass.
#[derive(Debug, Clone, Copy)]
pub struct Counted {
    /// A word for how it ended.
    pub ended: &'static str,
    /// How long it took.
    pub took: Duration,
    /// Steps that were carried out.
    pub steps: usize,
    /// Whether the Sync is ready.
    pub ready: bool,
    /// Objects that are not as Git says.
    pub drifted: usize,
}

impl Vitals {
    pub(super) fn ready(&self) {
        self.ready.store(true, Ordering::Relaxed);
    }

    /// Says whether this process leads.
    pub fn leads(&self, leads: bool) {
        self.leader.set(i64::from(leads));
    }

    pub(super) fn is_leading(&self) -> bool {
        self.leader.get() == 1
    }

    /// A report to a forge ended; the word is from a fixed list.
    pub(super) fn told(&self, word: &str) {
        let label = [("ended", word.to_owned())];
        self.told.get_or_create(&label).inc();
    }

    /// A notice to a receiver ended; the word is from a fixed list.
    pub(super) fn noticed(&self, word: &str) {
        let label = [("ended", word.to_owned())];
        self.noticed.get_or_create(&label).inc();
    }

    /// A call of a forge was answered with this HTTP status.
    pub(super) fn called(&self, status: u16) {
        let label = [("answer", status.to_string())];
        self.called.get_or_create(&label).inc();
    }

    pub(super) fn syncs(&self, count: usize) {
        self.syncs.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    pub(super) fn count(&self, name: &str, counted: Counted) {
        self.passes
            .get_or_create(&[("ended", counted.ended.to_owned())])
            .inc();
        self.seconds.observe(counted.took.as_secs_f64());
        self.steps
            .inc_by(u64::try_from(counted.steps).unwrap_or(u64::MAX));
        let label = [("sync", name.to_owned())];
        self.sync_ready
            .get_or_create(&label)
            .set(i64::from(counted.ready));
        let drifted = i64::try_from(counted.drifted).unwrap_or(i64::MAX);
        self.sync_drifted.get_or_create(&label).set(drifted);
    }

    pub(super) fn forget(&self, name: &str) {
        let label = [("sync", name.to_owned())];
        self.sync_ready.remove(&label);
        self.sync_drifted.remove(&label);
    }
}

/// Serves until it is told to stop.
pub(super) async fn serve(
    address: SocketAddr,
    vitals: Arc<Vitals>,
    stop: CancellationToken,
) -> Result<JoinHandle<()>, ControllerError> {
    let failed = |error: std::io::Error| ControllerError::Listen {
        address,
        reason: error.to_string(),
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    tracing::info!(%address, "health and metrics are served");
    let app = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(vitals);
    let server = axum::serve(listener, app);
    Ok(tokio::spawn(async move {
        // Whoever holds a connection open does not keep the process alive.
        tokio::select! {
            () = stop.cancelled() => {}
            ended = server.into_future() => drop(ended),
        }
    }))
}

async fn readyz(State(vitals): State<Arc<Vitals>>) -> impl IntoResponse {
    match vitals.ready.load(Ordering::Relaxed) {
        true => (StatusCode::OK, "ok\n"),
        false => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the API server has not answered yet\n",
        ),
    }
}

async fn metrics(State(vitals): State<Arc<Vitals>>) -> impl IntoResponse {
    let mut text = String::new();
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match encode(&mut text, &vitals.registry) {
        Ok(()) => (StatusCode::OK, [(header::CONTENT_TYPE, kind)], text),
        Err(_) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            [(header::CONTENT_TYPE, kind)],
            String::new(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of all metrics.
    fn text(vitals: &Vitals) -> String {
        let mut text = String::new();
        encode(&mut text, &vitals.registry).unwrap();
        text
    }

    #[test]
    fn s_67_labels_are_names_and_series_end_with_their_sync() {
        let vitals = Vitals::default();
        let counted = |ended| Counted {
            ended,
            took: Duration::from_secs(1),
            steps: 3,
            ready: true,
            drifted: 0,
        };
        let bare = text(&vitals).lines().count();
        for round in 0..3 {
            for number in 0..1000 {
                let ended = ["applied", "failed", "kept"][(round + number) % 3];
                vitals.count(&format!("sync-{number}"), counted(ended));
            }
        }
        vitals.told("done");
        vitals.called(202);
        vitals.noticed("told");
        let full = text(&vitals);
        let series = full.lines().filter(|line| !line.starts_with('#')).count();
        assert!(series < 2 * 1000 + 40, "{series} series for 1000 Syncs");
        let labels: std::collections::BTreeSet<&str> = full
            .lines()
            .filter_map(|line| line.split_once('{')?.1.split_once('='))
            .map(|(name, _)| name)
            .collect();
        let known = ["answer", "ended", "le", "sync"];
        assert!(
            labels.iter().all(|label| known.contains(label)),
            "{labels:?}"
        );
        assert!(
            !full.contains("://") && !full.contains('@'),
            "no address is told"
        );
        for number in 0..1000 {
            vitals.forget(&format!("sync-{number}"));
        }
        let left = text(&vitals);
        assert!(!left.contains("sync-"), "a Sync that is gone is forgotten");
        assert!(left.lines().count() < bare + 20, "{left}");
    }
}
