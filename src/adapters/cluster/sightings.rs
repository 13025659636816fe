//! What watches say of objects, and what was known of them when they were last looked at.
//!
//! An object that stands at the very version at which it was found in sync and healthy need not be read
//! again. Everything else is: what no complete watch shows, what two of them show differently, and
//! whatever Git or our records say otherwise than then. Only marks are kept, never bodies.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::object::{Desired, GroupKind, ObjectKey, SetId};
use crate::plan::Policy;
use crate::plan::inventory::Entry;

/// A digest over everything that an object was judged by.
pub(super) type Print = [u8; 32];

/// All watches that follow objects, and the verdicts that they keep warm.
#[derive(Default)]
pub(super) struct Sightings {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u64,
    watches: BTreeMap<GroupKind, BTreeMap<u64, Seen>>,
    verdicts: BTreeMap<SetId, HashMap<ObjectKey, Verdict>>,
}

/// What one watch shows.
#[derive(Default)]
struct Seen {
    complete: bool,
    /// By namespace and name.
    versions: HashMap<Option<String>, HashMap<String, String>>,
}

/// An object that was in sync and healthy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) uid: String,
    pub(super) version: String,
    pub(super) print: Print,
}

/// One watch's place among the sightings; what it showed is forgotten with it.
pub(super) struct Sight {
    sightings: Arc<Sightings>,
    kind: GroupKind,
    number: u64,
}

impl Sightings {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(self: &Arc<Self>, kind: GroupKind) -> Sight {
        let mut state = self.lock();
        state.next += 1;
        let number = state.next;
        let watches = state.watches.entry(kind.clone()).or_default();
        watches.insert(number, Seen::default());
        Sight {
            sightings: Arc::clone(self),
            kind,
            number,
        }
    }

    /// Whether anything is followed at all.
    pub(super) fn any(&self) -> bool {
        !self.lock().watches.is_empty()
    }

    /// Takes out the verdicts on a set's objects that still hold, as far as watches can tell. Until new
    /// ones are remembered there are none, and everything is read.
    pub(super) fn warm(&self, set: &SetId) -> HashMap<ObjectKey, Verdict> {
        let mut state = self.lock();
        let mut verdicts = state.verdicts.remove(set).unwrap_or_default();
        let stands = |key: &ObjectKey, verdict: &Verdict| {
            let watches = state.watches.get(&key.group_kind).into_iter().flatten();
            let mut shown = watches
                .filter(|(_, seen)| seen.complete)
                .filter_map(|(_, seen)| seen.versions.get(&key.namespace)?.get(&key.name))
                .peekable();
            shown.peek().is_some() && shown.all(|version| *version == verdict.version)
        };
        verdicts.retain(|key, verdict| stands(key, verdict));
        verdicts
    }

    /// Keeps what was found of a set, in place of what was known before.
    pub(super) fn remember(&self, set: &SetId, verdicts: HashMap<ObjectKey, Verdict>) {
        let mut state = self.lock();
        if verdicts.is_empty() {
            drop(state.verdicts.remove(set));
        } else {
            drop(state.verdicts.insert(set.clone(), verdicts));
        }
    }
}

impl Sight {
    fn with(&self, change: impl FnOnce(&mut Seen)) {
        let mut state = self.sightings.lock();
        let watches = state.watches.get_mut(&self.kind);
        if let Some(seen) = watches.and_then(|watches| watches.get_mut(&self.number)) {
            change(seen);
        }
    }

    /// Everything that is there was shown.
    pub(super) fn complete(&self) {
        self.with(|seen| seen.complete = true);
    }

    /// An object stands at a version, or is gone.
    pub(super) fn take(&self, key: &ObjectKey, version: Option<String>) {
        self.with(|seen| {
            let beside = seen.versions.entry(key.namespace.clone()).or_default();
            match version {
                Some(version) => drop(beside.insert(key.name.clone(), version)),
                None => drop(beside.remove(&key.name)),
            }
        });
    }
}

impl Drop for Sight {
    fn drop(&mut self) {
        let mut state = self.sightings.lock();
        if let Some(watches) = state.watches.get_mut(&self.kind) {
            drop(watches.remove(&self.number));
            if watches.is_empty() {
                drop(state.watches.remove(&self.kind));
            }
        }
    }
}

/// A digest over everything besides the live object that decides whether it is in sync.
pub(super) fn print(desired: &Desired, entry: &Entry, policy: &Print) -> Print {
    // A text as a whole is digested many times faster than in its small pieces.
    let mut text = Vec::with_capacity(4096);
    text.extend_from_slice(policy);
    let parts = (&desired.manifest.body, &desired.rules, entry);
    // Writing into memory cannot fail.
    drop(serde_json::to_writer(&mut text, &parts));
    *blake3::hash(&text).as_bytes()
}

/// The same over what is the same for all objects of a set.
pub(super) fn print_of_policy(policy: &Policy) -> Print {
    let text = serde_json::to_string(&policy.conflicts).unwrap_or_default();
    *blake3::hash(text.as_bytes()).as_bytes()
}

#[cfg(test)]
mod tests;
