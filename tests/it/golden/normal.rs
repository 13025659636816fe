//! What may differ between an example of upstream and what our KDL becomes. Every class is here, or in
//! the case that it is about; nothing else is forgiven.
//!
//! 1. What the API server fills in: both sides were sent to it.
//! 2. The namespace, and references that say the one they would have anyway.
//! 3. Labels and annotations of objects, which here select nothing: kubemate adds its own.
//! 4. Names that follow our conventions, one by one in the case.
//! 5. What a controller does where nothing is said, and we say: [`SAID`], with the value.
//! 6. A parent that names no listener stands for all listeners of its gateway; ours are named.
//! 7. Who may attach to a gateway: the namespaces of the tenant instead of the gateway's own.
//! 8. Public ports of Traefik and the entry points behind them.
//! 9. Two spellings of one thing: durations, evenly growing weights, old bounds of metrics, a port by
//!    number or by name, a Service that has the name of what it serves.

use std::collections::BTreeMap;

use kubemate::kinds::import::duration;
use serde_json::{Map, Value, json};

use super::case::Case;

/// What we say and a controller would do anyway: kind, where, and the value as JSON.
const SAID: &[(&str, &str, &str)] = &[
    // cert-manager: its defaults for keys and issuers.
    ("Certificate", "/spec/privateKey/algorithm", "\"RSA\""),
    ("Certificate", "/spec/privateKey/size", "2048"),
    (
        "Certificate",
        "/spec/privateKey/rotationPolicy",
        "\"Always\"",
    ),
    (
        "Certificate",
        "/spec/issuerRef/group",
        "\"cert-manager.io\"",
    ),
    ("Certificate", "/spec/issuerRef/kind", "\"Issuer\""),
    // External Secrets: a Secret of no special type, fetched again and again.
    ("ExternalSecret", "/spec/refreshPolicy", "\"Periodic\""),
    ("ExternalSecret", "/spec/target/template/type", "\"Opaque\""),
    (
        "ExternalSecret",
        "/spec/target/template/engineVersion",
        "\"v2\"",
    ),
    (
        "ExternalSecret",
        "/spec/target/template/mergePolicy",
        "\"Replace\"",
    ),
    // It logs in as its own account where none is named; ours is the tenant's.
    (
        "SecretStore",
        "/spec/provider/vault/auth/kubernetes/serviceAccountRef/name",
        "\"secrets-vault\"",
    ),
    // KEDA scales Deployments where no kind is given.
    (
        "ScaledObject",
        "/spec/scaleTargetRef/apiVersion",
        "\"apps/v1\"",
    ),
    (
        "ScaledObject",
        "/spec/scaleTargetRef/kind",
        "\"Deployment\"",
    ),
    // Flagger: the name of the port, the patience, and what is done when the Canary is deleted.
    ("Canary", "/spec/service/portName", "\"http\""),
    ("Canary", "/spec/service/portDiscovery", "false"),
    ("Canary", "/spec/revertOnDeletion", "true"),
    // Traefik.
    (
        "Middleware",
        "/spec/headers/accessControlAllowCredentials",
        "false",
    ),
    (
        "Middleware",
        "/spec/inFlightReq/sourceCriterion",
        "{\"requestHost\":true}",
    ),
];

/// An example as it would stand in our namespace, under our names.
pub(super) fn theirs(mut object: Value, case: &Case, namespace: &str) -> Value {
    let old = object["metadata"]["namespace"]
        .as_str()
        .unwrap_or("default")
        .to_owned();
    if object["kind"] != "GatewayClass" {
        object["metadata"]["namespace"] = json!(namespace);
    }
    let kind = object["kind"].as_str().unwrap_or_default().to_owned();
    for (kind, pointer, why) in case.unsaid.iter().filter(|(of, ..)| *of == kind) {
        assert!(!why.is_empty());
        let taken = take(&mut object, pointer);
        assert!(taken.is_some(), "{:?}: {kind} has no {pointer}", case.files);
    }
    for (kind, pointer, name) in case.names.iter().filter(|(of, ..)| *of == kind) {
        match object.pointer_mut(pointer) {
            Some(place) => *place = json!(name),
            None => panic!("{:?}: {kind} has no {pointer}", case.files),
        }
    }
    moved(&mut object, &old, namespace);
    object
}

/// What is rendered, in the namespace of the test. Ports that are meant by their name are meant by
/// their number, and listeners that are all listeners are not named where upstream names none.
pub(super) fn ours(object: &Value, all: &[Value], namespace: &str, theirs: &Value) -> Value {
    let mut object = object.clone();
    let old = object["metadata"]["namespace"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    object["metadata"]["namespace"] = json!(namespace);
    moved(&mut object, &old, namespace);
    let parents = theirs.pointer("/spec/parentRefs").and_then(Value::as_array);
    if parents
        .into_iter()
        .flatten()
        .all(|parent| parent["sectionName"].is_null())
    {
        attached(&mut object, all);
    }
    ported(&mut object, all);
    object
}

/// Puts every reference to a namespace where the objects are.
fn moved(value: &mut Value, old: &str, namespace: &str) {
    match value {
        Value::Object(map) => {
            if let Some(at) = map.get_mut("namespace").filter(|at| **at == old) {
                *at = json!(namespace);
            }
            map.values_mut()
                .for_each(|value| moved(value, old, namespace));
        }
        Value::Array(list) => list
            .iter_mut()
            .for_each(|value| moved(value, old, namespace)),
        _ => {}
    }
}

/// Which routes a listener admits.
fn admits(listener: &Value, kind: &str) -> bool {
    match kind {
        "HTTPRoute" | "GRPCRoute" => {
            listener["protocol"] == "HTTP" || listener["protocol"] == "HTTPS"
        }
        "TLSRoute" => listener["protocol"] == "TLS",
        _ => listener["protocol"] == "TCP",
    }
}

/// One parent for a gateway, where every listener that admits such routes is named.
fn attached(route: &mut Value, all: &[Value]) {
    let kind = route["kind"].as_str().unwrap_or_default().to_owned();
    let Some(parents) = route
        .pointer_mut("/spec/parentRefs")
        .and_then(Value::as_array_mut)
    else {
        return;
    };
    let mut by_gateway: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for parent in parents.drain(..) {
        by_gateway
            .entry(parent["name"].as_str().unwrap_or_default().to_owned())
            .or_default()
            .push(parent);
    }
    for (name, mut named) in by_gateway {
        let gateway = all
            .iter()
            .find(|o| o["kind"] == "Gateway" && o["metadata"]["name"] == name.as_str());
        let listeners = gateway
            .and_then(|g| g["spec"]["listeners"].as_array())
            .into_iter()
            .flatten();
        let fit: Vec<&Value> = listeners
            .filter(|l| admits(l, &kind))
            .map(|l| &l["name"])
            .collect();
        if fit
            .iter()
            .all(|name| named.iter().any(|parent| parent["sectionName"] == **name))
        {
            named.truncate(1);
            if let Some(map) = named[0].as_object_mut() {
                map.remove("sectionName");
            }
        }
        parents.extend(named);
    }
}

/// The number of the port that a Canary moves.
fn ported(canary: &mut Value, all: &[Value]) {
    let Some(name) = canary
        .pointer("/spec/service/targetPort")
        .cloned()
        .filter(Value::is_string)
    else {
        return;
    };
    let target = &canary["spec"]["targetRef"]["name"];
    let workload = all
        .iter()
        .find(|o| o["kind"] == "Deployment" && o["metadata"]["name"] == *target);
    let containers = workload.and_then(|w| w.pointer("/spec/template/spec/containers")?.as_array());
    let ports = containers
        .into_iter()
        .flatten()
        .filter_map(|c| c["ports"].as_array())
        .flatten();
    let number = ports
        .filter(|port| port["name"] == name)
        .map(|port| port["containerPort"].clone())
        .next();
    canary["spec"]["service"]["targetPort"] = number.expect("the port is one of the workload");
}

/// What is left that differs, after the API server has answered for both.
pub(super) fn differences(case: &Case, mut theirs: Value, mut ours: Value) -> Vec<String> {
    for side in [&mut theirs, &mut ours] {
        bare(side);
        near(side);
    }
    let kind = theirs["kind"].as_str().unwrap_or_default().to_owned();
    for (_, pointer, value) in SAID.iter().filter(|(of, ..)| *of == kind) {
        let value: Value = serde_json::from_str(value).expect("a value of the table is JSON");
        if theirs.pointer(pointer).is_none() && ours.pointer(pointer) == Some(&value) {
            put(&mut theirs, pointer, value);
        }
    }
    match kind.as_str() {
        "Gateway" => gateways(case, &mut theirs, &mut ours),
        "Canary" => canaries(&mut theirs, &mut ours),
        "ScaledObject" => triggers(&mut theirs, &mut ours),
        _ => {}
    }
    let mut out = Vec::new();
    compare("", &theirs, &ours, &mut out);
    out
}

/// Without what the API server keeps for itself, and without labels and annotations of the object.
fn bare(object: &mut Value) {
    let name = object["metadata"]["name"].clone();
    object["metadata"] = json!({ "name": name });
    if let Some(map) = object.as_object_mut() {
        map.remove("status");
    }
}

/// References of routes and listeners that name their own namespace.
fn near(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (name, inner) in map.iter_mut() {
                let references = matches!(
                    name.as_str(),
                    "parentRefs" | "backendRefs" | "certificateRefs"
                );
                let list = inner.as_array_mut().filter(|_| references);
                for reference in list.into_iter().flatten().filter_map(Value::as_object_mut) {
                    reference.remove("namespace");
                }
                if let Some(reference) = inner.as_object_mut().filter(|_| name == "backendRef") {
                    reference.remove("namespace");
                }
                near(inner);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(near),
        _ => {}
    }
}

/// Who may attach, and the ports behind Traefik.
fn gateways(case: &Case, theirs: &mut Value, ours: &mut Value) {
    let traefik = ours["spec"]["gatewayClassName"]
        .as_str()
        .is_some_and(|class| class.starts_with("traefik"));
    let lists = [theirs, ours].map(|side| {
        side.pointer_mut("/spec/listeners")
            .and_then(Value::as_array_mut)
    });
    let [Some(theirs), Some(ours)] = lists else {
        return;
    };
    for (theirs, ours) in theirs.iter_mut().zip(ours) {
        let tenant = "/allowedRoutes/namespaces/selector/matchLabels/kubemate.dev~1tenant";
        if theirs["allowedRoutes"]["namespaces"] == json!({ "from": "Same" })
            && ours.pointer(tenant) == Some(&json!("shop"))
        {
            ours["allowedRoutes"]["namespaces"] = json!({ "from": "Same" });
        }
        // The only routes that such a listener takes.
        let only = match theirs["protocol"].as_str() {
            Some("TCP") => "TCPRoute",
            Some("TLS") => "TLSRoute",
            _ => "",
        };
        let kinds = theirs
            .pointer("/allowedRoutes/kinds")
            .and_then(Value::as_array);
        if kinds.is_some_and(|kinds| kinds.len() == 1 && kinds[0]["kind"] == only) {
            assert!(
                take(theirs, "/allowedRoutes/kinds").is_some(),
                "{:?}",
                case.files
            );
        }
        if traefik {
            let entry = match theirs["port"].as_u64() {
                Some(80) => 8000,
                Some(443) => 8443,
                Some(other) => other,
                None => 0,
            };
            theirs["port"] = json!(entry);
        }
    }
}

/// Weights that grow evenly are the list of them; a bound in its old spelling is a range; ours are all
/// written. A port that is its own target need not say so.
fn canaries(theirs: &mut Value, ours: &mut Value) {
    let analysis = &mut theirs["spec"]["analysis"];
    if let (Some(step), Some(most)) = (
        analysis["stepWeight"].as_u64(),
        analysis["maxWeight"].as_u64(),
    ) {
        let weights: Vec<u64> = (1..=most / step).map(|n| n * step).collect();
        analysis["stepWeights"] = json!(weights);
        take(analysis, "/stepWeight");
    }
    for metric in analysis["metrics"].as_array_mut().into_iter().flatten() {
        let side = if metric["name"] == "request-success-rate" {
            "min"
        } else {
            "max"
        };
        if let Some(bound) = take(metric, "/threshold") {
            metric["thresholdRange"] = json!({ side: bound });
        }
    }
    for hook in analysis["webhooks"]
        .as_array_mut()
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
    {
        hook.entry("type").or_insert(json!("rollout"));
    }
    let target = theirs["spec"]["targetRef"]["name"].clone();
    let service = &mut theirs["spec"]["service"];
    if service["name"].is_null() {
        service["name"] = target;
    }
    if service["targetPort"].is_null() {
        service["targetPort"] = service["port"].clone();
    }
    // The most is the last step, which the list says too.
    if ours["spec"]["analysis"]["stepWeights"].is_null() {
        take(&mut ours["spec"]["analysis"], "/maxWeight");
    }
}

/// Our triggers have names, which nothing refers to.
fn triggers(theirs: &mut Value, ours: &mut Value) {
    let lists = [theirs, ours].map(|side| {
        side.pointer_mut("/spec/triggers")
            .and_then(Value::as_array_mut)
    });
    let [Some(theirs), Some(ours)] = lists else {
        return;
    };
    for (theirs, ours) in theirs.iter_mut().zip(ours) {
        if theirs["name"].is_null() {
            take(theirs, "/name");
            take(ours, "/name");
        }
        // The value is held per pod where nothing is said.
        if theirs["metricType"] == "AverageValue" && ours["metricType"].is_null() {
            take(ours, "/metricType");
            take(theirs, "/metricType");
        }
    }
}

/// Takes a field out.
fn take(value: &mut Value, pointer: &str) -> Option<Value> {
    let (above, name) = pointer.rsplit_once('/')?;
    let name = name.replace("~1", "/");
    value.pointer_mut(above)?.as_object_mut()?.remove(&name)
}

/// Sets a field, with the objects above it.
fn put(value: &mut Value, pointer: &str, set: Value) {
    let mut place = value;
    for part in pointer.split('/').skip(1) {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        place = &mut place[part];
    }
    *place = set;
}

/// Every field that differs, with both values.
fn compare(at: &str, theirs: &Value, ours: &Value, out: &mut Vec<String>) {
    match (theirs, ours) {
        (Value::Object(a), Value::Object(b)) => {
            for name in a
                .keys()
                .chain(b.keys().filter(|name| !a.contains_key(*name)))
            {
                let side = |map: &Map<String, Value>| map.get(name).cloned().unwrap_or_default();
                compare(&format!("{at}/{name}"), &side(a), &side(b), out);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                compare(&format!("{at}/{index}"), a, b, out);
            }
        }
        (Value::String(a), Value::String(b)) if same_time(a, b) => {}
        _ if theirs == ours => {}
        _ => out.push(format!("{at}: upstream {theirs}, ours {ours}")),
    }
}

/// Whether two texts are one duration.
fn same_time(a: &str, b: &str) -> bool {
    a == b || duration(a).is_some() && duration(a) == duration(b)
}

#[test]
fn what_differs_is_found_and_what_is_the_same_is_not() {
    let side = |value: Value| {
        let mut object = json!({ "kind": "Certificate", "metadata": { "name": "a" } });
        object["spec"] = value;
        object
    };
    let found = |a: Value, b: Value| differences(&Case::NEW, side(a), side(b));
    let rsa = json!({ "privateKey": { "algorithm": "RSA" }, "duration": "1h0m0s" });
    assert!(found(json!({ "duration": "60m" }), rsa).is_empty());
    let other = json!({ "privateKey": { "algorithm": "ECDSA" }, "dnsNames": ["a", "b"] });
    let all = found(json!({ "dnsNames": ["b", "a"], "isCA": true }), other);
    assert_eq!(all.len(), 4, "{all:?}");
}
