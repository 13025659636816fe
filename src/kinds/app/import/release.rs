//! How a new version replaces the old one, back into words.

use serde_json::{Value, json};

use crate::kinds::app::Workload;
use crate::kinds::app::rollout::When;
use crate::kinds::import::{Fields, duration, list, seconds, text};
use crate::kinds::pod::import::{Back, speaks};

/// Time without progress after which a rollout has failed, where nobody says: that of Kubernetes.
const PROGRESS: u64 = 600;

pub(super) fn release(back: &Back<'_>, body: &Value, workload: Workload, fields: &mut Fields) {
    let canary = back.found.of("flagger.app", "Canary").find(|(key, body, _)| {
        key.namespace == back.key.namespace && key.name == back.owner && text(body, "/spec/targetRef/name") == Some(back.owner)
    });
    if let Some((_, canary, _)) = canary {
        fields.put("rollout", progressive(canary));
        served(canary, fields);
        return;
    }
    let mut out = Fields::new();
    match workload {
        Workload::Deployment => deployment(body, fields, &mut out),
        Workload::Daemon => {
            let unavailable = body.pointer("/spec/updateStrategy/rollingUpdate/maxUnavailable");
            out.may("unavailable", unavailable.filter(|n| **n != 1).cloned());
        }
        Workload::Stateful | Workload::Job | Workload::CronJob => {}
    }
    if !out.is_empty() && out.get("strategy").is_none() {
        let mut named = Fields::new();
        named.put("strategy", "rolling");
        let Value::Object(rest) = Value::from(out) else { return };
        rest.into_iter().for_each(|(name, value)| named.put(&name, value));
        out = named;
    }
    fields.put("rollout", out);
}

fn deployment(body: &Value, fields: &Fields, out: &mut Fields) {
    let volumes = fields.get("volume").and_then(Value::as_object);
    // Two versions cannot share such a volume, so that the language replaces them at once.
    let exclusive = volumes.is_some_and(|volumes| {
        let shared = |v: &Value| ["claim", "secret", "host-path", "ephemeral", "memory", "per-replica", "access"].iter().all(|f| v.get(*f).is_none());
        volumes.values().any(shared)
    });
    let recreate = text(body, "/spec/strategy/type") == Some("Recreate");
    let progress = body.pointer("/spec/progressDeadlineSeconds").filter(|s| **s != PROGRESS);
    if recreate {
        if !exclusive || progress.is_some() {
            out.put("strategy", "recreate");
        }
    } else {
        let of = |field: &str| body.pointer(&format!("/spec/strategy/rollingUpdate/{field}")).cloned();
        if exclusive {
            out.put("strategy", "rolling");
        }
        let quarter = || json!("25%");
        out.put("surge", of("maxSurge").filter(|s| *s != quarter()).unwrap_or_default());
        out.may("unavailable", Some(of("maxUnavailable").unwrap_or_else(quarter)).filter(|u| *u != 0));
    }
    out.may("timeout", seconds(progress));
}

/// What the Service of the moved port is: Flagger makes it, so that no Service says it.
fn served(canary: &Value, fields: &mut Fields) {
    let Some(name) = text(canary, "/spec/service/portName") else { return };
    let mut ports = fields.get("port").cloned().unwrap_or_default();
    let Some(port) = ports.get_mut(name) else { return };
    if let Some(number) = canary.pointer("/spec/service/port").filter(|n| port.get("number") != Some(n)) {
        port["service"] = number.clone();
    }
    if let Some(word) = text(canary, "/spec/service/appProtocol").and_then(speaks) {
        port["speaks"] = word.into();
    }
    fields.put("port", ports);
}

fn progressive(canary: &Value) -> Value {
    let mut out = Fields::new();
    let steps: Vec<Value> = list(canary, "/spec/analysis/stepWeights").map(|w| format!("{w}%").into()).collect();
    let steps = if steps.is_empty() { evenly(canary) } else { steps };
    out.put("strategy", if steps.is_empty() { "blue-green" } else { "canary" });
    out.may("every", text(canary, "/spec/analysis/interval").and_then(duration));
    let progress = canary.pointer("/spec/progressDeadlineSeconds").filter(|s| **s != PROGRESS);
    out.may("timeout", seconds(progress));
    out.put("steps", steps);
    let failures = canary.pointer("/spec/analysis/threshold").and_then(Value::as_u64);
    out.may("tolerate", failures.filter(|n| *n > 1).map(|n| n - 1));
    let looks = canary.pointer("/spec/analysis/iterations").and_then(Value::as_u64);
    out.may("looks", looks.filter(|n| *n > 1));
    for metric in list(canary, "/spec/analysis/metrics") {
        let mut bound = Fields::new();
        let measure = match text(metric, "/name") {
            Some("request-success-rate") => {
                let least = bounded(metric, "min").and_then(Value::as_f64);
                bound.may("max", least.map(errors));
                "error-rate"
            }
            Some("request-duration") => {
                let most = bounded(metric, "max").and_then(Value::as_u64);
                bound.may("within", most.and_then(|ms| duration(&format!("{ms}ms"))));
                "latency"
            }
            _ => continue,
        };
        let over = text(metric, "/interval").and_then(duration);
        bound.may("over", over.filter(|over| Some(over) != out.get("every")));
        out.entry("check", measure, bound);
    }
    for hook in list(canary, "/spec/analysis/webhooks") {
        if let Some((name, call)) = call(hook) {
            out.entry("call", name, call);
        }
    }
    out.into()
}

/// The steps of a share that grows evenly to its most.
fn evenly(canary: &Value) -> Vec<Value> {
    let number = |field: &str| canary.pointer(&format!("/spec/analysis/{field}")).and_then(Value::as_u64);
    match (number("stepWeight").filter(|step| *step > 0), number("maxWeight")) {
        (Some(step), Some(most)) => (1..=most.min(100) / step).map(|n| format!("{}%", n * step).into()).collect(),
        _ => Vec::new(),
    }
}

/// The bound of a metric, also in its old spelling.
fn bounded<'m>(metric: &'m Value, side: &str) -> Option<&'m Value> {
    metric.pointer(&format!("/thresholdRange/{side}")).or_else(|| metric.get("threshold"))
}

/// Who is called; nothing for a moment that the language has no word for.
fn call(hook: &Value) -> Option<(&str, Fields)> {
    let moment = text(hook, "/type").unwrap_or(When::During.flagger());
    let (when, word) = When::ALL.into_iter().find(|(when, _)| when.flagger() == moment)?;
    let mut out = Fields::new();
    out.may("url", hook.get("url").cloned());
    if when != When::default() {
        out.put("when", word);
    }
    out.may("timeout", text(hook, "/timeout").and_then(duration));
    out.may("settings", hook.get("metadata").cloned());
    Some((text(hook, "/name")?, out))
}

/// The share of errors that a share of successes leaves, in percent to the thousandth.
fn errors(successes: f64) -> String {
    let rounded = ((100.0 - successes) * 1000.0).round() / 1000.0;
    format!("{rounded}%")
}
