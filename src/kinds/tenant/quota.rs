//! How much a tenant may use: in all, and in one container.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dsl::form::Keyed;
use crate::names::{Name, ObjectName};
use crate::values::objects::ResourceName;
use crate::values::resources::{CpuQuantity, MemoryQuantity};

/// Ends the name of what volumes of a storage class request.
pub const OF_CLASS: &str = ".storageclass.storage.k8s.io/requests.storage";
/// Counted under their own names, not as objects of a kind.
pub const PLAIN: &[&str] = &["services.loadbalancers", "services.nodeports"];

/// The most that all objects together may request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Quota {
    /// CPU that all pods together may request, in cores.
    #[serde(default)]
    pub cpu: Option<CpuQuantity>,
    /// Memory that all pods together may request, in bytes.
    #[serde(default)]
    pub memory: Option<MemoryQuantity>,
    /// Storage that all volumes together may request, in bytes.
    #[serde(default)]
    pub storage: Option<MemoryQuantity>,
    /// Storage that all volumes of one class together may request, in bytes: `storage-class fast "100Gi"`.
    #[serde(default)]
    pub storage_class: Keyed<ObjectName, MemoryQuantity>,
    /// Number of pods.
    #[serde(default)]
    pub pods: Option<u32>,
    /// Number of objects of a kind, by its plural: `count configmaps 500`.
    #[serde(default)]
    pub count: Keyed<ResourceName, u32>,
    /// Number of GPUs of a model: `gpu h200 2`. Their sum bounds each namespace.
    #[serde(default)]
    pub gpu: Keyed<Name, u32>,
}

/// What one container may request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Limits {
    /// What a container requests that says nothing. Default under a quota: 100m of CPU, 128Mi of memory.
    #[serde(default)]
    pub default: Amounts,
    /// The least that a container may request.
    #[serde(default)]
    pub min: Amounts,
    /// The most that a container may use.
    #[serde(default)]
    pub max: Amounts,
}

/// CPU and memory of one container.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Amounts {
    /// CPU in cores.
    #[serde(default)]
    pub cpu: Option<CpuQuantity>,
    /// Memory in bytes.
    #[serde(default)]
    pub memory: Option<MemoryQuantity>,
}

impl Amounts {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.cpu.is_none() && self.memory.is_none()
    }
}

impl Quota {
    /// Whether nothing is bounded.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// GPUs of all models.
    pub fn gpus(&self) -> Option<u64> {
        (!self.gpu.is_empty()).then(|| self.gpu.values().copied().map(u64::from).sum())
    }

    /// The tenant's quota with what a namespace says laid over it.
    #[must_use]
    pub fn narrowed(&self, by: Option<&Self>) -> Self {
        let Some(by) = by else { return self.clone() };
        let mut quota = self.clone();
        quota.cpu = by.cpu.or(quota.cpu);
        quota.memory = by.memory.or(quota.memory);
        quota.storage = by.storage.or(quota.storage);
        quota.pods = by.pods.or(quota.pods);
        quota.count.0.extend(by.count.iter().map(|(k, v)| (k.clone(), *v)));
        quota.storage_class.0.extend(by.storage_class.iter().map(|(k, v)| (k.clone(), *v)));
        quota.gpu.0.extend(by.gpu.iter().map(|(k, v)| (k.clone(), *v)));
        quota
    }

    /// As the `hard` of a ResourceQuota: what is counted, how much, and the field that says so.
    pub fn hard(&self) -> Vec<(String, String, String)> {
        let mut hard = Vec::new();
        let mut put = |name: &str, amount: Option<String>, field: &str| {
            if let Some(amount) = amount {
                hard.push((name.to_owned(), amount, field.to_owned()));
            }
        };
        put("pods", self.pods.map(|n| n.to_string()), "/pods");
        put("requests.cpu", self.cpu.map(|q| q.to_string()), "/cpu");
        put("requests.memory", self.memory.map(|q| q.to_string()), "/memory");
        put("requests.nvidia.com/gpu", self.gpus().map(|n| n.to_string()), "/gpu");
        put("requests.storage", self.storage.map(|q| q.to_string()), "/storage");
        for (name, number) in self.count.iter() {
            let field = format!("/count/{}", name.as_str().replace('/', "~1"));
            put(&counted(name.as_str()), Some(number.to_string()), &field);
        }
        for (class, amount) in self.storage_class.iter() {
            let counted = format!("{class}{OF_CLASS}");
            put(&counted, Some(amount.to_string()), &format!("/storage-class/{class}"));
        }
        hard.sort();
        hard
    }

    /// Whether pods must say what they request, or be given it.
    pub fn bounds_requests(&self) -> bool {
        self.cpu.is_some() || self.memory.is_some()
    }
}

/// How a ResourceQuota counts objects: `count/deployments.apps`.
fn counted(name: &str) -> String {
    let plain = PLAIN.contains(&name) || name.contains("requests.") || name.contains("limits.");
    if plain || name.contains('/') {
        return name.to_owned();
    }
    format!("count/{name}")
}
