//! One life of a replica: the real lead, the real beat of passes, the real choice of a commit, the real
//! passes over all sets with what the watches show, and the real status. What is simulated is what they
//! reach: the API server, Git and the clock.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use kube::runtime::watcher;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::git::Tracked;
use super::hand::Hand;
use super::story::INTERVAL;
use crate::adapters::cluster::follow::Sight;
use crate::adapters::sync::{Shard, Sync, SyncSpec, SyncStatus};
use crate::apply::cluster::Cluster as _;
use crate::controller::attempt::Audit;
use crate::controller::credentials::Credentials;
use crate::controller::cycle::{Seen, Sort, Trouble};
use crate::controller::decide::{Ending, Event};
use crate::controller::fights::Fights;
use crate::controller::force::{self, Said};
use crate::controller::holds::Holds;
use crate::controller::leader::{self, Candidate};
use crate::controller::pass::Pass;
use crate::controller::pulse::{Beat, Pulse};
use crate::controller::set::Means;
use crate::controller::sights::{Glance, Kind, Sights};
use crate::controller::sources::Sources;
use crate::controller::{keep, status};
use crate::object::SET_LABEL;
use crate::plan::observed::Live;
use crate::source::address::AllowList;

/// The name of the Sync.
const NAME: &str = "shop";
/// The pause before a watch that ended is begun anew.
const PAUSE: Duration = Duration::from_secs(1);
/// For how long a watch may be silent.
const SILENCE: Duration = Duration::from_secs(100);

/// Where audit trails would be pushed to: nowhere, since none are kept.
static SOURCES: LazyLock<Sources> = LazyLock::new(|| {
    let (allowed, mirrors) = (AllowList::default(), "/nowhere".into());
    Sources::new(allowed, mirrors, Credentials::default()).unwrap()
});

/// A process of the controller.
pub(super) struct Replica {
    pub(super) hand: Hand,
    shard: Shard,
    audit: Audit,
    holds: Holds,
    fights: Fights,
}

impl Candidate for Replica {
    type Cluster = Hand;

    fn cluster(&self) -> &Hand {
        &self.hand
    }

    fn shard(&self) -> &Shard {
        &self.shard
    }

    fn holder(&self) -> &str {
        &self.hand.name
    }

    fn ready(&self) {}
}

impl Replica {
    pub(super) fn new(hand: Hand) -> Self {
        let holds = Holds::default();
        holds.hear(watcher::Event::Init);
        holds.hear(watcher::Event::InitDone);
        Self {
            hand,
            shard: Shard::default(),
            audit: Audit::default(),
            holds,
            fights: Fights::default(),
        }
    }

    fn means(&self) -> Means<'_, Hand> {
        Means {
            cluster: &self.hand,
            sources: &SOURCES,
            audit: &self.audit,
            holds: &self.holds,
            fights: &self.fights,
            holder: &self.hand.name,
        }
    }
}

/// Leads whenever it can, until it is told to stop.
pub(super) async fn live(replica: Arc<Replica>, stop: CancellationToken) {
    while let Some(term) = leader::lead(&replica, &stop).await {
        keep(&replica, term.token()).await;
        term.end().await;
    }
}

/// What one pass leaves to the next.
#[derive(Default)]
struct Memory {
    said: Option<Said>,
    generation: i64,
}

/// With the time when it began.
type Passed = (Seen, Memory, Duration);

/// The Sync and what is under way for it.
struct Keeper {
    replica: Arc<Replica>,
    sync: Sync,
    status: SyncStatus,
    pulse: Pulse<Passed>,
    memory: Memory,
    sights: Sights,
    drifts: mpsc::Sender<()>,
    stirred: Arc<Notify>,
    unwritten: bool,
}

/// The Sync as the watch shows it, and its status.
async fn read(replica: &Replica) -> (Sync, SyncStatus) {
    loop {
        let found = replica.hand.ask("read the Sync", |server| {
            (
                server.spec.clone(),
                server.generation,
                server.status.clone(),
            )
        });
        match found.await {
            Ok((spec, generation, status)) => return (sync(spec, generation), status),
            Err(_) => sleep(PAUSE).await,
        }
    }
}

fn sync(spec: SyncSpec, generation: i64) -> Sync {
    let mut sync = Sync::new(NAME, spec);
    sync.metadata.generation = Some(generation);
    sync
}

/// Keeps the Sync until the term ends.
async fn keep(replica: &Arc<Replica>, stop: &CancellationToken) {
    let (drifts, mut drifted) = mpsc::channel(1);
    let mut specs = replica.hand.world.specs.subscribe();
    let (sync, status) = read(replica).await;
    let mut dice = replica.hand.dice().fork();
    let mut keeper = Keeper {
        replica: Arc::clone(replica),
        sync,
        status,
        pulse: Pulse::new(Box::new(move || dice.chance())),
        memory: Memory::default(),
        sights: Sights::default(),
        drifts,
        stirred: Arc::default(),
        unwritten: false,
    };
    keeper.read_spec(stop).await;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            changed = specs.changed() => {
                if changed.is_err() { break }
                keeper.sync = read(replica).await.0;
                keeper.read_spec(stop).await;
            }
            Some(()) = drifted.recv() => {
                keeper.stirred.notify_one();
                keeper.happened(Event::Drifted, stop);
            }
            beat = keeper.pulse.next() => match beat {
                Beat::Due => keeper.happened(Event::Tick, stop),
                Beat::Ended(passed) => keeper.passed(passed, stop).await,
            },
        }
    }
    keeper.sights.forget(NAME);
    keeper.pulse.end().await;
}

impl Keeper {
    fn happened(&mut self, event: Event, stop: &CancellationToken) {
        let work = |ask: Option<Instant>, ours: CancellationToken| {
            let mut sync = self.sync.clone();
            sync.status = Some(self.status.clone());
            let replica = Arc::clone(&self.replica);
            let mut memory = std::mem::take(&mut self.memory);
            let (sights, drifts) = (self.sights.clone(), self.drifts.clone());
            let stirred = Arc::clone(&self.stirred);
            async move {
                let eyes = Eyes {
                    sights: &sights,
                    drifts: &drifts,
                    stirred: &stirred,
                };
                let began = replica.hand.world.time();
                let seen = pass(&replica, &sync, &mut memory, eyes, (ask, &ours)).await;
                (seen, memory, began)
            }
        };
        self.pulse.happened(event, stop, work);
    }

    async fn read_spec(&mut self, stop: &CancellationToken) {
        let generation = self.sync.metadata.generation.unwrap_or_default();
        let suspended = self.sync.spec.suspend;
        let event = Event::Spec {
            generation,
            suspended,
            interval: keep::interval(&self.sync.spec).unwrap(),
        };
        self.happened(event, stop);
        if suspended {
            let now = self.replica.hand.now();
            let why = ("Suspended", "suspended");
            let next = status::halted(&self.status, generation, why, now);
            self.report(next, None).await;
        }
    }

    async fn passed(&mut self, passed: Option<Passed>, stop: &CancellationToken) {
        let (seen, memory, began) = passed.unwrap_or_else(|| {
            let world = &self.replica.hand.world;
            let said = format!("{}: a pass panicked", self.replica.hand.name);
            world.server().judge.wrong.push(said.clone());
            let trouble = Some(Trouble::new(Sort::Internal, said));
            let seen = Seen {
                trouble,
                ..Seen::default()
            };
            (seen, Memory::default(), world.time())
        });
        self.memory = memory;
        let ending = status::ending(&seen, &self.sync.spec);
        self.happened(Event::Ended(ending), stop);
        let generation = self.sync.metadata.generation.unwrap_or_default();
        let now = self.replica.hand.now();
        if ending == Ending::CalledOff {
            let next = status::called_off(&self.status, &seen);
            self.report(next, None).await;
        } else {
            let next = status::after(&self.status, &self.sync.spec, generation, &seen, now);
            self.report(next, Some(began)).await;
        }
    }

    async fn report(&mut self, next: SyncStatus, began: Option<Duration>) {
        if next == self.status && !self.unwritten {
            return;
        }
        self.unwritten = !self.replica.hand.report(&next, began).await;
        self.status = next;
    }
}

/// How a pass looks at the world.
#[derive(Clone, Copy)]
struct Eyes<'a> {
    sights: &'a Sights,
    drifts: &'a mpsc::Sender<()>,
    stirred: &'a Notify,
}

/// One pass.
async fn pass(
    replica: &Arc<Replica>,
    sync: &Sync,
    memory: &mut Memory,
    eyes: Eyes<'_>,
    (ask, stop): (Option<Instant>, &CancellationToken),
) -> Seen {
    let Eyes {
        sights,
        drifts,
        stirred,
    } = eyes;
    let mut seen = Seen::default();
    let generation = sync.metadata.generation.unwrap_or_default();
    if memory.generation != generation {
        (memory.said, memory.generation) = (None, generation);
    }
    let last_valid = sync.status.as_ref().and_then(|s| s.last_valid.as_deref());
    let mut tracked = Tracked(replica);
    let wanted = force::wanted(&mut tracked, &mut memory.said, ask, last_valid, &mut seen).await;
    let Some(wanted) = wanted else { return seen };
    let hand = &replica.hand;
    let commit = seen.in_force.clone().unwrap_or_default();
    hand.world.server().judge.begins(&hand.name, &commit);
    let pass = Pass::new(replica.means(), sights, (sync, wanted.as_ref()), stop);
    let begin = |kind| {
        let watch = follow(Arc::clone(replica), sights.clone(), kind);
        AbortOnDropHandle::new(tokio::spawn(watch))
    };
    let at = pass.at(&seen);
    sights.follow((NAME, drifts), (wanted.as_ref(), &pass.claimed), &at, begin);
    if let Some(sets) = pass.at_rest(&seen) {
        seen.sets = sets;
        return seen;
    }
    let newer = newer(replica, seen.attempted.clone());
    pass.bring_all(&mut seen, newer, stirred).await;
    seen
}

/// Returns when the tracked ref has moved on.
async fn newer(replica: &Replica, attempted: Option<String>) {
    loop {
        sleep(INTERVAL).await;
        let remote = replica.hand.world.remote();
        if !remote.down && Some(&remote.head) != attempted.as_ref() {
            return;
        }
    }
}

/// Watches a kind until nobody wants it any more: a list and then changes, late, until it breaks or falls
/// silent.
async fn follow(replica: Arc<Replica>, sights: Sights, kind: Kind) {
    let hand = &replica.hand;
    let show = |(_, key, body): super::server::Change| {
        let live = body.map(|body| Live::new(body).unwrap());
        let ours = live.filter(|live| live.label(SET_LABEL).is_some());
        sights.see(
            &kind,
            match ours {
                Some(live) => Sight::There(key, Glance::of(&live, hand.now())),
                None => Sight::Gone(key),
            },
        );
    };
    loop {
        sights.see(&kind, Sight::Anew);
        let mut news = hand.world.server().news.subscribe();
        if let Ok((all, mut since)) = hand.list_kind(&kind.0).await {
            all.into_iter().for_each(show);
            sights.see(&kind, Sight::Complete);
            while !hand.one_in(40) {
                let lag = hand.dice().millis(1, 3000);
                sleep(lag).await;
                hand.alive().await;
                let changes = hand
                    .world
                    .server()
                    .since(since, |key| key.group_kind == kind.0);
                if let Some((version, ..)) = changes.last() {
                    since = *version;
                }
                changes.into_iter().for_each(show);
                if news.changed().await.is_err() {
                    return;
                }
            }
            if hand.one_in(2) {
                sleep(SILENCE).await;
            }
        }
        sleep(PAUSE).await;
    }
}
