//! From what is wanted and what was seen to an inert list of steps. Pure and deterministic.
//!
//! The planner decides everything: apply executes the steps it is given and stops where a precondition
//! no longer holds. A step to delete needs positive proof; whatever is unknown is kept and reported.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::object::{GroupKind, SetId};

pub mod diff;
pub mod digest;
pub mod finding;
pub mod inventory;
pub mod keyed;
pub mod managed;
pub mod mask;
pub mod normalize;
pub mod observed;
pub mod payload;
pub mod step;

pub use finding::{Finding, Level, Rule};
pub use inventory::{Entry, Inventory, Record};
pub use observed::{Live, Observed, World};
pub use step::{Action, Step, StepId};

/// Marks a live object, or a desired one, that must not be deleted; any value but `false` counts.
pub const KEEP_ANNOTATION: &str = "kubemate.dev/keep";

/// What will be done with one set, and what is to say about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The set.
    pub set: SetId,
    /// The UID of the cluster it was made for.
    pub cluster_uid: String,
    /// Steps in an order in which they may be executed.
    pub steps: Vec<Step>,
    /// Findings, the worst first.
    pub findings: Vec<Finding>,
    /// The digest of all deletions: what a confirmation names.
    pub deletes_digest: String,
    /// The digest of the plan's content: steps and findings, but no places in KDL and no commit.
    pub digest: String,
}

/// What a set may do, and what it may do without asking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Objects that may be deleted without a yes.
    pub max_deletes: u64,
    /// Percent of the set that may be deleted without a yes, once [`Policy::percent_from`] go.
    pub max_delete_percent: u64,
    /// From how many deletions on the percentage counts.
    pub percent_from: u64,
    /// The deletions a person said yes to, by [`Plan::deletes_digest`].
    pub confirmed_deletes: Option<String>,
    /// A set that wants nothing may lose everything, with a yes to the deletions.
    pub allow_empty: bool,
    /// Whether unwanted objects are deleted at all.
    pub prune: bool,
    /// Whether drift is undone or only reported.
    pub drift: Drift,
    /// What to do about fields of a manager, by its name; else see [`Conflicts`].
    pub conflicts: BTreeMap<String, Conflicts>,
    /// The namespaces the set may write to; `None` for the platform. With `Some`, objects without a
    /// namespace are refused.
    pub namespaces: Option<BTreeSet<String>>,
    /// Kinds the set may not write.
    pub forbidden_kinds: BTreeSet<GroupKind>,
}

/// What to do about drift.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Drift {
    /// Undo it.
    #[default]
    Revert,
    /// Say it and leave it.
    Report,
}

/// What to do about a declared field that another manager owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conflicts {
    /// Stop the object and name the manager.
    Report,
    /// Take the field.
    Force,
    /// Leave the field to the manager.
    Yield,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_deletes: 10,
            max_delete_percent: 20,
            percent_from: 3,
            confirmed_deletes: None,
            allow_empty: false,
            prune: true,
            drift: Drift::Revert,
            conflicts: BTreeMap::new(),
            namespaces: None,
            forbidden_kinds: BTreeSet::new(),
        }
    }
}
