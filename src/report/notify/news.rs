//! What of all that happens to a Sync is news for a receiver. Pure; time is an argument.
//!
//! A change is told once. Trouble that ends and comes back soon is told again only if it stays, with how
//! often it came; its end is then told once it has been well for a while. Whatever happens, a receiver
//! hears [`FREE`] notices about one Sync in quick succession, and after that one in each [`QUIET`] time.

use std::time::Duration;

use jiff::Timestamp;

use super::{Told, Topic};

/// For how long after a notice the same trouble is not told again.
pub const QUIET: Duration = Duration::from_mins(30);
/// For how long it must have been well after trouble that came and went.
pub const STEADY: Duration = Duration::from_mins(10);
/// Notices in a row that are told at once.
pub const FREE: u32 = 6;

/// How a Sync stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is decided: something is under way, or a person stopped the Sync.
    Unclear,
    /// All is as it should be.
    Well {
        /// Since when.
        since: Timestamp,
        /// The commit that is applied completely.
        applied: Option<String>,
    },
    /// Something is wrong.
    Trouble(Trouble),
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The sort.
    pub topic: Topic,
    /// Which trouble of that sort: another one has another digest.
    pub digest: String,
    /// From when on it is worth a notice: what passes by itself is left alone for a while.
    pub ripe: Timestamp,
}

impl Trouble {
    /// Trouble that is told apart from other trouble by these words.
    pub fn new<'w>(
        topic: Topic,
        about: impl IntoIterator<Item = &'w str>,
        ripe: Timestamp,
    ) -> Self {
        let mut sum = blake3::Hasher::new();
        for word in std::iter::once(topic.word()).chain(about) {
            // The length keeps words apart.
            sum.update(&u64::try_from(word.len()).unwrap_or(u64::MAX).to_be_bytes());
            sum.update(word.as_bytes());
        }
        let digest = sum.finalize().to_hex()[..16].to_owned();
        Self {
            topic,
            digest,
            ripe,
        }
    }
}

/// What is to be done for a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing before something changes.
    Nothing,
    /// Nothing before this time, if nothing changes.
    At(Timestamp),
    /// It is to be remembered as told, without a notice.
    Remember(Told),
    /// It is to be told, and is remembered as this once it was.
    Tell(Told),
}

/// What a receiver knows. How often something changed is counted by one process; the rest is in [`Told`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ears {
    told: Option<Told>,
    present: Option<String>,
    turns: u32,
}

impl Ears {
    /// A receiver that was told this.
    pub fn new(told: Option<Told>) -> Self {
        let trouble = told.as_ref().filter(|told| told.topic.is_trouble());
        Self {
            present: trouble.map(|told| told.digest.clone()),
            told,
            turns: 0,
        }
    }

    /// What it was told last.
    pub fn told(&self) -> Option<&Told> {
        self.told.as_ref()
    }

    /// It was told this.
    pub fn remember(&mut self, told: Told) {
        self.told = Some(told);
        self.turns = 0;
    }

    /// What is to be done, given how the Sync stands now.
    pub fn next(&mut self, on: &[Topic], standing: &Standing, now: Timestamp) -> Next {
        match standing {
            Standing::Unclear => Next::Nothing,
            Standing::Trouble(trouble) if !on.contains(&trouble.topic) => Next::Nothing,
            Standing::Trouble(trouble) if now < trouble.ripe => Next::At(trouble.ripe),
            Standing::Trouble(trouble) => {
                if self.present.as_ref() != Some(&trouble.digest) {
                    self.present = Some(trouble.digest.clone());
                    self.turns = self.turns.saturating_add(1);
                }
                self.trouble(trouble, now)
            }
            Standing::Well { since, applied } => {
                self.present = None;
                self.well(on, (*since, applied.as_ref()), now)
            }
        }
    }

    fn trouble(&self, trouble: &Trouble, now: Timestamp) -> Next {
        let Some(told) = &self.told else {
            return Next::Tell(self.about(trouble, now));
        };
        let same = told.digest == trouble.digest;
        if same && told.topic.is_trouble() {
            return Next::Nothing;
        }
        let waits = same || told.streak >= FREE;
        match quiet(told.at, now).filter(|_| waits) {
            Some(until) => Next::At(until),
            None => Next::Tell(self.about(trouble, now)),
        }
    }

    fn about(&self, trouble: &Trouble, now: Timestamp) -> Told {
        Told {
            topic: trouble.topic,
            digest: trouble.digest.clone(),
            commit: self.told.as_ref().and_then(|told| told.commit.clone()),
            at: now,
            // The present one is told.
            changes: self.turns.saturating_sub(1),
            streak: self.streak(now),
        }
    }

    /// A storm is over when nothing was told for twice the quiet time.
    fn streak(&self, now: Timestamp) -> u32 {
        let goes_on = |told: &&Told| now < after(after(told.at, QUIET), QUIET);
        let before = self.told.as_ref().filter(goes_on);
        before.map_or(1, |told| told.streak.saturating_add(1))
    }

    fn well(
        &self,
        on: &[Topic],
        (since, applied): (Timestamp, Option<&String>),
        now: Timestamp,
    ) -> Next {
        match &self.told {
            Some(told) if told.topic.is_trouble() => self.over(told, on, (since, applied), now),
            told => {
                let known = told.as_ref().and_then(|told| told.commit.as_ref());
                let news =
                    applied.filter(|commit| on.contains(&Topic::Applied) && known != Some(*commit));
                news.map_or(Next::Nothing, |commit| {
                    Next::Tell(Told {
                        topic: Topic::Applied,
                        digest: told
                            .as_ref()
                            .map(|told| told.digest.clone())
                            .unwrap_or_default(),
                        commit: Some(commit.clone()),
                        at: told.as_ref().map_or(now, |told| told.at),
                        changes: 0,
                        streak: told.as_ref().map_or(0, |told| told.streak),
                    })
                })
            }
        }
    }

    /// The end of what was told.
    fn over(
        &self,
        told: &Told,
        on: &[Topic],
        (since, applied): (Timestamp, Option<&String>),
        now: Timestamp,
    ) -> Next {
        let end = Told {
            topic: Topic::Recovered,
            ..told.clone()
        };
        if !on.contains(&Topic::Recovered) {
            return Next::Remember(end);
        }
        let restless = told.changes > 0 || told.streak >= FREE;
        let steady = after(since, STEADY);
        if restless && now < steady {
            return Next::At(steady);
        }
        Next::Tell(Told {
            commit: applied.cloned().or(end.commit),
            at: now,
            changes: self.turns,
            streak: self.streak(now),
            ..end
        })
    }
}

/// Until when it is quiet after a notice; nothing where that has passed, or where the clock was set back
/// so far that it would be quiet for long.
fn quiet(at: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let until = after(at, QUIET);
    (at <= after(now, QUIET) && now < until).then_some(until)
}

fn after(at: Timestamp, span: Duration) -> Timestamp {
    at.checked_add(span).unwrap_or(at)
}

#[cfg(test)]
mod tests;
