//! Differences field by field, with secrets masked before anyone can print them.
//!
//! Lists with keys are compared item by item, whatever their order; other lists as a whole. What comes
//! or goes as a whole is one change: an item, and a map that holds more than plain values, such as a
//! probe. The server's defaults come and go inside of it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::dsl::diagnostic::Span;
use crate::plan::managed::{FieldTree, escape};
use crate::plan::mask::{Mask, is_secret_variable};

/// One changed field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldChange {
    /// Where, as a JSON pointer into the later object, or into the earlier one for what goes.
    pub pointer: String,
    /// Where, for people: list items by their key, as in `spec.containers[name=app].image`.
    pub path: String,
    /// The value before.
    pub before: Shown,
    /// The value after.
    pub after: Shown,
    /// The places in KDL that decide it.
    pub spans: Vec<Span>,
}

/// A value as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shown {
    /// There is none.
    Absent,
    /// Its JSON.
    Plain(Value),
    /// A secret: neither its content nor its length is kept.
    Masked,
}

/// All differences between two states of one object. `shape` tells which lists have keys.
pub fn diff(before: &Value, after: &Value, shape: &FieldTree, mask: &Mask) -> Vec<FieldChange> {
    let mut walk = Walk {
        mask,
        field_by_field: false,
        out: Vec::new(),
    };
    let place = Place {
        pointer: String::new(),
        path: String::new(),
    };
    walk.compare(Some(before), Some(after), Some(shape), &place);
    walk.out
}

/// What a reader of a new object knows already: its name, and that it belongs to the set.
const IDENTITY: [&str; 3] = [
    "/metadata/name",
    "/metadata/namespace",
    "/metadata/labels/kubemate.dev~1set",
];

/// All fields of an object that does not exist yet. `apiVersion` and `kind` are its identity.
pub fn created(body: &Value, mask: &Mask) -> Vec<FieldChange> {
    let mut walk = Walk {
        mask,
        field_by_field: true,
        out: Vec::new(),
    };
    for (name, value) in body.as_object().into_iter().flatten() {
        if !matches!(name.as_str(), "apiVersion" | "kind") {
            let place = Place {
                pointer: format!("/{}", escape(name)),
                path: name.clone(),
            };
            walk.compare(None, Some(value), None, &place);
        }
    }
    walk.out
        .retain(|change| !IDENTITY.contains(&change.pointer.as_str()));
    walk.out
}

#[derive(Clone)]
struct Place {
    pointer: String,
    path: String,
}

impl Place {
    fn field(&self, name: &str) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        let plain = name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
        let path = if plain {
            format!("{}{dot}{name}", self.path)
        } else {
            format!("{}[{name}]", self.path)
        };
        Self {
            pointer: format!("{}/{}", self.pointer, escape(name)),
            path,
        }
    }

    fn item(&self, index: usize, label: &str) -> Self {
        let pointer = format!("{}/{index}", self.pointer);
        Self {
            pointer,
            path: format!("{}[{label}]", self.path),
        }
    }
}

struct Walk<'a> {
    mask: &'a Mask,
    /// Whether maps that come or go are told by their fields, whatever these hold.
    field_by_field: bool,
    out: Vec<FieldChange>,
}

impl Walk<'_> {
    fn compare(
        &mut self,
        before: Option<&Value>,
        after: Option<&Value>,
        shape: Option<&FieldTree>,
        at: &Place,
    ) {
        if before == after {
            return;
        }
        let (before, after) = without_empty(before, after);
        match (before, after) {
            (Some(Value::Object(_)), Some(Value::Object(_))) => self.maps(before, after, shape, at),
            (None, Some(Value::Object(map))) | (Some(Value::Object(map)), None)
                if !map.is_empty()
                    && !at.path.ends_with(']')
                    && (self.field_by_field || is_flat(map)) =>
            {
                self.maps(before, after, shape, at);
            }
            (Some(Value::Array(old)), Some(Value::Array(new))) => {
                match list_keys(old, new, shape) {
                    Some(keys) if !self.mask.hides(&at.pointer) => {
                        self.lists((old, new), &keys, shape, at);
                    }
                    _ => self.push(before, after, at),
                }
            }
            _ => self.push(before, after, at),
        }
    }

    fn maps(
        &mut self,
        before: Option<&Value>,
        after: Option<&Value>,
        shape: Option<&FieldTree>,
        at: &Place,
    ) {
        let map = |v: Option<&Value>| v.and_then(Value::as_object).cloned().unwrap_or_default();
        let (old, new) = (map(before), map(after));
        let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        let secret =
            before.is_some_and(is_secret_variable) || after.is_some_and(is_secret_variable);
        for name in names {
            let place = at.field(name);
            if secret && name == "value" && old.get(name) != new.get(name) {
                let shown = |v: Option<&Value>| v.map_or(Shown::Absent, |_| Shown::Masked);
                self.add(shown(old.get(name)), shown(new.get(name)), &place);
                continue;
            }
            let child = shape.and_then(|s| s.children.get(&format!("f:{name}")));
            self.compare(old.get(name), new.get(name), child, &place);
        }
    }

    fn lists(
        &mut self,
        (old, new): (&[Value], &[Value]),
        keys: &[String],
        shape: Option<&FieldTree>,
        at: &Place,
    ) {
        let count = self.out.len();
        let new_value = Value::Array(new.to_vec());
        for (index, item) in new.iter().enumerate() {
            let place = at.item(index, &label(item, keys));
            let child = shape.and_then(|s| s.child(&index.to_string(), &new_value));
            let earlier = old.iter().find(|other| same_item(item, other, keys));
            self.compare(earlier, Some(item), child, &place);
        }
        for (index, item) in old.iter().enumerate() {
            if !new.iter().any(|other| same_item(item, other, keys)) {
                self.compare(Some(item), None, None, &at.item(index, &label(item, keys)));
            }
        }
        if self.out.len() == count {
            self.push(Some(&Value::Array(old.to_vec())), Some(&new_value), at);
        }
    }

    fn push(&mut self, before: Option<&Value>, after: Option<&Value>, at: &Place) {
        let shown = |value| self.mask.shown(&at.pointer, value);
        let (before, after) = (shown(before), shown(after));
        self.add(before, after, at);
    }

    fn add(&mut self, before: Shown, after: Shown, at: &Place) {
        let Place { pointer, path } = at.clone();
        self.out.push(FieldChange {
            pointer,
            path,
            before,
            after,
            spans: Vec::new(),
        });
    }
}

/// Servers store some maps that nobody wrote as empty ones: what is filled comes as a whole all the same.
fn without_empty<'a>(
    before: Option<&'a Value>,
    after: Option<&'a Value>,
) -> (Option<&'a Value>, Option<&'a Value>) {
    match (before, after) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => (
            before.filter(|_| !old.is_empty()),
            after.filter(|_| !new.is_empty()),
        ),
        other => other,
    }
}

/// Whether a map holds plain values only, as labels do.
fn is_flat(map: &serde_json::Map<String, Value>) -> bool {
    !map.values().any(|v| v.is_object() || v.is_array())
}

/// The keys of a list: known from the owners of its items, else `name` where that tells all items
/// apart.
fn list_keys(old: &[Value], new: &[Value], shape: Option<&FieldTree>) -> Option<Vec<String>> {
    let distinct = |list: &[Value]| {
        let names: BTreeSet<_> = list
            .iter()
            .filter_map(|i| i.get("name")?.as_str())
            .collect();
        names.len() == list.len()
    };
    let guess = || (distinct(old) && distinct(new)).then(|| vec!["name".to_owned()]);
    shape.and_then(FieldTree::list_keys).or_else(guess)
}

fn same_item(a: &Value, b: &Value, keys: &[String]) -> bool {
    keys.iter().all(|key| a.get(key) == b.get(key))
}

fn label(item: &Value, keys: &[String]) -> String {
    let one = |key: &String| {
        let value = item.get(key)?;
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        Some(format!("{key}={text}"))
    };
    keys.iter().filter_map(one).collect::<Vec<_>>().join(",")
}
