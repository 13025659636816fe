//! What others do in the moment between a look and a write: the call is held before the server sees it,
//! the object changes, and then the call goes on.

use std::time::Duration;

use kubemate::apply::outcome::{Outcome, Report};
use kubemate::object::ObjectKey;
use kubemate::plan::{KEEP_ANNOTATION, Plan};
use serde_json::json;

use crate::bed;
use crate::bed::proxy::{Fault, Gate, Match, Proxy, Rule, Verb};
use crate::engine::{Engine, outcome, told};

async fn engine(proxy: &Proxy) -> Engine {
    let namespace = bed::cluster().unique_namespace().await;
    Engine::through(proxy.kubeconfig(), namespace).await
}

/// Carries out a plan; when its first call of this verb in the namespace stands before the server, `meanwhile`
/// happens.
async fn raced(
    proxy: &Proxy,
    engine: &Engine,
    plan: &Plan,
    (verb, meanwhile): (Verb, impl FnOnce() + Send + 'static),
) -> Report {
    let gate = Gate::new();
    let calls = Match::writes().verb(verb).namespace(&engine.namespace);
    proxy.add(Rule::new(calls, Fault::PauseBefore(gate.clone())).nth(1));
    let other = std::thread::spawn(move || {
        assert!(gate.wait_reached(Duration::from_mins(5)), "no such call");
        meanwhile();
        gate.open();
    });
    let report = engine.carry_out(plan).await.unwrap();
    other.join().unwrap();
    proxy.heal();
    report
}

fn stopped(plan: &Plan, report: &Report, key: &ObjectKey) {
    let end = outcome(report, key);
    assert!(
        matches!(end, Outcome::Stopped { .. }),
        "{}",
        told(plan, report)
    );
}

fn kubectl(namespace: &str, args: &[&str]) {
    bed::cluster().kubectl(&[&["-n", namespace][..], args].concat());
}

/// A set with one object that is to go, and its plan.
async fn going(proxy: &Proxy) -> (Engine, ObjectKey, Plan) {
    let mut engine = engine(proxy).await;
    let key = engine.want_config("a", &json!({"k": "1"}));
    engine.want_config("stays", &json!({"k": "1"}));
    engine.apply_all().await;
    engine.rendered.objects.remove(&key);
    let plan = engine.plan().await;
    (engine, key, plan)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_takes_the_name_of_what_goes_is_not_deleted() {
    let proxy = Proxy::before(bed::cluster().kubeconfig());
    let (engine, key, plan) = going(&proxy).await;
    let (namespace, label) = (engine.namespace.clone(), engine.set.label());
    let meanwhile = move || {
        kubectl(&namespace, &["delete", "configmap", "a"]);
        kubectl(
            &namespace,
            &["create", "configmap", "a", "--from-literal=k=new"],
        );
        kubectl(
            &namespace,
            &[
                "label",
                "configmap",
                "a",
                &format!("kubemate.dev/set={label}"),
            ],
        );
    };
    let report = raced(&proxy, &engine, &plan, (Verb::Delete, meanwhile)).await;
    stopped(&plan, &report, &key);
    assert_eq!(engine.live(&key).await.unwrap().body["data"]["k"], "new");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_marked_to_be_kept_at_the_last_moment_is_kept() {
    let proxy = Proxy::before(bed::cluster().kubeconfig());
    let (engine, key, plan) = going(&proxy).await;
    let namespace = engine.namespace.clone();
    let meanwhile = move || {
        let mark = format!("{KEEP_ANNOTATION}=true");
        kubectl(&namespace, &["annotate", "configmap", "a", &mark]);
    };
    let report = raced(&proxy, &engine, &plan, (Verb::Delete, meanwhile)).await;
    stopped(&plan, &report, &key);
    assert!(engine.live(&key).await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_made_by_others_at_the_last_moment_is_not_merged_into() {
    let proxy = Proxy::before(bed::cluster().kubeconfig());
    let mut engine = engine(&proxy).await;
    let key = engine.want_config("a", &json!({"k": "ours"}));
    let plan = engine.plan().await;
    let namespace = engine.namespace.clone();
    let meanwhile = move || {
        kubectl(
            &namespace,
            &["create", "configmap", "a", "--from-literal=other=theirs"],
        );
    };
    let report = raced(&proxy, &engine, &plan, (Verb::Apply, meanwhile)).await;
    stopped(&plan, &report, &key);
    let live = engine.live(&key).await.unwrap();
    assert_eq!(live.body["data"], json!({"other": "theirs"}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_deleted_at_the_last_moment_is_not_made_again_by_an_update() {
    let proxy = Proxy::before(bed::cluster().kubeconfig());
    let mut engine = engine(&proxy).await;
    let key = engine.want_config("a", &json!({"k": "1"}));
    engine.apply_all().await;
    engine.want_config("a", &json!({"k": "2"}));
    let plan = engine.plan().await;
    let namespace = engine.namespace.clone();
    let meanwhile = move || kubectl(&namespace, &["delete", "configmap", "a"]);
    let report = raced(&proxy, &engine, &plan, (Verb::Apply, meanwhile)).await;
    stopped(&plan, &report, &key);
    assert!(engine.live(&key).await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_changed_again_at_the_last_moment_is_not_overwritten_by_force() {
    let proxy = Proxy::before(bed::cluster().kubeconfig());
    let mut engine = engine(&proxy).await;
    let key = engine.want_config("a", &json!({"k": "ours"}));
    engine.apply_all().await;
    let change = |value: &str| {
        let patch = json!({"data": {"k": value}}).to_string();
        ["patch", "configmap", "a", "--type=merge", "-p", &patch].map(str::to_owned)
    };
    let [first, second] = ["first", "second"].map(change);
    let first: Vec<&str> = first.iter().map(String::as_str).collect();
    engine.kubectl(&first);
    let plan = engine.plan().await;
    assert!(!plan.steps[0].action.takes().is_empty(), "{:?}", plan.steps);
    let namespace = engine.namespace.clone();
    let meanwhile = move || {
        let second: Vec<&str> = second.iter().map(String::as_str).collect();
        kubectl(&namespace, &second);
    };
    let report = raced(&proxy, &engine, &plan, (Verb::Apply, meanwhile)).await;
    stopped(&plan, &report, &key);
    assert_eq!(engine.live(&key).await.unwrap().body["data"]["k"], "second");
}
