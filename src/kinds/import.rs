//! The way back: objects of a cluster that become resources again. A kind looks through what was
//! [`Found`] for what it could have rendered and drafts resources for it.
//!
//! A draft is a proposal and promises nothing. Whoever asked renders it and compares, so that a kind
//! never has to list what it could not express, and cannot forget to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::dsl::node::escape;
use crate::object::{GroupKind, ObjectKey};
use crate::values::duration::Duration;

/// Objects to bring in, and where their namespaces belong.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The objects by identity.
    pub objects: BTreeMap<ObjectKey, Value>,
    /// The tenants' namespaces, by their name in the cluster.
    pub places: BTreeMap<String, Place>,
    /// Store that secrets without a known source are said to come from.
    pub store: String,
    /// Environment variables whose literal value was taken out because it must not be shown:
    /// workload, container, variable.
    pub withheld: BTreeSet<(ObjectKey, String, String)>,
    /// Environment variables that sound like secrets and are none by the word of their pods: workload,
    /// variable.
    pub public: BTreeSet<(ObjectKey, String)>,
}

/// A namespace as the language names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The tenant.
    pub tenant: String,
    /// The namespace within the tenant; `None` where the tenant has a single one of its own name.
    pub name: Option<String>,
}

/// A proposed resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Its kind.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The tenant on whose path it stands; `None` for the platform's.
    pub path_of: Option<String>,
    /// Its fields, as the kind's schema has them, in the order of writing.
    pub fields: Value,
    /// Objects that get another name: from what they are called to what they are rendered as.
    pub renamed: Vec<(ObjectKey, ObjectKey)>,
    /// What its reader has to know or to do.
    pub notes: Vec<String>,
}

/// What the kinds propose.
#[derive(Debug, Clone, Default)]
pub struct Drafts {
    /// The proposed resources.
    pub all: Vec<Draft>,
    /// Secrets that drafts refer to: tenant and name, with their namespaces and keys.
    pub secrets: BTreeMap<(String, String), Wanted>,
    /// Storage classes that drafts name.
    pub classes: BTreeSet<String>,
    /// Objects in another form, which stand for those that were found: a route for an Ingress.
    pub translated: Vec<Translated>,
}

/// A secret that something refers to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Namespaces of the tenant in the cluster.
    pub namespaces: BTreeSet<String>,
    /// Keys that are used; empty where all are.
    pub keys: BTreeSet<String>,
    /// Why its values have to be put into the store by hand.
    pub notes: BTreeSet<String>,
}

/// An object in another form.
#[derive(Debug, Clone, PartialEq)]
pub struct Translated {
    /// What was found.
    pub from: ObjectKey,
    /// What says the same.
    pub to: Vec<(ObjectKey, Value)>,
    /// Fields of what was found that nothing of it says.
    pub lost: Vec<String>,
}

impl Found {
    /// The objects of a kind, with the place of their namespace.
    pub fn of<'f>(
        &'f self,
        group: &'f str,
        kind: &'f str,
    ) -> impl Iterator<Item = (&'f ObjectKey, &'f Value, &'f Place)> {
        let named =
            move |key: &&ObjectKey| key.group_kind.group == group && key.group_kind.kind == kind;
        self.objects
            .iter()
            .filter(move |(key, _)| named(key))
            .filter_map(|(key, body)| {
                let place = self.places.get(key.namespace.as_deref()?)?;
                Some((key, body, place))
            })
    }

    /// One object of a namespace.
    pub fn get(&self, (group, kind): (&str, &str), namespace: &str, name: &str) -> Option<&Value> {
        self.objects.get(&key((group, kind), namespace, name))
    }
}

impl Drafts {
    /// Notes that a secret is needed.
    pub fn secret(&mut self, place: &Place, namespace: &str, name: &str) -> &mut Wanted {
        let wanted = self
            .secrets
            .entry((place.tenant.clone(), name.to_owned()))
            .or_default();
        wanted.namespaces.insert(namespace.to_owned());
        wanted
    }
}

/// The identity of an object in a namespace.
pub fn key((group, kind): (&str, &str), namespace: &str, name: &str) -> ObjectKey {
    ObjectKey {
        group_kind: GroupKind::new(group, kind),
        namespace: Some(namespace.to_owned()),
        name: name.to_owned(),
    }
}

/// The text at a pointer.
pub fn text<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer).and_then(Value::as_str)
}

/// The path that an ExternalSecret reads.
pub fn secret_path(body: &Value) -> Option<&str> {
    text(body, "/spec/data/0/remoteRef/key").or_else(|| text(body, "/spec/dataFrom/0/extract/key"))
}

/// The items of the list at a pointer.
pub fn list<'v>(value: &'v Value, pointer: &str) -> impl Iterator<Item = &'v Value> {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// The entries of the map at a pointer.
pub fn map<'v>(value: &'v Value, pointer: &str) -> impl Iterator<Item = (&'v String, &'v Value)> {
    value
        .pointer(pointer)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}

/// The labels by which an object chooses pods, where it does so by equality alone.
pub fn selector<'v>(value: &'v Value, pointer: &str) -> Vec<(&'v str, &'v str)> {
    map(value, pointer)
        .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
        .collect()
}

/// Whether labels fit a selector; nothing fits an empty one.
pub fn selects(selector: &[(&str, &str)], labels: Option<&Value>) -> bool {
    let has = |(key, value): &(&str, &str)| {
        labels.and_then(|l| l.get(key)).and_then(Value::as_str) == Some(value)
    };
    !selector.is_empty() && selector.iter().all(has)
}

/// Seconds as the language writes them.
pub fn seconds(value: Option<&Value>) -> Option<Value> {
    let seconds = u32::try_from(value?.as_u64()?).ok()?;
    Some(Duration::from_secs(seconds).to_string().into())
}

/// A duration of Go, such as `1h0m0s`, as the language writes it.
pub fn duration(text: &str) -> Option<Value> {
    let mut millis = 0_u64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let end = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        let unit = match &rest[..end] {
            "h" => 3_600_000,
            "m" => 60_000,
            "s" => 1000,
            "ms" => 1,
            _ => return None,
        };
        millis = millis.checked_add(number.checked_mul(unit)?)?;
        rest = &rest[end..];
    }
    let exact = format!("{millis}ms").parse::<Duration>().ok()?;
    Some(exact.to_string().into())
}

/// The fields of an object below none of these pointers, in the form of pointers.
pub fn unread(object: &Value, read: &[String]) -> Vec<String> {
    let mut leaves = Vec::new();
    leaf(object, String::new(), &mut leaves);
    let covered = |leaf: &String| {
        read.iter().any(|at| {
            leaf.strip_prefix(at.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    };
    leaves.retain(|leaf| !covered(leaf));
    leaves
}

fn leaf(value: &Value, at: String, out: &mut Vec<String>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            map.iter()
                .for_each(|(name, below)| leaf(below, format!("{at}/{}", escape(name)), out));
        }
        Value::Array(items) if !items.is_empty() => {
            items
                .iter()
                .enumerate()
                .for_each(|(index, below)| leaf(below, format!("{at}/{index}"), out));
        }
        _ => out.push(at),
    }
}

/// Fields of a draft in the order of writing; what is absent or empty is left out.
#[derive(Debug, Clone, Default)]
pub struct Fields(Map<String, Value>);

impl Fields {
    /// Without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field.
    pub fn put(&mut self, name: &str, value: impl Into<Value>) {
        let value = value.into();
        let empty = match &value {
            Value::Null => true,
            Value::Array(list) => list.is_empty(),
            Value::Object(map) => map.is_empty(),
            _ => false,
        };
        if !empty {
            self.0.insert(name.to_owned(), value);
        }
    }

    /// Adds a field that may be absent.
    pub fn may(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.put(name, value);
        }
    }

    /// Adds an entry to the map in a field.
    pub fn entry(&mut self, name: &str, key: &str, value: impl Into<Value>) {
        let map = self.0.entry(name).or_insert_with(|| Map::new().into());
        if let Some(map) = map.as_object_mut() {
            map.insert(key.to_owned(), value.into());
        }
    }

    /// What a field holds.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Fields> for Value {
    fn from(fields: Fields) -> Self {
        Self::Object(fields.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_go_are_read() {
        for (go, ours) in [
            ("1h0m0s", "1h"),
            ("5m0s", "5m"),
            ("100ms", "100ms"),
            ("90s", "1m30s"),
        ] {
            assert_eq!(duration(go), Some(ours.into()), "{go}");
        }
        assert_eq!(duration("1.5h"), None);
        assert_eq!(duration("soon"), None);
    }
}
