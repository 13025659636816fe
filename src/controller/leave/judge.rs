//! What comes of what is known: each change that came in is judged by the rule, by what people said at the
//! forge and by what they approved in the cluster. Pure, so that it is done again as often as somebody approves.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::shown::Offer;
use super::{Bound, Leave, Missing, Whose};
use crate::adapters::approval::Waiting;
use crate::adapters::sync::{MAX_WAITING, fitting};
use crate::controller::forges::Merged;
use crate::kinds::approval::{self, Approval};
use crate::model::job::Entitled;
use crate::object::SetId;
use crate::plan::approved::{About, Given, Heard, Vouched};
use crate::plan::consent::{self, Consent, People};
use crate::plan::hold::Applied;
use crate::plan::intent::Intent;
use crate::plan::season::Exception;
use crate::report::audit::Agreement;

/// Agreements that do not count and are named.
pub(super) const MAX_REFUSED: usize = 10;
/// What is said where a rule excludes a merger whom nobody knows.
const NO_MERGER: &str = "the forge does not tell who merged it, which may be whoever agreed to it";

/// What is known of the commits between two.
#[derive(Default)]
pub(super) struct Found {
    /// The rule for all of them; without one everything goes.
    pub(super) rule: Option<Approval>,
    /// Whether the commit in force has another rule than that.
    pub(super) turns: bool,
    /// What lets changes of a set through the freeze that it is in.
    pub(super) exceptions: BTreeMap<SetId, Exception>,
    /// Members of tenants who may agree to changes of a set, where roles say so.
    pub(super) agreeing: BTreeMap<SetId, Vec<Entitled>>,
    /// How they came in.
    pub(super) parts: Vec<Part>,
    /// What they change, as it was before them.
    pub(super) applied: BTreeMap<SetId, Applied>,
}

/// How a change came in.
pub(super) enum Part {
    /// Nobody knows, or past all pull requests; in words.
    Unknown(String),
    /// With a pull request.
    Pull(Box<Brought>),
}

/// A pull request that came in.
pub(super) struct Brought {
    pub(super) merged: Merged,
    /// What it announced; why that cannot be told.
    pub(super) offer: Result<Arc<Offer>, String>,
    /// Why it does not account for all that came in with it.
    pub(super) more: Option<String>,
}

/// What people said in the cluster, and when it is judged.
#[derive(Clone, Copy)]
pub(super) struct Said<'a> {
    /// What was approved there for this Sync, as far as that is known.
    pub(super) given: Option<&'a [Given]>,
    /// Since when it is known by whom.
    pub(super) vouched: &'a Vouched,
    pub(super) now: Timestamp,
}

impl Found {
    /// By whose leave all of it goes.
    pub(super) fn judge(&self, said: Said<'_>) -> Leave {
        Leave {
            bound: self.bound(said),
            freed: self.freed(said),
        }
    }

    fn bound(&self, said: Said<'_>) -> Option<Bound> {
        let rule = self.rule.as_ref()?;
        let mut bound = Bound {
            applied: self.applied.clone(),
            ..Bound::default()
        };
        for part in &self.parts {
            match part {
                Part::Unknown(why) => bound.missing.push(Missing::all(why.clone())),
                Part::Pull(brought) => said.judge(self, brought, rule, &mut bound),
            }
        }
        if self.turns {
            let unruled = self.parts.iter().map(|part| part.unruled(rule, said.now));
            bound.unruled = unruled.flatten().collect();
        }
        // What nobody has to look at any more makes room for the rest.
        bound.waiting.sort_by_key(|waiting| waiting.missing == 0);
        bound.waiting.truncate(MAX_WAITING);
        Some(bound)
    }

    /// The people behind a change of some sets, with those who alone may agree to it.
    fn people<'i>(&self, merged: &Merged, changed: impl Iterator<Item = &'i Intent>) -> People {
        let only = changed.filter_map(|intent| self.agreeing.get(&intent.set).cloned());
        People {
            only: only.collect(),
            ..merged.people.clone()
        }
    }
}

impl Part {
    /// Why it may have brought another rule that nobody agreed to by this one. Only reviews count for that:
    /// what is approved in the cluster is what changes in one set.
    fn unruled(&self, rule: &Approval, now: Timestamp) -> Option<String> {
        let brought = match self {
            Self::Unknown(why) => return Some(why.clone()),
            Self::Pull(brought) => brought,
        };
        let merged = &brought.merged;
        let reviews = Consent::of(rule, &merged.people, now);
        let why = match &brought.offer {
            Err(why) => why.clone(),
            Ok(offer) if offer.turns && !reviews.is_given() => reviews.to_string(),
            Ok(offer) if offer.turns && is_merger_unknown(rule, merged) => NO_MERGER.to_owned(),
            Ok(_) => brought.more.clone()?,
        };
        Some(format!("#{}: {why}", merged.pull.number))
    }
}

impl Said<'_> {
    /// Notes what a pull request announced and how far people agreed to it.
    fn judge(self, found: &Found, brought: &Brought, rule: &Approval, bound: &mut Bound) {
        let merged = &brought.merged;
        let changed = brought.offer.iter().flat_map(|offer| offer.changing());
        let reviews = Consent::of(rule, &found.people(merged, changed), self.now);
        let missing = |why: &str| Missing::all(format!("#{}: {why}", merged.pull.number));
        if is_merger_unknown(rule, merged) {
            bound.missing.push(missing(NO_MERGER));
        }
        match &brought.offer {
            Err(why) if reviews.is_given() => bound.missing.push(missing(why)),
            // Nothing can be shown that people could approve in the cluster.
            Err(why) => bound.missing.push(missing(&format!("{reviews}; {why}"))),
            Ok(offer) if reviews.is_given() => {
                let digests = offer.changing().map(|intent| intent.digest.clone());
                let agreement = agreement(merged, reviews.by, digests.collect());
                bound.agreements.push(agreement);
                bound.intents.extend(offer.intents.iter().cloned());
            }
            Ok(offer) => self.judge_sets((found, merged, rule), &reviews, offer, bound),
        }
        if let Ok(offer) = &brought.offer {
            bound.missing.extend(dark(merged, offer));
        }
        bound.missing.extend(brought.more.as_deref().map(missing));
    }

    /// Notes set by set what was approved in the cluster. Where every set that changes was, the whole pull
    /// request was agreed to.
    fn judge_sets(
        self,
        (found, merged, rule): (&Found, &Merged, &Approval),
        reviews: &Consent,
        offer: &Offer,
        bound: &mut Bound,
    ) {
        let number = merged.pull.number;
        let (mut given, mut open) = (Vec::new(), Vec::new());
        for intent in offer.changing() {
            let consent = self.consent((found, merged, rule), intent);
            let mut waits = waiting((merged, rule), intent, &consent);
            let members = found.agreeing.get(&intent.set);
            let groups = members.map(|members| consent::member_groups(members));
            waits.groups.extend(groups.unwrap_or_default());
            bound.waiting.push(waits);
            let set = intent.set.clone();
            match consent.is_given() {
                true => {
                    let digests = vec![intent.digest.clone()];
                    let agreement = agreement(merged, consent.by, digests);
                    bound.agreements.push(agreement);
                    bound.intents.push(intent.clone());
                    given.push(set);
                }
                false => {
                    bound.missing.push(Missing {
                        of: Whose::Only(set.clone()),
                        why: format!("#{number}: {consent}{}", self.unknown()),
                    });
                    open.push(set);
                }
            }
        }
        if given.is_empty() || !open.is_empty() {
            // Sets that it does not change, as far as it shows, miss an agreement to it as well.
            bound.missing.push(Missing {
                of: Whose::AllBut(given.into_iter().chain(open).collect()),
                why: format!("#{number}: {reviews}"),
            });
        }
    }

    /// How far people agreed to what a pull request changes in one set, in both ways together.
    fn consent(
        self,
        (found, merged, rule): (&Found, &Merged, &Approval),
        intent: &Intent,
    ) -> Consent {
        let pull = merged.pull.number.to_string();
        let about = About {
            pull: &pull,
            commit: merged.pull.head.as_str(),
            intent: &intent.digest,
            exception: None,
        };
        let people = found.people(merged, std::iter::once(intent));
        self.with_cluster(rule, people, about)
    }

    /// How far people agreed by a rule, with what was said in the cluster.
    pub(super) fn with_cluster(
        self,
        rule: &Approval,
        mut people: People,
        about: About<'_>,
    ) -> Consent {
        let given = self.given.unwrap_or_default();
        let heard = Heard::of(given, about, self.vouched, self.now);
        people.yeses.extend(heard.yeses);
        let mut consent = Consent::of(rule, &people, self.now);
        consent.refused.extend(heard.refused);
        // Whoever may make Approvals can make many that do not count.
        consent.refused.truncate(MAX_REFUSED);
        consent
    }

    /// What is not known of the cluster, for people.
    fn unknown(self) -> &'static str {
        match self.given {
            Some(_) => "",
            None => "; what was approved in the cluster is not known",
        }
    }
}

/// Whether a rule excludes whoever merged it, and nobody knows who that is.
pub(super) fn is_merger_unknown(rule: &Approval, merged: &Merged) -> bool {
    rule.exclude.contains(&approval::Part::Merger) && merged.people.merger.is_none()
}

/// What is missing where a pull request showed nothing: nobody agreed to what nobody saw.
fn dark(merged: &Merged, offer: &Offer) -> impl Iterator<Item = Missing> {
    let number = merged.pull.number;
    offer.dark.iter().map(move |(owner, why)| Missing {
        of: Whose::Of(owner.clone()),
        why: format!("#{number}: what it changes for {owner} was shown to nobody: {why}"),
    })
}

/// An agreement for the audit trail, whichever way it was given.
pub(super) fn agreement(
    merged: &Merged,
    approvers: Vec<String>,
    intents: Vec<String>,
) -> Agreement {
    Agreement {
        pull: merged.pull.number.to_string(),
        author: merged.people.author.clone(),
        approvers,
        merger: merged.people.merger.clone(),
        intents,
        exception: None,
    }
}

/// What people read who are asked to approve.
pub(super) fn waiting(
    (merged, rule): (&Merged, &Approval),
    intent: &Intent,
    consent: &Consent,
) -> Waiting {
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
        ..Waiting::default()
    }
}

#[cfg(test)]
mod tests;
