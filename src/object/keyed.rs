//! Serde form of maps keyed by [`ObjectKey`]: a list of pairs, since JSON maps have text keys only.
//!
//! A key that comes twice is an error, never a silent last-one-wins.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::object::ObjectKey;

/// Writes the pairs in key order.
pub fn serialize<V: Serialize, S: Serializer>(
    map: &BTreeMap<ObjectKey, V>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(map.iter())
}

/// Reads pairs, refusing a key twice.
pub fn deserialize<'de, V: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<ObjectKey, V>, D::Error> {
    let mut map = BTreeMap::new();
    for (key, value) in Vec::<(ObjectKey, V)>::deserialize(deserializer)? {
        match map.entry(key) {
            Entry::Vacant(place) => drop(place.insert(value)),
            Entry::Occupied(there) => {
                let message = format!("{} is listed twice", there.key());
                return Err(D::Error::custom(message));
            }
        }
    }
    Ok(map)
}
