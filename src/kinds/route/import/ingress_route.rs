//! An IngressRoute of Traefik as a route of the Gateway API. Its rules are expressions; those that join
//! hosts, paths, methods and headers by `&&` are understood, any other keeps the object as it is.

use serde_json::{Value, json};

use super::ingress::{encrypted, gateway, issued, plain, route};
use super::{port_number, service_ref};
use crate::kinds::import::{Found, Place, Translated, list, text, unread};
use crate::object::ObjectKey;

const KIND: (&str, &str) = ("traefik.io", "IngressRoute");

/// What a rule asks of requests.
#[derive(Default, PartialEq, Eq)]
struct Asked {
    hosts: Vec<String>,
    paths: Vec<Value>,
    methods: Vec<String>,
    headers: Vec<Value>,
}

pub(super) fn translate(found: &Found) -> Vec<Translated> {
    let all = found.of(KIND.0, KIND.1);
    all.filter_map(|(key, body, place)| one(found, key, body, place)).collect()
}

fn one(found: &Found, own: &ObjectKey, body: &Value, place: &Place) -> Option<Translated> {
    let namespace = own.namespace.as_deref()?;
    let mut read: Vec<String> = ["/apiVersion", "/kind", "/metadata/name", "/metadata/namespace"].map(str::to_owned).to_vec();
    let mut hosts: Vec<String> = Vec::new();
    let mut rules = Vec::new();
    for (index, rule) in list(body, "/spec/routes").enumerate() {
        let asked = understood(text(rule, "/match")?)?;
        if hosts.is_empty() {
            hosts.clone_from(&asked.hosts);
        }
        // A route answers to the same hosts with all of its rules.
        if asked.hosts.is_empty() || asked.hosts != hosts {
            return None;
        }
        rules.push(self::rule(found, namespace, rule, &asked)?);
        let at = format!("/spec/routes/{index}");
        read.extend(["kind", "match", "middlewares"].map(|field| format!("{at}/{field}")));
        for number in 0..list(rule, "/services").count() {
            read.extend(["name", "port", "weight"].map(|field| format!("{at}/services/{number}/{field}")));
        }
    }
    let mut listeners = vec![plain()];
    if let Some(secret) = text(body, "/spec/tls/secretName").filter(|s| issued(found, namespace, s)) {
        for host in &hosts {
            listeners.push(encrypted(listeners.len(), host, secret));
        }
        read.push("/spec/tls/secretName".to_owned());
    }
    let mut to = vec![route(namespace, &own.name, &hosts, rules)];
    to.extend(gateway(found, namespace, place, "traefik", listeners));
    Some(Translated {
        from: own.clone(),
        to,
        lost: unread(body, &read),
    })
}

fn rule(found: &Found, namespace: &str, rule: &Value, asked: &Asked) -> Option<Value> {
    let any = vec![json!({ "type": "PathPrefix", "value": "/" })];
    let paths = if asked.paths.is_empty() { &any } else { &asked.paths };
    let mut matches = Vec::new();
    for path in paths {
        let mut one = json!({ "path": path });
        if !asked.headers.is_empty() {
            one["headers"] = json!(asked.headers);
        }
        if asked.methods.is_empty() {
            matches.push(one.clone());
        }
        for method in &asked.methods {
            one["method"] = json!(method);
            matches.push(one.clone());
        }
    }
    let mut backends = Vec::new();
    for service in list(rule, "/services") {
        let name = text(service, "/name")?;
        let port = port_number(found, namespace, name, service.get("port")?)?;
        backends.push(service_ref(name, &port, service.get("weight")));
    }
    let filter = |middleware: &Value| {
        let other = text(middleware, "/namespace").is_some_and(|other| other != namespace);
        let name = text(middleware, "/name").filter(|_| !other)?;
        let target = json!({ "group": "traefik.io", "kind": "Middleware", "name": name });
        Some(json!({ "type": "ExtensionRef", "extensionRef": target }))
    };
    let filters: Option<Vec<Value>> = list(rule, "/middlewares").map(filter).collect();
    let mut out = json!({ "matches": matches, "backendRefs": backends });
    let filters = filters?;
    if !filters.is_empty() {
        out["filters"] = json!(filters);
    }
    Some(out)
}

/// What an expression asks, if it is one that a route can ask.
fn understood(expression: &str) -> Option<Asked> {
    let mut asked = Asked::default();
    for part in expression.split("&&") {
        let part = part.trim();
        let alone = part.strip_prefix('(').and_then(|p| p.strip_suffix(')'));
        let alternatives = alone.filter(|inner| inner.contains("||")).unwrap_or(part);
        let before = (asked.hosts.len(), asked.paths.len(), asked.methods.len());
        for alternative in alternatives.split("||") {
            term(alternative.trim(), &mut asked)?;
        }
        let grown = [before.0 < asked.hosts.len(), before.1 < asked.paths.len(), before.2 < asked.methods.len()];
        // Alternatives of one sort are a list of it; of several sorts, or twice, they are not.
        if grown.iter().filter(|g| **g).count() > 1 || [before.0, before.1, before.2].iter().zip(grown).any(|(n, g)| *n > 0 && g) {
            return None;
        }
        if alternatives.contains("||") && !grown.contains(&true) {
            return None;
        }
    }
    asked.hosts.sort();
    Some(asked)
}

fn term(term: &str, asked: &mut Asked) -> Option<()> {
    let (name, rest) = term.split_once('(')?;
    let inside = rest.strip_suffix(')')?;
    let values: Option<Vec<&str>> = inside.split(',').map(|v| v.trim().strip_prefix(['`', '"'])?.strip_suffix(['`', '"'])).collect();
    match (name, values?.as_slice()) {
        ("Host", [host]) => asked.hosts.push((*host).to_owned()),
        ("PathPrefix", [path]) => asked.paths.push(json!({ "type": "PathPrefix", "value": path })),
        ("Path", [path]) => asked.paths.push(json!({ "type": "Exact", "value": path })),
        ("PathRegexp", [path]) => asked.paths.push(json!({ "type": "RegularExpression", "value": path })),
        ("Method", [method]) => asked.methods.push((*method).to_owned()),
        ("Header", [name, value]) => asked.headers.push(json!({ "type": "Exact", "name": name, "value": value })),
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_understood_or_refused() {
        let asked = understood("(Host(`a.b`) || Host(`c.d`)) && PathPrefix(`/x`) && Method(`GET`)").unwrap();
        assert_eq!(asked.hosts, ["a.b", "c.d"]);
        assert_eq!(asked.paths, [json!({ "type": "PathPrefix", "value": "/x" })]);
        assert_eq!(asked.methods, ["GET"]);
        for odd in [
            "HostRegexp(`.*`)",
            "Host(`a`) || PathPrefix(`/x`)",
            "Host(`a`) && !PathPrefix(`/x`)",
            "Host(`a`) && Host(`b`)",
            "Host(`a`) && (Header(`x`, `1`) || Header(`y`, `1`))",
            "Host(a)",
        ] {
            assert!(understood(odd).is_none(), "{odd}");
        }
    }
}
