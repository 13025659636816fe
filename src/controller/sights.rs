//! What the watches show: one watch for each kind in use, shared by all Syncs, of everything that bears
//! our label. It knows which objects are still as a pass found them, so that only the others are read.
//!
//! A watch never proves that something is absent, nor what an object is now: it only says which objects
//! need no look. Everything else is read by its name before anything is decided.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_util::task::AbortOnDropHandle;

use super::Shared;
use super::desired::Desired;
use super::set::SetResult;
use crate::adapters::cluster::follow::{Followed, MAX_FOLLOWED, Sight};
use crate::apply::cluster::Cluster as _;
use crate::health::health;
use crate::object::{GroupKind, ObjectKey, SET_LABEL};
use crate::plan::digest;
use crate::plan::observed::Live;

/// The first pause after a watch broke, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));
/// A watch that lasted so long starts over with the first pause.
const LASTED: Duration = Duration::from_secs(60);

/// A kind in the version that Git speaks.
type Kind = (GroupKind, String);

/// Everything about an object that matters, in 32 bytes.
type Mark = [u8; 32];

/// An object as a watch shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Glance {
    set: Arc<str>,
    mark: Mark,
    healthy: bool,
}

/// A kind that is watched.
struct Watched {
    /// Whether everything that is there was seen.
    complete: bool,
    objects: BTreeMap<ObjectKey, Glance>,
    _task: AbortOnDropHandle<()>,
}

/// How a pass found an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// In sync, healthy and nothing to say about it; so it looked.
    AsWanted(Mark),
    /// In sync and healthy, as a watch vouched.
    Vouched,
    /// Anything else.
    Otherwise,
}

impl Found {
    /// What is kept of an object that is as it should be.
    pub(super) fn as_wanted(live: &Live) -> Self {
        Self::AsWanted(digest::mark(live))
    }
}

/// A set that a Sync keeps.
struct Book {
    sync: String,
    wake: mpsc::Sender<()>,
    /// What the set may do, as a digest: another policy may decide otherwise about the same objects.
    policy: String,
    /// Every wanted object, with its kind's version, and how it looked when it was found as wanted.
    objects: BTreeMap<ObjectKey, (Arc<str>, Option<Mark>)>,
    /// What the last pass over this commit said, if nothing was left to do.
    rest: Option<(String, SetResult)>,
}

#[derive(Default)]
struct Board {
    kinds: BTreeMap<Kind, Watched>,
    books: BTreeMap<String, Book>,
}

/// What the watches show.
#[derive(Clone, Default)]
pub(super) struct Sights(Arc<Mutex<Board>>);

/// What makes two passes over a set the same: its label, its policy's digest and its commit.
#[derive(Debug, Clone)]
pub(super) struct Pass {
    pub(super) label: String,
    pub(super) policy: String,
    pub(super) commit: String,
}

impl Sights {
    fn board(&self) -> MutexGuard<'_, Board> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Watches the kinds of a Sync's sets, and wakes it when one of their objects changes.
    pub(super) fn follow(
        &self,
        shared: &Arc<Shared>,
        sync: &str,
        desired: &Desired,
        wake: &mpsc::Sender<()>,
    ) {
        let mut board = self.board();
        let labels: BTreeSet<String> = desired.sets.iter().map(|r| r.set.label()).collect();
        board
            .books
            .retain(|label, book| book.sync != sync || labels.contains(label));
        let mut kinds = BTreeSet::new();
        for rendered in &desired.sets {
            let book = board
                .books
                .entry(rendered.set.label())
                .or_insert_with(|| Book {
                    sync: sync.to_owned(),
                    wake: wake.clone(),
                    policy: String::new(),
                    objects: BTreeMap::new(),
                    rest: None,
                });
            // The Sync that looked last keeps the set.
            sync.clone_into(&mut book.sync);
            book.wake = wake.clone();
            book.objects
                .retain(|key, _| rendered.objects.contains_key(key));
            for (key, object) in &rendered.objects {
                let version = object.manifest.api_version.as_str();
                kinds.insert((key.group_kind.clone(), version.to_owned()));
                let known = book.objects.entry(key.clone());
                let known = known.or_insert_with(|| (Arc::from(version), None));
                if &*known.0 != version {
                    *known = (Arc::from(version), None);
                }
            }
        }
        let used: BTreeSet<Kind> = board.used();
        board.kinds.retain(|kind, _| used.contains(kind));
        for kind in kinds {
            if board.kinds.len() < MAX_FOLLOWED && !board.kinds.contains_key(&kind) {
                let task = tokio::spawn(watch(Arc::clone(shared), self.clone(), kind.clone()));
                let watched = Watched {
                    complete: false,
                    objects: BTreeMap::new(),
                    _task: AbortOnDropHandle::new(task),
                };
                board.kinds.insert(kind, watched);
            }
        }
    }

    /// A Sync is not kept any more.
    pub(super) fn forget(&self, sync: &str) {
        let mut board = self.board();
        board.books.retain(|_, book| book.sync != sync);
        let used = board.used();
        board.kinds.retain(|kind, _| used.contains(kind));
    }

    /// What the last pass over the same commit said, if nothing was left to do and nothing has changed.
    pub(super) fn rest(&self, pass: &Pass) -> Option<SetResult> {
        let board = self.board();
        let book = board.books.get(&pass.label)?;
        let (commit, result) = book.rest.as_ref()?;
        let same = *commit == pass.commit && book.policy == pass.policy;
        let quiet = same
            && book
                .objects
                .iter()
                .all(|(key, _)| board.is_quiet(book, key));
        quiet.then(|| result.clone())
    }

    /// What a pass found: each object that it looked at, and the result if nothing is left to do.
    pub(super) fn note(
        &self,
        pass: &Pass,
        found: Vec<(ObjectKey, Found)>,
        rest: Option<SetResult>,
    ) {
        let mut board = self.board();
        let Board { kinds, books } = &mut *board;
        let Some(book) = books.get_mut(&pass.label) else {
            return;
        };
        if book.policy != pass.policy {
            book.policy.clone_from(&pass.policy);
            book.objects
                .values_mut()
                .for_each(|(_, found)| *found = None);
        }
        for (key, found) in found {
            let Some((version, known)) = book.objects.get_mut(&key) else {
                continue;
            };
            *known = match found {
                Found::AsWanted(mark) => Some(mark),
                Found::Vouched => known.or_else(|| shown(kinds, &key, version).map(|g| g.mark)),
                Found::Otherwise => None,
            };
        }
        book.rest = rest.map(|result| (pass.commit.clone(), result));
    }

    fn see(&self, kind: &Kind, sight: Sight<Glance>) {
        let mut board = self.board();
        match sight {
            Sight::Anew => {
                if let Some(watched) = board.kinds.get_mut(kind) {
                    watched.complete = false;
                    watched.objects.clear();
                }
            }
            Sight::There(key, glance) => board.there(kind, key, glance),
            Sight::Gone(key) => {
                let Some(watched) = board.kinds.get_mut(kind) else {
                    return;
                };
                if let Some(before) = watched.objects.remove(&key) {
                    board.wake(&before.set, &key);
                }
            }
            Sight::Complete => board.complete(kind),
        }
    }
}

impl Board {
    fn used(&self) -> BTreeSet<Kind> {
        let objects = self.books.values().flat_map(|book| &book.objects);
        let kinds =
            objects.map(|(key, (version, _))| (key.group_kind.clone(), version.to_string()));
        kinds.collect()
    }

    /// Whether the watch shows an object of a set just as a pass found it.
    fn is_quiet(&self, book: &Book, key: &ObjectKey) -> bool {
        let Some((version, Some(found))) = book.objects.get(key) else {
            return false;
        };
        let glance = shown(&self.kinds, key, version);
        glance.is_some_and(|glance| glance.healthy && glance.mark == *found)
    }

    fn there(&mut self, kind: &Kind, key: ObjectKey, glance: Glance) {
        let Some(watched) = self.kinds.get_mut(kind) else {
            return;
        };
        let complete = watched.complete;
        let before = watched.objects.insert(key.clone(), glance.clone());
        if !complete || before.as_ref() == Some(&glance) {
            return;
        }
        if let Some(before) = before.filter(|before| before.set != glance.set) {
            self.wake(&before.set, &key);
        }
        self.wake(&glance.set, &key);
    }

    /// Wakes the Sync of a set, if the object is one of the set's and not as it was found.
    fn wake(&self, set: &str, key: &ObjectKey) {
        let Some(book) = self.books.get(set) else {
            return;
        };
        if book.objects.contains_key(key) && !self.is_quiet(book, key) {
            // A full channel already says that something changed.
            book.wake.try_send(()).ok();
        }
    }

    /// After a list: whoever was found otherwise is looked at.
    fn complete(&mut self, kind: &Kind) {
        if let Some(watched) = self.kinds.get_mut(kind) {
            watched.complete = true;
        }
        for book in self.books.values() {
            let mut ours = book
                .objects
                .iter()
                .filter(|(key, (version, _))| key.group_kind == kind.0 && **version == *kind.1);
            if ours.any(|(key, (_, found))| found.is_some() && !self.is_quiet(book, key)) {
                book.wake.try_send(()).ok();
            }
        }
    }
}

/// An object as a complete watch shows it.
fn shown<'a>(
    kinds: &'a BTreeMap<Kind, Watched>,
    key: &ObjectKey,
    version: &str,
) -> Option<&'a Glance> {
    let kind = (key.group_kind.clone(), version.to_owned());
    let watched = kinds.get(&kind).filter(|watched| watched.complete)?;
    watched.objects.get(key)
}

/// Watches one kind until it is not used any more.
async fn watch(shared: Arc<Shared>, sights: Sights, kind: Kind) {
    let (first, longest) = PAUSES;
    let mut pause = first;
    loop {
        let began = Instant::now();
        let mut see = |sight| sights.see(&kind, sight);
        let ours = Arc::clone(&shared);
        let followed = Followed {
            kind: &kind.0,
            api_version: &kind.1,
            labels: SET_LABEL,
            keep: Arc::new(move |live: &Live| Glance {
                set: Arc::from(live.label(SET_LABEL).unwrap_or_default()),
                mark: digest::mark(live),
                healthy: health(&live.body, ours.tools.cluster.now()).is_settled(),
            }),
        };
        let problem = shared.tools.cluster.follow(followed, &mut see).await;
        see(Sight::Anew);
        tracing::debug!(kind = %kind.0, %problem, "watch broken; trying again");
        if began.elapsed() >= LASTED {
            pause = first;
        }
        sleep(pause).await;
        pause = (pause * 2).min(longest);
    }
}
