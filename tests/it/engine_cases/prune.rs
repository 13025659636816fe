//! What goes and what stays: crashes between deletions, renames that fail half way, keep marks, namespaces
//! that others need or that are going, inventories from yesterday, renders that broke.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use kubemate::adapters::cluster::KubeCluster;
use kubemate::apply::outcome::Outcome;
use kubemate::apply::prepare::look;
use kubemate::object::{ObjectKey, SET_LABEL};
use kubemate::plan::step::{Action, KeepWhy};
use kubemate::plan::{Finding, KEEP_ANNOTATION, Neighbours, Plan, Rule, Verb as Does};
use serde_json::{Value, json};

use super::record::{judged, settles};
use crate::bed;
use crate::bed::proxy::{Call, Fault, Gate, Match, Proxy, Rule as Break, Verb};
use crate::engine::{Engine, deployment, outcome, told};

/// A Deployment that mounts a ConfigMap.
fn mounting(config: &str) -> Value {
    let mut web = deployment("web", 1);
    let pod = &mut web["spec"]["template"]["spec"];
    pod["serviceAccountName"] = "web".into();
    pod["volumes"] = json!([{"name": "s", "configMap": {"name": config}}]);
    web
}

fn account() -> Value {
    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "web"}})
}

/// Calls that delete objects, in the order of their arrival: name, UID, and whether they are known to
/// have taken effect.
fn deletions(proxy: &Proxy) -> Vec<(String, String, bool)> {
    let deletes = |call: &Call| {
        call.verb == Verb::Delete && call.target.namespace.as_deref() != Some("kubemate-system")
    };
    let one = |call: Call| {
        let uid = call.json()["preconditions"]["uid"]
            .as_str()
            .map(str::to_owned);
        let done = call.upstream_status == Some(200);
        (
            call.target.name.unwrap_or_default(),
            uid.unwrap_or_default(),
            done,
        )
    };
    proxy
        .writes()
        .into_iter()
        .filter(deletes)
        .map(one)
        .collect()
}

/// Where the first write of this sort to an object of this name stands in the record.
fn at(proxy: &Proxy, verb: Verb, name: &str) -> Option<usize> {
    let fits = |call: &Call| {
        let arrived = call.upstream_status.is_some_and(|status| status < 300);
        arrived && call.verb == verb && call.target.name.as_deref() == Some(name)
    };
    proxy.writes().iter().position(fits)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_23_a_crash_between_deletions_is_finished_in_order_and_nothing_twice() {
    for after in [false, true] {
        let (mut engine, proxy) = Engine::behind_proxy().await;
        engine.policy.max_delete_percent = 100;
        let stays = engine.want_config("stays", &json!({"k": "1"}));
        engine.want_config("settings", &json!({"k": "1"}));
        for name in ["b", "c", "d"] {
            engine.want_config(name, &json!({"k": "1"}));
        }
        engine.want(account());
        engine.want(mounting("settings"));
        engine.apply_all().await;
        engine.rendered.objects.retain(|key, _| *key == stays);
        let plan = engine.plan().await;
        assert_eq!(plan.count(Does::Delete), 6, "{:?}", plan.findings);
        let gate = Gate::new();
        let fault = if after {
            Fault::PauseAfter(gate.clone())
        } else {
            Fault::PauseBefore(gate.clone())
        };
        let deletes = Match::writes()
            .verb(Verb::Delete)
            .namespace(&engine.namespace);
        proxy.add(Break::new(deletes, fault).nth(3));
        let reached = async {
            while !gate.wait_reached(Duration::ZERO) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            () = reached => {}
            report = engine.carry_out(&plan) => panic!("it was to stand at the gate: {report:?}"),
        }
        proxy.heal();
        let connected = KubeCluster::connect(Some(proxy.kubeconfig()), None).await;
        engine.cluster = connected.unwrap();
        settles(&[&engine], &proxy).await;
        let calls = deletions(&proxy);
        let lives: BTreeSet<&String> = calls.iter().map(|(_, uid, _)| uid).collect();
        assert_eq!(lives.len(), 6, "{calls:?}");
        for life in lives {
            let ends = calls.iter().filter(|(_, uid, done)| uid == life && *done);
            assert!(ends.count() <= 1, "each life ends once: {calls:?}");
        }
        // The Deployment and its ServiceAccount have one name; it mounts the settings.
        let first = |name: &str| calls.iter().position(|(n, ..)| n == name).unwrap();
        let account = calls.iter().rposition(|(n, ..)| n == "web").unwrap();
        let order = [first("web"), first("settings")];
        assert!(
            order[0] < order[1] && order[0] < account,
            "in order: {calls:?}"
        );
        assert!(engine.live(&stays).await.is_some());
        assert_eq!(engine.stored().await.inventory.entries.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_66_a_rename_makes_the_new_one_first_and_keeps_the_old_one_on_failure() {
    let (mut engine, proxy) = Engine::behind_proxy().await;
    let old = engine.want_config("settings-1", &json!({"k": "1"}));
    engine.want(account());
    let web = engine.want(mounting("settings-1"));
    engine.apply_all().await;
    engine.rendered.objects.remove(&old);
    let new = engine.want_config("settings-2", &json!({"k": "2"}));
    engine.want(mounting("settings-2"));
    let makes = Match::writes().verb(Verb::Apply).name("settings-2");
    proxy.add(Break::new(makes, Fault::Status(403, Vec::new())));
    let (plan, report) = engine.apply().await;
    let said = told(&plan, &report);
    assert!(
        matches!(outcome(&report, &new), Outcome::Failed { .. }),
        "{said}"
    );
    for key in [&web, &old] {
        let end = outcome(&report, key);
        assert!(matches!(end, Outcome::NotAttempted { .. }), "{key}: {said}");
    }
    let live = engine.live(&web).await.unwrap();
    let volume = &live.body["spec"]["template"]["spec"]["volumes"][0];
    assert_eq!(volume["configMap"]["name"], "settings-1", "{said}");
    assert!(engine.live(&old).await.is_some(), "{said}");
    let failed = proxy.writes().len();
    settles(&[&engine], &proxy).await;
    let made = at(&proxy, Verb::Apply, "settings-2").unwrap();
    let gone = at(&proxy, Verb::Delete, "settings-1").unwrap();
    let writes = proxy.writes();
    let mut later = writes.iter().enumerate().skip(failed);
    let switched = later
        .find(|(_, call)| call.target.resource == "deployments")
        .unwrap()
        .0;
    assert!(
        made < switched && switched < gone,
        "{made}, {switched}, {gone}"
    );
}

fn marked(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"k": "1"},
        "metadata": {"name": name, "annotations": {KEEP_ANNOTATION: "true"}}})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_81_a_keep_mark_on_the_live_object_wins_against_deletion() {
    let (mut engine, proxy) = Engine::behind_proxy().await;
    engine.policy.max_delete_percent = 100;
    engine.want_config("stays", &json!({"k": "1"}));
    let on_live = engine.want_config("on-live", &json!({"k": "1"}));
    let on_neither = engine.want_config("on-neither", &json!({"k": "1"}));
    let on_desired = engine.want(marked("on-desired"));
    let on_both = engine.want(marked("on-both"));
    engine.apply_all().await;
    let keep = format!("{KEEP_ANNOTATION}=true");
    engine.kubectl(&["annotate", "configmap", "on-live", &keep]);
    engine.kubectl(&[
        "annotate",
        "configmap",
        "on-desired",
        &format!("{KEEP_ANNOTATION}-"),
    ]);
    for key in [&on_live, &on_neither, &on_desired, &on_both] {
        engine.rendered.objects.remove(key);
    }
    let plan = engine.apply_all().await;
    for key in [&on_live, &on_both] {
        let step = plan.steps.iter().find(|step| step.key == *key).unwrap();
        assert_eq!(
            step.action,
            Action::Keep {
                why: KeepWhy::KeepMark
            }
        );
        let mut about = plan.findings.iter().filter(|f| f.key.as_ref() == Some(key));
        assert!(
            about.any(|f| f.rule == Rule::KeepMark),
            "{:?}",
            plan.findings
        );
        assert!(engine.live(key).await.is_some(), "{key}");
        assert!(
            engine.stored().await.inventory.entries.contains_key(key),
            "{key} stays tracked"
        );
    }
    for key in [&on_neither, &on_desired] {
        assert!(engine.live(key).await.is_none(), "{key}");
    }
    // Without the mark it goes like everything else.
    for name in ["on-live", "on-both"] {
        engine.kubectl(&[
            "annotate",
            "configmap",
            name,
            &format!("{KEEP_ANNOTATION}-"),
        ]);
    }
    settles(&[&engine], &proxy).await;
    assert!(engine.live(&on_live).await.is_none() && engine.live(&on_both).await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_59_a_namespace_that_another_set_needs_stays() {
    let (mut engine, proxy) = Engine::behind_proxy().await;
    engine.policy.percent_from = 100;
    let name = format!("{}-shared", engine.namespace);
    let space =
        engine.want(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}));
    engine.want_config("other", &json!({"k": "1"}));
    engine.apply_all().await;
    let mut neighbour = engine.sibling(proxy.kubeconfig()).await;
    neighbour.namespace.clone_from(&name);
    let inside = neighbour.want_config("inside", &json!({"k": "1"}));
    neighbour.apply_all().await;
    engine.rendered.objects.remove(&space);
    let plan_of = async |engine: &Engine, neighbour: &Engine| -> Plan {
        let both = Neighbours::of([&engine.rendered, &neighbour.rendered]);
        let (identity, policy) = (&engine.identity, &engine.policy);
        let until = Instant::now() + bed::PATIENCE;
        loop {
            let seen = look(&engine.cluster, &engine.rendered, identity, policy, &both).await;
            let plan = seen.unwrap().plan;
            let unknown = |f: &Finding| f.rule == Rule::UnreadableContents;
            // Kinds of other tests come and go, and what a namespace holds is not known then.
            if !plan.findings.iter().any(unknown) || Instant::now() > until {
                return plan;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    // Whatever was confirmed: what is wanted is not deleted with its namespace.
    engine.policy.confirmed_deletes = Some(engine.plan().await.deletes_digest);
    let plan = plan_of(&engine, &neighbour).await;
    let why = plan.findings.iter().find(|f| f.rule == Rule::StillInUse);
    let why = why.unwrap_or_else(|| panic!("{:?}", plan.findings));
    assert!(
        why.message.contains("inside") && why.message.contains("other"),
        "{}",
        why.message
    );
    let report = engine.carry_out(&plan).await.unwrap();
    assert!(report.complete(), "{}", told(&plan, &report));
    assert!(engine.live(&inside).await.is_some());
    assert!(engine.stored().await.inventory.entries.contains_key(&space));
    // It goes once nobody needs it.
    neighbour.rendered.objects.remove(&inside);
    neighbour.policy.allow_empty = true;
    neighbour.apply_all().await;
    let plan = plan_of(&engine, &neighbour).await;
    engine.policy.confirmed_deletes = Some(plan.deletes_digest.clone());
    let plan = plan_of(&engine, &neighbour).await;
    let report = engine.carry_out(&plan).await.unwrap();
    assert!(report.complete(), "{}", told(&plan, &report));
    assert!(engine.live(&space).await.is_none());
    judged(&[&engine, &neighbour], &proxy).await;
}

/// How long the namespace controller may take, which works through the namespaces of all tests.
const GOING: Duration = Duration::from_mins(10);

/// The plan once two objects are going: the namespace controller takes a moment to get to its content.
async fn once_going(engine: &Engine) -> Plan {
    let going = |f: &&kubemate::plan::Finding| f.rule == Rule::Terminating;
    let deadline = Instant::now() + GOING;
    loop {
        let plan = engine.plan().await;
        if plan.findings.iter().filter(going).count() >= 2 {
            return plan;
        }
        assert!(Instant::now() < deadline, "nothing in it is going");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_57_a_namespace_that_is_going_is_waited_for_and_no_finalizer_is_touched() {
    let (mut engine, proxy) = Engine::behind_proxy().await;
    let name = format!("{}-going", engine.namespace);
    let space =
        engine.want(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}));
    let held = |name: &str, inside: &str| {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"k": "1"},
        "metadata": {"name": inside, "namespace": name}})
    };
    let stuck = engine.want(held(&name, "stuck"));
    let other = engine.want_config("other", &json!({"k": "1"}));
    engine.apply_all().await;
    let kubectl = |args: &[&str]| bed::cluster().kubectl(&[&["-n", name.as_str()], args].concat());
    let finalizer = |list: &str| {
        let patch = format!(r#"{{"metadata":{{"finalizers":{list}}}}}"#);
        kubectl(&["patch", "configmap", "stuck", "--type=merge", "-p", &patch]);
    };
    finalizer(r#"["example.com/stuck"]"#);
    kubectl(&["delete", "namespace", &name, "--wait=false"]);
    let late = engine.want(held(&name, "late"));
    engine.want_config("other", &json!({"k": "2"}));
    let plan = once_going(&engine).await;
    let report = engine.carry_out(&plan).await.unwrap();
    let said = told(&plan, &report);
    for (key, words) in [
        (&space, "being deleted"),
        (&stuck, "example.com/stuck"),
        (&late, "terminated"),
    ] {
        let mut about = plan.findings.iter().filter(|f| f.key.as_ref() == Some(key));
        assert!(about.any(|f| f.message.contains(words)), "{key}: {said}");
    }
    assert_eq!(
        *outcome(&report, &other),
        Outcome::Done,
        "the rest goes on: {said}"
    );
    assert!(engine.live(&late).await.is_none());
    let finalizers = engine.live(&stuck).await.unwrap().body["metadata"]["finalizers"].clone();
    assert_eq!(finalizers, json!(["example.com/stuck"]));
    finalizer("null");
    let deadline = Instant::now() + GOING;
    while engine.live(&space).await.is_some() {
        assert!(Instant::now() < deadline, "{space} stays");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    settles(&[&engine], &proxy).await;
    for key in [&space, &stuck, &late] {
        assert!(
            engine.live(key).await.unwrap().deletion_timestamp.is_none(),
            "{key}"
        );
    }
}

/// The ConfigMaps of the books that were written so far, as they are now.
fn books(proxy: &Proxy) -> Vec<Value> {
    let names = proxy.writes().into_iter().filter(|call| {
        let system = call.target.namespace.as_deref() == Some("kubemate-system");
        system && call.target.resource == "configmaps"
    });
    let names: BTreeSet<String> = names
        .filter_map(|call| Some(call.json()["metadata"]["name"].as_str()?.to_owned()))
        .collect();
    let read = |name: &String| {
        let args = [
            "-n",
            "kubemate-system",
            "get",
            "configmap",
            name,
            "-o",
            "json",
        ];
        serde_json::from_str(&bed::cluster().kubectl(&args)).unwrap()
    };
    names.iter().map(read).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_78_an_inventory_from_yesterday_deletes_nothing_and_names_what_is_left() {
    let (mut engine, proxy) = Engine::behind_proxy().await;
    engine.policy.max_delete_percent = 100;
    let old = engine.want_config("old", &json!({"k": "1"}));
    let stays = engine.want_config("stays", &json!({"k": "1"}));
    engine.apply_all().await;
    let yesterday = books(&proxy);
    engine.rendered.objects.remove(&old);
    let young = engine.want_config("young", &json!({"k": "1"}));
    let leaves = engine.want_config("leaves", &json!({"k": "1"}));
    engine.apply_all().await;
    for mut book in yesterday {
        book["metadata"]
            .as_object_mut()
            .unwrap()
            .remove("resourceVersion");
        bed::cluster().kubectl_with(&["replace", "-f", "-"], &book.to_string());
    }
    let uid = engine.live(&young).await.unwrap().uid;
    // What left Git meanwhile is in no inventory: nothing proves that it may go, but it is named.
    engine.rendered.objects.remove(&leaves);
    let plan = engine.plan().await;
    assert_eq!(
        (plan.count(Does::Adopt), plan.count(Does::Delete)),
        (1, 0),
        "{:?}",
        plan.findings
    );
    let left: Vec<_> = plan
        .findings
        .iter()
        .filter(|f| f.rule == Rule::LeftBehind)
        .collect();
    assert_eq!(left.len(), 1, "{:?}", plan.findings);
    assert_eq!(left[0].key.as_ref(), Some(&leaves));
    let report = engine.carry_out(&plan).await.unwrap();
    assert!(report.complete(), "{}", told(&plan, &report));
    let live = engine.live(&leaves).await.unwrap();
    assert_eq!(live.label(SET_LABEL), Some(engine.set.label().as_str()));
    let entries = engine.stored().await.inventory.entries;
    let known: BTreeSet<&ObjectKey> = entries.keys().collect();
    assert_eq!(known, BTreeSet::from([&stays, &young]));
    assert_eq!(entries[&young].uid(), Some(uid.as_str()));
    let plan = engine.plan().await;
    assert!(
        plan.is_empty() && plan.count(Does::Delete) == 0,
        "{:?}",
        plan.steps
    );
}
