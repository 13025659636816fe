//! What a write leads to, as far as that can be said without the server: declared fields laid over the
//! live object, and without those that are ours alone and not declared any more.

use serde_json::Value;

use crate::plan::claim::{Claims, Moved};
use crate::plan::digest;
use crate::plan::managed::{FieldTree, Segment, fits, segment};
use crate::plan::normalize;
use crate::plan::observed::Live;
use crate::plan::payload::Payload;

/// The object after the claims and the write, without what the server alone decides.
pub fn outcome(live: &Live, payload: &Payload, claims: &Claims) -> Value {
    let moved = Moved::of(claims, payload, live);
    let mut ours = live.managed.ours();
    ours.merge(&moved.tree);
    let others = moved.kept();
    let before = normalize::comparable(&live.body);
    let wanted = Some(&payload.body);
    let left = strip(&before, &ours, Some(&others), wanted);
    lay(&left, &payload.body, Some(&live.managed.shape()))
}

/// A value without what is owned by us alone and not declared.
fn strip(
    value: &Value,
    ours: &FieldTree,
    others: Option<&FieldTree>,
    declared: Option<&Value>,
) -> Value {
    match value {
        Value::Object(map) => {
            let mut out = map.clone();
            for (name, below) in &ours.children {
                let Segment::Field(field) = segment(name) else {
                    continue;
                };
                let Some(current) = map.get(field) else {
                    continue;
                };
                let others = others.and_then(|o| o.children.get(name));
                let declared = declared.and_then(|d| d.get(field));
                match stays(current, below, others, declared) {
                    Some(left) => drop(out.insert(field.to_owned(), left)),
                    None => drop(out.shift_remove(field)),
                }
            }
            Value::Object(out)
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            let left = items.filter_map(|(index, item)| {
                let mut owned = ours.children.iter();
                let Some((name, below)) = owned.find(|(n, _)| fits(&segment(n), item, index))
                else {
                    return Some(item.clone());
                };
                let others = others.and_then(|o| o.children.get(name));
                stays(item, below, others, same_item(name, item, declared))
            });
            Value::Array(left.collect())
        }
        other => other.clone(),
    }
}

fn stays(
    value: &Value,
    ours: &FieldTree,
    others: Option<&FieldTree>,
    declared: Option<&Value>,
) -> Option<Value> {
    let unwanted = declared.is_none() && others.is_none();
    if ours.children.is_empty() {
        return (!unwanted).then(|| value.clone());
    }
    let left = strip(value, ours, others, declared);
    let empty = match &left {
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    (!(unwanted && (ours.owned || empty))).then_some(left)
}

/// The declared item that a live one is.
fn same_item<'a>(name: &str, item: &Value, declared: Option<&'a Value>) -> Option<&'a Value> {
    let list = declared?.as_array()?;
    let found = std::slice::from_ref(item);
    match segment(name) {
        Segment::Key(keys) => {
            let keys: Vec<String> = keys.keys().cloned().collect();
            list.iter()
                .find(|wanted| digest::find_item(wanted, found, &keys).is_some())
        }
        _ => list.iter().find(|wanted| *wanted == item),
    }
}

/// Declared values laid over live ones, entries of keyed lists matched by their keys.
fn lay(live: &Value, declared: &Value, shape: Option<&FieldTree>) -> Value {
    match (live, declared) {
        (Value::Object(old), Value::Object(new)) => {
            let mut out = old.clone();
            for (name, value) in new {
                let child = shape.and_then(|s| s.children.get(&format!("f:{name}")));
                let below = old
                    .get(name)
                    .map_or_else(|| value.clone(), |o| lay(o, value, child));
                out.insert(name.clone(), below);
            }
            Value::Object(out)
        }
        (Value::Array(old), Value::Array(new)) => {
            let Some((shape, keys)) = shape.and_then(|s| Some((s, s.list_keys()?))) else {
                return declared.clone();
            };
            let mut out = old.clone();
            for item in new {
                match digest::find_item(item, old, &keys) {
                    Some(index) => {
                        let child = shape.child(&index.to_string(), live);
                        out[index] = lay(&old[index], item, child);
                    }
                    None => out.push(item.clone()),
                }
            }
            Value::Array(out)
        }
        _ => declared.clone(),
    }
}
