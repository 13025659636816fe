//! Where traffic from outside the cluster comes in, and the one table from public ports to the entry
//! points behind them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dsl::form::Keyed;
use crate::names::{Name, ObjectName};
use crate::values::host::HostName;
use crate::values::network::Port;

/// Ports that people use, and where Traefik listens for them: it runs without rights to low ports.
pub const ENTRY_POINTS: &[(u16, u16)] = &[(80, 8000), (443, 8443)];

/// The GatewayClass of a gateway that names none.
const CLASS: &str = "traefik";

/// Whether a GatewayClass is one of Traefik's, by how it begins.
pub fn by_traefik(class: &str) -> bool {
    class.starts_with(CLASS)
}

/// Where traffic from outside the cluster comes in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Gateway {
    /// GatewayClass that serves it. Default: traefik.
    #[serde(default)]
    pub class: Option<ObjectName>,
    /// Whether others use the same class. Default: shared.
    #[serde(default)]
    pub mode: Mode,
    /// Namespace of the tenant that holds it. Default: the first one.
    #[serde(default)]
    pub namespace: Option<Name>,
    /// Port that it listens on.
    #[serde(default)]
    pub listener: Keyed<Name, Listener>,
}

/// Whether tenants share what serves a gateway.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Gateways of other tenants may use the same class.
    #[default]
    Shared,
    /// The class is this tenant's alone.
    Dedicated,
}

/// A port that a gateway listens on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Listener {
    /// The port that people use, such as 443.
    pub port: Port,
    /// Host name that it answers to. Default: any.
    #[serde(default)]
    pub host: Option<HostName>,
    /// The tenant's `certificate` that it shows.
    #[serde(default)]
    pub certificate: Option<Name>,
    /// What it speaks. Default: https with a certificate, else http.
    #[serde(default)]
    pub protocol: Option<ListenerProtocol>,
    /// Sends every request elsewhere instead of serving routes.
    #[serde(default)]
    pub redirect: Option<Redirect>,
}

/// What a listener speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ListenerProtocol {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS that ends here.
    Https,
    /// TLS that is passed on unopened.
    Tls,
    /// Bytes.
    Tcp,
}

/// A redirection of every request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Redirect {
    /// The scheme to use instead.
    pub scheme: Scheme,
}

/// The scheme of a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// HTTP over TLS.
    Https,
}

impl Gateway {
    /// The GatewayClass that serves it.
    pub fn class(&self) -> &str {
        self.class.as_ref().map_or(CLASS, ObjectName::as_str)
    }

    /// The port that a listener has in the cluster: Traefik's is behind the public one.
    pub fn entry_point(&self, listener: &Listener) -> u16 {
        let public = listener.port.number();
        let mapped = ENTRY_POINTS.iter().find(|(port, _)| *port == public && by_traefik(self.class()));
        mapped.map_or(public, |(_, entry)| *entry)
    }
}

impl Listener {
    /// What it speaks.
    pub fn speaks(&self) -> ListenerProtocol {
        match (self.protocol, &self.certificate) {
            (Some(protocol), _) => protocol,
            (None, Some(_)) => ListenerProtocol::Https,
            (None, None) => ListenerProtocol::Http,
        }
    }
}

impl ListenerProtocol {
    /// As the Gateway API writes it.
    pub const fn kubernetes(self) -> &'static str {
        match self {
            Self::Http => "HTTP",
            Self::Https => "HTTPS",
            Self::Tls => "TLS",
            Self::Tcp => "TCP",
        }
    }
}
