//! All sets of one Sync in one pass over a commit: the platform's first, then the tenants' beside each
//! other. What goes wrong in one set stops that set only; something newer calls off what did not begin.

use std::borrow::Cow;
use std::collections::BTreeMap;

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use tokio_util::sync::CancellationToken;

use super::behind;
use super::cycle::Seen;
use super::desired::Desired;
use super::leave::Leave;
use super::set::{self, Means, SetResult};
use super::sights::Sights;
use crate::adapters::sync::Sync;
use crate::apply::cluster::Cluster;
use crate::object::{Owner, Rendered, SetId};
use crate::plan::{Neighbours, ended};

/// Tenants' sets that are looked at beside each other.
const SETS_AT_ONCE: usize = 8;

/// A pass that knows what is wanted.
pub(super) struct Pass<'a, C> {
    means: Means<'a, C>,
    sights: &'a Sights,
    sync: &'a Sync,
    desired: &'a Desired,
    /// Its sets as they are wanted at the time of the pass.
    sets: Vec<Cow<'a, Rendered>>,
    /// How many memberships are over by then.
    ended: usize,
    /// By whose leave.
    pub(super) leave: Leave,
    /// Sets that an older Sync keeps, with its name.
    pub(super) claimed: BTreeMap<SetId, String>,
    stop: &'a CancellationToken,
}

impl<'a, C: Cluster> Pass<'a, C> {
    /// A pass over what is wanted, as it is at this time.
    pub(super) fn new(
        means: Means<'a, C>,
        sights: &'a Sights,
        (sync, desired): (&'a Sync, &'a Desired),
        stop: &'a CancellationToken,
    ) -> Self {
        let now = means.cluster.now();
        let at_time = desired.sets.iter().map(|rendered| ended::at(rendered, now));
        let (sets, ended): (Vec<_>, Vec<usize>) = at_time.unzip();
        Self {
            means,
            sights,
            sync,
            desired,
            sets,
            ended: ended.iter().sum(),
            leave: Leave::default(),
            claimed: BTreeMap::new(),
            stop,
        }
    }

    /// The commit in force, the generation of the spec, and what is over by now: together they say what
    /// is wanted.
    pub(super) fn at(&self, seen: &Seen) -> String {
        let generation = self.sync.metadata.generation.unwrap_or_default();
        let commit = seen.in_force.as_deref().unwrap_or_default();
        format!("{commit} {generation} {}", self.ended)
    }

    fn task<'b>(
        &'b self,
        rendered: &'b Rendered,
        beside: &'b Neighbours<'b>,
        at: &'b str,
    ) -> set::Task<'b, C> {
        set::Task {
            means: self.means,
            sights: self.sights,
            sync: self.sync,
            desired: self.desired,
            rendered,
            beside,
            at,
            commit: at.split(' ').next().unwrap_or_default(),
            leave: &self.leave,
            stop: self.stop,
        }
    }

    /// What the last pass found, if the watches vouch for every object since.
    pub(super) fn at_rest(&self, seen: &Seen) -> Option<Vec<SetResult>> {
        let (alone, at) = (Neighbours::default(), self.at(seen));
        let sets = self.sets.iter();
        let sets: Option<Vec<SetResult>> = sets
            .map(|rendered| {
                let refused = self.refused(rendered);
                refused.or_else(|| self.task(rendered, &alone, &at).at_rest())
            })
            .collect();
        sets.map(|sets| behind::told(sets, self.desired, self.sync))
    }

    /// What is said of a set that an older Sync keeps.
    fn refused(&self, rendered: &Rendered) -> Option<SetResult> {
        let keeper = self.claimed.get(&rendered.set)?;
        Some(SetResult::claimed(rendered, keeper))
    }

    /// One set, unless the pass was called off by then.
    fn bring<'b>(
        &'b self,
        rendered: &'b Rendered,
        beside: &'b Neighbours<'b>,
        at: &'b str,
    ) -> BoxFuture<'b, Option<SetResult>> {
        let task = self.task(rendered, beside, at);
        let refused = self.refused(rendered);
        let bring = async move {
            match (task.stop.is_cancelled(), refused) {
                (true, _) => None,
                (false, Some(refused)) => Some(refused),
                (false, None) => Some(set::bring(&task).await),
            }
        };
        bring.boxed()
    }

    /// The platform's set first, then the tenants' beside each other. The end of `newer`, which says that
    /// something newer comes, calls the rest off.
    pub(super) async fn bring_all(&self, seen: &mut Seen, newer: impl Future<Output = ()> + Send) {
        let all = self.desired.sets.iter().chain(&self.desired.others);
        let beside = Neighbours::of(all);
        let at = self.at(seen);
        let (mut platform, mut tenants) = (Vec::new(), Vec::new());
        for rendered in &self.sets {
            let bring = self.bring(rendered, &beside, &at);
            match &rendered.set.owner {
                Owner::Platform => platform.push(bring),
                Owner::Tenant(_) => tenants.push(bring),
            }
        }
        let work = async {
            let mut results: Vec<Option<SetResult>> = Vec::new();
            for bring in platform {
                results.push(bring.await);
            }
            let tenants = futures::stream::iter(tenants).buffered(SETS_AT_ONCE);
            results.extend(tenants.collect::<Vec<_>>().await);
            results.into_iter().flatten().collect()
        };
        let mut work = std::pin::pin!(work);
        let sets = tokio::select! {
            sets = &mut work => sets,
            () = newer => {
                self.stop.cancel();
                // What was begun is finished.
                work.await
            }
        };
        seen.sets = behind::told(sets, self.desired, self.sync);
        seen.called_off = self.stop.is_cancelled();
    }
}
