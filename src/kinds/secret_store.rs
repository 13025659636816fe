//! A secret store: where External Secrets reads from, and which paths a tenant may read.

mod check;
mod import;
mod render;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::import::{Drafts, Found};
use super::{Findings, Kind, Objects, Scope};
use crate::dsl::form::Repeated;
use crate::dsl::schema::Home;
use crate::names::reference::TenantRef;
use crate::names::{Name, NamespaceName};
use crate::values::path::RelativePath;
use crate::values::url::Url;

/// Where a SecretStore of External Secrets names the namespace that it reads.
pub const SOURCE: &str = "/spec/provider/kubernetes/remoteNamespace";

/// A store of secrets outside the cluster, and who may read what of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["name"]}))]
pub struct SecretStore {
    /// Name of the store, used in `from="STORE:PATH"`.
    pub name: Name,
    /// The program behind it.
    #[serde(default)]
    pub provider: Provider,
    /// Address of the store; Vault needs it.
    #[serde(default)]
    pub server: Option<Url>,
    /// Namespace that holds the secrets, for the Kubernetes provider.
    #[serde(default)]
    pub source_namespace: Option<NamespaceName>,
    /// Mount in Vault at which Kubernetes accounts log in. Default: kubernetes.
    #[serde(default)]
    pub auth_mount: Option<RelativePath>,
    /// Paths that a tenant may read.
    #[serde(default)]
    pub allow: Repeated<Allow>,
}

/// The program behind a store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Provider {
    /// HashiCorp Vault or OpenBao, KV version 2.
    #[default]
    Vault,
    /// Secrets of another namespace of the same cluster.
    Kubernetes,
}

/// Paths that a tenant may read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": [], "rest": "paths"}))]
pub struct Allow {
    /// The tenant.
    pub tenant: TenantRef,
    /// Role in Vault that the tenant's account logs in as; it must allow the same paths. Default: the
    /// tenant's name.
    #[serde(default)]
    pub role: Option<Name>,
    /// Path patterns; `*` stands for any further segments at the end.
    #[schemars(length(min = 1))]
    pub paths: Vec<String>,
}

impl SecretStore {
    /// Whether a tenant may read a path.
    pub fn allows(&self, tenant: &str, path: &str) -> bool {
        let plain = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
        plain
            && self.allowed(tenant).any(|pattern| match pattern.strip_suffix('*') {
                Some(prefix) => path.starts_with(prefix),
                None => pattern == path,
            })
    }

    /// The patterns of the paths that a tenant may read.
    pub fn allowed(&self, tenant: &str) -> impl Iterator<Item = &str> {
        let allow = self.allow.iter().filter(move |a| a.tenant.name() == tenant);
        allow.flat_map(|a| a.paths.iter().map(String::as_str))
    }

    /// A path as its mount and the rest; only Vault has mounts.
    pub fn split<'p>(&self, path: &'p str) -> (Option<&'p str>, &'p str) {
        match self.provider {
            Provider::Vault => match path.split_once('/') {
                Some((mount, rest)) => (Some(mount), rest),
                None => (Some(path), ""),
            },
            Provider::Kubernetes => (None, path),
        }
    }
}

/// The name of a store's SecretStore for one mount.
pub fn object_name(store: &Name, mount: Option<&str>) -> String {
    match mount {
        Some(mount) => format!("{store}-{mount}"),
        None => store.to_string(),
    }
}

impl Kind for SecretStore {
    const NAME: &'static str = "secret-store";
    const HOME: Home = Home::Platform;

    fn check(&self, scope: &Scope<'_>, out: &mut Findings<'_>) {
        check::check(self, scope, out);
    }

    fn render(&self, scope: &Scope<'_>, out: &mut Objects) {
        render::render(self, scope, out);
    }

    fn import(found: &Found, drafts: &mut Drafts) {
        import::import(found, drafts);
    }
}
