//! Jobs and cron jobs back into words.

use serde_json::Value;

use crate::kinds::app::Workload;
use crate::kinds::app::job::Overlap;
use crate::kinds::import::{Fields, seconds, text};

/// The run of a job that was there already: it has happened, and nothing starts it again.
const RUN: &str = "imported";
/// How often Kubernetes tries again where a job does not say.
const RETRIES: u64 = 6;

pub(super) fn run(body: &Value, holder: &Value, workload: Workload, fields: &mut Fields) {
    match workload {
        Workload::CronJob => fields.put("schedule", schedule(body)),
        _ => fields.put("run", RUN),
    }
    let retries = holder.pointer("/spec/backoffLimit").cloned().unwrap_or_else(|| RETRIES.into());
    if retries != 3 {
        fields.put("retries", retries);
    }
    fields.may("timeout", seconds(holder.pointer("/spec/activeDeadlineSeconds")));
    fields.may("parallel", holder.pointer("/spec/parallelism").filter(|n| **n != 1).cloned());
    fields.may("completions", holder.pointer("/spec/completions").filter(|n| **n != 1).cloned());
}

fn schedule(body: &Value) -> Value {
    let mut out = Fields::new();
    out.may("cron", text(body, "/spec/schedule"));
    out.may("zone", text(body, "/spec/timeZone").filter(|zone| *zone != "Etc/UTC"));
    let words = [(Overlap::Allow, "allow"), (Overlap::Replace, "replace")];
    let policy = text(body, "/spec/concurrencyPolicy").unwrap_or(Overlap::Allow.name());
    let overlap = words.iter().find(|(overlap, _)| overlap.name() == policy);
    out.may("overlap", overlap.map(|(_, word)| *word));
    let kept = |field: &str, default: u64| body.pointer(&format!("/spec/{field}")).filter(|n| **n != default).cloned();
    out.may("keep", kept("successfulJobsHistoryLimit", 3));
    out.may("keep-failed", kept("failedJobsHistoryLimit", 1));
    out.may("late", seconds(kept("startingDeadlineSeconds", 600).as_ref()));
    if body.pointer("/spec/suspend") == Some(&true.into()) {
        out.put("paused", true);
    }
    out.into()
}
