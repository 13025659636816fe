//! A tenant's borders as NetworkPolicies: one that drops everything, one for what every namespace
//! needs, and one per declared rule.

use serde_json::{Value, json};

use super::super::Tenant;
use super::super::network::{
    DNS_NAMESPACE, Destination, From, INGRESS_NAMESPACES, Isolation, MONITORING_NAMESPACES, PRIVATE,
    PRIVATE_V6, Protocol, Source, To,
};
use super::selector;
use crate::kinds::{ObjectRequest, Objects, Scope};
use crate::names::reference::TenantRef;
use crate::values::network::{Cidr, Port};

/// The label that the API server puts on every namespace.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

pub(super) fn policies(tenant: &Tenant, scope: &Scope<'_>, namespace: &str, out: &mut Objects) {
    let network = &tenant.network;
    let types: &[&str] = match network.isolation {
        Isolation::Strict => &["Ingress", "Egress"],
        Isolation::Inbound => &["Ingress"],
        Isolation::Open => return,
    };
    let outbound = network.isolation == Isolation::Strict;
    out.push(
        ObjectRequest::new("tenant/default-deny.yaml.j2")
            .with("isolation", &network.isolation, "/network/isolation")
            .set("namespace", &namespace)
            .set("types", &types),
    );
    out.push(
        ObjectRequest::new("tenant/within.yaml.j2")
            .set("namespace", &namespace)
            .set("dns", &DNS_NAMESPACE)
            .set("outbound", &outbound)
            .set("types", &types)
            .set("own", &selector(tenant.name.as_str(), scope)),
    );
    if !tenant.gateway.is_empty() && !network.from.iter().any(|rule| rule.source == Some(Source::Ingress)) {
        let peers = vec![named(INGRESS_NAMESPACES)];
        out.push(allow(("from-ingress", "/gateway"), namespace, "Ingress", &peers));
    }
    for (index, rule) in network.from.iter().enumerate() {
        let at = format!("/network/from/{index}");
        let name = from_name(rule);
        let request = allow((&name, &at), namespace, "Ingress", &from_peers(rule, scope));
        out.push(ports(request, rule.port, rule.protocol, &at));
    }
    if !outbound {
        return;
    }
    for (index, rule) in network.to.iter().enumerate() {
        let at = format!("/network/to/{index}");
        let name = to_name(rule);
        let request = allow((&name, &at), namespace, "Egress", &to_peers(rule, scope));
        out.push(ports(request, rule.port, rule.protocol, &at));
    }
}

fn allow((name, at): (&str, &str), namespace: &str, direction: &str, peers: &[Value]) -> ObjectRequest {
    ObjectRequest::new("tenant/allow.yaml.j2")
        .set("name", &name)
        .set("namespace", &namespace)
        .set("direction", &direction)
        .with("peers", &peers, at)
        .set("port", &None::<u16>)
        .set("protocol", &Protocol::Tcp.kubernetes())
}

fn ports(request: ObjectRequest, port: Option<Port>, protocol: Protocol, at: &str) -> ObjectRequest {
    request
        .with("port", &port, &format!("{at}/port"))
        .set("protocol", &protocol.kubernetes())
}

/// What the policy of a rule for traffic that comes in is called.
pub(in super::super) fn from_name(rule: &From) -> String {
    format!("from-{}", name_of(&from_word(rule), rule.port, rule.protocol))
}

/// What the policy of a rule for traffic that goes out is called.
pub(in super::super) fn to_name(rule: &To) -> String {
    format!("to-{}", name_of(&to_word(rule), rule.port, rule.protocol))
}

fn from_word(rule: &From) -> String {
    let word = rule.source.map(|source| match source {
        Source::Ingress => "ingress".to_owned(),
        Source::Monitoring => "monitoring".to_owned(),
        Source::Anywhere => "anywhere".to_owned(),
    });
    word.unwrap_or_else(|| other_word(rule.tenant.as_ref().map(TenantRef::name), rule.cidr))
}

fn to_word(rule: &To) -> String {
    let word = rule.destination.map(|destination| match destination {
        Destination::Internet => "internet".to_owned(),
        Destination::Anywhere => "anywhere".to_owned(),
    });
    word.unwrap_or_else(|| other_word(rule.tenant.as_ref().map(TenantRef::name), rule.cidr))
}

fn other_word(tenant: Option<&str>, cidr: Option<Cidr>) -> String {
    match (tenant, cidr) {
        (Some(tenant), _) => format!("tenant-{tenant}"),
        (None, Some(cidr)) => cidr.to_string().replace(['.', ':', '/'], "-"),
        (None, None) => "nobody".to_owned(),
    }
}

/// The name says what the policy allows, so that rules can move in the file without being rewritten.
fn name_of(word: &str, port: Option<Port>, protocol: Protocol) -> String {
    let protocol = match protocol {
        Protocol::Tcp => "",
        Protocol::Udp => "-udp",
        Protocol::Sctp => "-sctp",
    };
    let port = port.map_or(String::new(), |port| format!("-{port}"));
    // An IPv6 range may end in `::/N`, which leaves dashes in a row: they are valid inside a name.
    format!("{word}{port}{protocol}")
}

fn from_peers(rule: &From, scope: &Scope<'_>) -> Vec<Value> {
    match rule.source {
        Some(Source::Ingress) => vec![named(INGRESS_NAMESPACES)],
        Some(Source::Monitoring) => vec![named(MONITORING_NAMESPACES)],
        Some(Source::Anywhere) => anywhere(),
        None => other_peers(rule.tenant.as_ref().map(TenantRef::name), rule.cidr, scope),
    }
}

fn to_peers(rule: &To, scope: &Scope<'_>) -> Vec<Value> {
    match rule.destination {
        Some(Destination::Internet) => vec![
            json!({ "ipBlock": { "cidr": "0.0.0.0/0", "except": PRIVATE } }),
            json!({ "ipBlock": { "cidr": "::/0", "except": PRIVATE_V6 } }),
        ],
        Some(Destination::Anywhere) => anywhere(),
        None => other_peers(rule.tenant.as_ref().map(TenantRef::name), rule.cidr, scope),
    }
}

/// Addresses outside the cluster and pods of every namespace: a plugin may tell the two apart.
fn anywhere() -> Vec<Value> {
    vec![
        json!({ "namespaceSelector": {} }),
        json!({ "ipBlock": { "cidr": "0.0.0.0/0" } }),
        json!({ "ipBlock": { "cidr": "::/0" } }),
    ]
}

fn other_peers(tenant: Option<&str>, cidr: Option<Cidr>, scope: &Scope<'_>) -> Vec<Value> {
    let tenant = tenant.map(|tenant| json!({ "namespaceSelector": { "matchLabels": selector(tenant, scope) } }));
    let cidr = cidr.map(|cidr| json!({ "ipBlock": { "cidr": cidr } }));
    tenant.into_iter().chain(cidr).collect()
}

fn named(namespaces: &[&str]) -> Value {
    let expression = json!({ "key": NAME_LABEL, "operator": "In", "values": namespaces });
    json!({ "namespaceSelector": { "matchExpressions": [expression] } })
}
