//! Ports, and how they are offered beyond the cluster.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dsl::form::Block;
use crate::names::LabelKey;
use crate::values::network::{self, Cidr};
use crate::values::path::UrlPath;

use super::Plain;

/// A port that a container listens on. The Service offers it under the same name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["number"]}))]
pub struct Port {
    /// Number of the port in the container.
    pub number: network::Port,
    /// Transport protocol. Default: tcp.
    #[serde(default)]
    pub protocol: Transport,
    /// What is spoken on it, for meshes and gateways.
    #[serde(default)]
    pub speaks: Option<Speaks>,
    /// Number of the port in the Service. Default: the same.
    #[serde(default)]
    pub service: Option<network::Port>,
    /// Path on which metrics are read.
    #[serde(default)]
    pub scrape: Option<UrlPath>,
}

/// A transport protocol.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Transport {
    /// The word of Kubernetes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Sctp => "SCTP",
        }
    }
}

/// What is spoken on a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Speaks {
    /// HTTP/1.1.
    Http,
    /// HTTP over TLS.
    Https,
    /// HTTP/2 without TLS.
    H2c,
    /// gRPC.
    Grpc,
    /// WebSocket.
    Ws,
}

impl Speaks {
    /// The word of Kubernetes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::H2c => "kubernetes.io/h2c",
            Self::Grpc => "grpc",
            Self::Ws => "kubernetes.io/ws",
        }
    }
}

/// A port offered beyond the cluster, beside the Service. HTTP is better served by a `route`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Expose {
    /// How it is offered.
    #[serde(rename = "as")]
    pub how: ExposeAs,
    /// Number of the port outside. Default: the one of the Service.
    #[serde(default)]
    pub port: Option<network::Port>,
    /// Number of the port on every node. Default: the cluster chooses.
    #[serde(default)]
    pub node_port: Option<network::Port>,
    /// Only these addresses may connect, for load balancers.
    #[serde(default)]
    pub from: Vec<Cidr>,
    /// Annotations that the load balancer's controller reads.
    #[serde(default)]
    pub annotations: Block<LabelKey, Plain>,
}

/// How a port is offered beyond the cluster.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ExposeAs {
    /// On a port of every node.
    NodePort,
    /// Through a load balancer with an address of its own.
    LoadBalancer,
}

impl ExposeAs {
    /// The word of the language.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NodePort => "node-port",
            Self::LoadBalancer => "load-balancer",
        }
    }

    /// The word of Kubernetes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NodePort => "NodePort",
            Self::LoadBalancer => "LoadBalancer",
        }
    }
}
