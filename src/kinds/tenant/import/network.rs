//! NetworkPolicies back into the borders of a tenant. Only policies for all pods of a namespace are
//! taken, and only rules that stand in each of its namespaces: a border is never moved to say it shorter.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Home, rename};
use crate::kinds::import::{Fields, Found, key, list, text};
use crate::kinds::tenant::network::{From, INGRESS_NAMESPACES, MONITORING_NAMESPACES, PRIVATE, PRIVATE_V6, To};
use crate::kinds::tenant::render::network as rendered;
use crate::kinds::tenant::{ENVIRONMENT_LABEL, TENANT_LABEL};
use crate::object::ObjectKey;

const KIND: (&str, &str) = ("networking.k8s.io", "NetworkPolicy");

/// The policy that every tenant has for traffic within itself.
const WITHIN: &str = "within-tenant";

/// A rule in words, where it was found.
#[derive(Default)]
struct Rules {
    /// The word for the field and its value as JSON, by that value's text; with the policies.
    all: BTreeMap<(&'static str, String), Vec<(ObjectKey, Value)>>,
}

pub(super) fn network(found: &Found, home: &Home<'_>, renamed: &mut Vec<(ObjectKey, ObjectKey)>) -> Value {
    let mut out = Fields::new();
    let mut types: Vec<Vec<&str>> = Vec::new();
    let mut rules = Rules::default();
    for (namespace, _) in &home.namespaces {
        let own = found.of(KIND.0, KIND.1).filter(|(key, ..)| key.namespace.as_deref() == Some(namespace));
        let mut denied = None;
        for (policy, body, _) in own.filter(|(_, body, _)| chooses_all(body)) {
            if denies(body) {
                denied = Some(list(body, "/spec/policyTypes").filter_map(Value::as_str).collect::<Vec<_>>());
                rename(policy, key(KIND, namespace, "default-deny"), renamed);
            } else if let Some((field, value)) = rule(body).filter(|_| policy.name != WITHIN) {
                rules.all.entry((field, value.to_string())).or_default().push((policy.clone(), value));
            }
        }
        types.push(denied.unwrap_or_default());
    }
    let every = |direction: &str| types.iter().all(|types| types.contains(&direction));
    let isolation = match (every("Ingress"), every("Egress")) {
        (true, true) => "strict",
        (true, false) => "inbound",
        _ => "open",
    };
    out.put("isolation", isolation);
    if isolation == "open" {
        renamed.retain(|(from, _)| from.group_kind.kind != KIND.1);
        return out.into();
    }
    let mut fields: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for ((field, _), policies) in rules.all {
        if policies.len() != home.namespaces.len() || (field == "to" && isolation != "strict") {
            continue;
        }
        for (policy, value) in &policies {
            if let (Some(name), Some(namespace)) = (name_of(field, value), policy.namespace.as_deref()) {
                rename(policy, key(KIND, namespace, &name), renamed);
            }
        }
        fields.entry(field).or_default().extend(policies.into_iter().map(|(_, value)| value).next());
    }
    for (field, values) in fields {
        out.put(field, values);
    }
    out.into()
}

fn chooses_all(policy: &Value) -> bool {
    let selector = policy.pointer("/spec/podSelector").and_then(Value::as_object);
    selector.is_none_or(serde_json::Map::is_empty)
}

/// Whether it allows nothing.
fn denies(policy: &Value) -> bool {
    let none = |field: &str| list(policy, &format!("/spec/{field}")).next().is_none();
    none("ingress") && none("egress")
}

/// A policy that allows one thing, in words.
fn rule(policy: &Value) -> Option<(&'static str, Value)> {
    let ingress: Vec<&Value> = list(policy, "/spec/ingress").collect();
    let egress: Vec<&Value> = list(policy, "/spec/egress").collect();
    let (field, one, peers) = match (&ingress[..], &egress[..]) {
        ([one], []) => ("from", one, one.get("from")?),
        ([], [one]) => ("to", one, one.get("to")?),
        _ => return None,
    };
    let mut out = Fields::new();
    let (name, value) = peer(field, peers)?;
    out.put(name, value);
    let ports: Vec<&Value> = list(one, "/ports").collect();
    match ports[..] {
        [] => {}
        [port] if port.get("endPort").is_none() => {
            out.put("port", port.get("port")?.as_u64()?);
            match text(port, "/protocol") {
                Some("UDP") => out.put("protocol", "udp"),
                Some("SCTP") => out.put("protocol", "sctp"),
                _ => {}
            }
        }
        _ => return None,
    }
    Some((field, out.into()))
}

/// Who is meant, as a word or by name.
fn peer(field: &str, peers: &Value) -> Option<(&'static str, Value)> {
    let ours = |namespaces: &[&str]| {
        json!([{ "namespaceSelector": { "matchExpressions": [
            { "key": "kubernetes.io/metadata.name", "operator": "In", "values": namespaces }
        ] } }])
    };
    let anywhere = json!([{ "namespaceSelector": {} }, { "ipBlock": { "cidr": "0.0.0.0/0" } }, { "ipBlock": { "cidr": "::/0" } }]);
    let internet = json!([
        { "ipBlock": { "cidr": "0.0.0.0/0", "except": PRIVATE } },
        { "ipBlock": { "cidr": "::/0", "except": PRIVATE_V6 } }
    ]);
    let words = match field {
        "from" => vec![("ingress", ours(INGRESS_NAMESPACES)), ("monitoring", ours(MONITORING_NAMESPACES)), ("anywhere", anywhere)],
        _ => vec![("internet", internet), ("anywhere", anywhere)],
    };
    if let Some((word, _)) = words.iter().find(|(_, known)| known == peers) {
        return Some((if field == "from" { "source" } else { "destination" }, json!(word)));
    }
    let [only] = peers.as_array()?.as_slice() else { return None };
    let labels = only.pointer("/namespaceSelector/matchLabels").and_then(Value::as_object);
    if let (Some(labels), true) = (labels, only.as_object()?.len() == 1) {
        let known = labels.keys().all(|key| [TENANT_LABEL, ENVIRONMENT_LABEL].contains(&key.as_str()));
        return Some(("tenant", labels.get(TENANT_LABEL).filter(|_| known)?.clone()));
    }
    let block = only.get("ipBlock").filter(|block| block.get("except").is_none())?;
    Some(("cidr", block.get("cidr")?.clone()))
}

/// What the policy of a rule is called.
fn name_of(field: &str, value: &Value) -> Option<String> {
    match field {
        "from" => Some(rendered::from_name(&serde_json::from_value::<From>(value.clone()).ok()?)),
        _ => Some(rendered::to_name(&serde_json::from_value::<To>(value.clone()).ok()?)),
    }
}
