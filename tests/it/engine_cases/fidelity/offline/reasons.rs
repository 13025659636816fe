//! Each reason for which an offline plan may differ, brought about on its own.

use std::path::Path;

use kubemate::object::{ObjectRules, Rendered};
use kubemate::plan::Rule;
use serde_json::{Value, json};

use super::{Pair, Why, both};
use crate::bed::proxy::{Fault, Match, Proxy, Rule as Break};
use crate::engine::{Engine, deployment};

/// How the plans of one change differ, and what the one against the cluster finds.
async fn differing(engine: &Engine, base: &Rendered) -> (Vec<Option<Why>>, Vec<Rule>) {
    let (seen, offline) = both(engine, base).await;
    let pair = Pair {
        seen: &seen,
        offline: &offline,
        base,
        head: &engine.rendered,
    };
    let found = pair.differences();
    let told: Vec<&String> = found.iter().map(|(_, _, told)| told).collect();
    eprintln!("{told:#?}");
    let rules = seen.plan.findings.iter().map(|f| f.rule).collect();
    (found.iter().map(|(_, why, _)| *why).collect(), rules)
}

/// Applies one object, then wants it otherwise.
async fn changed(before: Value, after: Value, rules: ObjectRules) -> (Engine, Rendered) {
    let mut engine = Engine::new().await;
    engine.options.wait_for_health = false;
    engine.want_with(before, rules.clone(), &[]);
    engine.apply_all().await;
    let base = engine.rendered.clone();
    engine.want_with(after, rules, &[]);
    (engine, base)
}

fn config(data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filled_in() {
    let mut before = deployment("web", 1);
    before["spec"]["strategy"] = json!({"type": "Recreate"});
    // Nobody says how to roll out any more, and the server has figures for that.
    let after = deployment("web", 1);
    let (engine, base) = changed(before, after, ObjectRules::default()).await;
    assert_eq!(differing(&engine, &base).await.0, [Some(Why::FilledIn)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_server_counts_makes_no_difference() {
    let daemon = |image: &str| {
        let mut body = deployment("agent", 1);
        body["kind"] = json!("DaemonSet");
        body["spec"].as_object_mut().unwrap().remove("replicas");
        body["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
        body
    };
    let (engine, base) = changed(daemon("r/a:1"), daemon("r/a:2"), ObjectRules::default()).await;
    assert_eq!(differing(&engine, &base).await.0, []);
    let report = engine.apply().await.1;
    assert!(report.complete());
    let key = engine.rendered.objects.keys().next().unwrap();
    let annotations = &engine.live(key).await.unwrap().body["metadata"]["annotations"];
    let counted = "deprecated.daemonset.template.generation";
    assert_eq!(annotations[counted], "2", "{annotations}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn same_value() {
    let with = |cpu: &str| {
        let mut body = deployment("web", 1);
        let container = &mut body["spec"]["template"]["spec"]["containers"][0];
        container["resources"] = json!({"requests": {"cpu": cpu}});
        body
    };
    let (engine, base) = changed(with("1"), with("1000m"), ObjectRules::default()).await;
    assert_eq!(differing(&engine, &base).await.0, [Some(Why::SameValue)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replaced_where_only_the_server_knows_that_it_cannot_change() {
    let job = |completions: u64| {
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}, "spec": {
            "completions": completions, "template": {"spec": {"restartPolicy": "Never",
                "containers": [{"name": "main", "image": "registry.local/app:1"}]}}}})
    };
    for replace in [true, false] {
        let rules = ObjectRules {
            replace,
            ..ObjectRules::default()
        };
        let (engine, base) = changed(job(1), job(2), rules).await;
        let (found, rules) = differing(&engine, &base).await;
        if replace {
            assert_eq!(found, [Some(Why::Replaced)]);
        } else {
            // Both say what is wanted; that the server refuses it is a finding, not another change.
            assert_eq!(found, []);
            assert!(rules.contains(&Rule::Immutable), "{rules:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drift() {
    let (before, after) = (json!({"k": "1", "l": "1"}), json!({"k": "2", "l": "1"}));
    let edits = [
        r#"{"data":{"l":"theirs"}}"#,
        r#"{"data":{"k":"2"}}"#,
        r#"{"data":{"k":null}}"#,
    ];
    for edit in edits {
        let rules = ObjectRules::default();
        let (engine, base) = changed(config(before.clone()), config(after.clone()), rules).await;
        engine.kubectl(&["patch", "configmap", "a", "-p", edit]);
        let found = differing(&engine, &base).await.0;
        // A value that is gone changes in both plans alike: to the wanted one.
        let same = edit.contains("null");
        let expected: &[_] = if same { &[] } else { &[Some(Why::Drift)] };
        assert_eq!(found, expected, "{edit}");
    }
    let rules = ObjectRules::default();
    let (engine, base) = changed(config(before.clone()), config(before), rules).await;
    engine.kubectl(&["delete", "configmap", "a"]);
    assert_eq!(differing(&engine, &base).await.0, [Some(Why::Drift)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn left_to_others() {
    let (before, after) = (deployment("web", 2), deployment("web", 3));
    let (engine, base) = changed(before, after, ObjectRules::default()).await;
    let scale = r#"{"spec":{"replicas":7}}"#;
    let manager = ["--field-manager", "keda-operator"];
    engine.kubectl(&[&["patch", "deployment", "web", "-p", scale], &manager[..]].concat());
    // Only what something scales is left to it.
    engine.kubectl(&["autoscale", "deployment", "web", "--min=7", "--max=9"]);
    assert_eq!(differing(&engine, &base).await.0, [Some(Why::LeftToOthers)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn not_ours() {
    let mut engine = Engine::new().await;
    engine.want_config("mine", &json!({"k": "1"}));
    engine.apply_all().await;
    let base = engine.rendered.clone();
    engine.kubectl(&["create", "configmap", "theirs", "--from-literal=k=1"]);
    engine.want_config("theirs", &json!({"k": "1"}));
    assert_eq!(differing(&engine, &base).await.0, [Some(Why::NotOurs)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn not_read() {
    let bed = crate::bed::cluster();
    let proxy = Proxy::before(bed.kubeconfig());
    let mut engine = Engine::through(proxy.kubeconfig(), bed.unique_namespace().await).await;
    engine.want_config("a", &json!({"k": "1"}));
    engine.apply_all().await;
    let base = engine.rendered.clone();
    engine.want_config("a", &json!({"k": "2"}));
    let read = Match::reads().resource("configmaps").name("a");
    proxy.add(Break::new(read, Fault::Status(403, Vec::new())));
    assert_eq!(differing(&engine, &base).await.0, [Some(Why::NotRead)]);
}

/// Every reason has a test of its name here and a section in the documentation, and there are no others.
#[test]
fn reasons_are_documented_and_tested() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/reference/offline-plans.md")).unwrap();
    let sections: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .map(|title| title.split(':').next().unwrap())
        .collect();
    let words = Why::ALL.map(|(_, word)| word);
    assert_eq!(sections, words);
    let tests = include_str!("reasons.rs");
    for word in words {
        let name = format!("async fn {}", word.replace(' ', "_"));
        assert!(tests.contains(&name), "no test for `{word}`");
    }
}
