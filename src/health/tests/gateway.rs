//! Gateways, classes and routes.

use serde_json::{Value, json};

use super::*;

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
