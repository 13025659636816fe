//! A secret of a tenant: where it comes from, never what it is. Apps say `secret=NAME key=KEY`.

mod check;
pub mod envelope;
mod import;
mod render;
mod sealed;
mod template;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tenant::Tenant;
use super::import::{Drafts, Found};
use super::{Findings, Kind, Objects, Scope};
use crate::dsl::form::{Block, Keyed};
use crate::dsl::schema::Home;
use crate::names::reference::{NamespaceRef, TenantRef};
use crate::names::{ConfigKey, Name};
use crate::values::duration::Duration;
use crate::values::path::{RelativePath, SecretSource};

/// A secret that is fetched from a store, or kept encrypted in the repository.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["name"]}))]
pub struct Secret {
    /// Name of the secret and of the Secret in the cluster.
    pub name: Name,
    /// Tenant that it belongs to.
    pub tenant: TenantRef,
    /// Namespaces of the tenant that get it. Default: all of them.
    #[serde(default)]
    pub namespace: Vec<NamespaceRef>,
    /// Store and path that it is fetched from: "vault:kv/payments/checkout".
    #[serde(default)]
    pub from: Option<SecretSource>,
    /// How often it is fetched again. Default: 1h.
    #[serde(default)]
    pub refresh: Option<Duration>,
    /// Keys that are taken. Default: all that the store has at the path, or the file on its first level.
    #[serde(default)]
    pub keys: Vec<ConfigKey>,
    /// Key of the Secret that the store calls otherwise.
    #[serde(default)]
    pub key: Keyed<ConfigKey, Renamed>,
    /// What the Secret holds instead, made of what is fetched.
    #[serde(default)]
    pub template: Option<Template>,
    /// What the Secret is for. Default: opaque.
    #[serde(default)]
    #[serde(rename = "type")]
    pub form: Form,
    /// File encrypted by SOPS for age, instead of `from`: relative to the directory of this one. It is decrypted
    /// where the key is, right before the Secret is written.
    #[serde(default)]
    pub sops: Option<RelativePath>,
}

/// A key of the Secret that the store calls otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Renamed {
    /// What the store calls it. In a JSON document, a path such as `login.name`.
    #[schemars(length(min = 1, max = 253))]
    pub property: String,
}

/// What a Secret holds, made of what is fetched. External Secrets fills it in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Template {
    /// Whether the keys that are fetched stay beside those of `data`. Default: replace.
    #[serde(default)]
    pub merge_policy: MergePolicy,
    /// Key of the Secret, and its value as a template of Go: `{{ .username }}` is what was fetched as `username`.
    pub data: Block<ConfigKey, String>,
}

/// Whether the keys that are fetched stay in a Secret with a template.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MergePolicy {
    /// Only the keys of the template.
    #[default]
    Replace,
    /// Those of the template beside all that are fetched.
    Merge,
}

impl MergePolicy {
    /// As External Secrets writes it.
    pub const fn kubernetes(self) -> &'static str {
        match self {
            Self::Replace => "Replace",
            Self::Merge => "Merge",
        }
    }
}

/// What a Secret is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// Anything.
    #[default]
    Opaque,
    /// Log-in to a registry, in the key `.dockerconfigjson`.
    Registry,
    /// User name and password, in the keys `username` and `password`.
    BasicAuth,
    /// Certificate and key, in the keys `tls.crt` and `tls.key`.
    Tls,
}

impl Form {
    /// As Kubernetes writes it.
    pub const fn kubernetes(self) -> &'static str {
        match self {
            Self::Opaque => "Opaque",
            Self::Registry => "kubernetes.io/dockerconfigjson",
            Self::BasicAuth => "kubernetes.io/basic-auth",
            Self::Tls => "kubernetes.io/tls",
        }
    }

    /// Keys that such a Secret must have.
    pub const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Opaque => &[],
            Self::Registry => &[".dockerconfigjson"],
            Self::BasicAuth => &["username", "password"],
            Self::Tls => &["tls.crt", "tls.key"],
        }
    }
}

impl Secret {
    /// The keys that are fetched, as templates call them; none where all are, whatever they are.
    pub fn fetched(&self) -> Option<Vec<&str>> {
        let all: Vec<&str> = self.keys.iter().chain(self.key.keys()).map(ConfigKey::as_str).collect();
        (!all.is_empty()).then_some(all)
    }

    /// The keys that the Secret has in the cluster; none where only the store knows them.
    pub fn offers(&self) -> Option<Vec<&str>> {
        let Some(template) = &self.template else {
            return self.fetched();
        };
        let mut all: Vec<&str> = template.data.keys().map(ConfigKey::as_str).collect();
        if template.merge_policy == MergePolicy::Merge {
            all.extend(self.fetched()?.into_iter().filter(|key| !template.data.contains_key(*key)));
        }
        Some(all)
    }

    /// The namespaces that it is rendered into.
    pub fn namespaces(&self, scope: &Scope<'_>) -> Vec<String> {
        let tenant = self.tenant.name();
        if !self.namespace.is_empty() {
            let name = |n: &NamespaceRef| scope.namespace(tenant, Some(n.name()));
            return self.namespace.iter().map(name).collect();
        }
        match scope.find::<Tenant>(tenant) {
            Some(tenant) => tenant.namespaces(scope).into_iter().map(|(_, name, _)| name).collect(),
            None => vec![scope.namespace(tenant, None)],
        }
    }
}

impl Kind for Secret {
    const NAME: &'static str = "secret";
    const HOME: Home = Home::Tenant;

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
