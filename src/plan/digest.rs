//! Digests by which "nothing changed" is decided without asking the server.
//!
//! The digest of the *declared paths as the server returned them* needs no copy of the server's
//! defaulting: it is taken over the values that stand in the live object where something is declared.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::object::canonical::{write_canonical, write_fields, write_items};
use crate::object::{Desired, ResourceId, SetId};
use crate::plan::inventory::{Entry, Record};
use crate::plan::managed::{FieldTree, Operation, step_into};
use crate::plan::normalize;
use crate::plan::observed::Live;
use crate::plan::payload::Payload;
use crate::plan::step::Preconditions;

mod long;

/// As long as the text of most objects.
const TEXT: usize = 2048;

/// A digest of text.
pub fn of_text(text: &str) -> String {
    format!("b3:{}", blake3::hash(text.as_bytes()).to_hex())
}

/// A digest of a JSON value, independent of the order of its keys.
pub fn of_value(value: &Value) -> String {
    let mut text = String::with_capacity(TEXT);
    write_canonical(value, &mut text);
    of_text(&text)
}

/// The digest of what is desired, whatever is live.
pub fn of_desired(desired: &Desired, set: &SetId) -> String {
    of_body(desired, &normalize::desired_body(desired, set))
}

/// The same, where the body is known. Another run key asks for another run, of which the body says nothing.
pub(super) fn of_body(desired: &Desired, body: &Value) -> String {
    match &desired.rules.run_key {
        Some(key) => of_value(&json!([body, key])),
        None => of_value(body),
    }
}

/// The digest of the declared paths as they stand in the live object.
pub fn declared(payload: &Payload, live: &Live) -> String {
    declared_in(&payload.body, &live.body, &live.managed.shape())
}

/// The same for a predicted object.
pub fn declared_in(body: &Value, object: &Value, shape: &FieldTree) -> String {
    let mut out = String::with_capacity(TEXT);
    project(body, Some(object), Some(shape), &mut out);
    of_text(&out)
}

/// What must still hold for the object right before a write.
pub fn preconditions(payload: &Payload, live: &Live) -> Preconditions {
    let paths = declared_paths(&payload.body, &live.managed.shape());
    let mut foreign_owners = live.managed.foreign_owners(&paths, &payload.body);
    foreign_owners.extend(payload.yields.iter().cloned());
    foreign_owners.sort();
    foreign_owners.dedup();
    Preconditions {
        uid: live.uid.clone(),
        declared_digest: declared(payload, live),
        owned_paths_digest: live.managed.owned_paths_digest(),
        foreign_owners,
    }
}

/// The inventory entry after a write that the server answered with `live`.
pub fn entry_after(desired: &Desired, payload: &Payload, live: &Live) -> Entry {
    let resource: ResourceId = desired.resource.clone();
    let record = Record {
        desired_digest: payload.digest.clone(),
        declared_digest: declared(payload, live),
        owned_paths_digest: live.managed.owned_paths_digest(),
        run_key: desired.rules.run_key.clone(),
    };
    Entry::Owned {
        resource,
        uid: live.uid.clone(),
        record: Some(record),
    }
}

/// Whether nothing changed since the last write: neither what is desired, nor the declared paths in
/// the live object, nor what we own there. No dry-run is needed then.
pub fn in_sync(payload: &Payload, live: &Live, entry: Option<&Entry>) -> bool {
    let Some(entry) = entry else { return false };
    let Some(Record {
        desired_digest,
        declared_digest,
        owned_paths_digest,
        run_key: _,
    }) = entry.record()
    else {
        return false;
    };
    entry.uid() == Some(live.uid.as_str())
        && *desired_digest == payload.digest
        && *owned_paths_digest == live.managed.owned_paths_digest()
        && *declared_digest == declared(payload, live)
}

/// A digest of everything about a live object that could make it differ from what is wanted: all but
/// its status, its version, and when its managers wrote.
pub fn mark(live: &Live) -> [u8; 32] {
    let mut text = live.uid.clone();
    let fields: BTreeMap<_, _> = live.body.as_object().into_iter().flatten().collect();
    for (name, value) in fields {
        match (name.as_str(), value.as_object()) {
            ("status", _) => {}
            ("metadata", Some(metadata)) => {
                let mut fields: Vec<(&String, &Value)> = metadata.iter().collect();
                fields
                    .retain(|(name, _)| !matches!(name.as_str(), "resourceVersion" | "generation"));
                fields.sort_unstable_by_key(|(name, _)| *name);
                write_fields(&fields, &mut text, |value, out| write_canonical(value, out));
            }
            _ => {
                text.push_str(name);
                write_canonical(value, &mut text);
            }
        }
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update(text.as_bytes());
    let entries = live.managed.entries.iter();
    for entry in entries.filter(|entry| entry.subresource.is_empty()) {
        hasher.update(entry.manager.as_bytes());
        hasher.update(&[u8::from(entry.operation == Operation::Apply)]);
        hash_tree(&entry.fields, &mut hasher);
    }
    *hasher.finalize().as_bytes()
}

fn hash_tree(tree: &FieldTree, hasher: &mut blake3::Hasher) {
    hasher.update(if tree.owned { b"(." } else { b"( " });
    for (name, below) in &tree.children {
        hasher.update(name.as_bytes());
        hash_tree(below, hasher);
    }
    hasher.update(b")");
}

/// The canonical text of the live values at the declared paths. What is missing becomes null.
fn project(declared: &Value, live: Option<&Value>, shape: Option<&FieldTree>, out: &mut String) {
    let Some(live) = live else {
        out.push_str("null");
        return;
    };
    if shape.is_some_and(|s| s.owned && s.children.is_empty()) {
        write_canonical(live, out);
        return;
    }
    match (declared, live) {
        (Value::Object(map), Value::Object(_)) => {
            let fields = map
                .iter()
                .filter(|(name, _)| *name != "apiVersion" && *name != "kind");
            let mut fields: Vec<_> = fields.map(|(name, value)| (name, (name, value))).collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            write_fields(&fields, out, |(name, value), out| {
                let child = shape.and_then(|s| s.child(name, declared));
                project(value, live.get(name.as_str()), child, out);
            });
        }
        (Value::Array(items), Value::Array(found)) => project_list(items, found, shape, live, out),
        _ => write_canonical(live, out),
    }
}

fn project_list(
    items: &[Value],
    found: &[Value],
    shape: Option<&FieldTree>,
    live: &Value,
    out: &mut String,
) {
    let keys = shape.and_then(FieldTree::list_keys);
    match (shape, keys) {
        (Some(shape), Some(keys)) => {
            let index = long::Index::of(items, found, (&keys, shape));
            write_items(items, out, |item, out| {
                let (other, child) = match &index {
                    Some(index) => index.find(item),
                    None => {
                        let at = find_item(item, found, &keys);
                        let child = at.and_then(|at| shape.child(&at.to_string(), live));
                        (at.and_then(|at| found.get(at)), child)
                    }
                };
                project(item, other, child, out);
            });
        }
        (Some(shape), None) if shape.is_set() => write_items(items, out, |item, out| {
            if found.contains(item) {
                write_canonical(item, out);
            } else {
                out.push_str("null");
            }
        }),
        _ => write_canonical(live, out),
    }
}

/// The item of a keyed list that means the same as `item`. A key that `item` leaves out, because it
/// has a default, fits everything.
pub fn find_item(item: &Value, list: &[Value], keys: &[String]) -> Option<usize> {
    let same = |other: &Value| {
        keys.iter().all(|key| match item.get(key) {
            Some(value) => other.get(key) == Some(value),
            None => true,
        })
    };
    if keys.iter().all(|key| item.get(key).is_none()) {
        return None;
    }
    list.iter().position(same)
}

/// JSON pointers to everything a body declares. An atomic list or map is one path.
pub fn declared_paths(body: &Value, shape: &FieldTree) -> Vec<String> {
    let mut out = Vec::new();
    for (name, value) in body.as_object().into_iter().flatten() {
        if !matches!(name.as_str(), "apiVersion" | "kind") {
            paths(
                value,
                shape.child(name, body),
                &format!("/{name}"),
                &mut out,
            );
        }
    }
    out.retain(|path| !matches!(path.as_str(), "/metadata/name" | "/metadata/namespace"));
    out
}

fn paths(value: &Value, shape: Option<&FieldTree>, at: &str, out: &mut Vec<String>) {
    let atomic = shape.is_some_and(|s| s.owned && s.children.is_empty());
    let keyed = shape.is_some_and(|s| s.list_keys().is_some() || s.is_set());
    match value {
        Value::Object(map) if !atomic && !map.is_empty() => {
            for (name, below) in map {
                let child = shape.and_then(|s| s.child(name, value));
                let name = crate::plan::managed::escape(name);
                paths(below, child, &format!("{at}/{name}"), out);
            }
        }
        Value::Array(items) if keyed => {
            for (index, below) in items.iter().enumerate() {
                let child = shape.and_then(|s| s.child(&index.to_string(), value));
                paths(below, child, &format!("{at}/{index}"), out);
            }
        }
        _ => out.push(at.to_owned()),
    }
}

/// The pointer in `to` that means the same as `pointer` in `from`, list items matched by their keys.
/// Parts that `to` lacks are kept as they are.
pub fn translate(pointer: &str, from: &Value, to: &Value, shape: &FieldTree) -> String {
    let mut out = String::new();
    let (mut from, mut to, mut shape) = (Some(from), Some(to), Some(shape));
    for part in pointer.split('/').skip(1) {
        let name = crate::plan::managed::unescape(part);
        let item = from.and_then(|value| step_into(value, &name));
        let index = match (from, to, item) {
            (Some(Value::Array(_)), Some(Value::Array(list)), Some(item)) => {
                let known = shape.and_then(FieldTree::list_keys);
                let keys = known.unwrap_or_else(|| vec!["name".into()]);
                find_item(item, list, &keys)
            }
            _ => None,
        };
        shape = shape.and_then(|s| s.child(&name, from?));
        from = item;
        let name = index.map_or_else(|| name.clone(), |i| i.to_string());
        to = to.and_then(|value| step_into(value, &name));
        out.push('/');
        out.push_str(&crate::plan::managed::escape(&name));
    }
    out
}
