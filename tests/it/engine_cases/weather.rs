//! Bad weather between kubemate and the API server: answers that drip, credentials that change, a server
//! that changes its leader, starts anew or lost its schema endpoint.

use std::path::Path;
use std::time::Duration;

use kubemate::adapters::cluster::KubeCluster;
use kubemate::apply::cluster::Cluster as _;
use kubemate::apply::outcome::Outcome;
use kubemate::apply::prepare::PrepareError;
use kubemate::apply::problem::ProblemKind;
use kubemate::object::ObjectKey;
use kubemate::plan::{Plan, Rule, Verb as Does};
use serde_json::json;
use tokio::time::Instant;

use super::record::settles;
use crate::bed;
use crate::bed::proxy::{Fault, Match, Rule as Break, Verb};
use crate::engine::{Engine, deployment, outcome, told};

/// Nothing of the set may go, and why is said of each of these.
fn left_alone(plan: &Plan, keys: &[&ObjectKey]) {
    let gone = plan.count(Does::Delete) + plan.count(Does::Release);
    assert_eq!(gone, 0, "{:?}", plan.findings);
    for key in keys {
        let mut about = plan.findings.iter().filter(|f| f.key.as_ref() == Some(key));
        let told = about.any(|f| f.rule == Rule::Unreadable);
        assert!(told, "nothing is said of {key}: {:?}", plan.findings);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_07_an_answer_that_drips_has_a_deadline_over_all_of_it() {
    let (mut engine, proxy) = Engine::behind_proxy().await;
    engine.policy.percent_from = 100;
    let stays = engine.want_config("stays", &json!({"k": "1"}));
    let gone = engine.want_config("gone", &json!({"k": "1"}));
    engine.apply_all().await;
    engine.rendered.objects.remove(&gone);
    engine.want_config("stays", &json!({"k": "2"}));
    let before = engine.plan().await;
    // A byte each tenth of a second: never idle, and over after a hundred seconds at the earliest.
    let slow = Fault::Drip(Duration::from_millis(100));
    let here = Match::reads()
        .resource("configmaps")
        .namespace(&engine.namespace);
    proxy.add(Break::new(here, slow.clone()));
    proxy.add(Break::new(Match::any().resource("leases"), slow));
    let begun = Instant::now();
    let ((plan, planned), (run, ended)) =
        tokio::join!(async { (engine.plan().await, begun.elapsed()) }, async {
            (engine.carry_out(&before).await, begun.elapsed())
        });
    assert!(planned < Duration::from_secs(90), "{planned:?}");
    left_alone(&plan, &[&stays, &gone]);
    assert!(run.is_err(), "no lease, no run");
    assert!(
        ended < planned,
        "a lease has a deadline of its own: {ended:?} and {planned:?}"
    );
    proxy.heal();
    assert_eq!(engine.live(&stays).await.unwrap().body["data"]["k"], "1");
    engine.options.lease_wait = Duration::from_secs(30);
    settles(&[&engine], &proxy).await;
    assert!(engine.live(&gone).await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_10_credentials_that_are_refused_for_a_while_change_nothing() {
    let (mut engine, proxy) = Engine::behind_proxy().await;
    let web = engine.want(deployment("web", 1));
    let gone = engine.want_config("gone", &json!({"k": "1"}));
    let a = engine.want_config("a", &json!({"k": "1"}));
    engine.apply_all().await;
    engine.rendered.objects.remove(&gone);
    engine.rendered.objects.remove(&web);
    engine.want_config("a", &json!({"k": "2"}));
    engine.policy.percent_from = 100;
    let plan = engine.plan().await;

    // Nothing is accepted any more, before a run and in the middle of one.
    let refused =
        |covers: Match, code| proxy.add(Break::new(covers, Fault::Status(code, Vec::new())));
    refused(Match::any(), 401);
    let why = engine.try_plan().await.unwrap_err();
    let PrepareError::Cluster(problem) = &why else {
        panic!("{why}");
    };
    assert_eq!(problem.kind, ProblemKind::Unauthorized, "{problem}");
    assert!(problem.to_string().contains("credentials"), "{problem}");
    proxy.heal();
    refused(Match::writes().namespace(&engine.namespace), 401);
    let report = engine.carry_out(&plan).await.unwrap();
    let said = told(&plan, &report);
    assert!(
        matches!(outcome(&report, &a), Outcome::Failed { problem } if problem.kind == ProblemKind::Unauthorized),
        "{said}"
    );
    for key in [&gone, &web] {
        let end = outcome(&report, key);
        assert!(matches!(end, Outcome::NotAttempted { .. }), "{said}");
    }

    // One kind is denied all of a sudden: it is left alone, and the others go on.
    proxy.heal();
    refused(Match::any().resource("deployments.apps"), 403);
    let (plan, report) = engine.apply().await;
    let told_of = plan.findings.iter().find(|f| f.key.as_ref() == Some(&web));
    assert_eq!(
        told_of.map(|f| f.rule),
        Some(Rule::Unreadable),
        "{}",
        told(&plan, &report)
    );
    assert_eq!(
        *outcome(&report, &a),
        Outcome::Done,
        "{}",
        told(&plan, &report)
    );
    let books = engine.stored().await.inventory.entries;
    assert!(books.contains_key(&web) && engine.live(&a).await.is_some());
    settles(&[&engine], &proxy).await;
    assert!(engine.live(&web).await.is_none() && engine.live(&gone).await.is_none());
}

/// A kubeconfig of the cluster of this process with a token that is read from a file.
fn with_token_file(token: &Path) -> tempfile::NamedTempFile {
    let known = std::fs::read_to_string(bed::cluster().kubeconfig()).unwrap();
    let known = kube::config::Kubeconfig::from_yaml(&known).unwrap();
    let named = known.clusters.first().unwrap();
    let cluster = serde_json::to_value(&named.cluster).unwrap();
    let text = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "c", "user": {"tokenFile": token}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text.to_string()).unwrap();
    file
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_10_a_token_that_rotates_is_read_anew() {
    let engine = Engine::new().await;
    engine.kubectl(&["create", "serviceaccount", "robot"]);
    engine.kubectl(&[
        "create",
        "role",
        "reads",
        "--verb=get",
        "--resource=configmaps",
    ]);
    let account = format!("--serviceaccount={}:robot", engine.namespace);
    engine.kubectl(&["create", "rolebinding", "reads", "--role=reads", &account]);
    engine.kubectl(&["create", "configmap", "a", "--from-literal=k=1"]);
    let key = ObjectKey {
        group_kind: kubemate::object::GroupKind::new("", "ConfigMap"),
        namespace: Some(engine.namespace.clone()),
        name: "a".into(),
    };
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "of-yesterday").unwrap();
    let kubeconfig = with_token_file(token.path());
    let cluster = KubeCluster::connect(Some(kubeconfig.path()), None)
        .await
        .unwrap();
    let target = kubemate::apply::cluster::Target::of(&key);
    let refused = cluster.read(&target).await.unwrap_err();
    assert_eq!(refused.kind, ProblemKind::Unauthorized, "{refused}");
    let fresh = engine.kubectl(&["create", "token", "robot"]);
    std::fs::write(token.path(), fresh.trim()).unwrap();
    let begun = Instant::now();
    let read = cluster.read(&target).await;
    assert!(matches!(read, Ok(Some(_))), "{read:?}");
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "at once, not when a cache runs out"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_14_a_change_of_leader_leaves_no_doubt_behind() {
    let (mut engine, proxy) = Engine::behind_proxy().await;
    engine.policy.percent_from = 100;
    let gone = engine.want_config("gone", &json!({"k": "1"}));
    engine.want_config("old", &json!({"k": "1"}));
    engine.apply_all().await;
    engine.rendered.objects.remove(&gone);
    engine.want_config("old", &json!({"k": "2"}));
    let keys: Vec<ObjectKey> = (0..6)
        .map(|i| engine.want_config(&format!("c{i}"), &json!({"k": "1"})))
        .collect();
    let here = || Match::writes().namespace(&engine.namespace);
    let burst = |fault| Break::new(here(), fault).first(3);
    proxy.add(burst(Fault::Said(500, "etcdserver: leader changed")));
    proxy.add(burst(Fault::StatusAfter(500)));
    proxy.add(burst(Fault::Said(500, "etcdserver: request timed out")));
    let books = Match::writes()
        .resource("configmaps")
        .namespace("kubemate-system");
    proxy.add(Break::new(books, Fault::StatusAfter(500)).nth(2));
    let (plan, report) = engine.apply().await;
    let said = told(&plan, &report);
    for step in report.steps.values() {
        let known = match &step.outcome {
            Outcome::Done | Outcome::NotAttempted { .. } => true,
            Outcome::Failed { problem } => problem.kind == ProblemKind::Unknown,
            Outcome::Stopped { .. } => false,
        };
        assert!(known, "{said}");
    }
    settles(&[&engine], &proxy).await;
    assert!(engine.live(&gone).await.is_none());
    let entries = engine.stored().await.inventory.entries;
    for key in &keys {
        let live = engine.live(key).await.unwrap();
        assert_eq!(entries[key].uid(), Some(live.uid.as_str()), "{key}");
    }
    // What had arrived was not made a second time.
    let made = proxy
        .writes()
        .into_iter()
        .filter(|call| call.upstream_status == Some(201));
    let mut made: Vec<Option<String>> = made
        .filter(|call| call.verb == Verb::Apply)
        .map(|call| call.target.name)
        .collect();
    let all = made.len();
    made.sort();
    made.dedup();
    assert_eq!(made.len(), all);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_19_without_the_schema_endpoint_the_server_still_judges() {
    let (mut engine, proxy) = Engine::behind_proxy().await;
    proxy.add(Break::new(
        Match::any().path("/openapi"),
        Fault::Status(503, Vec::new()),
    ));
    let mut wrong = deployment("wrong", 1);
    wrong["spec"]["replicass"] = json!(3);
    let wrong = engine.want(wrong);
    let good = engine.want_config("good", &json!({"k": "1"}));
    // Nobody can judge what stands in a namespace that is not there yet: the plan says so.
    let name = format!("{}-new", engine.namespace);
    engine.want(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}));
    let later = engine.want(
        json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"k": "1"},
        "metadata": {"name": "later", "namespace": name}}),
    );
    let (plan, report) = engine.apply().await;
    let said = told(&plan, &report);
    assert!(said.contains("replicass"), "{said}");
    assert!(
        matches!(outcome(&report, &wrong), Outcome::NotAttempted { .. }),
        "{said}"
    );
    assert_eq!(*outcome(&report, &good), Outcome::Done, "{said}");
    let step = plan.steps.iter().find(|step| step.key == later).unwrap();
    assert!(step.action.unverified().is_some(), "{step:?}");
    let unverified = plan.findings.iter().filter(|f| f.rule == Rule::Unverified);
    assert!(unverified.count() >= 1, "{said}");
    let tried: Vec<_> = proxy
        .calls()
        .into_iter()
        .filter(crate::bed::proxy::Call::dry_run)
        .collect();
    assert!(
        tried
            .iter()
            .any(|call| call.target.name.as_deref() == Some("wrong"))
    );
    engine.rendered.objects.remove(&wrong);
    settles(&[&engine], &proxy).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_03_every_fifth_call_fails_before_or_after_its_effect() {
    let (mut engine, proxy) = Engine::behind_proxy().await;
    engine.policy.percent_from = 100;
    engine.options.lease_wait = Duration::from_secs(30);
    let keys: Vec<ObjectKey> = (0..12)
        .map(|i| engine.want_config(&format!("c{i}"), &json!({"k": "1"})))
        .collect();
    proxy.seed(11);
    for (code, chance) in [(500, 0.05), (502, 0.05), (503, 0.05), (504, 0.05)] {
        let before = Break::new(Match::any(), Fault::Status(code, Vec::new()));
        proxy.add(before.chance(chance / 2.0));
        proxy.add(Break::new(Match::any(), Fault::StatusAfter(code)).chance(chance / 2.0));
    }
    // Each pass may fail as a whole; none may lie or lose anything.
    for round in 0..4 {
        engine.want_config("c0", &json!({"k": round.to_string()}));
        if round == 2 {
            engine.rendered.objects.remove(&keys[11]);
        }
        let Ok(plan) = engine.try_plan().await else {
            continue;
        };
        if let Ok(report) = engine.carry_out(&plan).await {
            let held = |step: &kubemate::apply::outcome::StepReport| {
                matches!(step.outcome, Outcome::Stopped { .. })
            };
            assert!(!report.steps.values().any(held), "{}", told(&plan, &report));
        }
    }
    settles(&[&engine], &proxy).await;
    assert!(engine.live(&keys[11]).await.is_none());
    let listed = engine.kubectl(&["get", "configmap", "-o", "name", "-l", "kubemate.dev/set"]);
    assert_eq!(
        listed.lines().count(),
        11,
        "nothing is there twice: {listed}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_06_a_black_hole_swallows_one_kind_and_nobody_else_waits() {
    let (mut engine, proxy) = Engine::behind_proxy().await;
    engine.options.patience = Duration::from_secs(10);
    let web = engine.want(deployment("web", 1));
    engine.want_config("a", &json!({"k": "1"}));
    engine.apply_all().await;
    let plan = {
        engine.want(deployment("web", 2));
        engine.want_config("a", &json!({"k": "2"}));
        engine.plan().await
    };
    let hole = Fault::BlackHole(Duration::from_mins(2));
    proxy.add(Break::new(Match::any().resource("deployments.apps"), hole));
    let mut other =
        Engine::through(proxy.kubeconfig(), bed::cluster().unique_namespace().await).await;
    let theirs = other.want_config("theirs", &json!({"k": "1"}));
    let begun = Instant::now();
    let ((report, waited), others) = tokio::join!(
        async { (engine.carry_out(&plan).await, begun.elapsed()) },
        async {
            other.apply_all().await;
            begun.elapsed()
        }
    );
    assert!(
        others < waited,
        "the other set waited {others:?} of {waited:?}"
    );
    assert!(waited < Duration::from_secs(110), "{waited:?}");
    let report = report.unwrap();
    let end = outcome(&report, &web);
    assert!(
        matches!(end, Outcome::Failed { .. }),
        "{}",
        told(&plan, &report)
    );
    assert!(other.live(&theirs).await.is_some());
    settles(&[&engine, &other], &proxy).await;
}
