//! A tenant as objects of the platform set: namespaces, the identity of its writes, rights, quota,
//! limits, network policies and gateways.

pub(super) mod network;
mod people;
mod policies;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::fits::redirect_name;
use super::gateway::Gateway;
use super::given::words;
use super::quota::{Amounts, Limits, Quota};
use super::{ENVIRONMENT_LABEL, Namespace, TENANT_LABEL, Tenant};
use crate::kinds::{ObjectRequest, Objects, Scope};
use crate::names::{Name, ObjectName};
use crate::values::resources::{CpuQuantity, MemoryQuantity};

pub(super) fn render(tenant: &Tenant, scope: &Scope<'_>, out: &mut Objects) {
    policies::policies(scope, out);
    policies::fairness(tenant, scope, out);
    people::identity(tenant, scope, out);
    for (name, namespace, settings) in tenant.namespaces(scope) {
        out.push(namespace_object(tenant, scope, name, &namespace, settings));
        people::rights(tenant, scope, &namespace, out);
        quota(tenant, name, &namespace, settings, out);
        network::policies(tenant, scope, &namespace, out);
    }
    for (name, gateway) in tenant.gateway.iter() {
        gateway_objects(tenant, scope, (name, gateway), out);
    }
}

/// The labels by which a tenant's namespaces are told from all others.
pub(super) fn selector(tenant: &str, scope: &Scope<'_>) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        (TENANT_LABEL, tenant.to_owned()),
        (ENVIRONMENT_LABEL, scope.target.environment.clone()),
    ])
}

fn namespace_object(
    tenant: &Tenant,
    scope: &Scope<'_>,
    name: Option<&Name>,
    namespace: &str,
    settings: Option<&Namespace>,
) -> ObjectRequest {
    let own = settings.and_then(|s| s.pod_security);
    let level = own.unwrap_or(tenant.pod_security);
    let level_at = match (name, own) {
        (Some(name), Some(_)) => format!("/namespace/{name}/pod-security"),
        _ => "/pod-security".to_owned(),
    };
    let mut labels: BTreeMap<String, String> = BTreeMap::new();
    for (key, value) in settings.into_iter().flat_map(|s| s.labels.iter()) {
        labels.insert(key.to_string(), value.to_string());
    }
    for (key, value) in selector(tenant.name.as_str(), scope) {
        labels.insert(key.to_owned(), value);
    }
    let all: Vec<String> = tenant.namespaces(scope).into_iter().map(|(_, name, _)| name).collect();
    let longer = tenant.longer(scope);
    ObjectRequest::new("tenant/namespace.yaml.j2")
        .with("level", &level, &level_at)
        .with("owner", &tenant.owner, "/owner")
        .with("hosts", &words(tenant.hosts()), if tenant.gateway.is_empty() { "/hosts" } else { "/gateway" })
        .with("priority_classes", &words(tenant.priority_classes.iter().map(ObjectName::as_str)), "/priority-classes")
        .with("queues", &words(tenant.queues.iter().map(ObjectName::as_str)), "/queues")
        .with("issuer_groups", &words(tenant.issuer_groups.iter().map(ObjectName::as_str)), "/issuer-groups")
        .set("longer", &words(longer.iter().map(String::as_str)))
        .set("namespaces", &words(all.iter().map(String::as_str)))
        .set("namespace", &namespace)
        .set("labels", &labels)
}

fn quota(
    tenant: &Tenant,
    name: Option<&Name>,
    namespace: &str,
    settings: Option<&Namespace>,
    out: &mut Objects,
) {
    let narrower = settings.and_then(|s| s.quota.as_ref());
    let quota = tenant.quota.narrowed(narrower);
    if !quota.is_empty() {
        let own: Vec<String> = narrower.map(Quota::hard).into_iter().flatten().map(|h| h.0).collect();
        let mut hard = Map::new();
        let mut request = ObjectRequest::new("tenant/quota.yaml.j2").set("namespace", &namespace);
        for (counted, amount, field) in quota.hard() {
            let base = match name {
                Some(name) if own.contains(&counted) => format!("/namespace/{name}/quota"),
                _ => "/quota".to_owned(),
            };
            let at = format!("/hard/{}", counted.replace('/', "~1"));
            request.origins.insert(at, format!("{base}{field}"));
            hard.insert(counted, Value::String(amount));
        }
        out.push(request.set("hard", &hard));
    }
    let limits = filled(&tenant.limits, &quota);
    if limits != Limits::default() {
        let request = ObjectRequest::new("tenant/limits.yaml.j2").set("namespace", &namespace);
        out.push(request.with("limits", &limits, "/limits"));
    }
}

/// A container that says nothing gets a small request: under a quota the server would refuse it, and
/// under a maximum it would be given all of that.
fn filled(limits: &Limits, quota: &Quota) -> Limits {
    let bounded = quota.bounds_requests() || !limits.max.is_empty() || !limits.min.is_empty();
    if !bounded {
        return limits.clone();
    }
    let cpu = || between("100m".parse::<CpuQuantity>().ok(), limits.min.cpu, limits.max.cpu);
    let memory = || between("128Mi".parse::<MemoryQuantity>().ok(), limits.min.memory, limits.max.memory);
    Limits {
        default: Amounts {
            cpu: limits.default.cpu.or_else(cpu),
            memory: limits.default.memory.or_else(memory),
        },
        ..limits.clone()
    }
}

fn between<T: Ord + Copy>(wanted: Option<T>, min: Option<T>, max: Option<T>) -> Option<T> {
    let raised = wanted.max(min);
    match (raised, max) {
        (Some(raised), Some(max)) => Some(raised.min(max)),
        (raised, _) => raised,
    }
}

fn gateway_objects(
    tenant: &Tenant,
    scope: &Scope<'_>,
    (name, gateway): (&Name, &Gateway),
    out: &mut Objects,
) {
    let namespace = tenant.namespace_of(gateway.namespace.as_ref(), scope);
    let base = format!("/gateway/{name}");
    let mut request = ObjectRequest::new("tenant/gateway.yaml.j2")
        .set("name", name)
        .set("namespace", &namespace)
        .set("routes_from", &selector(tenant.name.as_str(), scope));
    let mut listeners = Vec::new();
    for (index, (listener_name, listener)) in gateway.listener.iter().enumerate() {
        let at = |field: &str| format!("/listeners/{index}/{field}");
        for field in ["port", "host", "certificate"] {
            let origin = format!("{base}/listener/{listener_name}/{field}");
            request.origins.insert(at(field), origin);
        }
        listeners.push(serde_json::json!({
            "name": listener_name,
            "port": gateway.entry_point(listener),
            "protocol": listener.speaks().kubernetes(),
            "host": listener.host,
            "certificate": listener.certificate,
        }));
        if let Some(redirect) = &listener.redirect {
            let redirected = ObjectRequest::new("tenant/redirect.yaml.j2")
                .set("name", &redirect_name(name, listener_name))
                .set("namespace", &namespace)
                .set("gateway", name)
                .set("listener", listener_name)
                .with("host", &listener.host, &format!("{base}/listener/{listener_name}/host"))
                .with("redirect", redirect, &format!("{base}/listener/{listener_name}/redirect"));
            out.push(redirected);
        }
    }
    out.push(
        request
            .with("class", &gateway.class(), &format!("{base}/class"))
            .set("listeners", &listeners),
    );
}
