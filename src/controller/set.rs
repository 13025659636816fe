//! One set of one Sync, brought to what is wanted as far as mode and rules allow.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::cycle::Tools;
use super::desired::Desired;
use crate::adapters::sync::{Mode, Sync, fitting};
use crate::apply::cluster::Cluster as _;
use crate::apply::outcome::{Outcome, Report};
use crate::apply::prepare::{PrepareError, Prepared, look};
use crate::apply::{self, Options, Run};
use crate::health::{Health, health};
use crate::object::{ObjectKey, Rendered};
use crate::plan::observed::Observed;
use crate::plan::{Neighbours, Plan, Rule, Verb};

/// For how long a step waits for what it needs before the pass goes on without it.
const PATIENCE: Duration = Duration::from_mins(1);

/// One set of one pass.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    /// What all passes share.
    pub tools: &'a Tools,
    /// The Sync.
    pub sync: &'a Sync,
    /// The commit in force.
    pub desired: &'a Desired,
    /// The set.
    pub rendered: &'a Rendered,
    /// All sets of the project.
    pub beside: &'a Neighbours<'a>,
    /// Calls it off.
    pub stop: &'a CancellationToken,
}

/// What became of a set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetResult {
    /// The set's name.
    pub name: String,
    /// Objects that are wanted.
    pub objects: usize,
    /// Steps that were done in this pass.
    pub done: usize,
    /// Steps that are not done.
    pub pending: usize,
    /// Steps that rules hold.
    pub held: usize,
    /// Objects that were changed outside of Git and are still.
    pub drifted: usize,
    /// Objects that are not healthy.
    pub unhealthy: usize,
    /// Objects that are on their way.
    pub on_its_way: usize,
    /// The digest of the plan, if it is not done.
    pub plan: Option<String>,
    /// What is in the way; empty if nothing is.
    pub message: String,
    /// Something failed.
    pub failed: bool,
    /// What failed may go well later.
    pub passes: bool,
}

/// Looks at a set, plans it, and applies the plan if that is allowed.
pub async fn bring(task: Task<'_>) -> SetResult {
    let set = &task.rendered.set;
    let mut result = SetResult {
        name: set.to_string(),
        objects: task.rendered.objects.len(),
        ..SetResult::default()
    };
    let identity = task.desired.rights.identity(set);
    let policy = task.desired.policy(set, &task.sync.spec);
    let prepared = match look(
        &task.tools.cluster,
        task.rendered,
        &identity,
        &policy,
        task.beside,
    )
    .await
    {
        Ok(prepared) => prepared,
        Err(error) => {
            result.failed = true;
            result.passes =
                matches!(&error, PrepareError::Cluster(problem) if problem.kind.passes());
            result.message = fitting(&error.to_string());
            return result;
        }
    };
    let plan = &prepared.plan;
    judge_health(task, &prepared, &mut result);
    judge_plan(task, plan, &mut result);
    if plan.is_empty() || !may_apply(task.sync, plan) {
        return result;
    }
    let options = Options {
        wait_for_health: false,
        patience: PATIENCE,
        ..Options::default()
    };
    let (rendered, stop, holder) = (task.rendered, task.stop, task.tools.holder.as_str());
    let run = Run {
        plan,
        rendered,
        identity: &identity,
        holder,
        options,
        stop,
        progress: &|_| {},
    };
    match apply::apply(&task.tools.cluster, run).await {
        Ok(report) => conclude(task, &report, &mut result),
        Err(problem) => {
            result.failed = true;
            result.passes = problem.kind.passes();
            result.message = fitting(&problem.to_string());
        }
    }
    result
}

/// Whether the mode lets this plan be carried out.
fn may_apply(sync: &Sync, plan: &Plan) -> bool {
    match sync.spec.mode {
        Mode::Observe => false,
        Mode::Manual => sync.spec.approved.contains(&plan.digest),
        Mode::Auto => true,
    }
}

fn judge_health(task: Task<'_>, prepared: &Prepared, result: &mut SetResult) {
    let now = task.tools.cluster.now();
    for key in task.rendered.objects.keys() {
        let Some(Observed::Present(live)) = prepared.world.objects.get(key) else {
            continue;
        };
        let health = health(&live.body, now);
        if health.is_settled() {
            continue;
        }
        match health {
            Health::Failed { .. } => result.unhealthy += 1,
            _ => {
                result.unhealthy += 1;
                result.on_its_way += 1;
            }
        }
        if result.message.is_empty() {
            result.message = fitting(&format!("{}{key}: {}", blame(task, key), health.why()));
        }
    }
}

fn judge_plan(task: Task<'_>, plan: &Plan, result: &mut SetResult) {
    result.pending = plan
        .steps
        .iter()
        .filter(|s| s.action.verb() != Verb::Keep)
        .count();
    result.held = plan.steps.iter().filter(|s| !s.held_by.is_empty()).count();
    result.drifted = plan
        .findings
        .iter()
        .filter(|f| f.rule == Rule::Drift)
        .count();
    if result.pending > 0 {
        result.plan = Some(plan.digest.clone());
    }
    if let Some(finding) = plan.findings.iter().find(|finding| finding.holds()) {
        let at = task.desired.place(&finding.spans);
        let at = at.map(|at| format!("{at}: ")).unwrap_or_default();
        let key = finding
            .key
            .as_ref()
            .map(|key| format!("{key}: "))
            .unwrap_or_default();
        result.message = fitting(&format!("{at}{key}{}", finding.message));
    }
}

fn conclude(task: Task<'_>, report: &Report, result: &mut SetResult) {
    let steps = || report.steps.values().filter(|step| step.verb != Verb::Keep);
    result.done = steps().filter(|step| step.outcome == Outcome::Done).count();
    result.pending = steps().count() - result.done;
    result.passes = report.may_pass();
    if result.pending == 0 {
        result.plan = None;
        result.drifted = 0;
        // What was just written has yet to become healthy.
        result.on_its_way += 1;
    }
    for step in steps() {
        match &step.outcome {
            Outcome::Done => {}
            Outcome::Failed { problem } => {
                result.failed = true;
                result.message = fitting(&format!("{}{problem}", blame(task, &step.key)));
                return;
            }
            Outcome::Stopped { .. } => result.failed = true,
            Outcome::NotAttempted { .. } => {}
        }
    }
    if let Some(problem) = &report.bookkeeping {
        result.failed = true;
        result.passes = true;
        result.message = fitting(&format!("the inventory could not be written: {problem}"));
    }
}

/// Where an object is written in KDL, with a colon.
fn blame(task: Task<'_>, key: &ObjectKey) -> String {
    let spans = task
        .rendered
        .objects
        .get(key)
        .map(|object| object.source.find(""));
    let at = task.desired.place(spans.iter().flatten());
    at.map(|at| format!("{at}: ")).unwrap_or_default()
}
