//! The autoscaler and the disruption budget of an app.

use serde_json::{Map, Value, json};

use super::{Frame, json as plain};
use crate::kinds::Objects;
use crate::kinds::app::scale::{Autoscale, Metric, Scaling};
use crate::kinds::pod::render::Traced;
use crate::values::duration::Duration;
use crate::values::percent::Share;

pub(super) fn render(frame: &Frame<'_>, out: &mut Objects) {
    let app = frame.app;
    if let Some(autoscale) = app.autoscale.as_ref().filter(|a| a.by_keda()) {
        super::keda::render(frame, autoscale, out);
    } else if let Some(autoscale) = &app.autoscale {
        let request = frame
            .request("app/autoscaler.yaml.j2", "")
            .set("target", &app.workload.object().1)
            .with("autoscale", &json!({ "min": autoscale.min, "max": autoscale.max }), "/autoscale");
        let request = metrics(autoscale).into_request("metrics", request);
        let request = behavior(autoscale).into_request("behavior", request);
        out.push(request);
    }
    let (most, fewest) = match app.disruption {
        Some(budget) => (budget.max_unavailable, budget.min_available),
        None if app.at_least() >= 2 && app.counted() => (Some(Share::Count(1)), None),
        None => return,
    };
    // Flagger gives the pods that serve a name of their own.
    let selector = match app.progressive() {
        Some(_) => json!({ "app.kubernetes.io/name": frame.named("primary") }),
        None => frame.selector(),
    };
    out.push(
        frame
            .request("app/disruption.yaml.j2", "")
            .set("selector", &selector)
            .with("max_unavailable", &most, "/disruption/max-unavailable")
            .with("min_available", &fewest, "/disruption/min-available"),
    );
}

fn metrics(autoscale: &Autoscale) -> Traced {
    let mut out = Traced::list();
    for (name, metric) in autoscale.metric.iter() {
        let value = measure(name.as_str(), metric);
        out.push_from(value, &format!("/autoscale/metric/{name}"));
    }
    if autoscale.metric.is_empty() {
        let target = json!({ "type": "Utilization", "averageUtilization": 80 });
        let cpu = json!({ "name": "cpu", "target": target });
        out.push_from(json!({ "type": "Resource", "resource": cpu }), "/autoscale");
    }
    out
}

fn measure(name: &str, metric: &Metric) -> Value {
    let target = match (metric.target, metric.average) {
        (Some(share), _) => {
            json!({ "type": "Utilization", "averageUtilization": share.percent() })
        }
        (None, average) => json!({ "type": "AverageValue", "averageValue": average }),
    };
    if matches!(name, "cpu" | "memory") {
        return json!({ "type": "Resource", "resource": { "name": name, "target": target } });
    }
    let mut which = json!({ "name": name });
    if !metric.labels.is_empty() {
        which["selector"] = json!({ "matchLabels": plain(&metric.labels) });
    }
    let body = json!({ "metric": which, "target": target });
    if metric.external {
        json!({ "type": "External", "external": body })
    } else {
        json!({ "type": "Pods", "pods": body })
    }
}

/// How fast the number of pods changes, each way.
pub(super) fn behavior(autoscale: &Autoscale) -> Traced {
    let mut out = Traced::object();
    let ways = [
        ("scaleDown", autoscale.scale_down, "/autoscale/scale-down"),
        ("scaleUp", autoscale.scale_up, "/autoscale/scale-up"),
    ];
    for (field, scaling, at) in ways {
        if let Some(scaling) = scaling {
            out.put(field, speed(scaling), at);
        }
    }
    out
}

fn speed(scaling: Scaling) -> Value {
    let mut out = Map::new();
    let over = scaling.over.map(Duration::to_seconds);
    over.map(|s| out.insert("stabilizationWindowSeconds".into(), s.into()));
    if let Some(by) = scaling.by {
        let (kind, value) = match by {
            Share::Count(count) => ("Pods", count),
            Share::Percent(percent) => ("Percent", percent),
        };
        let period = scaling.every.map_or(60, Duration::to_seconds);
        let policy = json!({ "type": kind, "value": value, "periodSeconds": period });
        out.insert("policies".into(), json!([policy]));
    }
    out.into()
}
