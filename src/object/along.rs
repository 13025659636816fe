//! Two sorted maps walked side by side: a set of ten thousand objects is compared with what is known of
//! them many times in one plan, and looking up each key costs more than all the rest.

use std::collections::{BTreeMap, btree_map};
use std::iter::Peekable;

/// A place in a sorted map that moves forward with the keys that are asked for.
pub struct Along<'a, K, V> {
    rest: Peekable<btree_map::Iter<'a, K, V>>,
}

impl<'a, K: Ord, V> Along<'a, K, V> {
    /// The place before the first key.
    pub fn new(map: &'a BTreeMap<K, V>) -> Self {
        Self {
            rest: map.iter().peekable(),
        }
    }

    /// What the map has for a key. Keys are asked for in ascending order: of one below another that was
    /// asked for before, nothing is found.
    pub fn find(&mut self, key: &K) -> Option<&'a V> {
        while let Some((here, value)) = self.rest.peek() {
            match (*here).cmp(key) {
                std::cmp::Ordering::Less => drop(self.rest.next()),
                std::cmp::Ordering::Equal => return Some(value),
                std::cmp::Ordering::Greater => return None,
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_is_what_the_map_has() {
        for bits in 0_u32..1 << 12 {
            let of = |shift: u32| (0..6).filter(move |at| bits >> (shift + at) & 1 == 1);
            let map: BTreeMap<u32, u32> = of(0).map(|key| (key, key * 10)).collect();
            let mut along = Along::new(&map);
            for key in of(6) {
                // Asked twice, it is found twice.
                assert_eq!(along.find(&key), map.get(&key), "{bits:b}");
                assert_eq!(along.find(&key), map.get(&key), "{bits:b}");
            }
        }
    }
}
