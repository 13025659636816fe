//! What is rendered against what was found.

use serde_json::Value;

use super::known::SAFER;
use super::normal::{Side, normal};
use super::{Difference, What, named};
use crate::kinds::import::Draft;
use crate::object::ObjectKey;
use crate::plan::diff::{FieldChange, Shown, diff};
use crate::plan::managed::FieldTree;
use crate::plan::mask::Mask;

/// Both sides in the form in which they are compared, objects under the names that they get.
pub(super) struct Sides {
    before: Side,
    after: Side,
}

impl Sides {
    /// Objects as found, under the names that they get, and as rendered. What nobody wrote takes part in
    /// the meaning of the others and is not compared itself.
    pub(super) fn new(
        found: &Side,
        drafts: &[Draft],
        unwritten: &[ObjectKey],
        rendered: &Side,
    ) -> Self {
        let mut named = found.clone();
        for draft in drafts.iter().filter(|draft| !draft.renamed.is_empty()) {
            references(&mut named, draft);
        }
        let renamed: Vec<&(ObjectKey, ObjectKey)> =
            drafts.iter().flat_map(|draft| &draft.renamed).collect();
        let mut before = Side::new();
        for (key, body) in normal(&named)
            .into_iter()
            .filter(|(key, _)| !unwritten.contains(key))
        {
            let mut names = renamed.iter().filter(|(from, _)| *from == key).peekable();
            if names.peek().is_none() {
                before.insert(key, body);
                continue;
            }
            for (_, to) in names {
                let mut copy = body.clone();
                copy["metadata"]["name"] = to.name.as_str().into();
                before.insert(to.clone(), copy);
            }
        }
        Self {
            before,
            after: normal(rendered),
        }
    }

    /// Whether an object is rendered, under the name that it gets.
    pub(super) fn renders(&self, key: &ObjectKey) -> bool {
        self.after.contains_key(key)
    }

    /// Whether it takes part: a Middleware that only routes name is part of them.
    pub(super) fn stands(&self, key: &ObjectKey) -> bool {
        self.before.contains_key(key)
    }

    /// What is rendered and was not found.
    pub(super) fn added(&self) -> impl Iterator<Item = &ObjectKey> {
        self.after
            .keys()
            .filter(|key| !self.before.contains_key(*key))
    }

    /// How an object that was found is rendered.
    pub(super) fn differences(&self, key: &ObjectKey) -> Vec<Difference> {
        let (Some(before), Some(after)) = (self.before.get(key), self.after.get(key)) else {
            return Vec::new();
        };
        let mask = Mask::new(&key.group_kind, None);
        let changes = diff(before, after, &FieldTree::default(), &mask);
        changes
            .into_iter()
            .filter(|change| change.path != "apiVersion")
            .map(|change| difference(key, change))
            .collect()
    }
}

/// Names of ConfigMaps that get another one, where the pods of their app name them: nobody else sees these.
fn references(side: &mut Side, draft: &Draft) {
    let of = |name: &str| {
        let own = draft
            .renamed
            .iter()
            .find(|(from, _)| from.group_kind.kind == "ConfigMap" && from.name == name);
        own.map(|(_, to)| to.name.clone())
    };
    let namespaces: Vec<&Option<String>> = draft
        .renamed
        .iter()
        .map(|(from, _)| &from.namespace)
        .collect();
    let own = |key: &ObjectKey| key.name == draft.name && namespaces.contains(&&key.namespace);
    for (_, body) in side.iter_mut().filter(|(key, _)| own(key)) {
        walk(body, &mut |map| {
            for field in ["configMap", "configMapRef", "configMapKeyRef"] {
                let Some(reference) = map.get_mut(field).and_then(Value::as_object_mut) else {
                    continue;
                };
                let to = reference.get("name").and_then(Value::as_str).and_then(of);
                if let Some(to) = to {
                    reference.insert("name".into(), to.into());
                }
            }
        });
    }
}

fn walk(value: &mut Value, change: &mut impl FnMut(&mut serde_json::Map<String, Value>)) {
    match value {
        Value::Object(map) => {
            change(map);
            map.values_mut().for_each(|below| walk(below, change));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, change)),
        _ => {}
    }
}

fn difference(key: &ObjectKey, change: FieldChange) -> Difference {
    let safer = |path: &str| path.split(['.', '[']).any(|part| SAFER.contains(&part));
    let what = match (&change.before, &change.after) {
        (Shown::Absent, _) if safer(&change.path) => What::Safer,
        (_, Shown::Absent) => What::Lost,
        (Shown::Absent, _) => What::Added,
        (_, Shown::Plain(Value::Bool(false)))
            if change.path.ends_with("automountServiceAccountToken") =>
        {
            What::Safer
        }
        _ => What::Changed,
    };
    Difference {
        object: named(key),
        path: change.path,
        what,
        before: change.before,
        after: change.after,
    }
}
