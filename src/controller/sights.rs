//! What the watches show: one watch for each kind in use, shared by all Syncs, of everything that bears
//! our label. It knows which objects are still as a pass found them, so that only the others are read.
//!
//! A watch never proves that something is absent, nor what an object is now: it only says which objects
//! need no look. Everything else is read by its name before anything is decided.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_util::task::AbortOnDropHandle;

use super::Shared;
use super::desired::Desired;
use super::set::SetResult;
use crate::adapters::cluster::follow::{Followed, MAX_FOLLOWED, Sight};
use crate::apply::cluster::Cluster as _;
use crate::health::health;
use crate::object::{GroupKind, ObjectKey, Rendered, SET_LABEL, SetId};
use crate::plan::digest;
use crate::plan::observed::Live;

/// The first pause after a watch broke, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));
/// A watch that lasted so long starts over with the first pause.
const LASTED: Duration = Duration::from_secs(60);

/// A kind in the version that Git speaks; one for all objects of a book.
pub(super) type Kind = Arc<(GroupKind, String)>;

/// Everything about an object that matters, in 32 bytes.
type Mark = [u8; 32];

/// An object as a watch shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Glance {
    set: Arc<str>,
    mark: Mark,
    healthy: bool,
}

impl Glance {
    /// What is kept of an object.
    pub(super) fn of(live: &Live, now: Timestamp) -> Self {
        Self {
            set: Arc::from(live.label(SET_LABEL).unwrap_or_default()),
            mark: digest::mark(live),
            healthy: health(&live.body, now).is_settled(),
        }
    }
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
    /// What is wanted: the commit and the Sync's generation.
    at: String,
    kinds: BTreeSet<Kind>,
    /// Every wanted object, with its kind, and how it looked when it was found as wanted.
    objects: BTreeMap<ObjectKey, (Kind, Option<Mark>)>,
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

    /// Watches the kinds of a Sync's sets as they are wanted `at` a commit and generation, and wakes it
    /// when one of their objects changes; whoever keeps those that are `claimed` is woken for them. `begin`
    /// begins to watch a kind.
    pub(super) fn follow(
        &self,
        (sync, wake): (&str, &mpsc::Sender<()>),
        (desired, claimed): (&Desired, &BTreeMap<SetId, String>),
        at: &str,
        begin: impl Fn(Kind) -> AbortOnDropHandle<()>,
    ) {
        let mut board = self.board();
        let before = board.books.len();
        let sets = desired.sets.iter();
        let ours = sets.filter(|rendered| !claimed.contains_key(&rendered.set));
        let labels: BTreeSet<String> = ours.clone().map(|r| r.set.label()).collect();
        board
            .books
            .retain(|label, book| book.sync != sync || labels.contains(label));
        let mut changed = board.books.len() != before;
        for (rendered, label) in ours.map(|r| (r, r.set.label())) {
            let book = board.books.entry(label).or_insert_with(|| Book::of(wake));
            // The Sync that looked last keeps the set.
            book.wake.clone_from(wake);
            if book.at != at || book.sync != sync {
                sync.clone_into(&mut book.sync);
                at.clone_into(&mut book.at);
                book.want(rendered);
                changed = true;
            }
        }
        if changed {
            board.watch_used(begin);
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
            let Some((kind, known)) = book.objects.get_mut(&key) else {
                continue;
            };
            *known = match found {
                Found::AsWanted(mark) => Some(mark),
                Found::Vouched => known.or_else(|| shown(kinds, &key, kind).map(|g| g.mark)),
                Found::Otherwise => None,
            };
        }
        book.rest = rest.map(|result| (pass.commit.clone(), result));
    }

    /// Takes what a watch shows.
    pub(super) fn see(&self, kind: &Kind, sight: Sight<Glance>) {
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

impl Book {
    fn of(wake: &mpsc::Sender<()>) -> Self {
        Self {
            sync: String::new(),
            wake: wake.clone(),
            policy: String::new(),
            at: String::new(),
            kinds: BTreeSet::new(),
            objects: BTreeMap::new(),
            rest: None,
        }
    }

    /// Takes over what is wanted; what was found of the same objects stays known.
    fn want(&mut self, rendered: &Rendered) {
        let mut kinds: BTreeSet<Kind> = BTreeSet::new();
        let mut known = std::mem::take(&mut self.objects);
        for (key, object) in &rendered.objects {
            let version = &object.manifest.api_version;
            let kind = Arc::new((key.group_kind.clone(), version.clone()));
            let kind = kinds.get(&kind).cloned().unwrap_or_else(|| {
                kinds.insert(Arc::clone(&kind));
                kind
            });
            let found = known.remove(key).filter(|(was, _)| *was == kind);
            let found = found.and_then(|(_, found)| found);
            self.objects.insert(key.clone(), (kind, found));
        }
        self.kinds = kinds;
    }
}

impl Board {
    fn used(&self) -> BTreeSet<Kind> {
        let kinds = self.books.values().flat_map(|book| &book.kinds);
        kinds.cloned().collect()
    }

    /// Watches what books name and nothing else.
    fn watch_used(&mut self, begin: impl Fn(Kind) -> AbortOnDropHandle<()>) {
        let used = self.used();
        self.kinds.retain(|kind, _| used.contains(kind));
        for kind in used {
            if self.kinds.len() < MAX_FOLLOWED && !self.kinds.contains_key(&kind) {
                let watched = Watched {
                    complete: false,
                    objects: BTreeMap::new(),
                    _task: begin(Arc::clone(&kind)),
                };
                self.kinds.insert(kind, watched);
            }
        }
    }

    /// Whether the watch shows an object of a set just as a pass found it.
    fn is_quiet(&self, book: &Book, key: &ObjectKey) -> bool {
        let Some((kind, Some(found))) = book.objects.get(key) else {
            return false;
        };
        let glance = shown(&self.kinds, key, kind);
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
            if !book.kinds.contains(kind) {
                continue;
            }
            let mut ours = book.objects.iter().filter(|(_, (of, _))| of == kind);
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
    kind: &Kind,
) -> Option<&'a Glance> {
    let watched = kinds.get(kind).filter(|watched| watched.complete)?;
    watched.objects.get(key)
}

/// Begins to watch a kind.
pub(super) fn begin(shared: &Arc<Shared>, sights: &Sights, kind: Kind) -> AbortOnDropHandle<()> {
    let task = watch(Arc::clone(shared), sights.clone(), kind);
    AbortOnDropHandle::new(tokio::spawn(task))
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
            keep: Arc::new(move |live: &Live| Glance::of(live, ours.tools.cluster.now())),
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
