//! One row per status: what the object looks like, and the verdict.

#![expect(
    clippy::too_many_lines,
    clippy::needless_pass_by_value,
    reason = "tables are long, and json! makes values"
)]

use serde_json::{Value, json};

use super::*;

mod core;
mod gateway;
mod pods;
mod scaling;
mod workloads;

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
