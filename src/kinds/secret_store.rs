//! A secret store: where External Secrets reads from, and which paths a tenant may read.

mod check;
mod render;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Findings, Kind, Objects, Scope};
use crate::dsl::form::Repeated;
use crate::dsl::schema::Home;
use crate::names::Name;
use crate::names::reference::TenantRef;
use crate::values::url::Url;

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
    pub source_namespace: Option<Name>,
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
    /// Path patterns; `*` stands for any further segments at the end.
    #[schemars(length(min = 1))]
    pub paths: Vec<String>,
}

impl SecretStore {
    /// Whether a tenant may read a path.
    pub fn allows(&self, tenant: &str, path: &str) -> bool {
        self.allow.iter().filter(|a| a.tenant.name() == tenant).flat_map(|a| &a.paths).any(|pattern| {
            match pattern.strip_suffix('*') {
                Some(prefix) => path.starts_with(prefix),
                None => pattern == path,
            }
        })
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
}
