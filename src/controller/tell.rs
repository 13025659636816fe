//! Tells a forge what is known of commits: one task for each Sync, beside its passes and never in their
//! way. Only the latest verdict waits; what could not be told is tried again after a pause that grows.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tracing::Instrument as _;

use super::Shared;
use super::spans;
use super::verdict::{Told, Verdict};
use crate::report::forge::Put;

/// Longest time for one verdict, retries included.
const LONGEST: Duration = Duration::from_mins(2);
/// The first and the longest pause after a verdict that could not be told.
const FIRST_PAUSE: Duration = Duration::from_secs(15);
const LONGEST_PAUSE: Duration = Duration::from_mins(10);
/// The word for a forge that did not answer in time.
const LATE: &str = "late";

/// Where a Sync leaves what it knows. The task ends with it.
pub(super) struct Teller {
    latest: watch::Sender<Option<Verdict>>,
    task: JoinHandle<()>,
}

impl Teller {
    /// A teller, if there is any forge to tell.
    pub(super) fn start(shared: &Arc<Shared>, name: &str, told: Option<Told>) -> Option<Self> {
        if shared.tools.forges.is_empty() {
            return None;
        }
        let (latest, verdicts) = watch::channel(None);
        let work = tell(Arc::clone(shared), name.to_owned(), verdicts, told);
        Some(Self {
            latest,
            task: tokio::spawn(work),
        })
    }

    /// Leaves a verdict; one that says what the last one said changes nothing.
    pub(super) fn say(&self, verdict: Verdict) {
        self.latest.send_if_modified(|latest| {
            let differs = latest.as_ref() != Some(&verdict);
            *latest = Some(verdict);
            differs
        });
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        // Whatever was under way may be told again by the next process.
        self.task.abort();
    }
}

async fn tell(
    shared: Arc<Shared>,
    name: String,
    mut verdicts: watch::Receiver<Option<Verdict>>,
    mut told: Option<Told>,
) {
    let (mut failures, mut about) = (0_u32, None);
    loop {
        let latest = verdicts.borrow_and_update().clone();
        let news = latest.filter(|next| told.as_ref().is_none_or(|told: &Told| told.is_news(next)));
        if let Some(next) = news {
            if let Some(last) = told.as_ref().and_then(|told| told.overtaken(&next)) {
                // Best effort: the commit is not in force any more.
                one(&shared, &name, &last).await.ok();
            }
            let commit = Some(next.status.commit.clone());
            if about != commit {
                (failures, about) = (0, commit);
            }
            match one(&shared, &name, &next).await {
                Ok(()) => {
                    told = Some(Told::after(told, next));
                    failures = 0;
                }
                Err(word) => {
                    failures += 1;
                    if failures < most(word) {
                        sleep(pause(failures)).await;
                        continue;
                    }
                    tracing::warn!(
                        sync = name,
                        failures,
                        "the forge is not told of this any more"
                    );
                }
            }
        }
        if verdicts.changed().await.is_err() {
            return;
        }
    }
}

/// How often one thing is told at most, by the word for what went wrong: a forge that is away comes back,
/// a repository that is gone seldom does.
fn most(word: &str) -> u32 {
    match word {
        "unreachable" | "limited" | LATE => 150,
        "missing" => 3,
        _ => 12,
    }
}

fn pause(failures: u32) -> Duration {
    let factor = 1_u32 << failures.saturating_sub(1).min(10);
    FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE)
}

/// Tells a verdict, if there is anybody to tell it; the error is a word for what went wrong.
async fn one(shared: &Shared, name: &str, verdict: &Verdict) -> Result<(), &'static str> {
    let place = shared.tells.acquire().await;
    let span = spans::of_report(name, verdict.status.commit.as_str());
    let told = shared.tools.forges.tell(verdict).instrument(span.clone());
    let ended = timeout(LONGEST, told).await;
    drop(place);
    let (word, done) = match ended {
        Ok(Ok(None)) => return Ok(()),
        Ok(Ok(Some(Put::Created | Put::Updated))) => ("written", true),
        Ok(Ok(Some(Put::Same))) => ("same", true),
        Ok(Ok(Some(Put::Skipped(why)))) => {
            tracing::info!(sync = name, why, "the forge has no place for the status");
            ("skipped", true)
        }
        Ok(Err(error)) => {
            tracing::warn!(sync = name, %error, "the forge was not told; trying again later");
            (error.class(), false)
        }
        Err(_) => {
            tracing::warn!(
                sync = name,
                "the forge was not told in time; trying again later"
            );
            (LATE, false)
        }
    };
    spans::report_ended(&span, word, done);
    shared.vitals.told(word);
    if done { Ok(()) } else { Err(word) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A forge that is away for a day is told when it is back; one where the commit is gone is not asked
    /// for ever.
    #[test]
    fn r_99_what_cannot_be_told_is_tried_a_bounded_number_of_times() {
        let lasts = |word: &str| (1..most(word)).map(pause).sum::<Duration>();
        for word in ["unreachable", "limited", LATE] {
            assert!(lasts(word) > Duration::from_hours(24), "{word}");
            assert!(lasts(word) < Duration::from_hours(48), "{word}");
        }
        assert!(lasts("missing") < Duration::from_mins(1));
        for word in ["denied", "refused", "setup"] {
            let lasts = lasts(word);
            assert!(lasts > Duration::from_mins(30), "{word}: {lasts:?}");
            assert!(lasts < Duration::from_hours(3), "{word}: {lasts:?}");
        }
    }

    #[test]
    fn pauses_grow_and_end() {
        assert_eq!(pause(1), FIRST_PAUSE);
        assert_eq!(pause(2), FIRST_PAUSE * 2);
        assert!((1..200).all(|n| pause(n) <= pause(n + 1) && pause(n) <= LONGEST_PAUSE));
    }
}
