//! Whose fields and whose objects: conflicts, drift, adoption, and what moved since the plan.

use kubemate::apply::outcome::Outcome;
use kubemate::object::ObjectRules;
use kubemate::plan::{Conflicts, KEEP_ANNOTATION, Rule, Verb};
use serde_json::json;

use crate::engine::{Engine, outcome, told};

/// Another manager applies a field of ours by force.
fn steal(engine: &Engine, manager: &str, value: &str) {
    let object = json!({"apiVersion":"v1","kind":"ConfigMap","data":{"k":value},
        "metadata":{"name":"a","namespace":engine.namespace}});
    crate::bed::cluster().kubectl_with(
        &[
            "apply",
            "--server-side",
            "--force-conflicts",
            "--field-manager",
            manager,
            "-f",
            "-",
        ],
        &object.to_string(),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drift_is_undone_and_the_manager_is_named() {
    let mut engine = Engine::new().await;
    let key = engine.want_config("a", &json!({"k": "ours", "l": "x"}));
    engine.apply_all().await;
    engine.kubectl(&[
        "patch",
        "configmap",
        "a",
        "-p",
        r#"{"data":{"k":"theirs"}}"#,
    ]);
    let plan = engine.plan().await;
    assert_eq!(plan.count(Verb::Update), 1);
    let take = plan.steps[0].action.takes().first().expect("a take");
    assert_eq!(
        (take.field.as_str(), take.manager.as_str()),
        ("/data/k", "kubectl-patch")
    );
    let report = engine.carry_out(&plan).await.unwrap();
    assert!(report.complete(), "{}", told(&plan, &report));
    assert_eq!(engine.live(&key).await.unwrap().body["data"]["k"], "ours");
    assert!(engine.plan().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_41_a_field_of_another_applier_is_reported_then_taken_only_by_policy() {
    let mut engine = Engine::new().await;
    let key = engine.want_config("a", &json!({"k": "ours"}));
    engine.apply_all().await;
    steal(&engine, "argocd", "theirs");
    let (plan, report) = engine.apply().await;
    let finding = plan
        .findings
        .iter()
        .find(|f| f.rule == Rule::OwnershipConflict)
        .expect("a finding");
    assert!(
        finding.message.contains("argocd") && finding.message.contains(".data.k"),
        "{finding:?}"
    );
    assert!(matches!(
        outcome(&report, &key),
        Outcome::NotAttempted { .. }
    ));
    assert_eq!(engine.live(&key).await.unwrap().body["data"]["k"], "theirs");

    engine
        .policy
        .conflicts
        .insert("argocd".into(), Conflicts::Force);
    engine.apply_all().await;
    assert_eq!(engine.live(&key).await.unwrap().body["data"]["k"], "ours");
    assert!(engine.plan().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_moved_since_the_plan_stops_and_the_others_go_on() {
    let mut engine = Engine::new().await;
    let a = engine.want_config("a", &json!({"k": "1"}));
    let b = engine.want_config("b", &json!({"k": "1"}));
    engine.apply_all().await;
    engine.want_config("a", &json!({"k": "2"}));
    engine.want_config("b", &json!({"k": "2"}));
    let plan = engine.plan().await;
    engine.kubectl(&[
        "patch",
        "configmap",
        "a",
        "-p",
        r#"{"data":{"k":"theirs"}}"#,
    ]);
    // What is not declared may change at any time.
    engine.kubectl(&["patch", "configmap", "b", "-p", r#"{"data":{"other":"x"}}"#]);
    let report = engine.carry_out(&plan).await.unwrap();
    assert!(
        outcome(&report, &a).to_string().contains("kubectl-patch"),
        "{}",
        told(&plan, &report)
    );
    assert_eq!(engine.live(&a).await.unwrap().body["data"]["k"], "theirs");
    assert_eq!(*outcome(&report, &b), Outcome::Done);
    assert_eq!(
        engine.live(&b).await.unwrap().body["data"],
        json!({"k":"2","other":"x"})
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delete_is_bound_to_the_very_object_its_label_and_its_marks() {
    let mut engine = Engine::new().await;
    let keys =
        ["anew", "label", "kept", "free"].map(|name| engine.want_config(name, &json!({"k": "1"})));
    engine.want_config("stays", &json!({"k": "1"}));
    engine.apply_all().await;
    keys.iter()
        .for_each(|key| drop(engine.rendered.objects.remove(key)));
    engine.policy.max_delete_percent = 100;
    let plan = engine.plan().await;
    assert_eq!(plan.count(Verb::Delete), 4, "{:?}", plan.findings);
    engine.kubectl(&["delete", "configmap", "anew"]);
    let label = format!("kubemate.dev/set={}", engine.set.label());
    engine.kubectl(&["create", "configmap", "anew", "--from-literal=k=2"]);
    engine.kubectl(&["label", "configmap", "anew", &label]);
    engine.kubectl(&["label", "configmap", "label", "kubemate.dev/set-"]);
    engine.kubectl(&[
        "annotate",
        "configmap",
        "kept",
        &format!("{KEEP_ANNOTATION}=true"),
    ]);
    let report = engine.carry_out(&plan).await.unwrap();
    for key in &keys[..3] {
        assert!(
            matches!(outcome(&report, key), Outcome::Stopped { .. }),
            "{}",
            told(&plan, &report)
        );
        assert!(engine.live(key).await.is_some(), "{key}");
        assert!(
            engine.stored().await.inventory.entries.contains_key(key),
            "{key} must stay tracked"
        );
    }
    assert!(engine.live(&keys[3]).await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_existing_object_is_adopted_only_with_permission() {
    let mut engine = Engine::new().await;
    engine.kubectl(&["create", "configmap", "a", "--from-literal=k=theirs"]);
    let key = engine.want_config("a", &json!({"k": "ours"}));
    let (_, report) = engine.apply().await;
    assert_eq!(
        *outcome(&report, &key),
        Outcome::Done,
        "nothing is done with it, and nothing is to do"
    );
    assert_eq!(engine.live(&key).await.unwrap().body["data"]["k"], "theirs");
    assert!(engine.stored().await.inventory.entries.is_empty());

    let rules = ObjectRules {
        adopt: true,
        ..ObjectRules::default()
    };
    let body = engine.rendered.objects[&key].manifest.body.clone();
    engine.want_with(body, rules, &[]);
    let plan = engine.apply_all().await;
    assert_eq!(plan.count(Verb::Adopt), 1);
    assert_eq!(engine.live(&key).await.unwrap().body["data"]["k"], "ours");
    assert!(engine.plan().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_49_an_immutable_object_is_made_anew_only_with_permission() {
    let mut engine = Engine::new().await;
    let body = |value: &str| {
        json!({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},
        "immutable":true,"data":{"k":value}})
    };
    let key = engine.want(body("1"));
    engine.apply_all().await;
    let first = engine.live(&key).await.unwrap().uid;
    engine.want(body("2"));
    let (plan, report) = engine.apply().await;
    assert!(
        plan.findings.iter().any(|f| f.rule == Rule::Immutable),
        "{}",
        told(&plan, &report)
    );
    assert_eq!(engine.live(&key).await.unwrap().uid, first);

    engine.want_with(
        body("2"),
        ObjectRules {
            replace: true,
            ..ObjectRules::default()
        },
        &[],
    );
    let plan = engine.apply_all().await;
    assert_eq!(plan.count(Verb::Replace), 1);
    let live = engine.live(&key).await.unwrap();
    assert!(live.uid != first && live.body["data"]["k"] == "2");
    assert_eq!(
        engine.stored().await.inventory.entries[&key].uid(),
        Some(live.uid.as_str())
    );
    assert!(engine.plan().await.is_empty());
}
