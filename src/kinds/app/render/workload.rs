//! The workload of an app.

use serde_json::{Value, json};

use super::{Frame, json as plain, pods, strategy};
use crate::kinds::app::rollout::{Rollout, Strategy};
use crate::kinds::app::{App, Workload, job::Schedule};
use crate::kinds::pod::render::claim_templates;
use crate::kinds::{ObjectRequest, Objects};
use crate::object::{ObjectKey, ObjectRules};
use crate::values::duration::Duration;

/// Time without progress after which a rollout has failed, in seconds.
pub(super) const PROGRESS: u64 = 600;
/// How late a run may start, in seconds.
const LATE: u64 = 600;
/// How often what failed is tried again.
pub(super) const RETRIES: u32 = 3;

pub(super) fn render(
    frame: &Frame<'_>,
    checksum: Option<&str>,
    before: Vec<ObjectKey>,
    out: &mut Objects,
) {
    let app = frame.app;
    let selector = frame.selector();
    let template = match app.workload {
        Workload::Deployment => "app/deployment.yaml.j2",
        Workload::Stateful => "app/stateful.yaml.j2",
        Workload::Daemon => "app/daemon.yaml.j2",
        Workload::Job => "app/job.yaml.j2",
        Workload::CronJob => "app/cron-job.yaml.j2",
    };
    let mut request = frame
        .request(template, "")
        .set("labels", &frame.versioned());
    request = request
        .set("selector", &selector)
        .set("pod_labels", &pods::labels(frame));
    request = request.set("annotations", &pods::annotations(frame, checksum));
    request = match app.workload {
        Workload::Deployment | Workload::Stateful | Workload::Daemon => lasting(frame, request),
        Workload::Job | Workload::CronJob => ending(app, request),
    };
    request = pods::of_app(frame, &selector).into_request("pod", request);
    for need in needs(frame).into_iter().chain(before) {
        request = request.needs(need);
    }
    out.push(request);
}

fn lasting(frame: &Frame<'_>, request: ObjectRequest) -> ObjectRequest {
    let app = frame.app;
    let replicas = match (&app.autoscale, app.progressive()) {
        (None, None) => Some(app.replicas.unwrap_or(1)),
        _ => None,
    };
    let rollout = app.rollout.clone().unwrap_or_default();
    let progress = rollout.timeout.map_or(PROGRESS, Duration::to_seconds);
    let request = request
        .with("replicas", &replicas, "/replicas")
        .with("progress", &progress, "/rollout/timeout")
        .with("strategy", &strategy_of(app, &rollout), "/rollout");
    match app.workload {
        Workload::Stateful => {
            let request = request.set("service", &frame.named("pods"));
            claim_templates(&app.volume).into_request("claims", request)
        }
        _ => request,
    }
}

fn strategy_of(app: &App, rollout: &Rollout) -> Value {
    let surge = rollout.surge.map_or_else(|| "25%".into(), |s| plain(&s));
    let unavailable = rollout.unavailable.map(|s| plain(&s));
    match (app.workload, strategy(app)) {
        (Workload::Deployment, Strategy::Recreate) => json!({ "type": "Recreate" }),
        (Workload::Deployment, _) => json!({
            "type": "RollingUpdate",
            "rollingUpdate": {
                "maxSurge": surge,
                "maxUnavailable": unavailable.unwrap_or_else(|| 0.into()),
            },
        }),
        (Workload::Daemon, _) => json!({
            "type": "RollingUpdate",
            "rollingUpdate": { "maxUnavailable": unavailable.unwrap_or_else(|| 1.into()) },
        }),
        _ => json!({ "type": "RollingUpdate" }),
    }
}

fn ending(app: &App, request: ObjectRequest) -> ObjectRequest {
    let request = request
        .with("retries", &app.retries.unwrap_or(RETRIES), "/retries")
        .with(
            "timeout",
            &app.timeout.map(Duration::to_seconds),
            "/timeout",
        )
        .with("parallel", &app.parallel, "/parallel")
        .with("completions", &app.completions, "/completions");
    match (&app.schedule, &app.run) {
        (Some(schedule), _) => scheduled(schedule, request),
        (None, Some(key)) => request.rules(ObjectRules {
            run_key: Some(key.to_string()),
            ..ObjectRules::default()
        }),
        (None, None) => request,
    }
}

fn scheduled(schedule: &Schedule, request: ObjectRequest) -> ObjectRequest {
    let zone = schedule
        .zone
        .as_ref()
        .map_or_else(|| "Etc/UTC".to_owned(), ToString::to_string);
    let late = schedule.late.map_or(LATE, Duration::to_seconds);
    request
        .with("schedule", schedule, "/schedule")
        .with("zone", &zone, "/schedule/zone")
        .with("overlap", &schedule.overlap.name(), "/schedule/overlap")
        .with("late", &late, "/schedule/late")
        .with("keep", &schedule.keep.unwrap_or(3), "/schedule/keep")
        .with(
            "keep_failed",
            &schedule.keep_failed.unwrap_or(1),
            "/schedule/keep-failed",
        )
}

/// The workloads that must be healthy before this one is written.
pub(super) fn needs(frame: &Frame<'_>) -> Vec<ObjectKey> {
    let needs = frame.app.needs.iter();
    let keys = needs.filter_map(|need| {
        let other: &App = frame.scope.find(&need.app.to_string())?;
        Some(super::released_key(other, &other.namespace(frame.scope)))
    });
    keys.collect()
}
