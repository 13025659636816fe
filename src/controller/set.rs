//! One set of one Sync, brought to what is wanted as far as mode and rules allow.

use std::collections::BTreeSet;

use tokio_util::sync::CancellationToken;

use super::attempt::{self, Audit, Stopped};
use super::desired::Desired;
use super::fights::{Fights, Rest};
use super::holds::Holds;
use super::leave::Leave;
use super::settled::Answers;
use super::sights::{Found, Pass, Sights};
use super::sources::Sources;
use crate::adapters::sync::{Mode, Sync, fitting};
use crate::apply::cluster::Cluster;
use crate::apply::outcome::{Outcome, Report};
use crate::apply::prepare::{PrepareError, Prepared, look};
use crate::health::{Health, health};
use crate::object::{Desired as Wanted, ObjectKey, Owner, Rendered};
use crate::plan::hold;
use crate::plan::inventory::Entry;
use crate::plan::observed::Observed;
use crate::plan::step::KeepWhy;
use crate::plan::{Action, Finding, Neighbours, Plan, Policy, Rule, Step, Verb, digest};

/// What sets are brought with, on any cluster.
pub(super) struct Means<'a, C> {
    /// The cluster.
    pub cluster: &'a C,
    /// Where the notes of an audit trail are pushed to.
    pub sources: &'a Sources,
    /// Where it is written down what was done.
    pub audit: &'a Audit,
    /// What people hold.
    pub holds: &'a Holds,
    /// What other programs write again as often as it is undone.
    pub fights: &'a Fights,
    /// Our name on leases.
    pub holder: &'a str,
}

impl<C> Clone for Means<'_, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Means<'_, C> {}

/// One set of one pass.
pub(super) struct Task<'a, C> {
    /// What all passes share.
    pub means: Means<'a, C>,
    /// What the watches show.
    pub sights: &'a Sights,
    /// The Sync.
    pub sync: &'a Sync,
    /// The commit in force.
    pub desired: &'a Desired,
    /// The set.
    pub rendered: &'a Rendered,
    /// All sets of the project.
    pub beside: &'a Neighbours<'a>,
    /// The commit and the generation of the spec.
    pub at: &'a str,
    /// The commit.
    pub commit: &'a str,
    /// By whose leave.
    pub leave: &'a Leave,
    /// Calls it off.
    pub stop: &'a CancellationToken,
}

impl<C> Clone for Task<'_, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Task<'_, C> {}

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
    /// Wanted objects that are being deleted: they are made anew when they are gone.
    pub going: usize,
    /// The digest of the plan, if it is not done.
    pub plan: Option<String>,
    /// What is in the way; empty if nothing is.
    pub message: String,
    /// Something failed.
    pub failed: bool,
    /// What failed may go well later.
    pub passes: bool,
    /// Objects that are left to other programs for a while.
    pub fights: usize,
    /// What is wrong with its files in the commit, so that an older one stays in force for it.
    pub behind: Option<String>,
    /// Another Sync keeps it, so that nothing was looked at.
    pub claimed: bool,
}

impl SetResult {
    /// A set that an older Sync keeps.
    pub(super) fn claimed(rendered: &Rendered, keeper: &str) -> Self {
        Self {
            name: rendered.set.to_string(),
            objects: rendered.objects.len(),
            claimed: true,
            message: fitting(&format!(
                "the Sync `{keeper}` keeps this set and is older, so nothing of it is written here; narrow \
                 `tenants` of one of them, or suspend or delete one"
            )),
            ..Self::default()
        }
    }

    /// Changes that are not made, by us or because something is in the way.
    pub(super) fn missing(&self) -> usize {
        self.pending + self.going
    }
}

impl<C: Cluster> Task<'_, C> {
    /// What the set may do at this time, and which fights rest.
    fn policy(&self) -> (Policy, Vec<Rest>) {
        let (means, set) = (self.means, &self.rendered.set);
        let mut policy = self.desired.policy(set, &self.sync.spec);
        let now = means.cluster.now();
        means.holds.temper(&mut policy, self.rendered, now);
        let rests = means.fights.temper(&set.label(), &mut policy, now);
        (policy, rests)
    }

    fn pass(&self, policy: &Policy) -> Pass {
        let policy = serde_json::to_value(policy).unwrap_or_default();
        Pass {
            label: self.rendered.set.label(),
            policy: digest::of_value(&policy),
            commit: self.at.to_owned(),
        }
    }

    /// What the last pass found, if nothing was left to do and nothing changed since.
    pub(super) fn at_rest(&self) -> Option<SetResult> {
        self.sights.rest(&self.pass(&self.policy().0))
    }
}

/// Looks at a set, plans it, and applies the plan if that is allowed; nothing where it was called off
/// before it was known what there is to do.
pub(super) async fn bring<C: Cluster>(task: &Task<'_, C>) -> Option<SetResult> {
    if let Some(result) = task.at_rest() {
        return Some(result);
    }
    let set = &task.rendered.set;
    let mut result = SetResult {
        name: set.to_string(),
        objects: task.rendered.objects.len(),
        ..SetResult::default()
    };
    let identity = task.desired.rights.identity(set);
    let (policy, rests) = task.policy();
    let pass = task.pass(&policy);
    let (cluster, rendered, beside) = (task.means.cluster, task.rendered, task.beside);
    // A look writes nothing, and may take an hour where a webhook hangs.
    let looked = tokio::select! {
        biased;
        looked = look(cluster, rendered, &identity, &policy, beside) => looked,
        () = task.stop.cancelled() => return None,
    };
    let mut prepared = match looked {
        Ok(prepared) => prepared,
        Err(error) => {
            result.failed = true;
            result.passes =
                matches!(&error, PrepareError::Cluster(problem) if problem.kind.passes());
            result.message = fitting(&error.to_string());
            return Some(result);
        }
    };
    let digest = prepared.plan.digest.clone();
    hold(task, &mut prepared);
    let plan = &prepared.plan;
    judge_health(task, &prepared, &mut result);
    judge_plan(task, plan, &mut result);
    judge_leaving(plan, rendered, &mut result);
    judge_fights(task, &rests, &mut result);
    if result.pending > 0 {
        result.plan = Some(digest.clone());
    }
    task.sights
        .note(&pass, found(task, &prepared), at_rest(task, plan, &result));
    if !plan.has_work() || !may_apply(task.sync, &digest) {
        return Some(result);
    }
    carry_out(task, (plan, &policy), &pass, &mut result).await;
    Some(result)
}

/// Applies a plan.
async fn carry_out<C: Cluster>(
    task: &Task<'_, C>,
    (plan, policy): (&Plan, &Policy),
    pass: &Pass,
    result: &mut SetResult,
) {
    let identity = task.desired.rights.identity(&task.rendered.set);
    let answers = Answers::new(task.rendered, policy, task.means.cluster.now());
    let done = attempt::carry_out(*task, (plan, &answers), &identity).await;
    match done {
        Ok(report) => {
            let calm = is_calm(task, plan, result);
            conclude(task, (plan, &report), result);
            count_fights(task, (plan, &report));
            if let Some(found) = answers.settled(plan, &report).filter(|_| calm) {
                rest(task, pass, (found, result));
            }
        }
        Err(Stopped::Cluster(problem)) => {
            result.failed = true;
            result.passes = problem.kind.passes();
            result.message = fitting(&problem.to_string());
        }
        Err(Stopped::Audit(why)) => {
            result.failed = true;
            result.passes = true;
            result.message = fitting(&format!("nothing is done without an audit trail: {why}"));
        }
    }
}

/// Whether the writes of a plan are all that is between a set and its rest.
fn is_calm<C>(task: &Task<'_, C>, plan: &Plan, result: &SetResult) -> bool {
    let in_the_way = result.unhealthy + result.on_its_way + result.held + result.fights;
    in_the_way == 0
        && !result.failed
        && result.message.is_empty()
        && plan.steps.len() == task.rendered.objects.len()
}

/// What was written is as wanted and healthy: as long as the watches show it so, no look is needed.
fn rest<C>(
    task: &Task<'_, C>,
    pass: &Pass,
    (found, result): (Vec<(ObjectKey, Found)>, &mut SetResult),
) {
    result.on_its_way = 0;
    let quiet = SetResult {
        done: 0,
        ..result.clone()
    };
    task.sights.note(pass, found, Some(quiet));
}

/// Holds what nobody agreed to, unless the plan itself was approved by its digest in the spec, and what
/// waits for its time or for another set. A comment lets a plan go and agrees to nothing.
fn hold<C: Cluster>(task: &Task<'_, C>, prepared: &mut Prepared) {
    let owned = !prepared.stored.inventory.entries.is_empty();
    let plan = &mut prepared.plan;
    // What was agreed to is what the commit says, whatever is over by now.
    let mut sets = task.desired.sets.iter();
    let whole = sets.find(|r| r.set == task.rendered.set);
    let whole = whole.unwrap_or(task.rendered);
    if !task.sync.spec.approved.contains(&plan.digest) {
        task.leave.hold(plan, whole, owned);
    }
    let now = task.means.cluster.now();
    let season = task.desired.rights.season(&task.rendered.set, now);
    task.leave.hold_back(plan, whole, &season);
    hold::until_taken(plan, &prepared.world);
}

/// Whether the mode lets the plan of this digest be carried out.
fn may_apply(sync: &Sync, digest: &str) -> bool {
    match sync.spec.mode {
        Mode::Observe => false,
        Mode::Manual => sync.is_let_go(digest),
        Mode::Auto => true,
    }
}

/// Each object that was looked at: as it should be, or not.
fn found<C: Cluster>(task: &Task<'_, C>, prepared: &Prepared) -> Vec<(ObjectKey, Found)> {
    let now = task.means.cluster.now();
    let kept = |step: &Step| {
        let Action::Keep { why } = &step.action else {
            return false;
        };
        matches!(why, KeepWhy::InSync | KeepWhy::SameRun)
    };
    let told = prepared.plan.findings.iter().filter_map(|f| f.key.as_ref());
    let told: BTreeSet<&ObjectKey> = told.collect();
    let found = prepared.plan.steps.iter().map(|step| {
        let quiet = kept(step) && !told.contains(&step.key);
        let found = match prepared.world.objects.get(&step.key) {
            Some(Observed::Unchanged { .. }) if quiet => Found::Vouched,
            Some(Observed::Present(live)) if quiet && health(&live.body, now).is_settled() => {
                Found::as_wanted(live)
            }
            _ => Found::Otherwise,
        };
        (step.key.clone(), found)
    });
    found.collect()
}

/// The result as that of a set at rest: nothing is left to do or to say.
fn at_rest<C>(task: &Task<'_, C>, plan: &Plan, result: &SetResult) -> Option<SetResult> {
    let quiet = plan.is_empty()
        && plan.steps.len() == task.rendered.objects.len()
        && plan.findings.is_empty()
        && !result.failed;
    quiet.then(|| result.clone())
}

fn judge_health<C: Cluster>(task: &Task<'_, C>, prepared: &Prepared, result: &mut SetResult) {
    let now = task.means.cluster.now();
    for (key, desired) in &task.rendered.objects {
        let health = match prepared.world.objects.get(key) {
            Some(Observed::Present(live)) => health(&live.body, now),
            Some(Observed::Unreadable { reason }) => {
                (result.failed, result.passes) = (true, true);
                let why = reason.clone();
                Health::Unknown { why }
            }
            Some(Observed::Unchanged { .. } | Observed::Absent { .. }) | None => continue,
        };
        if health.is_settled() {
            continue;
        }
        result.unhealthy += 1;
        match health {
            Health::Failed { .. } => {}
            Health::Terminating { .. } => {
                result.on_its_way += 1;
                result.going += usize::from(comes_again(prepared, desired));
            }
            _ => result.on_its_way += 1,
        }
        if result.message.is_empty() {
            result.message = fitting(&format!("{}{key}: {}", blame(task, key), health.why()));
        }
    }
}

/// Whether what goes is made anew: a run that was started or finished before is not.
fn comes_again(prepared: &Prepared, desired: &Wanted) -> bool {
    let entries = &prepared.stored.inventory.entries;
    let record = entries.get(&desired.manifest.key).and_then(Entry::record);
    let before = record.and_then(|record| record.run_key.as_ref());
    before.is_none() || before != desired.rules.run_key.as_ref()
}

fn judge_plan<C>(task: &Task<'_, C>, plan: &Plan, result: &mut SetResult) {
    result.pending = plan
        .steps
        .iter()
        .filter(|s| s.action.verb() != Verb::Keep)
        .count();
    // What is kept although a rule speaks against it is not as wanted either.
    let refused = |step: &&Step| !step.held_by.is_empty() || plan.refuses(step);
    result.held = plan.steps.iter().filter(refused).count();
    result.drifted = plan
        .findings
        .iter()
        .filter(|f| f.rule == Rule::Drift)
        .count();
    let left = |finding: &&Finding| finding.rule == Rule::Drift && is_left(plan, finding);
    // Whose yes is missing matters more than what else it would have to cover.
    let unapproved = |finding: &&Finding| finding.rule == Rule::Unapproved && finding.holds();
    let mut findings = plan.findings.iter();
    let holds = findings.clone().find(unapproved);
    let holds = holds.or_else(|| findings.find(|finding| finding.holds()));
    // That something goes through a freeze, and by whom, is told as well.
    let freed = |finding: &&Finding| finding.rule == Rule::Frozen && !finding.holds();
    let told = holds.or_else(|| plan.findings.iter().find(left));
    if let Some(finding) = told.or_else(|| plan.findings.iter().find(freed)) {
        let at = task.desired.place(&task.rendered.set, &finding.spans);
        let at = at.map(|at| format!("{at}: ")).unwrap_or_default();
        let key = finding
            .key
            .as_ref()
            .map(|key| format!("{key}: "))
            .unwrap_or_default();
        result.message = fitting(&format!("{at}{key}{}", finding.message));
    }
}

/// What Git gave up and is still going is not done, and it is told what it waits for.
fn judge_leaving(plan: &Plan, rendered: &Rendered, result: &mut SetResult) {
    let leaves = |step: &&Step| {
        let goes = matches!(&step.action, Action::Keep { why } if *why == KeepWhy::Terminating);
        goes && !rendered.objects.contains_key(&step.key)
    };
    for step in plan.steps.iter().filter(leaves) {
        result.unhealthy += 1;
        result.on_its_way += 1;
        result.going += 1;
        let why = |f: &&Finding| f.rule == Rule::Terminating && f.key.as_ref() == Some(&step.key);
        let why = plan.findings.iter().find(why);
        if let Some(finding) = why.filter(|_| result.message.is_empty()) {
            result.message = fitting(&format!("{}: {}", step.key, finding.message));
        }
    }
}

/// Who keeps writing what Git says otherwise is told, unless something else is in the way.
fn judge_fights<C>(task: &Task<'_, C>, rests: &[Rest], result: &mut SetResult) {
    result.fights = rests.len();
    if let Some(Rest { key, said }) = rests.first().filter(|_| result.held == 0) {
        result.message = fitting(&format!("{}{key}: {said}", blame(task, key)));
    }
}

/// Remembers what was undone.
fn count_fights<C: Cluster>(task: &Task<'_, C>, (plan, report): (&Plan, &Report)) {
    let steps = report.steps.iter();
    let done = steps.filter(|(_, step)| step.outcome == Outcome::Done);
    let done = done.map(|(id, _)| *id).collect();
    let (set, now) = (&task.rendered.set, task.means.cluster.now());
    if set.owner != Owner::Platform {
        task.means.fights.count(&set.label(), plan, &done, now);
    }
}

/// Whether drift is left as it is.
fn is_left(plan: &Plan, finding: &Finding) -> bool {
    let mut steps = plan
        .steps
        .iter()
        .filter(|s| Some(&s.key) == finding.key.as_ref());
    steps.all(|step| step.action.verb() == Verb::Keep)
}

fn conclude<C>(task: &Task<'_, C>, (plan, report): (&Plan, &Report), result: &mut SetResult) {
    let steps = || report.steps.values().filter(|step| step.verb != Verb::Keep);
    result.done = steps().filter(|step| step.outcome == Outcome::Done).count();
    result.pending = steps().count() - result.done;
    result.passes |= report.may_pass();
    if result.pending == 0 {
        result.plan = None;
        let left = |step: &&Step| matches!(&step.action, Action::Keep { why } if *why == KeepWhy::ReportedDrift);
        result.drifted = plan.steps.iter().filter(left).count();
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
fn blame<C>(task: &Task<'_, C>, key: &ObjectKey) -> String {
    let spans = task
        .rendered
        .objects
        .get(key)
        .map(|object| object.source.find(""));
    let set = &task.rendered.set;
    let at = task.desired.place(set, spans.iter().flatten());
    at.map(|at| format!("{at}: ")).unwrap_or_default()
}

#[cfg(test)]
mod tests;
