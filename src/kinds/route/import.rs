//! The way back of routes: those of the Gateway API with the Middlewares that they name, and what says
//! the same in another form, an Ingress or an IngressRoute.

mod filters;
mod ingress;
mod ingress_route;

use serde_json::{Map, Value, json};

use crate::kinds::import::{Draft, Drafts, Fields, Found, Place, Translated, list, text};
use crate::object::ObjectKey;

const GATEWAY: (&str, &str) = ("gateway.networking.k8s.io", "Gateway");
/// Kinds of routes, and the word for what they speak.
const KINDS: [(&str, &str); 4] = [("HTTPRoute", "http"), ("GRPCRoute", "grpc"), ("TLSRoute", "tls"), ("TCPRoute", "tcp")];

pub(super) fn import(found: &Found, drafts: &mut Drafts) {
    for (kind, word) in KINDS {
        for (key, body, place) in found.of(GATEWAY.0, kind) {
            let draft = one(found, (key, body, place), word, &drafts.all);
            drafts.all.extend(draft);
        }
    }
}

/// Routes that say the same as objects of another form.
pub(super) fn translate(found: &Found) -> Vec<Translated> {
    let mut all = ingress::translate(found);
    all.extend(ingress_route::translate(found));
    all
}

fn one(
    found: &Found,
    (key, body, place): (&ObjectKey, &Value, &Place),
    protocol: &str,
    drafts: &[Draft],
) -> Option<Draft> {
    let namespace = key.namespace.as_deref()?;
    let parents: Vec<&Value> = list(body, "/spec/parentRefs").collect();
    let gateway = text(parents.first()?, "/name")?;
    let own = |parent: &&Value| {
        let place_of = found.places.get(text(parent, "/namespace").unwrap_or(namespace));
        text(parent, "/name") == Some(gateway) && place_of.is_some_and(|p| p.tenant == place.tenant)
    };
    if !parents.iter().all(own) || is_redirect(found, key, body) {
        return None;
    }
    let mut fields = Fields::new();
    fields.put("name", key.name.as_str());
    fields.put("tenant", place.tenant.as_str());
    fields.may("namespace", place.name.as_deref());
    fields.put("gateway", gateway);
    if protocol != "http" {
        fields.put("protocol", protocol);
    }
    let named: Vec<&str> = parents.iter().filter_map(|p| text(p, "/sectionName")).collect();
    let gateway_in = text(parents.first()?, "/namespace").unwrap_or(namespace);
    let all = found.get(GATEWAY, gateway_in, gateway).map(|g| serving(g, body, protocol)).unwrap_or_default();
    if !named.is_empty() && named.iter().any(|n| !all.contains(n)) | (named.len() != all.len()) {
        fields.put("listener", json!(named));
    }
    fields.put("host", list(body, "/spec/hostnames").cloned().collect::<Vec<Value>>());
    let mut rules = Vec::new();
    for rule in list(body, "/spec/rules") {
        rules.extend(self::rules(found, (namespace, place), rule, drafts)?);
    }
    fields.put("rule", rules);
    Some(Draft {
        kind: "route",
        name: key.name.clone(),
        path_of: Some(place.tenant.clone()),
        fields: fields.into(),
        renamed: Vec::new(),
        notes: Vec::new(),
    })
}

/// Whether it is the redirect that a listener says by itself.
fn is_redirect(found: &Found, key: &ObjectKey, body: &Value) -> bool {
    let parent = |field: &str| text(body, &format!("/spec/parentRefs/0/{field}")).unwrap_or_default();
    let known = found.get(GATEWAY, key.namespace.as_deref().unwrap_or_default(), parent("name")).is_some();
    known && key.name == format!("{}-{}-redirect", parent("name"), parent("sectionName"))
}

/// The listeners of a gateway that serve a route which names none.
pub(crate) fn serving<'g>(gateway: &'g Value, route: &Value, protocol: &str) -> Vec<&'g str> {
    let hosts: Vec<&str> = list(route, "/spec/hostnames").filter_map(Value::as_str).collect();
    let speaks = |listener: &Value| {
        let spoken = text(listener, "/protocol").unwrap_or_default();
        match protocol {
            "tls" => spoken == "TLS",
            "tcp" => spoken == "TCP",
            _ => matches!(spoken, "HTTP" | "HTTPS"),
        }
    };
    let serves = |listener: &Value| match text(listener, "/hostname") {
        None => true,
        Some(own) => hosts.is_empty() || hosts.iter().any(|host| covers(own, host)),
    };
    let fit = list(gateway, "/spec/listeners").filter(|l| speaks(l) && serves(l));
    fit.filter_map(|l| text(l, "/name")).collect()
}

fn covers(own: &str, host: &str) -> bool {
    match own.strip_prefix('*') {
        Some(end) => host.ends_with(end) && host.len() > end.len(),
        None => own == host,
    }
}

/// A rule of the object as rules of the language: one for each path and set of conditions.
fn rules(found: &Found, at: (&str, &Place), rule: &Value, drafts: &[Draft]) -> Option<Vec<Value>> {
    let mut groups: Vec<(Value, Vec<Value>)> = Vec::new();
    for matched in list(rule, "/matches") {
        let mut rest = matched.clone();
        let method = rest.get("method").filter(|m| m.is_string()).cloned();
        if let (Some(map), true) = (rest.as_object_mut(), method.is_some()) {
            map.shift_remove("method");
        }
        match groups.iter_mut().find(|(known, _)| *known == rest) {
            Some((_, methods)) => methods.extend(method),
            None => groups.push((rest, method.into_iter().collect())),
        }
    }
    if groups.is_empty() {
        groups.push((Value::Null, Vec::new()));
    }
    let mut rest = Fields::new();
    rest.put("to", backends(at, rule, drafts)?);
    filters::filters(found, at, rule, drafts, &mut rest)?;
    rest.may("timeout", text(rule, "/timeouts/request").and_then(crate::kinds::import::duration));
    let Value::Object(rest) = Value::from(rest) else { return None };
    let one = |(matched, methods): (Value, Vec<Value>)| {
        let mut out = matches(&matched);
        out.put("methods", methods);
        rest.iter().for_each(|(name, value)| out.put(name, value.clone()));
        Value::from(out)
    };
    Some(groups.into_iter().map(one).collect())
}

fn matches(matched: &Value) -> Fields {
    let mut out = Fields::new();
    let value = text(matched, "/path/value").unwrap_or("/");
    match text(matched, "/path/type") {
        Some("Exact") => out.put("path-exact", value),
        Some("RegularExpression") => out.put("path-regex", value),
        _ if matched.get("path").is_some() => out.put("path", value),
        _ => {}
    }
    for (field, ours) in [("headers", "header"), ("queryParams", "query")] {
        for condition in list(matched, &format!("/{field}")) {
            let word = if text(condition, "/type") == Some("RegularExpression") { "regex" } else { "value" };
            if let (Some(name), Some(value)) = (text(condition, "/name"), condition.get("value")) {
                out.entry(ours, name, json!({ word: value }));
            }
        }
    }
    if let Some(call) = matched.get("method").filter(|m| m.is_object()) {
        let mut value = Fields::new();
        value.may("service", text(call, "/service"));
        value.may("method", text(call, "/method"));
        out.put("call", value);
    }
    out
}

/// The apps that a rule leads to; none where one of them is no app of the tenant.
fn backends((namespace, place): (&str, &Place), rule: &Value, drafts: &[Draft]) -> Option<Vec<Value>> {
    let all: Vec<&Value> = list(rule, "/backendRefs").collect();
    let mut out = Vec::new();
    for backend in &all {
        if text(backend, "/namespace").is_some_and(|other| other != namespace) {
            return None;
        }
        let mut one = target(place, backend, drafts)?;
        let weight = backend.get("weight").filter(|w| **w != 1 || all.len() > 1);
        one.may("weight", weight.cloned());
        out.push(one.into());
    }
    Some(out)
}

/// The app and the port that a reference to a Service means.
fn target(place: &Place, backend: &Value, drafts: &[Draft]) -> Option<Fields> {
    let name = text(backend, "/name")?;
    let app = drafts.iter().find(|d| d.kind == "app" && d.name == name && text(&d.fields, "/tenant") == Some(&place.tenant))?;
    let of_sidecars = app.fields.get("sidecar").and_then(Value::as_object).into_iter().flatten();
    let mut ports: Vec<(&String, &Value)> = app.fields.get("port").and_then(Value::as_object).into_iter().flatten().collect();
    for (_, sidecar) in of_sidecars {
        ports.extend(sidecar.get("port").and_then(Value::as_object).into_iter().flatten());
    }
    let number = backend.get("port");
    let served = |port: &Value| port.get("service").or_else(|| port.get("number")) == number;
    let chosen = match number {
        Some(_) => ports.iter().find(|(_, port)| served(port)),
        // A rollout in steps has no ports of its own: its requests go to the first one, or `http`.
        None => ports.iter().find(|(name, _)| *name == "http").or_else(|| ports.first()),
    };
    let (port, _) = chosen?;
    let mut out = Fields::new();
    out.put("app", name);
    if ports.len() > 1 {
        out.put("port", port.as_str());
    }
    Some(out)
}

/// A reference to a Service in the form of the Gateway API.
pub(super) fn service_ref(name: &str, port: &Value, weight: Option<&Value>) -> Value {
    let mut out = Map::new();
    out.insert("group".into(), "".into());
    out.insert("kind".into(), "Service".into());
    out.insert("name".into(), name.into());
    out.insert("port".into(), port.clone());
    out.insert("weight".into(), weight.cloned().unwrap_or_else(|| 1.into()));
    out.into()
}

/// The number of a Service's port that may be named.
pub(super) fn port_number(found: &Found, namespace: &str, service: &str, port: &Value) -> Option<Value> {
    let Some(name) = port.as_str() else { return Some(port.clone()) };
    let body = found.get(("", "Service"), namespace, service)?;
    let named = list(body, "/spec/ports").find(|p| text(p, "/name") == Some(name))?;
    named.get("port").cloned()
}
