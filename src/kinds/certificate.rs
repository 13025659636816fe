//! A certificate of a tenant: asked for, renewed and kept by cert-manager.

mod check;
mod import;
mod render;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tenant::Tenant;
use super::import::{Drafts, Found};
use super::{Findings, Kind, Objects, Scope};
use crate::dsl::form::Repeated;
use crate::dsl::schema::Home;
use crate::names::reference::{NamespaceRef, TenantRef};
use crate::names::{Name, ObjectName};
use crate::values::duration::Duration;
use crate::values::host::HostName;
use crate::values::objects::KindName;

/// A TLS certificate that is asked for and renewed by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["name"]}))]
pub struct Certificate {
    /// Name of the certificate and of the Secret that holds it.
    pub name: Name,
    /// Tenant that it belongs to.
    pub tenant: TenantRef,
    /// Namespaces of the tenant that hold it. Default: those of the gateways that show it, else the
    /// tenant's first one.
    #[serde(default)]
    pub namespace: Vec<NamespaceRef>,
    /// Issuer of cert-manager that signs it.
    pub issuer: ObjectName,
    /// Whether the issuer serves the whole cluster. Default: cluster.
    #[serde(default)]
    pub issuer_kind: IssuerKind,
    /// What kind of object the issuer is, where it is none of cert-manager's own.
    #[serde(default)]
    pub issuer_ref: Option<IssuerRef>,
    /// Host name that it is for.
    #[serde(default)]
    pub host: Repeated<HostName>,
    /// The one name that it bears as its subject: one of its hosts, or of the tenant's `hosts`. Default: none.
    #[serde(default)]
    pub common_name: Option<HostName>,
    /// What its key may be used for. Default: digital-signature key-encipherment.
    #[serde(default)]
    pub usages: Vec<Usage>,
    /// How long it is valid. Default: what the issuer decides.
    #[serde(default)]
    pub duration: Option<Duration>,
    /// How long before its end it is renewed. Default: a third of its duration.
    #[serde(default)]
    pub renew_before: Option<Duration>,
    /// Algorithm of its key. Default: ecdsa.
    #[serde(default)]
    pub key: Key,
}

/// Where an issuer stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IssuerKind {
    /// A ClusterIssuer, of the platform.
    #[default]
    Cluster,
    /// An Issuer in the same namespace.
    Namespace,
}

/// The kind of an issuer that another program than cert-manager serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct IssuerRef {
    /// Its API group, one of the tenant's `issuer-groups`.
    pub group: ObjectName,
    /// Its kind, as in AWSPCAClusterIssuer.
    pub kind: KindName,
}

/// What a key may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Usage {
    /// Signing what is said in a connection.
    DigitalSignature,
    /// Encrypting other keys, as RSA does in older TLS.
    KeyEncipherment,
    /// Agreeing on a key.
    KeyAgreement,
    /// Encrypting data itself.
    DataEncipherment,
    /// Signatures that cannot be denied later.
    ContentCommitment,
    /// Proving a server to its clients.
    ServerAuth,
    /// Proving a client to servers.
    ClientAuth,
    /// Signing programs.
    CodeSigning,
    /// Signing and encrypting mail.
    EmailProtection,
}

impl Usage {
    /// As cert-manager writes it.
    pub const fn kubernetes(self) -> &'static str {
        match self {
            Self::DigitalSignature => "digital signature",
            Self::KeyEncipherment => "key encipherment",
            Self::KeyAgreement => "key agreement",
            Self::DataEncipherment => "data encipherment",
            Self::ContentCommitment => "content commitment",
            Self::ServerAuth => "server auth",
            Self::ClientAuth => "client auth",
            Self::CodeSigning => "code signing",
            Self::EmailProtection => "email protection",
        }
    }
}

/// The algorithm of a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Key {
    /// ECDSA on P-256.
    #[default]
    Ecdsa,
    /// RSA of 2048 bits, for old clients.
    Rsa,
    /// Ed25519, for clients that know it.
    Ed25519,
}

impl IssuerKind {
    /// As cert-manager writes it.
    pub const fn kubernetes(self) -> &'static str {
        match self {
            Self::Cluster => "ClusterIssuer",
            Self::Namespace => "Issuer",
        }
    }
}

impl Certificate {
    /// The namespaces that it is rendered into.
    pub fn namespaces(&self, scope: &Scope<'_>) -> Vec<String> {
        let tenant = self.tenant.name();
        if !self.namespace.is_empty() {
            let name = |n: &NamespaceRef| scope.namespace(tenant, Some(n.name()));
            return self.namespace.iter().map(name).collect();
        }
        let Some(owner) = scope.find::<Tenant>(tenant) else {
            return vec![scope.namespace(tenant, None)];
        };
        let shows = |gateway: &super::tenant::gateway::Gateway| {
            let mut shown = gateway.listener.values().filter_map(|l| l.certificate.as_ref());
            shown.any(|name| *name == self.name)
        };
        let gateways = owner.gateway.values().filter(|gateway| shows(gateway));
        let mut namespaces: Vec<String> =
            gateways.map(|g| owner.namespace_of(g.namespace.as_ref(), scope)).collect();
        namespaces.sort();
        namespaces.dedup();
        if namespaces.is_empty() {
            namespaces.push(owner.home(scope));
        }
        namespaces
    }
}

impl Kind for Certificate {
    const NAME: &'static str = "certificate";
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
