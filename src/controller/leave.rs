//! By whose leave a commit is applied, where its environment asks for an approval: every change since
//! the commit that was applied last must have come with a pull request that people agreed to, by the
//! rules that held before it. What is not known counts as no; what undoes drift needs nobody's leave.
//!
//! An agreement is bound to what it was about: the difference between the last commit of the pull
//! request and the one from which it went its own way, rendered here anew. People agree at the forge to
//! all of it, or in the cluster to what it changes in one set.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::cycle::{Memory, Seen, Tools};
use super::decide::AGAIN;
use super::desired::Desired;
use crate::adapters::approval::{Waiting, vouch};
use crate::adapters::sync::{MAX_WAITING, Sync, SyncStatus};
use crate::apply::cluster::Cluster as _;
use crate::object::{Rendered, SetId};
use crate::plan::Plan;
use crate::plan::approved::{Given, Vouched};
use crate::plan::hold::{self, Agreed, Applied};
use crate::plan::intent::Intent;
use crate::plan::season::Season;
use crate::report::audit::Agreement;

mod freed;
mod judge;
mod search;
mod shown;

use freed::Freed;
use judge::{Found, Said};
use search::Search;
use shown::Shown;

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
    intents: Vec<Intent>,
    applied: BTreeMap<SetId, Applied>,
    missing: Vec<Missing>,
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
    /// People agreed to all of it at the forge, so that it is not asked again. It is judged again all the
    /// same: an agreement may be good for some time only.
    settled: bool,
}

impl Leave {
    /// Holds what nobody agreed to.
    pub(super) fn hold(&self, plan: &mut Plan, rendered: &Rendered) {
        let Some(bound) = &self.bound else { return };
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
        let is = |bound: &Bound| bound.missing.is_empty() && bound.waiting.is_empty();
        self.bound.as_ref().is_none_or(is) && self.freed.waiting.is_empty()
    }

    fn none(why: &str) -> Self {
        Self {
            bound: Some(Bound {
                missing: vec![Missing::all(format!("{why}; {WAY_OUT}"))],
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
) -> Leave {
    let (Some(from), Some(to)) = (&before.last_applied, &seen.in_force) else {
        return Leave::default();
    };
    if from == to {
        return Leave::default();
    }
    let commits = (from.clone(), to.clone());
    let last = memory.leave.last.take();
    let generation = sync.metadata.generation.unwrap_or_default();
    let frozen = wanted.has_exception(tools.cluster.now());
    let known = |last: &Last| {
        last.commits == commits && last.generation == generation && last.frozen == frozen
    };
    let mut last = match last.filter(known) {
        Some(last) if last.settled || last.at.elapsed() < AGAIN => last,
        _ => search((tools, sync, wanted), memory, commits, frozen).await,
    };
    let leave = judged(tools, sync, &last.found).await;
    last.settled = leave.is_settled();
    memory.leave.last = Some(last);
    seen.waiting = leave.waiting();
    leave
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
        settled: false,
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
