//! Deployments, StatefulSets, DaemonSets and ReplicaSets.

use crate::health::Health;
use crate::health::status::{Status, count, part};

/// All replicas updated, available and ready, and none left over.
pub(super) fn deployment(status: &Status<'_>) -> Health {
    let number = |name: &str| status.number(&format!("/status/{name}")).unwrap_or(0);
    if let Some(progress) = status.condition("Progressing")
        && progress.reason() == "ProgressDeadlineExceeded"
    {
        let ready = part(number("readyReplicas"), wanted(status), "pod", "ready");
        let limit = status
            .number("/spec/progressDeadlineSeconds")
            .unwrap_or(600);
        return Health::failed(format!("{ready}; there was no progress for {limit} s"));
    }
    let want = wanted(status);
    let (all, updated) = (number("replicas"), number("updatedReplicas"));
    let (available, ready) = (number("availableReplicas"), number("readyReplicas"));
    if all < want {
        return Health::progress(part(all, want, "pod", "created"));
    }
    if updated < want {
        return Health::progress(part(updated, want, "pod", "updated"));
    }
    if all > want {
        let old = count(all - want, "old pod");
        return Health::progress(format!("{old} still to be stopped"));
    }
    if ready < want {
        return Health::progress(not_ready(status, ready, want));
    }
    if available < updated {
        return Health::progress(part(available, updated, "pod", "available"));
    }
    let says = |kind: &str| status.condition(kind);
    let limited = status.number("/spec/progressDeadlineSeconds") != Some(i64::from(i32::MAX));
    let rolled =
        says("Progressing").is_some_and(|c| c.is("True") && c.reason() == "NewReplicaSetAvailable");
    if limited && says("Progressing").is_some() && !rolled {
        return Health::progress("the new ReplicaSet is not available yet");
    }
    match says("Available") {
        Some(available) if available.is("True") => {
            Health::current(part(ready, want, "pod", "ready"))
        }
        Some(available) => Health::progress(available.words("it is not available")),
        None => Health::progress("its controller has not said yet that it is available"),
    }
}

/// All replicas ready and of the newest revision, as far as its update strategy goes.
pub(super) fn stateful_set(status: &Status<'_>) -> Health {
    if status.text("/spec/updateStrategy/type") == Some("OnDelete") {
        return Health::current("its pods are updated when someone deletes them");
    }
    let number = |name: &str| status.number(&format!("/status/{name}")).unwrap_or(0);
    let want = wanted(status);
    let (all, ready, updated) = (
        number("replicas"),
        number("readyReplicas"),
        number("updatedReplicas"),
    );
    if all < want {
        return Health::progress(part(all, want, "pod", "created"));
    }
    if ready < want {
        return Health::progress(part(ready, want, "pod", "ready"));
    }
    if all > want {
        return Health::progress(format!("{} still to be stopped", count(all - want, "pod")));
    }
    let partition = status.number("/spec/updateStrategy/rollingUpdate/partition");
    if let Some(partition) = partition.filter(|p| *p > 0) {
        let share = (want - partition).max(0);
        return if updated < share {
            Health::progress(part(updated, share, "pod", "updated"))
        } else {
            Health::current(format!(
                "{} are updated, as its partition says",
                count(updated, "pod")
            ))
        };
    }
    let current = number("currentReplicas");
    if current < want {
        return Health::progress(part(updated, want, "pod", "updated"));
    }
    if status.text("/status/currentRevision") != status.text("/status/updateRevision") {
        return Health::progress("its pods are not of the newest revision yet");
    }
    Health::current(part(ready, want, "pod", "ready"))
}

/// A pod on every node that should have one.
pub(super) fn daemon_set(status: &Status<'_>) -> Health {
    if status.observed_generation().is_none() || status.generation().is_none() {
        return Health::progress("its controller has not seen it yet");
    }
    let number = |name: &str| status.number(&format!("/status/{name}"));
    let Some(want) = number("desiredNumberScheduled") else {
        return Health::progress("its controller has not counted the nodes yet");
    };
    for (name, what) in [
        ("currentNumberScheduled", "scheduled"),
        ("updatedNumberScheduled", "updated"),
        ("numberAvailable", "available"),
        ("numberReady", "ready"),
    ] {
        let have = number(name).unwrap_or(0);
        if have < want {
            return Health::progress(part(have, want, "pod", what));
        }
    }
    Health::current(part(want, want, "pod", "ready"))
}

/// All replicas labelled, available and ready.
pub(super) fn replica_set(status: &Status<'_>) -> Health {
    if let Some(failure) = status.condition("ReplicaFailure").filter(|c| c.is("True")) {
        return Health::progress(failure.words("its pods cannot be created"));
    }
    let number = |name: &str| status.number(&format!("/status/{name}")).unwrap_or(0);
    let want = wanted(status);
    for (name, what) in [
        ("fullyLabeledReplicas", "labelled"),
        ("availableReplicas", "available"),
        ("readyReplicas", "ready"),
    ] {
        let have = number(name);
        if have < want {
            return Health::progress(part(have, want, "pod", what));
        }
    }
    let all = number("replicas");
    if all > want {
        return Health::progress(format!("{} still to be stopped", count(all - want, "pod")));
    }
    Health::current(part(want, want, "pod", "ready"))
}

fn wanted(status: &Status<'_>) -> i64 {
    status.number("/spec/replicas").unwrap_or(1)
}

fn not_ready(status: &Status<'_>, ready: i64, want: i64) -> String {
    let mut why = part(ready, want, "pod", "ready");
    if let Some(failure) = status.condition("ReplicaFailure").filter(|c| c.is("True")) {
        why = format!("{why}; {}", failure.words("pods cannot be created"));
    }
    why
}
