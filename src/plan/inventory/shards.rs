//! The inventory as ConfigMap data, split into shards below 900 KiB, and back.
//!
//! Every shard names its set, its number, how many there are, and the digest of the whole, so that a
//! missing, foreign, old or damaged shard is an error and never a smaller inventory.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::object::{ObjectKey, SetId};
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
/// Entries that one core writes out at once for the digest.
const AT_ONCE: usize = 256;

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

/// What every version has.
#[derive(Deserialize)]
struct Versioned {
    version: Option<u64>,
}

/// The digest of an inventory as it is written out.
struct Hasher(blake3::Hasher);

impl Hasher {
    fn new(set: &SetId) -> Self {
        let mut hasher = blake3::Hasher::new();
        let set = serde_json::to_string(set).unwrap_or_default();
        hasher.update(set.as_bytes());
        Self(hasher)
    }

    fn add(&mut self, pair: &str) {
        self.0.update(b"\n");
        self.0.update(pair.as_bytes());
    }

    fn end(&self) -> String {
        format!("b3:{}", self.0.finalize().to_hex())
    }
}

/// Several entries as they are digested: one in a line.
fn pairs_text(pairs: &[(&ObjectKey, &Entry)]) -> String {
    let texts: Vec<String> = pairs.iter().map(|pair| pair_text(*pair)).collect();
    texts.join("\n")
}

/// An entry with its key as it is stored.
fn pair_text(pair: (&ObjectKey, &Entry)) -> String {
    serde_json::to_string(&pair).unwrap_or_default()
}

impl Inventory {
    /// The digest of set and entries.
    pub fn digest(&self) -> String {
        let pairs: Vec<(&ObjectKey, &Entry)> = self.entries.iter().collect();
        let texts: Vec<String> = pairs.par_chunks(AT_ONCE).map(pairs_text).collect();
        let mut hasher = Hasher::new(&self.set);
        texts.iter().for_each(|text| hasher.add(text));
        hasher.end()
    }

    /// The shards to store, at least one.
    pub fn to_shards(&self) -> Result<Vec<String>, ShardError> {
        let mut hasher = Hasher::new(&self.set);
        let mut parts = vec![String::new()];
        for pair in &self.entries {
            let text = pair_text(pair);
            hasher.add(&text);
            let full = |part: &String| part.len() + text.len() + 1 + FRAME_BYTES > MAX_SHARD_BYTES;
            if parts.last().is_none_or(full) {
                parts.push(String::new());
            }
            if let Some(part) = parts.last_mut() {
                if !part.is_empty() {
                    part.push(',');
                }
                part.push_str(&text);
            }
        }
        if parts.len() > MAX_SHARDS {
            return Err(ShardError::TooLarge);
        }
        let (of, digest) = (parts.len(), hasher.end());
        let framed = parts.into_iter().enumerate().map(|(number, entries)| {
            let frame = Shard {
                version: VERSION,
                set: self.set.clone(),
                number,
                of,
                digest: digest.clone(),
                entries: Vec::new(),
            };
            let frame = serde_json::to_string(&frame).map_err(|e| ShardError::Damaged {
                shard: number,
                why: e.to_string(),
            })?;
            // The list of entries comes last and is empty.
            let open = frame.strip_suffix("]}").unwrap_or(&frame);
            Ok(format!("{open}{entries}]}}"))
        });
        framed.collect()
    }

    /// Reads stored shards, in any order. No shards at all is an error too: whether a set never had an
    /// inventory is for the caller to prove.
    pub fn from_shards(set: &SetId, texts: &[String]) -> Result<Self, ShardError> {
        let texts = texts.par_iter().enumerate();
        let found: Vec<_> = texts.map(|(at, text)| read(set, at, text)).collect();
        let mut shards = BTreeMap::new();
        for shard in found {
            let shard: Shard = shard?;
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
        let inventory = Self {
            set: set.clone(),
            entries: together(shards.into_values())?,
        };
        if inventory.digest() == digest {
            Ok(inventory)
        } else {
            Err(ShardError::Digest)
        }
    }
}

/// The entries of all shards. They are stored in order, and a map is made of sorted pairs many times
/// faster than by looking for the place of each.
fn together(shards: impl Iterator<Item = Shard>) -> Result<BTreeMap<ObjectKey, Entry>, ShardError> {
    let mut entries: Vec<(ObjectKey, Entry)> = shards.flat_map(|shard| shard.entries).collect();
    entries.sort_by(|(one, _), (other, _)| one.cmp(other));
    let twice = entries
        .windows(2)
        .find(|pair| matches!(pair, [(one, _), (other, _)] if one == other));
    if let Some([(key, _), ..]) = twice {
        return Err(ShardError::Incomplete(format!("{key} is listed twice")));
    }
    Ok(entries.into_iter().collect())
}

fn read(set: &SetId, shard: usize, text: &str) -> Result<Shard, ShardError> {
    let damaged = |why: String| ShardError::Damaged { shard, why };
    let versioned: Versioned = serde_json::from_str(text).map_err(|e| damaged(e.to_string()))?;
    let version = versioned
        .version
        .ok_or_else(|| damaged("it has no version".into()))?;
    if version != u64::from(VERSION) {
        let found = u32::try_from(version).unwrap_or(u32::MAX);
        return Err(ShardError::Version { found });
    }
    let read: Shard = serde_json::from_str(text).map_err(|e| damaged(e.to_string()))?;
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
