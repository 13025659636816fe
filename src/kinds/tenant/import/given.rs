//! What the platform gave a tenant by name, back into words.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Home;
use crate::kinds::import::{Fields, Found, list, text};
use crate::values::host::HostName;

/// Kinds of workloads, and where they keep the specification of their pods.
const WORKLOADS: &[(&str, &str, &str)] = &[
    ("apps", "DaemonSet", "/spec/template/spec"),
    ("apps", "Deployment", "/spec/template/spec"),
    ("apps", "StatefulSet", "/spec/template/spec"),
    ("batch", "CronJob", "/spec/jobTemplate/spec/template/spec"),
    ("batch", "Job", "/spec/template/spec"),
];

/// Names that its namespaces bear, and those that what stands in them uses.
pub(super) fn given(found: &Found, home: &Home<'_>, bodies: &[Option<&Value>], fields: &mut Fields) {
    let borne = |word: &str| -> BTreeSet<String> {
        let pointer = format!("/metadata/annotations/kubemate.dev~1{word}");
        let texts = bodies.iter().flatten().filter_map(|body| text(body, &pointer));
        texts.flat_map(str::split_whitespace).map(str::to_owned).collect()
    };
    let mut classes = borne("priority-classes");
    for (group, kind, pods) in WORKLOADS {
        let own = found.of(group, kind).filter(|(_, _, place)| place.tenant == home.tenant);
        let used = own.filter_map(|(_, body, _)| text(body, &format!("{pods}/priorityClassName")));
        classes.extend(used.filter(|class| !class.is_empty()).map(str::to_owned));
    }
    put("priority-classes", classes, fields);
    put("queues", borne("queues"), fields);
    put("issuer-groups", borne("issuer-groups").into_iter().chain(signers(found, home)).collect(), fields);
    let listeners = listeners(found, home);
    let hosts = borne("hosts").into_iter().chain(certified(found, home));
    let beside = hosts.filter(|host| !covered(&listeners, host)).collect();
    put("hosts", beside, fields);
}

fn put(field: &str, names: BTreeSet<String>, fields: &mut Fields) {
    fields.may(field, (!names.is_empty()).then(|| json!(names)));
}

/// Hosts of the tenant's listeners.
fn listeners(found: &Found, home: &Home<'_>) -> Vec<HostName> {
    let gateways = found.of("gateway.networking.k8s.io", "Gateway");
    let own = gateways.filter(|(_, _, place)| place.tenant == home.tenant);
    let hosts = own.flat_map(|(_, body, _)| list(body, "/spec/listeners").filter_map(|l| text(l, "/hostname")));
    hosts.filter_map(|host| host.parse().ok()).collect()
}

/// Groups of the issuers that sign the tenant's certificates, beside cert-manager's own.
fn signers<'f>(found: &'f Found, home: &Home<'f>) -> Vec<String> {
    let tenant = home.tenant;
    let all = found.of("cert-manager.io", "Certificate").filter(|(_, _, place)| place.tenant == tenant);
    let groups = all.filter_map(|(_, body, _)| text(body, "/spec/issuerRef/group"));
    groups.filter(|group| !group.is_empty() && *group != "cert-manager.io").map(str::to_owned).collect()
}

/// Hosts that the tenant's certificates are for.
fn certified<'f>(found: &'f Found, home: &Home<'f>) -> Vec<String> {
    let tenant = home.tenant;
    let all = found.of("cert-manager.io", "Certificate").filter(|(_, _, place)| place.tenant == tenant);
    let names = all.flat_map(|(_, body, _)| list(body, "/spec/dnsNames").filter_map(Value::as_str));
    let outside = |host: &&str| !host.ends_with(".svc") && !host.ends_with(".svc.cluster.local");
    names.filter(outside).map(str::to_owned).collect()
}

/// What is no host is none that could be given.
fn covered(listeners: &[HostName], host: &str) -> bool {
    let host = host.parse::<HostName>();
    host.map_or(true, |host| listeners.iter().any(|own| own.covers(&host)))
}
