//! The way back of a tenant: its namespaces with their quotas, limits, policies, gateways and members.

mod gateway;
mod given;
mod network;
mod people;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::check::reserved_label;
use super::IDENTITY;
use super::quota::{OF_CLASS, PLAIN};
use crate::kinds::import::{Draft, Drafts, Fields, Found, Place, key, list, map, text};
use crate::kinds::pod::import::amount;
use crate::object::{GroupKind, ObjectKey};

/// What a ResourceQuota counts, and the field for it.
const COUNTED: [(&str, &str); 5] = [
    ("requests.cpu", "cpu"),
    ("cpu", "cpu"),
    ("requests.memory", "memory"),
    ("memory", "memory"),
    ("requests.storage", "storage"),
];
const GPU: &str = "requests.nvidia.com/gpu";
const LEVEL: &str = "pod-security.kubernetes.io/enforce";
/// The level of a namespace that says none: Kubernetes lets everything run there.
const ANYTHING: &str = "privileged";

/// The namespaces of one tenant: their names in the cluster and in the language.
pub(super) struct Home<'a> {
    tenant: &'a str,
    namespaces: Vec<(&'a str, &'a Place)>,
}

pub(super) fn import(found: &Found, drafts: &mut Drafts) {
    let tenants: BTreeSet<&str> = found.places.values().map(|place| place.tenant.as_str()).collect();
    for tenant in tenants {
        let own = found.places.iter().filter(|(_, place)| place.tenant == tenant);
        let mut namespaces: Vec<(&str, &Place)> = own.map(|(name, place)| (name.as_str(), place)).collect();
        // The first one holds the tenant's identity.
        namespaces.sort_by_key(|(name, _)| found.get(("", "ServiceAccount"), name, IDENTITY).is_none());
        let home = Home { tenant, namespaces };
        let draft = one(found, &home, drafts);
        drafts.all.push(draft);
    }
}

fn one(found: &Found, home: &Home<'_>, drafts: &mut Drafts) -> Draft {
    let mut renamed = Vec::new();
    let mut fields = Fields::new();
    fields.put("name", home.tenant);
    let bodies: Vec<Option<&Value>> = home.namespaces.iter().map(|(name, _)| namespace(found, name)).collect();
    let owner = bodies.iter().flatten().find_map(|body| text(body, "/metadata/annotations/kubemate.dev~1owner"));
    fields.may("owner", owner);
    let levels: Vec<&str> = bodies.iter().map(|body| level(*body)).collect();
    let first = levels.first().copied().unwrap_or(ANYTHING);
    let quotas: Vec<Value> = home.namespaces.iter().map(|(name, _)| quota(found, name, &mut renamed)).collect();
    let same = quotas.windows(2).all(|pair| pair[0] == pair[1]);
    for (index, (_, place)) in home.namespaces.iter().enumerate() {
        let Some(name) = &place.name else { continue };
        let mut settings = Fields::new();
        settings.may("pod-security", levels.get(index).filter(|level| **level != first).copied());
        settings.may("quota", quotas.get(index).filter(|_| !same).cloned());
        for (key, value) in bodies[index].into_iter().flat_map(labels) {
            settings.entry("labels", key, value.clone());
        }
        fields.entry("namespace", name, settings);
    }
    people::members(found, home, &mut fields, drafts);
    if same {
        fields.may("quota", quotas.first().cloned());
    }
    fields.may("limits", limits(found, home, &mut renamed));
    given::given(found, home, &bodies, &mut fields);
    fields.put("network", network::network(found, home, &mut renamed));
    gateway::gateways(found, home, &mut fields);
    if first != "restricted" {
        fields.put("pod-security", first);
    }
    Draft {
        kind: "tenant",
        name: home.tenant.to_owned(),
        path_of: None,
        fields: fields.into(),
        renamed,
        notes: Vec::new(),
    }
}

fn namespace<'f>(found: &'f Found, name: &str) -> Option<&'f Value> {
    found.objects.get(&ObjectKey {
        group_kind: GroupKind::new("", "Namespace"),
        namespace: None,
        name: name.to_owned(),
    })
}

fn level(body: Option<&Value>) -> &str {
    let label = body.and_then(|body| body.pointer("/metadata/labels")?.get(LEVEL)?.as_str());
    match (body, label) {
        (_, Some(level)) => level,
        (Some(_), None) => ANYTHING,
        // Of a namespace that nobody showed nothing is known but that its pods run.
        (None, None) => "restricted",
    }
}

/// Labels of a namespace that no tenant's namespace has by itself.
fn labels(body: &Value) -> impl Iterator<Item = (&String, &Value)> {
    map(body, "/metadata/labels").filter(|(key, _)| reserved_label(key).is_none())
}

/// What bounds a whole namespace, where one quota without a scope does.
fn quota(found: &Found, namespace: &str, renamed: &mut Vec<(ObjectKey, ObjectKey)>) -> Value {
    let kind = ("", "ResourceQuota");
    let Some((own, body)) = only(found, kind, namespace, "kubemate-quota") else {
        return Value::Null;
    };
    if body.pointer("/spec/scopes").is_some() || body.pointer("/spec/scopeSelector").is_some() {
        return Value::Null;
    }
    rename(own, key(kind, namespace, "kubemate-quota"), renamed);
    let mut out = Fields::new();
    for (name, hard) in map(body, "/spec/hard") {
        let number = hard.as_u64().or_else(|| hard.as_str()?.parse::<u64>().ok());
        if let Some((_, field)) = COUNTED.iter().find(|(counted, _)| counted == name) {
            out.put(field, amount(hard));
        } else if name == "pods" {
            out.may("pods", number);
        } else if name == GPU {
            // The object does not say which model it was.
            out.may("gpu", number.map(|n| json!({ "any": n })));
        } else if let Some(class) = name.strip_suffix(OF_CLASS) {
            out.entry("storage-class", class, amount(hard));
        } else if let Some(number) = number.filter(|_| PLAIN.contains(&name.as_str())) {
            out.entry("count", name, number);
        } else if let (Some(plural), Some(number)) = (name.strip_prefix("count/"), number) {
            out.entry("count", plural, number);
        } else if let Some(number) = number.filter(|_| name.contains('/')) {
            out.entry("count", name, number);
        }
    }
    out.into()
}

/// The limits of containers, where all namespaces have the same.
fn limits(found: &Found, home: &Home<'_>, renamed: &mut Vec<(ObjectKey, ObjectKey)>) -> Option<Value> {
    let kind = ("", "LimitRange");
    let mut all: Vec<Value> = Vec::new();
    for (namespace, _) in &home.namespaces {
        let (own, body) = only(found, kind, namespace, "kubemate-limits")?;
        let container = list(body, "/spec/limits").find(|l| text(l, "/type") == Some("Container"))?;
        let mut out = Fields::new();
        for (field, ours) in [("defaultRequest", "default"), ("min", "min"), ("max", "max")] {
            let mut amounts = Fields::new();
            for name in ["cpu", "memory"] {
                amounts.may(name, container.pointer(&format!("/{field}/{name}")).map(amount));
            }
            out.put(ours, amounts);
        }
        rename(own, key(kind, namespace, "kubemate-limits"), renamed);
        all.push(out.into());
    }
    let same = all.windows(2).all(|pair| pair[0] == pair[1]);
    all.into_iter().next().filter(|_| same)
}

/// The object of a kind that a tenant has once in a namespace: the one of its name, else the only one.
fn only<'f>(found: &'f Found, (group, kind): (&'f str, &'f str), namespace: &'f str, name: &str) -> Option<(&'f ObjectKey, &'f Value)> {
    let all: Vec<_> = found
        .of(group, kind)
        .filter(|(key, ..)| key.namespace.as_deref() == Some(namespace))
        .map(|(key, body, _)| (key, body))
        .collect();
    let named = all.iter().find(|(key, _)| key.name == name).copied();
    match all[..] {
        [one] => Some(one),
        _ => named,
    }
}

pub(super) fn rename(from: &ObjectKey, to: ObjectKey, renamed: &mut Vec<(ObjectKey, ObjectKey)>) {
    if *from != to {
        renamed.push((from.clone(), to));
    }
}
