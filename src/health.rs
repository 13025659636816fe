//! Is this live object as it should be? A pure verdict with a sentence for people.
//!
//! One order for all kinds: deletion, generation, the generic conditions Stalled and Reconciling, then the
//! rule of the kind, else its Ready condition, else it is well once it is stored. Kinds are told apart by
//! group and kind, never by kind alone. Time is an argument.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::object::GroupKind;

mod autoscaling;
mod core;
mod gateway;
mod jobs;
mod pods;
mod status;
mod table;
mod workloads;

pub use jobs::{Run, run};
pub use table::{HealthRule, Verdict};

pub use status::Status;

/// How an object is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// As it should be.
    Current {
        /// What was seen, one sentence.
        why: String,
    },
    /// On its way.
    InProgress {
        /// What it waits for, one sentence.
        why: String,
    },
    /// It will not become well by waiting.
    Failed {
        /// What is wrong, one sentence.
        why: String,
    },
    /// Stopped on purpose.
    Suspended {
        /// By what, one sentence.
        why: String,
    },
    /// It is being deleted.
    Terminating {
        /// What it waits for, one sentence.
        why: String,
    },
    /// Nothing can be said about it.
    Unknown {
        /// Why, one sentence.
        why: String,
    },
}

impl Health {
    pub(crate) fn current(why: impl Into<String>) -> Self {
        Self::Current { why: why.into() }
    }

    pub(crate) fn progress(why: impl Into<String>) -> Self {
        Self::InProgress { why: why.into() }
    }

    pub(crate) fn failed(why: impl Into<String>) -> Self {
        Self::Failed { why: why.into() }
    }

    /// Whether what waits for the object may go on. What is suspended on purpose holds no one up.
    pub fn is_settled(&self) -> bool {
        match self {
            Self::Current { .. } | Self::Suspended { .. } => true,
            Self::InProgress { .. }
            | Self::Failed { .. }
            | Self::Terminating { .. }
            | Self::Unknown { .. } => false,
        }
    }

    /// The sentence.
    pub fn why(&self) -> &str {
        match self {
            Self::Current { why }
            | Self::InProgress { why }
            | Self::Failed { why }
            | Self::Suspended { why }
            | Self::Terminating { why }
            | Self::Unknown { why } => why,
        }
    }

    /// One word for tables, metrics and wire formats.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Current { .. } => "current",
            Self::InProgress { .. } => "in-progress",
            Self::Failed { .. } => "failed",
            Self::Suspended { .. } => "suspended",
            Self::Terminating { .. } => "terminating",
            Self::Unknown { .. } => "unknown",
        }
    }
}

/// The health of an object as the API server returned it.
pub fn health(object: &Value, now: Timestamp) -> Health {
    health_with(&[], object, now)
}

/// The same with rules that come before the built-in ones.
pub fn health_with(rules: &[HealthRule], object: &Value, now: Timestamp) -> Health {
    let status = Status::of(object, now);
    let Some(group_kind) = status.group_kind() else {
        return Health::Unknown {
            why: "the document is not an object".into(),
        };
    };
    if let Some(early) = generic_first(&status) {
        return early;
    }
    let rule = rules
        .iter()
        .chain(table::RULES)
        .find(|rule| rule.is_for(&group_kind));
    match rule {
        Some(rule) => rule.judge(&status),
        None => generic_last(&status),
    }
}

/// Like [`health`], but something that runs to completion is well only when it has succeeded: what
/// `needs` and `before deploy` wait for.
pub fn completion(object: &Value, now: Timestamp) -> Health {
    match run(object) {
        Some(Run::Succeeded) => Health::current("it has completed"),
        Some(Run::Failed { why }) => Health::Failed { why },
        Some(Run::Running { why }) => match health(object, now) {
            terminating @ Health::Terminating { .. } => terminating,
            _ => Health::InProgress { why },
        },
        None => health(object, now),
    }
}

/// What holds for every kind, before its own rule.
fn generic_first(status: &Status<'_>) -> Option<Health> {
    if let Some(why) = status.deletion() {
        return Some(Health::Terminating { why });
    }
    if let Some((seen, generation)) = status.lags() {
        let why = format!("its controller has seen generation {seen} of {generation}");
        return Some(Health::InProgress { why });
    }
    if let Some(stalled) = status.condition("Stalled").filter(|c| c.is("True")) {
        return Some(Health::failed(stalled.words("its controller gave up")));
    }
    if let Some(busy) = status.condition("Reconciling").filter(|c| c.is("True")) {
        return Some(Health::progress(busy.words("its controller works on it")));
    }
    None
}

/// What holds for kinds without a rule.
fn generic_last(status: &Status<'_>) -> Health {
    match status.condition("Ready") {
        None => Health::current("it is stored"),
        Some(ready) if ready.is("True") => Health::current("it is ready"),
        Some(ready) => Health::progress(ready.words("it is not ready yet")),
    }
}

/// Whether two objects are of one group and kind.
pub(crate) fn is(group_kind: &GroupKind, group: &str, kind: &str) -> bool {
    group_kind.group == group && group_kind.kind == kind
}

#[cfg(test)]
mod tests;
