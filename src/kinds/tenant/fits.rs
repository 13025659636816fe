//! What an app may not be, given the limits of its tenant: a container that the namespace's LimitRange
//! would refuse, or ports on nodes that its quota counts. The API server would accept the workload and
//! refuse its pods.

use super::quota::Amounts;
use super::{Tenant, gateway::Gateway};
use crate::dsl::codes;
use crate::kinds::app::App;
use crate::kinds::pod::Resources;
use crate::kinds::route::Route;
use crate::kinds::{Findings, Scope};
use crate::names::Name;

/// Judges one app.
pub fn check(app: &App, scope: &Scope<'_>, out: &mut Findings<'_>) {
    let Some(tenant) = scope.find::<Tenant>(app.tenant.name()) else {
        return;
    };
    container(tenant, &app.resources, "/resources", out);
    for (group, containers) in [("init", &app.init), ("sidecar", &app.sidecar)] {
        for (name, container) in containers.iter() {
            self::container(tenant, &container.resources, &format!("/{group}/{name}/resources"), out);
        }
    }
    for (counted, needed) in
        [("services.nodeports", app.expose.len()), ("services.loadbalancers", balancers(app))]
    {
        let quota = tenant.quota.count.iter().find(|(name, _)| name.as_str() == counted);
        let Some((_, most)) = quota.filter(|(_, most)| needed > usize::try_from(**most).unwrap_or(usize::MAX)) else {
            continue;
        };
        let message = format!("app `{}` takes {needed} of `{counted}`; its quota is {most}", app.name);
        let finding = out.error(codes::OVER_QUOTA, "/expose", message);
        out.push(finding.help("offer it by a `route` instead, or ask the platform team for a larger quota"));
    }
}

fn balancers(app: &App) -> usize {
    use crate::kinds::pod::network::ExposeAs;
    app.expose.values().filter(|expose| expose.how == ExposeAs::LoadBalancer).count()
}

fn container(tenant: &Tenant, resources: &Resources, pointer: &str, out: &mut Findings<'_>) {
    let all = [("requests", "requests", resources.requests), ("limits", "may use", resources.limits)];
    for (field, does, amounts) in all {
        let amounts = Amounts { cpu: amounts.cpu, memory: amounts.memory };
        for (name, amount, bound, most) in beyond(amounts, tenant) {
            let word = if most { "most" } else { "least" };
            let message =
                format!("a container {does} {amount} of {name}; the {word} in tenant `{}` is {bound}", tenant.name);
            let finding = out.error(codes::BAD_LIMITS, &format!("{pointer}/{field}/{name}"), message);
            out.push(finding.help("its pods would be refused: change it, or ask the platform team for other `limits`"));
        }
    }
}

/// Name, amount, bound, and whether that is an upper one.
fn beyond(amounts: Amounts, tenant: &Tenant) -> Vec<(&'static str, String, String, bool)> {
    let mut all = Vec::new();
    let limits = &tenant.limits;
    for (bounds, most) in [(limits.max, true), (limits.min, false)] {
        let cpu = amounts.cpu.zip(bounds.cpu).filter(|(a, b)| if most { a > b } else { a < b });
        let memory = amounts.memory.zip(bounds.memory).filter(|(a, b)| if most { a > b } else { a < b });
        all.extend(cpu.map(|(a, b)| ("cpu", a.to_string(), b.to_string(), most)));
        all.extend(memory.map(|(a, b)| ("memory", a.to_string(), b.to_string(), most)));
    }
    all
}

/// What the route of a listener that redirects is called.
pub(super) fn redirect_name(gateway: &Name, listener: &Name) -> String {
    format!("{gateway}-{listener}-redirect")
}

/// A route may not have the name of one that a gateway of the tenant makes for itself.
pub fn route(route: &Route, tenant: &Tenant, out: &mut Findings<'_>) {
    let all = tenant.gateway.iter().flat_map(|(name, gateway): (&Name, &Gateway)| {
        let listeners = gateway.listener.iter().filter(|(_, listener)| listener.redirect.is_some());
        listeners.map(move |(listener, _)| (name, listener))
    });
    for (gateway, listener) in all {
        if redirect_name(gateway, listener) == route.name.as_str() {
            let message = format!("`{}` is what gateway `{gateway}` calls the redirection of its listener `{listener}`", route.name);
            let finding = out.error_on_name(codes::RESERVED_NAME, "/name", message).label("the platform's");
            out.push(finding.help("give the route another name"));
        }
    }
}
