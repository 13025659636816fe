//! What became of each step of a plan.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::apply::cluster::Stored;
use crate::apply::problem::Problem;
use crate::health::Health;
use crate::object::{ObjectKey, SetId};
use crate::plan::finding::Rule;
use crate::plan::step::{StepId, Verb};

/// The end of one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was done, or there was nothing to do.
    Done,
    /// It was tried and did not succeed.
    Failed {
        /// Why.
        problem: Problem,
    },
    /// The world is not as it was when the plan was made; nothing was written.
    Stopped {
        /// What moved, one sentence.
        moved: String,
    },
    /// It was not tried.
    NotAttempted {
        /// Why not.
        because: Because,
    },
}

/// Why a step was not tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Because {
    /// Rules of the plan hold it.
    Held(Vec<Rule>),
    /// A step that it waits for was not done.
    Step(ObjectKey),
    /// An object that it waits for did not become healthy.
    Unhealthy {
        /// The object.
        key: ObjectKey,
        /// How it is, one sentence.
        why: String,
    },
    /// Not everything that replaces it was written.
    WritesMissing,
    /// The work was called off, as by a newer commit.
    CalledOff,
    /// Someone else works on the set now.
    LeaseLost,
    /// What is owned can no longer be written down.
    BooksClosed,
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held(rules) => {
                let words: Vec<&str> = rules.iter().map(|rule| rule.word()).collect();
                write!(f, "held by {}", words.join(", "))
            }
            Self::Step(key) => write!(f, "it needs {key}, which was not done"),
            Self::Unhealthy { key, why } => {
                write!(f, "it needs {key}, which is not healthy: {why}")
            }
            Self::WritesMissing => f.write_str("not everything that the set wants was written"),
            Self::CalledOff => f.write_str("the work was called off"),
            Self::LeaseLost => f.write_str("someone else works on the set now"),
            Self::BooksClosed => f.write_str("the inventory cannot be written"),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Failed { problem } => write!(f, "failed: {problem}"),
            Self::Stopped { moved } => write!(f, "stopped: {moved}"),
            Self::NotAttempted { because } => write!(f, "not attempted: {because}"),
        }
    }
}

/// One step's end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// The object.
    pub key: ObjectKey,
    /// What was to be done.
    pub verb: Verb,
    /// What became of it.
    pub outcome: Outcome,
    /// How the object is, where that was waited for.
    pub health: Option<Health>,
}

/// The end of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The set.
    pub set: SetId,
    /// By step.
    pub steps: BTreeMap<StepId, StepReport>,
    /// What is owned now.
    pub stored: Stored,
    /// Why the inventory could not be written at last; what was announced is found again.
    pub bookkeeping: Option<Problem>,
}

impl Report {
    /// Whether every step was done.
    pub fn complete(&self) -> bool {
        self.bookkeeping.is_none()
            && self
                .steps
                .values()
                .all(|step| step.outcome == Outcome::Done)
    }

    /// Whether everything that was waited for is healthy.
    pub fn healthy(&self) -> bool {
        self.steps
            .values()
            .filter_map(|step| step.health.as_ref())
            .all(Health::is_settled)
    }

    /// Whether something failed that may go well later.
    pub fn may_pass(&self) -> bool {
        let passes = |outcome: &Outcome| match outcome {
            Outcome::Failed { problem } => problem.kind.passes(),
            Outcome::Stopped { .. } => true,
            Outcome::Done | Outcome::NotAttempted { .. } => false,
        };
        self.steps.values().any(|step| passes(&step.outcome))
    }
}

/// Why a step could not be carried out.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Halt {
    /// The world moved.
    Stopped(String),
    /// It failed.
    Failed(Problem),
}

impl From<Problem> for Halt {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem)
    }
}

impl From<Halt> for Outcome {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::Stopped(moved) => Self::Stopped { moved },
            Halt::Failed(problem) => Self::Failed { problem },
        }
    }
}

impl Halt {
    /// A stop.
    pub(super) fn stopped(moved: impl Into<String>) -> Self {
        Self::Stopped(moved.into())
    }
}
