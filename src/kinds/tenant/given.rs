//! What the platform gives a tenant by name: hosts, priority classes, queues and issuers. It stands on the
//! tenant's namespaces, where the policies of the API server read it.

use std::collections::BTreeSet;

use super::gateway::{Listener, ListenerProtocol};
use super::proxy::borrows;
use super::Tenant;
use crate::dsl::codes;
use crate::dsl::node::escape;
use crate::kinds::app::App;
use crate::kinds::{Findings, Scope};
use crate::names::ObjectName;
use crate::values::host::HostName;

/// What the annotations begin with that external-dns reads, before its version 0.22 and since.
const EXTERNAL_DNS: [&str; 2] = ["external-dns.alpha.kubernetes.io/", "external-dns.kubernetes.io/"];
/// The annotations among them that are names.
const NAMES: [&str; 2] = ["hostname", "internal-hostname"];
/// Those that only say how names are written down.
const HARMLESS: [&str; 3] = ["ttl", "access", "endpoints-type"];
/// Label by which pods wait in a queue.
pub const QUEUE: &str = "kueue.x-k8s.io/queue-name";
/// Label by which they wait before others.
pub const URGENCY: &str = "kueue.x-k8s.io/priority-class";
/// Stands for any host, where a listener of the tenant answers to all of them.
const ANY: &str = "*";

impl Tenant {
    /// The hosts that are the tenant's, as its namespaces bear them; `*` where a listener that takes
    /// routes names none.
    pub fn hosts(&self) -> BTreeSet<&str> {
        let listeners = || self.gateway.values().flat_map(|gateway| gateway.listener.values());
        let named = listeners().filter_map(|listener| listener.host.as_ref());
        let own = self.hosts.iter().chain(named).map(HostName::as_str);
        let any = listeners().any(|listener| listener.host.is_none() && takes_routes(listener));
        own.chain(any.then_some(ANY)).collect()
    }

    /// Whether a host is the tenant's.
    pub fn has_host(&self, host: &HostName) -> bool {
        let mut listeners = self.gateway.values().flat_map(|gateway| gateway.listener.values());
        self.hosts.iter().any(|own| own.covers(host))
            || listeners.any(|listener| match &listener.host {
                Some(own) => own.covers(host),
                None => takes_routes(listener),
            })
    }
}

/// Whether routes that name hosts may hang on it.
fn takes_routes(listener: &Listener) -> bool {
    listener.redirect.is_none() && listener.speaks() != ListenerProtocol::Tcp
}

/// Names as a namespace bears them; none where there are none.
pub fn words<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let names: BTreeSet<&str> = names.into_iter().collect();
    let all: Vec<&str> = names.into_iter().collect();
    (!all.is_empty()).then(|| all.join(" "))
}

/// Whether external-dns reads an annotation.
pub fn of_dns(key: &str) -> bool {
    EXTERNAL_DNS.iter().any(|prefix| key.starts_with(prefix))
}

/// What is wrong with an annotation that external-dns reads: a host that is not the tenant's, or a word that is not
/// the tenant's to say.
pub fn misnamed(key: &str, value: &str, own: impl Fn(&str) -> bool) -> Option<String> {
    let word = EXTERNAL_DNS.iter().find_map(|prefix| key.strip_prefix(prefix))?;
    if NAMES.contains(&word) {
        let mut names = value.split(',').map(str::trim).filter(|name| !name.is_empty());
        return names.find(|name| !own(name)).map(|name| format!("the host `{name}` is not the tenant's"));
    }
    let harmless = HARMLESS.contains(&word) || word.ends_with("-hostname-source");
    (!harmless).then(|| format!("`{key}` is the platform's to say to external-dns"))
}

/// An app's pods have a priority that is the tenant's, and its Services have hosts that are.
pub fn check(app: &App, scope: &Scope<'_>, out: &mut Findings<'_>) {
    let Some(tenant) = scope.find::<Tenant>(app.tenant.name()) else {
        return;
    };
    let own = |name: &str| name.parse::<HostName>().is_ok_and(|host| tenant.has_host(&host));
    for (port, expose) in app.expose.iter() {
        for (key, value) in expose.annotations.iter() {
            let Some(message) = misnamed(key.as_str(), value.as_str(), own) else {
                continue;
            };
            let pointer = format!("/expose/{port}/annotations/{}", escape(key.as_str()));
            let finding = out.error(codes::NOT_GIVEN, &pointer, message).label("not the tenant's");
            out.push(finding.help(format!(
                "hosts are named, and kept with `ttl`; the platform team names more in `hosts` of tenant `{}`",
                tenant.name
            )));
        }
    }
    borrowed(app, tenant, scope, out);
    pods(app, tenant, out);
    let Some(class) = app.placement.priority.as_ref().filter(|class| !tenant.priority_classes.contains(class)) else {
        return;
    };
    let message = format!("tenant `{}` has no priority class `{class}`", tenant.name);
    let known: Vec<&str> = tenant.priority_classes.iter().map(ObjectName::as_str).collect();
    let help = match &known[..] {
        [] => "leave it out, or ask the platform team to name it in `priority-classes` of the tenant".to_owned(),
        _ => format!("the tenant has {}; the platform team names more in its `priority-classes`", known.join(", ")),
    };
    out.push(out.error(codes::NOT_GIVEN, "/placement/priority", message).label("not the tenant's").help(help));
}

/// Its Services name objects of the proxy that are the tenant's.
fn borrowed(app: &App, tenant: &Tenant, scope: &Scope<'_>, out: &mut Findings<'_>) {
    if app.expose.iter().all(|(_, expose)| expose.annotations.is_empty()) {
        return;
    }
    let own: Vec<String> = tenant.namespaces(scope).into_iter().map(|(_, namespace, _)| namespace).collect();
    let longer: Vec<String> = tenant.longer(scope).into_iter().collect();
    for (port, expose) in app.expose.iter() {
        for (key, value) in expose.annotations.iter() {
            if !borrows(key.as_str(), value.as_str(), &own, &longer) {
                continue;
            }
            let message = format!("`{value}` is no name of an object in a namespace of tenant `{}`", tenant.name);
            let pointer = format!("/expose/{port}/annotations/{}", escape(key.as_str()));
            let finding = out.error(codes::NOT_GIVEN, &pointer, message).label("somebody else's");
            out.push(finding.help(format!("the proxy takes NAMESPACE-NAME@kubernetescrd, in: {}", own.join(", "))));
        }
    }
}

/// What others read on an app's pods: queues, places in them, and names in the DNS.
fn pods(app: &App, tenant: &Tenant, out: &mut Findings<'_>) {
    let given = [(QUEUE, "queue", &tenant.queues), (URGENCY, "priority class", &tenant.priority_classes)];
    for (label, what, own) in given {
        let has = |value: &str| value.is_empty() || own.iter().any(|own| own.as_str() == value);
        let mut written = app.labels.iter().filter(|(key, value)| key.as_str() == label && !has(value.as_str()));
        let Some((_, value)) = written.next() else {
            continue;
        };
        let message = format!("tenant `{}` has no {what} `{value}`", tenant.name);
        let finding = out.error(codes::NOT_GIVEN, &format!("/labels/{}", escape(label)), message);
        out.push(finding.label("not the tenant's").help("leave it out, or ask the platform team for it"));
    }
    for (key, _) in app.annotations.iter().filter(|(key, _)| of_dns(key.as_str())) {
        let message = format!("`{key}` is read by external-dns, and names are those of Services and routes");
        let finding = out.error(codes::NOT_GIVEN, &format!("/annotations/{}", escape(key.as_str())), message);
        out.push(finding.label("not for pods").help("write it as an annotation of `expose`"));
    }
}
