//! What people hold, as far as it is known: one watch for all Syncs. As long as it is not known, nothing
//! that was changed outside of Git is undone.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use jiff::Timestamp;
use kube::ResourceExt as _;
use kube::runtime::watcher;

use super::watches::is_missing;
use crate::adapters::hold::{Hold, HoldSpec};
use crate::object::{Rendered, ResourceId, SetId};
use crate::plan::{Drift, Policy};

/// All Holds of the cluster.
#[derive(Default)]
pub struct Holds {
    inner: RwLock<Inner>,
}

#[derive(Default)]
struct Inner {
    /// By name; `None` until they were read once.
    known: Option<BTreeMap<String, HoldSpec>>,
    /// What is being read anew.
    fresh: BTreeMap<String, HoldSpec>,
}

impl Holds {
    /// Hears of a change. True if it may matter to somebody.
    pub(super) fn hear(&self, event: watcher::Event<Hold>) -> bool {
        let mut guard = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let Inner { known, fresh } = &mut *guard;
        match event {
            watcher::Event::Init => {
                fresh.clear();
                false
            }
            watcher::Event::InitApply(hold) => {
                fresh.insert(hold.name_any(), hold.spec);
                false
            }
            watcher::Event::InitDone => {
                let fresh = Some(std::mem::take(fresh));
                let news = *known != fresh;
                *known = fresh;
                news
            }
            watcher::Event::Apply(hold) => {
                let before = known
                    .get_or_insert_default()
                    .insert(hold.name_any(), hold.spec.clone());
                before != Some(hold.spec)
            }
            watcher::Event::Delete(hold) => {
                let before = known.get_or_insert_default().remove(&hold.name_any());
                before.is_some()
            }
        }
    }

    /// Hears that Holds cannot be read. Where there is no such kind, there are none. True if that
    /// matters to somebody.
    pub(super) fn fail(&self, error: &watcher::Error) -> bool {
        let missing = is_missing(error);
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let first = missing && inner.known.is_none();
        if first {
            inner.known = Some(BTreeMap::new());
        }
        first
    }

    /// Until when a resource is held already, as it is written; what is written alike sorts by time.
    pub(super) fn until(
        &self,
        set: &SetId,
        resource: &ResourceId,
        now: Timestamp,
    ) -> Option<String> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        let known = inner.known.iter().flat_map(BTreeMap::values);
        let active = known.filter(|hold| hold.is_active(now) && hold.covers(set, resource));
        active.map(|hold| hold.until.clone()).max()
    }

    /// What a set may do while people hold some of it.
    pub(super) fn temper(&self, policy: &mut Policy, rendered: &Rendered, now: Timestamp) {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = &inner.known else {
            policy.drift = Drift::Report;
            return;
        };
        let active: Vec<&HoldSpec> = known.values().filter(|h| h.is_active(now)).collect();
        if active.is_empty() {
            return;
        }
        let resources = rendered.objects.values().map(|object| &object.resource);
        let held = resources.filter(|r| active.iter().any(|h| h.covers(&rendered.set, r)));
        policy.held = held.cloned().collect();
    }
}
