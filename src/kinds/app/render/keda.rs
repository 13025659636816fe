//! The scaler of an app that is scaled by work outside of the cluster: KEDA's ScaledObject, and for
//! each of its triggers that must log in, what it logs in with.

use serde_json::{Map, Value, json};

use super::Frame;
use super::scaling::behavior;
use crate::kinds::Objects;
use crate::kinds::app::scale::{Autoscale, Metric, Trigger};
use crate::kinds::pod::render::Traced;
use crate::names::Name;
use crate::object::ObjectKey;
use crate::values::duration::Duration;

const LOGIN: (&str, &str) = ("keda.sh", "TriggerAuthentication");

pub(super) fn render(frame: &Frame<'_>, autoscale: &Autoscale, out: &mut Objects) {
    let mut triggers = Traced::list();
    let mut logins: Vec<ObjectKey> = Vec::new();
    for (name, trigger) in autoscale.trigger.iter() {
        let at = format!("/autoscale/trigger/{name}");
        triggers.push_from(source(frame, name, trigger), &at);
        if trigger.login.is_empty() {
            continue;
        }
        let keys: Vec<Value> = trigger
            .login
            .iter()
            .map(|(parameter, from)| json!({ "parameter": parameter, "name": from.secret.name(), "key": from.key }))
            .collect();
        let request = frame.request("app/trigger-login.yaml.j2", name.as_str());
        out.push(request.with("keys", &keys, &format!("{at}/login")));
        logins.push(frame.key(LOGIN, name.as_str()));
    }
    for (name, metric) in autoscale.metric.iter() {
        triggers.push_from(measure(name.as_str(), metric), &format!("/autoscale/metric/{name}"));
    }
    let fallback = autoscale.fallback.map(|fallback| {
        json!({ "replicas": fallback.replicas, "failureThreshold": fallback.failures.unwrap_or(3) })
    });
    let request = frame
        .request("app/scaled-object.yaml.j2", "")
        .set("target", &frame.app.workload.object().1)
        .with("autoscale", &json!({ "min": autoscale.min, "max": autoscale.max }), "/autoscale")
        .with("every", &autoscale.every.map(Duration::to_seconds), "/autoscale/every")
        .with("cool_down", &autoscale.cool_down.map(Duration::to_seconds), "/autoscale/cool-down")
        .with("fallback", &fallback, "/autoscale/fallback");
    let request = triggers.into_request("triggers", request);
    let mut request = behavior(autoscale).into_request("behavior", request);
    request.needs.extend(logins);
    out.push(request);
}

fn source(frame: &Frame<'_>, name: &Name, trigger: &Trigger) -> Value {
    let settings: Map<String, Value> =
        trigger.settings.iter().map(|(key, value)| (key.to_string(), value.as_str().into())).collect();
    let mut out = json!({ "type": trigger.scaler, "name": name, "metadata": settings });
    if trigger.total {
        out["metricType"] = "Value".into();
    }
    if !trigger.login.is_empty() {
        out["authenticationRef"] = json!({ "name": frame.named(name.as_str()) });
    }
    out
}

/// A share of what the pods request, or a value per pod.
fn measure(name: &str, metric: &Metric) -> Value {
    let (kind, value) = match (metric.target, metric.average) {
        (Some(share), _) => ("Utilization", share.percent().to_string()),
        (None, average) => ("AverageValue", average.map(|q| q.to_string()).unwrap_or_default()),
    };
    json!({ "type": name, "metricType": kind, "metadata": { "value": value } })
}
