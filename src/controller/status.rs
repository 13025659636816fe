//! A pass as the status of its Sync: conditions, commits, one story. Pure; time is an argument.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::cycle::Seen;
use super::decide::Ending;
use super::set::SetResult;
use crate::adapters::sync::{
    MAX_RELEASED, MAX_SETS, Mode, Release, SetSummary, SyncSpec, SyncStatus, fitting,
};

/// How a pass ended, for whoever decides when to come again.
pub fn ending(seen: &Seen, spec: &SyncSpec) -> Ending {
    let any = |is: fn(&SetResult) -> bool| seen.sets.iter().any(is);
    if seen.called_off {
        return Ending::CalledOff;
    }
    if seen.trouble.as_ref().is_some_and(|t| t.sort.passes()) || any(|s| s.failed && s.passes) {
        return Ending::Failed;
    }
    if any(|s| s.on_its_way > 0) {
        return Ending::OnItsWay;
    }
    if any(|s| s.behind.is_some() || s.claimed) {
        return Ending::NeedsPerson;
    }
    let open = spec.mode != Mode::Observe && any(|s| s.pending > 0);
    match seen.trouble.is_some() || open || any(|s| s.failed || s.held > 0) {
        true => Ending::NeedsPerson,
        false => Ending::Settled,
    }
}

/// The next status after a pass.
pub fn after(
    before: &SyncStatus,
    spec: &SyncSpec,
    generation: i64,
    seen: &Seen,
    now: Timestamp,
) -> SyncStatus {
    let state = State::of(seen, spec);
    let valid = if seen.trouble.is_none() {
        seen.attempted.clone()
    } else {
        None
    };
    let complete = state == State::Applied;
    let mut next = SyncStatus {
        observed_generation: generation,
        last_attempted: seen
            .attempted
            .clone()
            .or_else(|| before.last_attempted.clone()),
        last_valid: valid.or_else(|| before.last_valid.clone()),
        last_applied: match complete {
            true => seen.in_force.clone(),
            false => before.last_applied.clone(),
        },
        rendered: match complete {
            true => seen.rendered.clone(),
            false => before.rendered.clone(),
        },
        governed: match complete {
            true => Some(seen.governed),
            false => governed(before, seen),
        },
        project: seen.project.clone().or_else(|| before.project.clone()),
        rewritten: rewritten(before, seen),
        behind: match &seen.in_force {
            Some(_) => seen.behind.clone(),
            None => before.behind.clone(),
        },
        waiting: match &seen.in_force {
            Some(_) => seen.waiting.clone(),
            None => before.waiting.clone(),
        },
        story: story(state, seen),
        released: released(before, seen),
        receivers: before.receivers.clone(),
        ..SyncStatus::default()
    };
    for result in seen.sets.iter().take(MAX_SETS) {
        next.sets.insert(result.name.clone(), summary(result));
    }
    next.more_sets = u32::try_from(seen.sets.len().saturating_sub(MAX_SETS)).unwrap_or(u32::MAX);
    if seen.sets.is_empty() && seen.trouble.is_some() {
        next.sets.clone_from(&before.sets);
    }
    let told = conditions(state, seen, spec, generation);
    next.conditions = told
        .into_iter()
        .map(|t| condition(before, t, &next.story, now))
        .collect();
    next
}

/// What the conditions say.
fn conditions(state: State, seen: &Seen, spec: &SyncSpec, generation: i64) -> [Told; 5] {
    let ending = ending(seen, spec);
    let told = [
        ("Ready", Some(state.is_ready())),
        (
            "Reconciling",
            Some(matches!(
                ending,
                Ending::OnItsWay | Ending::Failed | Ending::CalledOff
            )),
        ),
        ("Stalled", Some(ending == Ending::NeedsPerson)),
        ("Healthy", healthy(seen)),
        (
            "Drifted",
            looked(seen).then(|| seen.sets.iter().any(|s| s.drifted > 0)),
        ),
    ];
    told.map(|(kind, truth)| Told {
        kind,
        truth,
        reason: state.reason(seen),
        generation,
    })
}

/// The status after a pass that was called off. Parts of its commit may be applied, so that commit is
/// what a broken one leads back to.
pub fn called_off(before: &SyncStatus, seen: &Seen) -> SyncStatus {
    let valid = seen.in_force.clone();
    SyncStatus {
        last_valid: valid.or_else(|| before.last_valid.clone()),
        rewritten: rewritten(before, seen),
        governed: governed(before, seen),
        behind: seen.behind.clone(),
        ..before.clone()
    }
}

/// Whether what is in force while a commit is not yet applied asks for approvals. What was there before the
/// first commit is taken to.
fn governed(before: &SyncStatus, seen: &Seen) -> Option<bool> {
    match before.last_applied.is_none() && seen.inherits {
        true => Some(true),
        false => before.governed,
    }
}

/// Plans that were let go and still wait. Where nothing was looked at, none is known to be over.
fn released(before: &SyncStatus, seen: &Seen) -> Vec<Release> {
    let waits = |release: &Release| {
        let mut sets = seen.sets.iter();
        sets.any(|set| set.plan.as_deref() == Some(release.plan.as_str()))
    };
    let all = before.released.iter();
    all.filter(|release| !looked(seen) || waits(release))
        .cloned()
        .collect()
}

/// The commit under which history was rewritten last.
fn rewritten(before: &SyncStatus, seen: &Seen) -> Option<String> {
    let now = seen.rewritten.clone();
    now.or_else(|| before.rewritten.clone())
}

/// The status once somebody let a plan go that waits.
pub(super) fn let_go(before: &SyncStatus, release: Release) -> SyncStatus {
    let mut next = before.clone();
    next.released.retain(|known| known.plan != release.plan);
    next.released.push(release);
    let over = next.released.len().saturating_sub(MAX_RELEASED);
    next.released.drain(..over);
    next
}

/// The status of a Sync whose spec cannot be followed or that is suspended.
pub fn halted(
    before: &SyncStatus,
    generation: i64,
    why: (&'static str, &str),
    now: Timestamp,
) -> SyncStatus {
    let (reason, story) = why;
    let stalled = reason == "BadSpec";
    let told = [
        ("Ready", Some(false)),
        ("Reconciling", Some(false)),
        ("Stalled", Some(stalled)),
    ];
    let told = told.map(|(kind, truth)| Told {
        kind,
        truth,
        reason,
        generation,
    });
    let mut conditions: Vec<Condition> = told
        .into_iter()
        .map(|t| condition(before, t, story, now))
        .collect();
    let others = before
        .conditions
        .iter()
        .filter(|c| matches!(c.type_.as_str(), "Healthy" | "Drifted"));
    conditions.extend(others.cloned());
    let story = story.to_owned();
    SyncStatus {
        observed_generation: generation,
        conditions,
        story,
        ..before.clone()
    }
}

/// How a Sync stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Applied,
    Observed,
    AwaitsApproval,
    Held,
    Incomplete,
    Claimed,
    Behind,
    Troubled,
    CalledOff,
}

impl State {
    pub(super) fn of(seen: &Seen, spec: &SyncSpec) -> Self {
        let any = |is: fn(&SetResult) -> bool| seen.sets.iter().any(is);
        if seen.trouble.is_some() {
            Self::Troubled
        } else if seen.called_off {
            Self::CalledOff
        } else if any(|s| s.failed) {
            Self::Incomplete
        } else if any(|s| s.claimed) {
            Self::Claimed
        } else if any(|s| s.behind.is_some()) {
            Self::Behind
        } else if spec.mode == Mode::Observe {
            Self::Observed
        } else if any(|s| s.held > 0) {
            Self::Held
        } else if spec.mode == Mode::Manual && any(|s| s.pending > 0) {
            Self::AwaitsApproval
        } else if any(|s| s.missing() > 0) {
            Self::Incomplete
        } else {
            Self::Applied
        }
    }

    fn is_ready(self) -> bool {
        match self {
            Self::Applied | Self::Observed => true,
            Self::AwaitsApproval
            | Self::Held
            | Self::Incomplete
            | Self::Claimed
            | Self::Behind
            | Self::Troubled
            | Self::CalledOff => false,
        }
    }

    pub(super) fn reason(self, seen: &Seen) -> &'static str {
        match self {
            Self::Applied => "Applied",
            Self::Observed => "Observed",
            Self::AwaitsApproval => "AwaitsApproval",
            Self::Held => "HeldByRules",
            Self::Incomplete => "Incomplete",
            Self::Claimed => "SetClaimed",
            Self::Behind => "InvalidCommit",
            Self::CalledOff => "Superseded",
            Self::Troubled => seen
                .trouble
                .as_ref()
                .map_or("InternalError", |t| t.sort.word()),
        }
    }
}

fn looked(seen: &Seen) -> bool {
    !seen.sets.is_empty()
}

fn healthy(seen: &Seen) -> Option<bool> {
    let known = looked(seen) && seen.sets.iter().all(|s| !s.failed);
    known.then(|| {
        seen.sets
            .iter()
            .all(|s| s.unhealthy == 0 && s.on_its_way == 0)
    })
}

fn summary(result: &SetResult) -> SetSummary {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    SetSummary {
        objects: count(result.objects),
        pending: count(result.pending),
        held: count(result.held),
        drifted: count(result.drifted),
        unhealthy: count(result.unhealthy),
        plan: result.plan.clone(),
        message: match &result.behind {
            Some(why) => why.clone(),
            None => result.message.clone(),
        },
    }
}

pub(super) fn short(commit: Option<&str>) -> &str {
    commit.map_or("no commit", |id| id.get(..12).unwrap_or(id))
}

fn story(state: State, seen: &Seen) -> String {
    let at = short(seen.in_force.as_deref());
    let sum = |of: fn(&SetResult) -> usize| seen.sets.iter().map(of).sum::<usize>();
    let sets = counted(seen.sets.len(), "set");
    let blamed = seen.sets.iter().find(|s| !s.message.is_empty());
    let why = blamed
        .map(|s| format!(": {}: {}", s.name, s.message))
        .unwrap_or_default();
    let objects = counted(sum(|s| s.objects), "object");
    let text = match state {
        State::Applied => format!("{at}: {sets} with {objects} as wanted{why}"),
        State::Observed => match sum(SetResult::missing) {
            0 => format!("{at}: {sets} with {objects} as wanted, nothing written"),
            n => format!(
                "{at}: {} would be made, nothing written",
                counted(n, "change")
            ),
        },
        State::AwaitsApproval => {
            let pending = counted(sum(|s| s.pending), "change");
            format!("{at}: {pending} wait for approval")
        }
        State::Held => format!(
            "{at}: {} held by rules{why}",
            counted(sum(|s| s.held), "change")
        ),
        State::Incomplete => {
            let missing = counted(sum(SetResult::missing), "change");
            format!("{at}: {missing} not made{why}")
        }
        State::Claimed => claimed(at, seen),
        State::Behind => behind(at, seen),
        State::CalledOff => format!("{at}: called off, something newer comes"),
        State::Troubled => troubled(seen),
    };
    fitting(&text)
}

fn claimed(at: &str, seen: &Seen) -> String {
    let claimed: Vec<&SetResult> = seen.sets.iter().filter(|s| s.claimed).collect();
    let first = claimed
        .first()
        .map(|s| (s.name.as_str(), s.message.as_str()));
    let (name, why) = first.unwrap_or_default();
    let sets = counted(claimed.len(), "set");
    let rest = counted(seen.sets.len() - claimed.len(), "other set");
    format!("{at}: {sets} refused, {rest} looked after: {name}: {why}")
}

fn behind(at: &str, seen: &Seen) -> String {
    let behind: Vec<&SetResult> = seen.sets.iter().filter(|s| s.behind.is_some()).collect();
    let first = behind
        .first()
        .map(|s| (s.name.as_str(), s.behind.as_deref()));
    let (name, why) = first.unwrap_or_default();
    let sets = counted(behind.len(), "set");
    let rest = counted(seen.sets.len() - behind.len(), "other set");
    let why = why.unwrap_or_default();
    format!("{at}: {sets} not valid, {rest} brought to it: {name}: {why}")
}

fn troubled(seen: &Seen) -> String {
    let message = seen.trouble.as_ref().map_or("", |t| t.message.as_str());
    let attempted = seen
        .attempted
        .as_deref()
        .map(|id| format!("{}: ", short(Some(id))));
    let stays = match &seen.in_force {
        Some(id) if seen.in_force != seen.attempted => {
            format!("; {} stays in force", short(Some(id)))
        }
        _ => String::new(),
    };
    format!("{}{message}{stays}", attempted.unwrap_or_default())
}

pub(super) fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

struct Told {
    kind: &'static str,
    truth: Option<bool>,
    reason: &'static str,
    generation: i64,
}

/// A condition keeps its time while its truth stays the same.
fn condition(before: &SyncStatus, told: Told, message: &str, now: Timestamp) -> Condition {
    let status = match told.truth {
        Some(true) => "True",
        Some(false) => "False",
        None => "Unknown",
    };
    let old = before
        .conditions
        .iter()
        .find(|c| c.type_ == told.kind && c.status == status);
    Condition {
        type_: told.kind.to_owned(),
        status: status.to_owned(),
        reason: told.reason.to_owned(),
        message: message.to_owned(),
        observed_generation: Some(told.generation),
        last_transition_time: old.map_or(Time(now), |c| c.last_transition_time.clone()),
    }
}

#[cfg(test)]
mod tests;
