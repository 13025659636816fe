//! Long keyed lists: which item means the same as another, and what is owned of it, looked up where short
//! lists are searched. The answers are those of a search, so digests are the same either way.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::object::canonical::write_canonical;
use crate::plan::digest::find_item;
use crate::plan::managed::{FieldTree, Segment, segment};

/// Comparisons of items that are made without further ado; making an index costs more than so many.
const SHORT: usize = 256;

/// A keyed list as it was found.
pub(super) struct Index<'a> {
    keys: &'a [String],
    found: &'a [Value],
    places: BTreeMap<String, usize>,
    below: BTreeMap<String, &'a FieldTree>,
}

impl<'a> Index<'a> {
    /// An index over what was found, and over what is owned of it; none where a search is as good, or where
    /// the items are not all owned by the same keys.
    pub(super) fn of(
        items: &[Value],
        found: &'a [Value],
        (keys, shape): (&'a [String], &'a FieldTree),
    ) -> Option<Self> {
        if items.len().saturating_mul(found.len()) <= SHORT {
            return None;
        }
        let (mut places, mut below) = (BTreeMap::new(), BTreeMap::new());
        for (at, item) in found.iter().enumerate() {
            if let Some(text) = text_of(keys, |key| item.get(key)) {
                places.entry(text).or_insert(at);
            }
        }
        for (name, tree) in &shape.children {
            let Segment::Key(named) = segment(name) else {
                return None;
            };
            let text = text_of(keys, |key| named.get(key));
            let text = text.filter(|_| named.len() == keys.len())?;
            below.entry(text).or_insert(tree);
        }
        Some(Self {
            keys,
            found,
            places,
            below,
        })
    }

    /// The item that means the same, and what is owned of it. One that leaves a key out fits others than
    /// those of its text and is searched for.
    pub(super) fn find(&self, item: &Value) -> (Option<&'a Value>, Option<&'a FieldTree>) {
        let at = match text_of(self.keys, |key| item.get(key)) {
            Some(text) => self.places.get(&text).copied(),
            None => find_item(item, self.found, self.keys),
        };
        let other = at.and_then(|at| self.found.get(at));
        let text = other.and_then(|other| text_of(self.keys, |key| other.get(key)));
        let below = text.and_then(|text| self.below.get(&text).copied());
        (other, below)
    }
}

/// The values of all keys as text; none where one is missing.
fn text_of<'v>(keys: &[String], of: impl Fn(&str) -> Option<&'v Value>) -> Option<String> {
    let mut text = String::new();
    for key in keys {
        write_canonical(of(key)?, &mut text);
        text.push('\n');
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::plan::digest::{project, project_list};

    const LONG: usize = 40;

    fn item(n: usize) -> Value {
        let protocol = ["TCP", "UDP"][n % 2];
        json!({"port": n / 2, "protocol": protocol, "name": format!("p{n}"), "left": "to others"})
    }

    /// Each item's keys and name are owned, and the numbers as they stand in the items.
    fn shape(items: &[Value]) -> FieldTree {
        let mut fields = serde_json::Map::new();
        for item in items {
            let keys = json!({"port": item["port"], "protocol": item["protocol"]});
            let below = json!({".": {}, "f:port": {}, "f:protocol": {}, "f:name": {}});
            fields.insert(format!("k:{keys}"), below);
        }
        FieldTree::read(&Value::Object(fields))
    }

    fn declared(n: usize) -> Value {
        let mut declared = item(n);
        declared.as_object_mut().unwrap().shift_remove("left");
        declared
    }

    /// What a search finds, item by item.
    fn searched(items: &[Value], found: &[Value], shape: &FieldTree) -> String {
        let keys = shape.list_keys().unwrap();
        let live = Value::from(found.to_vec());
        let mut out = String::from("[");
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            let at = find_item(item, found, &keys);
            let child = at.and_then(|at| shape.child(&at.to_string(), &live));
            project(item, at.and_then(|at| found.get(at)), child, &mut out);
        }
        out + "]"
    }

    #[test]
    fn a_long_list_reads_as_if_it_were_searched() {
        let found: Vec<Value> = (0..LONG).rev().map(item).collect();
        let mut items: Vec<Value> = (0..LONG + 3).map(declared).collect();
        // One without a key that has a default, one without any key, and one of another number.
        items[4].as_object_mut().unwrap().shift_remove("protocol");
        items[5] = json!({"name": "p5"});
        items[6]["port"] = json!(3.0);
        for owned in [shape(&found), shape(&found[..7])] {
            let keys = owned.list_keys().unwrap();
            assert!(Index::of(&items, &found, (&keys, &owned)).is_some());
            let live = Value::from(found.clone());
            let mut out = String::new();
            project_list(&items, &found, Some(&owned), &live, &mut out);
            assert_eq!(out, searched(&items, &found, &owned));
            assert!(
                out.contains("\"p38\"") && out.ends_with("null,null,null]"),
                "{out}"
            );
        }
    }

    #[test]
    fn an_index_is_made_where_it_pays_and_answers_as_a_search_does() {
        let found: Vec<Value> = (0..LONG).map(item).collect();
        let owned = shape(&found);
        let keys = owned.list_keys().unwrap();
        assert!(Index::of(&found[..3], &found[..3], (&keys, &owned)).is_none());
        let mut mixed = owned.clone();
        mixed.merge(&FieldTree::read(&json!({"v:1": {}})));
        assert!(Index::of(&found, &found, (&keys, &mixed)).is_none());
    }
}
