//! All sets of one Sync in one pass over a commit: the platform's first, then the tenants' beside each
//! other. What goes wrong in one set stops that set only; something newer calls off what did not begin.
//!
//! A set may take an hour, as where a webhook of its own hangs at each object. The others are kept meanwhile:
//! those that change, and those that failed for a while or wait, are brought again in the same pass.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use kube::ResourceExt as _;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::behind;
use super::cycle::Seen;
use super::desired::Desired;
use super::leave::Leave;
use super::set::{self, Means, SetResult};
use super::sights::Sights;
use super::spans;
use crate::adapters::sync::Sync;
use crate::apply::cluster::Cluster;
use crate::object::{Owner, Rendered, SetId};
use crate::plan::{Neighbours, ended};

/// Tenants' sets that are looked at beside each other.
const SETS_AT_ONCE: usize = 8;
/// The shortest time between two looks for sets that changed while others take long.
const BREATH: Duration = Duration::from_millis(100);
/// The first pause after which sets that are not done are tried again meanwhile, and the longest; it doubles.
const FIRST_RETRY: Duration = Duration::from_secs(4);
const LONGEST_RETRY: Duration = Duration::from_mins(5);

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
            if task.stop.is_cancelled() {
                return None;
            }
            if refused.is_some() {
                return refused;
            }
            let (sync, name) = (task.sync.name_any(), rendered.set.to_string());
            let span = spans::of_set(&sync, &name, task.commit);
            let result = set::bring(&task).instrument(span.clone()).await;
            if let Some(result) = &result {
                spans::set_ended(&span, result);
            }
            result
        };
        bring.boxed()
    }

    /// The platform's set first, then the tenants' beside each other. The end of `newer`, which says that
    /// something newer comes, calls the rest off; `stirred` says that objects changed.
    pub(super) async fn bring_all(
        &self,
        seen: &mut Seen,
        newer: impl Future<Output = ()> + Send,
        stirred: &Notify,
    ) {
        let all = self.desired.sets.iter().chain(&self.desired.others);
        let beside = Neighbours::of(all);
        let at = self.at(seen);
        let mut work = std::pin::pin!(self.bring_each(&beside, &at, stirred));
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

    /// Each set once. As long as one of them takes for this, those in order are brought again when they
    /// change, and those that time may help after a pause.
    async fn bring_each<'b>(
        &'b self,
        beside: &'b Neighbours<'b>,
        at: &'b str,
        stirred: &Notify,
    ) -> Vec<SetResult> {
        let sets = self.sets.iter().map(|rendered| &**rendered);
        let is_platform = |rendered: &&Rendered| rendered.set.owner == Owner::Platform;
        let (mut sets, tenants): (Vec<&Rendered>, Vec<&Rendered>) = sets.partition(is_platform);
        let mut round = Round::default();
        for (place, rendered) in sets.iter().copied().enumerate() {
            let result = self.bring(rendered, beside, at).await;
            round.take(place, result);
        }
        round.first.extend(sets.len()..sets.len() + tenants.len());
        round.open(round.first.clone());
        sets.extend(tenants);
        let mut running = FuturesUnordered::new();
        let (mut stir, mut rest_until) = (false, Instant::now());
        let (mut pause, mut retry_at) = (FIRST_RETRY, Instant::now() + FIRST_RETRY);
        loop {
            while running.len() < SETS_AT_ONCE
                && let Some(place) = round.waiting.pop_front()
            {
                let bring = self.bring(sets[place], beside, at);
                running.push(bring.map(move |result| (place, result)));
            }
            tokio::select! {
                biased;
                ended = running.next() => match ended {
                    Some((place, result)) => {
                        round.take(place, result);
                        if round.missed(place) && self.is_stirred(sets[place], at) {
                            round.open(BTreeSet::from([place]));
                        }
                    }
                    None => break,
                },
                () = stirred.notified(), if !stir && round.goes_on() => stir = true,
                () = sleep_until(rest_until), if stir && round.goes_on() => {
                    (stir, rest_until) = (false, Instant::now() + BREATH);
                    let changed = |place: &usize| self.is_stirred(sets[*place], at);
                    let changed = round.in_order().filter(changed).collect();
                    round.late.clone_from(&round.open);
                    round.open(changed);
                }
                () = sleep_until(retry_at), if round.goes_on() => {
                    pause = (pause * 2).min(LONGEST_RETRY);
                    retry_at = Instant::now() + pause;
                    round.open(round.unsettled());
                }
            }
        }
        round.results.into_values().collect()
    }

    /// Whether the watches do not vouch for a set any more.
    fn is_stirred(&self, rendered: &Rendered, at: &str) -> bool {
        let alone = Neighbours::default();
        let task = self.task(rendered, &alone, at);
        let is_ours = self.refused(rendered).is_none();
        is_ours && !task.stop.is_cancelled() && task.at_rest().is_none()
    }
}

/// How far the sets are, by their places in the order in which they are brought.
#[derive(Default)]
struct Round {
    results: BTreeMap<usize, SetResult>,
    /// Those that did not end once.
    first: BTreeSet<usize>,
    /// Those that are waiting or under way.
    open: BTreeSet<usize>,
    /// Those of them that may have looked before objects changed.
    late: BTreeSet<usize>,
    waiting: VecDeque<usize>,
}

impl Round {
    /// Whether some set has not ended once. Then there is time for others to be brought again.
    fn goes_on(&self) -> bool {
        !self.first.is_empty()
    }

    fn open(&mut self, places: BTreeSet<usize>) {
        self.open.extend(&places);
        self.waiting.extend(places);
    }

    /// Takes a result; without one, the set was called off before anything was begun.
    fn take(&mut self, place: usize, result: Option<SetResult>) {
        self.open.remove(&place);
        self.first.remove(&place);
        let Some(mut result) = result else { return };
        result.done += self.results.get(&place).map_or(0, |before| before.done);
        self.results.insert(place, result);
    }

    /// Whether a set that has ended is in order by a look that may be older than a change.
    fn missed(&mut self, place: usize) -> bool {
        let is_late = self.late.remove(&place);
        is_late && self.goes_on() && self.in_order().any(|good| good == place)
    }

    /// Sets that ended and are not under way again.
    fn ended(&self) -> impl Iterator<Item = (usize, &SetResult)> {
        let all = self.results.iter().map(|(place, result)| (*place, result));
        all.filter(move |(place, _)| !self.open.contains(place))
    }

    /// The sets with which nothing is wrong; what is on its way in them may have arrived by a change.
    fn in_order(&self) -> impl Iterator<Item = usize> {
        let all = self
            .ended()
            .filter(|(_, result)| !result.failed && result.held + result.pending == 0);
        all.map(|(place, _)| place)
    }

    /// The sets that time may help: they failed for a reason that may pass, wait, or have things on their way.
    fn unsettled(&self) -> BTreeSet<usize> {
        let all = self.ended().filter(|(_, result)| match result.failed {
            true => result.passes,
            false => result.held + result.missing() + result.on_its_way > 0,
        });
        all.map(|(place, _)| place).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_ended_is_brought_again_while_another_set_takes_long() {
        let mut round = Round::default();
        round.first.extend(0..4);
        round.open((0..4).collect());
        let (good, later) = (SetResult::default(), |passes: bool| SetResult {
            failed: true,
            passes,
            done: 1,
            ..SetResult::default()
        });
        for (place, result) in [(0, good), (1, later(true)), (2, later(false))] {
            round.take(place, Some(result));
        }
        assert!(round.goes_on());
        assert_eq!(round.in_order().collect::<Vec<_>>(), [0]);
        assert_eq!(round.unsettled(), BTreeSet::from([1]));
        round.open(round.unsettled());
        assert!(round.unsettled().is_empty(), "it is under way");
        round.take(1, Some(later(true)));
        assert_eq!(round.results[&1].done, 2);
        round.take(3, None);
        assert!(!round.goes_on());
    }

    #[test]
    fn what_waits_is_tried_again_and_a_change_during_a_look_is_not_missed() {
        let mut round = Round::default();
        round.first.extend(0..4);
        round.open((0..4).collect());
        let good = SetResult::default();
        let waits = SetResult {
            pending: 1,
            ..good.clone()
        };
        let going = SetResult {
            going: 1,
            ..good.clone()
        };
        round.take(1, Some(waits));
        round.take(2, Some(going));
        assert_eq!(round.unsettled(), BTreeSet::from([1, 2]));
        assert_eq!(round.in_order().collect::<Vec<_>>(), [2]);
        round.late.clone_from(&round.open);
        round.take(0, Some(good));
        assert!(round.missed(0), "something changed while it was under way");
        assert!(!round.missed(0), "it is looked for once");
        assert!(!round.missed(2), "it had ended by then");
    }
}
