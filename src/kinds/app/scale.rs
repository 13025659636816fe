//! How many pods there are, and how few there may be.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dsl::form::{Block, Keyed};
use crate::kinds::pod::Plain;
use crate::names::{ConfigKey, LabelKey, LabelValue};
use crate::values::duration::Duration;
use crate::values::percent::{Share, Utilization};
use crate::values::quantity::Quantity;

/// The number of pods by load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Autoscale {
    /// Fewest pods.
    #[schemars(range(min = 1))]
    pub min: u32,
    /// Most pods.
    #[schemars(range(min = 1))]
    pub max: u32,
    /// What is measured: `cpu`, `memory` or the name of a custom metric. Default: cpu at 80%.
    #[serde(default)]
    pub metric: Keyed<ConfigKey, Metric>,
    /// How pods are taken away.
    #[serde(default)]
    pub scale_down: Option<Scaling>,
    /// How pods are added.
    #[serde(default)]
    pub scale_up: Option<Scaling>,
}

/// A metric with the value to hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Metric {
    /// Share of what the pods request, for cpu and memory.
    #[serde(default)]
    pub target: Option<Utilization>,
    /// Average value per pod.
    #[serde(default)]
    pub average: Option<Quantity>,
    /// Whether the metric is not about the pods, such as the length of a queue.
    #[serde(default)]
    pub external: bool,
    /// Labels that choose among several series of a custom metric.
    #[serde(default)]
    pub labels: Block<LabelKey, LabelValue>,
}

/// How fast the number of pods changes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Scaling {
    /// Look-back: the mildest number of this time counts.
    #[serde(default)]
    pub over: Option<Duration>,
    /// Largest change in one period, as a number or a share of the pods.
    #[serde(default)]
    pub by: Option<Share>,
    /// The period of `by`. Default: 1m.
    #[serde(default)]
    pub every: Option<Duration>,
}

/// How many pods maintenance of nodes may take away; one of the two.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Disruption {
    /// Most pods that may be missing.
    #[serde(default)]
    pub max_unavailable: Option<Share>,
    /// Fewest pods that must be there.
    #[serde(default)]
    pub min_available: Option<Share>,
}

/// How a pod is asked to end.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Shutdown {
    /// Time to end before it is killed. Default: 30s.
    #[serde(default)]
    pub grace: Option<Duration>,
    /// Time to go on serving after traffic was turned away; part of `grace`. Default: none.
    #[serde(default)]
    pub drain: Option<Duration>,
    /// Command that is run before the program is asked to end.
    #[serde(default)]
    pub exec: Vec<Plain>,
}
