//! What objects mean to the API server and to each other: moves between sets, order of deletion, limits,
//! lost books, denied calls.

use std::time::Duration;

use kubemate::apply::outcome::Outcome;
use kubemate::apply::prepare::look;
use kubemate::object::ObjectKey;
use kubemate::plan::step::{Action, AdoptFrom, KeepWhy, ReleaseWhy};
use kubemate::plan::{Level, Neighbours, Plan, Rule, Verb, hold};
use serde_json::{Value, json};

use super::record::settles;
use crate::bed;
use crate::bed::proxy::{Fault, Match, Rule as Break, Verb as Call};
use crate::engine::{Engine, deployment, outcome, told};

/// Two sets of one project in one namespace.
async fn two_sets() -> (Engine, Engine) {
    let one = Engine::new().await;
    let other = one.sibling(bed::cluster().kubeconfig()).await;
    (one, other)
}

/// Plans one set in the sight of both, and carries the plan out.
async fn brought(engine: &Engine, sets: [&Engine; 2]) -> Plan {
    let beside = Neighbours::of(sets.map(|engine| &engine.rendered));
    let (identity, policy) = (&engine.identity, &engine.policy);
    let seen = look(&engine.cluster, &engine.rendered, identity, policy, &beside).await;
    let mut seen = seen.expect("a plan");
    hold::until_taken(&mut seen.plan, &seen.world);
    let plan = seen.plan;
    let report = engine.carry_out(&plan).await.expect("a run");
    assert!(report.complete(), "{}", told(&plan, &report));
    plan
}

fn action<'a>(plan: &'a Plan, key: &ObjectKey) -> &'a Action {
    let step = plan.steps.iter().find(|step| step.key == *key);
    &step
        .unwrap_or_else(|| panic!("no step for {key}: {:?}", plan.findings))
        .action
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_80_an_object_moves_between_sets_in_either_order() {
    for giver_first in [true, false] {
        let (mut from, mut to) = two_sets().await;
        from.want_config("stays", &json!({"k": "1"}));
        let key = from.want_config("moves", &json!({"k": "1"}));
        brought(&from, [&from, &to]).await;
        let uid = from.live(&key).await.unwrap().uid;
        from.rendered.objects.remove(&key);
        to.want_config("moves", &json!({"k": "2"}));
        if giver_first {
            let plan = brought(&from, [&from, &to]).await;
            let why = KeepWhy::Leaving(to.set.clone());
            assert_eq!(*action(&plan, &key), Action::Keep { why });
            assert!(plan.leaves_more());
        }
        let adopted = brought(&to, [&from, &to]).await;
        assert_eq!(to.live(&key).await.unwrap().uid, uid, "without a gap");
        let released = brought(&from, [&from, &to]).await;
        assert_eq!(to.live(&key).await.unwrap().uid, uid, "nor later");
        let why = ReleaseWhy::Moved(to.set.clone());
        assert_eq!(*action(&released, &key), Action::Release { why });
        assert!(!released.leaves_more());
        let Action::Adopt { from: whose, .. } = action(&adopted, &key) else {
            panic!("{:?}", adopted.steps);
        };
        assert_eq!(*whose, AdoptFrom::Set(from.set.clone()));
        assert_eq!(to.live(&key).await.unwrap().body["data"]["k"], "2");
        for engine in [&from, &to] {
            assert!(brought(engine, [&from, &to]).await.is_empty());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_80_what_is_dropped_on_its_way_to_another_set_is_on_record_and_goes() {
    let (mut from, mut to) = two_sets().await;
    from.want_config("stays", &json!({"k": "1"}));
    let key = from.want_config("moves", &json!({"k": "1"}));
    brought(&from, [&from, &to]).await;
    // The commit that moves it reaches the set that gives it up and not the other one.
    from.rendered.objects.remove(&key);
    to.want_config("moves", &json!({"k": "2"}));
    assert!(brought(&from, [&from, &to]).await.is_empty());
    let recorded = async |engine: &Engine| {
        let stored = engine.stored().await;
        stored.inventory.entries.contains_key(&key)
    };
    assert!(recorded(&from).await);
    // The next one drops it.
    to.rendered.objects.remove(&key);
    let plan = brought(&from, [&from, &to]).await;
    assert_eq!(action(&plan, &key).verb(), Verb::Delete);
    assert!(from.live(&key).await.is_none());
    assert!(!recorded(&from).await && !recorded(&to).await);
    for engine in [&from, &to] {
        assert!(brought(engine, [&from, &to]).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_two_sets_want_is_written_by_neither() {
    let (mut one, mut other) = two_sets().await;
    let key = one.want_config("both", &json!({"k": "1"}));
    brought(&one, [&one, &other]).await;
    other.want_config("both", &json!({"k": "2"}));
    for engine in [&one, &other] {
        let plan = brought(engine, [&one, &other]).await;
        let told =
            |f: &kubemate::plan::Finding| f.rule == Rule::WantedTwice && f.level == Level::Error;
        assert!(plan.findings.iter().any(told), "{:?}", plan.findings);
    }
    assert_eq!(one.live(&key).await.unwrap().body["data"]["k"], "1");
}

fn route(name: &str, host: &str) -> Value {
    json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": name},
        "spec": {"hostnames": [host], "parentRefs": [{"name": "edge", "namespace": "edge"}],
            "rules": [{"matches": [{"path": {"type": "PathPrefix", "value": "/"}}]}]}})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_and_path_of_another_set_is_named() {
    let (mut one, mut other) = two_sets().await;
    one.want(route("first", "shop.bank.example"));
    other.want(route("second", "shop.bank.example"));
    other.want(route("third", "other.bank.example"));
    let beside = Neighbours::of([&one.rendered, &other.rendered]);
    let (identity, policy) = (&other.identity, &other.policy);
    let seen = look(&other.cluster, &other.rendered, identity, policy, &beside)
        .await
        .unwrap();
    let overlaps = seen
        .plan
        .findings
        .iter()
        .filter(|f| f.rule == Rule::RouteOverlap);
    let said: Vec<&str> = overlaps.map(|f| f.message.as_str()).collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].contains("first") && said[0].contains(&one.set.to_string()),
        "{said:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_82_deletions_run_against_the_order_of_making() {
    let (mut engine, proxy) = Engine::behind_proxy().await;
    engine.want_config("settings", &json!({"k": "1"}));
    engine.want(json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "web"}}));
    let mut web = deployment("web", 1);
    let pod = &mut web["spec"]["template"]["spec"];
    pod["serviceAccountName"] = "web".into();
    pod["volumes"] = json!([{"name": "s", "configMap": {"name": "settings"}}]);
    engine.want(web);
    engine.apply_all().await;
    engine.rendered.objects.clear();
    engine.policy.allow_empty = true;
    engine.policy.max_delete_percent = 100;
    proxy.forget();
    engine.apply_all().await;
    let writes = proxy.writes();
    let deletes = writes.iter().filter(|call| call.verb == Call::Delete);
    let order: Vec<&str> = deletes.map(|call| call.target.resource.as_str()).collect();
    assert_eq!(order.len(), 3, "{order:?}");
    assert_eq!(
        order[0], "deployments",
        "what needs the others goes first: {order:?}"
    );
    let propagation = writes
        .iter()
        .find(|c| c.target.resource == "deployments")
        .unwrap();
    assert_eq!(
        propagation.json()["propagationPolicy"],
        "Foreground",
        "and its pods with it"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_63_fifty_managers() {
    let mut engine = Engine::new().await;
    let key = engine.want_config("a", &json!({"k": "1"}));
    engine.apply_all().await;
    let client = bed::cluster().client().await;
    let api: kube::Api<k8s_openapi::api::core::v1::ConfigMap> =
        kube::Api::namespaced(client, &engine.namespace);
    for index in 0..50 {
        let patch = json!({"metadata": {"labels": {format!("l{index}"): "x"}}});
        let manager = Some(format!("manager-{index}"));
        let params = kube::api::PatchParams {
            field_manager: manager,
            ..Default::default()
        };
        api.patch("a", &params, &kube::api::Patch::Merge(patch))
            .await
            .unwrap();
    }
    assert!(
        engine.plan().await.is_empty(),
        "labels of others are no drift"
    );
    engine.want_config("a", &json!({"k": "2"}));
    let plan = engine.apply_all().await;
    let changes: Vec<&str> = plan.steps[0]
        .action
        .changes()
        .iter()
        .map(|c| c.path.as_str())
        .collect();
    assert_eq!(changes, ["data.k"]);
    let live = engine.live(&key).await.unwrap();
    assert!((0..50).all(|index| live.label(&format!("l{index}")) == Some("x")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_61_too_large_is_told_before_anything_is_written() {
    let mut engine = Engine::new().await;
    let large = engine.want_config("large", &json!({"k": "x".repeat(1_700_000)}));
    let huge = engine.want_config("huge", &json!({"k": "x".repeat(3_200_000)}));
    let noted = engine.want(
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {
        "name": "noted", "annotations": {"example.com/note": "x".repeat(270_000)}}}),
    );
    let small = engine.want_config("small", &json!({"k": "1"}));
    // The largest that goes: nothing of ours is added that would make it too large.
    let most = engine.want_config("most", &json!({"k": "x".repeat(1_000_000)}));
    let plan = engine.plan().await;
    let report = engine.carry_out(&plan).await.unwrap();
    for key in [&large, &huge, &noted] {
        let about = |f: &&kubemate::plan::Finding| f.key.as_ref() == Some(key) && f.holds();
        let finding = plan.findings.iter().find(about);
        let finding = finding.unwrap_or_else(|| panic!("{key}: {:?}", plan.findings));
        let sized = finding.message.chars().any(|c| c.is_ascii_digit());
        assert!(sized, "with its size: {finding:?}");
        let end = outcome(&report, key);
        assert!(matches!(end, Outcome::NotAttempted { .. }), "{key}: {end}");
        assert!(engine.live(key).await.is_none(), "{key}");
    }
    let live = engine.live(&small).await.unwrap();
    assert_eq!(
        live.body["metadata"]["annotations"],
        Value::Null,
        "no copy of what was applied"
    );
    assert!(engine.live(&most).await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_52_what_is_denied_is_told_tracked_and_tried_again() {
    let (mut engine, proxy) = Engine::behind_proxy().await;
    let keys: Vec<ObjectKey> = (0..20)
        .map(|index| engine.want_config(&format!("c{index}"), &json!({"k": "1"})))
        .collect();
    engine.apply_all().await;
    for key in &keys[..2] {
        engine.rendered.objects.remove(key);
    }
    let deny = |verb, name: &str| {
        let covers = Match::writes().verb(verb).name(name);
        proxy.add(Break::new(covers, Fault::Status(403, Vec::new())));
    };
    let failed =
        |report: &_, key: &ObjectKey| matches!(outcome(report, key), Outcome::Failed { .. });
    // A write that is denied: the others are done, and nothing is deleted while one is missing.
    let new = engine.want_config("new", &json!({"k": "1"}));
    for name in ["c18", "c19"] {
        engine.want_config(name, &json!({"k": "2"}));
    }
    deny(Call::Apply, "new");
    deny(Call::Apply, "c19");
    let (plan, report) = engine.apply().await;
    let said = told(&plan, &report);
    assert!(!report.complete(), "{said}");
    assert!(
        failed(&report, &new) && failed(&report, &keys[19]),
        "{said}"
    );
    assert_eq!(*outcome(&report, &keys[18]), Outcome::Done, "{said}");
    for key in &keys[..2] {
        assert!(
            matches!(outcome(&report, key), Outcome::NotAttempted { .. }),
            "{said}"
        );
    }
    proxy.heal();
    deny(Call::Delete, "c0");
    let (plan, report) = engine.apply().await;
    let said = told(&plan, &report);
    assert!(failed(&report, &keys[0]) && !report.complete(), "{said}");
    assert_eq!(*outcome(&report, &keys[1]), Outcome::Done, "{said}");
    let books = engine.stored().await.inventory.entries;
    assert!(books.contains_key(&keys[0]) && !books.contains_key(&keys[1]));
    proxy.heal();
    let plan = engine.apply_all().await;
    assert_eq!(plan.count(Verb::Delete), 1);
    assert!(engine.live(&keys[0]).await.is_none());
    settles(&[&engine], &proxy).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_78_a_lost_inventory_is_rebuilt_and_nothing_is_deleted() {
    let (mut engine, proxy) = Engine::behind_proxy().await;
    let a = engine.want_config("a", &json!({"k": "1"}));
    let b = engine.want_config("b", &json!({"k": "1"}));
    engine.apply_all().await;
    let uid = engine.live(&a).await.unwrap().uid;
    let books = proxy.writes().into_iter().filter(|call| {
        let system = call.target.namespace.as_deref() == Some("kubemate-system");
        system && call.target.resource == "configmaps"
    });
    let names: std::collections::BTreeSet<String> = books
        .map(|call| call.json()["metadata"]["name"].as_str().unwrap().to_owned())
        .collect();
    assert!(!names.is_empty());
    for name in &names {
        bed::cluster().kubectl(&["-n", "kubemate-system", "delete", "configmap", name]);
    }
    // What left Git while the books were lost is not deleted, for nothing proves that it is ours.
    engine.rendered.objects.remove(&b);
    let plan = engine.apply_all().await;
    assert_eq!((plan.count(Verb::Adopt), plan.count(Verb::Delete)), (1, 0));
    assert!(engine.live(&b).await.is_some());
    assert_eq!(
        engine.stored().await.inventory.entries[&a].uid(),
        Some(uid.as_str())
    );
    assert!(engine.plan().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_59_a_namespace_with_wanted_objects_stays() {
    let mut engine = Engine::new().await;
    let name = format!("{}-b", engine.namespace);
    let space =
        engine.want(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}));
    let inside = engine.want(json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "a", "namespace": name}, "data": {"k": "1"}}));
    engine.apply_all().await;
    engine.rendered.objects.remove(&space);
    engine.policy.percent_from = 100;
    // Kinds of other tests come and go, and what cannot be listed is not known.
    let told_so = |plan: &Plan| plan.findings.iter().any(|f| f.rule == Rule::StillInUse);
    let (mut plan, mut report) = engine.apply().await;
    for _ in 0..200 {
        if told_so(&plan) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        (plan, report) = engine.apply().await;
    }
    assert!(told_so(&plan), "{}", told(&plan, &report));
    assert!(
        engine
            .live(&space)
            .await
            .unwrap()
            .deletion_timestamp
            .is_none()
    );
    assert!(engine.live(&inside).await.is_some());
    assert!(engine.stored().await.inventory.entries.contains_key(&space));
}

/// Waits until a Deployment has this number of pods.
async fn scaled(engine: &Engine, key: &ObjectKey, wanted: u64) {
    for _ in 0..1500 {
        let live = engine.live(key).await.unwrap();
        if live.body["spec"]["replicas"] == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("not scaled to {wanted}");
}

/// What scales the Deployment `web` to three pods.
fn scaler() -> Value {
    json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"},
        "spec": {"minReplicas": 3, "maxReplicas": 5,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_that_deletes_what_scales_says_that_more_is_left() {
    let mut engine = Engine::new().await;
    engine.options.wait_for_health = false;
    let key = engine.want_deployment("web", 1);
    let hpa = engine.want(scaler());
    assert!(!engine.apply_all().await.leaves_more());
    scaled(&engine, &key, 3).await;
    assert!(engine.plan().await.is_empty());
    engine.rendered.objects.remove(&hpa);
    assert!(engine.apply_all().await.leaves_more());
    let plan = engine.apply_all().await;
    assert!(!plan.leaves_more());
    let changes = plan.steps[0].action.changes();
    assert_eq!(changes[0].pointer, "/spec/replicas", "{plan:?}");
    scaled(&engine, &key, 1).await;
    assert!(engine.plan().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_autoscaler_has_the_number_of_pods_for_as_long_as_it_exists() {
    let mut engine = Engine::new().await;
    let key = engine.want_deployment("web", 1);
    engine.apply_all().await;
    let mut theirs = scaler();
    theirs["metadata"]["namespace"] = engine.namespace.as_str().into();
    bed::cluster().kubectl_with(&["apply", "-f", "-"], &theirs.to_string());
    let pods = async |engine: &Engine, wanted: u64| scaled(engine, &key, wanted).await;
    pods(&engine, 3).await;
    let plan = engine.plan().await;
    assert!(plan.is_empty(), "{plan:?}");
    engine.kubectl(&["delete", "hpa", "web"]);
    let plan = engine.plan().await;
    let changes = plan.steps[0].action.changes();
    assert_eq!(changes.len(), 1, "{plan:?}");
    assert_eq!(changes[0].pointer, "/spec/replicas");
    engine.apply_all().await;
    pods(&engine, 1).await;
    let plan = engine.plan().await;
    assert!(plan.is_empty(), "{plan:?}");
}
