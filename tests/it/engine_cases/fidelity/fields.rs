//! Objects as leaves by path, in the words in which plans name fields, written a second time on purpose.

use std::collections::{BTreeMap, BTreeSet};

use kubemate::plan::diff::{FieldChange, Shown};
use serde_json::Value;

/// Every value of an object that is no map and no list, by its path. Empty maps and lists are none.
pub(super) type Leaves = BTreeMap<String, Value>;

/// Metadata that changes by itself, an annotation that the deployment controller writes later, and one
/// in which the server keeps the generation of a DaemonSet's template.
const ITS_OWN: [&str; 5] = [
    "creationTimestamp",
    "generation",
    "resourceVersion",
    "uid",
    "managedFields",
];
const REVISION: &str = "deployment.kubernetes.io/revision";
const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

/// Whether a controller writes the field at a time of its own.
pub(super) fn is_its_own(path: &str) -> bool {
    path.contains(REVISION)
}

/// The object without status and without what changes by itself.
pub(super) fn reduced(object: &Value) -> Value {
    let mut object = object.clone();
    object.as_object_mut().unwrap().remove("status");
    let metadata = object["metadata"].as_object_mut().unwrap();
    metadata.retain(|name, _| !ITS_OWN.contains(&name.as_str()));
    if let Some(Value::Object(map)) = metadata.get_mut("annotations") {
        map.remove(REVISION);
        map.remove(TEMPLATE_GENERATION);
        if map.is_empty() {
            metadata.remove("annotations");
        }
    }
    object
}

pub(super) fn leaves(object: &Value) -> Leaves {
    let mut out = Leaves::new();
    collect(object, "", &mut out);
    out
}

fn collect(value: &Value, path: &str, out: &mut Leaves) {
    match value {
        Value::Object(map) => {
            for (name, below) in map {
                collect(below, &field(path, name), out);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(item, &format!("{path}[{}]", label(path, items, index)), out);
            }
        }
        leaf => {
            out.insert(path.to_owned(), leaf.clone());
        }
    }
}

fn field(path: &str, name: &str) -> String {
    let plain = name
        .chars()
        .all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    match (plain, path.is_empty()) {
        (true, true) => name.to_owned(),
        (true, false) => format!("{path}.{name}"),
        (false, _) => format!("{path}[{name}]"),
    }
}

/// What tells the items of a list apart: its keys, else names that differ, else the place.
fn label(path: &str, items: &[Value], index: usize) -> String {
    let item = &items[index];
    let names: BTreeSet<&str> = items.iter().filter_map(|i| i["name"].as_str()).collect();
    let keys: &[&str] = match path.rsplit('.').next().unwrap_or_default() {
        "ports" if item.get("containerPort").is_some() => &["containerPort", "protocol"],
        "ports" if item.get("protocol").is_some() && path == "spec.ports" => &["port", "protocol"],
        "volumeMounts" => &["mountPath"],
        "topologySpreadConstraints" => &["topologyKey", "whenUnsatisfiable"],
        _ if names.len() == items.len() => &["name"],
        _ => return index.to_string(),
    };
    let one = |key: &&str| match &item[*key] {
        Value::String(text) => format!("{key}={text}"),
        other => format!("{key}={other}"),
    };
    keys.iter().map(one).collect::<Vec<_>>().join(",")
}

/// Everything at or below a path.
pub(super) fn below(all: &Leaves, path: &str) -> Leaves {
    let inside = |leaf: &String| {
        let rest = leaf.strip_prefix(path);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    all.iter()
        .filter(|(leaf, _)| inside(leaf))
        .map(|(leaf, value)| (leaf.clone(), value.clone()))
        .collect()
}

/// What a plan's changes make of an object. A secret is taken from what it became.
pub(super) fn predicted(before: &Leaves, changes: &[FieldChange], after: &Leaves) -> Leaves {
    let mut out = before.clone();
    for change in changes {
        for leaf in below(&out, &change.path).keys() {
            out.remove(leaf);
        }
        match &change.after {
            Shown::Absent => {}
            Shown::Plain(value) => collect(value, &change.path, &mut out),
            Shown::Masked => out.extend(below(after, &change.path)),
        }
    }
    // Written between the read and the dry-run of one plan, it looks like a change of ours.
    out.retain(|path, _| !is_its_own(path));
    out
}
