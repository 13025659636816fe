//! What is below a node of a tree of paths, in the order of its names.
//!
//! An object has dozens of such nodes, most of them with one or two names below, and a set has ten thousand
//! objects: a short sorted list takes a fraction of the memory and time of a map, and says the same.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::plan::managed::FieldTree;

/// Trees by name. Each name is there once, and they are in order.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Children(Vec<(String, FieldTree)>);

impl Children {
    fn place(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(here, _)| here.as_str().cmp(name))
    }

    /// What is below a name.
    pub fn get(&self, name: &str) -> Option<&FieldTree> {
        let at = self.place(name).ok()?;
        self.0.get(at).map(|(_, tree)| tree)
    }

    /// The same to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut FieldTree> {
        let at = self.place(name).ok()?;
        self.0.get_mut(at).map(|(_, tree)| tree)
    }

    /// Whether a name is there.
    pub fn contains_key(&self, name: &str) -> bool {
        self.place(name).is_ok()
    }

    /// Takes a name out.
    pub fn remove(&mut self, name: &str) -> Option<FieldTree> {
        let at = self.place(name).ok()?;
        Some(self.0.remove(at).1)
    }

    /// Whether nothing is below.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All names.
    pub fn keys(&self) -> impl Iterator<Item = &String> {
        self.0.iter().map(|(name, _)| name)
    }

    /// All names with what is below them.
    pub fn iter(&self) -> std::slice::Iter<'_, (String, FieldTree)> {
        self.0.iter()
    }

    /// Adds all paths of others.
    pub fn merge(&mut self, others: &Self) {
        if others.is_empty() {
            return;
        }
        let mut all = Vec::with_capacity(self.0.len().max(others.0.len()));
        let mut others = others.iter().peekable();
        for (name, mut tree) in std::mem::take(&mut self.0) {
            while let Some(other) = others.next_if(|(other, _)| *other < name) {
                all.push(other.clone());
            }
            if let Some((_, other)) = others.next_if(|(other, _)| *other == name) {
                tree.merge(other);
            }
            all.push((name, tree));
        }
        all.extend(others.cloned());
        self.0 = all;
    }
}

/// Of a name that comes twice, the last counts, as in any map.
impl FromIterator<(String, FieldTree)> for Children {
    fn from_iter<I: IntoIterator<Item = (String, FieldTree)>>(all: I) -> Self {
        let mut all: Vec<_> = all.into_iter().collect();
        // The server writes them in order, but for keys of list items.
        if !all.is_sorted_by(|(one, _), (other, _)| one < other) {
            all.reverse();
            all.sort_by(|(one, _), (other, _)| one.cmp(other));
            all.dedup_by(|(later, _), (first, _)| later == first);
        }
        Self(all)
    }
}

impl<'a> IntoIterator for &'a Children {
    type Item = &'a (String, FieldTree);
    type IntoIter = std::slice::Iter<'a, (String, FieldTree)>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Serialize for Children {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|pair| (&pair.0, &pair.1)))
    }
}

impl<'de> Deserialize<'de> for Children {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let all = BTreeMap::<String, FieldTree>::deserialize(from)?;
        Ok(all.into_iter().collect())
    }
}

impl fmt::Debug for Children {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.iter().map(|pair| (&pair.0, &pair.1));
        f.debug_map().entries(all).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names whose bits are set, each with a tree that tells where it comes from.
    fn named(bits: usize, owned: bool) -> Vec<(String, FieldTree)> {
        let names = ["f:a", "f:b", "k:{\"a\":1}", "v:1"].iter().enumerate();
        let named = names.filter(|(at, _)| bits >> at & 1 == 1);
        let tree = FieldTree {
            owned,
            ..FieldTree::default()
        };
        named
            .map(|(_, name)| ((*name).to_owned(), tree.clone()))
            .collect()
    }

    #[test]
    fn children_are_what_a_map_is() {
        for bits in 0..1 << 8 {
            // In no order, and names twice.
            let mut all = named(bits, true);
            all.reverse();
            all.extend(named(bits >> 4, false));
            let map: BTreeMap<String, FieldTree> = all.iter().cloned().collect();
            let mut children: Children = all.into_iter().collect();
            let pairs: Vec<_> = children.iter().cloned().collect();
            assert_eq!(pairs, map.clone().into_iter().collect::<Vec<_>>());
            let text = serde_json::to_string(&children).unwrap();
            assert_eq!(text, serde_json::to_string(&map).unwrap());
            assert_eq!(serde_json::from_str::<Children>(&text).unwrap(), children);
            assert_eq!(format!("{children:?}"), format!("{map:?}"));
            for (name, _) in named(0b1111, true) {
                assert_eq!(children.get(&name), map.get(&name));
                assert_eq!(children.contains_key(&name), map.contains_key(&name));
            }
            for (name, tree) in map {
                assert_eq!(children.remove(&name), Some(tree));
                assert_eq!(children.get_mut(&name), None);
            }
            assert!(children.is_empty());
        }
    }

    #[test]
    fn what_is_merged_has_the_paths_of_both() {
        for bits in 0..1 << 8 {
            let (ours, theirs) = (named(bits, true), named(bits >> 4, false));
            let mut map: BTreeMap<String, FieldTree> = ours.iter().cloned().collect();
            for (name, tree) in &theirs {
                map.entry(name.clone()).or_default().merge(tree);
            }
            let mut children: Children = ours.into_iter().collect();
            children.merge(&theirs.into_iter().collect());
            let expected: Children = map.into_iter().collect();
            assert_eq!(children, expected);
        }
    }
}
