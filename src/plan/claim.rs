//! What is taken over together with its history: fields that others manage become ours before a write,
//! so that the write itself removes those that nobody wants.
//!
//! Server-side apply removes a field only if its applier owns it alone. Without this step, what `kubectl`
//! or Helm once wrote would stay for ever, and a list entry whose key someone changed by hand would stay
//! beside the one that is put back. The owners are changed by a write of its own that changes nothing
//! else; both writes are bound to what the plan saw.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::object::{Desired, canonical};
use crate::plan::digest;
use crate::plan::inventory::Entry;
use crate::plan::managed::{FieldTree, Managed, ManagerEntry};
use crate::plan::observed::Live;
use crate::plan::payload::{Payload, is_by_hand};
use crate::plan::step::Take;

mod items;
mod outcome;

pub use outcome::outcome;

/// What an adoption leaves with its manager unless Git declares it: what belongs to the life of the
/// object and not to its content, and what others scale.
const LEFT: [&str; 6] = [
    "/status",
    "/spec/replicas",
    "/metadata/finalizers",
    "/metadata/ownerReferences",
    "/metadata/annotations/kubemate.dev~1keep",
    "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt",
];

/// What is taken over before a write.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Fields as pointers into the live object, each with the manager that has it; the empty pointer
    /// means everything that the manager has.
    pub from: Vec<Take>,
    /// Digest of the paths that are taken over and of their values.
    pub digest: String,
}

impl Claims {
    /// Whether nothing is taken over.
    pub fn is_empty(&self) -> bool {
        self.from.is_empty()
    }

    /// These claims on an object as it is.
    fn on(from: Vec<Take>, payload: &Payload, live: &Live) -> Self {
        let mut claims = Self {
            from,
            digest: String::new(),
        };
        if claims.from.is_empty() {
            return claims;
        }
        claims.digest = claims.digest_on(payload, live);
        claims
    }

    /// The digest that these claims have on an object as it is.
    pub fn digest_on(&self, payload: &Payload, live: &Live) -> String {
        let tree = Moved::of(self, payload, live).tree;
        let values: Vec<&Value> = tree
            .leaves(&live.body)
            .iter()
            .filter_map(|pointer| live.body.pointer(pointer))
            .collect();
        digest::of_text(&canonical(&json!([tree.to_fields(), values])))
    }
}

/// What a write of a desired object takes over first. Only what people and their tools wrote is.
pub fn claims(desired: &Desired, payload: &Payload, live: &Live, entry: Option<&Entry>) -> Claims {
    if entry.and_then(Entry::uid) == Some(live.uid.as_str()) {
        let record = entry.and_then(Entry::record);
        let drift = record.is_some_and(|record| record.desired_digest == payload.digest);
        let from = if drift {
            items::replaced(payload, live)
        } else {
            Vec::new()
        };
        return Claims::on(from, payload, live);
    }
    // Where we applied before, what is ours already goes without a claim.
    if !desired.rules.adopt || live.managed.has_our_apply() {
        return Claims::default();
    }
    Claims::on(of_people(payload, live), payload, live)
}

/// Everything that people and their tools manage.
fn of_people(payload: &Payload, live: &Live) -> Vec<Take> {
    let all = |entry: &ManagerEntry| Take {
        field: String::new(),
        manager: entry.manager.clone(),
    };
    let hands = live.managed.others().filter(|e| is_by_hand(&e.manager));
    let mut from: Vec<Take> = hands.map(all).collect();
    from.sort();
    from.dedup();
    from.retain(|take| {
        let one = Claims {
            from: vec![take.clone()],
            digest: String::new(),
        };
        !Moved::of(&one, payload, live).tree.is_empty()
    });
    from
}

/// The owners of an object when claims are carried out.
struct Moved {
    /// What becomes ours.
    tree: FieldTree,
    /// What others keep.
    rest: Vec<ManagerEntry>,
}

impl Moved {
    fn of(claims: &Claims, payload: &Payload, live: &Live) -> Self {
        let (mut tree, mut rest) = (FieldTree::default(), Vec::new());
        for entry in live.managed.others() {
            let mut entry = entry.clone();
            if entry.subresource.is_empty() && entry.api_version == version(payload) {
                let of_it = |take: &&Take| take.manager == entry.manager;
                let takes: Vec<&Take> = claims.from.iter().filter(of_it).collect();
                for take in takes {
                    if let Some(cut) = cut(&mut entry, &take.field, payload, live) {
                        tree.merge(&cut);
                    }
                }
            }
            if !entry.fields.is_empty() {
                rest.push(entry);
            }
        }
        Self { tree, rest }
    }

    /// What others keep, in one tree.
    fn kept(&self) -> FieldTree {
        let mut all = FieldTree::default();
        self.rest.iter().for_each(|entry| all.merge(&entry.fields));
        all
    }
}

fn cut(entry: &mut ManagerEntry, field: &str, payload: &Payload, live: &Live) -> Option<FieldTree> {
    let mut left = FieldTree::default();
    if field.is_empty() {
        for pointer in LEFT {
            let declared = payload.body.pointer(pointer).is_some();
            if let Some(kept) = (!declared)
                .then(|| entry.fields.cut(pointer, &live.body))
                .flatten()
            {
                left.merge(&kept);
            }
        }
    }
    let cut = entry.fields.cut(field, &live.body);
    entry.fields.merge(&left);
    cut
}

fn version(payload: &Payload) -> &str {
    let version = payload.body.get("apiVersion");
    version.and_then(Value::as_str).unwrap_or_default()
}

/// `metadata.managedFields` with the claims carried out.
pub fn managed_fields(live: &Live, payload: &Payload, claims: &Claims) -> Value {
    let Moved { tree, rest } = Moved::of(claims, payload, live);
    let Managed { entries } = &live.managed;
    let ours = entries.iter().find(|entry| entry.is_ours());
    let ours = ours
        .cloned()
        .unwrap_or_else(|| ManagerEntry::our_own(version(payload), FieldTree::default()));
    let mut ours = ours;
    ours.fields.merge(&tree);
    let all = std::iter::once(&ours).chain(&rest);
    Value::Array(all.map(ManagerEntry::to_json).collect())
}

/// The JSON merge patch that makes one object of another.
pub fn merge_patch(before: &Value, after: &Value) -> Value {
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        return after.clone();
    };
    let mut patch = Map::new();
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        patch.insert(name.clone(), Value::Null);
    }
    for (name, value) in new {
        match old.get(name) {
            Some(same) if same == value => {}
            Some(other) => {
                patch.insert(name.clone(), merge_patch(other, value));
            }
            None => {
                patch.insert(name.clone(), value.clone());
            }
        }
    }
    Value::Object(patch)
}
