//! Faults between kubemate and the API server; the proxy's record and the server's objects are the truth.

use std::time::Duration;

use kubemate::apply::cluster::Cluster as _;
use kubemate::apply::outcome::Outcome;
use kubemate::apply::problem::ProblemKind;
use kubemate::object::{GroupKind, ObjectKey};
use kubemate::plan::inventory::Entry;
use kubemate::plan::observed::Observed;
use kubemate::plan::{Rule, Verb as Does};
use serde_json::json;

use crate::bed::proxy::{Fault, Gate, Match, Rule as Break, Verb};
use crate::engine::{Engine, outcome, told};

fn applies(name: &str) -> Match {
    Match::writes().verb(Verb::Apply).name(name)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_04_lost_reply() {
    let (mut engine, proxy) = Engine::behind_proxy().await;
    let a = engine.want_config("a", &json!({"k": "1"}));
    engine.want_config("b", &json!({"k": "1"}));
    proxy.add(Break::new(applies("a"), Fault::ResetAfter).first(1));
    let (plan, report) = engine.apply().await;
    assert!(report.complete(), "{}", told(&plan, &report));
    let entries = engine.stored().await.inventory.entries;
    assert_eq!(
        entries[&a].uid(),
        Some(engine.live(&a).await.unwrap().uid.as_str())
    );
    proxy.forget();
    assert!(engine.plan().await.is_empty());
    engine.want_config("a", &json!({"k": "2"}));
    proxy.add(Break::new(applies("a"), Fault::ResetAfter).first(1));
    let (plan, report) = engine.apply().await;
    assert!(report.complete(), "{}", told(&plan, &report));
    assert_eq!(engine.live(&a).await.unwrap().body["data"]["k"], "2");
    assert!(engine.plan().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_04_a_write_whose_answers_are_all_lost_is_looked_for() {
    let (mut engine, proxy) = Engine::behind_proxy().await;
    let a = engine.want_config("a", &json!({"k": "1"}));
    let b = engine.want_config("b", &json!({"k": "1"}));
    proxy.add(Break::new(applies("a"), Fault::ResetAfter));
    proxy.add(Break::new(applies("b"), Fault::ResetBefore));
    let (plan, report) = engine.apply().await;
    let said = told(&plan, &report);
    assert_eq!(*outcome(&report, &a), Outcome::Done, "{said}");
    assert!(
        matches!(outcome(&report, &b), Outcome::Failed { problem } if problem.kind == ProblemKind::Unknown),
        "{said}"
    );
    let entries = engine.stored().await.inventory.entries;
    assert_eq!(
        entries[&a].uid(),
        Some(engine.live(&a).await.unwrap().uid.as_str())
    );
    assert!(matches!(entries[&b], Entry::Pending { .. }));
    proxy.heal();
    let plan = engine.apply_all().await;
    assert_eq!(plan.count(Does::Create), 1);
    assert!(engine.plan().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_20_killed_between_announcement_and_record() {
    let (mut engine, proxy) = Engine::behind_proxy().await;
    let keys = ["a", "b", "c"].map(|name| engine.want_config(name, &json!({"k": "1"})));
    let gate = Gate::new();
    proxy.add(Break::new(applies("b"), Fault::PauseAfter(gate.clone())));
    let plan = engine.plan().await;
    let stands = async {
        while !gate.wait_reached(Duration::ZERO) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // The other two, which were sent at the same time.
        tokio::time::sleep(Duration::from_secs(3)).await;
    };
    tokio::select! {
        report = engine.carry_out(&plan) => panic!("it was to stand at the gate: {report:?}"),
        () = stands => {}
    }
    gate.open();
    proxy.heal();
    assert!(
        engine
            .stored()
            .await
            .inventory
            .entries
            .values()
            .all(|e| e.uid().is_none())
    );
    let uids = futures::future::join_all(keys.iter().map(|key| engine.live(key))).await;
    assert!(uids[1].is_some(), "it was written before it stood there");
    engine.options.lease_wait = Duration::from_secs(25);
    let plan = engine.apply_all().await;
    assert_eq!(plan.count(Does::Adopt), uids.iter().flatten().count());
    let entries = engine.stored().await.inventory.entries;
    for (key, live) in keys.iter().zip(uids) {
        let now = engine.live(key).await.unwrap().uid;
        assert!(
            live.is_none_or(|live| live.uid == now),
            "{key} was made twice"
        );
        assert_eq!(entries[key].uid(), Some(now.as_str()));
    }
    assert!(engine.plan().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_01_too_many_requests_are_not_repeated_early() {
    let (mut engine, proxy) = Engine::behind_proxy().await;
    engine.want_config("a", &json!({"k": "1"}));
    proxy.add(Break::new(applies("a"), Fault::too_many(2)).first(1));
    let (plan, report) = engine.apply().await;
    assert!(report.complete(), "{}", told(&plan, &report));
    let tries: Vec<std::time::Instant> = proxy
        .writes()
        .iter()
        .filter(|c| c.verb == Verb::Apply)
        .map(|c| c.at)
        .collect();
    assert_eq!(tries.len(), 2);
    assert!(tries[1] - tries[0] >= Duration::from_secs(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_03_server_errors_before_and_after_the_effect() {
    let (mut engine, proxy) = Engine::behind_proxy().await;
    for index in 0..12 {
        engine.want_config(&format!("c{index}"), &json!({"k": "1"}));
    }
    proxy.seed(7);
    let inventory = Match::writes().verb(Verb::Apply);
    proxy.add(Break::new(inventory.clone(), Fault::Status(503, Vec::new())).chance(0.2));
    proxy.add(Break::new(inventory, Fault::StatusAfter(500)).chance(0.2));
    let (plan, report) = engine.apply().await;
    proxy.heal();
    assert!(
        report
            .steps
            .values()
            .all(|s| matches!(s.outcome, Outcome::Done | Outcome::Failed { .. })),
        "{}",
        told(&plan, &report)
    );
    engine.apply_all().await;
    assert!(engine.plan().await.is_empty());
    let listed = engine.kubectl(&["get", "configmap", "-o", "name", "-l", "kubemate.dev/set"]);
    assert_eq!(listed.lines().count(), 12);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_06_a_lease_that_is_not_answered_has_a_short_deadline() {
    let (mut engine, proxy) = Engine::behind_proxy().await;
    engine.want_config("a", &json!({"k": "1"}));
    let plan = engine.plan().await;
    proxy.add(Break::new(
        Match::any().resource("leases"),
        Fault::BlackHole(Duration::from_mins(2)),
    ));
    let before = tokio::time::Instant::now();
    let problem = engine.carry_out(&plan).await.unwrap_err();
    assert!(before.elapsed() < Duration::from_mins(1));
    assert!(
        matches!(problem.kind, ProblemKind::Timeout | ProblemKind::Unknown),
        "{problem}"
    );
    assert!(
        proxy
            .writes()
            .iter()
            .all(|call| call.target.resource == "leases")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_08_a_bad_answer_is_never_an_empty_one() {
    let (mut engine, proxy) = Engine::behind_proxy().await;
    let key = engine.want_config("a", &json!({"k": "1"}));
    engine.want_config("b", &json!({"k": "1"}));
    engine.apply_all().await;
    engine.rendered.objects.remove(&key);
    let list =
        json!({"kind":"ConfigMapList","apiVersion":"v1","metadata":{},"items":[]}).to_string();
    let bad = [
        Fault::Html,
        Fault::Body(String::new()),
        Fault::Body(list),
        Fault::Truncate(40),
        Fault::Body("{}".into()),
    ];
    for fault in bad {
        proxy.heal();
        proxy.add(Break::new(
            Match::reads().resource("configmaps").name("a"),
            fault,
        ));
        let plan = engine.plan().await;
        assert_eq!(
            (plan.count(Does::Delete), plan.count(Does::Release)),
            (0, 0)
        );
        assert!(
            plan.findings.iter().any(|f| f.rule == Rule::Unreadable),
            "{:?}",
            plan.findings
        );
    }
    proxy.heal();
    proxy.add(Break::new(
        Match::reads()
            .resource("configmaps")
            .namespace("kubemate-system"),
        Fault::Html,
    ));
    assert!(engine.cluster.load(&engine.set).await.is_err());
    proxy.heal();
    engine.apply_all().await;
    assert!(engine.live(&key).await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_15_a_group_that_is_missing_from_discovery_proves_nothing() {
    let (mut engine, proxy) = Engine::behind_proxy().await;
    let web = engine.want_deployment("web", 1);
    engine.want_config("a", &json!({"k": "1"}));
    engine.apply_all().await;
    engine.rendered.objects.remove(&web);
    proxy.add(Break::new(
        Match::any().path("/apis"),
        Fault::WithoutGroup("apps".into()),
    ));
    let mut late = Engine::through(proxy.kubeconfig(), engine.namespace.clone()).await;
    (late.set, late.rendered) = (engine.set.clone(), engine.rendered.clone());
    let world = late.world().await;
    assert!(
        matches!(world.objects[&web], Observed::Unreadable { .. }),
        "{:?}",
        world.objects[&web]
    );
    let (plan, report) = late.apply().await;
    assert_eq!(
        (plan.count(Does::Delete), plan.count(Does::Release)),
        (0, 0),
        "{}",
        told(&plan, &report)
    );
    assert!(late.stored().await.inventory.entries.contains_key(&web));
    proxy.heal();
    engine.apply_all().await;
    assert!(engine.live(&web).await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_11_health_is_seen_through_broken_watches() {
    use crate::bed::proxy::WatchFault;
    let (mut engine, proxy) = Engine::behind_proxy().await;
    let web = engine.want_deployment("web", 2);
    let watches = Match::any().verb(Verb::Watch);
    proxy.add(
        Break::new(
            watches.clone(),
            Fault::Watch(WatchFault::ErrorAfter(0, 410)),
        )
        .first(1),
    );
    proxy.add(Break::new(watches.clone(), Fault::Watch(WatchFault::CloseAfter(1))).first(3));
    proxy.add(Break::new(watches, Fault::Status(500, Vec::new())));
    let (plan, report) = engine.apply().await;
    assert!(
        report.complete() && report.healthy(),
        "{}",
        told(&plan, &report)
    );
    assert_eq!(
        engine.live(&web).await.unwrap().body["status"]["readyReplicas"],
        2
    );
    let reads = proxy
        .calls()
        .iter()
        .filter(|c| c.verb == Verb::Get && c.target.name.as_deref() == Some("web"))
        .count();
    assert!(
        reads < 60,
        "a broken watch is not a reason for a hot loop: {reads} reads"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_fails_stops_those_that_need_it_and_nothing_else() {
    let (mut engine, proxy) = Engine::behind_proxy().await;
    let old = engine.want_config("old", &json!({"k": "1"}));
    engine.apply_all().await;
    engine.rendered.objects.remove(&old);
    let a = engine.want_config("a", &json!({"k": "1"}));
    let free = engine.want_config("free", &json!({"k": "1"}));
    let body =
        json!({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b"},"data":{"k":"1"}});
    let b = engine.want_with(
        body,
        kubemate::object::ObjectRules::default(),
        std::slice::from_ref(&a),
    );
    engine.policy.percent_from = 100;
    proxy.add(Break::new(applies("a"), Fault::Status(403, Vec::new())));
    let (plan, report) = engine.apply().await;
    let said = told(&plan, &report);
    assert!(
        matches!(outcome(&report, &a), Outcome::Failed { problem } if problem.kind == ProblemKind::Forbidden),
        "{said}"
    );
    assert!(
        matches!(outcome(&report, &b), Outcome::NotAttempted { .. }),
        "{said}"
    );
    assert_eq!(*outcome(&report, &free), Outcome::Done, "{said}");
    assert!(
        matches!(outcome(&report, &old), Outcome::NotAttempted { .. }),
        "{said}"
    );
    assert!(
        engine.live(&old).await.is_some(),
        "nothing is deleted while a write is missing"
    );
    assert!(
        engine.stored().await.inventory.entries[&old]
            .uid()
            .is_some()
    );
    proxy.heal();
    engine.apply_all().await;
    assert!(engine.live(&old).await.is_none() && engine.live(&b).await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn few_writes_for_many_objects_and_none_when_nothing_changed() {
    let (mut engine, proxy) = Engine::behind_proxy().await;
    for index in 0..20 {
        engine.want_config(&format!("c{index}"), &json!({"k": "1"}));
    }
    engine.apply_all().await;
    let counted: Vec<_> = proxy
        .writes()
        .into_iter()
        .filter(|c| c.target.resource != "leases")
        .collect();
    assert!(
        counted.len() <= 50,
        "{} writes for 20 objects",
        counted.len()
    );
    proxy.forget();
    assert!(engine.plan().await.is_empty());
    assert!(
        proxy.calls().iter().all(|call| !call.verb.writes()),
        "not even a dry-run"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_cluster_is_never_written_to() {
    let (mut engine, proxy) = Engine::behind_proxy().await;
    engine.want_config("a", &json!({"k": "1"}));
    let mut plan = engine.plan().await;
    let real = std::mem::replace(
        &mut plan.cluster_uid,
        "11111111-2222-3333-4444-555555555555".into(),
    );
    proxy.forget();
    let problem = engine.carry_out(&plan).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::WrongCluster);
    let said = problem.to_string();
    assert!(
        said.contains(&real) && said.contains("11111111") && said.contains("`test`"),
        "{said}"
    );
    assert!(proxy.writes().is_empty());
    assert!(engine.cluster.verify("test", &real).await.is_ok());
    let key = ObjectKey {
        group_kind: GroupKind::new("", "Namespace"),
        namespace: None,
        name: "kube-system".into(),
    };
    assert_eq!(engine.live(&key).await.unwrap().uid, real);
}
