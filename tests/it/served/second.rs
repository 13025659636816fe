//! The second plan is empty: what was generated is written to a real API server with its controllers,
//! and nothing of it is to be done again.

use std::time::Duration;

use serde_json::{Value, json};

use super::variants::{APPS, app, many, route, tenant};
use crate::bank::project::{OPERATORS, furnish};
use crate::bed;
use crate::effort;
use crate::engine::{Engine, told};

/// Writes the objects and plans again; nobody waits for what needs what is not there.
async fn settles(all: Vec<Value>) {
    furnish();
    bed::with_crds(&OPERATORS);
    let mut engine = Engine::new().await;
    engine.options.wait_for_health = false;
    engine.options.patience = Duration::from_secs(20);
    let count = all.len();
    assert!(count > 100, "{count} objects");
    for object in all {
        engine.want(object);
    }
    let first = engine.plan().await;
    let refused: Vec<_> = first
        .findings
        .iter()
        .filter(|finding| finding.holds())
        .collect();
    assert!(refused.is_empty(), "{refused:#?}");
    let report = engine.carry_out(&first).await.unwrap();
    assert!(report.complete(), "{}", told(&first, &report));
    assert_eq!(report.steps.len(), count);
    let second = engine.plan().await;
    let steps: Vec<_> = second
        .steps
        .iter()
        .filter(|step| step.action.writes())
        .collect();
    assert!(
        second.is_empty(),
        "{} of {count} again: {:#?}",
        steps.len(),
        steps.first()
    );
}

/// Puts what belongs to namespaces into the one of a test.
fn into(namespace: &str, mut all: Vec<Value>, own: impl Fn(&str) -> bool) -> Vec<Value> {
    fn moved(value: &mut Value, namespace: &str) {
        match value {
            Value::Object(map) => {
                if let Some(at) = map.get_mut("namespace").filter(|at| at.is_string()) {
                    *at = json!(namespace);
                }
                map.values_mut().for_each(|value| moved(value, namespace));
            }
            Value::Array(list) => list.iter_mut().for_each(|value| moved(value, namespace)),
            _ => {}
        }
    }
    all.retain(|object| object["metadata"]["namespace"].is_string());
    all.retain(|object| own(object["metadata"]["name"].as_str().unwrap_or_default()));
    all.iter_mut().for_each(|object| moved(object, namespace));
    all
}

/// Whether a name begins with a letter and the number of a seed.
fn numbered(name: &str, letter: char) -> bool {
    name.strip_prefix(letter)
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_an_app_is_done_again() {
    let cluster = bed::cluster();
    let namespace = cluster.unique_namespace().await;
    let all = many(
        effort::cases(40, 300).into(),
        "prod",
        ("tenants/payments/apps.kdl", app),
        "",
    );
    settles(into(&namespace, all, |name| numbered(name, 'v'))).await;
    cluster.kubectl(&["delete", "namespace", &namespace, "--wait=false"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_route_is_done_again() {
    let cluster = bed::cluster();
    let namespace = cluster.unique_namespace().await;
    let all = many(
        effort::cases(100, 300).into(),
        "prod",
        ("tenants/payments/routes.kdl", route),
        APPS,
    );
    settles(into(&namespace, all, |name| numbered(name, 'r'))).await;
    cluster.kubectl(&["delete", "namespace", &namespace, "--wait=false"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_tenant_is_done_again() {
    let environment = bed::unique_name("e");
    let mut all = many(
        effort::cases(60, 300).into(),
        &environment,
        ("platform/more.kdl", tenant),
        "",
    );
    let ours = |object: &Value| {
        let place = if object["kind"] == "Namespace" {
            "name"
        } else {
            "namespace"
        };
        let at = object["metadata"][place].as_str().unwrap_or_default();
        numbered(at, 't') && at.ends_with(&environment)
    };
    all.retain(ours);
    let spaces: Vec<String> = all
        .iter()
        .filter(|object| object["kind"] == "Namespace")
        .filter_map(|object| object["metadata"]["name"].as_str().map(str::to_owned))
        .collect();
    settles(all).await;
    let mut delete = vec!["delete", "namespace", "--wait=false"];
    delete.extend(spaces.iter().map(String::as_str));
    bed::cluster().kubectl(&delete);
}
