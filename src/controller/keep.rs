//! Keeps one Sync: hears what happens, asks [`super::decide`] what to do, and does it. One pass at a
//! time, each in a task of its own, so that a fault in one ends neither this Sync nor any other.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use kube::runtime::events::{Event as Note, EventType, Recorder, Reporter};
use kube::{Resource as _, ResourceExt as _};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::cycle::{Memory, Seen, Sort, Trouble, pass};
use super::decide::{Effect, Ending, Event, State, decide};
use super::drift::Watches;
use super::serve::Counted;
use super::tell::Teller;
use super::verdict::{Told, Verdict};
use super::{Shared, status};
use crate::adapters::sync::{self, Sync, SyncSpec, SyncStatus};
use crate::apply::cluster::Cluster as _;
use crate::values::duration;

const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_hours(24);

/// How often a Sync wants to be looked at.
pub fn interval(spec: &SyncSpec) -> Result<Duration, String> {
    let read: duration::Duration = spec
        .interval
        .parse()
        .map_err(|error| format!("`interval`: {error}"))?;
    match read.to_std() {
        interval if (SHORTEST..=LONGEST).contains(&interval) => Ok(interval),
        _ => Err("`interval`: it must be between 1s and 1d".to_owned()),
    }
}

type Passed = (Seen, Memory, Duration);

/// A Sync and everything that is under way for it.
struct Keeper {
    shared: Arc<Shared>,
    name: String,
    sync: Arc<Sync>,
    status: SyncStatus,
    state: State,
    memory: Memory,
    running: Option<(JoinHandle<Passed>, CancellationToken)>,
    watches: Watches,
    teller: Option<Teller>,
    began: Instant,
}

/// What a Sync hears.
pub(super) struct Heard {
    /// Its spec.
    pub(super) specs: watch::Receiver<Arc<Sync>>,
    /// For whoever knows that something changed.
    pub(super) wake: mpsc::Sender<()>,
    /// That something changed.
    pub(super) notes: mpsc::Receiver<()>,
}

/// Keeps a Sync until it is told to stop.
pub(super) async fn keep(shared: Arc<Shared>, heard: Heard, stop: CancellationToken) {
    let Heard {
        mut specs,
        wake,
        mut notes,
    } = heard;
    let sync = Arc::clone(&specs.borrow_and_update());
    let (name, status) = (sync.name_any(), sync.status.clone().unwrap_or_default());
    let told = Told::earlier(&name, &sync, &status);
    let mut keeper = Keeper {
        teller: Teller::start(&shared, &name, told),
        name,
        status,
        watches: Watches::new(
            shared.client.clone(),
            shared.tools.cluster.sightings(),
            wake,
        ),
        sync,
        shared,
        state: State::new(),
        memory: Memory::default(),
        running: None,
        began: Instant::now(),
    };
    keeper.read_spec(&stop).await;
    loop {
        let due = keeper.state.due().map(|due| keeper.began + due);
        tokio::select! {
            () = stop.cancelled() => break,
            changed = specs.changed() => {
                if changed.is_err() { break }
                let before = std::mem::replace(&mut keeper.sync, Arc::clone(&specs.borrow_and_update()));
                keeper.read_spec(&stop).await;
                let asked = |sync: &Sync| sync.annotations().get(sync::ASKED).cloned();
                if asked(&keeper.sync).is_some_and(|at| Some(at) != asked(&before)) {
                    keeper.happened(Event::Changed, &stop);
                }
            }
            Some(()) = notes.recv() => keeper.happened(Event::Changed, &stop),
            () = until(due) => keeper.happened(Event::Tick, &stop),
            passed = ended(&mut keeper.running) => keeper.passed(passed, &stop).await,
        }
    }
    if let Some((pass, token)) = keeper.running.take() {
        token.cancel();
        drop(pass.await);
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

async fn ended(running: &mut Option<(JoinHandle<Passed>, CancellationToken)>) -> Option<Passed> {
    match running {
        Some((pass, _)) => pass.await.ok(),
        None => std::future::pending().await,
    }
}

/// Between 0 and 1.
fn chance() -> f64 {
    let drawn = u32::try_from(RandomState::new().build_hasher().finish() % 1000).unwrap_or(0);
    f64::from(drawn) / 1000.0
}

impl Keeper {
    fn happened(&mut self, event: Event, stop: &CancellationToken) {
        let (state, effect) = decide(self.state.clone(), event, self.began.elapsed(), chance());
        self.state = state;
        match effect {
            Some(Effect::Begin) => self.begin(stop),
            Some(Effect::CallOff) => {
                if let Some((_, token)) = &self.running {
                    token.cancel();
                }
            }
            None => {}
        }
    }

    /// A spec that cannot be followed rests until it is changed.
    async fn read_spec(&mut self, stop: &CancellationToken) {
        let generation = self.sync.metadata.generation.unwrap_or_default();
        let read = interval(&self.sync.spec);
        let halt = match &read {
            Err(said) => Some(("BadSpec", said.clone())),
            Ok(_) if self.sync.spec.suspend => Some(("Suspended", "suspended".to_owned())),
            Ok(_) => None,
        };
        let interval = read.unwrap_or(LONGEST);
        let suspended = halt.is_some();
        self.happened(
            Event::Spec {
                generation,
                suspended,
                interval,
            },
            stop,
        );
        if let Some((reason, said)) = halt {
            let now = self.shared.tools.cluster.now();
            let next = status::halted(&self.status, generation, (reason, &said), now);
            self.report(next).await;
        }
    }

    fn begin(&mut self, stop: &CancellationToken) {
        let token = stop.child_token();
        let mut sync = (*self.sync).clone();
        sync.status = Some(self.status.clone());
        let (shared, mut memory) = (Arc::clone(&self.shared), std::mem::take(&mut self.memory));
        let ours = token.clone();
        let work = async move {
            let place = shared.places.acquire().await;
            let began = Instant::now();
            let seen = pass(&shared.tools, &sync, &mut memory, &ours).await;
            drop(place);
            (seen, memory, began.elapsed())
        };
        self.running = Some((tokio::spawn(work), token));
    }

    async fn passed(&mut self, passed: Option<Passed>, stop: &CancellationToken) {
        self.running = None;
        let (seen, memory, took) = passed.unwrap_or_else(|| {
            let said = "the pass ended with a fault of kubemate; the log says where";
            let trouble = Some(Trouble::new(Sort::Internal, said));
            (
                Seen {
                    trouble,
                    ..Seen::default()
                },
                Memory::default(),
                Duration::ZERO,
            )
        });
        self.watches.follow(&memory);
        self.memory = memory;
        let ending = status::ending(&seen, &self.sync.spec);
        self.happened(Event::Ended(ending), stop);
        let generation = self.sync.metadata.generation.unwrap_or_default();
        let now = self.shared.tools.cluster.now();
        if ending != Ending::CalledOff {
            let next = status::after(&self.status, &self.sync.spec, generation, &seen, now);
            self.report(next).await;
            self.tell(&seen);
        }
        let counted = Counted {
            ended: word(ending),
            took,
            steps: seen.sets.iter().map(|set| set.done).sum(),
            ready: is(&self.status, "Ready"),
            drifted: seen.sets.iter().map(|set| set.drifted).sum(),
        };
        self.shared.vitals.count(&self.name, counted);
    }

    /// Writes a status that says something new, and an event where the story turned.
    async fn report(&mut self, next: SyncStatus) {
        if next == self.status {
            return;
        }
        let client = self.shared.client.clone();
        if let Err(error) = sync::write_status(client, &self.name, &next).await {
            tracing::warn!(sync = self.name, %error, "the status was not written");
        }
        let turned = turn(&self.status) != turn(&next);
        self.status = next;
        if turned {
            tracing::info!(sync = self.name, story = self.status.story, "Sync");
            self.note().await;
        }
    }

    /// Leaves what is known of the commit to the teller, without waiting.
    fn tell(&self, seen: &Seen) {
        let verdict = Verdict::of(&self.name, &self.sync, seen);
        if let (Some(teller), Some(verdict)) = (&self.teller, verdict) {
            teller.say(verdict);
        }
    }

    async fn note(&self) {
        let instance = Some(self.shared.tools.holder.clone());
        let reporter = Reporter {
            controller: "kubemate.dev/controller".to_owned(),
            instance,
        };
        let ready = self.status.conditions.iter().find(|c| c.type_ == "Ready");
        let note = Note {
            type_: if is(&self.status, "Ready") {
                EventType::Normal
            } else {
                EventType::Warning
            },
            reason: ready.map(|c| c.reason.clone()).unwrap_or_default(),
            note: Some(self.status.story.chars().take(250).collect()),
            action: "Sync".to_owned(),
            secondary: None,
        };
        let recorder = Recorder::new(self.shared.client.clone(), reporter);
        if let Err(error) = recorder.publish(&note, &self.sync.object_ref(&())).await {
            tracing::debug!(sync = self.name, %error, "no event was written");
        }
    }
}

/// What makes another status worth an event: the reason, and what is applied.
fn turn(status: &SyncStatus) -> (Option<&str>, Option<&str>) {
    let ready = status.conditions.iter().find(|c| c.type_ == "Ready");
    (
        ready.map(|c| c.reason.as_str()),
        status.last_applied.as_deref(),
    )
}

fn is(status: &SyncStatus, kind: &str) -> bool {
    status
        .conditions
        .iter()
        .any(|c| c.type_ == kind && c.status == "True")
}

fn word(ending: Ending) -> &'static str {
    match ending {
        Ending::Settled => "settled",
        Ending::OnItsWay => "on-its-way",
        Ending::NeedsPerson => "needs-person",
        Ending::Failed => "failed",
        Ending::CalledOff => "called-off",
    }
}
