//! Gateways, their classes, and routes.

use serde_json::Value;

use crate::health::Health;
use crate::health::status::{Condition, Status, find};

/// Accepted by a controller at this generation.
pub(super) fn class(status: &Status<'_>) -> Health {
    match status.fresh_condition("Accepted") {
        Some(accepted) if accepted.is("True") => Health::current("a controller has accepted it"),
        Some(accepted) if accepted.is("False") => {
            Health::failed(accepted.words("it is not accepted"))
        }
        _ => Health::progress("no controller has accepted it yet"),
    }
}

/// Accepted, programmed, and each listener without a fault.
pub(super) fn gateway(status: &Status<'_>) -> Health {
    let names: Vec<&str> = status
        .list("/spec/listeners")
        .filter_map(|l| l.get("name")?.as_str())
        .collect();
    let mut bad: Vec<Health> = Vec::new();
    for name in &names {
        let listener = status
            .list("/status/listeners")
            .find(|listener| listener.get("name").and_then(Value::as_str) == Some(name));
        let conditions = || {
            let list = listener.and_then(|l| l.get("conditions")?.as_array());
            list.into_iter().flatten()
        };
        let what = format!("the listener {name}");
        if let Some(conflict) = find(conditions(), "Conflicted").filter(|c| c.is("True")) {
            bad.push(Health::failed(format!(
                "{what} clashes: {}",
                conflict.words("with another one")
            )));
        }
        for kind in ["Accepted", "ResolvedRefs", "Programmed"] {
            bad.extend(not_yet(status, find(conditions(), kind), kind, &what));
        }
    }
    for kind in ["Accepted", "ResolvedRefs", "Programmed"] {
        let condition = status.condition(kind);
        // Few gateways refer to anything themselves.
        if kind != "ResolvedRefs" || condition.is_some() {
            bad.extend(not_yet(status, condition, kind, "it"));
        }
    }
    worst(bad).unwrap_or_else(|| {
        Health::current(match names.as_slice() {
            [one] => format!("it is programmed with the listener {one}"),
            many => format!("it is programmed with {} listeners", many.len()),
        })
    })
}

/// The first failure, else the first thing that is waited for: no wait hides a failure.
fn worst(mut bad: Vec<Health>) -> Option<Health> {
    let failed = bad
        .iter()
        .position(|health| matches!(health, Health::Failed { .. }));
    match bad.is_empty() {
        true => None,
        false => Some(bad.swap_remove(failed.unwrap_or(0))),
    }
}

/// Every parent has accepted the route and found what it refers to, at this generation.
pub(super) fn route(status: &Status<'_>) -> Health {
    let (mut count, mut bad) = (0, Vec::new());
    for parent in status.list("/spec/parentRefs") {
        count += 1;
        let name = parent
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let section = parent.get("sectionName").and_then(Value::as_str);
        let what = section.map_or_else(|| name.to_owned(), |section| format!("{name}/{section}"));
        let entries: Vec<&Value> = status
            .list("/status/parents")
            .filter(|entry| {
                entry
                    .get("parentRef")
                    .is_some_and(|other| same_parent(status, parent, other))
            })
            .collect();
        if entries.is_empty() {
            bad.push(Health::progress(format!("{what} has not answered yet")));
        }
        for entry in entries {
            for kind in ["Accepted", "ResolvedRefs"] {
                let list = entry.get("conditions").and_then(Value::as_array);
                let condition = find(list.into_iter().flatten(), kind);
                bad.extend(not_yet(status, condition, kind, &what));
            }
        }
    }
    if let Some(bad) = worst(bad) {
        return bad;
    }
    match count {
        0 => Health::current("it has no parent"),
        1 => Health::current("its parent has accepted it"),
        n => Health::current(format!("its {n} parents have accepted it")),
    }
}

/// References are the same if group, kind, namespace, name, section and port are; each has a default.
fn same_parent(status: &Status<'_>, a: &Value, b: &Value) -> bool {
    let own = status.text("/metadata/namespace").unwrap_or_default();
    let full = |reference: &Value| {
        let text = |name: &str, default: &str| {
            reference
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or(default)
                .to_owned()
        };
        let group = text("group", "gateway.networking.k8s.io");
        let group = if group == "core" {
            String::new()
        } else {
            group
        };
        let place = (
            text("namespace", own),
            text("name", ""),
            text("sectionName", ""),
        );
        (
            group,
            text("kind", "Gateway"),
            place,
            reference.get("port").and_then(Value::as_i64),
        )
    };
    full(a) == full(b)
}

/// Whether a condition that is False will stay so. What is not programmed may wait for an address, or
/// for its turn; only these reasons of the Gateway API say that it never will be.
fn is_final(kind: &str, reason: &str) -> bool {
    match kind {
        "Programmed" => matches!(
            reason,
            "Invalid"
                | "NoResources"
                | "AddressNotUsable"
                | "UnsupportedAddress"
                | "ListenersNotValid"
        ),
        _ => reason != "Pending",
    }
}

fn not_yet(
    status: &Status<'_>,
    condition: Option<Condition<'_>>,
    kind: &str,
    what: &str,
) -> Option<Health> {
    let expected = match kind {
        "Accepted" => "accepted",
        "ResolvedRefs" => "resolved",
        _ => "programmed",
    };
    match condition.filter(|c| status.is_fresh(*c)) {
        Some(condition) if condition.is("True") => None,
        Some(condition) if condition.is("False") && is_final(kind, condition.reason()) => {
            let words = condition.words(&format!("not {expected}"));
            Some(Health::failed(format!("{what}: {words}")))
        }
        Some(condition) if condition.is("False") && !condition.message().is_empty() => {
            let words = condition.words("");
            Some(Health::progress(format!(
                "{what} is not {expected} yet: {words}"
            )))
        }
        _ => Some(Health::progress(format!("{what} is not {expected} yet"))),
    }
}
