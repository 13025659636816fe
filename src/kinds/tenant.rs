//! A tenant: a team with its own namespaces, people, limits and borders.
//!
//! Everything a tenant renders belongs to the platform: the tenant's own files can never widen it.

pub mod address;
mod check;
pub mod fits;
pub mod gateway;
pub mod given;
mod import;
pub mod member;
pub mod network;
pub mod proxy;
pub mod quota;
mod render;
pub mod rights;
mod storage;
#[cfg(test)]
mod tests;
pub mod usage;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::gateway::Gateway;
use self::member::Member;
use self::network::Network;
use self::quota::{Limits, Quota};
use super::import::{Drafts, Found};
use super::{Findings, Kind, Objects, Scope};
use crate::dsl::form::{Block, Keyed};
use crate::dsl::schema::Home;
use crate::names::{LabelKey, LabelValue, Name, ObjectName, TenantName, UserName};
use crate::values::host::HostName;
use crate::values::url::Email;

/// Name of the ServiceAccount that every write of a tenant's set goes through. It stands in the
/// tenant's first namespace.
pub const IDENTITY: &str = "kubemate-tenant";
/// Label of a namespace: its tenant.
pub const TENANT_LABEL: &str = "kubemate.dev/tenant";
/// Label of a namespace: its environment.
pub const ENVIRONMENT_LABEL: &str = "kubemate.dev/environment";

/// A team with its own namespaces, people, limits and borders.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["name"]}))]
pub struct Tenant {
    /// Name of the tenant; its namespaces start with it.
    pub name: TenantName,
    /// Address of the people who answer for it.
    #[serde(default)]
    pub owner: Option<Email>,
    /// Namespace of the tenant, `TENANT-NAME` in the cluster. Default: a single one named after the
    /// tenant. The first one holds the tenant's identity and, unless they say otherwise, its gateways.
    #[serde(default)]
    pub namespace: Keyed<Name, Namespace>,
    /// Person, group or service account with a role in all namespaces of the tenant.
    #[serde(default)]
    pub member: Keyed<UserName, Member>,
    /// What the tenant may request, all its apps together.
    #[serde(default)]
    pub quota: Quota,
    /// What one container may request.
    #[serde(default)]
    pub limits: Limits,
    /// Who may talk to the tenant, and to whom it may talk.
    #[serde(default)]
    pub network: Network,
    /// Where traffic from outside the cluster comes in.
    #[serde(default)]
    pub gateway: Keyed<Name, Gateway>,
    /// Hosts that are the tenant's beside those of its listeners: what its certificates may be for.
    #[serde(default)]
    pub hosts: Vec<HostName>,
    /// Priority classes that its pods may have. Default: none but the cluster's own default.
    #[serde(default)]
    pub priority_classes: Vec<ObjectName>,
    /// Queues that its jobs may wait in. Default: none.
    #[serde(default)]
    pub queues: Vec<ObjectName>,
    /// API groups of issuers, beside cert-manager's own, that may sign its certificates. Default: none.
    #[serde(default)]
    pub issuer_groups: Vec<ObjectName>,
    /// What pods may do on their node. Default: restricted.
    #[serde(default)]
    pub pod_security: PodSecurity,
    /// The tenant may keep secrets in Git as encrypted files: its identity then writes Secrets. Default: no.
    #[serde(default)]
    pub encrypted_secrets: bool,
}

/// One namespace of a tenant.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Namespace {
    /// What pods of this namespace may do on their node. Default: that of the tenant.
    #[serde(default)]
    pub pod_security: Option<PodSecurity>,
    /// This namespace's part of the tenant's quota. Default: up to all of it.
    #[serde(default)]
    pub quota: Option<Quota>,
    /// Labels of the namespace, beside our own.
    #[serde(default)]
    pub labels: Block<LabelKey, LabelValue>,
}

/// A level of the Pod Security Standards.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PodSecurity {
    /// Nothing that a well-behaved program does not need.
    #[default]
    Restricted,
    /// Nothing that is known to lead out of a container.
    Baseline,
    /// Anything: such pods can take over their node.
    Privileged,
}

impl Tenant {
    /// The tenant's namespaces on a target: name in KDL, name in the cluster, settings.
    pub fn namespaces(&self, scope: &Scope<'_>) -> Vec<(Option<&Name>, String, Option<&Namespace>)> {
        let tenant = self.name.as_str();
        if self.namespace.is_empty() {
            return vec![(None, scope.namespace(tenant, None), None)];
        }
        let of = |(name, settings)| {
            let name: &Name = name;
            (Some(name), scope.namespace(tenant, Some(name.as_str())), Some(settings))
        };
        self.namespace.iter().map(of).collect()
    }

    /// The namespace that holds the tenant's identity.
    pub fn home(&self, scope: &Scope<'_>) -> String {
        let first = self.namespace.keys().next();
        scope.namespace(self.name.as_str(), first.map(Name::as_str))
    }

    /// The namespace in the cluster for a name in KDL, the home for none.
    pub fn namespace_of(&self, name: Option<&Name>, scope: &Scope<'_>) -> String {
        match name {
            Some(name) => scope.namespace(self.name.as_str(), Some(name.as_str())),
            None => self.home(scope),
        }
    }
}

impl Kind for Tenant {
    const NAME: &'static str = "tenant";
    const HOME: Home = Home::Platform;
    const NAMES: &'static [(&'static str, &'static str)] = &[
        ("namespace", "/namespace"),
        ("gateway", "/gateway"),
        ("member", "/member"),
    ];

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
