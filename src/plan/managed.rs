//! Who owns which field: `metadata.managedFields` (FieldsV1) as trees of paths.
//!
//! Only top-level writes count as ours: our manager, operation Apply, no subresource.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::object::{FIELD_MANAGER, canonical};
use crate::plan::step::Take;

mod children;
mod fields;
mod noted;

pub use self::children::Children;

/// All entries of an object's `managedFields`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Managed {
    /// One per manager, operation, subresource and version.
    pub entries: Vec<ManagerEntry>,
}

/// What one manager owns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManagerEntry {
    /// The manager's name.
    pub manager: String,
    /// Whether it applies or updates.
    pub operation: Operation,
    /// The subresource it wrote through, empty for the object itself.
    pub subresource: String,
    /// The API version in which its fields are named.
    #[serde(default)]
    pub api_version: String,
    /// When it wrote last, as the server tells.
    #[serde(default)]
    pub time: Option<String>,
    /// Its fields.
    pub fields: FieldTree,
}

/// How a manager writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// Server-side apply.
    Apply,
    /// Anything else.
    Update,
}

/// A set of paths as a tree.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldTree {
    /// The node itself is owned (`.`, or nothing below it).
    pub owned: bool,
    /// What is below it, by the segment as the server writes it: `f:NAME`, `k:{…}`, `v:…`, `i:N`.
    pub children: Children,
}

/// One step from a value to what is below it.
#[derive(Debug, Clone, PartialEq)]
pub enum Segment<'a> {
    /// A field of a map.
    Field(&'a str),
    /// The list item with these keys.
    Key(serde_json::Map<String, Value>),
    /// The list item that is this value.
    Item(Value),
    /// The list item at this index.
    Index(usize),
    /// Not a form we know; owned by whoever has it, found nowhere.
    Unknown,
}

impl Managed {
    /// Takes `metadata.managedFields` out of an object and reads it. Entries of an unknown form own
    /// nothing.
    pub fn take(object: &mut Value) -> Self {
        let list = object.get_mut("metadata").and_then(Value::as_object_mut);
        let list = list.and_then(|metadata| metadata.shift_remove("managedFields"));
        let entries = list
            .as_ref()
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        Self {
            entries: entries.filter_map(ManagerEntry::read).collect(),
        }
    }

    /// The same without changing the object.
    pub fn of(object: &Value) -> Self {
        let list = object
            .pointer("/metadata/managedFields")
            .and_then(Value::as_array);
        Self {
            entries: list
                .into_iter()
                .flatten()
                .filter_map(ManagerEntry::read)
                .collect(),
        }
    }

    /// What we own by server-side apply.
    pub fn ours(&self) -> FieldTree {
        let ours = self.entries.iter().filter(|entry| entry.is_ours());
        together(ours).into_owned()
    }

    /// Whether we ever applied the object.
    pub fn has_our_apply(&self) -> bool {
        self.entries.iter().any(ManagerEntry::is_ours)
    }

    /// The digest of the paths we own.
    pub fn owned_paths_digest(&self) -> String {
        let mut text = String::new();
        let ours = self.entries.iter().filter(|entry| entry.is_ours());
        together(ours).write(&mut text);
        crate::plan::digest::of_text(&text)
    }

    /// Entries of everyone else.
    pub fn others(&self) -> impl Iterator<Item = &ManagerEntry> {
        self.entries.iter().filter(|entry| !entry.is_ours())
    }

    /// Other managers of a path, given as a JSON pointer into `object`.
    pub fn owners_of(&self, pointer: &str, object: &Value) -> BTreeSet<&ManagerEntry> {
        self.others()
            .filter(|entry| entry.fields.owns(pointer, object))
            .collect()
    }

    /// Everything anyone owns, in one tree: tells which lists are keyed and which are sets.
    pub fn shape(&self) -> Cow<'_, FieldTree> {
        together(self.entries.iter())
    }

    /// Other managers of the paths that `declared` writes, in order.
    pub fn foreign_owners(&self, declared: &[String], object: &Value) -> Vec<Take> {
        let mut takes: Vec<Take> = declared
            .iter()
            .flat_map(|pointer| {
                let owners = self.owners_of(pointer, object);
                owners.into_iter().map(|o| Take {
                    field: pointer.clone(),
                    manager: o.manager.clone(),
                })
            })
            .collect();
        takes.sort();
        takes.dedup();
        takes
    }
}

/// All paths of some entries; most objects have one manager only, whose tree it is.
fn together<'a>(mut entries: impl Iterator<Item = &'a ManagerEntry>) -> Cow<'a, FieldTree> {
    let Some(first) = entries.next() else {
        return Cow::Owned(FieldTree::default());
    };
    let mut all = Cow::Borrowed(&first.fields);
    for entry in entries {
        all.to_mut().merge(&entry.fields);
    }
    all
}

impl ManagerEntry {
    fn read(entry: &Value) -> Option<Self> {
        let text = |name| entry.get(name).and_then(Value::as_str);
        let operation = match text("operation")? {
            "Apply" => Operation::Apply,
            _ => Operation::Update,
        };
        Some(Self {
            manager: text("manager").unwrap_or("unknown").to_owned(),
            operation,
            subresource: text("subresource").unwrap_or_default().to_owned(),
            api_version: text("apiVersion").unwrap_or_default().to_owned(),
            time: text("time").map(str::to_owned),
            fields: entry
                .get("fieldsV1")
                .map(FieldTree::read)
                .unwrap_or_default(),
        })
    }

    /// Whether this is our own apply of desired state.
    pub fn is_ours(&self) -> bool {
        self.manager == FIELD_MANAGER
            && self.operation == Operation::Apply
            && self.subresource.is_empty()
    }
}

impl Eq for ManagerEntry {}

impl PartialOrd for ManagerEntry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// By name, so that what is printed is in order.
impl Ord for ManagerEntry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let key = |e: &Self| (e.manager.clone(), e.operation, e.subresource.clone());
        key(self).cmp(&key(other))
    }
}

impl FieldTree {
    /// Reads a FieldsV1 value.
    pub fn read(fields: &Value) -> Self {
        let Some(map) = fields.as_object() else {
            return Self::default();
        };
        let below = map.iter().filter(|(name, _)| *name != ".");
        let below = below.map(|(name, below)| (normal_name(name.clone()), Self::read(below)));
        Self {
            owned: map.is_empty() || map.contains_key("."),
            children: below.collect(),
        }
    }

    /// Adds all paths of another tree.
    pub fn merge(&mut self, other: &Self) {
        self.owned |= other.owned;
        self.children.merge(&other.children);
    }

    /// Whether the path, or something at or above it as a whole, is owned.
    pub fn owns(&self, pointer: &str, object: &Value) -> bool {
        let mut at = self;
        let mut value = object;
        for part in pointer.split('/').skip(1) {
            if at.owned && at.children.is_empty() {
                return true;
            }
            let part = unescape(part);
            let Some(below) = at.child(&part, value) else {
                return false;
            };
            at = below;
            value = step_into(value, &part).unwrap_or(&Value::Null);
        }
        at.owned || !at.children.is_empty()
    }

    /// Whether a body may declare something of what is owned; "no" is certain.
    pub fn touches(&self, body: &Value) -> bool {
        let Some(map) = body.as_object().filter(|map| !map.is_empty()) else {
            return true;
        };
        self.children.is_empty()
            || self
                .children
                .iter()
                .any(|(name, below)| match segment(name) {
                    Segment::Field(field) => {
                        map.get(field).is_some_and(|value| below.touches(value))
                    }
                    _ => true,
                })
    }

    /// The child that a part of a JSON pointer leads to, given the value the part is taken from.
    pub fn child(&self, part: &str, value: &Value) -> Option<&Self> {
        match value {
            Value::Array(items) => {
                let index: usize = part.parse().ok()?;
                let item = items.get(index)?;
                self.children
                    .iter()
                    .find(|(n, _)| fits(&segment(n), item, index))
                    .map(|(_, t)| t)
            }
            _ => self.field(part),
        }
    }

    /// What is below a field of a map. Names are short, and looked up for every field of every object.
    fn field(&self, name: &str) -> Option<&Self> {
        let mut short = [0; 64];
        let Some(key) = short.get_mut(..name.len() + 2) else {
            return self.children.get(&format!("f:{name}"));
        };
        let (kind, rest) = key.split_at_mut(2);
        kind.copy_from_slice(b"f:");
        rest.copy_from_slice(name.as_bytes());
        self.children.get(std::str::from_utf8(key).ok()?)
    }

    /// Names of the keys, if this is a keyed list.
    pub fn list_keys(&self) -> Option<Vec<String>> {
        self.children.keys().find_map(|name| match segment(name) {
            Segment::Key(keys) => Some(keys.keys().cloned().collect()),
            _ => None,
        })
    }

    /// Whether this is a list that is a set of values.
    pub fn is_set(&self) -> bool {
        self.children.keys().any(|name| name.starts_with("v:"))
    }

    /// JSON pointers of all owned leaves that exist in the object.
    pub fn leaves(&self, object: &Value) -> Vec<String> {
        let mut out = Vec::new();
        self.collect(object, String::new(), &mut out);
        out
    }

    fn collect(&self, value: &Value, at: String, out: &mut Vec<String>) {
        if self.children.is_empty() {
            out.push(at);
            return;
        }
        for (name, below) in &self.children {
            match segment(name) {
                Segment::Field(field) => {
                    if let Some(next) = value.get(field) {
                        below.collect(next, format!("{at}/{}", escape(field)), out);
                    }
                }
                other => {
                    let items = value.as_array().into_iter().flatten().enumerate();
                    if let Some((i, item)) = items.into_iter().find(|(i, v)| fits(&other, v, *i)) {
                        below.collect(item, format!("{at}/{i}"), out);
                    }
                }
            }
        }
    }

    fn write(&self, out: &mut String) {
        out.push(if self.owned { '.' } else { '{' });
        for (name, below) in &self.children {
            out.push_str(name);
            out.push('\0');
            below.write(out);
        }
        out.push('}');
    }
}

/// `k:` and `v:` hold JSON text whose key order is not promised.
fn normal_name(name: String) -> String {
    let normal = match name.split_once(':') {
        Some(("k", json)) if is_one_plain_key(json) => None,
        Some((kind @ ("k" | "v"), json)) => {
            let value = serde_json::from_str::<Value>(json);
            value.map(|v| format!("{kind}:{}", canonical(&v))).ok()
        }
        _ => None,
    };
    normal.unwrap_or(name)
}

/// Whether JSON text is one name with one text, as in `{"name":"a"}`, in the only way to write it. Most keys
/// of list items are.
fn is_one_plain_key(json: &str) -> bool {
    let inner = json
        .strip_prefix("{\"")
        .and_then(|rest| rest.strip_suffix("\"}"));
    let parts = inner.and_then(|inner| inner.split_once("\":\""));
    let plain = |text: &str| text.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\');
    parts.is_some_and(|(name, text)| plain(name) && plain(text))
}

/// The meaning of a name in FieldsV1.
pub fn segment(name: &str) -> Segment<'_> {
    match name.split_once(':') {
        Some(("f", field)) => Segment::Field(field),
        Some(("k", json)) => match serde_json::from_str(json) {
            Ok(Value::Object(keys)) => Segment::Key(keys),
            _ => Segment::Unknown,
        },
        Some(("v", json)) => serde_json::from_str(json).map_or(Segment::Unknown, Segment::Item),
        Some(("i", index)) => index.parse().map_or(Segment::Unknown, Segment::Index),
        _ => Segment::Unknown,
    }
}

/// Whether a list item is the one a segment means.
pub(super) fn fits(segment: &Segment<'_>, item: &Value, index: usize) -> bool {
    match segment {
        Segment::Key(keys) => keys
            .iter()
            .all(|(name, value)| item.get(name) == Some(value)),
        Segment::Item(value) => item == value,
        Segment::Index(i) => *i == index,
        Segment::Field(_) | Segment::Unknown => false,
    }
}

/// One part of a JSON pointer, unescaped, applied to a value.
pub fn step_into<'a>(value: &'a Value, part: &str) -> Option<&'a Value> {
    match value {
        Value::Array(items) => items.get(part.parse::<usize>().ok()?),
        other => other.get(part),
    }
}

/// A name as a part of a JSON pointer.
pub fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// A part of a JSON pointer as a name.
pub fn unescape(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}
