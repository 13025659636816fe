//! Storage, namespaces, services, quotas, definitions, certificates.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::health::Health;
use crate::health::status::{Status, count};

/// Bound. A claim that waits for its first consumer is as it should be once stored.
pub(super) fn claim(status: &Status<'_>) -> Health {
    match status.text("/status/phase") {
        Some("Bound") => Health::current("it is bound"),
        Some("Lost") => Health::failed("its volume is gone"),
        Some(phase) => Health::progress(format!(
            "it is {}; no volume is bound yet",
            phase.to_lowercase()
        )),
        None => Health::progress("no volume is bound yet"),
    }
}

pub(super) fn volume(status: &Status<'_>) -> Health {
    match status.text("/status/phase") {
        Some("Failed") => {
            let why = status.text("/status/message").filter(|m| !m.is_empty());
            Health::failed(why.unwrap_or("its reclamation failed"))
        }
        Some(phase @ ("Bound" | "Available" | "Released")) => {
            Health::current(format!("it is {}", phase.to_lowercase()))
        }
        _ => Health::progress("it is not available yet"),
    }
}

pub(super) fn disruption_budget(status: &Status<'_>) -> Health {
    match status.number("/status/disruptionsAllowed") {
        Some(allowed) => {
            let verb = if allowed == 1 { "is" } else { "are" };
            Health::current(format!(
                "{} {verb} allowed now",
                count(allowed, "disruption")
            ))
        }
        None => Health::current("it is stored"),
    }
}

/// A load balancer needs addresses; everything else needs nothing.
pub(super) fn service(status: &Status<'_>) -> Health {
    if status.text("/spec/type") != Some("LoadBalancer") {
        return Health::current("it is stored");
    }
    if status.text("/spec/clusterIP").is_none_or(str::is_empty) {
        return Health::progress("it has no address in the cluster yet");
    }
    let addresses: Vec<&str> = status
        .list("/status/loadBalancer/ingress")
        .filter_map(|one| one.get("ip").or_else(|| one.get("hostname"))?.as_str())
        .collect();
    if addresses.is_empty() {
        return Health::progress("the load balancer has no address yet");
    }
    Health::current(format!("it is reached at {}", addresses.join(", ")))
}

pub(super) fn namespace(status: &Status<'_>) -> Health {
    match status.text("/status/phase") {
        Some("Active") => Health::current("it is active"),
        Some("Terminating") => Health::Terminating {
            why: "it is being deleted".into(),
        },
        _ => Health::progress("it is not active yet"),
    }
}

/// The controller took over the limits that are declared.
pub(super) fn quota(status: &Status<'_>) -> Health {
    let limits = |pointer| -> BTreeMap<String, Value> {
        let map = status.at(pointer).and_then(Value::as_object);
        map.into_iter()
            .flatten()
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect()
    };
    if limits("/spec/hard") == limits("/status/hard") {
        Health::current("its limits are in force")
    } else {
        Health::progress("its limits are not in force yet")
    }
}

pub(super) fn definition(status: &Status<'_>) -> Health {
    if let Some(names) = status.condition("NamesAccepted").filter(|c| c.is("False")) {
        return Health::failed(names.words("its names are taken"));
    }
    match status.condition("Established") {
        Some(established) if established.is("True") => Health::current("it is served"),
        Some(established) if established.is("False") && established.reason() != "Installing" => {
            Health::failed(established.words("it is not served"))
        }
        _ => Health::progress("it is not served yet"),
    }
}

pub(super) fn certificate(status: &Status<'_>) -> Health {
    match status.fresh_condition("Ready") {
        Some(ready) if ready.is("True") => Health::current("the certificate is issued"),
        ready => {
            let issuing = status
                .condition("Issuing")
                .filter(|c| c.is("False") && c.reason() == "Failed");
            if let Some(failed) = issuing {
                return Health::failed(failed.words("it could not be issued"));
            }
            let words = ready.map(|c| c.words("the certificate is not issued yet"));
            Health::progress(words.unwrap_or_else(|| "the certificate is not issued yet".into()))
        }
    }
}
