//! What watches say of objects, and what was known of them when they were last looked at.
//!
//! An object that stands at the very version at which it was found in sync and healthy need not be read
//! again. Everything else is: what no complete watch shows, what two of them show differently, and
//! whatever Git or our records say otherwise than then. Only marks are kept, never bodies.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::TryStreamExt as _;
use kube::api::{DynamicObject, PartialObjectMeta};
use kube::core::GroupVersionKind;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client};
use tokio::sync::mpsc;

use crate::object::{Desired, GroupKind, ObjectKey, SetId};
use crate::plan::Policy;
use crate::plan::inventory::Entry;

/// What is watched: apiVersion, kind, and the labels of the sets.
pub type Watched = (String, String, String);

/// Namespace and name.
type Name = (Option<String>, String);

/// A digest over everything that an object was judged by.
pub(super) type Print = [u8; 32];

/// All watches that follow objects, and the verdicts that they keep warm.
#[derive(Default)]
pub struct Sightings {
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
    /// It ended in an error and said nothing since.
    broken: bool,
    versions: HashMap<Name, String>,
}

/// An object that was in sync and healthy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) uid: String,
    pub(super) version: String,
    pub(super) print: Print,
}

/// One watch's place among the sightings; what it showed is forgotten with it.
struct Sight {
    sightings: Arc<Sightings>,
    kind: GroupKind,
    number: u64,
}

impl Sightings {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(self: &Arc<Self>, kind: GroupKind) -> Sight {
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

    /// The verdicts on a set's objects that still hold, as far as watches can tell.
    pub(super) fn warm(&self, set: &SetId) -> HashMap<ObjectKey, Verdict> {
        let state = self.lock();
        let Some(verdicts) = state.verdicts.get(set) else {
            return HashMap::new();
        };
        let stands = |key: &ObjectKey, verdict: &Verdict| {
            let name = (key.namespace.clone(), key.name.clone());
            let watches = state.watches.get(&key.group_kind).into_iter().flatten();
            let mut shown = watches
                .filter(|(_, seen)| seen.complete && !seen.broken)
                .filter_map(|(_, seen)| seen.versions.get(&name))
                .peekable();
            shown.peek().is_some() && shown.all(|version| *version == verdict.version)
        };
        let standing = verdicts
            .iter()
            .filter(|(key, verdict)| stands(key, verdict));
        standing.map(|(k, v)| (k.clone(), v.clone())).collect()
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

    fn take(&self, event: &watcher::Event<PartialObjectMeta<DynamicObject>>) {
        self.with(|seen| seen.take(event));
    }
}

impl Seen {
    fn take(&mut self, event: &watcher::Event<PartialObjectMeta<DynamicObject>>) {
        self.broken = false;
        match event {
            watcher::Event::Init => *self = Self::default(),
            watcher::Event::InitDone => self.complete = true,
            watcher::Event::InitApply(object) | watcher::Event::Apply(object) => {
                let version = object.metadata.resource_version.clone();
                self.versions
                    .insert(name(object), version.unwrap_or_default());
            }
            watcher::Event::Delete(object) => drop(self.versions.remove(&name(object))),
        }
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

/// Follows the objects of one kind in some sets for as long as it is not dropped, and says when one of
/// them changed in more than its status. Ends where the kind cannot be found.
pub async fn follow(
    client: Client,
    sightings: Arc<Sightings>,
    (api_version, kind, labels): Watched,
    tell: mpsc::Sender<()>,
) {
    let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
    let gvk = GroupVersionKind::gvk(group, version, &kind);
    // Tried again after the next pass.
    let Ok((resource, _)) = kube::discovery::pinned_kind(&client, &gvk).await else {
        return;
    };
    let api: Api<PartialObjectMeta<DynamicObject>> = Api::all_with(client, &resource);
    let config = watcher::Config::default().labels(&labels).any_semantic();
    let events = watcher(api, config).default_backoff();
    let mut events = std::pin::pin!(events);
    let sight = sightings.begin(GroupKind::new(group, &kind));
    let mut known = BTreeMap::new();
    loop {
        match events.try_next().await {
            Ok(Some(event)) => {
                sight.take(&event);
                if is_news(&mut known, &event) {
                    // A full channel already says that something changed.
                    tell.try_send(()).ok();
                }
            }
            Ok(None) => return,
            Err(error) => {
                sight.with(|seen| seen.broken = true);
                tracing::debug!(kind, %error, "watch broken; trying again");
            }
        }
    }
}

type Known = BTreeMap<Name, String>;

/// Whether an event is about more than the object's status.
fn is_news(known: &mut Known, event: &watcher::Event<PartialObjectMeta<DynamicObject>>) -> bool {
    match event {
        watcher::Event::Init | watcher::Event::InitDone => false,
        watcher::Event::InitApply(object) => {
            known.insert(name(object), mark(object));
            false
        }
        watcher::Event::Apply(object) => {
            let mark = mark(object);
            known.insert(name(object), mark.clone()) != Some(mark)
        }
        watcher::Event::Delete(object) => {
            known.remove(&name(object));
            true
        }
    }
}

fn name(object: &PartialObjectMeta<DynamicObject>) -> Name {
    let metadata = &object.metadata;
    let name = metadata.name.clone().unwrap_or_default();
    (metadata.namespace.clone(), name)
}

/// Changes with every change that matters: the generation where the kind has one, else the version.
fn mark(object: &PartialObjectMeta<DynamicObject>) -> String {
    let metadata = &object.metadata;
    let version = || metadata.resource_version.clone().unwrap_or_default();
    let content = metadata
        .generation
        .map_or_else(version, |generation| generation.to_string());
    format!("{content} {:?} {:?}", metadata.labels, metadata.annotations)
}

/// A digest over everything besides the live object that decides whether it is in sync.
pub(super) fn print(desired: &Desired, entry: &Entry, policy: &Print) -> Print {
    let mut hasher = blake3::Hasher::new();
    hasher.update(policy);
    let parts = (&desired.manifest.body, &desired.rules, entry);
    // Writing into a digest cannot fail.
    drop(serde_json::to_writer(&mut hasher, &parts));
    *hasher.finalize().as_bytes()
}

/// The same over what is the same for all objects of a set.
pub(super) fn print_of_policy(policy: &Policy) -> Print {
    let text = serde_json::to_string(&policy.conflicts).unwrap_or_default();
    *blake3::hash(text.as_bytes()).as_bytes()
}

#[cfg(test)]
mod tests;
