//! Objects that others made become ours with their history: what KDL drops later really goes.

use kubemate::apply::outcome::Outcome;
use kubemate::object::{ObjectKey, ObjectRules};
use kubemate::plan::{Rule, Verb};
use serde_json::{Value, json};

use crate::bed;
use crate::engine::{Engine, deployment, outcome, told};

const ADOPT: fn() -> ObjectRules = || ObjectRules {
    adopt: true,
    ..ObjectRules::default()
};

fn there(engine: &Engine, args: &[&str], mut body: Value) {
    body["metadata"]["namespace"] = engine.namespace.as_str().into();
    let mut all = args.to_vec();
    all.extend(["-f", "-"]);
    bed::cluster().kubectl_with(&all, &body.to_string());
}

/// A Deployment as kubectl or Helm would have left it, with a label and a variable that Git never had.
fn theirs() -> Value {
    let mut body = deployment("web", 2);
    body["metadata"]["labels"] = json!({"team": "old"});
    let container = &mut body["spec"]["template"]["spec"]["containers"][0];
    container["env"] = json!([{"name": "OLD", "value": "1"}, {"name": "KEPT", "value": "1"}]);
    body
}

fn ours(env: &Value) -> Value {
    let mut body = deployment("web", 2);
    body["spec"]["template"]["spec"]["containers"][0]["env"] = env.clone();
    body
}

async fn env_of(engine: &Engine, key: &ObjectKey) -> Vec<String> {
    let live = engine.live(key).await.unwrap();
    let env = live.body["spec"]["template"]["spec"]["containers"][0]["env"].clone();
    let list = env.as_array().cloned().unwrap_or_default();
    let name = |item: &Value| item["name"].as_str().unwrap().to_owned();
    list.iter().map(name).collect()
}

/// Adopts what `args` made; then takes a variable out of Git, which must be gone from the object.
async fn adopted_from(manager: &str, args: &[&str]) {
    let mut engine = Engine::new().await;
    there(&engine, args, theirs());
    let both = json!([{"name": "KEPT", "value": "1"}, {"name": "LATER", "value": "1"}]);
    let key = engine.want_with(ours(&both), ADOPT(), &[]);
    let plan = engine.plan().await;
    assert_eq!(plan.count(Verb::Adopt), 1, "{:?}", plan.findings);
    let action = &plan.steps[0].action;
    let claimed: Vec<&str> = action.claims().iter().map(|t| t.manager.as_str()).collect();
    assert_eq!(claimed, [manager]);
    let goes: Vec<&str> = action.changes().iter().map(|c| c.path.as_str()).collect();
    let variable = "spec.template.spec.containers[name=main].env[name=OLD]";
    assert!(goes.contains(&variable), "what goes is shown: {goes:?}");
    assert!(goes.contains(&"metadata.labels.team"), "{goes:?}");
    let told_so =
        |f: &kubemate::plan::Finding| f.rule == Rule::Takeover && f.message.contains(manager);
    assert!(plan.findings.iter().any(told_so), "{:?}", plan.findings);
    let report = engine.carry_out(&plan).await.unwrap();
    assert!(report.complete(), "{}", told(&plan, &report));
    assert_eq!(env_of(&engine, &key).await, ["KEPT", "LATER"]);
    let live = engine.live(&key).await.unwrap();
    assert_eq!(live.label("team"), None);
    assert_eq!(
        live.annotation("kubectl.kubernetes.io/last-applied-configuration"),
        None
    );
    let hands = |e: &&kubemate::plan::managed::ManagerEntry| e.manager == manager;
    assert_eq!(
        live.managed.others().find(hands),
        None,
        "it owns nothing any more"
    );
    assert!(engine.plan().await.is_empty());

    // Git drops a field that both had declared.
    engine.want_with(
        ours(&json!([{"name": "LATER", "value": "1"}])),
        ADOPT(),
        &[],
    );
    engine.apply_all().await;
    assert_eq!(env_of(&engine, &key).await, ["LATER"]);
    assert!(engine.plan().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_of_kubectl_is_taken_over_with_its_history() {
    adopted_from("kubectl-client-side-apply", &["apply"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_of_helm_is_taken_over_with_its_history() {
    adopted_from("helm", &["create", "--field-manager=helm"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_adoption_leaves_what_belongs_to_the_life_of_the_object() {
    let mut engine = Engine::new().await;
    let mut body = theirs();
    body["spec"]["replicas"] = json!(3);
    body["metadata"]["finalizers"] = json!(["bank.example/hold"]);
    body["metadata"]["annotations"] = json!({"kubemate.dev/keep": "true"});
    there(&engine, &["apply"], body);
    let mut wanted = deployment("web", 1);
    wanted["spec"].as_object_mut().unwrap().remove("replicas");
    let key = engine.want_with(wanted, ADOPT(), &[]);
    engine.apply_all().await;
    let live = engine.live(&key).await.unwrap();
    assert_eq!(live.body["spec"]["replicas"], 3, "nobody scales it down");
    assert_eq!(live.finalizers(), ["bank.example/hold"]);
    assert_eq!(live.annotation("kubemate.dev/keep"), Some("true"));
    assert!(engine.plan().await.is_empty());
    let free = r#"{"metadata":{"finalizers":null}}"#;
    engine.kubectl(&["patch", "deployment", "web", "--type=merge", "-p", free]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_manager_adds_after_the_plan_is_not_taken_over_unseen() {
    let mut engine = Engine::new().await;
    there(&engine, &["apply"], theirs());
    let key = engine.want_with(ours(&json!([])), ADOPT(), &[]);
    let plan = engine.plan().await;
    let mut more = theirs();
    more["metadata"]["labels"]["more"] = "x".into();
    there(&engine, &["apply"], more);
    let report = engine.carry_out(&plan).await.unwrap();
    let end = outcome(&report, &key);
    assert!(
        matches!(end, Outcome::Stopped { .. }),
        "{}",
        told(&plan, &report)
    );
    let live = engine.live(&key).await.unwrap();
    assert_eq!(
        (live.label("team"), live.label("more")),
        (Some("old"), Some("x"))
    );
}

fn service(ports: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": ports}})
}

fn edit(engine: &Engine, object: &str, patch: &Value) {
    let patch = patch.to_string();
    engine.kubectl(&["patch", object, "web", "--type=json", "-p", &patch]);
}

async fn ports(engine: &Engine, key: &ObjectKey) -> Vec<i64> {
    let live = engine.live(key).await.unwrap();
    let list = live.body["spec"]["ports"].as_array().cloned().unwrap();
    list.iter().map(|p| p["port"].as_i64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_number_changed_by_hand_is_put_back_in_one_write() {
    let mut engine = Engine::new().await;
    let named = json!([{"name": "http", "port": 80, "targetPort": 8080},
        {"name": "admin", "port": 90, "targetPort": 8090}]);
    let key = engine.want(service(&named));
    engine.apply_all().await;
    edit(
        &engine,
        "service",
        &json!([{"op": "replace", "path": "/spec/ports/0/port", "value": 81}]),
    );
    assert_eq!(ports(&engine, &key).await, [81, 90]);
    let plan = engine.plan().await;
    let action = &plan.steps[0].action;
    let claimed: Vec<&str> = action.claims().iter().map(|t| t.field.as_str()).collect();
    assert_eq!(claimed, ["/spec/ports/0"], "{:?}", plan.findings);
    let goes: Vec<&str> = action.changes().iter().map(|c| c.path.as_str()).collect();
    let (old, new) = (
        "spec.ports[port=81,protocol=TCP]",
        "spec.ports[port=80,protocol=TCP]",
    );
    assert_eq!(goes, [new, old], "both sides are shown");
    let report = engine.carry_out(&plan).await.unwrap();
    assert!(report.complete(), "{}", told(&plan, &report));
    let mut now = ports(&engine, &key).await;
    now.sort_unstable();
    assert_eq!(now, [80, 90]);
    assert!(engine.plan().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_renamed_by_hand_is_put_back_and_one_added_by_hand_stays() {
    let mut engine = Engine::new().await;
    let key = engine.want(ours(
        &json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]),
    ));
    engine.apply_all().await;
    let env = "/spec/template/spec/containers/0/env";
    edit(
        &engine,
        "deployment",
        &json!([
        {"op": "replace", "path": format!("{env}/0/name"), "value": "RENAMED"},
        {"op": "add", "path": format!("{env}/-"), "value": {"name": "ADDED", "value": "3"}}]),
    );
    assert_eq!(env_of(&engine, &key).await, ["RENAMED", "B", "ADDED"]);
    engine.apply_all().await;
    let mut now = env_of(&engine, &key).await;
    now.sort();
    assert_eq!(now, ["A", "ADDED", "B"]);
    assert!(engine.plan().await.is_empty());

    // The container itself.
    edit(
        &engine,
        "deployment",
        &json!([
        {"op": "replace", "path": "/spec/template/spec/containers/0/name", "value": "other"}]),
    );
    engine.apply_all().await;
    let live = engine.live(&key).await.unwrap();
    let containers = live.body["spec"]["template"]["spec"]["containers"]
        .as_array()
        .cloned();
    let names: Vec<Value> = containers
        .unwrap()
        .iter()
        .map(|c| c["name"].clone())
        .collect();
    assert_eq!(names, ["main"]);
    assert!(engine.plan().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_dies_between_the_two_writes_is_finished_by_the_next() {
    use crate::bed::proxy::{Fault, Match, Proxy, Rule as Break, Verb as Call};
    let proxy = Proxy::before(bed::cluster().kubeconfig());
    let namespace = bed::cluster().unique_namespace().await;
    let mut engine = Engine::through(proxy.kubeconfig(), namespace).await;
    let key = engine.want(service(&json!([{"name": "http", "port": 80}])));
    engine.apply_all().await;
    edit(
        &engine,
        "service",
        &json!([{"op": "replace", "path": "/spec/ports/0/port", "value": 81}]),
    );
    let second = Match::writes().verb(Call::Apply).resource("services");
    proxy.add(Break::new(second, Fault::Status(403, Vec::new())));
    let (plan, report) = engine.apply().await;
    assert!(!report.complete(), "{}", told(&plan, &report));
    assert_eq!(
        ports(&engine, &key).await,
        [81],
        "the owners changed and nothing else"
    );
    proxy.heal();
    engine.apply_all().await;
    assert_eq!(ports(&engine, &key).await, [80]);
    assert!(engine.plan().await.is_empty());
}
