//! Answers that look sound and are about something else, and an inventory that moved on: none of them is
//! taken for what was asked.

use kubemate::apply::cluster::Cluster as _;
use kubemate::apply::outcome::Outcome;
use kubemate::object::ObjectKey;
use kubemate::plan::{Plan, Rule as Finds, Verb};
use serde_json::json;

use crate::bed;
use crate::bed::proxy::{self, Fault, Match, Proxy, Rule};
use crate::engine::{Engine, outcome, told};

async fn owned() -> (Engine, Proxy, ObjectKey) {
    let proxy = Proxy::before(bed::cluster().kubeconfig());
    let namespace = bed::cluster().unique_namespace().await;
    let mut engine = Engine::through(proxy.kubeconfig(), namespace).await;
    let key = engine.want_config("a", &json!({"k": "1"}));
    engine.want_config("stays", &json!({"k": "1"}));
    engine.apply_all().await;
    (engine, proxy, key)
}

fn unreadable(plan: &Plan, key: &ObjectKey) {
    let step = plan.steps.iter().find(|step| step.key == *key).unwrap();
    assert_eq!(step.action.verb(), Verb::Keep, "{:?}", plan.findings);
    let about = plan.findings.iter().filter(|f| f.key.as_ref() == Some(key));
    assert!(
        about.clone().any(|f| f.rule == Finds::Unreadable),
        "{:?}",
        plan.findings
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_was_not_asked_for_is_no_answer() {
    let (engine, proxy, key) = owned().await;
    let other = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"k": "other"}, "metadata": {
        "name": "other", "namespace": engine.namespace, "uid": "11111111-1111-4111-8111-111111111111",
        "resourceVersion": "7"}});
    let reads = Match::reads().resource("configmaps").name("a");
    proxy.add(Rule::new(reads, Fault::Body(other.to_string())));
    unreadable(&engine.plan().await, &key);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_404_that_does_not_name_the_object_is_no_absence() {
    let (mut engine, proxy, key) = owned().await;
    let reads = || Match::reads().resource("configmaps").name("a");
    proxy.add(Rule::new(reads(), Fault::Status(404, Vec::new())));
    unreadable(&engine.plan().await, &key);
    engine.rendered.objects.remove(&key);
    unreadable(&engine.plan().await, &key);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_list_does_not_say_that_a_namespace_is_empty() {
    let (mut engine, proxy, _) = owned().await;
    let name = bed::unique_name("full");
    let space =
        engine.want(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}));
    engine.apply_all().await;
    let args = [
        "-n",
        &name,
        "create",
        "configmap",
        "theirs",
        "--from-literal=k=1",
    ];
    bed::cluster().kubectl(&args);
    engine.rendered.objects.remove(&space);
    let reads = Match::reads().verb(proxy::Verb::List).namespace(&name);
    let empty = json!({"kind": "Nonsense", "apiVersion": "v1", "metadata": {}, "items": []});
    proxy.add(Rule::new(reads, Fault::Body(empty.to_string())));
    let plan = engine.plan().await;
    assert_eq!(plan.count(Verb::Delete), 0, "{:?}", plan.findings);
    let rules: Vec<Finds> = plan.findings.iter().map(|f| f.rule).collect();
    assert!(
        rules.contains(&Finds::UnreadableContents),
        "{:?}",
        plan.findings
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_inventory_gave_up_since_the_plan_is_neither_changed_nor_deleted() {
    let (mut engine, _proxy, key) = owned().await;
    let changed = engine.want_config("stays", &json!({"k": "2"}));
    engine.rendered.objects.remove(&key);
    let plan = engine.plan().await;
    assert_eq!((plan.count(Verb::Delete), plan.count(Verb::Update)), (1, 1));
    let stored = engine.stored().await;
    let mut inventory = stored.inventory.clone();
    inventory.entries.clear();
    drop(engine.cluster.store(&stored, &inventory).await.unwrap());
    let report = engine.carry_out(&plan).await.unwrap();
    for (key, value) in [(&key, "1"), (&changed, "1")] {
        let end = outcome(&report, key);
        assert!(!matches!(end, Outcome::Done), "{}", told(&plan, &report));
        assert_eq!(engine.live(key).await.unwrap().body["data"]["k"], value);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_deleted_while_a_write_of_the_set_is_missing() {
    let (mut engine, proxy, key) = owned().await;
    engine.want_config("new", &json!({"k": "1"}));
    engine.rendered.objects.remove(&key);
    let plan = engine.plan().await;
    assert_eq!((plan.count(Verb::Delete), plan.count(Verb::Create)), (1, 1));
    let writes = Match::writes().verb(proxy::Verb::Apply).name("new");
    proxy.add(Rule::new(writes, Fault::Status(403, Vec::new())));
    let report = engine.carry_out(&plan).await.unwrap();
    let end = outcome(&report, &key);
    assert!(
        matches!(end, Outcome::NotAttempted { .. }),
        "{}",
        told(&plan, &report)
    );
    assert!(engine.live(&key).await.is_some());
}
