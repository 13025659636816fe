//! Keeps one Sync: hears what happens, tells [`super::pulse`], which begins passes, and reports what became
//! of them.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use kube::runtime::events::{Event as Note, EventType, Recorder, Reporter};
use kube::{Resource as _, ResourceExt as _};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::cycle::{Eyes, Memory, Seen, Sort, Trouble, pass};
use super::decide::{Ending, Event};
use super::heralds::{Heralds, News};
use super::pulse::{Beat, Pulse};
use super::serve::Counted;
use super::sights::Sights;
use super::standing::Picture;
use super::tell::Teller;
use super::verdict::{Told, Verdict};
use super::{Shared, spans, status};
use crate::adapters::sync::{self, Release, Sync, SyncSpec, SyncStatus};
use crate::apply::cluster::Cluster as _;
use crate::values::duration;

const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_hours(24);
/// For how long a status or an event may take to be written: less than what is left of the Lease when
/// work stops without a renewal, so that a leader that was says nothing after the next one.
const REPORTING: Duration = Duration::from_secs(4);
/// How often the last status is written again where somebody else's stands. Two that both lead, and find the same,
/// would write without an end.
const MAX_CONTESTS: u8 = 3;

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
    /// Says to the pass that is under way that objects changed.
    stirred: Arc<Notify>,
    /// Says to it that the repository may have changed.
    called: Arc<Notify>,
    /// The last status is not on the cluster.
    unwritten: bool,
    /// How often somebody else's status was found there since this one said something new.
    contests: u8,
    stop: CancellationToken,
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
        stirred: Arc::default(),
        called: Arc::default(),
        unwritten: false,
        contests: 0,
        stop: stop.clone(),
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
                let next = Arc::clone(&specs.borrow_and_update());
                keeper.turn_to(next, &stop).await;
            }
            Some(()) = calls.recv() => {
                keeper.happened(Event::Asked, &stop);
                keeper.called.notify_waiters();
            }
            Some(one) = news.recv() => keeper.write_down(one).await,
            Some(()) = yeses.recv() => keeper.happened(Event::Approved, &stop),
            Some(release) = releases.recv() => keeper.let_go(release, &stop).await,
            Some(()) = drifted.recv() => {
                keeper.stirred.notify_one();
                keeper.happened(Event::Drifted, &stop);
            }
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
            let (stirred, called) = (Arc::clone(&self.stirred), Arc::clone(&self.called));
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
                    stirred: &stirred,
                    called: &called,
                    ask,
                };
                let span = spans::of_pass(&sync.name_any());
                let seen = pass(eyes, &sync, &mut memory, &ours);
                let seen = seen.instrument(span.clone()).await;
                let ending = status::ending(&seen, &sync.spec);
                spans::pass_ended(&span, seen.in_force.as_deref(), ending);
                drop(place);
                (seen, memory, began.elapsed())
            }
        };
        self.pulse.happened(event, stop, work);
    }

    /// Takes the Sync as it is on the cluster now.
    async fn turn_to(&mut self, next: Arc<Sync>, stop: &CancellationToken) {
        let before = std::mem::replace(&mut self.sync, next);
        self.unwritten = !says(&self.sync, &self.status) && self.contests < MAX_CONTESTS;
        self.contests += u8::from(self.unwritten);
        self.read_spec(stop).await;
        let asked = |sync: &Sync| sync.annotations().get(sync::ASKED).cloned();
        if asked(&self.sync).is_some_and(|at| Some(at) != asked(&before)) {
            self.happened(Event::Asked, stop);
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
            let wrong = (!self.sync.spec.suspend).then_some(said.as_str());
            let picture = Picture::halted(&self.name, &self.sync.spec, &self.status, wrong);
            self.heralds.show(picture);
        }
        let receivers = &self.sync.spec.notify;
        self.heralds.keep(receivers, &self.status.receivers);
    }

    async fn passed(&mut self, passed: Option<Passed>, stop: &CancellationToken) {
        let (mut seen, memory, took) = passed.unwrap_or_else(|| {
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
        let generation = self.sync.metadata.generation.unwrap_or_default();
        // What was found for an older spec says nothing about this one, however the pass ended.
        seen.called_off |= seen.in_force.is_some() && memory.generation != generation;
        self.memory = memory;
        let ending = status::ending(&seen, &self.sync.spec);
        self.happened(Event::Ended(ending), stop);
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
            ended: ending.word(),
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

    /// Writes a status that says something new, and an event where the story turned. Once the lead is lost
    /// it is the next leader's turn.
    async fn report(&mut self, mut next: SyncStatus) {
        if self.stop.is_cancelled() {
            return;
        }
        let receivers = &self.sync.spec.notify;
        let is_kept = |name: &String| receivers.iter().any(|receiver| &receiver.name == name);
        next.receivers.retain(|name, _| is_kept(name));
        if next == self.status && !self.unwritten {
            return;
        }
        if next != self.status {
            self.contests = 0;
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
        // A new Sync that is well at once has no story that could turn.
        let quiet = self.status.conditions.is_empty() && is(&next, "Ready");
        self.status = next;
        if turned {
            tracing::info!(sync = self.name, story = self.status.story, "Sync");
        }
        if turned && !quiet {
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
        self.note(EventType::Normal, "LetGo".to_owned(), &said)
            .await;
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

/// Whether a Sync has this status on the cluster. Another one may be the last word of a leader that was,
/// which came late.
fn says(sync: &Sync, status: &SyncStatus) -> bool {
    let told = sync.status.clone().unwrap_or_default();
    // As they are written: our own times are finer.
    serde_json::to_value(told).ok() == serde_json::to_value(status).ok()
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

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

    use super::*;

    fn status(story: &str) -> SyncStatus {
        let ready = Condition {
            type_: "Ready".to_owned(),
            status: "True".to_owned(),
            reason: "Applied".to_owned(),
            message: story.to_owned(),
            observed_generation: Some(1),
            last_transition_time: Time(Timestamp::new(1_700_000_000, 123_456_789).unwrap()),
        };
        SyncStatus {
            story: story.to_owned(),
            conditions: vec![ready],
            ..SyncStatus::default()
        }
    }

    /// A Sync as the API server shows it.
    fn shown(status: Option<&SyncStatus>) -> Sync {
        let spec = serde_json::json!({"repository": "https://git.bank.example/p.git",
            "environment": "dev", "cluster": "hq"});
        let mut sync = Sync::new("here", serde_json::from_value(spec).unwrap());
        let written = status.map(|status| serde_json::to_value(status).unwrap());
        sync.status = written.map(|written| serde_json::from_value(written).unwrap());
        sync
    }

    #[test]
    fn a_status_of_somebody_else_is_told_from_ours() {
        let ours = status("3 objects as wanted");
        assert!(says(&shown(Some(&ours)), &ours));
        assert!(says(&shown(None), &SyncStatus::default()));
        assert!(!says(&shown(Some(&status("not any more"))), &ours));
        assert!(!says(&shown(None), &ours));
    }
}
