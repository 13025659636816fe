//! On which nodes pods run, and how they keep apart.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dsl::form::Repeated;
use crate::names::{LabelKey, LabelValue, ObjectName};
use crate::values::duration::Duration;
use crate::values::objects::LabelMatch;

/// On which nodes pods run, and how they keep apart.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Placement {
    /// Spreads the pods evenly.
    #[serde(default)]
    pub spread: Repeated<Spread>,
    /// Labels that the node must have, as in `"tier=core"`.
    #[serde(default)]
    pub node_label: Vec<LabelMatch>,
    /// Taint of nodes that the pods bear.
    #[serde(default)]
    pub tolerate: Repeated<Toleration>,
    /// Priority class of the pods.
    #[serde(default)]
    pub priority: Option<ObjectName>,
    /// Runtime class of the pods, as for sandboxes and GPUs.
    #[serde(default)]
    pub runtime: Option<ObjectName>,
}

/// An even spread of the pods.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Spread {
    /// Over what.
    pub by: SpreadBy,
    /// Largest difference in the number of pods. Default: 1.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub skew: u32,
    /// Whether a pod waits rather than break the spread. Default: it is placed anyway.
    #[serde(default)]
    pub strict: bool,
}

fn one() -> u32 {
    1
}

/// Over what pods are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SpreadBy {
    /// Zones.
    Zone,
    /// Nodes.
    Node,
}

impl SpreadBy {
    /// The label of nodes.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Zone => "topology.kubernetes.io/zone",
            Self::Node => "kubernetes.io/hostname",
        }
    }
}

/// A taint that the pods bear: `tolerate gpu value=h200 effect=no-schedule`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["key"]}))]
pub struct Toleration {
    /// Key of the taint.
    pub key: LabelKey,
    /// Value of the taint. Default: any.
    #[serde(default)]
    pub value: Option<LabelValue>,
    /// Effect of the taint. Default: every one.
    #[serde(default)]
    pub effect: Option<Effect>,
    /// How long a pod stays on a node that got the taint. Default: for ever.
    #[serde(default, rename = "for")]
    pub lasting: Option<Duration>,
}

/// What a taint does to pods that do not bear it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// They are not placed there.
    NoSchedule,
    /// They are placed there last.
    PreferNoSchedule,
    /// They are removed.
    NoExecute,
}

impl Effect {
    /// The word of Kubernetes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoSchedule => "NoSchedule",
            Self::PreferNoSchedule => "PreferNoSchedule",
            Self::NoExecute => "NoExecute",
        }
    }
}
