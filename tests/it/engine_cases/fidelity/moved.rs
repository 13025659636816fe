//! The world moves while a plan is made: what the plan says is about one state of each object.

use std::time::Duration;

use kubemate::object::ObjectKey;
use kubemate::plan::diff::{FieldChange, Shown};
use kubemate::plan::step::Action;
use kubemate::plan::{Plan, Verb};
use serde_json::json;

use crate::bed;
use crate::bed::proxy::{Call, Fault, Gate, Match, Proxy, Rule, Verb as Does};
use crate::engine::{Engine, deployment, outcome, told};

const LONG: Duration = Duration::from_mins(5);

async fn through_proxy() -> (Engine, Proxy) {
    let bed = bed::cluster();
    let proxy = Proxy::before(bed.kubeconfig());
    let engine = Engine::through(proxy.kubeconfig(), bed.unique_namespace().await).await;
    (engine, proxy)
}

/// Questions about the write of an object.
fn trials(name: &str) -> Match {
    Match::reads().verb(Does::Apply).name(name)
}

fn asked(proxy: &Proxy, name: &str) -> usize {
    let calls = proxy.calls();
    let about = |call: &&Call| call.dry_run() && call.target.name.as_deref() == Some(name);
    calls.iter().filter(about).count()
}

/// Until a call stands at the gate, which the rest of the task goes on to send meanwhile.
async fn reached(gate: &Gate) {
    let gate = gate.clone();
    let waited = tokio::task::spawn_blocking(move || gate.wait_reached(LONG)).await;
    assert!(waited.expect("a thread"), "the call never came");
}

/// The plan, while something happens right before each of the first questions about an object.
async fn planned_while(engine: &Engine, proxy: &Proxy, name: &str, happens: &[String]) -> Plan {
    let gates: Vec<Gate> = happens.iter().map(|_| Gate::new()).collect();
    for gate in &gates {
        // Those that fired before let the later questions pass on to the next rule.
        proxy.add(Rule::new(trials(name), Fault::PauseBefore(gate.clone())).first(1));
    }
    let world = async {
        for (gate, happen) in gates.iter().zip(happens) {
            reached(gate).await;
            let words: Vec<&str> = happen.split_whitespace().collect();
            tokio::task::block_in_place(|| engine.kubectl(&words));
            gate.open();
        }
    };
    let (plan, ()) = tokio::join!(async { engine.plan().await }, world);
    plan
}

/// What an update of an object would change, and why the server's word is missing, where it is.
fn update(plan: &Plan, key: &ObjectKey) -> (Vec<(String, Shown, Shown)>, Option<String>) {
    let step = plan.steps.iter().find(|step| step.key == *key);
    let Some(Action::Update {
        changes,
        unverified,
        ..
    }) = step.map(|step| &step.action)
    else {
        panic!("no update of {key}: {:?}", plan.steps);
    };
    let one = |c: &FieldChange| (c.path.clone(), c.before.clone(), c.after.clone());
    (changes.iter().map(one).collect(), unverified.clone())
}

fn data(before: &str, after: &str) -> Vec<(String, Shown, Shown)> {
    let shown = |text: &str| Shown::Plain(text.into());
    vec![("data.k".into(), shown(before), shown(after))]
}

/// A ConfigMap that is there, and that Git wants otherwise by now.
async fn changed() -> (Engine, Proxy, ObjectKey) {
    let (mut engine, proxy) = through_proxy().await;
    engine.want_config("a", &json!({"k": "1"}));
    engine.apply_all().await;
    let key = engine.want_config("a", &json!({"k": "2"}));
    proxy.forget();
    (engine, proxy, key)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_others_write_meanwhile_is_not_told_as_ours() {
    let (engine, proxy, key) = changed().await;
    let meanwhile = ["label configmap a theirs=yes".to_owned()];
    let plan = planned_while(&engine, &proxy, "a", &meanwhile).await;
    assert_eq!(update(&plan, &key), (data("1", "2"), None));
    assert_eq!(asked(&proxy, "a"), 2, "asked again about the newer state");
    let report = engine.carry_out(&plan).await.unwrap();
    assert!(report.complete(), "{}", told(&plan, &report));
    let live = engine.live(&key).await.unwrap();
    assert_eq!(live.label("theirs"), Some("yes"));
    assert_eq!(live.body["data"], json!({"k": "2"}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_deleted_meanwhile_is_told_as_made_again() {
    let (engine, proxy, key) = changed().await;
    let meanwhile = ["delete configmap a".to_owned()];
    let plan = planned_while(&engine, &proxy, "a", &meanwhile).await;
    assert_eq!(plan.count(Verb::Create), 1, "{:?}", plan.steps);
    let report = engine.carry_out(&plan).await.unwrap();
    assert!(report.complete(), "{}", told(&plan, &report));
    assert_eq!(engine.live(&key).await.unwrap().body["data"]["k"], "2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_made_meanwhile_by_others_is_not_told_as_made_by_us() {
    let (mut engine, proxy) = through_proxy().await;
    let key = engine.want_config("a", &json!({"k": "2"}));
    let meanwhile = ["create configmap a --from-literal=k=theirs".to_owned()];
    let plan = planned_while(&engine, &proxy, "a", &meanwhile).await;
    assert_eq!(plan.count(Verb::Create), 0, "{:?}", plan.steps);
    let refused = |f: &kubemate::plan::Finding| f.rule == kubemate::plan::Rule::AdoptRefused;
    assert!(plan.findings.iter().any(refused), "{:?}", plan.findings);
    assert_eq!(engine.live(&key).await.unwrap().body["data"]["k"], "theirs");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_never_rests_is_asked_about_a_few_times_and_told_as_unverified() {
    let (engine, proxy, key) = changed().await;
    let meanwhile: Vec<String> = (0..4)
        .map(|n| format!("label configmap a --overwrite theirs=n{n}"))
        .collect();
    let plan = planned_while(&engine, &proxy, "a", &meanwhile).await;
    let (changes, unverified) = update(&plan, &key);
    assert_eq!(changes, data("1", "2"));
    let why = unverified.expect("the server's word is missing");
    assert!(why.starts_with("it changes all the time"), "{why}");
    assert_eq!(asked(&proxy, "a"), meanwhile.len());
    // By the time it is carried out it rests, and what was planned holds.
    let report = engine.carry_out(&plan).await.unwrap();
    assert!(report.complete(), "{}", told(&plan, &report));
    let live = engine.live(&key).await.unwrap();
    assert_eq!(live.label("theirs"), Some("n3"));
    assert_eq!(live.body["data"], json!({"k": "2"}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_status_that_moves_all_the_time_is_no_reason_to_know_nothing() {
    let (mut engine, proxy) = through_proxy().await;
    engine.want(deployment("web", 0));
    engine.apply_all().await;
    let key = engine.want(deployment("web", 1));
    proxy.forget();
    let meanwhile: Vec<String> = (7..9)
        .map(|n| {
            let status = format!(r#"{{"status":{{"observedGeneration":{n}}}}}"#);
            format!("patch deployment web --subresource=status --type=merge -p {status}")
        })
        .collect();
    let plan = planned_while(&engine, &proxy, "web", &meanwhile).await;
    let (changes, unverified) = update(&plan, &key);
    assert_eq!(unverified, None);
    let replicas = |n: u8| Shown::Plain(n.into());
    assert_eq!(
        changes,
        [("spec.replicas".into(), replicas(0), replicas(1))]
    );
    assert_eq!(asked(&proxy, "web"), meanwhile.len());
    let report = engine.carry_out(&plan).await.unwrap();
    assert!(report.complete(), "{}", told(&plan, &report));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_deleted_right_before_its_change_is_not_made_anew_unseen() {
    let (engine, proxy, key) = changed().await;
    let plan = engine.plan().await;
    let gate = Gate::new();
    let write = Match::writes().verb(Does::Apply).name("a");
    proxy.add(Rule::new(write, Fault::PauseBefore(gate.clone())).first(1));
    let world = async {
        reached(&gate).await;
        tokio::task::block_in_place(|| engine.kubectl(&["delete", "configmap", "a"]));
        gate.open();
    };
    let (report, ()) = tokio::join!(async { engine.carry_out(&plan).await }, world);
    let report = report.unwrap();
    let stopped = outcome(&report, &key).to_string();
    assert!(
        stopped.contains("it was deleted since the plan was made"),
        "{stopped}"
    );
    assert!(engine.live(&key).await.is_none());
}
