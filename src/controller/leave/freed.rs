//! What people let through a freeze: what a pull request changes in one set, if enough of those whom the
//! freeze's `override` names say so in the cluster, with a reason and the ticket that it asks for. Pure, like
//! the judgement of approvals, and by the same rules: nobody lets their own change through.

use std::collections::BTreeMap;

use super::judge::{
    Brought, Found, MAX_REFUSED, Part, Said, agreement, is_merger_unknown, waiting,
};
use crate::adapters::approval::Waiting;
use crate::adapters::sync::fitting;
use crate::object::SetId;
use crate::plan::approved::About;
use crate::plan::consent::{Consent, People};
use crate::plan::display::escape;
use crate::plan::hold::{Agreed, Applied};
use crate::plan::intent::Intent;
use crate::plan::season::{Exception, Season};
use crate::report::audit::Agreement;

/// What gets through freezes, and what could.
#[derive(Debug, Clone, Default)]
pub(super) struct Freed {
    /// Whether people can let anything through.
    pub(super) asked: bool,
    pub(super) sets: BTreeMap<SetId, Through>,
    pub(super) waiting: Vec<Waiting>,
}

/// What of one set gets through the freeze that it is in.
#[derive(Debug, Clone)]
pub(super) struct Through {
    freeze: String,
    intents: Vec<Intent>,
    applied: Applied,
    /// Whether that is all that came in.
    whole: bool,
    pub(super) agreements: Vec<Agreement>,
    /// By whom, and why.
    said: String,
}

impl Through {
    /// Whether it is this freeze that it gets through. The commit in force may have another one besides, or have
    /// taken the override away: then there is no way through.
    pub(super) fn is_through(&self, season: &Season) -> bool {
        match season {
            Season::Frozen {
                freeze,
                exception: Some(_),
                ..
            } => *freeze == format!("`{}`", self.freeze),
            Season::Frozen { .. } | Season::Open | Season::Closed { .. } => false,
        }
    }

    /// What goes.
    pub(super) fn agreed(&self) -> Agreed<'_> {
        Agreed {
            intents: &self.intents,
            applied: &self.applied,
            whole: self.whole,
            why: &self.said,
        }
    }
}

impl Found {
    /// What gets through, set by set.
    pub(super) fn freed(&self, said: Said<'_>) -> Freed {
        let mut freed = Freed {
            asked: !self.exceptions.is_empty(),
            ..Freed::default()
        };
        for (set, exception) in &self.exceptions {
            let through = self.through(said, (set, exception), &mut freed.waiting);
            if let Some(through) = through {
                freed.sets.insert(set.clone(), through);
            }
        }
        freed
    }

    fn through(
        &self,
        said: Said<'_>,
        (set, exception): (&SetId, &Exception),
        waits: &mut Vec<Waiting>,
    ) -> Option<Through> {
        let mut through = Through {
            freeze: exception.freeze.clone(),
            intents: Vec::new(),
            applied: self.applied.get(set).cloned().unwrap_or_default(),
            whole: true,
            agreements: Vec::new(),
            said: String::new(),
        };
        for part in &self.parts {
            let known = match part {
                Part::Pull(brought) => brought.offer.as_ref().ok().map(|offer| (&**brought, offer)),
                Part::Unknown(_) => None,
            };
            let Some((brought, offer)) = known else {
                through.whole = false;
                continue;
            };
            through.whole &= brought.more.is_none() && !offer.dark.contains_key(&set.owner);
            let Some(intent) = offer.changing().find(|intent| intent.set == *set) else {
                continue;
            };
            let (consent, why) = consent(said, (brought, exception), intent);
            waits.push(asked((brought, exception), intent, &consent));
            // It cannot be told that nobody lets through what they merged, where that matters.
            let is_unclear = is_merger_unknown(&exception.rule, &brought.merged);
            if !consent.is_given() || is_unclear {
                through.whole = false;
                continue;
            }
            through.take((brought, intent), consent.by, &why);
        }
        (!through.intents.is_empty()).then_some(through)
    }
}

impl Through {
    /// One change gets through.
    fn take(&mut self, (brought, intent): (&Brought, &Intent), by: Vec<String>, why: &str) {
        let (freeze, number) = (&self.freeze, brought.merged.pull.number);
        let said = format!(
            "#{number} is let through freeze `{freeze}` by {}: {why}",
            by.join(", ")
        );
        if !self.said.is_empty() {
            self.said.push_str("; ");
        }
        self.said.push_str(&said);
        self.agreements.push(Agreement {
            exception: Some(said),
            ..agreement(&brought.merged, by, vec![intent.digest.clone()])
        });
        self.intents.push(intent.clone());
    }
}

/// How far people let a change through, and the tickets and reasons of those that count.
fn consent(
    said: Said<'_>,
    (brought, exception): (&Brought, &Exception),
    intent: &Intent,
) -> (Consent, String) {
    let merged = &brought.merged;
    let pull = merged.pull.number.to_string();
    let about = About {
        pull: &pull,
        commit: merged.pull.head.as_str(),
        intent: &intent.digest,
        exception: Some(exception),
    };
    // What was said at the forge is not about the freeze.
    let people = People {
        yeses: Vec::new(),
        ..merged.people.clone()
    };
    let consent = said.with_cluster(&exception.rule, people, about);
    let given = said.given.unwrap_or_default();
    let counted = given
        .iter()
        .filter(|one| about.is_meant(one) && consent.by.contains(&one.user));
    let whys = counted.map(|one| {
        let both = [&one.ticket, &one.reason].into_iter().flatten();
        let both: Vec<String> = both.map(|text| escape::line(text)).collect();
        both.join(", ")
    });
    let whys: Vec<String> = whys.take(MAX_REFUSED).collect();
    (consent, whys.join("; "))
}

/// What people read who are asked to let a change through.
fn asked(
    (brought, exception): (&Brought, &Exception),
    intent: &Intent,
    consent: &Consent,
) -> Waiting {
    let Exception {
        freeze,
        ticket,
        rule,
    } = exception;
    let needs = match ticket {
        true => "with a reason and a ticket",
        false => "with a reason",
    };
    Waiting {
        freeze: Some(freeze.clone()),
        ticket: *ticket,
        rule: fitting(&format!(
            "to get through freeze `{freeze}`, {needs}: {consent}"
        )),
        ..waiting((&brought.merged, rule), intent, consent)
    }
}
