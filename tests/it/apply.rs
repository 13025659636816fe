//! Applying a set to a real API server: what is written, what stops, what is recorded.

mod adoption;
mod again;
mod answers;
mod books;
mod faults;
mod followed;
mod identity;
mod order;
mod ownership;
mod raced;
mod unasked;

use kubemate::apply::outcome::Outcome;
use kubemate::plan::Verb;
use kubemate::plan::inventory::Entry;
use serde_json::json;

use crate::engine::{Engine, outcome, told};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn create_update_delete_and_then_nothing() {
    let mut engine = Engine::new().await;
    engine.want_config("a", &json!({"k": "1"}));
    let gone = engine.want_config("gone", &json!({"k": "1"}));
    let web = engine.want_deployment("web", 2);
    let (plan, report) = engine.apply().await;
    assert_eq!(plan.count(Verb::Create), 3, "{}", told(&plan, &report));
    assert!(
        report.complete() && report.healthy(),
        "{}",
        told(&plan, &report)
    );
    assert_eq!(
        engine.live(&web).await.unwrap().body["status"]["readyReplicas"],
        2
    );
    assert!(
        engine
            .stored()
            .await
            .inventory
            .entries
            .values()
            .all(|e| e.record().is_some())
    );

    let plan = engine.plan().await;
    assert!(plan.is_empty(), "{:?}", plan.steps);

    engine.rendered.objects.remove(&gone);
    let a = engine.want_config("a", &json!({"k": "2"}));
    let (plan, report) = engine.apply().await;
    assert!(report.complete(), "{}", told(&plan, &report));
    assert_eq!(
        (
            plan.count(Verb::Update),
            plan.count(Verb::Delete),
            plan.count(Verb::Keep)
        ),
        (1, 1, 1)
    );
    assert_eq!(engine.live(&a).await.unwrap().body["data"]["k"], "2");
    assert!(engine.live(&gone).await.is_none());
    assert!(!engine.stored().await.inventory.entries.contains_key(&gone));
    assert!(engine.plan().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_made_by_someone_else_after_the_plan_is_not_touched() {
    let mut engine = Engine::new().await;
    let key = engine.want_config("a", &json!({"k": "ours"}));
    let plan = engine.plan().await;
    engine.kubectl(&["create", "configmap", "a", "--from-literal=k=theirs"]);
    let report = engine.carry_out(&plan).await.unwrap();
    assert!(
        matches!(outcome(&report, &key), Outcome::Stopped { .. }),
        "{}",
        told(&plan, &report)
    );
    assert!(
        outcome(&report, &key)
            .to_string()
            .contains("kubectl-create"),
        "{}",
        told(&plan, &report)
    );
    assert_eq!(engine.live(&key).await.unwrap().body["data"]["k"], "theirs");
    assert!(matches!(
        engine.stored().await.inventory.entries[&key],
        Entry::Pending { .. }
    ));
}
