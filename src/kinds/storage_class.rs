//! A storage class: who makes the volumes that apps ask for, and what becomes of their data.

mod check;
mod import;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::import::{Drafts, Found};
use super::pod::Plain;
use super::{Findings, Kind, ObjectRequest, Objects, Scope};
use crate::dsl::form::Block;
use crate::dsl::schema::Home;
use crate::names::{LabelKey, LabelValue, ObjectName};

/// A sort of storage that volumes ask for by its name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["name"]}))]
pub struct StorageClass {
    /// Name of the class, as volumes write it in `class=`.
    pub name: ObjectName,
    /// The class exists in the cluster already and is left alone; it is only named here.
    #[serde(default)]
    pub external: bool,
    /// Driver that makes the volumes, such as rbd.csi.ceph.com.
    #[serde(default)]
    pub provisioner: Option<LabelKey>,
    /// What the driver wants to know; it is the same for all volumes.
    #[serde(default)]
    pub parameters: Block<LabelKey, Plain>,
    /// What becomes of a volume whose claim is deleted. Default: retain.
    #[serde(default)]
    pub reclaim: Reclaim,
    /// When a volume is made. Default: first-pod.
    #[serde(default)]
    pub bind: Bind,
    /// Whether volumes may grow. Default: they may.
    #[serde(default)]
    pub fixed_size: bool,
    /// Options of the file system's mount.
    #[serde(default)]
    pub mount_options: Vec<Plain>,
    /// Zones that volumes are made in. Default: all.
    #[serde(default)]
    pub zones: Vec<LabelValue>,
    /// Volumes that name no class get this one.
    #[serde(default)]
    pub default: bool,
}

/// What becomes of a volume whose claim is deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reclaim {
    /// It is kept with its data until a person deletes it.
    #[default]
    Retain,
    /// It is deleted with its data.
    Delete,
}

impl Reclaim {
    /// The word of Kubernetes.
    pub const fn policy(self) -> &'static str {
        match self {
            Self::Retain => "Retain",
            Self::Delete => "Delete",
        }
    }
}

/// When a volume is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Bind {
    /// When the first pod needs it, near that pod.
    #[default]
    FirstPod,
    /// At once, wherever there is room.
    AtOnce,
}

impl Bind {
    /// The word of Kubernetes.
    pub const fn mode(self) -> &'static str {
        match self {
            Self::FirstPod => "WaitForFirstConsumer",
            Self::AtOnce => "Immediate",
        }
    }
}

impl Kind for StorageClass {
    const NAME: &'static str = "storage-class";
    const HOME: Home = Home::Platform;

    fn check(&self, scope: &Scope<'_>, out: &mut Findings<'_>) {
        check::check(self, scope, out);
    }

    fn render(&self, _scope: &Scope<'_>, out: &mut Objects) {
        if self.external {
            return;
        }
        let parameters: BTreeMap<&str, &str> = self
            .parameters
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        let options = Some(&self.mount_options).filter(|options| !options.is_empty());
        let zones = Some(&self.zones).filter(|zones| !zones.is_empty());
        out.push(
            ObjectRequest::new("storage-class/storage-class.yaml.j2")
                .with("name", &self.name, "/name")
                .with("provisioner", &self.provisioner, "/provisioner")
                .with("parameters", &parameters, "/parameters")
                .with("reclaim", &self.reclaim.policy(), "/reclaim")
                .with("bind", &self.bind.mode(), "/bind")
                .with("grows", &!self.fixed_size, "/fixed-size")
                .with("mount_options", &options, "/mount-options")
                .with("zones", &zones, "/zones")
                .with("default", &self.default, "/default"),
        );
    }

    fn import(found: &Found, drafts: &mut Drafts) {
        import::import(found, drafts);
    }
}
