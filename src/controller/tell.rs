//! Tells a forge what is known of commits: one task for each Sync, beside its passes and never in their
//! way. Only the latest verdict waits; what could not be told is tried again after a pause that grows.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::Shared;
use super::verdict::{Told, Verdict};
use crate::report::forge::Put;

/// Longest time for one verdict, retries included.
const LONGEST: Duration = Duration::from_mins(2);
/// The first and the longest pause after a verdict that could not be told.
const FIRST_PAUSE: Duration = Duration::from_secs(15);
const LONGEST_PAUSE: Duration = Duration::from_mins(10);

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
    let mut failures = 0_u32;
    loop {
        let latest = verdicts.borrow_and_update().clone();
        let news = latest.filter(|next| told.as_ref().is_none_or(|told: &Told| told.is_news(next)));
        if let Some(next) = news {
            if let Some(last) = told.as_ref().and_then(|told| told.overtaken(&next)) {
                // Best effort: the commit is not in force any more.
                one(&shared, &name, &last).await;
            }
            if one(&shared, &name, &next).await {
                told = Some(Told::after(told, next));
                failures = 0;
            } else {
                failures += 1;
                sleep(pause(failures)).await;
                continue;
            }
        }
        if verdicts.changed().await.is_err() {
            return;
        }
    }
}

fn pause(failures: u32) -> Duration {
    let factor = 1_u32 << failures.saturating_sub(1).min(10);
    FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE)
}

/// Whether a verdict was told, or there is nobody to tell it.
async fn one(shared: &Shared, name: &str, verdict: &Verdict) -> bool {
    let place = shared.tells.acquire().await;
    let ended = timeout(LONGEST, shared.tools.forges.tell(verdict)).await;
    drop(place);
    let (word, done) = match ended {
        Ok(Ok(None)) => return true,
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
            ("late", false)
        }
    };
    shared.vitals.told(word);
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        assert_eq!(pause(1), FIRST_PAUSE);
        assert_eq!(pause(2), FIRST_PAUSE * 2);
        assert!((1..200).all(|n| pause(n) <= pause(n + 1) && pause(n) <= LONGEST_PAUSE));
    }
}
