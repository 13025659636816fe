//! Where a route hangs and where it leads: gateway, listeners, namespace and Services.

use super::rule::Backend;
use super::{Protocol, Route};
use crate::kinds::Scope;
use crate::kinds::app::App;
use crate::kinds::app::render::released_key;
use crate::kinds::app::rollout::Strategy;
use crate::kinds::pod::Port;
use crate::kinds::tenant::Tenant;
use crate::kinds::tenant::gateway::{Gateway, Listener, ListenerProtocol, by_traefik};
use crate::names::reference::AppRef;
use crate::object::ObjectKey;
use crate::names::{Name, PortName};
use crate::values::host::HostName;

/// What a gateway's class obeys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Traefik: its own Middleware for what its Gateway provider ignores.
    Traefik,
    /// Any other class: what the Gateway API itself can say.
    Portable,
}

/// The Service port that a reference to an app means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Namespace of the app.
    pub namespace: String,
    /// Name of the Service.
    pub name: String,
    /// Number of the port in the Service.
    pub port: u16,
    /// What must be there first, where Flagger makes the Service.
    pub made_by: Option<ObjectKey>,
    /// Whether Flagger splits the requests, so that they go to its TraefikService instead.
    pub split: bool,
}

/// Why a reference to an app means no Service port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoService {
    /// The app is missing or broken, which is said elsewhere.
    Unknown,
    /// Pods that end by themselves have no Service.
    Ends,
    /// It has no ports.
    NoPorts,
    /// It has several, and none is named.
    Which(Vec<String>),
    /// It has no port of that name; these it has.
    NoSuch(Vec<String>),
}

impl Route {
    /// The gateway with its tenant, if both are sound and the tenant's own.
    pub fn gateway<'a>(&self, scope: &Scope<'a>) -> Option<(&'a Tenant, &'a Gateway)> {
        let tenant = scope.find::<Tenant>(self.tenant.name())?;
        let foreign = self.gateway.tenant().is_some_and(|t| t != self.tenant.name());
        let gateway = tenant.gateway.get(self.gateway.name()).filter(|_| !foreign)?;
        Some((tenant, gateway))
    }

    /// The hosts that it answers to, each with the field that decides it: its own, else those of the
    /// listeners it hangs on. None where a listener answers to all: what that is nobody can give away.
    pub fn hosts<'a>(&'a self, gateway: &'a Gateway) -> Option<Vec<(&'a HostName, String)>> {
        if !self.host.is_empty() || self.protocol == Protocol::Tcp {
            let own = self.host.iter().enumerate();
            return Some(own.map(|(index, host)| (host, format!("/host/{index}"))).collect());
        }
        let mut hosts: Vec<(&HostName, String)> = Vec::new();
        for (name, listener) in self.listeners(gateway) {
            let host = listener.host.as_ref()?;
            let at = match self.listener.iter().position(|named| named == name) {
                Some(index) => format!("/listener/{index}"),
                None => "/gateway".to_owned(),
            };
            if !hosts.iter().any(|(other, _)| *other == host) {
                hosts.push((host, at));
            }
        }
        Some(hosts)
    }

    /// The listeners that it hangs on: those named, else all that speak its protocol and serve a host
    /// of it.
    pub fn listeners<'a>(&self, gateway: &'a Gateway) -> Vec<(&'a Name, &'a Listener)> {
        let named = |name: &Name| self.listener.is_empty() || self.listener.contains(name);
        let serves = |listener: &Listener| {
            self.speaks(listener)
                && (self.host.is_empty() || self.host.iter().any(|host| serves(listener, host)))
        };
        let all = gateway.listener.iter();
        all.filter(|(name, listener)| named(name) && serves(listener)).collect()
    }

    /// Whether a listener takes routes of this protocol.
    pub fn speaks(&self, listener: &Listener) -> bool {
        let speaks = listener.speaks();
        listener.redirect.is_none()
            && match self.protocol {
                Protocol::Http | Protocol::Grpc => {
                    matches!(speaks, ListenerProtocol::Http | ListenerProtocol::Https)
                }
                Protocol::Tls => speaks == ListenerProtocol::Tls,
                Protocol::Tcp => speaks == ListenerProtocol::Tcp,
            }
    }

    /// The namespace in the cluster that holds it.
    pub fn namespace(&self, scope: &Scope<'_>) -> String {
        let tenant = self.tenant.name();
        if let Some(namespace) = &self.namespace {
            return scope.namespace(tenant, Some(namespace.name()));
        }
        let backends = self.rule.iter().flat_map(|rule| rule.to.iter());
        let mut apps = backends.filter_map(|backend| scope.find::<App>(&backend.app.to_string()));
        match apps.next() {
            Some(app) => app.namespace(scope),
            None => scope
                .find::<Tenant>(tenant)
                .map_or_else(|| scope.namespace(tenant, None), |t| t.home(scope)),
        }
    }
}

impl Dialect {
    /// What the class of a gateway obeys.
    pub fn of(gateway: &Gateway) -> Self {
        match by_traefik(gateway.class()) {
            true => Self::Traefik,
            false => Self::Portable,
        }
    }
}

impl Backend {
    /// The Service port that gets the requests.
    pub fn service(&self, scope: &Scope<'_>) -> Result<Service, NoService> {
        service(&self.app, self.port.as_ref(), scope)
    }
}

/// Whether a listener answers to a host.
pub fn serves(listener: &Listener, host: &HostName) -> bool {
    listener.host.as_ref().is_none_or(|own| own.covers(host))
}

/// The Service port that an app and the name of a port mean.
pub fn service(
    app: &AppRef,
    port: Option<&PortName>,
    scope: &Scope<'_>,
) -> Result<Service, NoService> {
    let found = scope.find::<App>(&app.to_string()).ok_or(NoService::Unknown)?;
    if found.workload.ends() {
        return Err(NoService::Ends);
    }
    let ports: Vec<(&PortName, &Port)> = found.ports().map(|(_, name, p)| (name, p)).collect();
    let names = || ports.iter().map(|(name, _)| name.to_string()).collect();
    let chosen = match (port, &ports[..]) {
        (_, []) => return Err(NoService::NoPorts),
        (Some(name), all) => all.iter().find(|(n, _)| *n == name).ok_or_else(|| NoService::NoSuch(names()))?,
        (None, [one]) => one,
        (None, _) => return Err(NoService::Which(names())),
    };
    Ok(Service {
        namespace: found.namespace(scope),
        name: found.name.to_string(),
        port: chosen.1.service.unwrap_or(chosen.1.number).number(),
        made_by: found.progressive().map(|_| released_key(found, &found.namespace(scope))),
        split: found.progressive().is_some_and(|r| r.strategy == Strategy::Canary),
    })
}
