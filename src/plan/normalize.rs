//! Brings documents into the form in which they are sent and compared. Returns new values, never edits
//! what it was given.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::object::{Desired, GroupKind, SET_LABEL, SetId};

/// Metadata that the server alone decides.
const SERVER_METADATA: [&str; 8] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// The `generation` of the pod template of a DaemonSet, which the server keeps in an annotation: it counts
/// there whatever anybody writes.
const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

/// The document as it is sent: with the set's label, and without what the server decides or would
/// store in another form than it was sent.
pub fn desired_body(desired: &Desired, set: &SetId) -> Value {
    let mut body = desired.manifest.body.clone();
    let group_kind = &desired.manifest.key.group_kind;
    drop_nulls(&mut body);
    if let Some(map) = body.as_object_mut() {
        let filled = map
            .get("status")
            .is_some_and(|s| s.as_object().is_none_or(|m| !m.is_empty()));
        if filled || is_built_in(group_kind) {
            map.shift_remove("status");
        }
        string_data(map, group_kind);
        if group_kind.kind == "ClusterRole" && map.contains_key("aggregationRule") {
            map.shift_remove("rules");
        }
    }
    if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
        drop_server_metadata(metadata, &group_kind.kind);
        // An empty map says nothing, and would be ours only once someone else annotates the object.
        let empty = |value: &Value| value.as_object().is_some_and(Map::is_empty);
        metadata.retain(|name, value| name != "annotations" || !empty(value));
        let labels = metadata.entry("labels").or_insert_with(|| json!({}));
        if let Some(labels) = labels.as_object_mut() {
            labels.insert(SET_LABEL.into(), set.label().into());
        }
    }
    default_protocols(&mut body, group_kind);
    drop_placeholder_bundles(&mut body);
    body
}

/// The part of an object in which two states of it are compared.
pub fn comparable(object: &Value) -> Value {
    let mut body = object.clone();
    if let Some(map) = body.as_object_mut() {
        map.shift_remove("status");
        let kind = map.get("kind").and_then(Value::as_str).map(str::to_owned);
        if let Some(metadata) = map.get_mut("metadata").and_then(Value::as_object_mut) {
            drop_server_metadata(metadata, kind.as_deref().unwrap_or_default());
        }
    }
    body
}

fn drop_server_metadata(metadata: &mut Map<String, Value>, kind: &str) {
    metadata.retain(|name, _| !SERVER_METADATA.contains(&name.as_str()));
    if kind != "DaemonSet" {
        return;
    }
    if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
        annotations.shift_remove(TEMPLATE_GENERATION);
        if annotations.is_empty() {
            metadata.shift_remove("annotations");
        }
    }
}

fn is_core(group_kind: &GroupKind, kind: &str) -> bool {
    group_kind.group.is_empty() && group_kind.kind == kind
}

/// Whether a kind is part of Kubernetes itself.
pub fn is_built_in(group_kind: &GroupKind) -> bool {
    let group = group_kind.group.as_str();
    let project = ["gateway.networking.k8s.io", "policy.networking.k8s.io"];
    let x = group.ends_with(".x-k8s.io") || project.contains(&group);
    !x && (!group.contains('.') || group.ends_with(".k8s.io"))
}

/// A null says nothing; creation timestamps of templates are written as null by many tools.
pub fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, below| !below.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// `stringData` is write-only; the server stores it under `data`, where drift can be seen.
fn string_data(map: &mut Map<String, Value>, group_kind: &GroupKind) {
    if !is_core(group_kind, "Secret") {
        return;
    }
    let Some(Value::Object(plain)) = map.shift_remove("stringData") else {
        return;
    };
    let data = map.entry("data").or_insert_with(|| json!({}));
    if let Some(data) = data.as_object_mut() {
        for (name, text) in plain {
            let text = text
                .as_str()
                .map_or_else(|| text.to_string(), str::to_owned);
            data.insert(name, STANDARD.encode(text).into());
        }
    }
}

/// Where the specs of pods stand.
const POD_SPECS: [&[&str]; 3] = [
    &["spec"],
    &["spec", "template", "spec"],
    &["spec", "jobTemplate", "spec", "template", "spec"],
];

/// `protocol` is a list key with a default: left out, two ports of one number collide.
fn default_protocols(body: &mut Value, group_kind: &GroupKind) {
    if is_core(group_kind, "Service") {
        protocols_of(below(body, &["spec", "ports"]));
    }
    for path in POD_SPECS {
        let Some(spec) = below(body, path) else {
            continue;
        };
        for list in ["containers", "initContainers"] {
            let containers = spec.get_mut(list).and_then(Value::as_array_mut);
            for container in containers.into_iter().flatten() {
                protocols_of(container.get_mut("ports"));
            }
        }
    }
}

/// What a path of names leads to; a JSON pointer would be taken apart and written anew for each object.
fn below<'a>(value: &'a mut Value, path: &[&str]) -> Option<&'a mut Value> {
    path.iter().try_fold(value, |at, name| at.get_mut(*name))
}

fn protocols_of(ports: Option<&mut Value>) {
    for port in ports.and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(port) = port.as_object_mut() {
            port.entry("protocol").or_insert_with(|| "TCP".into());
        }
    }
}

/// An empty `caBundle` is a place-holder that the API server refuses.
fn drop_placeholder_bundles(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|name, below| {
                name != "caBundle" || !matches!(below.as_str(), Some("" | "Cg==" | "Cg"))
            });
            map.values_mut().for_each(drop_placeholder_bundles);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_placeholder_bundles),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
