//! Executes a plan, step by step, and decides nothing: what the plan does not say is not done.
//!
//! Before the first write the cluster's UID and the identity are checked, the set's lease is taken and
//! everything that will be made is announced in the inventory. A step that fails stops those that wait
//! for it and nothing else.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::apply::books::Books;
use crate::apply::cluster::{Cluster, Identity, Lease};
use crate::apply::executor::Executor;
use crate::apply::outcome::Report;
use crate::apply::problem::{Problem, ProblemKind};
use crate::health::Health;
use crate::object::{ObjectKey, Rendered};
use crate::plan::Plan;
use crate::plan::observed::Live;
use crate::plan::step::Step;

pub mod again;
mod books;
pub mod cluster;
mod executor;
pub mod outcome;
mod perform;
mod pods;
pub mod prepare;
pub mod problem;
mod tries;
pub mod wait;

/// What is carried out, and how.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The render it was made from.
    pub rendered: &'a Rendered,
    /// Who writes.
    pub identity: &'a Identity,
    /// Our name on the lease.
    pub holder: &'a str,
    /// How.
    pub options: Options,
    /// Calls the rest of it off.
    pub stop: &'a CancellationToken,
    /// Hears what happens.
    pub progress: &'a (dyn Fn(Progress<'_>) + Send + Sync),
}

/// Bounds of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Steps at once.
    pub at_once: usize,
    /// For how long health is waited for, and for how long something may take to go.
    pub patience: Duration,
    /// Wait for the health of everything that was written, not only where another step needs it.
    pub wait_for_health: bool,
    /// For how long another holder of the lease is waited for.
    pub lease_wait: Duration,
    /// For how long a tenant's write that is forbidden is tried again: rights that were just given take
    /// a moment to be known.
    pub settle: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            at_once: 32,
            patience: Duration::from_mins(5),
            wait_for_health: true,
            lease_wait: Duration::from_secs(30),
            settle: Duration::from_secs(30),
        }
    }
}

/// Something that happened, for people who watch.
#[derive(Debug, Clone, Copy)]
pub enum Progress<'a> {
    /// A step begins.
    Begun(&'a Step),
    /// The server answered a write with this object.
    Written(&'a Step, &'a Live),
    /// A step has ended.
    Ended(&'a Step, &'a outcome::Outcome),
    /// Something is waited for.
    Waits(&'a ObjectKey, &'a Health),
}

/// Carries out a plan. An error means that nothing was written; everything later is in the report.
pub async fn apply<C: Cluster>(cluster: &C, run: Run<'_>) -> Result<Report, Problem> {
    let set = &run.plan.set;
    if run.rendered.set != *set {
        let said = format!("the render is of the set {}", run.rendered.set);
        return Err(Problem::new(
            ProblemKind::Stale,
            format!("apply the plan of {set}"),
            said,
        ));
    }
    run.identity.check(set)?;
    let uid = cluster.uid().await?;
    if uid != run.plan.cluster_uid {
        return Err(Problem::wrong_cluster(
            &set.cluster,
            &run.plan.cluster_uid,
            &uid,
        ));
    }
    let lease = cluster
        .take_lease(set, run.holder, run.options.lease_wait)
        .await?;
    let span = tracing::info_span!("apply", steps = run.plan.steps.len());
    let report = with_lease(cluster, run, lease.clone())
        .instrument(span)
        .await;
    match report {
        Ok((report, lease)) => {
            give_back(cluster, &lease).await;
            Ok(report)
        }
        Err(problem) => {
            give_back(cluster, &lease).await;
            Err(problem)
        }
    }
}

/// A lease that cannot be given back runs out by itself.
async fn give_back<C: Cluster>(cluster: &C, lease: &Lease) {
    if let Err(problem) = cluster.release_lease(lease).await {
        tracing::debug!(set = %lease.set, kind = problem.kind.word(), "lease not given back");
    }
}

async fn with_lease<C: Cluster>(
    cluster: &C,
    run: Run<'_>,
    lease: Lease,
) -> Result<(Report, Lease), Problem> {
    let mut books = Books::open(cluster.load(&run.plan.set).await?);
    books.announce(run.plan);
    if books.due(true) {
        let page = books.page();
        books.written(books::write(cluster, page).await?);
    }
    Ok(Executor::new(cluster, run, books, lease).run().await)
}
