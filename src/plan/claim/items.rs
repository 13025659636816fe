//! Entries of keyed lists that stand where ours stood: someone changed the key of one of ours by hand.
//!
//! To the API server that is one entry gone and another one added. Putting ours back would leave both,
//! which many kinds refuse, as a Service does two ports of one name.

use serde_json::Value;

use crate::plan::digest::find_item;
use crate::plan::managed::{FieldTree, ManagerEntry, escape};
use crate::plan::observed::Live;
use crate::plan::payload::{Payload, is_by_hand};
use crate::plan::step::Take;

/// For every declared entry that is missing, the undeclared one of a person that is most like it.
pub(super) fn replaced(payload: &Payload, live: &Live) -> Vec<Take> {
    let mut search = Search {
        live,
        found: Vec::new(),
    };
    let shape = live.managed.shape();
    search.walk(&payload.body, &live.body, &shape, "");
    search.found.sort();
    search.found.dedup();
    search.found
}

struct Search<'a> {
    live: &'a Live,
    found: Vec<Take>,
}

impl Search<'_> {
    fn walk(&mut self, declared: &Value, live: &Value, shape: &FieldTree, at: &str) {
        match (declared, live) {
            (Value::Object(wanted), Value::Object(found)) => {
                for (name, below) in wanted {
                    let child = shape.children.get(&format!("f:{name}"));
                    if let (Some(value), Some(shape)) = (found.get(name), child) {
                        self.walk(below, value, shape, &format!("{at}/{}", escape(name)));
                    }
                }
            }
            (Value::Array(wanted), Value::Array(found)) => {
                if let Some(keys) = shape.list_keys() {
                    self.list((wanted, found), &keys, shape, at);
                }
            }
            _ => {}
        }
    }

    fn list(
        &mut self,
        (wanted, found): (&[Value], &[Value]),
        keys: &[String],
        shape: &FieldTree,
        at: &str,
    ) {
        let list = Value::Array(found.to_vec());
        let mut missing = Vec::new();
        for item in wanted {
            let Some(index) = find_item(item, found, keys) else {
                missing.push(item);
                continue;
            };
            if let Some(child) = shape.child(&index.to_string(), &list) {
                self.walk(item, &found[index], child, &format!("{at}/{index}"));
            }
        }
        let undeclared = |index: &usize| {
            let item = std::slice::from_ref(&found[*index]);
            !wanted.iter().any(|w| find_item(w, item, keys).is_some())
        };
        let mut strangers: Vec<usize> = (0..found.len()).filter(undeclared).collect();
        strangers.retain(|index| self.owners(&format!("{at}/{index}")).is_some());
        for item in missing {
            let like = |index: &usize| likeness(item, &found[*index]);
            // Of several that are alike, the first.
            let best = strangers.iter().rev().copied().max_by_key(like);
            let Some(index) = best.filter(|index| like(index) > 0) else {
                continue;
            };
            strangers.retain(|other| *other != index);
            let field = format!("{at}/{index}");
            let owners = self.owners(&field).unwrap_or_default();
            self.found.extend(owners.into_iter().map(|manager| Take {
                field: field.clone(),
                manager,
            }));
        }
    }

    /// Who has an entry, if only people and their tools do.
    fn owners(&self, pointer: &str) -> Option<Vec<String>> {
        let Live { managed, body, .. } = self.live;
        let owners: Vec<&ManagerEntry> = managed.owners_of(pointer, body).into_iter().collect();
        let hands = owners
            .iter()
            .all(|entry| is_by_hand(&entry.manager) && entry.subresource.is_empty());
        (hands && !owners.is_empty()).then(|| owners.iter().map(|e| e.manager.clone()).collect())
    }
}

/// How many declared fields an entry has with the same value.
fn likeness(declared: &Value, live: &Value) -> usize {
    let fields = declared.as_object().into_iter().flatten();
    fields
        .filter(|(name, value)| live.get(name.as_str()) == Some(*value))
        .count()
}
