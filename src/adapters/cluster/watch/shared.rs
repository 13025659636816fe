//! One watch for all objects of a kind in a set. Whoever listens hears the latest state of one object,
//! and joins only where nothing can have been missed in between. It lives as long as someone listens.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use crate::adapters::cluster::live;
use crate::adapters::cluster::watch::Event;
use crate::adapters::cluster::watch::lines::{Change, Lines};
use crate::apply::cluster::Seen;
use crate::object::{GroupKind, ObjectKey};

/// Namespace and name.
type Name = (Option<String>, String);

/// A watch that is shared.
pub(super) struct Shared {
    /// The version it began at.
    began: u64,
    known: Arc<Mutex<Known>>,
    _reader: AbortOnDropHandle<()>,
}

/// States at most that are kept for those who did not listen yet.
const MAX_UNHEARD: usize = 256;

#[derive(Default)]
struct Known {
    over: bool,
    /// The latest version that was seen of each object.
    latest: HashMap<Name, u64>,
    /// The state at that version, of objects that nobody listened to yet: a write that is answered a
    /// little later than its effect was seen need not be followed by a read. What Secrets hold is not
    /// kept for anybody.
    unheard: HashMap<Name, Event>,
    /// Objects that somebody listened to.
    heard: HashSet<Name>,
    listeners: HashMap<Name, Vec<watch::Sender<Option<Event>>>>,
}

impl Shared {
    /// Begins to read.
    pub(super) fn new(mut lines: Lines, kind: GroupKind, began: u64) -> Self {
        let known: Arc<Mutex<Known>> = Arc::default();
        let ours = Arc::clone(&known);
        let reader = tokio::spawn(async move {
            while let Some(change) = lines.next().await {
                let mut known = lock(&ours);
                let goes_on = match change {
                    Ok(change) => known.tell(&kind, change, lines.what()),
                    Err(problem) => {
                        known.tell_all(&Err(problem));
                        false
                    }
                };
                if !goes_on {
                    break;
                }
            }
            let mut known = lock(&ours);
            known.over = true;
            known.listeners.clear();
        });
        Self {
            began,
            known,
            _reader: AbortOnDropHandle::new(reader),
        }
    }

    /// Whether it still reads.
    pub(super) fn is_on(&self) -> bool {
        !lock(&self.known).over
    }

    /// Changes of one object since a version; none if some of them may have been missed.
    pub(super) fn listen(
        self: Arc<Self>,
        key: &ObjectKey,
        since: u64,
    ) -> Option<BoxStream<'static, Event>> {
        let name = (key.namespace.clone(), key.name.clone());
        let (sender, mut receiver) = watch::channel(None);
        {
            let mut known = lock(&self.known);
            let later = known.latest.get(&name).is_some_and(|seen| *seen > since);
            let missed = known.unheard.remove(&name).filter(|_| later);
            if known.over || since < self.began || (later && missed.is_none()) {
                return None;
            }
            if missed.is_some() {
                drop(sender.send_replace(missed));
                receiver.mark_changed();
            }
            known.heard.insert(name.clone());
            known.listeners.entry(name).or_default().push(sender);
        }
        let next = |(mut receiver, shared): (watch::Receiver<Option<Event>>, Arc<Self>)| async move {
            receiver.changed().await.ok()?;
            let event = receiver.borrow_and_update().clone()?;
            Some((event, (receiver, shared)))
        };
        Some(stream::unfold((receiver, self), next).boxed())
    }
}

impl Known {
    /// Tells those who listen to this object; false if an event is of no known form.
    fn tell(&mut self, kind: &GroupKind, change: Change, what: &str) -> bool {
        let object = match &change {
            Change::Now(object) | Change::Gone(object) => object,
            Change::Bookmark(_) => return true,
        };
        let text = |pointer| object.pointer(pointer).and_then(Value::as_str);
        let version = text("/metadata/resourceVersion").and_then(|v| v.parse().ok());
        let (Some(name), Some(version)) = (text("/metadata/name"), version) else {
            return false;
        };
        let namespace = text("/metadata/namespace").map(str::to_owned);
        let name = (namespace, name.to_owned());
        let first = kind.kind != "Secret"
            && !self.heard.contains(&name)
            && self.unheard.len() < MAX_UNHEARD;
        let listeners = self.listeners.entry(name.clone()).or_default();
        listeners.retain(|listener| !listener.is_closed());
        // An older state than the latest is of no use to anybody.
        drop(self.unheard.remove(&name));
        if first || !listeners.is_empty() {
            let event = seen(kind, &name, change, what);
            for listener in listeners.iter() {
                drop(listener.send_replace(Some(event.clone())));
            }
            if first {
                drop(self.unheard.insert(name.clone(), event));
            }
        }
        if listeners.is_empty() {
            drop(self.listeners.remove(&name));
        }
        self.latest.insert(name, version);
        true
    }

    fn tell_all(&mut self, event: &Event) {
        for listener in self.listeners.values().flatten() {
            drop(listener.send_replace(Some(event.clone())));
        }
    }
}

fn seen(kind: &GroupKind, (namespace, name): &Name, change: Change, what: &str) -> Event {
    let key = ObjectKey {
        group_kind: kind.clone(),
        namespace: namespace.clone(),
        name: name.clone(),
    };
    match change {
        Change::Now(object) => live(object, &key, what).map(|live| Seen::Present(Arc::new(live))),
        Change::Gone(_) | Change::Bookmark(_) => Ok(Seen::Gone),
    }
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_secret_is_kept_for_who_may_listen_later() {
        for (kind, kept) in [("ConfigMap", 1), ("Secret", 0)] {
            let mut known = Known::default();
            let object = json!({
                "apiVersion": "v1", "kind": kind, "data": { "a": "eA==" },
                "metadata": { "name": "a", "namespace": "b", "resourceVersion": "7", "uid": "u" },
            });
            let kind = GroupKind {
                group: String::new(),
                kind: kind.to_owned(),
            };
            assert!(known.tell(&kind, Change::Now(object), "watch"));
            assert_eq!((known.unheard.len(), known.latest.len()), (kept, 1));
        }
    }
}
