//! The Canary of an app whose new versions get the traffic in steps. Flagger copies the workload,
//! makes the Services and moves the traffic between the two copies.
//!
//! A canary is split by a TraefikService, which routes name as their backend, so that a route keeps
//! everything it says; blue-green needs nothing but the Service.

use serde_json::{Map, Value, json};

use super::{Frame, json as plain};
use crate::kinds::Objects;
use crate::kinds::app::rollout::{Bound, Call, Measure, Rollout, Strategy};
use crate::kinds::pod::render::Traced;
use crate::names::Name;
use crate::values::duration::Duration;

/// Period of the steps where the author said none; `check` asks for one.
const PERIOD: Duration = Duration::from_secs(60);

pub(super) fn render(frame: &Frame<'_>, out: &mut Objects) {
    let app = frame.app;
    let (Some(rollout), Some((name, port))) = (app.progressive(), app.moved_port()) else {
        return;
    };
    let (group, kind) = app.workload.object();
    let autoscaler = app.autoscale.as_ref().map(|autoscale| match autoscale.by_keda() {
        true => json!({ "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": app.name }),
        false => json!({ "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "name": app.name }),
    });
    let provider = match rollout.strategy {
        Strategy::Canary => "traefik",
        Strategy::BlueGreen | Strategy::Rolling | Strategy::Recreate => "kubernetes",
    };
    let progress = rollout.timeout.map_or(super::workload::PROGRESS, Duration::to_seconds);
    let at = format!("/port/{name}");
    let request = frame
        .request("app/canary.yaml.j2", "")
        .with("provider", &provider, "/rollout/strategy")
        .set("target", &json!({ "apiVersion": format!("{group}/v1"), "kind": kind, "name": app.name }))
        .with("autoscaler", &autoscaler, "/autoscale")
        .with("progress", &progress, "/rollout/timeout")
        .with("port", &port.service.unwrap_or(port.number), &at)
        .with("port_name", &name, &at)
        .with("protocol", &port.speaks.map(|s| s.name()), &at)
        .set("all_ports", &(app.port.len() > 1))
        .needs(super::workload_key(app, &frame.namespace));
    let request = analysis(rollout).into_request("analysis", request);
    out.push(request);
}

fn analysis(rollout: &Rollout) -> Traced {
    let every = rollout.every.unwrap_or(PERIOD);
    let mut out = Traced::object();
    out.put("interval", spelled(every).into(), "/rollout/every");
    // A measure must hold at every step: the first look that fails ends it, unless some may.
    let ends_it = rollout.tolerate.map_or(1, |failures| failures.saturating_add(1));
    out.put("threshold", ends_it.into(), "/rollout/tolerate");
    match rollout.strategy {
        Strategy::BlueGreen => out.put("iterations", rollout.looks.unwrap_or(1).into(), "/rollout/looks"),
        _ => {
            let weights: Vec<u32> = rollout.steps.iter().filter_map(|step| step.whole()).collect();
            out.put("stepWeights", plain(&weights), "/rollout/steps");
            out.put("maxWeight", plain(&weights.last()), "/rollout/steps");
        }
    }
    let mut metrics = Traced::list();
    for (measure, bound) in rollout.check.iter() {
        metrics.push_from(metric(*measure, *bound, every), &format!("/rollout/check/{}", measure.word()));
    }
    out.nest("metrics", metrics);
    if !rollout.call.is_empty() {
        let mut calls = Traced::list();
        for (name, call) in rollout.call.iter() {
            calls.push_from(webhook(name, call), &format!("/rollout/call/{name}"));
        }
        out.nest("webhooks", calls);
    }
    out
}

fn webhook(name: &Name, call: &Call) -> Value {
    let mut out = json!({ "name": name, "type": call.when.flagger(), "url": call.url });
    if let Some(timeout) = call.timeout {
        out["timeout"] = spelled(timeout).into();
    }
    if !call.settings.is_empty() {
        let settings: Map<String, Value> =
            call.settings.iter().map(|(key, value)| (key.to_string(), value.as_str().into())).collect();
        out["metadata"] = settings.into();
    }
    out
}

/// A measure as Flagger knows it: the share of requests that succeed, or milliseconds.
fn metric(measure: Measure, bound: Bound, every: Duration) -> Value {
    let interval = spelled(bound.over.unwrap_or(every));
    let mut range = Map::new();
    let name = match measure {
        Measure::ErrorRate => {
            let worst = bound.max.map_or(0, |share| share.thousandths());
            range.insert("min".into(), number(100_000_u32.saturating_sub(worst)));
            "request-success-rate"
        }
        Measure::Latency => {
            let longest = bound.within.map_or(0, Duration::to_millis);
            range.insert("max".into(), longest.into());
            "request-duration"
        }
    };
    json!({ "name": name, "interval": interval, "thresholdRange": range })
}

/// A time in whole minutes or else seconds: Flagger takes nothing longer or shorter.
fn spelled(duration: Duration) -> String {
    let seconds = duration.to_seconds();
    match seconds % 60 {
        0 if seconds > 0 => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}

/// Thousandths of a percent, as percent; whole ones without a fraction.
fn number(thousandths: u32) -> Value {
    match thousandths % 1000 {
        0 => (thousandths / 1000).into(),
        _ => (f64::from(thousandths) / 1000.0).into(),
    }
}
