//! The engine's cluster with a clock beside it: when the first call that changes something began, when
//! the last one ended, and how many there were. Nothing else is touched.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures::stream::BoxStream;
use jiff::Timestamp;
use kubemate::adapters::cluster::KubeCluster;
use kubemate::apply::cluster::{
    Cluster, Delete, Deletion, Identity, Lease, ListQuery, Patch, Question, Seen, Stored, Target,
    Write,
};
use kubemate::apply::outcome::Report;
use kubemate::apply::problem::Problem;
use kubemate::apply::{self, Options, Run};
use kubemate::object::{Rendered, SetId};
use kubemate::plan::Plan;
use kubemate::plan::inventory::Inventory;
use kubemate::plan::observed::{Live, World};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// What an apply did and took.
pub(crate) struct Made {
    /// From the first call that changes something to the end of the last one.
    pub(crate) writing: Duration,
    /// Until everything is healthy.
    pub(crate) whole: Duration,
    /// Calls that change something.
    pub(crate) calls: usize,
    /// What became of it.
    pub(crate) report: Report,
}

/// Carries out a plan as the command line does, and waits for health.
pub(crate) async fn apply(cluster: &KubeCluster, rendered: &Rendered, plan: &Plan) -> Made {
    let timed = Timed {
        cluster,
        seen: Mutex::default(),
    };
    let run = Run {
        plan,
        rendered,
        identity: &Identity::Own,
        holder: "bench",
        options: Options::default(),
        stop: &CancellationToken::new(),
        progress: &|_| {},
    };
    let began = Instant::now();
    let report = apply::apply(&timed, run).await.unwrap();
    let whole = began.elapsed();
    let seen = timed.seen.into_inner().unwrap();
    Made {
        writing: seen.last.unwrap() - seen.first.unwrap(),
        whole,
        calls: seen.calls,
        report,
    }
}

#[derive(Default)]
struct Times {
    first: Option<Instant>,
    last: Option<Instant>,
    calls: usize,
}

struct Timed<'a> {
    cluster: &'a KubeCluster,
    seen: Mutex<Times>,
}

impl Timed<'_> {
    async fn mutating<T>(&self, call: impl Future<Output = T>) -> T {
        let began = Instant::now();
        self.seen.lock().unwrap().first.get_or_insert(began);
        let answer = call.await;
        let mut seen = self.seen.lock().unwrap();
        (seen.last, seen.calls) = (Some(Instant::now()), seen.calls + 1);
        answer
    }
}

impl Cluster for Timed<'_> {
    fn now(&self) -> Timestamp {
        self.cluster.now()
    }

    async fn uid(&self) -> Result<String, Problem> {
        self.cluster.uid().await
    }

    async fn observe(&self, question: Question<'_>) -> Result<World, Problem> {
        self.cluster.observe(question).await
    }

    async fn read(&self, target: &Target) -> Result<Option<Live>, Problem> {
        self.cluster.read(target).await
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<Value>, Problem> {
        self.cluster.list(query).await
    }

    async fn write(&self, identity: &Identity, write: &Write) -> Result<Value, Problem> {
        if write.dry_run {
            return self.cluster.write(identity, write).await;
        }
        self.mutating(self.cluster.write(identity, write)).await
    }

    async fn patch(&self, identity: &Identity, patch: &Patch) -> Result<Value, Problem> {
        if patch.dry_run {
            return self.cluster.patch(identity, patch).await;
        }
        self.mutating(self.cluster.patch(identity, patch)).await
    }

    async fn delete(&self, identity: &Identity, delete: &Delete) -> Result<Deletion, Problem> {
        self.mutating(self.cluster.delete(identity, delete)).await
    }

    fn watch(&self, target: &Target, seen: &Live) -> BoxStream<'static, Result<Seen, Problem>> {
        self.cluster.watch(target, seen)
    }

    async fn load(&self, set: &SetId) -> Result<Stored, Problem> {
        self.cluster.load(set).await
    }

    async fn store(&self, before: &Stored, inventory: &Inventory) -> Result<Stored, Problem> {
        self.mutating(self.cluster.store(before, inventory)).await
    }

    async fn take_lease(
        &self,
        set: &SetId,
        holder: &str,
        wait: Duration,
    ) -> Result<Lease, Problem> {
        self.mutating(self.cluster.take_lease(set, holder, wait))
            .await
    }

    async fn renew_lease(&self, lease: &Lease) -> Result<Lease, Problem> {
        self.cluster.renew_lease(lease).await
    }

    /// After everything is done, and so after health was waited for.
    async fn release_lease(&self, lease: &Lease) -> Result<(), Problem> {
        self.cluster.release_lease(lease).await
    }
}
