//! Pods and what runs to completion.

use serde_json::{Value, json};

use super::*;

fn waiting(phase: &str, reason: &str) -> Value {
    json!({ "status": { "phase": phase, "containerStatuses": [{ "name": "app", "image": "web:9", "restartCount": 4,
        "state": { "waiting": { "reason": reason } }, "lastState": { "terminated": { "exitCode": 3, "reason": "Error" } } }] } })
}

#[test]
fn pods() {
    let refused = |since: &str| {
        let mut scheduled = said(
            "PodScheduled",
            "False",
            "Unschedulable",
            "0/3 nodes are available",
        );
        scheduled["lastTransitionTime"] = since.into();
        json!({ "status": { "phase": "Pending", "conditions": [scheduled] } })
    };
    rows(
        "v1",
        "Pod",
        &[
            ("no status", json!({}), "in-progress", "not scheduled"),
            (
                "ready",
                json!({"status": {"phase": "Running", "conditions": [condition("Ready", "True")]}}),
                "current",
                "ready",
            ),
            (
                "not ready",
                json!({"status": {"phase": "Running", "conditions": [condition("Ready", "False")]}}),
                "in-progress",
                "not ready yet",
            ),
            (
                "completed",
                json!({"status": {"phase": "Succeeded"}}),
                "current",
                "completed",
            ),
            (
                "failed",
                json!({"status": {"phase": "Failed", "message": "node lost"}}),
                "failed",
                "node lost",
            ),
            (
                "crash",
                waiting("Running", "CrashLoopBackOff"),
                "failed",
                "4 times so far; it ended with code 3",
            ),
            (
                "no image",
                waiting("Pending", "ImagePullBackOff"),
                "failed",
                "cannot get web:9",
            ),
            (
                "no config yet",
                waiting("Pending", "CreateContainerConfigError"),
                "in-progress",
                "waits",
            ),
            (
                "starting",
                waiting("Pending", "ContainerCreating"),
                "in-progress",
                "being started",
            ),
            (
                "no node for 5 s",
                refused("2026-05-01T11:59:55Z"),
                "in-progress",
                "0/3 nodes",
            ),
            (
                "no node for 15 s",
                refused("2026-05-01T11:59:45Z"),
                "failed",
                "0/3 nodes",
            ),
        ],
    );
}

#[test]
fn jobs() {
    let with = |conditions: Value| json!({ "status": { "startTime": NOW, "active": 1, "conditions": conditions } });
    rows(
        "batch/v1",
        "Job",
        &[
            ("no status", json!({}), "in-progress", "not started"),
            (
                "started",
                with(json!([])),
                "current",
                "it runs; 0 of 1 pod is done",
            ),
            (
                "complete",
                with(json!([condition("Complete", "True")])),
                "current",
                "completed",
            ),
            (
                "failed",
                with(json!([said(
                    "Failed",
                    "True",
                    "BackoffLimitExceeded",
                    "too many retries"
                )])),
                "failed",
                "too many retries",
            ),
            (
                "suspended",
                json!({"spec": {"suspend": true}}),
                "suspended",
                "suspended",
            ),
        ],
    );
    rows(
        "batch/v1",
        "CronJob",
        &[
            ("any", json!({}), "current", "stored"),
            ("active", json!({"status": {"active": [{}]}}), "current", ""),
        ],
    );
    let job = |conditions: Value| json!({"apiVersion": "batch/v1", "kind": "Job", "status": {"startTime": NOW, "conditions": conditions}});
    assert_eq!(completion(&job(json!([])), now()).word(), "in-progress");
    assert_eq!(
        completion(&job(json!([condition("Complete", "True")])), now()).word(),
        "current"
    );
    assert_eq!(
        completion(&job(json!([condition("Failed", "True")])), now()).word(),
        "failed"
    );
    assert_eq!(run(&json!({"apiVersion": "v1", "kind": "Pod"})), None);
}
