//! What pull requests announce, remembered while the same commit is in force: people may take long to
//! agree, and nothing is rendered anew meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::adapters::sync::SyncSpec;
use crate::controller::desired::Desired;
use crate::object::{Owner, Rendered, SetId};
use crate::plan::digest;
use crate::plan::hold::Applied;
use crate::plan::intent::{Intent, intent};
use crate::source::repository::CommitId;

/// Pull requests that are remembered.
const MAX_SHOWN: usize = 16;

/// What a pull request announces.
#[derive(Debug, Default)]
pub(super) struct Offer {
    /// What it changes, set by set.
    pub(super) intents: Vec<Intent>,
    /// Owners of whose sets nothing can be shown, as where their files are not valid on one of its sides; why.
    pub(super) dark: BTreeMap<Owner, String>,
    /// Whether the rule of approvals is another one with it.
    pub(super) turns: bool,
}

impl Offer {
    /// What it announces of the sets that it changes.
    pub(super) fn changing(&self) -> impl Iterator<Item = &Intent> {
        let all = self.intents.iter();
        all.filter(|intent| !intent.changes.is_empty())
    }
}

/// What was announced between two commits, for one commit in force and one generation of the spec.
#[derive(Default)]
pub(super) struct Shown {
    at: (String, i64),
    known: BTreeMap<(String, String), Arc<Offer>>,
}

impl Shown {
    /// What is known is good for one commit in force and one generation.
    pub(super) fn turn(&mut self, to: &str, generation: i64) {
        if (self.at.0.as_str(), self.at.1) != (to, generation) {
            self.at = (to.to_owned(), generation);
            self.known.clear();
        }
    }

    pub(super) fn recall(&self, base: &CommitId, tip: &CommitId) -> Option<Arc<Offer>> {
        let key = (base.to_string(), tip.to_string());
        self.known.get(&key).map(Arc::clone)
    }

    pub(super) fn note(&mut self, base: &CommitId, tip: &CommitId, offer: &Arc<Offer>) {
        if self.known.len() < MAX_SHOWN {
            let key = (base.to_string(), tip.to_string());
            self.known.insert(key, Arc::clone(offer));
        }
    }
}

/// What is announced by going from one commit to another. The policies are those of the commit in force.
pub(super) fn announced(
    (wanted, spec): (&Desired, &SyncSpec),
    (base, old): (&CommitId, &Desired),
    (tip, new): (&CommitId, &Desired),
) -> Offer {
    let mut dark = BTreeMap::new();
    for (commit, side) in [(base, old), (tip, new)] {
        for (tenant, behind) in side.behind(spec) {
            let why = format!("{}: {}", commit.short(), behind.why);
            dark.insert(Owner::Tenant(tenant.to_owned()), why);
        }
    }
    let mut intents = Vec::new();
    for head in &new.sets {
        let set = &head.set;
        if dark.contains_key(&set.owner) {
            continue;
        }
        let none = Rendered {
            set: set.clone(),
            objects: BTreeMap::new(),
        };
        let before = old.sets.iter().find(|r| r.set == *set).unwrap_or(&none);
        match intent(before, head, &wanted.policy(set, spec)) {
            Ok((intent, _)) => intents.push(intent),
            Err(error) => {
                dark.insert(set.owner.clone(), error.to_string());
            }
        }
    }
    Offer {
        intents,
        dark,
        turns: old.rule(spec) != new.rule(spec),
    }
}

/// What is said to change, as it was in the commit that was applied last.
pub(super) fn applied<'i>(
    sets: &[Rendered],
    intents: impl Iterator<Item = &'i Intent>,
) -> BTreeMap<SetId, Applied> {
    let mut all: BTreeMap<SetId, Applied> = BTreeMap::new();
    for intent in intents {
        let Some(rendered) = sets.iter().find(|r| r.set == intent.set) else {
            continue;
        };
        let applied = all.entry(intent.set.clone()).or_default();
        for change in &intent.changes {
            if let Some(desired) = rendered.objects.get(&change.key) {
                let digest = digest::of_desired(desired, &rendered.set);
                applied.insert(change.key.clone(), digest);
            }
        }
    }
    all
}
