//! What a set owns, and its stored form.
//!
//! An entry is `pending` before the first write and `owned`, with the UID, after the reply. Only owned
//! entries may ever be deleted. A damaged or incomplete store is an error, never an empty inventory.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::object::{ObjectKey, ResourceId, SetId};

pub mod shards;

/// Everything a set owns or is about to write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// The set.
    pub set: SetId,
    /// Entries by key.
    #[serde(with = "crate::object::keyed")]
    pub entries: BTreeMap<ObjectKey, Entry>,
}

/// One object of an inventory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Entry {
    /// A write was announced; whether it happened is not known.
    Pending {
        /// The resource it belongs to.
        resource: ResourceId,
        /// The plan that announced it.
        plan: String,
    },
    /// We wrote it.
    Owned {
        /// The resource it belongs to.
        resource: ResourceId,
        /// The object's UID.
        uid: String,
        /// The digests of the last write, `None` if it is to be judged afresh.
        record: Option<Record>,
    },
}

/// What the last write left behind, enough to see whether anything changed since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Digest of what was desired.
    pub desired_digest: String,
    /// Digest of the declared paths as the server returned them.
    pub declared_digest: String,
    /// Digest of the paths we owned.
    pub owned_paths_digest: String,
    /// The run key of a run-to-completion object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_key: Option<String>,
}

impl Entry {
    /// The resource it belongs to.
    pub fn resource(&self) -> &ResourceId {
        match self {
            Self::Pending { resource, .. } | Self::Owned { resource, .. } => resource,
        }
    }

    /// The UID of an owned object.
    pub fn uid(&self) -> Option<&str> {
        match self {
            Self::Pending { .. } => None,
            Self::Owned { uid, .. } => Some(uid),
        }
    }

    /// What the last write left behind.
    pub fn record(&self) -> Option<&Record> {
        match self {
            Self::Pending { .. } => None,
            Self::Owned { record, .. } => record.as_ref(),
        }
    }
}

impl Inventory {
    /// An inventory without entries: right only for a set that never wrote anything.
    pub fn new(set: SetId) -> Self {
        Self {
            set,
            entries: BTreeMap::new(),
        }
    }

    /// How many entries are owned.
    pub fn owned(&self) -> usize {
        self.entries
            .values()
            .filter(|entry| entry.uid().is_some())
            .count()
    }
}
