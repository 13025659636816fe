//! From what is wanted and what was seen to an inert list of steps. Pure and deterministic.
//!
//! The planner decides everything: apply executes the steps it is given and stops where a precondition
//! no longer holds. A step to delete needs positive proof; whatever is unknown is kept and reported.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::object::{GroupKind, ObjectKey, Rendered, ResourceId, SetId, canonical};
use crate::plan::draft::Context;
use crate::plan::step::KeepWhy;

pub mod approved;
mod check;
pub mod claim;
pub mod consent;
pub mod diff;
pub mod digest;
pub mod display;
mod draft;
pub mod ended;
pub mod finding;
pub mod hold;
mod holder;
pub mod intent;
pub mod inventory;
pub mod managed;
pub mod mask;
pub mod neighbours;
pub mod normalize;
pub mod observed;
pub mod order;
pub mod payload;
pub mod pointer;
pub mod saved;
pub mod season;
pub mod step;

pub use finding::{Finding, Level, Rule};
pub use inventory::{Entry, Inventory, Record};
pub use neighbours::Neighbours;
pub use observed::{Live, Observed, World};
pub use step::{Action, Step, StepId, Until, Verb};

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
    /// Resources whose drift is left alone, whatever is done about other drift.
    pub held: BTreeSet<ResourceId>,
    /// Objects of which is left alone what these managers write, and nobody else.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left: BTreeMap<ObjectKey, BTreeSet<String>>,
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

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The inventory is of another set than the render.
    #[error("the inventory belongs to the set {inventory}, the render to {rendered}")]
    OtherSet {
        /// The inventory's set.
        inventory: String,
        /// The render's set.
        rendered: String,
    },
    /// Objects wait for each other.
    #[error(transparent)]
    Cycle(#[from] order::Cycle),
}

/// Plans one set: the same inputs give the same plan, byte by byte.
pub fn plan(
    rendered: &Rendered,
    world: &World,
    inventory: &Inventory,
    policy: &Policy,
) -> Result<Plan, PlanError> {
    if inventory.set != rendered.set {
        let (inventory, rendered) = (inventory.set.to_string(), rendered.set.to_string());
        return Err(PlanError::OtherSet {
            inventory,
            rendered,
        });
    }
    let context = Context {
        rendered,
        world,
        inventory,
        policy,
    };
    let (drafts, mut findings) = draft::drafts(context);
    findings.extend(check::check(check::Input {
        context,
        drafts: &drafts,
    }));
    findings.sort();
    findings.dedup();
    let deletes_digest = check::deletes::deletions_digest(&drafts);
    let mut steps = order::order(drafts)?;
    hold(&mut steps, &findings);
    let mut plan = Plan {
        set: rendered.set.clone(),
        cluster_uid: world.cluster_uid.clone(),
        steps,
        findings,
        deletes_digest,
        digest: String::new(),
    };
    plan.digest = plan.content_digest();
    Ok(plan)
}

/// Writes into the steps which rules keep them from being executed.
fn hold(steps: &mut [Step], findings: &[Finding]) {
    let mut rules: BTreeMap<Option<&ObjectKey>, BTreeSet<Rule>> = BTreeMap::new();
    for finding in findings.iter().filter(|finding| finding.holds()) {
        rules
            .entry(finding.key.as_ref())
            .or_default()
            .insert(finding.rule);
    }
    for step in steps {
        let mut held = rules.get(&Some(&step.key)).cloned().unwrap_or_default();
        match step.action.verb() {
            Verb::Keep | Verb::Release => continue,
            // What is said about the plan as a whole is about its deletions.
            Verb::Delete => held.extend(rules.get(&None).into_iter().flatten()),
            Verb::Create | Verb::Update | Verb::Replace | Verb::Adopt => {}
        }
        step.held_by = held.into_iter().collect();
    }
}

impl Plan {
    /// Whether nothing would be written, deleted or forgotten.
    pub fn is_empty(&self) -> bool {
        self.steps
            .iter()
            .all(|step| step.action.verb() == Verb::Keep)
    }

    /// Whether anything is written, to objects or to the inventory alone.
    pub fn has_work(&self) -> bool {
        !self.is_empty() || self.steps.iter().any(|step| step.action.records())
    }

    /// Whether something is left that can be seen only when this plan and those of the other sets are done:
    /// what another set takes is forgotten then, and what is not scaled any more has the pods that Git says.
    pub fn leaves_more(&self) -> bool {
        self.steps.iter().any(|step| match &step.action {
            Action::Keep { why } => matches!(why, KeepWhy::Leaving(_)),
            Action::Delete { .. } => payload::is_scaler(&step.key.group_kind),
            _ => false,
        })
    }

    /// The part of the plan that is about these objects: nothing else is done, and nothing else waited
    /// for.
    #[must_use]
    pub fn only(&self, keys: &BTreeSet<ObjectKey>) -> Self {
        let mut part = self.clone();
        part.steps.retain(|step| keys.contains(&step.key));
        let kept: BTreeSet<StepId> = part.steps.iter().map(|step| step.id).collect();
        for step in &mut part.steps {
            step.waits_for.retain(|wait| kept.contains(&wait.step));
            step.needs.retain(|key| keys.contains(key));
        }
        part.findings
            .retain(|f| f.key.as_ref().is_some_and(|key| keys.contains(key)));
        part.digest = part.content_digest();
        part
    }

    /// Why an object that is kept is not as it is wanted.
    pub fn refusals<'a>(&'a self, step: &'a Step) -> impl Iterator<Item = &'a Finding> {
        let kept = step.action.verb() == Verb::Keep;
        let about = |f: &&Finding| f.level == Level::Error && f.key.as_ref() == Some(&step.key);
        self.findings.iter().filter(about).filter(move |_| kept)
    }

    /// Whether an object is kept although it is not as it is wanted.
    pub fn refuses(&self, step: &Step) -> bool {
        self.refusals(step).next().is_some()
    }

    /// How many steps of a verb there are.
    pub fn count(&self, verb: Verb) -> usize {
        self.steps
            .iter()
            .filter(|step| step.action.verb() == verb)
            .count()
    }

    /// Whether a step comes after every write of the plan, besides what it waits for by name. True for
    /// deletions.
    pub fn after_all_writes(step: &Step) -> bool {
        step.action.verb() == Verb::Delete
    }

    /// The digest over content: no places in KDL, no commit, no time.
    pub fn content_digest(&self) -> String {
        let mut bare = Self {
            set: self.set.clone(),
            cluster_uid: self.cluster_uid.clone(),
            steps: Vec::new(),
            findings: self.findings.clone(),
            deletes_digest: self.deletes_digest.clone(),
            digest: String::new(),
        };
        bare.forget_places();
        let mut hasher = blake3::Hasher::new();
        hasher.update(as_text(&bare).as_bytes());
        let text = |step: &Step| {
            let mut step = step.clone();
            step.forget_places();
            step_text(&step)
        };
        let steps: Vec<String> = self.steps.par_iter().map(text).collect();
        for step in &steps {
            hasher.update(b"\n");
            hasher.update(step.as_bytes());
        }
        format!("b3:{}", hasher.finalize().to_hex())
    }

    /// Takes out the places in KDL, which hold for one commit only.
    pub fn forget_places(&mut self) {
        self.findings
            .iter_mut()
            .for_each(|finding| finding.spans.clear());
        self.steps.iter_mut().for_each(Step::forget_places);
        // Sorted once more, for findings are ordered by their places too.
        self.findings.sort();
        self.findings.dedup();
    }
}

/// The canonical text of something.
fn as_text(value: &impl Serialize) -> String {
    serde_json::to_value(value)
        .map(|value| canonical(&value))
        .unwrap_or_default()
}

/// The same for a step. What stays as it is holds no values, and there is much of it.
fn step_text(step: &Step) -> String {
    match step.action {
        Action::Keep { .. } => serde_json::to_string(step).unwrap_or_default(),
        _ => as_text(step),
    }
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
            held: BTreeSet::new(),
            left: BTreeMap::new(),
            conflicts: BTreeMap::new(),
            namespaces: None,
            forbidden_kinds: BTreeSet::new(),
        }
    }
}
