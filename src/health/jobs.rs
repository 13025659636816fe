//! Things that run to completion.

use serde_json::Value;

use crate::health::Health;
use crate::health::status::{Condition, Status, find, part};

/// How far something that runs to completion is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Run {
    /// Not at its end.
    Running {
        /// What it waits for, one sentence.
        why: String,
    },
    /// Ended well; final.
    Succeeded,
    /// Ended badly; final.
    Failed {
        /// What was wrong, one sentence.
        why: String,
    },
}

/// A Job that was started is well, a failed one is not. Whether it completed is [`run`]'s question.
pub(super) fn job(status: &Status<'_>) -> Health {
    let number = |name: &str| status.number(&format!("/status/{name}")).unwrap_or(0);
    let is_true = |kind: &str| status.condition(kind).filter(|c| c.is("True"));
    if is_true("Complete").is_some() {
        return Health::current(format!("it has completed; {}", done(status)));
    }
    if let Some(failed) = is_true("Failed") {
        return Health::failed(failed.words("it failed"));
    }
    if is_true("Suspended").is_some() || status.at("/spec/suspend") == Some(&Value::Bool(true)) {
        return Health::Suspended {
            why: "it is suspended".into(),
        };
    }
    if status.text("/status/startTime").is_none() {
        return Health::progress("it is not started yet");
    }
    let (active, failed) = (number("active"), number("failed"));
    Health::current(format!(
        "it runs; {}, {active} active, {failed} failed",
        done(status)
    ))
}

fn done(status: &Status<'_>) -> String {
    let parallel = status.number("/spec/parallelism").unwrap_or(1);
    let want = status.number("/spec/completions").unwrap_or(parallel);
    part(
        status.number("/status/succeeded").unwrap_or(0),
        want,
        "pod",
        "done",
    )
}

/// How far it is, for kinds that run to completion; `None` for all others.
pub fn run(object: &Value) -> Option<Run> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let group = text("/apiVersion")?
        .rsplit_once('/')
        .map_or("", |(group, _)| group);
    let (good, bad) = match (group, text("/kind")?) {
        ("batch", "Job") | ("trainer.kubeflow.org", "TrainJob") => ("Complete", "Failed"),
        ("kubeflow.org", "PyTorchJob" | "Experiment") => ("Succeeded", "Failed"),
        ("jobset.x-k8s.io", "JobSet") => ("Completed", "Failed"),
        ("tekton.dev", "PipelineRun" | "TaskRun") => ("Succeeded", ""),
        _ => return None,
    };
    let list = || {
        object
            .pointer("/status/conditions")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let is_true = |kind: &str| find(list(), kind).filter(|c| c.is("True"));
    if is_true(good).is_some() {
        return Some(Run::Succeeded);
    }
    let failed =
        is_true(bad).or_else(|| find(list(), good).filter(|c| bad.is_empty() && c.is("False")));
    Some(match failed {
        Some(failed) => Run::Failed {
            why: failed.words("it failed"),
        },
        None => Run::Running {
            why: running(find(list(), good)),
        },
    })
}

fn running(condition: Option<Condition<'_>>) -> String {
    condition.map_or_else(
        || "it has not completed yet".into(),
        |c| c.words("it has not completed yet"),
    )
}
