//! What is said of objects that the API server cannot be asked about yet is what it says once it can: the
//! schemas and the CEL rules of CRDs are read as the server reads them.

use std::collections::BTreeMap;

use kubemate::plan::Plan;
use serde_json::{Value, json};

use crate::bed;
use crate::engine::Engine;

fn crd(group: &str) -> Value {
    let list = json!({"type": "array", "maxItems": 10, "items": {"type": "object", "required": ["name"],
        "x-kubernetes-validations": [{"rule": "self.weight <= 100", "message": "weight is above 100"}],
        "properties": {"name": {"type": "string", "maxLength": 20}, "weight": {"type": "integer", "default": 1}}},
        "x-kubernetes-validations": [
            {"rule": "self.all(a, self.exists_one(b, a.name == b.name))", "message": "names repeat"}]});
    let spec = json!({"type": "object", "required": ["size"], "properties": {
            "size": {"type": "integer", "default": 3},
            "min": {"type": "integer", "default": 0}, "max": {"type": "integer"},
            "mode": {"type": "string", "enum": ["one", "many"], "default": "many"},
            "host": {"type": "string", "maxLength": 100, "x-kubernetes-validations": [
                {"rule": "self.matches('^[a-z.]+$')", "messageExpression": "'bad host ' + self"}]},
            "labels": {"type": "object", "maxProperties": 5, "additionalProperties": {"type": "string", "maxLength": 20,
                "x-kubernetes-validations": [{"rule": "self != 'forbidden'"}]}},
            "list": list},
        "x-kubernetes-validations": [
            {"rule": "!has(self.max) || self.min <= self.max", "message": "min is above max", "fieldPath": ".min"},
            {"rule": "self.mode == 'many' || self.size == 1", "message": "one has the size 1"},
            {"rule": "self.size >= oldSelf.size", "message": "size only grows"}]});
    let schema = json!({"openAPIV3Schema": {"type": "object", "properties": {"spec": spec},
        "x-kubernetes-validations": [{"rule": "self.metadata.name != 'reserved'"}]}});
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("gizmos.{group}")},
        "spec": {"group": group, "scope": "Namespaced",
            "names": {"kind": "Gizmo", "plural": "gizmos", "singular": "gizmo"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": schema}]}})
}

fn gizmos() -> Vec<(&'static str, Value)> {
    vec![
        ("empty", json!({})),
        ("sized", json!({"size": 1, "mode": "one"})),
        ("oversized", json!({"size": 2, "mode": "one"})),
        ("defaulted", json!({"mode": "one"})),
        ("unknown", json!({"sise": 1})),
        ("typed", json!({"size": "1"})),
        ("chosen", json!({"mode": "few"})),
        ("range", json!({"min": 1, "max": 2})),
        ("crossed", json!({"min": 3, "max": 2})),
        ("crossed-by-default", json!({"max": -1})),
        ("host", json!({"host": "a.b"})),
        ("bad-host", json!({"host": "A"})),
        ("labels", json!({"labels": {"a": "b"}})),
        ("bad-label", json!({"labels": {"a": "forbidden"}})),
        (
            "list",
            json!({"list": [{"name": "a"}, {"name": "b", "weight": 100}]}),
        ),
        ("repeated", json!({"list": [{"name": "a"}, {"name": "a"}]})),
        ("heavy", json!({"list": [{"name": "a", "weight": 101}]})),
        ("nameless", json!({"list": [{"weight": 1}]})),
        ("reserved", json!({})),
    ]
}

/// Which of the wanted objects a plan refuses, with the fields that are named.
fn verdicts(plan: &Plan, names: &[&'static str]) -> BTreeMap<&'static str, bool> {
    let refused = |name: &str| {
        let about =
            |f: &&kubemate::plan::Finding| f.key.as_ref().is_some_and(|key| key.name == name);
        plan.findings
            .iter()
            .filter(about)
            .any(kubemate::plan::Finding::holds)
    };
    names.iter().map(|name| (*name, refused(name))).collect()
}

fn wish(
    engine: &mut Engine,
    version: &str,
    kind: &str,
    namespace: &str,
    objects: &[(&'static str, Value)],
) {
    for (name, spec) in objects {
        engine.want(json!({"apiVersion": version, "kind": kind,
            "metadata": {"name": name, "namespace": namespace}, "spec": spec}));
    }
}

async fn asked_and_unasked(
    version: &str,
    kind: &str,
    objects: &[(&'static str, Value)],
) -> [Plan; 2] {
    let mut asked = Engine::new().await;
    let here = asked.namespace.clone();
    wish(&mut asked, version, kind, &here, objects);
    let mut unasked = Engine::new().await;
    let new = bed::unique_name("new");
    unasked.want(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": new}}));
    wish(&mut unasked, version, kind, &new, objects);
    [asked.plan().await, unasked.plan().await]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crd_refuses_the_same_before_it_is_there_and_before_the_namespace_is() {
    let group = format!("{}.example.com", bed::unique_name("g"));
    let version = format!("{group}/v1");
    let objects = gizmos();
    let names: Vec<&'static str> = objects.iter().map(|(name, _)| *name).collect();
    let mut planned = Engine::new().await;
    let here = planned.namespace.clone();
    planned.want(crd(&group));
    wish(&mut planned, &version, "Gizmo", &here, &objects);
    let planned = planned.plan().await;

    bed::cluster().kubectl_with(&["apply", "-f", "-"], &crd(&group).to_string());
    let name = format!("gizmos.{group}");
    bed::cluster().served(&name);
    let [asked, unasked] = asked_and_unasked(&version, "Gizmo", &objects).await;

    let expected = verdicts(&asked, &names);
    let bad = expected.values().filter(|refused| **refused).count();
    assert_eq!(bad, 13, "{expected:?} {:?}", asked.findings);
    assert_eq!(
        verdicts(&planned, &names),
        expected,
        "{:?}",
        planned.findings
    );
    assert_eq!(
        verdicts(&unasked, &names),
        expected,
        "{:?}",
        unasked.findings
    );
    for plan in [&planned, &unasked] {
        let said = format!("{:?}", plan.findings);
        for words in [
            "min is above max",
            "names repeat",
            "weight is above 100",
            "/spec/min",
            "/spec/list/0",
        ] {
            assert!(said.contains(words), "{words}: {said}");
        }
        assert!(!said.contains("bad host A"), "no value is told: {said}");
    }
    bed::cluster().kubectl(&["delete", "crd", &name]);
}

/// Routes that the server accepts and routes that it refuses.
fn routes() -> Vec<(&'static str, Value)> {
    let rule = |rule: Value| json!({"rules": [rule]});
    let backend = json!([{"name": "web", "port": 80}]);
    let redirect = json!({"type": "RequestRedirect", "requestRedirect": {"statusCode": 301}});
    let rewrite = json!({"type": "URLRewrite", "urlRewrite": {"hostname": "a.example"}});
    vec![
        ("plain", rule(json!({"backendRefs": backend}))),
        ("redirect", rule(json!({"filters": [redirect]}))),
        (
            "redirect-and-backend",
            rule(json!({"filters": [redirect], "backendRefs": backend})),
        ),
        (
            "redirect-and-rewrite",
            rule(json!({"filters": [redirect, rewrite]})),
        ),
        (
            "path",
            rule(json!({"matches": [{"path": {"type": "PathPrefix", "value": "/a"}}]})),
        ),
        (
            "bad-path",
            rule(json!({"matches": [{"path": {"type": "PathPrefix", "value": "a"}}]})),
        ),
        (
            "double-slash",
            rule(json!({"matches": [{"path": {"type": "Exact", "value": "/a//b"}}]})),
        ),
        (
            "dots",
            rule(json!({"matches": [{"path": {"type": "Exact", "value": "/a/../b"}}]})),
        ),
        ("no-port", rule(json!({"backendRefs": [{"name": "web"}]}))),
        (
            "filter-without-body",
            rule(json!({"filters": [{"type": "URLRewrite"}]})),
        ),
        (
            "timeouts",
            rule(json!({"timeouts": {"request": "10s", "backendRequest": "2s"}})),
        ),
        (
            "bad-timeouts",
            rule(json!({"timeouts": {"request": "1s", "backendRequest": "2s"}})),
        ),
        ("host", json!({"hostnames": ["a.example"]})),
        ("bad-host", json!({"hostnames": ["A_example"]})),
        ("unknown", json!({"hostname": "a.example"})),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn routes_of_a_namespace_that_is_still_to_be_made_are_judged_as_the_server_judges() {
    bed::with_crds(&["gateway-api"]);
    let objects = routes();
    let names: Vec<&'static str> = objects.iter().map(|(name, _)| *name).collect();
    let version = "gateway.networking.k8s.io/v1";
    let [asked, unasked] = asked_and_unasked(version, "HTTPRoute", &objects).await;
    let (server, here) = (verdicts(&asked, &names), verdicts(&unasked, &names));
    assert!(
        server["bad-path"] && server["bad-timeouts"] && !server["plain"],
        "{server:?}"
    );
    assert_eq!(
        here, server,
        "{:?} against {:?}",
        unasked.findings, asked.findings
    );
}
