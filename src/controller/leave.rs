//! By whose leave a commit is applied, where its environment asks for an approval: every change since
//! the commit that was applied last must have come with a pull request that people agreed to, by the
//! rules that held before it. What is not known counts as no; what undoes drift needs nobody's leave.
//!
//! An agreement is bound to what it was about: the difference between the last commit of the pull
//! request and the one from which it went its own way, rendered here anew. People agree at the forge to
//! all of it, or in the cluster to what it changes in one set.

use std::time::Duration;

use tokio::time::Instant;

use super::cycle::{Memory, Seen, Tools};
use super::desired::Desired;
use crate::adapters::approval::{Waiting, vouch};
use crate::adapters::sync::{MAX_WAITING, Sync, SyncStatus};
use crate::object::{Rendered, SetId};
use crate::plan::Plan;
use crate::plan::approved::{Given, Vouched};
use crate::plan::hold::{self, Agreed};
use crate::plan::intent::Intent;
use crate::report::audit::Agreement;

mod search;
mod shown;

use search::Search;
use shown::Shown;

/// Agreements that are missing are looked for again after this time.
const AGAIN: Duration = Duration::from_secs(10);

/// What people can do where nothing more can be found out.
const WAY_OUT: &str =
    "to go on all the same, look at the plan and put its digest into `approved` of the Sync";

/// By whose leave plans are carried out.
#[derive(Debug, Clone, Default)]
pub struct Leave {
    /// Without a rule everything goes.
    bound: Option<Bound>,
}

#[derive(Debug, Clone, Default)]
struct Bound {
    intents: Vec<Intent>,
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

/// The last search: from which commit to which, what was approved in the cluster, and when.
struct Last {
    commits: (String, String),
    given: Option<Vec<Given>>,
    at: Instant,
    leave: Leave,
}

impl Leave {
    /// Holds what nobody agreed to.
    pub(super) fn hold(&self, plan: &mut Plan, rendered: &Rendered) {
        let Some(bound) = &self.bound else { return };
        let missing = bound.missing.iter().filter(|m| m.is_of(&plan.set));
        let missing: Vec<&str> = missing.map(|m| m.why.as_str()).collect();
        let why = missing.join("; ");
        let agreed = Agreed {
            intents: &bound.intents,
            whole: missing.is_empty(),
            why: if why.is_empty() {
                "it is no part of what was agreed to"
            } else {
                &why
            },
        };
        hold::unapproved(plan, rendered, agreed);
    }

    /// What was agreed to, for the audit trail.
    pub(super) fn agreements(&self) -> &[Agreement] {
        self.bound.as_ref().map_or(&[], |bound| &bound.agreements)
    }

    /// What people are asked to approve, for the status.
    fn waiting(&self) -> &[Waiting] {
        self.bound.as_ref().map_or(&[], |bound| &bound.waiting)
    }

    /// Whether it stays as it is. What was approved in the cluster may end.
    fn lasts(&self) -> bool {
        let lasts = |bound: &Bound| bound.missing.is_empty() && bound.waiting.is_empty();
        self.bound.as_ref().is_none_or(lasts)
    }

    fn none(why: &str) -> Self {
        Self {
            bound: Some(Bound {
                missing: vec![Missing::all(format!("{why}; {WAY_OUT}"))],
                ..Bound::default()
            }),
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
    let given = tools.approvals.of(&kube::ResourceExt::name_any(sync));
    let leave = match &memory.leave.last {
        Some(last)
            if last.commits == commits
                && last.given == given
                && (last.leave.lasts() || last.at.elapsed() < AGAIN) =>
        {
            last.leave.clone()
        }
        _ => search((tools, sync, wanted), memory, (&commits, given)).await,
    };
    seen.waiting = leave.waiting().to_vec();
    leave
}

/// Searches anew, and remembers what was found.
async fn search(
    (tools, sync, wanted): (&Tools, &Sync, &Desired),
    memory: &mut Memory,
    (commits, given): (&(String, String), Option<Vec<Given>>),
) -> Leave {
    let (from, to) = commits;
    let before = memory.recall(sync, from).and_then(Result::ok);
    let generation = sync.metadata.generation.unwrap_or_default();
    memory.leave.shown.turn(to, generation);
    let vouched = vouched(tools, given.as_deref()).await;
    let search = Search {
        tools,
        sync,
        wanted,
        given: given.as_deref(),
        vouched: &vouched,
    };
    let found = search.between(from, to, before, &mut memory.leave.shown);
    let mut leave = found.await.unwrap_or_else(|why| Leave::none(&why));
    if let Some(bound) = &mut leave.bound {
        bound.waiting.truncate(MAX_WAITING);
    }
    memory.leave.last = Some(Last {
        commits: commits.clone(),
        given,
        at: Instant::now(),
        leave: leave.clone(),
    });
    leave
}

/// Since when the cluster vouches for who approves; it is asked only where somebody did.
async fn vouched(tools: &Tools, given: Option<&[Given]>) -> Vouched {
    if given.is_none_or(<[Given]>::is_empty) {
        return Err("nobody approved it in the cluster".to_owned());
    }
    match tools.cluster.client() {
        Ok(client) => vouch::vouched(&client).await,
        Err(problem) => Err(problem.to_string()),
    }
}
