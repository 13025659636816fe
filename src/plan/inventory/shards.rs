//! The inventory as ConfigMap data, split into shards below 900 KiB, and back.
//!
//! Every shard names its set, its number, how many there are, and the digest of the whole, so that a
//! missing, foreign, old or damaged shard is an error and never a smaller inventory.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::object::{ObjectKey, SetId, canonical};
use crate::plan::digest;
use crate::plan::inventory::{Entry, Inventory};

/// Most bytes of one shard; a ConfigMap may hold 1 MiB.
pub const MAX_SHARD_BYTES: usize = 900 * 1024;
/// Most shards of one inventory, far above what 20,000 objects need.
pub const MAX_SHARDS: usize = 64;
/// The key of the ConfigMap's data.
pub const DATA_KEY: &str = "inventory.json";
/// The version of the stored form.
const VERSION: u32 = 1;
/// What the frame around the entries may take.
const FRAME_BYTES: usize = 2048;

/// Why stored shards are not an inventory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    /// Not the JSON we write.
    #[error("shard {shard} of the inventory is damaged: {why}")]
    Damaged {
        /// Which one.
        shard: usize,
        /// What the parser says.
        why: String,
    },
    /// Written by a later kubemate.
    #[error(
        "the inventory has version {found} and this kubemate reads version {VERSION}; use the kubemate that wrote it"
    )]
    Version {
        /// The version found.
        found: u32,
    },
    /// Of another set.
    #[error("shard {shard} belongs to the set {found}, not to {wanted}")]
    OtherSet {
        /// Which one.
        shard: usize,
        /// Its set.
        found: String,
        /// The set asked for.
        wanted: String,
    },
    /// Not all shards are there, or some are from another write.
    #[error("the inventory is incomplete: {0}")]
    Incomplete(String),
    /// The content is not what was written.
    #[error("the inventory's content does not match its digest")]
    Digest,
    /// Too much to store.
    #[error("the inventory needs more than {MAX_SHARDS} shards")]
    TooLarge,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shard {
    version: u32,
    set: SetId,
    number: usize,
    of: usize,
    digest: String,
    entries: Vec<(ObjectKey, Entry)>,
}

impl Inventory {
    /// The digest of set and entries.
    pub fn digest(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        digest::of_text(&canonical(&value))
    }

    /// The shards to store, at least one.
    pub fn to_shards(&self) -> Result<Vec<String>, ShardError> {
        let digest = self.digest();
        let mut parts: Vec<Vec<(ObjectKey, Entry)>> = vec![Vec::new()];
        let mut bytes = FRAME_BYTES;
        for (key, entry) in &self.entries {
            let pair = (key.clone(), entry.clone());
            let size = serde_json::to_string(&pair).map_or(0, |text| text.len() + 1);
            if bytes + size > MAX_SHARD_BYTES {
                parts.push(Vec::new());
                bytes = FRAME_BYTES;
            }
            bytes += size;
            if let Some(part) = parts.last_mut() {
                part.push(pair);
            }
        }
        if parts.len() > MAX_SHARDS {
            return Err(ShardError::TooLarge);
        }
        let of = parts.len();
        parts
            .into_iter()
            .enumerate()
            .map(|(shard, entries)| {
                let (set, digest) = (self.set.clone(), digest.clone());
                let shard_value = Shard {
                    version: VERSION,
                    set,
                    number: shard,
                    of,
                    digest,
                    entries,
                };
                serde_json::to_string(&shard_value).map_err(|e| ShardError::Damaged {
                    shard,
                    why: e.to_string(),
                })
            })
            .collect()
    }

    /// Reads stored shards, in any order. No shards at all is an error too: whether a set never had an
    /// inventory is for the caller to prove.
    pub fn from_shards(set: &SetId, texts: &[String]) -> Result<Self, ShardError> {
        let mut shards = BTreeMap::new();
        for (index, text) in texts.iter().enumerate() {
            let shard = read(set, index, text)?;
            if shards.insert(shard.number, shard).is_some() {
                return Err(ShardError::Incomplete("one shard is there twice".into()));
            }
        }
        let Some(first) = shards.values().next() else {
            return Err(ShardError::Incomplete("there is no shard".into()));
        };
        let (of, digest) = (first.of, first.digest.clone());
        if shards.values().any(|s| s.of != of || s.digest != digest) {
            return Err(ShardError::Incomplete(
                "its shards are from different writes".into(),
            ));
        }
        if shards.len() != of || shards.keys().copied().ne(0..of) {
            return Err(ShardError::Incomplete(format!(
                "{} of {of} shards are there",
                shards.len()
            )));
        }
        let mut inventory = Self::new(set.clone());
        for (key, entry) in shards.into_values().flat_map(|shard| shard.entries) {
            if inventory.entries.insert(key.clone(), entry).is_some() {
                return Err(ShardError::Incomplete(format!("{key} is listed twice")));
            }
        }
        if inventory.digest() == digest {
            Ok(inventory)
        } else {
            Err(ShardError::Digest)
        }
    }
}

fn read(set: &SetId, shard: usize, text: &str) -> Result<Shard, ShardError> {
    let damaged = |why: String| ShardError::Damaged { shard, why };
    let value: serde_json::Value =
        serde_json::from_str(text).map_err(|e| damaged(e.to_string()))?;
    let version = value.get("version").and_then(serde_json::Value::as_u64);
    let version = version.ok_or_else(|| damaged("it has no version".into()))?;
    if version != u64::from(VERSION) {
        let found = u32::try_from(version).unwrap_or(u32::MAX);
        return Err(ShardError::Version { found });
    }
    let read: Shard = serde_json::from_value(value).map_err(|e| damaged(e.to_string()))?;
    if read.set != *set {
        let (found, wanted) = (read.set.to_string(), set.to_string());
        return Err(ShardError::OtherSet {
            shard,
            found,
            wanted,
        });
    }
    Ok(read)
}

#[cfg(test)]
mod tests;
