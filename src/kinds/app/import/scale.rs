//! The number of pods back into words: replicas, autoscalers of Kubernetes and of KEDA, budgets.

use serde_json::{Map, Value, json};

use crate::kinds::app::Workload;
use crate::kinds::import::{Drafts, Fields, Found, key, list, map, seconds, text};
use crate::kinds::pod::import::{Back, amount};
use crate::object::ObjectKey;

pub(super) fn scale(back: &mut Back<'_>, body: &Value, workload: Workload, fields: &mut Fields, drafts: &mut Drafts) {
    if workload == Workload::Daemon {
        return;
    }
    let mut fewest = body.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1);
    let hpa = ("autoscaling", "HorizontalPodAutoscaler");
    let keda = ("keda.sh", "ScaledObject");
    if let Some((found, scaler)) = scaler(back.found, back.key, keda) {
        rename(back, found, keda);
        let autoscale = by_keda(back, scaler, drafts);
        fewest = autoscale.get("min").and_then(Value::as_u64).unwrap_or(0);
        fields.put("autoscale", autoscale);
    } else if let Some((found, scaler)) = scaler(back.found, back.key, hpa) {
        rename(back, found, hpa);
        let autoscale = by_load(scaler);
        fewest = autoscale.get("min").and_then(Value::as_u64).unwrap_or(1);
        fields.put("autoscale", autoscale);
    } else if fewest != 1 {
        fields.put("replicas", fewest);
    }
    budget(back, body, fewest, fields);
}

/// The scaler of a workload, whatever it is called.
fn scaler<'f>(found: &'f Found, workload: &'f ObjectKey, (group, kind): (&'f str, &'f str)) -> Option<(&'f ObjectKey, &'f Value)> {
    let targets = |body: &Value| {
        let kind = text(body, "/spec/scaleTargetRef/kind").unwrap_or("Deployment");
        kind == workload.group_kind.kind && text(body, "/spec/scaleTargetRef/name") == Some(&workload.name)
    };
    let mut all = found.of(group, kind).filter(|(key, body, _)| key.namespace == workload.namespace && targets(body));
    all.next().map(|(key, body, _)| (key, body))
}

fn rename(back: &mut Back<'_>, from: &ObjectKey, kind: (&str, &str)) {
    let to = key(kind, back.namespace(), back.owner);
    if *from != to {
        back.renamed.push((from.clone(), to));
    }
}

fn by_load(scaler: &Value) -> Value {
    let mut out = Fields::new();
    out.put("min", scaler.pointer("/spec/minReplicas").cloned().unwrap_or_else(|| 1.into()));
    out.may("max", scaler.pointer("/spec/maxReplicas").cloned());
    for metric in list(scaler, "/spec/metrics") {
        if let Some((name, value)) = measure(metric) {
            out.entry("metric", &name, value);
        }
    }
    if let Some(share) = scaler.pointer("/spec/targetCPUUtilizationPercentage") {
        out.entry("metric", "cpu", json!({ "target": format!("{share}%") }));
    }
    ways(scaler, "/spec/behavior", &mut out);
    out.into()
}

fn measure(metric: &Value) -> Option<(String, Value)> {
    let (body, name, external) = match text(metric, "/type")? {
        "Resource" => (metric.get("resource")?, text(metric, "/resource/name")?, false),
        "Pods" => (metric.get("pods")?, text(metric, "/pods/metric/name")?, false),
        "External" => (metric.get("external")?, text(metric, "/external/metric/name")?, true),
        _ => return None,
    };
    let mut out = Fields::new();
    out.may("target", body.pointer("/target/averageUtilization").map(|share| format!("{share}%")));
    out.may("average", body.pointer("/target/averageValue").map(amount));
    if external {
        out.put("external", true);
    }
    for (key, value) in map(body, "/metric/selector/matchLabels") {
        out.entry("labels", key, value.clone());
    }
    Some((name.to_owned(), out.into()))
}

/// How fast the number changes, each way.
fn ways(scaler: &Value, at: &str, out: &mut Fields) {
    for (field, word) in [("scaleDown", "scale-down"), ("scaleUp", "scale-up")] {
        let Some(way) = scaler.pointer(&format!("{at}/{field}")) else { continue };
        let mut speed = Fields::new();
        speed.may("over", seconds(way.get("stabilizationWindowSeconds")));
        if let Some(policy) = way.pointer("/policies/0") {
            let value = policy.get("value").cloned().unwrap_or_default();
            let share = match text(policy, "/type") {
                Some("Percent") => format!("{value}%").into(),
                _ => value,
            };
            speed.put("by", share);
            speed.may("every", seconds(policy.get("periodSeconds").filter(|s| **s != 60)));
        }
        out.put(word, speed);
    }
}

fn by_keda(back: &Back<'_>, scaler: &Value, drafts: &mut Drafts) -> Value {
    let mut out = Fields::new();
    let number = |field: &str, default: u64| scaler.pointer(&format!("/spec/{field}")).cloned().unwrap_or_else(|| default.into());
    out.put("min", number("minReplicaCount", 0));
    out.put("max", number("maxReplicaCount", 100));
    out.may("every", seconds(scaler.pointer("/spec/pollingInterval")));
    out.may("cool-down", seconds(scaler.pointer("/spec/cooldownPeriod")));
    for (index, trigger) in list(scaler, "/spec/triggers").enumerate() {
        let kind = text(trigger, "/type").unwrap_or_default();
        if matches!(kind, "cpu" | "memory") {
            let value = text(trigger, "/metadata/value").unwrap_or_default();
            let metric = match text(trigger, "/metricType") {
                Some("AverageValue") => json!({ "average": value }),
                _ => json!({ "target": format!("{value}%") }),
            };
            out.entry("metric", kind, metric);
            continue;
        }
        let name = text(trigger, "/name").map_or_else(|| format!("{kind}-{}", index + 1), str::to_owned);
        let value = self::trigger(back, kind, trigger, drafts);
        out.entry("trigger", &name, value);
    }
    if let Some(fallback) = scaler.pointer("/spec/fallback") {
        let mut value = Fields::new();
        value.may("replicas", fallback.get("replicas").cloned());
        value.may("failures", fallback.get("failureThreshold").filter(|n| **n != 3).cloned());
        out.put("fallback", value);
    }
    ways(scaler, "/spec/advanced/horizontalPodAutoscalerConfig/behavior", &mut out);
    out.into()
}

fn trigger(back: &Back<'_>, kind: &str, trigger: &Value, drafts: &mut Drafts) -> Value {
    let mut out = Fields::new();
    out.put("scaler", kind);
    let settings: Map<String, Value> = map(trigger, "/metadata").map(|(k, v)| (k.clone(), v.clone())).collect();
    out.put("settings", settings);
    let login = text(trigger, "/authenticationRef/name");
    let login = login.and_then(|name| back.found.get(("keda.sh", "TriggerAuthentication"), back.namespace(), name));
    for reference in login.into_iter().flat_map(|l| list(l, "/spec/secretTargetRef")) {
        let (Some(parameter), Some(secret), Some(key)) =
            (text(reference, "/parameter"), text(reference, "/name"), text(reference, "/key"))
        else {
            continue;
        };
        drafts.secret(back.place, back.namespace(), secret).keys.insert(key.to_owned());
        out.entry("login", parameter, json!({ "secret": secret, "key": key }));
    }
    if text(trigger, "/metricType") == Some("Value") {
        out.put("total", true);
    }
    out.into()
}

fn budget(back: &mut Back<'_>, body: &Value, fewest: u64, fields: &mut Fields) {
    let kind = ("policy", "PodDisruptionBudget");
    let selector = body.pointer("/spec/selector/matchLabels");
    let primary = json!({ "app.kubernetes.io/name": format!("{}-primary", back.owner) });
    let fits = |budget: &Value| {
        let own = budget.pointer("/spec/selector/matchLabels");
        own.is_some() && (own == selector || own == Some(&primary))
    };
    let mut all = back.found.of(kind.0, kind.1).filter(|(key, body, _)| key.namespace == back.key.namespace && fits(body));
    let Some((found, budget)) = all.next().map(|(key, body, _)| (key.clone(), body.clone())) else {
        return;
    };
    drop(all);
    rename(back, &found, kind);
    let mut out = Fields::new();
    out.may("max-unavailable", budget.pointer("/spec/maxUnavailable").cloned());
    out.may("min-available", budget.pointer("/spec/minAvailable").cloned());
    let default = fewest >= 2 && out.get("max-unavailable") == Some(&1.into()) && out.get("min-available").is_none();
    if !default {
        fields.put("disruption", out);
    }
}
