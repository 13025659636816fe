//! Objects in the form in which their meaning is compared: without what the server fills in, names that
//! nobody outside sees made equal, lists without an order sorted.
//!
//! What is done here is done to both sides, so that a mistake can hide a difference and never make one up.
//! Every step therefore names the reason why it changes no meaning.

mod pods;
mod routes;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::defaults::{At, DEFAULTS};
use super::known::{DECIDED, NOISE};
use crate::kinds::import::duration;
use crate::object::{ObjectKey, canonical};
use crate::plan::normalize::comparable;
use crate::plan::normalize::drop_nulls;
use crate::values::quantity::Quantity;

/// Objects of one side.
pub(super) type Side = BTreeMap<ObjectKey, Value>;

/// Both the objects and what they mean to each other, in the form that is compared.
pub(super) fn normal(side: &Side) -> Side {
    let plain: Side = side
        .iter()
        .map(|(key, body)| (key.clone(), plain(key, body)))
        .collect();
    let pods: Side = plain
        .iter()
        .map(|(key, body)| (key.clone(), pods::normal(body)))
        .collect();
    let services = pods
        .iter()
        .map(|(key, body)| (key.clone(), pods::service(key, body, &pods)));
    let mut out: Side = services.collect();
    routes::normal(&mut out);
    for body in out.values_mut() {
        quantities(body);
        durations(body);
        prune(body);
    }
    out
}

/// An object without what the server decides or fills in. This is what is brought in as well.
pub(super) fn plain(key: &ObjectKey, body: &Value) -> Value {
    let mut out = comparable(body);
    if let Some(metadata) = out.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("finalizers");
        metadata.shift_remove("ownerReferences");
    }
    drop_nulls(&mut out);
    noise(&mut out);
    let kind = key.group_kind.kind.as_str();
    for (_, path) in DECIDED.iter().filter(|(of, _)| *of == kind) {
        drop_at(&mut out, path, None);
    }
    if kind == "Service"
        && out
            .pointer("/spec/clusterIP")
            .is_some_and(|ip| ip != "None")
    {
        drop_at(&mut out, "spec/clusterIP", None);
    }
    for (at, path, default) in DEFAULTS {
        let default: Value = serde_json::from_str(default).unwrap_or_default();
        for place in places(*at, key, &out) {
            if let Some(part) = out.pointer_mut(&place) {
                drop_at(part, path, Some(&default));
            }
        }
    }
    // A single family is the cluster's; several are somebody's wish.
    if kind == "Service" && out.pointer("/spec/ipFamilyPolicy").is_none() {
        drop_at(&mut out, "spec/ipFamilies", None);
    }
    if kind == "LimitRange" {
        limits(&mut out);
    }
    out
}

/// The parts of an object that rows of the table speak of.
fn places(at: At, key: &ObjectKey, body: &Value) -> Vec<String> {
    let (group, kind) = (key.group_kind.group.as_str(), key.group_kind.kind.as_str());
    let pods = pods::places(body);
    let below = |lists: &[&str]| -> Vec<String> {
        let mut out = Vec::new();
        for pod in &pods {
            for list in lists {
                let at = format!("{pod}/{list}");
                let count = body
                    .pointer(&at)
                    .and_then(Value::as_array)
                    .map_or(0, Vec::len);
                out.extend((0..count).map(|index| format!("{at}/{index}")));
            }
        }
        out
    };
    let containers = || below(&["containers", "initContainers"]);
    match at {
        At::Kind(own) if own == kind => vec![String::new()],
        At::Kind(_) => Vec::new(),
        At::Pod => pods.clone(),
        At::Container => containers(),
        At::Probe => {
            let probes = ["readinessProbe", "livenessProbe", "startupProbe"];
            containers()
                .iter()
                .flat_map(|c| probes.map(|p| format!("{c}/{p}")))
                .collect()
        }
        At::Claim if kind == "PersistentVolumeClaim" => vec!["/spec".to_owned()],
        At::Claim => {
            let count = body
                .pointer("/spec/volumeClaimTemplates")
                .and_then(Value::as_array)
                .map_or(0, Vec::len);
            (0..count)
                .map(|index| format!("/spec/volumeClaimTemplates/{index}/spec"))
                .collect()
        }
        At::Route if group == "gateway.networking.k8s.io" && kind.ends_with("Route") => {
            vec![String::new()]
        }
        At::Route => Vec::new(),
    }
}

/// Takes away what is at a path, where it is the default.
fn drop_at(value: &mut Value, path: &str, default: Option<&Value>) {
    let (name, rest) = path
        .split_once('/')
        .map_or((path, None), |(name, rest)| (name, Some(rest)));
    match (rest, value) {
        (Some(rest), Value::Array(items)) if name == "*" => {
            items
                .iter_mut()
                .for_each(|item| drop_at(item, rest, default));
        }
        (Some(rest), Value::Object(map)) => {
            if let Some(below) = map.get_mut(name) {
                drop_at(below, rest, default);
            }
        }
        (None, Value::Object(map)) => {
            let same = map
                .get(name)
                .is_some_and(|own| default.is_none_or(|default| own == default));
            if same {
                map.shift_remove(name);
            }
        }
        _ => {}
    }
}

/// Labels and annotations that nobody wrote.
fn noise(value: &mut Value) {
    let Value::Object(map) = value else {
        if let Value::Array(items) = value {
            items.iter_mut().for_each(noise);
        }
        return;
    };
    for field in ["labels", "annotations"] {
        if let Some(Value::Object(entries)) = map.get_mut(field) {
            let is = |noise: &&str, key: &str| match noise.ends_with('/') {
                true => key.starts_with(*noise),
                false => key == *noise,
            };
            entries.retain(|key, _| !NOISE.iter().any(|noise| is(noise, key)));
        }
    }
    map.values_mut().for_each(noise);
}

/// What the server fills into limits of containers: the most is also what one gets that says nothing.
fn limits(body: &mut Value) {
    let Some(Value::Array(items)) = body.pointer_mut("/spec/limits") else {
        return;
    };
    for item in items
        .iter_mut()
        .filter(|item| item.get("type").is_some_and(|t| t == "Container"))
    {
        for (from, to) in [
            ("max", "default"),
            ("default", "defaultRequest"),
            ("min", "defaultRequest"),
        ] {
            let source = item
                .get(from)
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default();
            let Some(map) = item.as_object_mut() else {
                continue;
            };
            let target = map.entry(to).or_insert_with(|| Map::new().into());
            for (name, amount) in source {
                if let Some(target) = target.as_object_mut() {
                    target.entry(name).or_insert(amount);
                }
            }
        }
    }
}

/// Maps whose values are amounts.
const AMOUNTS: &[&str] = &[
    "requests",
    "limits",
    "hard",
    "max",
    "min",
    "default",
    "defaultRequest",
];

/// Amounts written differently are equal.
fn quantities(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (name, below) in map.iter_mut() {
                match below {
                    Value::Object(amounts) if AMOUNTS.contains(&name.as_str()) => {
                        amounts.values_mut().for_each(quantity);
                    }
                    Value::String(_) | Value::Number(_)
                        if name == "sizeLimit" || name == "averageValue" =>
                    {
                        quantity(below);
                    }
                    below => quantities(below),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(quantities),
        _ => {}
    }
}

fn quantity(value: &mut Value) {
    let text = match &*value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return,
    };
    if let Ok(parsed) = text.parse::<Quantity>() {
        let millis = parsed.ceil_millis();
        *value = if millis % 1000 == 0 {
            (millis / 1000).to_string()
        } else {
            format!("{millis}m")
        }
        .into();
    }
}

/// Fields that hold durations of Go.
const DURATIONS: &[&str] = &[
    "refreshInterval",
    "interval",
    "duration",
    "renewBefore",
    "period",
    "checkPeriod",
    "fallbackDuration",
    "recoveryDuration",
    "initialInterval",
    "request",
    "backendRequest",
];

/// Durations written differently are equal.
fn durations(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (name, below) in map.iter_mut() {
                let same = below
                    .as_str()
                    .filter(|_| DURATIONS.contains(&name.as_str()))
                    .and_then(duration);
                match same {
                    Some(same) => *below = same,
                    None => durations(below),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(durations),
        _ => {}
    }
}

/// Maps that mean something when they are empty.
const EMPTY_SAYS: &[&str] = &["emptyDir", "podSelector", "namespaceSelector"];

/// Empty maps and lists that say nothing.
fn prune(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.values_mut().for_each(prune);
            map.retain(|name, below| {
                let empty = match below {
                    Value::Object(map) => map.is_empty(),
                    Value::Array(items) => items.is_empty(),
                    _ => false,
                };
                !empty || EMPTY_SAYS.contains(&name.as_str())
            });
        }
        Value::Array(items) => items.iter_mut().for_each(prune),
        _ => {}
    }
}

/// Sorts a list without an order.
fn sort(list: Option<&mut Value>) {
    if let Some(Value::Array(items)) = list {
        items.sort_by_cached_key(canonical);
    }
}
