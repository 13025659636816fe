//! Order and time: CRDs before their objects, needs before those that need, and waits that say why.

use std::time::Duration;

use kubemate::apply::outcome::Outcome;
use kubemate::apply::problem::ProblemKind;
use kubemate::object::ObjectRules;
use kubemate::plan::{Plan, Verb};
use serde_json::{Value, json};

use crate::bed;
use crate::bed::proxy::{Fault, Match, Rule as Break, Verb as Call};
use crate::engine::{Engine, deployment, outcome, told};

fn crd(group: &str) -> Value {
    json!({"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
        "metadata":{"name":format!("gadgets.{group}")},"spec":{"group":group,"scope":"Namespaced",
        "names":{"plural":"gadgets","singular":"gadget","kind":"Gadget","listKind":"GadgetList"},
        "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object",
            "properties":{"spec":{"type":"object","properties":{"size":{"type":"integer"}}}}}}}]}})
}

fn allow_everything(engine: &mut Engine, plan: &Plan) {
    engine.policy.confirmed_deletes = Some(plan.deletes_digest.clone());
    engine.policy.allow_empty = true;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_54_a_crd_and_its_object_in_one_plan() {
    let mut engine = Engine::new().await;
    let group = format!("{}.example.com", crate::bed::unique_name("g"));
    let kind = engine.want(crd(&group));
    let body = json!({"apiVersion":format!("{group}/v1"),"kind":"Gadget","metadata":{"name":"g"},"spec":{"size":1}});
    let gadget = engine.want(body);
    let plan = engine.plan().await;
    let step = plan.steps.iter().find(|step| step.key == gadget).unwrap();
    assert!(
        step.action
            .unverified()
            .unwrap()
            .contains("created by this plan"),
        "{step:?}"
    );
    let report = engine.carry_out(&plan).await.unwrap();
    assert!(report.complete(), "{}", told(&plan, &report));
    assert_eq!(engine.live(&gadget).await.unwrap().body["spec"]["size"], 1);
    assert!(engine.plan().await.is_empty());

    engine.rendered.objects.clear();
    let plan = engine.plan().await;
    allow_everything(&mut engine, &plan);
    let plan = engine.plan().await;
    allow_everything(&mut engine, &plan);
    let plan = engine.apply_all().await;
    assert_eq!(plan.count(Verb::Delete), 2, "{:?}", plan.findings);
    assert!(engine.live(&kind).await.is_none());
    assert!(engine.stored().await.inventory.entries.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_the_crd_of_the_same_plan_refuses_is_told_before_both_are_made() {
    let mut engine = Engine::new().await;
    let group = format!("{}.example.com", crate::bed::unique_name("g"));
    engine.want(crd(&group));
    let gadget = |name: &str, spec: Value| json!({"apiVersion":format!("{group}/v1"),"kind":"Gadget","metadata":{"name":name},"spec":spec});
    let bad = engine.want(gadget("bad", json!({"size": "hunter2", "sise": 1})));
    let good = engine.want(gadget("good", json!({"size": 1})));
    let plan = engine.plan().await;
    let about = |key| {
        plan.findings
            .iter()
            .filter(move |f| f.key.as_ref() == Some(key) && f.holds())
    };
    let mut fields: Vec<&String> = about(&bad).flat_map(|f| &f.fields).collect();
    fields.sort();
    assert_eq!(fields, ["/spec/sise", "/spec/size"], "{:?}", plan.findings);
    assert!(
        !format!("{:?}", plan.findings).contains("hunter2"),
        "no value is told"
    );
    assert_eq!(about(&good).count(), 0);
    let report = engine.carry_out(&plan).await.unwrap();
    assert!(matches!(
        outcome(&report, &bad),
        Outcome::NotAttempted { .. }
    ));
    assert_eq!(
        *outcome(&report, &good),
        Outcome::Done,
        "{}",
        told(&plan, &report)
    );
    engine.rendered.objects.clear();
    for _ in 0..2 {
        let plan = engine.plan().await;
        allow_everything(&mut engine, &plan);
    }
    engine.apply_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_namespace_and_its_content_in_one_plan_in_both_directions() {
    let mut engine = Engine::new().await;
    let name = crate::bed::unique_name("t");
    let space = engine.want(json!({"apiVersion":"v1","kind":"Namespace","metadata":{"name":name}}));
    let inner = engine.want(json!({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":name},"data":{"k":"1"}}));
    engine.apply_all().await;
    assert!(engine.live(&inner).await.is_some());
    engine.rendered.objects.clear();
    engine.policy.allow_empty = true;
    let plan = engine.plan().await;
    engine.policy.confirmed_deletes = Some(plan.deletes_digest.clone());
    let plan = engine.apply_all().await;
    assert_eq!(plan.count(Verb::Delete), 2, "{:?}", plan.findings);
    assert!(engine.live(&space).await.is_none() && engine.live(&inner).await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_needed_must_be_healthy_first_and_the_wait_says_why() {
    let mut engine = Engine::new().await;
    engine.options.patience = Duration::from_secs(50);
    let mut body = deployment("db", 2);
    body["spec"]["template"]["spec"]["nodeSelector"] = json!({"no-such": "node"});
    let db = engine.want(body);
    let after =
        json!({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"after"},"data":{"k":"1"}});
    let after = engine.want_with(after, ObjectRules::default(), std::slice::from_ref(&db));
    let (plan, report) = engine.apply().await;
    let said = told(&plan, &report);
    assert_eq!(*outcome(&report, &db), Outcome::Done, "{said}");
    assert!(!report.healthy(), "{said}");
    assert!(
        outcome(&report, &after)
            .to_string()
            .contains("of 2 pods: no node takes it"),
        "{said}"
    );
    assert!(engine.live(&after).await.is_none());
    let heard = engine.waits.lock().unwrap().join("\n");
    assert!(heard.contains("Deployment.apps/db"), "{heard}");

    engine.options.patience = bed::PATIENCE;
    engine.want(deployment("db", 2));
    engine.apply_all().await;
    assert!(engine.live(&after).await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_67_a_newer_commit_ends_the_wait_at_once() {
    let mut engine = Engine::new().await;
    let mut body = deployment("web", 1);
    body["spec"]["template"]["spec"]["nodeSelector"] = json!({"no-such": "node"});
    engine.want(body);
    let plan = engine.plan().await;
    let stop = engine.stop.clone();
    let begun = tokio::time::Instant::now();
    let (report, ()) = tokio::join!(engine.carry_out(&plan), async move {
        tokio::time::sleep(Duration::from_secs(2)).await;
        stop.cancel();
    });
    let report = report.unwrap();
    assert!(begun.elapsed() < engine.options.patience / 2);
    assert!(
        report.complete() && !report.healthy(),
        "{}",
        told(&plan, &report)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_67_a_job_that_cleans_up_after_itself_is_not_waited_for_when_it_is_gone() {
    for blind in [false, true] {
        let (mut engine, proxy) = Engine::behind_proxy().await;
        let rules = ObjectRules {
            run_key: Some("1".into()),
            ..ObjectRules::default()
        };
        let job = json!({"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"once"},"spec":{
            "ttlSecondsAfterFinished":0,"template":{"spec":{"restartPolicy":"Never",
            "containers":[{"name":"c","image":"registry.local/app:1"}]}}}});
        let key = engine.want_with(job, rules, &[]);
        if blind {
            let watches = Match::any().verb(Call::Watch);
            proxy.add(Break::new(watches, Fault::Status(500, Vec::new())));
        }
        let begun = tokio::time::Instant::now();
        let (plan, report) = engine.apply().await;
        let said = told(&plan, &report);
        assert!(
            report.complete() && begun.elapsed() < engine.options.patience / 2,
            "{said}"
        );
        // Seen or not: it is never called failed, and called done only where its end was seen.
        let health = report
            .steps
            .values()
            .next()
            .unwrap()
            .health
            .clone()
            .unwrap();
        assert!(
            health.is_settled() || health.why().contains("cleaned away"),
            "{said}"
        );
        assert!(blind || health.is_settled(), "{said}");
        for _ in 0..1200 {
            if engine.live(&key).await.is_none() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        assert!(engine.live(&key).await.is_none());
        assert!(engine.plan().await.is_empty(), "a finished run is finished");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_57_a_stuck_finalizer_is_named_and_the_object_stays_tracked() {
    let mut engine = Engine::new().await;
    engine.options.patience = Duration::from_secs(3);
    let body = json!({"apiVersion":"v1","kind":"ConfigMap","data":{"k":"1"},
        "metadata":{"name":"a","finalizers":["example.com/stuck"]}});
    let key = engine.want(body);
    engine.want_config("b", &json!({"k": "1"}));
    engine.apply_all().await;
    engine.rendered.objects.remove(&key);
    let (plan, report) = engine.apply().await;
    let said = told(&plan, &report);
    assert!(
        matches!(outcome(&report, &key), Outcome::Failed { problem } if problem.kind == ProblemKind::NotReady),
        "{said}"
    );
    assert!(said.contains("example.com/stuck"), "{said}");
    assert!(engine.stored().await.inventory.entries.contains_key(&key));
    engine.kubectl(&[
        "patch",
        "configmap",
        "a",
        "--type=merge",
        "-p",
        r#"{"metadata":{"finalizers":null}}"#,
    ]);
    engine.apply_all().await;
    assert!(engine.stored().await.inventory.entries.len() == 1);
    assert!(engine.plan().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_18_a_crd_that_an_admin_deleted_closes_the_entries_of_its_objects() {
    let mut engine = Engine::new().await;
    let group = format!("{}.example.com", crate::bed::unique_name("g"));
    let other = engine.namespace.clone();
    crate::bed::cluster().kubectl_with(&["apply", "-f", "-"], &crd(&group).to_string());
    crate::bed::cluster().served(&format!("gadgets.{group}"));
    let body = json!({"apiVersion":format!("{group}/v1"),"kind":"Gadget","metadata":{"name":"g","namespace":other},"spec":{"size":1}});
    let gadget = engine.want(body);
    engine.want_config("b", &json!({"k": "1"}));
    engine.apply_all().await;
    crate::bed::cluster().kubectl(&["delete", "crd", &format!("gadgets.{group}")]);
    engine.rendered.objects.remove(&gadget);
    let mut plan = engine.plan().await;
    for _ in 0..600 {
        if plan.count(Verb::Release) == 1 {
            break;
        }
        assert_eq!(plan.count(Verb::Delete), 0);
        tokio::time::sleep(Duration::from_millis(500)).await;
        let fresh =
            Engine::through(crate::bed::cluster().kubeconfig(), engine.namespace.clone()).await;
        engine.cluster = fresh.cluster;
        plan = engine.plan().await;
    }
    assert_eq!(plan.count(Verb::Release), 1, "{:?}", plan.findings);
    let report = engine.carry_out(&plan).await.unwrap();
    assert!(report.complete(), "{}", told(&plan, &report));
    assert!(
        !engine
            .stored()
            .await
            .inventory
            .entries
            .contains_key(&gadget)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_objects_in_one_run() {
    let mut engine = Engine::new().await;
    for index in 0..400 {
        engine.want_config(&format!("c{index:03}"), &json!({"k": "1"}));
    }
    let begun = tokio::time::Instant::now();
    engine.apply_all().await;
    println!("400 objects planned and applied in {:?}", begun.elapsed());
    assert!(engine.plan().await.is_empty());
    let parts = engine.stored().await;
    assert_eq!(parts.inventory.owned(), 400);
    engine.rendered.objects.clear();
    engine.want_config("last", &json!({"k": "1"}));
    let plan = engine.plan().await;
    engine.policy.confirmed_deletes = Some(plan.deletes_digest);
    let plan = engine.apply_all().await;
    assert_eq!(plan.count(Verb::Delete), 400);
    assert_eq!(engine.stored().await.inventory.entries.len(), 1);
}
