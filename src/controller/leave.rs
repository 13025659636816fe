//! By whose leave a commit is applied, where its environment asks for an approval: every change since
//! the commit that was applied last must have come with a pull request that people agreed to, by the
//! rules that held before it. What is not known counts as no; what undoes drift needs nobody's leave.
//!
//! An agreement is bound to what it was about: the difference between the last commit of the pull
//! request and the one from which it went its own way, rendered here anew. People agree at the forge to
//! all of it, or in the cluster to what it changes in one set.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::cycle::{Memory, Seen, Tools, Trouble};
use super::decide::AGAIN;
use super::desired::Desired;
use crate::adapters::approval::{Waiting, vouch};
use crate::adapters::sync::{MAX_WAITING, Sync, SyncStatus};
use crate::apply::cluster::Cluster as _;
use crate::object::{Owner, Rendered, SetId};
use crate::plan::Plan;
use crate::plan::approved::{Given, Vouched};
use crate::plan::hold::{self, Agreed, Applied};
use crate::plan::intent::Intent;
use crate::plan::season::Season;
use crate::report::audit::Agreement;

mod first;
mod freed;
mod judge;
mod search;
mod shown;
mod turn;

use freed::Freed;
use judge::{Found, Said};
use search::Search;
use shown::Shown;
pub(super) use turn::turned;

/// After this time a forge is asked again whether people still agree who did.
const STILL: Duration = Duration::from_mins(1);

/// What people can do where nothing more can be found out.
const WAY_OUT: &str =
    "to go on all the same, look at the plan and put its digest into `approved` of the Sync";

/// By whose leave plans are carried out.
#[derive(Debug, Clone, Default)]
pub struct Leave {
    /// Without a rule everything goes.
    bound: Option<Bound>,
    freed: Freed,
}

#[derive(Debug, Clone, Default)]
struct Bound {
    /// It is about sets that have objects already, and about no others.
    owned_only: bool,
    intents: Vec<Intent>,
    applied: BTreeMap<SetId, Applied>,
    missing: Vec<Missing>,
    /// Why nobody agreed to another rule, if the commit in force has another one.
    unruled: Vec<String>,
    agreements: Vec<Agreement>,
    waiting: Vec<Waiting>,
}

/// An agreement that is missing.
#[derive(Debug, Clone)]
struct Missing {
    of: Whose,
    why: String,
}

/// Whose agreement is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Whose {
    All,
    Only(SetId),
    AllBut(Vec<SetId>),
    Of(Owner),
}

impl Missing {
    fn all(why: String) -> Self {
        let of = Whose::All;
        Self { of, why }
    }

    fn is_of(&self, set: &SetId) -> bool {
        match &self.of {
            Whose::All => true,
            Whose::Only(only) => only == set,
            Whose::AllBut(others) => !others.contains(set),
            Whose::Of(owner) => *owner == set.owner,
        }
    }
}

/// What was found out before.
#[derive(Default)]
pub(super) struct Known {
    last: Option<Last>,
    shown: Shown,
}

/// The last search: from which commit to which, when, and what it found.
struct Last {
    commits: (String, String),
    /// Of the spec: another one may ask for something else.
    generation: i64,
    /// Whether a set was in a freeze that people can let changes through.
    frozen: bool,
    at: Instant,
    found: Result<Found, String>,
    /// For how long it is not searched anew; `None` where nobody has to agree to anything. It is judged again
    /// all the same: an agreement may be good for some time only.
    good_for: Option<Duration>,
    /// Whether the rule of the commit in force is the one before it, or people agreed to it.
    ruled: bool,
}

impl Last {
    fn is_of(&self, (from, to): (&str, &str), generation: i64) -> bool {
        (self.commits.0.as_str(), self.commits.1.as_str()) == (from, to)
            && self.generation == generation
    }

    fn is_fresh(&self) -> bool {
        self.good_for.is_none_or(|time| self.at.elapsed() < time)
    }
}

impl Known {
    /// Whether a pass that finds everything as it should be is over without a question: a rule that nobody
    /// agreed to has no objects that would be otherwise.
    pub(super) fn may_rest(&self, sync: &Sync, before: &SyncStatus, seen: &Seen) -> bool {
        let (Some(from), Some(to)) = (&before.last_applied, &seen.in_force) else {
            return true;
        };
        let generation = sync.metadata.generation.unwrap_or_default();
        let commits = (from.as_str(), to.as_str());
        let is_ruled = |last: &Last| last.ruled && last.is_of(commits, generation);
        from == to || self.last.as_ref().is_some_and(is_ruled)
    }
}

impl Leave {
    /// Holds what nobody agreed to. `owned` says whether the set has objects already.
    pub(super) fn hold(&self, plan: &mut Plan, rendered: &Rendered, owned: bool) {
        let Some(bound) = self.bound.as_ref().filter(|b| owned || !b.owned_only) else {
            return;
        };
        let missing = bound.missing.iter().filter(|m| m.is_of(&plan.set));
        let missing: Vec<&str> = missing.map(|m| m.why.as_str()).collect();
        let why = missing.join("; ");
        let nothing = Applied::new();
        let agreed = Agreed {
            intents: &bound.intents,
            applied: bound.applied.get(&plan.set).unwrap_or(&nothing),
            whole: missing.is_empty(),
            why: if why.is_empty() {
                "it is no part of what was agreed to"
            } else {
                &why
            },
        };
        hold::unapproved(plan, rendered, agreed);
    }

    /// Holds what waits for its time; inside of a freeze all but what people let through.
    pub(super) fn hold_back(&self, plan: &mut Plan, rendered: &Rendered, season: &Season) {
        let through = self.freed.sets.get(&plan.set);
        match through.filter(|through| through.is_through(season)) {
            Some(through) => hold::frozen(plan, rendered, season, through.agreed()),
            None => hold::out_of_season(plan, season),
        }
    }

    /// What was agreed to, for the audit trail of a set.
    pub(super) fn agreements(&self, set: &SetId) -> Vec<Agreement> {
        let bound = self.bound.iter().flat_map(|bound| &bound.agreements);
        let freed = self.freed.sets.get(set);
        let freed = freed.into_iter().flat_map(|through| &through.agreements);
        bound.chain(freed).cloned().collect()
    }

    /// What people are asked to approve, for the status.
    fn waiting(&self) -> Vec<Waiting> {
        let bound = self.bound.iter().flat_map(|bound| &bound.waiting);
        let all = bound.chain(&self.freed.waiting);
        all.take(MAX_WAITING).cloned().collect()
    }

    /// Whether nobody else is waited for. What was approved in the cluster may be taken back.
    fn is_settled(&self) -> bool {
        let is = |bound: &Bound| {
            bound.missing.is_empty() && bound.waiting.is_empty() && bound.unruled.is_empty()
        };
        self.bound.as_ref().is_none_or(is) && self.freed.waiting.is_empty()
    }

    /// Whether the rule of the commit in force is the one before it, or people agreed to it.
    fn is_ruled(&self) -> bool {
        let is = |bound: &Bound| bound.unruled.is_empty();
        self.bound.as_ref().is_none_or(is)
    }

    /// For how long it is good, as far as the forge is concerned.
    fn good_for(&self) -> Option<Duration> {
        if self.bound.is_none() && !self.freed.asked {
            return None;
        }
        Some(match self.is_settled() {
            true => STILL,
            false => AGAIN,
        })
    }

    /// Nobody agreed to anything, the rule before it included.
    fn none(why: &str) -> Self {
        Self {
            bound: Some(Bound {
                missing: vec![Missing::all(format!("{why}; {WAY_OUT}"))],
                unruled: vec![why.to_owned()],
                ..Bound::default()
            }),
            ..Self::default()
        }
    }
}

/// Finds out by whose leave the commit in force is applied, and what waits for people.
pub(super) async fn find(
    tools: &Tools,
    sync: &Sync,
    (before, wanted): (&SyncStatus, &Desired),
    seen: &mut Seen,
    memory: &mut Memory,
) -> Result<Leave, Trouble> {
    let Some(to) = seen.in_force.clone() else {
        return Ok(Leave::default());
    };
    let Some(from) = before.last_applied.clone() else {
        return first::find(tools, sync, (before, wanted), seen).await;
    };
    if from == to {
        return Ok(Leave::default());
    }
    let last = memory.leave.last.take();
    let generation = sync.metadata.generation.unwrap_or_default();
    let commits = (from.as_str(), to.as_str());
    let frozen = wanted.has_exception(tools.cluster.now());
    let known =
        |last: &Last| last.is_of(commits, generation) && last.frozen == frozen && last.is_fresh();
    let mut last = match last.filter(known) {
        Some(last) => last,
        None => search((tools, sync, wanted), memory, (from, to), frozen).await,
    };
    let leave = judged(tools, sync, &last.found).await;
    (last.good_for, last.ruled) = (leave.good_for(), leave.is_ruled());
    memory.leave.last = Some(last);
    seen.waiting = leave.waiting();
    Ok(leave)
}

/// Searches anew.
async fn search(
    (tools, sync, wanted): (&Tools, &Sync, &Desired),
    memory: &mut Memory,
    commits: (String, String),
    frozen: bool,
) -> Last {
    let (from, to) = &commits;
    let before = memory.recall(sync, from).and_then(Result::ok);
    let generation = sync.metadata.generation.unwrap_or_default();
    memory.leave.shown.turn(to, generation);
    let search = Search {
        tools,
        sync,
        wanted,
    };
    let shown = &mut memory.leave.shown;
    let found = search.between(from, to, before, shown).await;
    Last {
        commits,
        generation,
        frozen,
        at: Instant::now(),
        found,
        good_for: None,
        ruled: false,
    }
}

/// What comes of what was found, with what is approved in the cluster by now.
async fn judged(tools: &Tools, sync: &Sync, found: &Result<Found, String>) -> Leave {
    let found = match found {
        Ok(found) => found,
        Err(why) => return Leave::none(why),
    };
    if found.rule.is_none() && found.exceptions.is_empty() {
        return Leave::default();
    }
    let name = kube::ResourceExt::name_any(sync);
    let (given, vouched) = match tools.cluster.client() {
        Ok(client) => {
            let given = tools.approvals.live(client.clone(), &name).await;
            let vouched = vouched(&client, given.as_deref()).await;
            (given, vouched)
        }
        Err(problem) => (None, Err(problem.to_string())),
    };
    found.judge(Said {
        given: given.as_deref(),
        vouched: &vouched,
        now: tools.cluster.now(),
    })
}

/// Since when the cluster vouches for who approves; it is asked only where somebody did.
async fn vouched(client: &kube::Client, given: Option<&[Given]>) -> Vouched {
    match given.is_none_or(<[Given]>::is_empty) {
        true => Err("nobody approved it in the cluster".to_owned()),
        false => vouch::vouched(client).await,
    }
}
