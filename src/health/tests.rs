//! One row per status: what the object looks like, and the verdict.

use serde_json::{Value, json};

use super::*;

/// The time of all verdicts.
const NOW: &str = "2026-05-01T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn judge(version: &str, kind: &str, rest: &Value) -> Health {
    let mut object = json!({ "apiVersion": version, "kind": kind, "metadata": { "name": "x", "namespace": "n", "generation": 1 } });
    for (field, value) in rest.as_object().unwrap() {
        match object.get_mut(field).and_then(Value::as_object_mut) {
            Some(map) => map.extend(value.as_object().unwrap().clone()),
            None => object[field] = value.clone(),
        }
    }
    health(&object, now())
}

/// Rows of one kind: a name, what differs, the verdict's word, and a part of its sentence.
fn rows(version: &str, kind: &str, rows: &[(&str, Value, &str, &str)]) {
    for (name, rest, word, part) in rows {
        let health = judge(version, kind, rest);
        assert_eq!(health.word(), *word, "{kind}, {name}: {health:?}");
        assert!(
            health.why().contains(part),
            "{kind}, {name}: {}",
            health.why()
        );
    }
}

fn condition(kind: &str, status: &str) -> Value {
    json!({ "type": kind, "status": status })
}

fn said(kind: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({ "type": kind, "status": status, "reason": reason, "message": message })
}

#[test]
fn any_kind() {
    let with = |conditions: Value| json!({ "status": { "conditions": conditions } });
    rows(
        "x.io/v1",
        "Thing",
        &[
            ("no status", json!({}), "current", "stored"),
            (
                "ready",
                with(json!([condition("Ready", "True")])),
                "current",
                "ready",
            ),
            (
                "not ready",
                with(json!([said("Ready", "False", "Busy", "still building.")])),
                "in-progress",
                "still building",
            ),
            (
                "unknown",
                with(json!([condition("Ready", "Unknown")])),
                "in-progress",
                "not ready",
            ),
            (
                "reconciling",
                with(json!([
                    condition("Reconciling", "True"),
                    condition("Ready", "True")
                ])),
                "in-progress",
                "works",
            ),
            (
                "stalled",
                with(json!([said("Stalled", "True", "Bad", "no such host")])),
                "failed",
                "no such host",
            ),
            (
                "stalled wins",
                with(json!([
                    condition("Reconciling", "True"),
                    condition("Stalled", "True")
                ])),
                "failed",
                "",
            ),
            (
                "lag",
                json!({"metadata": {"generation": 3}, "status": {"observedGeneration": 2}}),
                "in-progress",
                "generation 2 of 3",
            ),
            (
                "lag as text",
                json!({"metadata": {"generation": 3}, "status": {"observedGeneration": "2"}}),
                "in-progress",
                "2 of 3",
            ),
            (
                "deleted",
                json!({"metadata": {"deletionTimestamp": NOW, "finalizers": ["x.io/lock"]}}),
                "terminating",
                "x.io/lock",
            ),
        ],
    );
    assert_eq!(health(&json!([]), now()).word(), "unknown");
}

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

#[test]
fn storage_services_and_the_rest_of_the_core() {
    let phase = |phase: &str| json!({ "status": { "phase": phase } });
    rows(
        "v1",
        "PersistentVolumeClaim",
        &[
            ("no status", json!({}), "in-progress", "no volume"),
            ("pending", phase("Pending"), "in-progress", "pending"),
            ("bound", phase("Bound"), "current", "bound"),
            ("lost", phase("Lost"), "failed", "gone"),
        ],
    );
    rows(
        "v1",
        "PersistentVolume",
        &[
            ("no status", json!({}), "in-progress", "not available"),
            ("free", phase("Available"), "current", "available"),
            (
                "failed",
                json!({"status": {"phase": "Failed", "message": "no plugin"}}),
                "failed",
                "no plugin",
            ),
        ],
    );
    rows(
        "v1",
        "Namespace",
        &[
            ("active", phase("Active"), "current", ""),
            ("going", phase("Terminating"), "terminating", ""),
        ],
    );
    let balancer = |ip: &str, ingress: Value| json!({"spec": {"type": "LoadBalancer", "clusterIP": ip}, "status": {"loadBalancer": {"ingress": ingress}}});
    rows(
        "v1",
        "Service",
        &[
            (
                "plain",
                json!({"spec": {"type": "ClusterIP"}}),
                "current",
                "stored",
            ),
            (
                "node port",
                json!({"spec": {"type": "NodePort"}}),
                "current",
                "stored",
            ),
            (
                "no cluster address",
                balancer("", json!([])),
                "in-progress",
                "in the cluster",
            ),
            (
                "no address",
                balancer("10.0.0.1", json!([])),
                "in-progress",
                "load balancer",
            ),
            (
                "address",
                balancer("10.0.0.1", json!([{"ip": "1.2.3.4"}])),
                "current",
                "1.2.3.4",
            ),
        ],
    );
    rows(
        "policy/v1",
        "PodDisruptionBudget",
        &[
            (
                "counted",
                json!({"status": {"observedGeneration": 1, "disruptionsAllowed": 2}}),
                "current",
                "2 disruptions",
            ),
            (
                "lags",
                json!({"metadata": {"generation": 2}, "status": {"observedGeneration": 1}}),
                "in-progress",
                "1 of 2",
            ),
        ],
    );
    let limits = json!({ "hard": { "pods": "5" } });
    rows(
        "v1",
        "ResourceQuota",
        &[
            (
                "in force",
                json!({"spec": limits, "status": limits}),
                "current",
                "in force",
            ),
            (
                "not yet",
                json!({"spec": limits}),
                "in-progress",
                "not in force",
            ),
        ],
    );
    let crd = |conditions: Value| json!({ "status": { "conditions": conditions } });
    rows(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        &[
            ("no status", json!({}), "in-progress", "not served"),
            (
                "installing",
                crd(json!([said("Established", "False", "Installing", "")])),
                "in-progress",
                "not served",
            ),
            (
                "served",
                crd(json!([
                    condition("NamesAccepted", "True"),
                    condition("Established", "True")
                ])),
                "current",
                "served",
            ),
            (
                "names taken",
                crd(json!([said(
                    "NamesAccepted",
                    "False",
                    "PluralConflict",
                    "things is taken"
                )])),
                "failed",
                "things is taken",
            ),
        ],
    );
}

#[test]
fn scalers_and_rollouts() {
    let with = |conditions: Value| json!({ "status": { "conditions": conditions } });
    rows(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        &[
            ("no status", json!({}), "in-progress", "not spoken"),
            (
                "active",
                with(json!([
                    condition("AbleToScale", "True"),
                    condition("ScalingActive", "True")
                ])),
                "current",
                "scales",
            ),
            (
                "no metrics",
                with(json!([said(
                    "ScalingActive",
                    "False",
                    "FailedGetResourceMetric",
                    "no metrics API"
                )])),
                "in-progress",
                "no metrics API",
            ),
            (
                "to zero",
                with(json!([said(
                    "ScalingActive",
                    "False",
                    "ScalingDisabled",
                    ""
                )])),
                "suspended",
                "zero",
            ),
            (
                "unable",
                with(json!([said(
                    "AbleToScale",
                    "False",
                    "FailedGetScale",
                    "no such target"
                )])),
                "failed",
                "no such target",
            ),
        ],
    );
    rows(
        "keda.sh/v1alpha1",
        "ScaledObject",
        &[
            ("no status", json!({}), "in-progress", "not spoken"),
            (
                "ready",
                with(json!([
                    condition("Ready", "True"),
                    condition("Active", "False")
                ])),
                "current",
                "scales",
            ),
            (
                "paused",
                with(json!([
                    condition("Ready", "True"),
                    condition("Paused", "True")
                ])),
                "suspended",
                "paused",
            ),
            (
                "fallback",
                with(json!([
                    condition("Ready", "True"),
                    said("Fallback", "True", "", "queue is gone")
                ])),
                "failed",
                "queue is gone",
            ),
            (
                "not ready",
                with(json!([said("Ready", "False", "", "no trigger")])),
                "failed",
                "no trigger",
            ),
        ],
    );
    let phase = |phase: &str| json!({ "status": { "phase": phase, "canaryWeight": 25 } });
    rows(
        "flagger.app/v1beta1",
        "Canary",
        &[
            ("no status", json!({}), "in-progress", "not spoken"),
            ("set up", phase("Initialized"), "current", "set up"),
            ("released", phase("Succeeded"), "current", "released"),
            ("going", phase("Progressing"), "in-progress", "25 %"),
            (
                "waiting",
                phase("WaitingPromotion"),
                "in-progress",
                "approval",
            ),
            ("failed", phase("Failed"), "failed", "rolled back"),
        ],
    );
    rows(
        "argoproj.io/v1alpha1",
        "Rollout",
        &[
            ("paused", phase("Paused"), "suspended", "Paused"),
            ("degraded", phase("Degraded"), "failed", "Degraded"),
            (
                "healthy, lagging",
                json!({"metadata": {"generation": 5}, "status": {"phase": "Healthy", "observedGeneration": "4"}}),
                "in-progress",
                "4 of 5",
            ),
        ],
    );
}

#[test]
fn secrets_and_certificates_from_outside() {
    let with = |condition: Value| json!({ "status": { "conditions": [condition] } });
    for kind in ["ExternalSecret", "SecretStore", "ClusterSecretStore"] {
        rows(
            "external-secrets.io/v1",
            kind,
            &[
                ("not looked at", json!({}), "in-progress", "Ready"),
                (
                    "synced",
                    with(condition("Ready", "True")),
                    "current",
                    "Ready",
                ),
                (
                    "error",
                    with(said(
                        "Ready",
                        "False",
                        "SecretSyncedError",
                        "permission denied",
                    )),
                    "failed",
                    "permission denied",
                ),
            ],
        );
    }
    let old = json!({"type": "Ready", "status": "True", "observedGeneration": 1});
    rows(
        "cert-manager.io/v1",
        "Certificate",
        &[
            ("not looked at", json!({}), "in-progress", "not issued"),
            (
                "issued",
                with(condition("Ready", "True")),
                "current",
                "issued",
            ),
            (
                "of an older generation",
                json!({"metadata": {"generation": 2}, "status": {"conditions": [old]}}),
                "in-progress",
                "not issued",
            ),
            (
                "refused",
                with(said("Issuing", "False", "Failed", "bad CSR")),
                "failed",
                "bad CSR",
            ),
        ],
    );
}

fn fresh(kind: &str, status: &str, generation: i64) -> Value {
    json!({ "type": kind, "status": status, "observedGeneration": generation, "reason": "R", "message": "port unavailable" })
}

#[test]
fn gateways() {
    let class = |condition: Value| json!({ "metadata": {"generation": 2}, "status": { "conditions": [condition] } });
    rows(
        "gateway.networking.k8s.io/v1",
        "GatewayClass",
        &[
            ("no one", json!({}), "in-progress", "no controller"),
            (
                "accepted",
                class(fresh("Accepted", "True", 2)),
                "current",
                "accepted",
            ),
            (
                "accepted before",
                class(fresh("Accepted", "True", 1)),
                "in-progress",
                "no controller",
            ),
            (
                "waiting",
                class(condition("Accepted", "Unknown")),
                "in-progress",
                "no controller",
            ),
            (
                "refused",
                class(fresh("Accepted", "False", 2)),
                "failed",
                "port unavailable",
            ),
        ],
    );
    let gateway = |programmed: &str, listener: &str, generation: i64| {
        let all = |status: &str| {
            json!([
                fresh("Accepted", status, generation),
                fresh("ResolvedRefs", "True", generation),
                fresh("Programmed", status, generation)
            ])
        };
        json!({ "metadata": {"generation": 2}, "spec": {"listeners": [{"name": "https"}]}, "status": {
            "conditions": [fresh("Accepted", "True", generation), fresh("Programmed", programmed, generation)],
            "listeners": [{"name": "https", "conditions": all(listener)}] } })
    };
    rows(
        "gateway.networking.k8s.io/v1",
        "Gateway",
        &[
            (
                "no one",
                json!({"spec": {"listeners": [{"name": "https"}]}}),
                "in-progress",
                "listener https",
            ),
            (
                "fine",
                gateway("True", "True", 2),
                "current",
                "listener https",
            ),
            (
                "fine before",
                gateway("True", "True", 1),
                "in-progress",
                "not accepted yet",
            ),
            (
                "bad listener",
                gateway("True", "False", 2),
                "failed",
                "listener https: port unavailable",
            ),
            (
                "not programmed",
                gateway("False", "True", 2),
                "failed",
                "port unavailable",
            ),
        ],
    );
}

#[test]
fn every_parent_of_a_route_must_have_accepted_it() {
    let entry = |name: &str, accepted: &str, generation: i64| {
        json!({ "parentRef": {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": name},
            "conditions": [fresh("Accepted", accepted, generation), fresh("ResolvedRefs", "True", generation)] })
    };
    let route = |parents: Value| json!({ "metadata": {"generation": 3}, "spec": {"parentRefs": [{"name": "inner"}, {"name": "outer", "namespace": "n"}]}, "status": {"parents": parents} });
    rows(
        "gateway.networking.k8s.io/v1",
        "HTTPRoute",
        &[
            (
                "no one",
                route(json!([])),
                "in-progress",
                "inner has not answered",
            ),
            (
                "one of two",
                route(json!([entry("inner", "True", 3)])),
                "in-progress",
                "outer has not answered",
            ),
            (
                "both",
                route(json!([
                    entry("inner", "True", 3),
                    entry("outer", "True", 3)
                ])),
                "current",
                "2 parents",
            ),
            (
                "one for an older generation",
                route(json!([
                    entry("inner", "True", 3),
                    entry("outer", "True", 2)
                ])),
                "in-progress",
                "outer is not accepted yet",
            ),
            (
                "one refuses",
                route(json!([
                    entry("inner", "True", 3),
                    entry("outer", "False", 3)
                ])),
                "failed",
                "outer: port unavailable",
            ),
        ],
    );
    let service = json!({ "metadata": {"generation": 1}, "spec": {"parentRefs": [{"group": "core", "kind": "Service", "name": "web", "port": 80}]},
        "status": {"parents": [{"parentRef": {"group": "", "kind": "Service", "name": "web", "port": 80},
            "conditions": [fresh("Accepted", "True", 1), fresh("ResolvedRefs", "True", 1)]}]} });
    rows(
        "gateway.networking.k8s.io/v1",
        "HTTPRoute",
        &[("mesh", service, "current", "accepted")],
    );
}

#[test]
fn groups_tell_kinds_of_one_name_apart() {
    let healthy = json!({ "status": { "healthStatus": "green" } });
    assert_eq!(
        judge("minio.min.io/v2", "Tenant", &json!({})).word(),
        "in-progress"
    );
    assert_eq!(
        judge("minio.min.io/v2", "Tenant", &healthy).word(),
        "current"
    );
    assert_eq!(
        judge("capsule.clastix.io/v1beta2", "Tenant", &json!({})).word(),
        "current"
    );
    let done = json!({ "status": { "conditions": [condition("Succeeded", "False")] } });
    assert_eq!(
        judge("tekton.dev/v1", "PipelineRun", &done).word(),
        "failed"
    );
    let stopped = json!({ "status": { "conditions": [condition("Stopped", "False"), condition("Ready", "True")] } });
    assert_eq!(
        judge("serving.kserve.io/v1beta1", "InferenceService", &stopped).word(),
        "current"
    );
}
