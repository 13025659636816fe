//! Routes in the form in which they are compared: one rule for each thing that is matched, with the
//! Middlewares in place of their names, and every listener named.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Side, sort};
use crate::kinds::import::{key, list, text};
use crate::kinds::route::import::serving;
use crate::object::{GroupKind, ObjectKey, canonical};

const GROUP: &str = "gateway.networking.k8s.io";
const MIDDLEWARE: (&str, &str) = ("traefik.io", "Middleware");
const KINDS: [(&str, &str); 4] = [
    ("HTTPRoute", "http"),
    ("GRPCRoute", "grpc"),
    ("TLSRoute", "tls"),
    ("TCPRoute", "tcp"),
];

/// Changes the routes of a side; Middlewares that only routes name become part of them.
pub(super) fn normal(side: &mut Side) {
    let all = side.clone();
    let mut used: BTreeSet<ObjectKey> = BTreeSet::new();
    for (own, body) in side.iter_mut() {
        let kind = KINDS
            .iter()
            .find(|(kind, _)| own.group_kind == GroupKind::new(GROUP, kind));
        if let Some((_, protocol)) = kind {
            let namespace = own.namespace.clone().unwrap_or_default();
            parents(body, &namespace, protocol, &all);
            rules(body, &namespace, &all, &mut used);
        }
    }
    let named = |name: &str, namespace: &str| used.contains(&key(MIDDLEWARE, namespace, name));
    // An IngressRoute that stays needs its Middlewares as they are.
    let others = all.iter().filter(|(own, _)| {
        own.group_kind.group == "traefik.io" && own.group_kind.kind == "IngressRoute"
    });
    let mut kept: BTreeSet<ObjectKey> = BTreeSet::new();
    for (own, body) in others {
        let namespace = own.namespace.clone().unwrap_or_default();
        for middleware in list(body, "/spec/routes").flat_map(|r| list(r, "/middlewares")) {
            if let Some(name) = text(middleware, "/name").filter(|name| named(name, &namespace)) {
                kept.insert(key(MIDDLEWARE, &namespace, name));
            }
        }
    }
    side.retain(|own, _| !used.contains(own) || kept.contains(own));
}

/// A parent without a listener means all that serve the route.
fn parents(body: &mut Value, namespace: &str, protocol: &str, all: &Side) {
    let route = body.clone();
    let mut out = Vec::new();
    for parent in list(&route, "/spec/parentRefs") {
        let mut parent = parent.clone();
        if parent.get("namespace").is_none() {
            parent["namespace"] = namespace.into();
        }
        let at = text(&parent, "/namespace").unwrap_or_default();
        let gateway = all.get(&key(
            (GROUP, "Gateway"),
            at,
            text(&parent, "/name").unwrap_or_default(),
        ));
        match (gateway, parent.get("sectionName")) {
            (Some(gateway), None) => {
                for listener in serving(gateway, &route, protocol) {
                    let mut one = parent.clone();
                    one["sectionName"] = listener.into();
                    out.push(one);
                }
            }
            _ => out.push(parent),
        }
    }
    if let Some(parents) = body.pointer_mut("/spec/parentRefs") {
        *parents = out.into();
    }
    sort(body.pointer_mut("/spec/parentRefs"));
    sort(body.pointer_mut("/spec/hostnames"));
}

fn rules(body: &mut Value, namespace: &str, all: &Side, used: &mut BTreeSet<ObjectKey>) {
    let Some(Value::Array(rules)) = body.pointer_mut("/spec/rules") else {
        return;
    };
    let mut out: Vec<Value> = Vec::new();
    for rule in rules.drain(..) {
        let mut rule = rule;
        filters(&mut rule, namespace, all, used);
        sort(rule.get_mut("backendRefs"));
        let matches = match rule.get_mut("matches").map(Value::take) {
            Some(Value::Array(matches)) if !matches.is_empty() => matches,
            _ => vec![json!({})],
        };
        for mut matched in matches {
            conditions(&mut matched);
            let mut one = rule.clone();
            one["matches"] = matched;
            out.push(one);
        }
    }
    // The most exact match of all rules decides, not their order.
    out.sort_by_cached_key(canonical);
    *rules = out;
}

/// Without a word every path is matched, and a path is a prefix.
fn conditions(matched: &mut Value) {
    let any = json!({ "type": "PathPrefix", "value": "/" });
    if matched.get("path") == Some(&any)
        && let Some(map) = matched.as_object_mut()
    {
        map.shift_remove("path");
    }
    if let Some(path) = matched.get_mut("path").and_then(Value::as_object_mut) {
        path.entry("type").or_insert_with(|| "PathPrefix".into());
    }
    sort(matched.get_mut("headers"));
    sort(matched.get_mut("queryParams"));
}

/// Middlewares say what they do where their name stands.
fn filters(rule: &mut Value, namespace: &str, all: &Side, used: &mut BTreeSet<ObjectKey>) {
    for filter in rule
        .get_mut("filters")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        let Some(name) = text(filter, "/extensionRef/name").map(str::to_owned) else {
            continue;
        };
        let own = key(MIDDLEWARE, namespace, &name);
        if let Some(spec) = all.get(&own).and_then(|m| m.get("spec")) {
            let mut inlined = Map::new();
            inlined.insert("middleware".into(), spec.clone());
            *filter = inlined.into();
            used.insert(own);
        }
    }
}
