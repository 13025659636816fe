//! CPU, memory and devices of a container.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dsl::form::Keyed;
use crate::values::objects::ResourceName;
use crate::values::resources::{CpuQuantity, MemoryQuantity};

/// What a container asks for and what it may use at most.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Resources {
    /// Reserved for the container; decides where it fits.
    #[serde(default)]
    pub requests: Amounts,
    /// Most that it may use: more CPU is slowed down, more memory is killed.
    #[serde(default)]
    pub limits: Amounts,
    /// Whole devices, as in `device "nvidia.com/gpu" 1`.
    #[serde(default)]
    pub device: Keyed<ResourceName, u32>,
}

/// Amounts of what every node has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Amounts {
    /// CPU in cores, as in `cpu="250m"`.
    #[serde(default)]
    pub cpu: Option<CpuQuantity>,
    /// Memory, as in `memory="256Mi"`.
    #[serde(default)]
    pub memory: Option<MemoryQuantity>,
    /// Disk of the node for logs, scratch files and the writable layer.
    #[serde(default)]
    pub scratch: Option<MemoryQuantity>,
}
