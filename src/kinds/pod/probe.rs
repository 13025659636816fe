//! Probes: how the cluster asks a container whether it has started, lives and may get traffic.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Plain;
use crate::values::duration::Duration;
use crate::values::network::PortRef;
use crate::values::path::UrlPath;

/// What a probe decides.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeName {
    /// Whether the pod gets traffic.
    Readiness,
    /// Whether the container is restarted.
    Liveness,
    /// Whether the container has started; the other probes wait for it.
    Startup,
}

impl ProbeName {
    /// The word of the language.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Readiness => "readiness",
            Self::Liveness => "liveness",
            Self::Startup => "startup",
        }
    }

    /// The field of Kubernetes.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Readiness => "readinessProbe",
            Self::Liveness => "livenessProbe",
            Self::Startup => "startupProbe",
        }
    }
}

/// A question to a container: `path` asks HTTP, `grpc` a gRPC health service, `exec` runs a command,
/// a `port` alone opens a connection.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Probe {
    /// Path of a GET request that must be answered with a status from 200 to 399.
    #[serde(default)]
    pub path: Option<UrlPath>,
    /// Port to ask, by name or number. Default: the container's only port.
    #[serde(default)]
    pub port: Option<PortRef>,
    /// Whether the request uses TLS. The certificate is not verified.
    #[serde(default)]
    pub tls: bool,
    /// Service to ask for with gRPC; `""` asks for the whole server.
    #[serde(default)]
    pub grpc: Option<String>,
    /// Command that must exit with 0.
    #[serde(default)]
    pub exec: Vec<Plain>,
    /// Period. Default: 10s.
    #[serde(default)]
    pub every: Option<Duration>,
    /// Time to answer. Default: 1s.
    #[serde(default)]
    pub timeout: Option<Duration>,
    /// Time before the first question. Default: none.
    #[serde(default)]
    pub delay: Option<Duration>,
    /// Failures in a row that count as failed. Default: 3.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub failures: Option<u32>,
    /// Successes in a row that count as well again, for readiness. Default: 1.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub successes: Option<u32>,
}
