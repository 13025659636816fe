//! One attempt to carry out a plan, with what is written about it in the audit trail: before the first
//! write that it begins, and afterwards what became of each object.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kube::ResourceExt as _;

use super::credentials::Credentials;
use super::set::{Means, Task};
use super::settled::Answers;
use super::sources::Sources;
use crate::adapters::audit::{Keys, Place, Trail, notes_ref};
use crate::adapters::sync::Sync;
use crate::apply::cluster::{Cluster, Identity};
use crate::apply::outcome::Report;
use crate::apply::problem::Problem;
use crate::apply::{self, Options, Progress, Run};
use crate::plan::{Plan, Step, Verb};
use crate::report::audit::{Entry, Event};

/// For how long a step waits for what it needs before the pass goes on without it.
const PATIENCE: Duration = Duration::from_mins(1);

/// Where audit trails are kept.
#[derive(Default)]
pub struct Audit {
    place: Option<Place>,
    required: bool,
    credentials: Credentials,
    /// With the keys that they were made with.
    trails: Mutex<BTreeMap<String, (Option<Keys>, Trail)>>,
    /// The plan of each set that was held as a whole, so that it is said once.
    held: Mutex<BTreeMap<String, String>>,
}

impl Audit {
    /// Trails in a place, if there is one. Where they are required, nothing is done without.
    pub fn new(place: Option<Place>, required: bool, credentials: Credentials) -> Self {
        Self {
            place,
            required,
            credentials,
            ..Self::default()
        }
    }

    /// The trail of a Sync, if trails are kept.
    async fn trail(&self, sources: &Sources, sync: &Sync) -> Result<Option<Trail>, String> {
        let Some(place) = &self.place else {
            return Ok(None);
        };
        let name = format!("{}-{}", sync.spec.cluster, sync.name_any());
        if *place == Place::Notes {
            // Of a remote that is made anew each time, so that a changed credential is used at once.
            let remote = sources.of_pull(&sync.spec, &notes_ref(&name));
            let remote = remote.map_err(|error| error.to_string())?;
            let trail = Trail::in_notes(remote, &name);
            let trail = trail.map_err(|error| error.to_string())?;
            let mut trails = self.trails.lock().unwrap_or_else(PoisonError::into_inner);
            let first = trails.entry(name);
            let (_, first) = first.or_insert_with(|| (None, trail.clone()));
            return Ok(Some(trail.knowing(first)));
        }
        let keys = match place {
            Place::Bucket(_) => self.credentials.s3(),
            Place::Directory(_) | Place::Notes => None,
        };
        let known = {
            let trails = self.trails.lock().unwrap_or_else(PoisonError::into_inner);
            trails.get(&name).cloned()
        };
        if let Some((with, known)) = known
            && with == keys
        {
            return Ok(Some(known));
        }
        let Some(made) = place.trail(&name, keys.clone()).await else {
            return Ok(None);
        };
        let mut trails = self.trails.lock().unwrap_or_else(PoisonError::into_inner);
        // Whatever the keys, and of two that were made at once, both count the lines of one.
        let made = match trails.get(&name) {
            Some((_, first)) => made.knowing(first),
            None => made,
        };
        trails.insert(name, (keys, made.clone()));
        Ok(Some(made))
    }

    /// Whether a set was not yet said to be held with this plan.
    fn is_new(&self, plan: &Plan) -> bool {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(&plan.set.to_string()) != Some(&plan.digest)
    }

    /// A set was said to be held with this plan.
    fn said(&self, plan: &Plan) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(plan.set.to_string(), plan.digest.clone());
    }
}

/// Why a plan was not carried out.
pub(super) enum Stopped {
    /// The cluster.
    Cluster(Problem),
    /// The audit trail, which is required.
    Audit(String),
}

/// What a plan changes: what is held of it, or the rest.
fn writes(plan: &Plan, held: bool) -> impl Iterator<Item = &Step> {
    let steps = plan.steps.iter().filter(|s| s.action.verb() != Verb::Keep);
    steps.filter(move |step| step.held_by.is_empty() != held)
}

/// Carries out a plan, as far as its rules allow; what is answered to its writes is heard.
pub(super) async fn carry_out<C: Cluster>(
    task: Task<'_, C>,
    (plan, answers): (&Plan, &Answers<'_>),
    identity: &Identity,
) -> Result<Report, Stopped> {
    let audit = task.means.audit;
    let nothing = writes(plan, false).next().is_none();
    let held = writes(plan, true).next().is_some();
    if !nothing || (held && audit.is_new(plan)) {
        let event = if nothing { Event::Held } else { Event::Begun };
        note(task.means, task.sync, begin(task, plan, event))
            .await
            .map_err(Stopped::Audit)?;
        if held {
            audit.said(plan);
        }
    }
    let options = Options {
        wait_for_health: false,
        patience: PATIENCE,
        ..Options::default()
    };
    let run = Run {
        plan,
        rendered: task.rendered,
        identity,
        holder: task.means.holder,
        options,
        stop: task.stop,
        progress: &|event| {
            if let Progress::Written(step, live) = event {
                answers.hear(step, live);
            }
        },
    };
    let ended = apply::apply(task.means.cluster, run).await;
    if !nothing {
        // What was done is done: that its end could not be noted changes nothing of it.
        drop(note(task.means, task.sync, end(task, plan, &ended)).await);
    }
    ended.map_err(Stopped::Cluster)
}

fn begin<C>(task: Task<'_, C>, plan: &Plan, event: Event) -> Entry {
    let objects = writes(plan, false);
    let rules = |step: &Step| {
        let rules: Vec<&str> = step.held_by.iter().map(|rule| rule.word()).collect();
        format!("{}: {}", step.key, rules.join(", "))
    };
    Entry {
        event,
        objects: objects
            .map(|step| (step.key.to_string(), step.action.verb().word().to_owned()))
            .collect(),
        held: writes(plan, true).map(rules).collect(),
        ..about(task, plan)
    }
}

fn end<C>(task: Task<'_, C>, plan: &Plan, ended: &Result<Report, Problem>) -> Entry {
    let steps = ended.iter().flat_map(|report| report.steps.values());
    let tried = steps.filter(|step| step.verb != Verb::Keep);
    Entry {
        event: Event::Ended,
        objects: tried
            .map(|step| (step.key.to_string(), step.outcome.to_string()))
            .collect(),
        failure: ended.as_ref().err().map(ToString::to_string),
        ..about(task, plan)
    }
}

/// What all lines of an attempt say.
fn about<C>(task: Task<'_, C>, plan: &Plan) -> Entry {
    let status = task.sync.status.as_ref();
    Entry {
        set: plan.set.to_string(),
        by: format!("sync/{}", task.sync.name_any()),
        commit: task.commit.to_owned(),
        base: status.and_then(|status| status.last_applied.clone()),
        plan: plan.digest.clone(),
        agreed: task.leave.agreements(&plan.set),
        ..Entry::default()
    }
}

/// Writes a line about a Sync, if lines are written; an error only if they are required.
pub(super) async fn note<C: Cluster>(
    means: Means<'_, C>,
    sync: &Sync,
    entry: Entry,
) -> Result<(), String> {
    let audit = means.audit;
    let now = means.cluster.now();
    let error = match audit.trail(means.sources, sync).await {
        Ok(None) => return Ok(()),
        Ok(Some(trail)) => match trail.add(entry, now).await {
            Ok(()) => return Ok(()),
            Err(error) => error.to_string(),
        },
        Err(error) => error,
    };
    tracing::error!(error, "no audit trail");
    match audit.required {
        true => Err(error),
        false => Ok(()),
    }
}
