//! From a render to a plan against a live cluster: load what is owned, look at everything, plan.

use std::ops::Deref;

use tracing::Instrument as _;

use crate::apply::cluster::{Cluster, Identity, Question, Stored, Target};
use crate::apply::problem::Problem;
use crate::object::{GroupKind, ObjectKey, Rendered};
use crate::plan::observed::{DryRun, Observed, World};
use crate::plan::{Neighbours, Plan, PlanError, Policy, plan};

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PrepareError {
    /// The cluster did not answer everything that was asked.
    #[error(transparent)]
    Cluster(#[from] Problem),
    /// What was found makes no plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

/// A plan, and what it was made from.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// What would be done.
    pub plan: Plan,
    /// What was seen.
    pub world: Aside<World>,
    /// What is owned.
    pub stored: Stored,
}

/// Something large that is taken apart aside once it is not needed any more, for that takes long and nobody
/// has to wait for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Aside<T: Default + Send + 'static>(T);

impl<T: Default + Send + 'static> Deref for Aside<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Default + Send + 'static> Drop for Aside<T> {
    fn drop(&mut self) {
        let whole = std::mem::take(&mut self.0);
        rayon::spawn(move || drop(whole));
    }
}

/// Plans one set against the cluster as it is now. Nothing is written.
pub async fn prepare<C: Cluster>(
    cluster: &C,
    rendered: &Rendered,
    identity: &Identity,
    policy: &Policy,
    beside: &Neighbours<'_>,
) -> Result<Plan, PrepareError> {
    Ok(look(cluster, rendered, identity, policy, beside)
        .await?
        .plan)
}

/// The same, with what was seen on the way.
pub async fn look<C: Cluster>(
    cluster: &C,
    rendered: &Rendered,
    identity: &Identity,
    policy: &Policy,
    beside: &Neighbours<'_>,
) -> Result<Prepared, PrepareError> {
    identity.check(&rendered.set)?;
    let span = tracing::info_span!("observe");
    let stored = cluster.load(&rendered.set).instrument(span.clone()).await?;
    let question = Question {
        rendered,
        inventory: &stored.inventory,
        policy,
        identity,
    };
    let mut world = cluster.observe(question).instrument(span).await?;
    if refuses_everything(&world) && !exists(cluster, identity).await? {
        not_yet(&mut world);
    }
    beside.tell(&mut world, rendered, &stored.inventory);
    let plan = tracing::info_span!("plan")
        .in_scope(|| plan(rendered, &world, &stored.inventory, policy))?;
    Ok(Prepared {
        plan,
        world: Aside(world),
        stored,
    })
}

/// Whether the server forbade every single dry-run, as it does to an account that has no rights yet.
fn refuses_everything(world: &World) -> bool {
    let mut dry_runs = world.objects.values().filter_map(|seen| match seen {
        Observed::Absent { dry_run } => Some(dry_run),
        Observed::Present(_) | Observed::Unchanged { .. } | Observed::Unreadable { .. } => None,
    });
    let forbidden = |d: &DryRun| matches!(d, DryRun::Refused(problem) if problem.status == 403);
    world
        .objects
        .values()
        .all(|seen| matches!(seen, Observed::Absent { .. }))
        && dry_runs.all(forbidden)
        && !world.objects.is_empty()
}

async fn exists<C: Cluster>(cluster: &C, identity: &Identity) -> Result<bool, Problem> {
    let Identity::ServiceAccount { namespace, name } = identity else {
        return Ok(true);
    };
    let key = ObjectKey {
        group_kind: GroupKind::new("", "ServiceAccount"),
        namespace: Some(namespace.clone()),
        name: name.clone(),
    };
    Ok(cluster.read(&Target::of(&key)).await?.is_some())
}

/// The account is made by the platform's plan: until then nobody can ask in its name.
fn not_yet(world: &mut World) {
    for seen in world.objects.values_mut() {
        if let Observed::Absent { dry_run } = seen {
            let reason =
                "the tenant's ServiceAccount is made by the plan of the platform".to_owned();
            *dry_run = DryRun::Unverified { reason };
        }
    }
}
