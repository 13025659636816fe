//! Keeps one Sync: hears what happens, tells [`super::pulse`], which begins passes, and reports what became
//! of them.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use kube::runtime::events::{Event as Note, EventType, Recorder, Reporter};
use kube::{Resource as _, ResourceExt as _};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::cycle::{Eyes, Memory, Seen, Sort, Trouble, pass};
use super::decide::{Ending, Event};
use super::heralds::{Heralds, News};
use super::pulse::{Beat, Pulse};
use super::serve::Counted;
use super::sights::Sights;
use super::standing::Picture;
use super::tell::Teller;
use super::verdict::{Told, Verdict};
use super::{Shared, status};
use crate::adapters::sync::{self, Release, Sync, SyncSpec, SyncStatus};
use crate::apply::cluster::Cluster as _;
use crate::values::duration;

const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_hours(24);
/// For how long a status or an event may take to be written.
const REPORTING: Duration = Duration::from_secs(10);

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
    pulse: Pulse<Passed>,
    memory: Memory,
    sights: Sights,
    drifts: mpsc::Sender<()>,
    /// The last status is not on the cluster.
    unwritten: bool,
    teller: Option<Teller>,
    heralds: Heralds,
}

/// What a Sync hears.
pub(super) struct Heard {
    /// Its spec.
    pub(super) specs: watch::Receiver<Arc<Sync>>,
    /// That the repository may have changed.
    pub(super) calls: mpsc::Receiver<()>,
    /// That somebody approved something, or took that back.
    pub(super) yeses: mpsc::Receiver<()>,
    /// Plans that somebody let go in a comment.
    pub(super) releases: mpsc::Receiver<Release>,
    /// What the watches show.
    pub(super) sights: Sights,
}

/// Keeps a Sync until it is told to stop.
pub(super) async fn keep(shared: Arc<Shared>, heard: Heard, stop: CancellationToken) {
    let Heard {
        mut specs,
        mut calls,
        mut yeses,
        mut releases,
        sights,
    } = heard;
    let (drifts, mut drifted) = mpsc::channel(1);
    let sync = Arc::clone(&specs.borrow_and_update());
    let (name, status) = (sync.name_any(), sync.status.clone().unwrap_or_default());
    let told = Told::earlier(&name, &sync, &status);
    let (heralds, mut news) = Heralds::new(&shared, &name);
    let mut keeper = Keeper {
        teller: Teller::start(&shared, &name, told),
        heralds,
        name,
        status,
        sights,
        drifts,
        unwritten: false,
        sync,
        shared,
        pulse: Pulse::new(Box::new(chance)),
        memory: Memory::default(),
    };
    keeper.read_spec(&stop).await;
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            changed = specs.changed() => {
                if changed.is_err() { break }
                let before = std::mem::replace(&mut keeper.sync, Arc::clone(&specs.borrow_and_update()));
                keeper.read_spec(&stop).await;
                let asked = |sync: &Sync| sync.annotations().get(sync::ASKED).cloned();
                if asked(&keeper.sync).is_some_and(|at| Some(at) != asked(&before)) {
                    keeper.happened(Event::Asked, &stop);
                }
            }
            Some(()) = calls.recv() => keeper.happened(Event::Asked, &stop),
            Some(one) = news.recv() => keeper.write_down(one).await,
            Some(()) = yeses.recv() => keeper.happened(Event::Approved, &stop),
            Some(release) = releases.recv() => keeper.let_go(release, &stop).await,
            Some(()) = drifted.recv() => keeper.happened(Event::Drifted, &stop),
            beat = keeper.pulse.next() => match beat {
                Beat::Due => keeper.happened(Event::Tick, &stop),
                Beat::Ended(passed) => keeper.passed(passed, &stop).await,
            },
        }
    }
    keeper.sights.forget(&keeper.name);
    keeper.pulse.end().await;
}

/// Between 0 and 1.
fn chance() -> f64 {
    let drawn = u32::try_from(RandomState::new().build_hasher().finish() % 1000).unwrap_or(0);
    f64::from(drawn) / 1000.0
}

impl Keeper {
    fn happened(&mut self, event: Event, stop: &CancellationToken) {
        let work = |ask: Option<Instant>, ours: CancellationToken| {
            let mut sync = (*self.sync).clone();
            sync.status = Some(self.status.clone());
            let (shared, mut memory) = (Arc::clone(&self.shared), std::mem::take(&mut self.memory));
            let (sights, drifts) = (self.sights.clone(), self.drifts.clone());
            async move {
                // Whose a set is is known once all Syncs were read.
                tokio::select! {
                    () = shared.claims.read() => {}
                    () = ours.cancelled() => {}
                }
                let place = shared.places.acquire().await;
                let began = Instant::now();
                let eyes = Eyes {
                    shared: &shared,
                    sights: &sights,
                    drifts: &drifts,
                    ask,
                };
                let seen = pass(eyes, &sync, &mut memory, &ours).await;
                drop(place);
                (seen, memory, began.elapsed())
            }
        };
        self.pulse.happened(event, stop, work);
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
            let wrong = (!self.sync.spec.suspend).then_some(said.as_str());
            let picture = Picture::halted(&self.name, &self.sync.spec, &self.status, wrong);
            self.heralds.show(picture);
        }
        let receivers = &self.sync.spec.notify;
        self.heralds.keep(receivers, &self.status.receivers);
    }

    async fn passed(&mut self, passed: Option<Passed>, stop: &CancellationToken) {
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
        self.memory = memory;
        let ending = status::ending(&seen, &self.sync.spec);
        self.happened(Event::Ended(ending), stop);
        let generation = self.sync.metadata.generation.unwrap_or_default();
        let now = self.shared.tools.cluster.now();
        self.rewritten(&seen).await;
        if ending == Ending::CalledOff {
            self.report(status::called_off(&self.status, &seen)).await;
        } else {
            let next = status::after(&self.status, &self.sync.spec, generation, &seen, now);
            self.report(next).await;
            self.tell(&seen);
            let spec = &self.sync.spec;
            let picture = Picture::of(&self.name, spec, &self.status, &seen);
            self.heralds.show(picture);
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

    /// An event where history was rewritten and that is followed.
    async fn rewritten(&self, seen: &Seen) {
        let known = self.status.rewritten.as_ref();
        if let (Some(left), Some(head)) = (&seen.rewritten, &seen.attempted)
            && known != Some(left)
        {
            let [head, left] = [head, left].map(|id| status::short(Some(id.as_str())));
            let said = format!(
                "history was rewritten, or `ref` is another one: {head} does not come after {left}"
            );
            tracing::warn!(sync = self.name, said, "Sync");
            self.note(EventType::Warning, "HistoryRewritten".to_owned(), &said)
                .await;
        }
    }

    /// Writes a status that says something new, and an event where the story turned.
    async fn report(&mut self, mut next: SyncStatus) {
        let receivers = &self.sync.spec.notify;
        let is_kept = |name: &String| receivers.iter().any(|receiver| &receiver.name == name);
        next.receivers.retain(|name, _| is_kept(name));
        if next == self.status && !self.unwritten {
            return;
        }
        let client = self.shared.client.clone();
        let write = sync::write_status(client, &self.name, &next);
        let written = timeout(REPORTING, write).await;
        self.unwritten = !matches!(written, Ok(Ok(())));
        match written {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(sync = self.name, %error, "the status was not written");
            }
            Err(_) => tracing::warn!(sync = self.name, "the status was not written in time"),
        }
        let turned = turn(&self.status) != turn(&next);
        self.status = next;
        if turned {
            tracing::info!(sync = self.name, story = self.status.story, "Sync");
            let ready = self.status.conditions.iter().find(|c| c.type_ == "Ready");
            let reason = ready.map(|c| c.reason.clone()).unwrap_or_default();
            let sort = match is(&self.status, "Ready") {
                true => EventType::Normal,
                false => EventType::Warning,
            };
            self.note(sort, reason, &self.status.story).await;
        }
    }

    /// A plan that waits may go: that stands in the status, and the next pass looks whether it still waits.
    async fn let_go(&mut self, release: Release, stop: &CancellationToken) {
        let said = format!("{} let {} go in a comment", release.by, release.plan);
        self.report(status::let_go(&self.status, release)).await;
        self.note(EventType::Normal, "LetGo".to_owned(), &said).await;
        self.happened(Event::Approved, stop);
    }

    /// What a receiver was told, or why not: it stands in the status, and a failure is an event too. It
    /// changes nothing else of the Sync.
    async fn write_down(&mut self, news: News) {
        let News { receiver, status } = news;
        let known = self.status.receivers.get(&receiver);
        let failed = (!status.failure.is_empty()).then(|| status.failure.clone());
        let failed = failed.filter(|why| known.is_none_or(|known| known.failure != *why));
        let said = failed.map(|why| format!("the receiver `{receiver}` is not told: {why}"));
        let mut next = self.status.clone();
        next.receivers.insert(receiver, status);
        self.report(next).await;
        if let Some(said) = said {
            self.note(EventType::Warning, "NotNotified".to_owned(), &said)
                .await;
        }
    }

    /// Leaves what is known of the commit to the teller, without waiting.
    fn tell(&self, seen: &Seen) {
        let verdict = Verdict::of(&self.name, &self.sync, seen);
        if let (Some(teller), Some(verdict)) = (&self.teller, verdict) {
            teller.say(verdict);
        }
    }

    async fn note(&self, sort: EventType, reason: String, said: &str) {
        let instance = Some(self.shared.tools.holder.clone());
        let reporter = Reporter {
            controller: "kubemate.dev/controller".to_owned(),
            instance,
        };
        let note = Note {
            type_: sort,
            reason,
            note: Some(said.chars().take(250).collect()),
            action: "Sync".to_owned(),
            secondary: None,
        };
        let recorder = Recorder::new(self.shared.client.clone(), reporter);
        let object = self.sync.object_ref(&());
        let published = timeout(REPORTING, recorder.publish(&note, &object)).await;
        if !matches!(published, Ok(Ok(()))) {
            tracing::debug!(sync = self.name, "no event was written");
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
