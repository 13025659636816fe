//! What of live objects must come back, and whether it does.

use std::collections::BTreeMap;

use kubemate::names::grammar::Grammar as _;
use kubemate::object::ObjectKey;
use kubemate::values::quantity::Quantity;
use serde_json::Value;

/// Fields that controllers fill in at a time of their own.
fn is_its_own(path: &str) -> bool {
    [
        "pv.kubernetes.io/",
        "volume.kubernetes.io/",
        "volume.beta.kubernetes.io/",
        "deployment.kubernetes.io/",
        "deprecated.daemonset",
    ]
    .iter()
    .any(|part| path.contains(part))
}

/// Spec, data, labels and annotations, without what controllers and the server choose; how many pods there are is
/// chosen by an autoscaler where it is not wanted.
pub(super) fn lasting(body: &Value, wanted: &Value) -> Value {
    let mut body = body.clone();
    let map = body.as_object_mut().unwrap();
    map.remove("status");
    let metadata = map["metadata"].as_object().unwrap();
    let kept = ["labels", "annotations"].into_iter().filter_map(|name| {
        let mut words = metadata.get(name)?.as_object()?.clone();
        words.retain(|key, _| !is_its_own(key));
        (!words.is_empty()).then(|| (name.to_owned(), Value::Object(words)))
    });
    let kept: serde_json::Map<String, Value> = kept.collect();
    map.insert("metadata".into(), Value::Object(kept));
    if let Some(Value::Object(spec)) = map.get_mut("spec") {
        let chosen = [
            "clusterIP",
            "clusterIPs",
            "volumeName",
            "claimRef",
            "storageClassName",
        ];
        let scaled = wanted.pointer("/spec/replicas").is_none();
        let theirs =
            |name: &String| chosen.contains(&name.as_str()) || (scaled && name == "replicas");
        spec.retain(|name, _| !theirs(name));
        let ports = spec.get_mut("ports").and_then(Value::as_array_mut);
        for port in ports.into_iter().flatten().filter_map(Value::as_object_mut) {
            port.remove("nodePort");
        }
    }
    body
}

/// Rendered fields that a live object lacks or has otherwise.
pub(super) fn missing(wanted: &Value, live: &Value, at: &str, out: &mut Vec<String>) {
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(live)) => {
            for (name, value) in wanted {
                let at = format!("{at}.{name}");
                match live.get(name) {
                    Some(below) => missing(value, below, &at, out),
                    None if is_empty(value) => {}
                    None => out.push(at),
                }
            }
        }
        (Value::Array(wanted), Value::Array(live)) => {
            for (index, value) in wanted.iter().enumerate() {
                let at = format!("{at}[{index}]");
                let fits = |item: &&Value| {
                    let mut lost = Vec::new();
                    missing(value, item, "", &mut lost);
                    lost.is_empty()
                };
                if live.iter().find(fits).is_none() {
                    out.push(at);
                }
            }
        }
        (one, other) if one == other || same_amount(one, other) => {}
        _ => out.push(format!("{at}: {wanted} is {live}")),
    }
}

/// The server leaves out what is empty.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Bool(yes) => !yes,
        Value::String(text) => text.is_empty(),
        Value::Number(n) => n.as_i64() == Some(0),
        Value::Null => true,
    }
}

fn same_amount(one: &Value, other: &Value) -> bool {
    let amount = |value: &Value| {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        Quantity::read(&text).ok()
    };
    amount(one).is_some_and(|one| amount(other) == Some(one))
}

/// What was there is there again, to the letter.
pub(super) fn back(before: &BTreeMap<ObjectKey, Value>, after: &BTreeMap<ObjectKey, Value>) {
    let text = |state: &BTreeMap<ObjectKey, Value>| {
        let one = |(key, body)| format!("{key} {body:#}\n");
        state.iter().map(one).collect::<String>()
    };
    let (before, after) = (text(before), text(after));
    let told = similar::TextDiff::from_lines(&before, &after)
        .unified_diff()
        .context_radius(20)
        .to_string();
    assert!(before == after, "there and not back:\n{told}");
}
