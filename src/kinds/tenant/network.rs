//! The borders of a tenant in the network. Strict unless it says otherwise: nothing comes in, and
//! nothing goes out but questions to the cluster's DNS and traffic within the tenant.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dsl::form::Repeated;
use crate::names::reference::TenantRef;
use crate::values::network::{Cidr, Port};

/// Namespaces of the cluster that the ingress runs in.
pub const INGRESS_NAMESPACES: &[&str] = &["traefik"];
/// Namespaces of the cluster that collect metrics.
pub const MONITORING_NAMESPACES: &[&str] = &["monitoring"];
/// Namespace of the cluster's DNS.
pub const DNS_NAMESPACE: &str = "kube-system";
/// Addresses that are not on the public internet.
pub const PRIVATE: &[&str] = &[
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
];
/// The same for IPv6.
pub const PRIVATE_V6: &[&str] = &["::1/128", "fc00::/7", "fe80::/10"];

/// Who may talk to the tenant, and to whom it may talk.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Network {
    /// What happens to traffic that no rule names. Default: strict.
    #[serde(default)]
    pub isolation: Isolation,
    /// Traffic that may come in. A tenant with a gateway gets `from ingress` by itself.
    #[serde(default)]
    pub from: Repeated<From>,
    /// Traffic that may go out.
    #[serde(default)]
    pub to: Repeated<To>,
}

/// What happens to traffic that no rule names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    /// It is dropped, in both directions.
    #[default]
    Strict,
    /// It is dropped when it comes in; the tenant may talk to anybody.
    Inbound,
    /// It passes.
    Open,
}

/// Traffic that may come in: exactly one of a word, `tenant=` and `cidr=`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["source"]}))]
pub struct From {
    /// A part of the platform.
    #[serde(default)]
    pub source: Option<Source>,
    /// Another tenant, in the same environment.
    #[serde(default)]
    pub tenant: Option<TenantRef>,
    /// A range of addresses outside the cluster.
    #[serde(default)]
    pub cidr: Option<Cidr>,
    /// The only port. Default: all.
    #[serde(default)]
    pub port: Option<Port>,
    /// Protocol of the port. Default: tcp.
    #[serde(default)]
    pub protocol: Protocol,
}

/// Traffic that may go out: exactly one of a word, `tenant=` and `cidr=`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["destination"]}))]
pub struct To {
    /// A part of the world.
    #[serde(default)]
    pub destination: Option<Destination>,
    /// Another tenant, in the same environment.
    #[serde(default)]
    pub tenant: Option<TenantRef>,
    /// A range of addresses.
    #[serde(default)]
    pub cidr: Option<Cidr>,
    /// The only port. Default: all.
    #[serde(default)]
    pub port: Option<Port>,
    /// Protocol of the port. Default: tcp.
    #[serde(default)]
    pub protocol: Protocol,
}

/// A part of the platform that talks to tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Whatever serves the gateways.
    Ingress,
    /// Whatever collects metrics.
    Monitoring,
    /// Anything anywhere.
    Anywhere,
}

/// A part of the world that a tenant talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Destination {
    /// Public addresses, no private ones.
    Internet,
    /// Anything anywhere.
    Anywhere,
}

/// A protocol that ports belong to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// As Kubernetes writes it.
    pub const fn kubernetes(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Sctp => "SCTP",
        }
    }
}
