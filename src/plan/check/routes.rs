//! Two routes for the same host and path: the cluster takes one of them, and no one says which.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::object::ObjectKey;
use crate::plan::check::Input;
use crate::plan::draft::Draft;
use crate::plan::{Finding, Level, Rule};

/// Where a request goes: host, path, and the gateway it comes through.
pub(in crate::plan) type Address = (String, String, String);

/// Routes of this set against each other and against those of other sets.
pub(super) fn overlap(input: Input<'_>) -> Vec<Finding> {
    let mut seen: BTreeMap<Address, &Draft<'_>> = BTreeMap::new();
    let mut findings = Vec::new();
    for draft in input.drafts.iter().filter(|draft| draft.desired.is_some()) {
        let Some(body) = draft.desired.map(|d| &d.manifest.body) else {
            continue;
        };
        for address in addresses(&draft.key, body) {
            let (host, path, gateway) = &address;
            let taken = input
                .context
                .world
                .routes
                .iter()
                .find(|r| r.host == *host && r.path == *path && r.gateway == *gateway);
            if let Some(other) = taken.filter(|_| !host.is_empty()) {
                let message = format!(
                    "{host}{path} is already served by {} of {}",
                    other.route, other.set
                );
                findings.push(overlapping(draft, message));
            }
            match seen.get(&address) {
                Some(first) if first.key != draft.key => {
                    let host = if host.is_empty() { "every host" } else { host };
                    let message = format!("{host}{path} is also served by {}", first.key);
                    findings.push(overlapping(draft, message));
                }
                Some(_) => {}
                None => drop(seen.insert(address, draft)),
            }
        }
    }
    findings
}

fn overlapping(draft: &Draft<'_>, message: String) -> Finding {
    let help = "give one of them another host or path";
    let finding = draft
        .finding(Level::Error, Rule::RouteOverlap, message)
        .help(help);
    draft.about_field(finding, "/spec/hostnames")
}

/// All addresses of an HTTPRoute whose rules match by path alone. Rules that also look at headers,
/// methods or queries may share a path on purpose.
pub(in crate::plan) fn addresses(key: &ObjectKey, body: &Value) -> Vec<Address> {
    if key.group_kind.kind != "HTTPRoute" || key.group_kind.group != "gateway.networking.k8s.io" {
        return Vec::new();
    }
    let list = |value: &Value, name: &str| {
        value
            .get(name)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let spec = body.get("spec").unwrap_or(&Value::Null);
    let text = |v: &Value, pointer: &str| {
        v.pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let hosts: Vec<String> = list(spec, "hostnames")
        .iter()
        .filter_map(|h| Some(h.as_str()?.to_owned()))
        .collect();
    let hosts = if hosts.is_empty() {
        vec![String::new()]
    } else {
        hosts
    };
    let own = key.namespace.clone().unwrap_or_default();
    let mut out = Vec::new();
    for parent in list(spec, "parentRefs") {
        let namespace = parent
            .get("namespace")
            .and_then(Value::as_str)
            .unwrap_or(&own)
            .to_owned();
        let parent = format!(
            "{namespace}/{}/{}",
            text(&parent, "/name"),
            text(&parent, "/sectionName")
        );
        for path in paths(spec) {
            out.extend(
                hosts
                    .iter()
                    .map(|host| (host.clone(), path.clone(), parent.clone())),
            );
        }
    }
    out
}

fn paths(spec: &Value) -> Vec<String> {
    let rules = spec
        .get("rules")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let mut out = Vec::new();
    for rule in rules {
        let matches = rule
            .get("matches")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        if matches.is_empty() {
            out.push("/".to_owned());
        }
        let plain = |m: &&Value| {
            ["headers", "method", "queryParams"]
                .iter()
                .all(|f| m.get(f).is_none())
        };
        for path in matches.iter().filter(plain) {
            let value = path
                .pointer("/path/value")
                .and_then(Value::as_str)
                .unwrap_or("/");
            let exact = path.pointer("/path/type").and_then(Value::as_str) == Some("Exact");
            out.push(if exact {
                format!("{value} exactly")
            } else {
                value.to_owned()
            });
        }
    }
    out.sort();
    out.dedup();
    out
}
