//! One search for the leave of the commits between two: each came with a pull request, and each of those
//! is judged by the rule, by what people said at the forge and by what they approved in the cluster.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::shown::{Shown, announced};
use super::{Bound, Leave, Missing, Whose};
use crate::adapters::approval::Waiting;
use crate::adapters::git::remote::RemoteRepository;
use crate::adapters::sync::{Sync, fitting};
use crate::apply::cluster::Cluster as _;
use crate::controller::cycle::{Tools, fresh};
use crate::controller::desired::Desired;
use crate::controller::forges::{Merged, Origin};
use crate::kinds::approval::Approval;
use crate::plan::approved::{About, Given, Heard, Vouched};
use crate::plan::consent::{self, Consent, People};
use crate::plan::intent::Intent;
use crate::report::audit::Agreement;
use crate::source::repository::{CommitId, Repository as _};

/// Commits since the one applied last that are looked into.
const MAX_COMMITS: usize = 50;
/// Agreements that do not count and are named.
const MAX_REFUSED: usize = 10;

/// What a search works with.
#[derive(Clone, Copy)]
pub(super) struct Search<'a> {
    pub(super) tools: &'a Tools,
    pub(super) sync: &'a Sync,
    pub(super) wanted: &'a Desired,
    /// What was approved in the cluster for this Sync, as far as that is known.
    pub(super) given: Option<&'a [Given]>,
    /// Since when it is known by whom.
    pub(super) vouched: &'a Vouched,
}

impl Search<'_> {
    /// The leave of all changes between two commits; why it cannot be told.
    pub(super) async fn between(
        self,
        from: &str,
        to: &str,
        before: Option<Arc<Desired>>,
        shown: &mut Shown,
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
        let mut found = Bound::default();
        self.along(&steps, rule, shown, &mut found).await;
        Ok(Leave { bound: Some(found) })
    }

    /// The leave of commits, one by one.
    async fn along(
        self,
        steps: &[(CommitId, CommitId)],
        rule: &Approval,
        shown: &mut Shown,
        found: &mut Bound,
    ) {
        let groups = consent::groups(rule);
        let mut pulls = BTreeSet::new();
        for (commit, before) in steps {
            match self.origin((commit, before), &groups).await {
                Err(why) => found.missing.push(Missing::all(why)),
                Ok(Origin::Direct) => {
                    let why = format!("{} came without a pull request", commit.short());
                    found.missing.push(Missing::all(why));
                }
                // One pull request may have brought several commits.
                Ok(Origin::Merged(merged)) if !pulls.insert(merged.pull.number) => {}
                Ok(Origin::Merged(merged)) => {
                    let judged = self.judge(&merged, rule, shown, found).await;
                    if let Err(why) = judged {
                        let why = format!("#{}: {why}", merged.pull.number);
                        found.missing.push(Missing::all(why));
                    }
                }
            }
        }
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

    /// Notes what a pull request announced and how far people agreed to it; why that cannot be told.
    async fn judge(
        self,
        merged: &Merged,
        rule: &Approval,
        shown: &mut Shown,
        found: &mut Bound,
    ) -> Result<(), String> {
        let reviews = Consent::of(rule, &merged.people, self.now());
        let intents = match self.announced(merged, shown).await {
            Ok(intents) => intents,
            Err(why) if reviews.is_given() => return Err(why),
            // Nothing can be shown that people could approve in the cluster.
            Err(why) => return Err(format!("{reviews}; {why}")),
        };
        if reviews.is_given() {
            let changing = intents.iter().filter(|intent| !intent.changes.is_empty());
            let digests = changing.map(|intent| intent.digest.clone()).collect();
            found
                .agreements
                .push(agreement(merged, reviews.by, digests));
            found.intents.extend(intents.iter().cloned());
            return Ok(());
        }
        self.judge_sets((merged, rule), &reviews, &intents, found);
        Ok(())
    }

    /// Notes set by set what was approved in the cluster. Where every set that changes was, the whole pull
    /// request was agreed to.
    fn judge_sets(
        self,
        (merged, rule): (&Merged, &Approval),
        reviews: &Consent,
        intents: &[Intent],
        found: &mut Bound,
    ) {
        let number = merged.pull.number;
        let (mut given, mut open) = (Vec::new(), Vec::new());
        for intent in intents.iter().filter(|intent| !intent.changes.is_empty()) {
            let consent = self.consent((merged, rule), intent);
            found
                .waiting
                .push(waiting((merged, rule), intent, &consent));
            let set = intent.set.clone();
            match consent.is_given() {
                true => {
                    let digests = vec![intent.digest.clone()];
                    let agreement = agreement(merged, consent.by, digests);
                    found.agreements.push(agreement);
                    found.intents.push(intent.clone());
                    given.push(set);
                }
                false => {
                    found.missing.push(Missing {
                        of: Whose::Only(set.clone()),
                        why: format!("#{number}: {consent}{}", self.unknown()),
                    });
                    open.push(set);
                }
            }
        }
        if given.is_empty() || !open.is_empty() {
            // Sets that it does not change, as far as it shows, miss an agreement to it as well.
            found.missing.push(Missing {
                of: Whose::AllBut(given.into_iter().chain(open).collect()),
                why: format!("#{number}: {reviews}"),
            });
        }
    }

    /// How far people agreed to what a pull request changes in one set, in both ways together.
    fn consent(self, (merged, rule): (&Merged, &Approval), intent: &Intent) -> Consent {
        let about = About {
            commit: merged.pull.head.as_str(),
            intent: &intent.digest,
        };
        let (given, now) = (self.given.unwrap_or_default(), self.now());
        let heard = Heard::of(given, about, rule, self.vouched, now);
        let mut people: People = merged.people.clone();
        people.yeses.extend(heard.yeses);
        let mut consent = Consent::of(rule, &people, now);
        let room = MAX_REFUSED.saturating_sub(consent.refused.len());
        consent.refused.extend(heard.refused.into_iter().take(room));
        consent
    }

    /// What is not known of the cluster, for people.
    fn unknown(self) -> &'static str {
        match self.given {
            Some(_) => "",
            None => "; what was approved in the cluster is not known yet",
        }
    }

    /// What a pull request announced, set by set.
    async fn announced(
        self,
        merged: &Merged,
        shown: &mut Shown,
    ) -> Result<Arc<Vec<Intent>>, String> {
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
        if let Some(known) = shown.recall(base, &tip) {
            return Ok(known);
        }
        let old = self.render(&tracked, base).await?;
        let new = self.render(&offered, &tip).await?;
        let intents = announced(&old.sets, &new.sets, |set| self.wanted.policy(set, spec))?;
        let intents = Arc::new(intents);
        shown.note(base, &tip, &intents);
        Ok(intents)
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

/// An agreement for the audit trail, whichever way it was given.
fn agreement(merged: &Merged, approvers: Vec<String>, intents: Vec<String>) -> Agreement {
    Agreement {
        pull: merged.pull.number.to_string(),
        author: merged.people.author.clone(),
        approvers,
        merger: merged.people.merger.clone(),
        intents,
    }
}

/// What people read who are asked to approve.
fn waiting((merged, rule): (&Merged, &Approval), intent: &Intent, consent: &Consent) -> Waiting {
    let refused = consent.refused.iter().take(MAX_REFUSED);
    Waiting {
        set: intent.set.to_string(),
        intent: intent.digest.clone(),
        commit: merged.pull.head.to_string(),
        pull: merged.pull.number.to_string(),
        change: fitting(&intent.to_string()),
        rule: fitting(&consent.to_string()),
        missing: consent.missing,
        groups: consent::groups(rule).into_iter().collect(),
        by: consent.by.clone(),
        refused: refused.map(|why| fitting(why)).collect(),
    }
}
