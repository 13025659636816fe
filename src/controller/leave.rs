//! By whose leave a commit is applied, where its environment asks for an approval: every change since
//! the commit that was applied last must have come with a pull request that people agreed to, by the
//! rules that held before it. What is not known counts as no; what undoes drift needs nobody's leave.
//!
//! An agreement is bound to what it was about: the difference between the last commit of the pull
//! request and the one from which it went its own way, rendered here anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::cycle::{Memory, Seen, Tools, fresh};
use super::desired::Desired;
use super::forges::{Merged, Origin};
use crate::adapters::git::remote::RemoteRepository;
use crate::adapters::sync::{Sync, SyncStatus};
use crate::apply::cluster::Cluster as _;
use crate::kinds::approval::Approval;
use crate::object::{Rendered, SetId};
use crate::plan::consent::{self, Consent};
use crate::plan::hold::{self, Agreed};
use crate::plan::intent::{Intent, intent};
use crate::plan::{Plan, Policy};
use crate::report::audit::Agreement;
use crate::source::repository::{CommitId, Repository as _};

/// Commits since the one applied last that are looked into.
const MAX_COMMITS: usize = 50;
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

#[derive(Debug, Clone)]
struct Bound {
    intents: Vec<Intent>,
    missing: Vec<String>,
    agreements: Vec<Agreement>,
}

/// What was found out before: from which commit to which, and when.
pub(super) type Known = Option<(String, String, Instant, Leave)>;

impl Leave {
    /// Holds what nobody agreed to.
    pub(super) fn hold(&self, plan: &mut Plan, rendered: &Rendered) {
        let Some(bound) = &self.bound else { return };
        let why = bound.missing.join("; ");
        let agreed = Agreed {
            intents: &bound.intents,
            whole: bound.missing.is_empty(),
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

    fn is_whole(&self) -> bool {
        self.bound.as_ref().is_none_or(|b| b.missing.is_empty())
    }
}

/// Finds out by whose leave the commit in force is applied.
pub(super) async fn find(
    tools: &Tools,
    sync: &Sync,
    (before, wanted): (&SyncStatus, &Desired),
    seen: &Seen,
    memory: &mut Memory,
) -> Leave {
    let (Some(from), Some(to)) = (&before.last_applied, &seen.in_force) else {
        return Leave::default();
    };
    if from == to {
        return Leave::default();
    }
    if let Some((old, new, at, leave)) = &memory.leave
        && (old, new) == (from, to)
        && (leave.is_whole() || at.elapsed() < AGAIN)
    {
        return leave.clone();
    }
    let found = Search {
        tools,
        sync,
        wanted,
    }
    .between(from, to, memory.recall(sync, from).and_then(Result::ok))
    .await;
    let leave = found.unwrap_or_else(|why| Leave {
        bound: Some(Bound {
            intents: Vec::new(),
            missing: vec![format!("{why}; {WAY_OUT}")],
            agreements: Vec::new(),
        }),
    });
    memory.leave = Some((from.clone(), to.clone(), Instant::now(), leave.clone()));
    leave
}

/// What a search works with.
#[derive(Clone, Copy)]
struct Search<'a> {
    tools: &'a Tools,
    sync: &'a Sync,
    wanted: &'a Desired,
}

impl Search<'_> {
    /// The leave of all changes between two commits; why it cannot be told.
    async fn between(
        self,
        from: &str,
        to: &str,
        before: Option<Arc<Desired>>,
    ) -> Result<Leave, String> {
        let odd = || "the status names no commit".to_owned();
        let from = CommitId::new(from).ok_or_else(odd)?;
        let to = CommitId::new(to).ok_or_else(odd)?;
        let said = |error: &dyn std::fmt::Display| error.to_string();
        let remote = self.tools.sources.of(&self.sync.spec);
        let remote = remote.map_err(|error| said(&error))?;
        let before = match before {
            Some(before) => before,
            None => match self.render(&remote, &from).await {
                Ok(before) => Arc::new(before),
                // History was rewritten, and the commit is nowhere: what it asked for is written down.
                Err(_) if self.governed() == Some(false) => return Ok(Leave::default()),
                Err(why) => return Err(why),
            },
        };
        let Some(rule) = before
            .sets
            .iter()
            .find_map(|r| before.rights.approval(&r.set))
        else {
            return Ok(Leave::default());
        };
        let steps = remote.since(&from, &to, MAX_COMMITS).await;
        let steps = steps.map_err(|error| said(&error))?.ok_or_else(|| {
            let (from, to) = (from.short(), to.short());
            format!("{from} is not among the {MAX_COMMITS} commits before {to}, so it is not known what was agreed to")
        })?;
        self.along(&steps, rule).await
    }

    /// The leave of commits, one by one.
    async fn along(self, steps: &[(CommitId, CommitId)], rule: &Approval) -> Result<Leave, String> {
        let groups = consent::groups(rule);
        let (mut intents, mut missing) = (Vec::new(), Vec::new());
        let mut agreements = Vec::new();
        let mut pulls = BTreeSet::new();
        for (commit, before) in steps {
            match self.origin((commit, before), &groups).await {
                Err(why) => missing.push(why),
                Ok(Origin::Direct) => {
                    missing.push(format!("{} came without a pull request", commit.short()));
                }
                // One pull request may have brought several commits.
                Ok(Origin::Merged(merged)) if !pulls.insert(merged.pull.number) => {}
                Ok(Origin::Merged(merged)) => match self.agreed(&merged, rule).await {
                    Ok((announced, agreement)) => {
                        intents.extend(announced);
                        agreements.push(agreement);
                    }
                    Err(why) => missing.push(format!("#{}: {why}", merged.pull.number)),
                },
            }
        }
        Ok(Leave {
            bound: Some(Bound {
                intents,
                missing,
                agreements,
            }),
        })
    }

    async fn origin(
        self,
        of: (&CommitId, &CommitId),
        groups: &BTreeSet<String>,
    ) -> Result<Origin, String> {
        let forges = &self.tools.forges;
        match forges.origin(&self.sync.spec.repository, of, groups).await {
            Ok(Some(origin)) => Ok(origin),
            Ok(None) => Err("no forge is known here that could tell who agreed".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// What a pull request announced, if people agreed to it.
    async fn agreed(
        self,
        merged: &Merged,
        rule: &Approval,
    ) -> Result<(Vec<Intent>, Agreement), String> {
        let consent = Consent::of(rule, &merged.people, self.now());
        if !consent.is_given() {
            return Err(consent.to_string());
        }
        let base = merged.base.as_ref();
        let base = base.ok_or("the forge does not tell from where it went its own way")?;
        let (tools, spec) = (self.tools, &self.sync.spec);
        let tracked = tools.sources.of(spec).map_err(|error| error.to_string())?;
        let offered = tools.sources.of_pull(spec, &merged.reference);
        let offered = offered.map_err(|error| error.to_string())?;
        let tip = offered.head().await.map_err(|error| error.to_string())?;
        if tip != merged.pull.head {
            return Err("its commits are not those that were agreed to any more".to_owned());
        }
        let old = self.render(&tracked, base).await?;
        let new = self.render(&offered, &tip).await?;
        let intents = announced(&old.sets, &new.sets, |set| self.wanted.policy(set, spec))?;
        let changing = intents.iter().filter(|intent| !intent.changes.is_empty());
        let agreement = Agreement {
            pull: merged.pull.number.to_string(),
            author: merged.people.author.clone(),
            approvers: consent.by,
            merger: merged.people.merger.clone(),
            intents: changing.map(|intent| intent.digest.clone()).collect(),
        };
        Ok((intents, agreement))
    }

    /// Whether the commit that was applied last asked for approvals, as far as that is known.
    fn governed(self) -> Option<bool> {
        self.sync.status.as_ref()?.governed
    }

    async fn render(self, remote: &RemoteRepository, commit: &CommitId) -> Result<Desired, String> {
        let rendered = fresh(self.tools, self.sync, remote, commit).await;
        let said = |why: &str| format!("{}: {why}", commit.short());
        let desired = rendered.map_err(|trouble| said(&trouble.message))?;
        // What was not valid was shown to nobody, so nobody agreed to it.
        match desired.behind.values().next() {
            Some(behind) => Err(said(&behind.why)),
            None => Ok(desired),
        }
    }

    fn now(self) -> Timestamp {
        self.tools.cluster.now()
    }
}

/// The intents of going from one render to another.
fn announced(
    old: &[Rendered],
    new: &[Rendered],
    policy: impl Fn(&SetId) -> Policy,
) -> Result<Vec<Intent>, String> {
    let one = |wanted: &Rendered| {
        let none = Rendered {
            set: wanted.set.clone(),
            objects: BTreeMap::new(),
        };
        let applied = old.iter().find(|r| r.set == wanted.set).unwrap_or(&none);
        let made = intent(applied, wanted, &policy(&wanted.set));
        made.map(|(intent, _)| intent)
            .map_err(|error| error.to_string())
    };
    new.iter().map(one).collect()
}
