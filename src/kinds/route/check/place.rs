//! Gateway, listeners and hosts of a route, and the names it takes for its tenant.

use super::super::place::{Dialect, serves};
use super::super::{Protocol, Route};
use crate::dsl::check::closest;
use crate::dsl::codes;
use crate::kinds::tenant::gateway::Gateway;
use crate::kinds::{Claim, Findings, Scope};
use crate::names::Name;

/// Most hosts of one route; a limit of the Gateway API.
const MAX_HOSTS: usize = 16;

pub(super) fn check(route: &Route, scope: &Scope<'_>, out: &mut Findings<'_>) -> Option<Dialect> {
    hosts(route, out);
    let gateway = route.gateway(scope);
    if let Some((_, gateway)) = gateway {
        answers(route, gateway, out);
    }
    if route.gateway.tenant().is_some_and(|t| t != route.tenant.name()) {
        let message = format!("gateway `{}` admits routes of its own tenant only", route.gateway);
        let finding = out.error(codes::NO_LISTENER, "/gateway", message).label("another tenant's");
        out.push(finding.help(format!("name a gateway of tenant `{}`", route.tenant)));
        return None;
    }
    let (tenant, gateway) = gateway?;
    crate::kinds::tenant::fits::route(route, tenant, out);
    named(route, gateway, out);
    served(route, gateway, out);
    Some(Dialect::of(gateway))
}

fn hosts(route: &Route, out: &mut Findings<'_>) {
    if route.protocol == Protocol::Tcp && !route.host.is_empty() {
        out.push(
            out.error(codes::UNFIT_PROTOCOL, "/host", "bytes of tcp do not tell which host they are for")
                .help("remove it, or use `protocol=tls`: TLS names its host before it is encrypted"),
        );
    }
    for (index, host) in route.host.iter().enumerate() {
        if let Some(first) = route.host[..index].iter().position(|other| other == host) {
            let first = out.value(&format!("/host/{first}"));
            let at = format!("/host/{index}");
            let finding = out.error(codes::SAME_MATCH, &at, format!("`{host}` is named twice"));
            out.push(finding.related(first, "named here first").help("remove one of the two"));
        }
    }
    if route.host.len() > MAX_HOSTS {
        let message = format!("a route answers to at most {MAX_HOSTS} hosts, not {}", route.host.len());
        let finding = out.error(codes::ROUTE_TOO_LARGE, "/host", message);
        out.push(finding.help("use a host such as `*.pay.bank`, or write a second route"));
    }
}

/// Without hosts of its own a route has those of its listeners, which then have some.
fn answers(route: &Route, gateway: &Gateway, out: &mut Findings<'_>) {
    if !route.host.is_empty() {
        return;
    }
    let Some(hosts) = route.hosts(gateway) else {
        let any = route.listeners(gateway).into_iter().find(|(_, listener)| listener.host.is_none());
        let listener = any.map(|(name, _)| name.to_string()).unwrap_or_default();
        let message = format!("route `{}` names no host, and listener `{listener}` answers to any", route.name);
        out.push(
            out.error(codes::MISSING_FIELD, "", message)
                .label("no host")
                .help("add `host \"NAME\"`, or give the listener its host: without one the route would take every host of the gateway"),
        );
        return;
    };
    if hosts.len() > MAX_HOSTS {
        let message = format!("its listeners have {} hosts, and a route answers to at most {MAX_HOSTS}", hosts.len());
        let finding = out.error(codes::ROUTE_TOO_LARGE, "/gateway", message);
        out.push(finding.help("name some of the hosts, or some of the listeners"));
    }
}

/// Listeners that the author chose.
fn named(route: &Route, gateway: &Gateway, out: &mut Findings<'_>) {
    for (index, name) in route.listener.iter().enumerate() {
        let at = format!("/listener/{index}");
        let Some(listener) = gateway.listener.get(name) else {
            let message = format!("gateway `{}` has no listener `{name}`", route.gateway);
            let finding = out.error(codes::NO_LISTENER, &at, message).label("not declared");
            let known: Vec<&str> = gateway.listener.keys().map(Name::as_str).collect();
            let span = out.value(&at);
            out.push(match closest(name.as_str(), known.iter().copied()) {
                Some(meant) => finding.suggestion(span, meant, format!("did you mean `{meant}`?")),
                None => finding.help(format!("known: {}", known.join(", "))),
            });
            continue;
        };
        if listener.redirect.is_some() {
            let message = format!("listener `{name}` sends every request elsewhere");
            let finding = out.error(codes::NO_LISTENER, &at, message).label("takes no routes");
            out.push(finding.help("remove it here, or its `redirect` in the gateway"));
        } else if !route.speaks(listener) {
            let (word, speaks) = (route.protocol.word(), listener.speaks().kubernetes());
            let message = format!("listener `{name}` speaks {speaks}, and the route {word}");
            let finding = out.error(codes::NO_LISTENER, &at, message).label("another protocol");
            out.push(finding.help("name another listener, or change `protocol`"));
        }
    }
}

/// Every host reaches a listener.
fn served(route: &Route, gateway: &Gateway, out: &mut Findings<'_>) {
    let named = |name: &Name| route.listener.is_empty() || route.listener.contains(name);
    let fit: Vec<_> =
        gateway.listener.iter().filter(|(name, l)| named(name) && route.speaks(l)).collect();
    if fit.is_empty() {
        if route.listener.is_empty() {
            let word = route.protocol.word();
            let message = format!("gateway `{}` has no listener for {word}", route.gateway);
            let finding = out.error(codes::NO_LISTENER, "/gateway", message).label("listens for others");
            out.push(finding.help(format!("add a listener that takes {word} to the tenant's gateway")));
        }
        return;
    }
    for (index, host) in route.host.iter().enumerate() {
        if fit.iter().any(|(_, listener)| serves(listener, host)) {
            continue;
        }
        let hosts: Vec<String> =
            fit.iter().filter_map(|(_, l)| l.host.as_ref()).map(|h| format!("`{h}`")).collect();
        let message = format!("no listener of gateway `{}` answers to `{host}`", route.gateway);
        let finding = out.error(codes::NO_LISTENER, &format!("/host/{index}"), message);
        out.push(finding.label("never arrives").help(format!(
            "the listeners answer to {}: choose such a name, or add a listener",
            hosts.join(", ")
        )));
    }
}

/// A host belongs to one tenant and to one environment; inside a tenant, what a rule matches belongs
/// to one route.
pub(super) fn claims(route: &Route, scope: &Scope<'_>, out: &mut Findings<'_>) {
    let gateway = route.gateway(scope).map(|(_, gateway)| gateway);
    let own = || route.host.iter().enumerate().map(|(index, host)| (host, format!("/host/{index}"))).collect();
    // Where the gateway is broken, the hosts that are written are claimed all the same.
    let hosts = gateway.map_or_else(|| Some(own()), |gateway| route.hosts(gateway)).unwrap_or_default();
    for (host, pointer) in hosts {
        let at = out.value(&pointer);
        let claim = |space: &str, name: String, within: &str, holder: String| Claim {
            space: space.to_owned(),
            name,
            within: within.to_owned(),
            across_environments: space == "host",
            environment: scope.target.environment.clone(),
            cluster: scope.target.cluster.clone(),
            holder,
            at,
        };
        let tenant = format!("tenant/{}", route.tenant);
        out.claim(claim("host", host.to_string(), "", tenant.clone()));
        let mut taken: Vec<String> = match route.protocol {
            Protocol::Http | Protocol::Grpc => {
                let rules = route.rule.iter().flat_map(|rule| rule.matches());
                rules.map(|matched| format!("{host}{matched}")).collect()
            }
            Protocol::Tls => vec![format!("{host} of tls")],
            Protocol::Tcp => Vec::new(),
        };
        taken.sort();
        taken.dedup();
        for name in taken {
            out.claim(claim("path", name, &tenant, scope.id.to_string()));
        }
    }
    if route.protocol == Protocol::Tcp {
        listeners(route, scope, out);
    }
}

/// A listener of bytes leads to one route.
fn listeners(route: &Route, scope: &Scope<'_>, out: &mut Findings<'_>) {
    let Some((_, gateway)) = route.gateway(scope) else {
        return;
    };
    for (name, _) in route.listeners(gateway) {
        out.claim(Claim {
            space: "listener for bytes".to_owned(),
            name: format!("{name}` of `{}", route.gateway.name()),
            within: format!("tenant/{}", route.tenant),
            across_environments: false,
            environment: scope.target.environment.clone(),
            cluster: scope.target.cluster.clone(),
            holder: scope.id.to_string(),
            at: out.value("/gateway"),
        });
    }
}
