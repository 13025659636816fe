//! A persistent volume that exists before anybody claims it, such as a share of a file server.

mod check;
mod import;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::import::{Drafts, Found};
use super::pod::Plain;
use super::pod::volume::Access;
use super::storage_class::Reclaim;
use super::tenant::Tenant;
use super::{Findings, Kind, ObjectRequest, Objects, Scope};
use crate::dsl::form::Block;
use crate::dsl::schema::Home;
use crate::names::reference::{StorageClassRef, TenantRef};
use crate::names::{LabelKey, Name, ObjectName};
use crate::values::host::HostName;
use crate::values::path::AbsolutePath;
use crate::values::resources::MemoryQuantity;

/// A volume that exists before anybody claims it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["name"]}))]
pub struct PersistentVolume {
    /// Name of the volume.
    pub name: ObjectName,
    /// The volume exists in the cluster already and is left alone; another environment may make it.
    #[serde(default)]
    pub external: bool,
    /// Its size, such as 500Gi.
    pub size: MemoryQuantity,
    /// Storage class that claims ask for. Default: none; only a claim that names none either gets it.
    #[serde(default)]
    pub class: Option<StorageClassRef>,
    /// Who may use it at the same time. Default: one.
    #[serde(default)]
    pub access: Access,
    /// What becomes of it when its claim is deleted. Default: retain.
    #[serde(default)]
    pub reclaim: Reclaim,
    /// Options of the file system's mount.
    #[serde(default)]
    pub mount_options: Vec<Plain>,
    /// The one claim that may have it. Default: the first that fits.
    #[serde(default)]
    pub claim: Option<Reserved>,
    /// Directory of a file server.
    #[serde(default)]
    pub nfs: Option<Nfs>,
    /// Volume of a storage driver.
    #[serde(default)]
    pub csi: Option<Csi>,
    /// Directory of one node.
    #[serde(default)]
    pub local: Option<Local>,
}

/// The one claim that may have a volume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["name"]}))]
pub struct Reserved {
    /// Name of the claim, which for a volume of an app is APP-VOLUME.
    pub name: ObjectName,
    /// Tenant of the claim.
    pub tenant: TenantRef,
    /// Namespace of the tenant. Default: its only one.
    #[serde(default)]
    pub namespace: Option<Name>,
}

/// A directory of a file server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Nfs {
    /// Name of the server.
    pub server: HostName,
    /// Directory of the server.
    pub path: AbsolutePath,
    /// Whether it may only be read.
    #[serde(default)]
    pub read_only: bool,
}

/// A volume of a storage driver.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Csi {
    /// The driver, such as rbd.csi.ceph.com.
    pub driver: LabelKey,
    /// What the driver calls the volume.
    pub handle: Plain,
    /// File system on it. Default: what the driver decides.
    #[serde(default)]
    pub file_system: Option<Name>,
    /// What the driver wants to know about it.
    #[serde(default)]
    pub attributes: Block<LabelKey, Plain>,
}

/// A directory of one node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Local {
    /// The directory.
    pub path: AbsolutePath,
    /// The node.
    pub node: ObjectName,
}

impl Kind for PersistentVolume {
    const NAME: &'static str = "persistent-volume";
    const HOME: Home = Home::Platform;

    fn check(&self, scope: &Scope<'_>, out: &mut Findings<'_>) {
        check::check(self, scope, out);
    }

    fn render(&self, scope: &Scope<'_>, out: &mut Objects) {
        if self.external {
            return;
        }
        let (source, origin) = self.source();
        let options = Some(&self.mount_options).filter(|options| !options.is_empty());
        let claim = self.claim.as_ref().map(|claim| {
            let tenant = scope.find::<Tenant>(claim.tenant.name());
            let namespace =
                tenant.map(|tenant| tenant.namespace_of(claim.namespace.as_ref(), scope));
            json!({ "name": claim.name, "namespace": namespace })
        });
        let class = self
            .class
            .as_ref()
            .map_or(String::new(), ToString::to_string);
        out.push(
            ObjectRequest::new("persistent-volume/persistent-volume.yaml.j2")
                .with("name", &self.name, "/name")
                .with("size", &self.size, "/size")
                .with("class", &class, "/class")
                .with("access", &self.access.mode(), "/access")
                .with("reclaim", &self.reclaim.policy(), "/reclaim")
                .with("mount_options", &options, "/mount-options")
                .with("claim", &claim, "/claim")
                .with(
                    "node",
                    &self.local.as_ref().map(|local| &local.node),
                    "/local/node",
                )
                .with("source", &source, origin),
        );
    }

    fn import(found: &Found, drafts: &mut Drafts) {
        import::import(found, drafts);
    }
}

impl PersistentVolume {
    /// Where the data is, as Kubernetes writes it, and the field that says so.
    fn source(&self) -> (Value, &'static str) {
        if let Some(nfs) = &self.nfs {
            let value =
                json!({ "server": nfs.server, "path": nfs.path, "readOnly": nfs.read_only });
            return (json!({ "nfs": value }), "/nfs");
        }
        if let Some(csi) = &self.csi {
            let attributes: BTreeMap<&str, &str> = csi
                .attributes
                .iter()
                .map(|(k, v)| (k.as_str(), v.as_str()))
                .collect();
            let attributes = Some(attributes).filter(|map| !map.is_empty());
            let value = json!({
                "driver": csi.driver,
                "volumeHandle": csi.handle,
                "fsType": csi.file_system,
                "volumeAttributes": attributes,
            });
            return (json!({ "csi": value }), "/csi");
        }
        let path = self.local.as_ref().map(|local| &local.path);
        (json!({ "local": { "path": path } }), "/local")
    }
}
