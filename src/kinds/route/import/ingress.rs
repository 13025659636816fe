//! An Ingress as routes of the Gateway API, one for each host, and the gateway that they need.

use serde_json::{Value, json};

use super::{port_number, service_ref};
use crate::kinds::import::{Found, Place, Translated, key, list, text, unread};
use crate::object::ObjectKey;

const INGRESS: (&str, &str) = ("networking.k8s.io", "Ingress");
pub(super) const ROUTE: (&str, &str) = ("gateway.networking.k8s.io", "HTTPRoute");
const GATEWAY: (&str, &str) = super::GATEWAY;
/// Name of a gateway that nobody wrote.
pub(super) const NAME: &str = "public";

pub(super) fn translate(found: &Found) -> Vec<Translated> {
    let all = found.of(INGRESS.0, INGRESS.1);
    all.filter_map(|(key, body, place)| one(found, key, body, place)).collect()
}

fn one(found: &Found, own: &ObjectKey, body: &Value, place: &Place) -> Option<Translated> {
    let namespace = own.namespace.as_deref()?;
    let mut read: Vec<String> = ["/apiVersion", "/kind", "/metadata/name", "/metadata/namespace", "/spec/ingressClassName"]
        .map(str::to_owned)
        .to_vec();
    let mut hosts: Vec<(String, Vec<Value>)> = Vec::new();
    for (index, rule) in list(body, "/spec/rules").enumerate() {
        let host = text(rule, "/host")?;
        let at = format!("/spec/rules/{index}");
        read.push(format!("{at}/host"));
        let mut rules = Vec::new();
        for (number, path) in list(rule, "/http/paths").enumerate() {
            rules.push(self::rule(found, namespace, path)?);
            let at = format!("{at}/http/paths/{number}");
            read.extend(["path", "pathType", "backend/service"].map(|field| format!("{at}/{field}")));
        }
        hosts.push((host.to_owned(), rules));
    }
    let class = text(body, "/spec/ingressClassName")
        .or_else(|| text(body, "/metadata/annotations/kubernetes.io~1ingress.class"))
        .unwrap_or("traefik");
    let mut listeners = vec![plain()];
    for (index, tls) in list(body, "/spec/tls").enumerate() {
        let Some(secret) = text(tls, "/secretName").filter(|s| issued(found, namespace, s)) else { continue };
        for host in list(tls, "/hosts").filter_map(Value::as_str) {
            listeners.push(encrypted(listeners.len(), host, secret));
        }
        read.push(format!("/spec/tls/{index}"));
    }
    let many = hosts.len() > 1;
    let routes = hosts.into_iter().enumerate().map(|(index, (host, rules))| {
        let name = if many { format!("{}-{}", own.name, index + 1) } else { own.name.clone() };
        route(namespace, &name, &[host], rules)
    });
    let mut to: Vec<(ObjectKey, Value)> = routes.collect();
    to.extend(gateway(found, namespace, place, class, listeners));
    Some(Translated {
        from: own.clone(),
        to,
        lost: unread(body, &read),
    })
}

/// Whether somebody renews the certificate that a Secret holds.
pub(super) fn issued(found: &Found, namespace: &str, secret: &str) -> bool {
    found.get(("cert-manager.io", "Certificate"), namespace, secret).is_some()
}

fn rule(found: &Found, namespace: &str, path: &Value) -> Option<Value> {
    let kind = match text(path, "/pathType") {
        Some("Exact") => "Exact",
        _ => "PathPrefix",
    };
    let service = text(path, "/backend/service/name")?;
    let port = path.pointer("/backend/service/port")?;
    let port = port.get("number").or_else(|| port.get("name"))?;
    let port = port_number(found, namespace, service, port)?;
    Some(json!({
        "matches": [{ "path": { "type": kind, "value": text(path, "/path").unwrap_or("/") } }],
        "backendRefs": [service_ref(service, &port, None)],
    }))
}

/// A route at the gateway that nobody wrote.
pub(super) fn route(namespace: &str, name: &str, hosts: &[String], rules: Vec<Value>) -> (ObjectKey, Value) {
    let body = json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": ROUTE.1,
        "metadata": { "name": name, "namespace": namespace },
        "spec": {
            "parentRefs": [{ "group": GATEWAY.0, "kind": GATEWAY.1, "namespace": namespace, "name": NAME }],
            "hostnames": hosts,
            "rules": rules,
        },
    });
    (key(ROUTE, namespace, name), body)
}

pub(super) fn plain() -> Value {
    json!({ "name": "http", "port": 8000, "protocol": "HTTP" })
}

pub(super) fn encrypted(number: usize, host: &str, secret: &str) -> Value {
    let name = if number == 1 { "https".to_owned() } else { format!("https-{number}") };
    let reference = json!({ "group": "", "kind": "Secret", "name": secret });
    json!({
        "name": name,
        "port": 8443,
        "protocol": "HTTPS",
        "hostname": host,
        "tls": { "mode": "Terminate", "certificateRefs": [reference] },
    })
}

/// The gateway that nobody wrote, unless there is one of its name.
pub(super) fn gateway(found: &Found, namespace: &str, place: &Place, class: &str, listeners: Vec<Value>) -> Option<(ObjectKey, Value)> {
    let mut there = found.of(GATEWAY.0, GATEWAY.1);
    if there.any(|(key, _, other)| key.name == NAME && other.tenant == place.tenant) {
        return None;
    }
    let body = json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": GATEWAY.1,
        "metadata": { "name": NAME, "namespace": namespace },
        "spec": { "gatewayClassName": class, "listeners": listeners },
    });
    Some((key(GATEWAY, namespace, NAME), body))
}
