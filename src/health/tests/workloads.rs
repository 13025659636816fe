//! Deployments, StatefulSets, DaemonSets and ReplicaSets.

use serde_json::{Value, json};

use super::*;

fn deployment(replicas: i64, counts: [i64; 4], conditions: Value) -> Value {
    let [all, updated, ready, available] = counts;
    json!({ "spec": { "replicas": replicas }, "status": { "observedGeneration": 1, "replicas": all,
        "updatedReplicas": updated, "readyReplicas": ready, "availableReplicas": available, "conditions": conditions } })
}

#[test]
fn deployments() {
    let good = || {
        json!([
            said("Progressing", "True", "NewReplicaSetAvailable", ""),
            condition("Available", "True")
        ])
    };
    let late = json!([
        said("Progressing", "False", "ProgressDeadlineExceeded", ""),
        condition("Available", "False")
    ]);
    rows(
        "apps/v1",
        "Deployment",
        &[
            (
                "no status",
                json!({}),
                "in-progress",
                "0 of 1 pod is created",
            ),
            (
                "fine",
                deployment(3, [3, 3, 3, 3], good()),
                "current",
                "3 of 3 pods are ready",
            ),
            (
                "too few",
                deployment(3, [2, 2, 2, 2], good()),
                "in-progress",
                "2 of 3 pods are created",
            ),
            (
                "not updated",
                deployment(3, [3, 1, 3, 3], good()),
                "in-progress",
                "1 of 3 pods are updated",
            ),
            (
                "old ones left",
                deployment(3, [4, 3, 3, 3], good()),
                "in-progress",
                "1 old pod",
            ),
            (
                "not ready",
                deployment(3, [3, 3, 2, 2], good()),
                "in-progress",
                "2 of 3 pods are ready",
            ),
            (
                "not available",
                deployment(3, [3, 3, 3, 2], good()),
                "in-progress",
                "2 of 3 pods are available",
            ),
            (
                "no progress",
                deployment(3, [3, 3, 2, 2], late),
                "failed",
                "no progress for 600 s",
            ),
            (
                "rolling",
                deployment(
                    1,
                    [1, 1, 1, 1],
                    json!([
                        said("Progressing", "True", "ReplicaSetUpdated", ""),
                        condition("Available", "True")
                    ]),
                ),
                "in-progress",
                "ReplicaSet",
            ),
            (
                "unavailable",
                deployment(
                    1,
                    [1, 1, 1, 1],
                    json!([
                        said("Progressing", "True", "NewReplicaSetAvailable", ""),
                        condition("Available", "False")
                    ]),
                ),
                "in-progress",
                "not available",
            ),
            (
                "nothing said",
                deployment(1, [1, 1, 1, 1], json!([])),
                "in-progress",
                "not said",
            ),
            (
                "scaled to zero",
                deployment(0, [0, 0, 0, 0], good()),
                "current",
                "0 of 0 pods",
            ),
            (
                "lags",
                json!({"metadata": {"generation": 2}, "status": {"observedGeneration": 1}}),
                "in-progress",
                "1 of 2",
            ),
        ],
    );
}

fn set(spec: Value, status: Value) -> Value {
    json!({ "spec": spec, "status": status })
}

#[test]
fn stateful_sets() {
    let status = |all: i64, ready: i64, current: i64, updated: i64, same: bool| {
        let newest = if same { "a" } else { "b" };
        json!({ "observedGeneration": 1, "replicas": all, "readyReplicas": ready, "currentReplicas": current,
            "updatedReplicas": updated, "currentRevision": "a", "updateRevision": newest })
    };
    let spec = || json!({ "replicas": 4 });
    let part =
        || json!({ "replicas": 4, "updateStrategy": { "rollingUpdate": { "partition": 2 } } });
    rows(
        "apps/v1",
        "StatefulSet",
        &[
            ("no status", json!({}), "in-progress", "0 of 1"),
            (
                "fine",
                set(spec(), status(4, 4, 4, 4, true)),
                "current",
                "4 of 4 pods are ready",
            ),
            (
                "too few",
                set(spec(), status(2, 2, 2, 2, true)),
                "in-progress",
                "2 of 4 pods are created",
            ),
            (
                "not ready",
                set(spec(), status(4, 2, 4, 4, true)),
                "in-progress",
                "2 of 4 pods are ready",
            ),
            (
                "too many",
                set(spec(), status(5, 5, 5, 5, true)),
                "in-progress",
                "1 pod still",
            ),
            (
                "not current",
                set(spec(), status(4, 4, 3, 1, true)),
                "in-progress",
                "1 of 4 pods are updated",
            ),
            (
                "old revision",
                set(spec(), status(4, 4, 4, 4, false)),
                "in-progress",
                "newest revision",
            ),
            (
                "partition open",
                set(part(), status(4, 4, 2, 1, false)),
                "in-progress",
                "1 of 2 pods are updated",
            ),
            (
                "partition done",
                set(part(), status(4, 4, 2, 2, false)),
                "current",
                "partition",
            ),
            (
                "by hand",
                set(json!({"updateStrategy": {"type": "OnDelete"}}), json!({})),
                "current",
                "deletes them",
            ),
        ],
    );
}

#[test]
fn daemon_sets() {
    let status = |counts: [i64; 5]| {
        let [want, current, updated, available, ready] = counts;
        json!({ "status": { "observedGeneration": 1, "desiredNumberScheduled": want, "currentNumberScheduled": current,
            "updatedNumberScheduled": updated, "numberAvailable": available, "numberReady": ready } })
    };
    rows(
        "apps/v1",
        "DaemonSet",
        &[
            ("no status", json!({}), "in-progress", "not seen"),
            (
                "no count",
                json!({"status": {"observedGeneration": 1}}),
                "in-progress",
                "not counted",
            ),
            ("fine", status([4, 4, 4, 4, 4]), "current", "4 of 4"),
            ("no node", status([0, 0, 0, 0, 0]), "current", "0 of 0"),
            (
                "too few",
                status([4, 2, 4, 4, 4]),
                "in-progress",
                "2 of 4 pods are scheduled",
            ),
            (
                "not updated",
                status([4, 4, 3, 4, 4]),
                "in-progress",
                "updated",
            ),
            (
                "not available",
                status([4, 4, 4, 2, 4]),
                "in-progress",
                "available",
            ),
            ("not ready", status([4, 4, 4, 4, 2]), "in-progress", "ready"),
        ],
    );
}

#[test]
fn replica_sets() {
    let status = |counts: [i64; 4]| {
        let [all, labelled, available, ready] = counts;
        json!({ "spec": { "replicas": 3 }, "status": { "observedGeneration": 1, "replicas": all,
            "fullyLabeledReplicas": labelled, "availableReplicas": available, "readyReplicas": ready } })
    };
    rows(
        "apps/v1",
        "ReplicaSet",
        &[
            ("no status", json!({}), "in-progress", "labelled"),
            ("fine", status([3, 3, 3, 3]), "current", "3 of 3"),
            (
                "not labelled",
                status([3, 2, 3, 3]),
                "in-progress",
                "labelled",
            ),
            (
                "not available",
                status([3, 3, 2, 3]),
                "in-progress",
                "available",
            ),
            ("not ready", status([3, 3, 3, 2]), "in-progress", "ready"),
            (
                "too many",
                status([4, 3, 3, 3]),
                "in-progress",
                "1 pod still",
            ),
            (
                "failure",
                json!({"status": {"conditions": [said("ReplicaFailure", "True", "FailedCreate", "exceeded quota")]}}),
                "in-progress",
                "exceeded quota",
            ),
        ],
    );
}
