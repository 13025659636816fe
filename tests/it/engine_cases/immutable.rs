//! Fields that never change, on the kinds that have them: an error by default, made anew only where that
//! is allowed and loses no data.

use kubemate::apply::outcome::Outcome;
use kubemate::object::{ObjectKey, ObjectRules};
use kubemate::plan::{Finding, Rule, Verb};
use serde_json::{Value, json};

use super::record::settles;
use crate::engine::{Engine, outcome, told};

fn role(name: &str) -> Value {
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "r"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": "default"}]})
}

fn job(image: &str) -> Value {
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}, "spec": {"template": {"spec": {
        "restartPolicy": "Never", "containers": [{"name": "c", "image": image}]}}}})
}

fn claim(class: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "p"}, "spec": {
        "accessModes": ["ReadWriteOnce"], "storageClassName": class,
        "resources": {"requests": {"storage": "1Gi"}}}})
}

fn stateful(size: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "s"}, "spec": {
        "serviceName": "s", "replicas": 0, "selector": {"matchLabels": {"app": "s"}},
        "template": {"metadata": {"labels": {"app": "s"}},
            "spec": {"containers": [{"name": "c", "image": "registry.local/app:1"}]}},
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {
            "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}}]}})
}

fn claimless() -> Value {
    let mut body = stateful("1Gi");
    body["metadata"]["name"] = "t".into();
    body["spec"]
        .as_object_mut()
        .unwrap()
        .shift_remove("volumeClaimTemplates");
    body
}

fn with_claim() -> Value {
    let mut body = stateful("1Gi");
    body["metadata"]["name"] = "t".into();
    body
}

fn secret(value: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "immutable": true,
        "data": {"k": value}})
}

fn service(headless: bool) -> Value {
    let mut spec = json!({"ports": [{"port": 80, "name": "http"}]});
    if headless {
        spec["clusterIP"] = "None".into();
    }
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "v"}, "spec": spec})
}

/// Before, after, and whether it may ever be made anew.
fn cases() -> Vec<(Value, Value, bool)> {
    vec![
        (role("view"), role("edit"), true),
        (
            job("registry.local/app:1"),
            job("registry.local/app:2"),
            true,
        ),
        (secret("YQ=="), secret("Yg=="), true),
        (service(false), service(true), true),
        (claim("one"), claim("two"), false),
        (stateful("1Gi"), stateful("2Gi"), false),
        (with_claim(), claimless(), false),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_49_what_cannot_change_is_an_error_and_data_is_never_deleted_for_it() {
    let (mut engine, proxy) = Engine::behind_proxy().await;
    engine.options.wait_for_health = false;
    engine.policy.max_delete_percent = 100;
    let mut keys: Vec<(ObjectKey, bool)> = Vec::new();
    for (before, _, anew) in cases() {
        keys.push((engine.want(before), anew));
    }
    engine.apply_all().await;
    let mut lives = Vec::new();
    for (key, _) in &keys {
        lives.push(engine.live(key).await.unwrap().uid);
    }
    for allowed in [false, true] {
        let rules = ObjectRules {
            replace: allowed,
            ..ObjectRules::default()
        };
        for (_, after, _) in cases() {
            engine.want_with(after, rules.clone(), &[]);
        }
        let (plan, report) = engine.apply().await;
        let said = told(&plan, &report);
        for ((key, anew), life) in keys.iter().zip(&lives) {
            let live = engine.live(key).await.unwrap();
            if allowed && *anew {
                assert_eq!(*outcome(&report, key), Outcome::Done, "{key}: {said}");
                assert_ne!(live.uid, *life, "{key}: {said}");
                continue;
            }
            let refused = |f: &&Finding| f.key.as_ref() == Some(key) && f.rule == Rule::Immutable;
            let finding = plan.findings.iter().find(refused);
            let finding = finding.unwrap_or_else(|| panic!("{key}: {said}"));
            assert!(finding.holds() && !finding.fields.is_empty(), "{finding:?}");
            assert!(!finding.fields.contains(&"/spec".to_owned()), "{finding:?}");
            assert!(
                matches!(outcome(&report, key), Outcome::NotAttempted { .. }),
                "{key}: {said}"
            );
            assert_eq!(live.uid, *life, "{key}: {said}");
            let step = plan.steps.iter().find(|step| step.key == *key).unwrap();
            assert_ne!(step.action.verb(), Verb::Replace, "{key}: {said}");
        }
    }
    // The old values put back, everything is well again.
    for (before, _, anew) in cases() {
        if !anew {
            engine.want(before);
        }
    }
    settles(&[&engine], &proxy).await;
}
