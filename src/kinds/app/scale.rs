//! How many pods there are, and how few there may be.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dsl::form::{Block, Keyed};
use crate::kinds::pod::Plain;
use crate::names::reference::SecretRef;
use crate::names::{ConfigKey, LabelKey, LabelValue, Name};
use crate::values::duration::Duration;
use crate::values::percent::{Share, Utilization};
use crate::values::quantity::Quantity;

/// The number of pods by load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Autoscale {
    /// Fewest pods; none only with a `trigger`, which can tell that there is work again.
    pub min: u32,
    /// Most pods.
    #[schemars(range(min = 1))]
    pub max: u32,
    /// What is measured: `cpu`, `memory` or the name of a custom metric. Default: cpu at 80%.
    #[serde(default)]
    pub metric: Keyed<ConfigKey, Metric>,
    /// Source of work outside of the cluster, such as a queue; read by KEDA.
    #[serde(default)]
    pub trigger: Keyed<Name, Trigger>,
    /// How often the triggers are asked. Default: 30s.
    #[serde(default)]
    pub every: Option<Duration>,
    /// How long nothing must have come in before the last pod is taken away. Default: 5m.
    #[serde(default)]
    pub cool_down: Option<Duration>,
    /// How many pods there are while the triggers cannot be read.
    #[serde(default)]
    pub fallback: Option<Fallback>,
    /// How pods are taken away.
    #[serde(default)]
    pub scale_down: Option<Scaling>,
    /// How pods are added.
    #[serde(default)]
    pub scale_up: Option<Scaling>,
}

/// A source of work that KEDA reads: `trigger orders scaler=kafka { settings { topic orders } }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Trigger {
    /// KEDA's word for the sort of source, such as kafka, rabbitmq, prometheus or cron.
    pub scaler: Name,
    /// What the scaler wants to know, in KEDA's words.
    #[serde(default)]
    pub settings: Block<LabelKey, Plain>,
    /// What the scaler logs in with: each of its parameters from a key of a secret.
    #[serde(default)]
    pub login: Block<LabelKey, Login>,
    /// Whether the number that is read is held for all pods together, not for each. Default: for each.
    #[serde(default)]
    pub total: bool,
}

/// A key of a secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Login {
    /// Secret that holds the value.
    pub secret: SecretRef,
    /// Key in the secret.
    pub key: ConfigKey,
}

/// The number of pods while the triggers cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Fallback {
    /// That number.
    pub replicas: u32,
    /// Failed reads in a row before it counts. Default: 3.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub failures: Option<u32>,
}

impl Autoscale {
    /// Whether KEDA does it, since it needs what the autoscaler of Kubernetes cannot do.
    pub fn by_keda(&self) -> bool {
        !self.trigger.is_empty()
    }
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
