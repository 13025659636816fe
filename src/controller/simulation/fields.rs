//! Fields of objects as the simulated API server owns them: paths to leaves. Lists are leaves.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::object::FIELD_MANAGER;
use crate::plan::managed::{FieldTree, Managed, ManagerEntry, Operation, escape, unescape};

/// JSON pointers.
pub(super) type Paths = BTreeSet<String>;

/// What one manager owns.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Manager {
    pub(super) name: String,
    /// By server-side apply.
    pub(super) applies: bool,
    pub(super) subresource: String,
    pub(super) paths: Paths,
}

impl Manager {
    pub(super) fn is_ours(&self) -> bool {
        self.name == FIELD_MANAGER && self.applies && self.subresource.is_empty()
    }
}

/// Every leaf that somebody can own.
pub(super) fn leaves(body: &Value) -> BTreeMap<String, Value> {
    let mut out = BTreeMap::new();
    for (name, value) in body.as_object().into_iter().flatten() {
        match name.as_str() {
            "apiVersion" | "kind" | "status" => {}
            "metadata" => {
                for part in ["labels", "annotations", "finalizers"] {
                    if let Some(value) = value.get(part) {
                        walk(value, format!("/metadata/{part}"), &mut out);
                    }
                }
            }
            _ => walk(value, format!("/{}", escape(name)), &mut out),
        }
    }
    out
}

fn walk(value: &Value, at: String, out: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (name, below) in map {
                walk(below, format!("{at}/{}", escape(name)), out);
            }
        }
        _ => {
            out.insert(at, value.clone());
        }
    }
}

/// Puts a value at a path, with the maps that lead there.
pub(super) fn put(body: &mut Value, path: &str, value: Value) {
    let (above, last) = path.rsplit_once('/').expect("a path");
    let mut at = body;
    for part in above.split('/').skip(1) {
        let map = at.as_object_mut().expect("a map");
        at = map.entry(unescape(part)).or_insert_with(|| json!({}));
    }
    let map = at.as_object_mut().expect("a map");
    map.insert(unescape(last), value);
}

/// Takes what is at a path out, with the maps above that are empty then.
pub(super) fn take(body: &mut Value, path: &str) {
    let Some((above, last)) = path.rsplit_once('/') else {
        return;
    };
    if let Some(map) = body.pointer_mut(above).and_then(Value::as_object_mut) {
        map.shift_remove(&unescape(last));
        let empty = map.is_empty();
        if empty && !matches!(above, "" | "/metadata") {
            take(body, above);
        }
    }
}

/// `metadata.managedFields`.
pub(super) fn to_json(managers: &[Manager], api_version: &str) -> Value {
    let entry = |manager: &Manager| {
        let operation = match manager.applies {
            true => Operation::Apply,
            false => Operation::Update,
        };
        let entry = ManagerEntry {
            manager: manager.name.clone(),
            operation,
            subresource: manager.subresource.clone(),
            api_version: api_version.to_owned(),
            time: None,
            fields: tree(&manager.paths),
        };
        entry.to_json()
    };
    Value::Array(managers.iter().map(entry).collect())
}

/// The same read back.
pub(super) fn from_json(object: &Value) -> Vec<Manager> {
    let entries = Managed::of(object).entries.into_iter();
    let manager = |entry: ManagerEntry| {
        let mut owned = Paths::new();
        paths(&entry.fields, "", &mut owned);
        Manager {
            name: entry.manager,
            applies: entry.operation == Operation::Apply,
            subresource: entry.subresource,
            paths: owned,
        }
    };
    entries.map(manager).collect()
}

fn tree(paths: &Paths) -> FieldTree {
    let mut root = FieldTree::default();
    for path in paths {
        let mut below = FieldTree {
            owned: true,
            ..FieldTree::default()
        };
        for part in path.split('/').skip(1).collect::<Vec<_>>().iter().rev() {
            let name = format!("f:{}", unescape(part));
            below = FieldTree {
                children: [(name, below)].into_iter().collect(),
                ..FieldTree::default()
            };
        }
        root.merge(&below);
    }
    root
}

fn paths(tree: &FieldTree, at: &str, out: &mut Paths) {
    if tree.owned && !at.is_empty() {
        out.insert(at.to_owned());
    }
    for (name, below) in &tree.children {
        let name = name.strip_prefix("f:").expect("lists are leaves");
        paths(below, &format!("{at}/{}", escape(name)), out);
    }
}
