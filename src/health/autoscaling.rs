//! Scalers, progressive delivery, and collectors that scale.

use crate::health::Health;
use crate::health::status::{Status, count};

/// Able to scale, and with metrics to scale by.
pub(super) fn pods(status: &Status<'_>) -> Health {
    if let Some(unable) = status.condition("AbleToScale").filter(|c| c.is("False")) {
        return Health::failed(unable.words("it cannot scale its target"));
    }
    match status.condition("ScalingActive") {
        Some(active) if active.is("True") => {
            let now = status.number("/status/currentReplicas").unwrap_or(0);
            Health::current(format!("it scales; {} now", count(now, "pod")))
        }
        Some(off) if off.reason() == "ScalingDisabled" => Health::Suspended {
            why: "its target is scaled to zero".into(),
        },
        Some(inactive) => Health::progress(inactive.words("it has no metrics yet")),
        None => Health::progress("its controller has not spoken yet"),
    }
}

pub(super) fn scaled_object(status: &Status<'_>) -> Health {
    let is_true = |kind: &str| status.condition(kind).filter(|c| c.is("True"));
    if is_true("Paused").is_some() {
        return Health::Suspended {
            why: "its scaling is paused".into(),
        };
    }
    match status.condition("Ready") {
        Some(ready) if ready.is("True") => match is_true("Fallback") {
            Some(fallback) => {
                Health::failed(fallback.words("its metrics fail and it uses its fallback"))
            }
            None => Health::current("it scales"),
        },
        Some(ready) if ready.is("False") => Health::failed(ready.words("it cannot scale")),
        Some(ready) => Health::progress(ready.words("its controller has not spoken yet")),
        None => Health::progress("its controller has not spoken yet"),
    }
}

pub(super) fn canary(status: &Status<'_>) -> Health {
    let weight = status.number("/status/canaryWeight").unwrap_or(0);
    let said = status
        .condition("Promoted")
        .map(|c| c.words(""))
        .unwrap_or_default();
    match status.text("/status/phase") {
        Some("Initialized") => Health::current("it is set up"),
        Some("Succeeded") => Health::current("the new version is released"),
        Some("Failed" | "Terminated") if said.is_empty() => {
            Health::failed("the new version was rolled back")
        }
        Some("Failed" | "Terminated") => {
            Health::failed(format!("the new version was rolled back: {said}"))
        }
        Some("Progressing") => {
            Health::progress(format!("the new version gets {weight} % of the traffic"))
        }
        Some("Waiting" | "WaitingPromotion") => Health::progress("it waits for an approval"),
        Some(phase) => Health::progress(format!("it is {}", phase.to_lowercase())),
        None => Health::progress("its controller has not spoken yet"),
    }
}

/// Its Ready condition says only that its objects were made, so its pods are counted as well.
pub(super) fn collector(status: &Status<'_>) -> Health {
    if let Some(ready) = status.condition("Ready").filter(|c| !c.is("True")) {
        return Health::progress(ready.words("its objects are not made yet"));
    }
    if status.text("/spec/mode") == Some("sidecar") {
        return Health::current("it is injected into pods that ask for it");
    }
    let Some((have, want)) = status
        .text("/status/scale/statusReplicas")
        .and_then(|t| t.split_once('/'))
    else {
        return Health::progress("its pods are not counted yet");
    };
    if have == want {
        Health::current(format!("{have} of {want} pods are ready"))
    } else {
        Health::progress(format!("{have} of {want} pods are ready"))
    }
}
