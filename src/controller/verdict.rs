//! What a pass means for the commit it looked at, in the words of a forge, and whether that is news.
//! Pure.
//!
//! A commit is a success only once all of it is in force and healthy, and a failure only when time alone
//! cannot help. What is said of a commit is not taken back because something is under way again.

use super::cycle::{Seen, Sort, Trouble};
use super::set::SetResult;
use super::status::{State as Stands, counted};
use crate::adapters::sync::{Mode, Sync, SyncSpec, SyncStatus};
use crate::report::forge::{Deployment, Instance, Purpose, State, Status, StatusText};
use crate::source::repository::CommitId;

/// How often the same is told of one commit in other words.
const MOST_TOLD: u32 = 30;
/// Most bytes of an instance's name.
const MOST_NAME: usize = 40;

/// What is known of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The repository that the commit is of, as the Sync names it.
    pub repository: String,
    /// What the forge shows of it on the commit.
    pub status: Status,
    /// Where the commit is brought to, if it is brought anywhere.
    pub environment: Option<String>,
}

impl Verdict {
    /// What a pass found out about the commit that it looked at; `None` if nothing.
    pub fn of(name: &str, sync: &Sync, seen: &Seen) -> Option<Self> {
        let spec = &sync.spec;
        let commit = CommitId::new(seen.attempted.as_deref()?)?;
        let (state, text) = found(seen, spec)?;
        let deploys = spec.mode != Mode::Observe && seen.trouble.is_none();
        Some(Self {
            repository: spec.repository.clone(),
            status: Status {
                commit,
                instance: instance(&spec.cluster, name)?,
                purpose: Purpose::Apply,
                state,
                text: StatusText::new(&text),
                link: None,
            },
            environment: deploys.then(|| environment(name, spec)),
        })
    }

    /// The same for a forge that has deployments.
    pub fn deployment(&self) -> Option<Deployment> {
        Some(Deployment {
            commit: self.status.commit.clone(),
            environment: self.environment.clone()?,
            state: self.status.state,
            text: self.status.text.clone(),
        })
    }

    fn is_about_the_same(&self, other: &Self) -> bool {
        let of = |v: &Self| {
            (
                v.repository.clone(),
                v.status.commit.clone(),
                v.status.context(),
            )
        };
        of(self) == of(other)
    }
}

/// The same Sync on another cluster is another instance.
pub(super) fn instance(cluster: &str, name: &str) -> Option<Instance> {
    let text = format!("{cluster}-{name}").to_ascii_lowercase();
    if let Some(instance) = Instance::new(&text) {
        return Some(instance);
    }
    // What does not fit as it stands is made to fit, with a sum that keeps it apart from others.
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let plain: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let sum = blake3::hash(text.as_bytes()).to_hex();
    let cut: String = plain.join("-").chars().take(MOST_NAME - 9).collect();
    Instance::new(&format!("{}-{}", cut.trim_end_matches('-'), &sum[..8]))
}

/// Several clusters of one environment, and several Syncs of one cluster, are deployed to one by one.
fn environment(name: &str, spec: &SyncSpec) -> String {
    let whole = format!("{}/{}", spec.environment, spec.cluster);
    match spec.tenants {
        None => whole,
        Some(_) => format!("{whole}/{name}"),
    }
}

fn found(seen: &Seen, spec: &SyncSpec) -> Option<(State, String)> {
    let sum = |of: fn(&SetResult) -> usize| seen.sets.iter().map(of).sum::<usize>();
    let changes = |n: usize| counted(n, "change");
    Some(match Stands::of(seen, spec) {
        Stands::CalledOff => return None,
        Stands::Troubled => troubled(seen.trouble.as_ref()?),
        Stands::Incomplete => match seen.sets.iter().find(|s| s.failed && !s.passes) {
            Some(set) => (State::Failure, set.message.clone()),
            None => (
                State::Pending,
                format!("{} not made yet", changes(sum(SetResult::missing))),
            ),
        },
        Stands::Claimed => {
            let why = seen.sets.iter().find(|s| s.claimed);
            let why = why.map(|s| format!("{}: {}", s.name, s.message));
            (State::Error, why.unwrap_or_default())
        }
        Stands::Behind => {
            let why = seen.sets.iter().find_map(|s| s.behind.clone());
            (State::Failure, why.unwrap_or_default())
        }
        Stands::AwaitsApproval => (
            State::Pending,
            format!("{} wait for approval", changes(sum(|s| s.pending))),
        ),
        Stands::Held => {
            let why = seen.sets.iter().find(|s| s.held > 0);
            let why = why.map_or("", |s| s.message.as_str());
            (
                State::Pending,
                format!("{} held by rules: {why}", changes(sum(|s| s.held))),
            )
        }
        Stands::Observed | Stands::Applied => healthy(seen, spec),
    })
}

fn troubled(trouble: &Trouble) -> (State, String) {
    let state = match trouble.sort {
        Sort::InvalidCommit | Sort::Unsigned => State::Failure,
        Sort::BadSpec | Sort::WrongCluster => State::Error,
        // What was rewritten waits for a yes, and an upgrade for a commit.
        Sort::Source | Sort::Cluster | Sort::Internal | Sort::Rewritten | Sort::UpgradePending => {
            State::Pending
        }
    };
    (state, trouble.message.clone())
}

fn healthy(seen: &Seen, spec: &SyncSpec) -> (State, String) {
    let sum = |of: fn(&SetResult) -> usize| seen.sets.iter().map(of).sum::<usize>();
    if let Some(failed) = seen.sets.iter().find(|s| s.unhealthy > s.on_its_way) {
        return (State::Failure, failed.message.clone());
    }
    if seen.sets.iter().any(|s| s.on_its_way > 0) {
        return (State::Pending, "not healthy yet".to_owned());
    }
    let pending = sum(|s| s.pending);
    if pending > 0 {
        let text = format!(
            "{} would be made, nothing is written",
            counted(pending, "change")
        );
        return (State::Pending, text);
    }
    let (sets, objects) = (
        counted(seen.sets.len(), "set"),
        counted(sum(|s| s.objects), "object"),
    );
    let how = match spec.mode {
        Mode::Observe => "as wanted",
        Mode::Manual | Mode::Auto => "applied and healthy",
    };
    (State::Success, format!("{how}: {sets}, {objects}"))
}

/// What the forge was told last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    verdict: Verdict,
    sure: bool,
    times: u32,
}

impl Told {
    /// What an earlier process must have told, by the status it left. It is compared with the forge
    /// once.
    pub fn earlier(name: &str, sync: &Sync, status: &SyncStatus) -> Option<Self> {
        let truth = |kind: &str| {
            let mut all = status.conditions.iter();
            all.any(|c| c.type_ == kind && c.status == "True")
        };
        let commit = status.last_applied.clone()?;
        let settled = truth("Ready") && truth("Healthy");
        let seen = Seen {
            attempted: Some(commit),
            ..Seen::default()
        };
        Some(Self {
            verdict: Verdict::of(name, sync, &seen).filter(|_| settled)?,
            sure: false,
            times: 0,
        })
    }

    /// What is known once this was told after what was told before.
    pub fn after(before: Option<Self>, verdict: Verdict) -> Self {
        let same = before.filter(|told| told.verdict.is_about_the_same(&verdict));
        Self {
            times: same.map_or(0, |told| told.times) + 1,
            verdict,
            sure: true,
        }
    }

    /// Whether a verdict says something that the forge was not told.
    pub fn is_news(&self, next: &Verdict) -> bool {
        if !self.verdict.is_about_the_same(next) {
            return true;
        }
        let (old, new) = (&self.verdict.status, &next.status);
        match (old.state, new.state) {
            (State::Success | State::Failure, State::Pending) => false,
            (old, new) if old != new => true,
            _ if !self.sure => true,
            // Only what is wrong is told in other words, and not for ever.
            (_, State::Failure | State::Error) => old.text != new.text && self.times < MOST_TOLD,
            _ => false,
        }
    }

    /// The last word on a commit that a newer one overtook before it was decided.
    pub fn overtaken(&self, next: &Verdict) -> Option<Verdict> {
        let (old, new) = (&self.verdict, next);
        let left = old.status.state == State::Pending
            && old.repository == new.repository
            && old.status.commit != new.status.commit;
        left.then(|| Verdict {
            status: Status {
                state: State::Error,
                text: StatusText::new(&format!("overtaken by {}", new.status.commit.short())),
                ..old.status.clone()
            },
            ..old.clone()
        })
    }
}

#[cfg(test)]
mod tests;
