//! Tells the receivers of a Sync how it goes: one task for each receiver, beside the passes and never in
//! their way, so that one that hangs holds up neither the Sync nor the other receivers.
//!
//! Only the latest picture waits. What could not be told is tried again after a pause that grows, a
//! bounded number of times. The tasks live as long as the Sync is kept, so only who leads tells anything.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::Shared;
use super::standing::Picture;
use crate::apply::cluster::Cluster as _;
use crate::report::notify::body::Notice;
use crate::report::notify::news::{Ears, Next};
use crate::report::notify::{MAX_RECEIVERS, Receiver, ReceiverStatus, Told};

/// Longest time for one notice, retries included.
const LONGEST: Duration = Duration::from_secs(90);
/// The first and the longest pause after a notice that could not be told.
const FIRST_PAUSE: Duration = Duration::from_secs(15);
const LONGEST_PAUSE: Duration = Duration::from_mins(10);
/// The longest sleep: clocks of the wall jump.
const LONGEST_SLEEP: Duration = Duration::from_hours(1);
/// News for the Sync that wait to be written down.
const MAX_NEWS: usize = 16;
/// The word for a receiver that did not answer in time, and what is said of it.
const LATE: (&str, &str) = ("late", "it did not answer in time");

/// What is to be written down of a receiver.
pub(super) struct News {
    /// Its name.
    pub(super) receiver: String,
    /// How it goes with it.
    pub(super) status: ReceiverStatus,
}

/// The receivers of one Sync. Their tasks end with it.
pub(super) struct Heralds {
    shared: Arc<Shared>,
    sync: String,
    latest: Option<Arc<Picture>>,
    kept: BTreeMap<String, Herald>,
    news: mpsc::Sender<News>,
}

struct Herald {
    receiver: Receiver,
    pictures: watch::Sender<Option<Arc<Picture>>>,
    task: JoinHandle<()>,
}

impl Drop for Herald {
    fn drop(&mut self) {
        // Whatever was under way may be told again by the next process.
        self.task.abort();
    }
}

impl Heralds {
    /// Those of a Sync, none so far; what they have to write down comes out of the other end.
    pub(super) fn new(shared: &Arc<Shared>, sync: &str) -> (Self, mpsc::Receiver<News>) {
        let (news, heard) = mpsc::channel(MAX_NEWS);
        let heralds = Self {
            shared: Arc::clone(shared),
            sync: sync.to_owned(),
            latest: None,
            kept: BTreeMap::new(),
            news,
        };
        (heralds, heard)
    }

    /// Keeps one for each receiver; what each was told stands in the status.
    pub(super) fn keep(
        &mut self,
        receivers: &[Receiver],
        known: &BTreeMap<String, ReceiverStatus>,
    ) {
        let wanted: BTreeMap<&String, &Receiver> = receivers
            .iter()
            .take(MAX_RECEIVERS)
            .map(|receiver| (&receiver.name, receiver))
            .collect();
        self.kept
            .retain(|name, herald| wanted.get(name) == Some(&&herald.receiver));
        for (name, receiver) in wanted {
            if !self.kept.contains_key(name) {
                let herald = self.start(receiver, known.get(name).cloned().unwrap_or_default());
                self.kept.insert(name.clone(), herald);
            }
        }
    }

    fn start(&self, receiver: &Receiver, known: ReceiverStatus) -> Herald {
        let (pictures, listener) = watch::channel(self.latest.clone());
        let task = Task {
            shared: Arc::clone(&self.shared),
            sync: self.sync.clone(),
            receiver: receiver.clone(),
            ears: Ears::new(known.told),
            failure: known.failure,
            failures: 0,
            failed: None,
            news: self.news.clone(),
        };
        Herald {
            receiver: receiver.clone(),
            pictures,
            task: tokio::spawn(task.run(listener)),
        }
    }

    /// Leaves a picture; one that shows what the last one showed changes nothing.
    pub(super) fn show(&mut self, picture: Arc<Picture>) {
        if self.latest.as_ref() == Some(&picture) {
            return;
        }
        for herald in self.kept.values() {
            drop(herald.pictures.send_replace(Some(Arc::clone(&picture))));
        }
        self.latest = Some(picture);
    }
}

/// What one receiver's task works with.
struct Task {
    shared: Arc<Shared>,
    sync: String,
    receiver: Receiver,
    ears: Ears,
    /// What kept it from being told, as it was written down.
    failure: String,
    /// How often the same could not be told.
    failures: u32,
    failed: Option<Told>,
    news: mpsc::Sender<News>,
}

impl Task {
    async fn run(mut self, mut pictures: watch::Receiver<Option<Arc<Picture>>>) {
        loop {
            let picture = pictures.borrow_and_update().clone();
            let now = self.shared.tools.cluster.now();
            let next = match &picture {
                Some(picture) => self
                    .ears
                    .next(&self.receiver.topics, &picture.standing, now),
                None => Next::Nothing,
            };
            let rest = match (next, picture) {
                (Next::Nothing, _) | (Next::Tell(_), None) => None,
                (Next::At(at), _) => Some(until(now, at)),
                (Next::Remember(told), _) => {
                    self.ears.remember(told);
                    self.write_down().await;
                    continue;
                }
                (Next::Tell(told), Some(picture)) => match self.tell(told, &picture, now).await {
                    Ended::Told => continue,
                    Ended::Later(pause) => {
                        // By then there may be something newer to tell instead.
                        sleep(pause).await;
                        continue;
                    }
                    Ended::GivenUp => None,
                },
            };
            tokio::select! {
                changed = pictures.changed() => if changed.is_err() { return },
                () = pause(rest) => {}
            }
        }
    }

    async fn tell(&mut self, told: Told, picture: &Picture, now: Timestamp) -> Ended {
        let same = self
            .failed
            .as_ref()
            .is_some_and(|failed| is_same(failed, &told));
        if same && self.failures >= MOST {
            return Ended::GivenUp;
        }
        if !same {
            self.failures = 0;
        }
        let notice = Notice::new(&picture.facts, &told, self.ears.told(), now);
        match self.one(&notice).await {
            Ok(()) => {
                (self.failures, self.failed) = (0, None);
                self.failure.clear();
                self.ears.remember(told);
                self.write_down().await;
                Ended::Told
            }
            Err(why) => {
                (self.failures, self.failed) = (self.failures + 1, Some(told));
                if self.failure != why {
                    self.failure = why;
                    self.write_down().await;
                }
                match self.failures < MOST {
                    true => Ended::Later(pause_after(self.failures)),
                    false => Ended::GivenUp,
                }
            }
        }
    }

    /// One notice; the error says why not, in words that stay the same while the trouble does.
    async fn one(&self, notice: &Notice) -> Result<(), String> {
        let (sync, receiver) = (&self.sync, &self.receiver.name);
        let notifier = &self.shared.tools.notifier;
        let told = notifier.tell(&self.shared.client, &self.receiver, notice);
        let (word, why, lasting) = match timeout(LONGEST, told).await {
            Ok(Ok(())) => {
                self.shared.vitals.noticed("told");
                let topic = notice.topic.word();
                tracing::info!(sync, receiver, topic, "a receiver was told");
                return Ok(());
            }
            Ok(Err(error)) => (error.class(), error.to_string(), error.lasting()),
            Err(_) => (LATE.0, LATE.1.to_owned(), LATE.1.to_owned()),
        };
        self.shared.vitals.noticed(word);
        tracing::warn!(sync, receiver, why, "a receiver was not told");
        Err(lasting)
    }

    async fn write_down(&self) {
        let news = News {
            receiver: self.receiver.name.clone(),
            status: ReceiverStatus {
                told: self.ears.told().cloned(),
                failure: self.failure.clone(),
            },
        };
        // Nobody listens any more only where this task is about to end.
        self.news.send(news).await.ok();
    }
}

/// How it ended to tell something.
enum Ended {
    Told,
    Later(Duration),
    GivenUp,
}

/// How often one notice is tried at most: over more than a day.
const MOST: u32 = 150;

/// Whether two notices tell the same.
fn is_same(one: &Told, other: &Told) -> bool {
    (one.topic, &one.digest, &one.commit) == (other.topic, &other.digest, &other.commit)
}

fn pause_after(failures: u32) -> Duration {
    let factor = 1_u32 << failures.saturating_sub(1).min(10);
    FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE)
}

/// From now until a time, and a little more, so that it has come by then.
fn until(now: Timestamp, at: Timestamp) -> Duration {
    let span = at.duration_since(now).unsigned_abs();
    (span + Duration::from_millis(100)).min(LONGEST_SLEEP)
}

async fn pause(rest: Option<Duration>) {
    match rest {
        Some(rest) => sleep(rest).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_told_is_tried_for_a_day_and_not_for_ever() {
        assert_eq!(pause_after(1), FIRST_PAUSE);
        assert!((1..400).all(|n| pause_after(n) <= pause_after(n + 1)));
        let lasts: Duration = (1..MOST).map(pause_after).sum();
        assert!(
            lasts > Duration::from_hours(24) && lasts < Duration::from_hours(48),
            "{lasts:?}"
        );
    }

    #[test]
    fn a_sleep_ends_after_its_time_and_is_never_long() {
        let at = |second| Timestamp::from_second(second).unwrap();
        assert!(until(at(0), at(60)) > Duration::from_mins(1));
        assert_eq!(until(at(0), at(1_000_000)), LONGEST_SLEEP);
    }
}
