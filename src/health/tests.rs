//! Verdicts as rows of a table, and what does not fit into one.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;

fn now() -> Timestamp {
    "2026-05-01T12:00:00Z".parse().unwrap()
}

/// A bare object of a kind, with what a row says about it.
fn object(version: &str, kind: &str, rest: &Value) -> Value {
    let metadata = json!({ "name": "x", "namespace": "n", "generation": 1 });
    let mut object = json!({ "apiVersion": version, "kind": kind, "metadata": metadata });
    for (field, value) in rest.as_object().unwrap() {
        match (object.get_mut(field).and_then(Value::as_object_mut), value) {
            (Some(map), Value::Object(more)) => map.extend(more.clone()),
            _ => object[field] = value.clone(),
        }
    }
    object
}

#[test]
fn r_67_every_row_of_the_table() {
    let (mut kind, mut seen, mut wrong) = (("", ""), BTreeSet::new(), Vec::new());
    for (index, line) in include_str!("tests/rows.txt").lines().enumerate() {
        if let Some(heading) = line.strip_prefix("## ") {
            kind = heading.split_once(' ').unwrap();
        }
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let [name, word, part, rest] = line.splitn(4, " | ").collect::<Vec<_>>()[..] else {
            panic!("line {}: a row has four columns", index + 1);
        };
        assert!(
            seen.insert((kind, name)),
            "line {}: `{name}` comes twice",
            index + 1
        );
        let health = health(
            &object(kind.0, kind.1, &serde_json::from_str(rest).unwrap()),
            now(),
        );
        if health.word() != word || !health.why().contains(part) {
            wrong.push(format!(
                "{}, {name}: {}, {}",
                kind.1,
                health.word(),
                health.why()
            ));
        }
    }
    assert!(seen.len() > 150, "{} rows", seen.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_runs_to_completion_is_complete_only_at_its_end() {
    let job = |conditions: Value| {
        let status = json!({ "startTime": "2026-05-01T11:00:00Z", "conditions": conditions });
        object("batch/v1", "Job", &json!({ "status": status }))
    };
    let ended = |kind: &str| job(json!([{ "type": kind, "status": "True" }]));
    assert_eq!(health(&job(json!([])), now()).word(), "current");
    assert_eq!(completion(&job(json!([])), now()).word(), "in-progress");
    assert_eq!(completion(&ended("Complete"), now()).word(), "current");
    assert_eq!(completion(&ended("Failed"), now()).word(), "failed");
    assert_eq!(run(&object("v1", "Pod", &json!({}))), None);
    let config = object("v1", "ConfigMap", &json!({}));
    assert_eq!(completion(&config, now()).word(), "current");
}

#[test]
fn rules_of_others_come_before_the_built_in_ones() {
    let rule = HealthRule {
        group: "apps",
        kind: "Deployment",
        verdict: Verdict::Stored,
    };
    let deployment = object("apps/v1", "Deployment", &json!({}));
    assert_eq!(health(&deployment, now()).word(), "in-progress");
    assert_eq!(health_with(&[rule], &deployment, now()).word(), "current");
    assert_eq!(health(&json!([]), now()).word(), "unknown");
}
