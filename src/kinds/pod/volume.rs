//! Volumes: directories that containers share, keep or get from elsewhere.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dsl::form::Keyed;
use crate::names::reference::{SecretRef, StorageClassRef};
use crate::names::{ConfigKey, ObjectName};
use crate::values::path::{AbsolutePath, RelativePath};
use crate::values::resources::MemoryQuantity;

/// A directory in the container: kept storage of a `size`, scratch space (`ephemeral`), an existing
/// `claim`, the keys of a `secret`, or a path of the node.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a word of the language that is on or off"
)]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Volume {
    /// Where it is in the container.
    pub mount: AbsolutePath,
    /// Size, as in `"10Gi"`. It can grow, and never shrink.
    #[serde(default)]
    pub size: Option<MemoryQuantity>,
    /// Storage class. Default: the cluster's default one.
    #[serde(default)]
    pub class: Option<StorageClassRef>,
    /// Who may use it at the same time. Default: the pods of one node.
    #[serde(default)]
    pub access: Access,
    /// Whether every replica has its own. A stateful workload keeps it, any other loses it with the pod.
    #[serde(default)]
    pub per_replica: bool,
    /// Whether it is scratch space that goes away with the pod.
    #[serde(default)]
    pub ephemeral: bool,
    /// Whether scratch space is memory. It counts as memory of the containers.
    #[serde(default)]
    pub memory: bool,
    /// Existing claim in the same namespace.
    #[serde(default)]
    pub claim: Option<ObjectName>,
    /// Secret whose keys become files.
    #[serde(default)]
    pub secret: Option<SecretRef>,
    /// Key of the secret and the file it becomes. Default: every key, under its own name.
    #[serde(default)]
    pub item: Keyed<ConfigKey, RelativePath>,
    /// Path of the node. Platform paths only.
    #[serde(default)]
    pub host_path: Option<AbsolutePath>,
    /// Directory inside the volume that is mounted. Default: its root.
    #[serde(default)]
    pub sub_path: Option<RelativePath>,
    /// Whether the container may only read it.
    #[serde(default)]
    pub read_only: bool,
}

/// Who may use a volume at the same time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// The pods of one node.
    #[default]
    One,
    /// Pods of all nodes, if the storage can.
    Many,
    /// Pods of all nodes, which only read.
    ManyRead,
}

impl Access {
    /// The access mode of Kubernetes.
    pub const fn mode(self) -> &'static str {
        match self {
            Self::One => "ReadWriteOnce",
            Self::Many => "ReadWriteMany",
            Self::ManyRead => "ReadOnlyMany",
        }
    }
}

/// Where a volume or configuration of the same resource is in an `init` or `sidecar` container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["path"]}))]
pub struct Mount {
    /// Where it is in the container.
    pub path: AbsolutePath,
    /// Whether the container may only read it.
    #[serde(default)]
    pub read_only: bool,
}

/// What a volume is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Storage of the pods together.
    Shared,
    /// Storage of each replica.
    PerReplica,
    /// Scratch space.
    Scratch,
    /// An existing claim.
    Claim,
    /// A secret.
    Secret,
    /// A path of the node.
    Host,
}

impl Volume {
    /// What it is made of; the checks refuse a volume that says two things.
    pub fn source(&self) -> Source {
        if self.secret.is_some() {
            Source::Secret
        } else if self.claim.is_some() {
            Source::Claim
        } else if self.host_path.is_some() {
            Source::Host
        } else if self.ephemeral || self.memory {
            Source::Scratch
        } else if self.per_replica {
            Source::PerReplica
        } else {
            Source::Shared
        }
    }
}
