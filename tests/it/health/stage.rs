//! A cluster that shows one object in one state after the other, and nothing else.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use jiff::Timestamp;
use kubemate::apply::cluster::{
    Cluster, Delete, Deletion, Identity, Lease, ListQuery, Patch, Question, Seen, Stored, Target,
    Write,
};
use kubemate::apply::problem::Problem;
use kubemate::apply::wait::{Pace, Waiting, healthy};
use kubemate::health::Health;
use kubemate::object::SetId;
use kubemate::plan::inventory::Inventory;
use kubemate::plan::observed::{Live, World};
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long a state is seen before the next one comes.
const STEP: Duration = Duration::from_millis(15);
/// When a wait for what never comes is over.
pub(super) const DEADLINE: Duration = Duration::from_millis(120);

/// The states that are still to come.
struct Stage {
    coming: Mutex<Vec<Value>>,
    version: AtomicU64,
}

impl Stage {
    fn live(&self, mut body: Value) -> Live {
        let version = self.version.fetch_add(1, Ordering::Relaxed);
        body["metadata"]["uid"] = json!("u");
        body["metadata"]["resourceVersion"] = json!(version.to_string());
        Live::new(body).expect("an object")
    }
}

/// What one wait came to.
pub(super) struct Waited {
    /// The last verdict.
    pub(super) last: Health,
    /// What was said on the way.
    pub(super) said: Vec<String>,
    /// Whether it took all the time there was.
    pub(super) whole: bool,
}

/// Waits for an object that is in one state after the other; the last one stays.
pub(super) async fn wait(states: &[Value]) -> Waited {
    let stage = Stage {
        coming: Mutex::new(states.iter().rev().cloned().collect()),
        version: AtomicU64::new(1),
    };
    let manifest = kubemate::object::Manifest::new(states[0].clone()).expect("a manifest");
    let waiting = Waiting {
        target: Target::of(&manifest.key),
        deadline: Instant::now() + DEADLINE,
        stop: CancellationToken::new(),
        pace: Arc::new(Pace::default()),
    };
    let said = Mutex::new(Vec::new());
    let say = |health: &Health| {
        said.lock()
            .unwrap()
            .push(format!("{}: {}", health.word(), health.why()));
    };
    let start = Instant::now();
    let last = healthy(&stage, &waiting, None, &say)
        .await
        .expect("a verdict");
    Waited {
        last,
        said: said.into_inner().unwrap(),
        whole: start.elapsed() >= DEADLINE,
    }
}

/// What a wait never asks for.
fn never<T>() -> T {
    panic!("a wait only reads")
}

impl Cluster for Stage {
    fn now(&self) -> Timestamp {
        "2026-05-01T12:00:00Z".parse().expect("a time")
    }

    async fn read(&self, _: &Target) -> Result<Option<Live>, Problem> {
        let mut coming = self.coming.lock().unwrap();
        let body = match coming.len() {
            1 => coming.last().cloned(),
            _ => coming.pop(),
        };
        Ok(body.map(|body| self.live(body)))
    }

    fn watch(&self, _: &Target, _: &Live) -> BoxStream<'static, Result<Seen, Problem>> {
        let mut states = self.coming.lock().unwrap().clone();
        states.reverse();
        let seen: Vec<Seen> = states
            .into_iter()
            .map(|body| Seen::Present(Arc::new(self.live(body))))
            .collect();
        let coming = futures::stream::iter(seen).then(|seen| async move {
            tokio::time::sleep(STEP).await;
            Ok(seen)
        });
        coming.chain(futures::stream::pending()).boxed()
    }

    async fn list(&self, _: &ListQuery) -> Result<Vec<Value>, Problem> {
        Ok(Vec::new())
    }

    async fn uid(&self) -> Result<String, Problem> {
        never()
    }

    async fn observe(&self, _: Question<'_>) -> Result<World, Problem> {
        never()
    }

    async fn write(&self, _: &Identity, _: &Write) -> Result<Value, Problem> {
        never()
    }

    async fn patch(&self, _: &Identity, _: &Patch) -> Result<Value, Problem> {
        never()
    }

    async fn delete(&self, _: &Identity, _: &Delete) -> Result<Deletion, Problem> {
        never()
    }

    async fn load(&self, _: &SetId) -> Result<Stored, Problem> {
        never()
    }

    async fn store(&self, _: &Stored, _: &Inventory) -> Result<Stored, Problem> {
        never()
    }

    async fn take_lease(&self, _: &SetId, _: &str, _: Duration) -> Result<Lease, Problem> {
        never()
    }

    async fn renew_lease(&self, _: &Lease) -> Result<Lease, Problem> {
        never()
    }

    async fn release_lease(&self, _: &Lease) -> Result<(), Problem> {
        never()
    }
}
