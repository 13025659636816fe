//! What a pass means for people who are told: well, trouble of one sort, or nothing that is decided yet.
//! Pure.
//!
//! Of several troubles the one is taken that keeps most from going on. What passes by itself is trouble
//! only once it has lasted.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::cycle::{Seen, Sort};
use super::decide::Ending;
use super::set::SetResult;
use super::status::{State, ending};
use crate::adapters::sync::{Drift, Mode, SyncSpec, SyncStatus};
use crate::report::notify::Topic;
use crate::report::notify::body::Facts;
use crate::report::notify::news::{Standing, Trouble};

/// For how long something may fail before it is told.
const FAILING: Duration = Duration::from_mins(2);
/// For how long something may be on its way before it is told.
const ON_ITS_WAY: Duration = Duration::from_mins(10);

/// A Sync as it is shown to receivers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// What there is to say.
    pub facts: Facts,
    /// Whether there is anything to say.
    pub standing: Standing,
}

impl Picture {
    /// What a pass found, with the status that says so.
    pub fn of(name: &str, spec: &SyncSpec, status: &SyncStatus, seen: &Seen) -> Arc<Self> {
        let standing = standing(spec, status, seen);
        let commit = match seen.trouble {
            Some(_) => seen.attempted.clone(),
            None => seen.in_force.clone(),
        };
        Arc::new(Self {
            facts: facts(name, spec, status, commit),
            standing,
        })
    }

    /// A Sync that rests: suspended by a person, or with a spec that cannot be followed.
    pub fn halted(
        name: &str,
        spec: &SyncSpec,
        status: &SyncStatus,
        said: Option<&str>,
    ) -> Arc<Self> {
        let stalled = said.map(|said| {
            let about = [Sort::BadSpec.word(), said];
            Standing::Trouble(Trouble::new(Topic::Stalled, about, Timestamp::UNIX_EPOCH))
        });
        Arc::new(Self {
            facts: facts(name, spec, status, None),
            standing: stalled.unwrap_or(Standing::Unclear),
        })
    }
}

fn facts(name: &str, spec: &SyncSpec, status: &SyncStatus, commit: Option<String>) -> Facts {
    Facts {
        sync: name.to_owned(),
        project: status.project.clone(),
        environment: spec.environment.clone(),
        cluster: spec.cluster.clone(),
        commit,
        story: status.story.clone(),
    }
}

fn standing(spec: &SyncSpec, status: &SyncStatus, seen: &Seen) -> Standing {
    let state = State::of(seen, spec);
    let reason = state.reason(seen);
    let commit = seen.attempted.as_deref().unwrap_or_default();
    let lasting = |kind: &str, span: Duration| after(since(status, kind), span);
    let now = Timestamp::UNIX_EPOCH;
    let trouble =
        |topic, about: Vec<&str>, ripe| Standing::Trouble(Trouble::new(topic, about, ripe));
    match state {
        State::CalledOff => Standing::Unclear,
        State::Troubled => match seen.trouble.as_ref().map(|trouble| trouble.sort) {
            Some(Sort::Source | Sort::Cluster | Sort::Internal) => {
                trouble(Topic::Failed, vec![reason], lasting("Ready", FAILING))
            }
            Some(
                Sort::BadSpec
                | Sort::InvalidCommit
                | Sort::Unsigned
                | Sort::Rewritten
                | Sort::WrongCluster
                | Sort::UpgradePending,
            )
            | None => trouble(Topic::Stalled, vec![reason, commit], now),
        },
        State::Claimed => {
            let claimed = names(seen, |set| set.claimed);
            let about = [reason].into_iter().chain(claimed).collect();
            trouble(Topic::Stalled, about, now)
        }
        State::Behind => {
            let tenants = seen.behind.keys().map(String::as_str);
            let about = [reason, commit].into_iter().chain(tenants).collect();
            trouble(Topic::Stalled, about, now)
        }
        State::Incomplete => {
            let failed = names(seen, |set| set.failed);
            match ending(seen, spec) {
                Ending::NeedsPerson => {
                    let about = [reason, commit].into_iter().chain(failed).collect();
                    trouble(Topic::Stalled, about, now)
                }
                Ending::OnItsWay => trouble(
                    Topic::Failed,
                    [reason].into_iter().chain(failed).collect(),
                    lasting("Ready", ON_ITS_WAY),
                ),
                Ending::Failed => trouble(
                    Topic::Failed,
                    [reason].into_iter().chain(failed).collect(),
                    lasting("Ready", FAILING),
                ),
                Ending::CalledOff | Ending::Settled => Standing::Unclear,
            }
        }
        State::AwaitsApproval => trouble(Topic::Held, vec![reason, commit], now),
        State::Held => held(seen, reason),
        State::Observed | State::Applied => in_force(spec, status, seen, state),
    }
}

/// What is held, whatever else a newer commit says: the sentences without their numbers, which are lines
/// and counts.
fn held(seen: &Seen, reason: &str) -> Standing {
    let sets = seen.sets.iter().filter(|set| set.held > 0);
    let said = |set: &SetResult| -> String {
        let words = set.message.chars().filter(|c| !c.is_ascii_digit());
        format!("{}: {}", set.name, words.collect::<String>())
    };
    let about: Vec<String> = sets.map(said).collect();
    let about = std::iter::once(reason).chain(about.iter().map(String::as_str));
    Standing::Trouble(Trouble::new(Topic::Held, about, Timestamp::UNIX_EPOCH))
}

/// The commit is in force; whether what it wants is well.
fn in_force(spec: &SyncSpec, status: &SyncStatus, seen: &Seen, state: State) -> Standing {
    let commit = seen.in_force.as_deref().unwrap_or_default();
    let trouble =
        |topic, about: Vec<&str>, ripe| Standing::Trouble(Trouble::new(topic, about, ripe));
    let ill: Vec<&str> = names(seen, |set| set.unhealthy > set.on_its_way).collect();
    if !ill.is_empty() {
        let about = [commit].into_iter().chain(ill).collect();
        return trouble(Topic::Unhealthy, about, Timestamp::UNIX_EPOCH);
    }
    if seen.sets.iter().any(|set| set.on_its_way > 0) {
        // Which sets are late changes all the time, and what is late stays so through commits.
        let ripe = after(since(status, "Healthy"), ON_ITS_WAY);
        return trouble(Topic::Unhealthy, vec!["late"], ripe);
    }
    let left = spec.drift == Drift::Report || spec.mode == Mode::Observe;
    let drifted = match left {
        true => names(seen, |set| set.drifted > 0).collect::<Vec<&str>>(),
        false => names(seen, |set| set.fights > 0).collect(),
    };
    if !drifted.is_empty() {
        return trouble(Topic::Drifted, drifted, Timestamp::UNIX_EPOCH);
    }
    let applied = match state {
        State::Applied => seen.in_force.clone(),
        State::Observed
        | State::AwaitsApproval
        | State::Held
        | State::Incomplete
        | State::Claimed
        | State::Behind
        | State::Troubled
        | State::CalledOff => None,
    };
    let since = ["Ready", "Healthy", "Drifted"].map(|kind| since(status, kind));
    Standing::Well {
        since: since.into_iter().max().unwrap_or_default(),
        applied,
    }
}

fn names(seen: &Seen, is: fn(&SetResult) -> bool) -> impl Iterator<Item = &str> {
    let sets = seen.sets.iter().filter(move |set| is(set));
    sets.map(|set| set.name.as_str())
}

/// Since when a condition is as it is.
fn since(status: &SyncStatus, kind: &str) -> Timestamp {
    let mut all = status.conditions.iter();
    let found = all.find(|condition| condition.type_ == kind);
    found.map_or(Timestamp::UNIX_EPOCH, |condition| {
        condition.last_transition_time.0
    })
}

fn after(at: Timestamp, span: Duration) -> Timestamp {
    at.checked_add(span).unwrap_or(at)
}

#[cfg(test)]
mod tests;
