//! A route: which requests that reach a gateway go to which apps, and what is done to them on the way.
//!
//! It becomes the objects that the gateway's class really obeys. What the class would silently ignore
//! is refused, with the reason.

mod check;
pub(crate) mod import;
pub mod place;
pub mod policy;
mod render;
pub mod rule;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::rule::Rule;
use super::import::{Drafts, Found, Translated};
use super::{Findings, Kind, Objects, Scope};
use crate::dsl::form::Repeated;
use crate::dsl::schema::Home;
use crate::names::Name;
use crate::names::reference::{GatewayRef, NamespaceRef, TenantRef};
use crate::values::host::HostName;

/// Which requests that reach a gateway go to which apps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["name"]}))]
pub struct Route {
    /// Name of the route and of its object.
    pub name: Name,
    /// Tenant that the route belongs to.
    pub tenant: TenantRef,
    /// Namespace of the tenant that holds it. Default: the one of the apps it leads to.
    #[serde(default)]
    pub namespace: Option<NamespaceRef>,
    /// Gateway of the tenant where the requests arrive.
    pub gateway: GatewayRef,
    /// Listeners of the gateway. Default: all that serve a host of the route.
    #[serde(default)]
    pub listener: Vec<Name>,
    /// What is spoken. Default: http.
    #[serde(default)]
    pub protocol: Protocol,
    /// Host name that it answers to, such as checkout.pay.bank. Default: the hosts of its listeners.
    #[serde(default)]
    pub host: Repeated<HostName>,
    /// Requests that are treated alike. The most exact match of all rules decides, not their order.
    #[serde(default)]
    pub rule: Repeated<Rule>,
}

/// What is spoken on a route.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// HTTP, also with WebSocket.
    #[default]
    Http,
    /// gRPC.
    Grpc,
    /// TLS that is passed on unopened; only its host name can be seen.
    Tls,
    /// Bytes; nothing of them can be seen.
    Tcp,
}

impl Protocol {
    /// The word of the language.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Grpc => "grpc",
            Self::Tls => "tls",
            Self::Tcp => "tcp",
        }
    }

    /// Whether requests can be told apart and changed.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Http | Self::Grpc)
    }
}

impl Kind for Route {
    const NAME: &'static str = "route";
    const HOME: Home = Home::Tenant;

    fn check(&self, scope: &Scope<'_>, out: &mut Findings<'_>) {
        check::check(self, scope, out);
    }

    fn render(&self, scope: &Scope<'_>, out: &mut Objects) {
        render::render(self, scope, out);
    }

    fn translate(found: &Found) -> Vec<Translated> {
        import::translate(found)
    }

    fn import(found: &Found, drafts: &mut Drafts) {
        import::import(found, drafts);
    }
}
