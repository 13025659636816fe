//! What pull requests announce, remembered while the same commit is in force: people may take long to
//! agree, and nothing is rendered anew meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::object::Rendered;
use crate::object::SetId;
use crate::plan::hold::Applied;
use crate::plan::intent::{Intent, intent};
use crate::plan::{Policy, digest};
use crate::source::repository::CommitId;

/// Pull requests that are remembered.
const MAX_SHOWN: usize = 16;

/// What was announced between two commits, for one commit in force and one generation of the spec.
#[derive(Default)]
pub(super) struct Shown {
    at: (String, i64),
    known: BTreeMap<(String, String), Arc<Vec<Intent>>>,
}

impl Shown {
    /// What is known is good for one commit in force and one generation.
    pub(super) fn turn(&mut self, to: &str, generation: i64) {
        if (self.at.0.as_str(), self.at.1) != (to, generation) {
            self.at = (to.to_owned(), generation);
            self.known.clear();
        }
    }

    pub(super) fn recall(&self, base: &CommitId, tip: &CommitId) -> Option<Arc<Vec<Intent>>> {
        let key = (base.to_string(), tip.to_string());
        self.known.get(&key).map(Arc::clone)
    }

    pub(super) fn note(&mut self, base: &CommitId, tip: &CommitId, intents: &Arc<Vec<Intent>>) {
        if self.known.len() < MAX_SHOWN {
            let key = (base.to_string(), tip.to_string());
            self.known.insert(key, Arc::clone(intents));
        }
    }
}

/// The intents of going from one render to another.
pub(super) fn announced(
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
