//! Services that lead to an app: what its ports are called and how they are offered.
//!
//! Only Services of the names that an app gives to its own are taken. Any other stays as it is and goes
//! on finding the pods, since these keep their labels.

use serde_json::{Value, json};

use crate::kinds::import::{Fields, Found, list, map, selector, selects, text};
use crate::kinds::pod::import::{Back, port_name, speaks};
use crate::kinds::pod::network::ExposeAs;
use crate::object::ObjectKey;

/// How each port number of the pod is called by a Service that leads to it; the app's own Service counts
/// before all others.
pub(super) fn names(found: &Found, key: &ObjectKey, template: &Value) -> Vec<(u64, String)> {
    let mut services: Vec<(&ObjectKey, &Value)> = leading(found, key, template).collect();
    services.sort_by_key(|(service, _)| service.name != key.name);
    let mut out: Vec<(u64, String)> = Vec::new();
    for port in services.iter().flat_map(|(_, body)| list(body, "/spec/ports")) {
        let target = port.get("targetPort").or_else(|| port.get("port")).and_then(Value::as_u64);
        if let (Some(number), Some(name)) = (target, text(port, "/name")) {
            out.push((number, name.to_owned()));
        }
    }
    out
}

fn leading<'f>(found: &'f Found, key: &'f ObjectKey, template: &'f Value) -> impl Iterator<Item = (&'f ObjectKey, &'f Value)> {
    let labels = template.pointer("/metadata/labels");
    let fits = move |body: &Value| selects(&selector(body, "/spec/selector"), labels);
    found
        .of("", "Service")
        .filter(move |(service, body, _)| service.namespace == key.namespace && fits(body))
        .map(|(service, body, _)| (service, body))
}

/// What the Services of the app say about its ports.
pub(super) fn services(back: &mut Back<'_>, template: &Value, fields: &mut Fields) {
    let all: Vec<(String, Value)> = leading(back.found, back.key, template)
        .map(|(key, body)| (key.name.clone(), body.clone()))
        .collect();
    let suffix = |way: ExposeAs| format!("{}-{}", back.owner, way.word());
    let names = [
        (back.owner.to_owned(), None),
        (suffix(ExposeAs::NodePort), Some(ExposeAs::NodePort)),
        (suffix(ExposeAs::LoadBalancer), Some(ExposeAs::LoadBalancer)),
    ];
    let way_of = |body: &Value| {
        let kind = text(body, "/spec/type");
        [ExposeAs::NodePort, ExposeAs::LoadBalancer].into_iter().find(|way| kind == Some(way.name()))
    };
    for (name, way) in names {
        let Some((_, body)) = all.iter().find(|(service, _)| *service == name) else {
            continue;
        };
        for port in list(body, "/spec/ports") {
            let Some(own) = own_port(back, port, fields) else { continue };
            if way.is_none() {
                served(&own, port, fields);
            }
            if let Some(way) = way.or_else(|| way_of(body)) {
                exposed(&own, (port, body), way, fields);
            }
        }
    }
}

/// The name in the language of the port that a Service leads to; a port that no container declares is
/// declared here.
fn own_port(back: &Back<'_>, port: &Value, fields: &mut Fields) -> Option<String> {
    let target = port.get("targetPort").or_else(|| port.get("port"))?;
    if let Some(name) = target.as_str() {
        return Some(name.to_owned());
    }
    let number = target.as_u64()?;
    let all = list(back.spec, "/containers").flat_map(|c| list(c, "/ports"));
    let mut all = all.filter(|p| p.get("containerPort").and_then(Value::as_u64) == Some(number));
    if let Some(declared) = all.next() {
        return Some(port_name(back, declared, number));
    }
    let name = text(port, "/name").map_or_else(|| format!("port-{number}"), str::to_owned);
    fields.entry("port", &name, json!({ "number": number }));
    Some(name)
}

/// Number and protocol of a port in the app's own Service.
fn served(name: &str, port: &Value, fields: &mut Fields) {
    let change = |own: &mut Value| {
        if let Some(number) = port.get("port").filter(|n| own.get("number") != Some(n)) {
            own["service"] = number.clone();
        }
        if let Some(word) = text(port, "/appProtocol").and_then(speaks) {
            own["speaks"] = word.into();
        }
    };
    if fields.get("port").is_some_and(|ports| ports.get(name).is_some()) {
        let mut ports = fields.get("port").cloned().unwrap_or_default();
        change(&mut ports[name]);
        fields.put("port", ports);
        return;
    }
    let mut sidecars = fields.get("sidecar").cloned().unwrap_or_default();
    for (_, sidecar) in sidecars.as_object_mut().into_iter().flatten() {
        if let Some(own) = sidecar.pointer_mut(&format!("/port/{name}")) {
            change(own);
        }
    }
    fields.put("sidecar", sidecars);
}

fn exposed(name: &str, (port, body): (&Value, &Value), way: ExposeAs, fields: &mut Fields) {
    let mut out = Fields::new();
    out.put("as", way.word());
    let of = |field: &str| fields.get("port").and_then(|p| p.pointer(&format!("/{name}/{field}")));
    let inside = of("service").or_else(|| of("number")).cloned();
    out.may("port", port.get("port").filter(|n| Some(*n) != inside.as_ref()).cloned());
    out.may("node-port", port.get("nodePort").cloned());
    out.put("from", list(body, "/spec/loadBalancerSourceRanges").cloned().collect::<Vec<Value>>());
    for (key, value) in map(body, "/metadata/annotations") {
        out.entry("annotations", key, value.clone());
    }
    fields.entry("expose", name, out);
}
