//! Kinds and their rules: CRDs that are never served, dropped or changed in ways that strand objects,
//! versions that go, lists with keys, and fields that never change.

use std::time::Duration;

use kubemate::adapters::cluster::KubeCluster;
use kubemate::apply::outcome::Outcome;
use kubemate::apply::prepare::look;
use kubemate::object::{ObjectKey, ObjectRules};
use kubemate::plan::{Finding, Neighbours, Plan, Rule, Verb};
use serde_json::{Value, json};

use super::record::{judged, settles};
use crate::bed;
use crate::bed::proxy::{Fault, Match, Proxy, Rule as Break};
use crate::engine::{Engine, deployment, outcome, told};

/// A CRD of a group of its own, which is removed when the test is over.
struct Crd {
    group: String,
    body: Value,
}

impl Crd {
    fn new() -> Self {
        let group = format!("{}.example.com", bed::unique_name("g"));
        let body = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("gadgets.{group}")},
            "spec": {"group": group, "scope": "Namespaced", "names": {"plural": "gadgets",
                "singular": "gadget", "kind": "Gadget", "listKind": "GadgetList"},
                "versions": [version("v1", true, true)]}});
        Self { group, body }
    }

    fn with_versions(mut self, versions: &[Value]) -> Self {
        self.body["spec"]["versions"] = versions.into();
        self
    }

    fn name(&self) -> String {
        format!("gadgets.{}", self.group)
    }

    fn gadget(&self, version: &str, name: &str, size: u32) -> Value {
        json!({"apiVersion": format!("{}/{version}", self.group), "kind": "Gadget",
            "metadata": {"name": name}, "spec": {"size": size}})
    }

    /// Makes it as an administrator does, and waits until it is served.
    fn install(&self) {
        let cluster = bed::cluster();
        cluster.kubectl_with(
            &["apply", "--server-side", "-f", "-"],
            &self.body.to_string(),
        );
        cluster.established(&[&self.name()]);
    }

    fn stored_versions(&self) -> String {
        let path = "jsonpath={.status.storedVersions}";
        bed::cluster().kubectl(&["get", "crd", &self.name(), "-o", path])
    }
}

impl Drop for Crd {
    fn drop(&mut self) {
        let name = self.name();
        let args = ["delete", "crd", &name, "--ignore-not-found", "--wait=false"];
        bed::cluster().kubectl(&args);
    }
}

fn version(name: &str, served: bool, storage: bool) -> Value {
    json!({"name": name, "served": served, "storage": storage, "schema": {"openAPIV3Schema": {
        "type": "object", "properties": {"spec": {"type": "object",
            "properties": {"size": {"type": "integer"}}}}}}})
}

fn about<'a>(plan: &'a Plan, key: &ObjectKey, rule: Rule) -> Option<&'a Finding> {
    let mut findings = plan.findings.iter();
    findings.find(|f| f.key.as_ref() == Some(key) && f.rule == rule)
}

/// A connection that knows nothing from before.
async fn fresh(engine: &mut Engine, proxy: &Proxy) {
    let connected = KubeCluster::connect(Some(proxy.kubeconfig()), None).await;
    engine.cluster = connected.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_15_a_server_that_starts_anew_without_the_groups_of_crds_proves_nothing() {
    let (mut engine, proxy) = Engine::behind_proxy().await;
    engine.policy.percent_from = 100;
    let crd = Crd::new();
    crd.install();
    let gadget = engine.want(crd.gadget("v1", "g", 1));
    let other = engine.want_config("other", &json!({"k": "1"}));
    engine.apply_all().await;
    engine.rendered.objects.remove(&gadget);
    engine.want_config("other", &json!({"k": "2"}));
    proxy.add(Break::new(Match::any(), Fault::ResetBefore));
    assert!(engine.try_plan().await.is_err(), "nobody answers");
    proxy.heal();
    proxy.add(Break::new(
        Match::any().path("/apis"),
        Fault::WithoutGroup(crd.group.clone()),
    ));
    fresh(&mut engine, &proxy).await;
    let (plan, report) = engine.apply().await;
    let said = told(&plan, &report);
    assert!(about(&plan, &gadget, Rule::Unreadable).is_some(), "{said}");
    assert_eq!(
        plan.count(Verb::Delete) + plan.count(Verb::Release),
        0,
        "{said}"
    );
    assert_eq!(*outcome(&report, &other), Outcome::Done, "{said}");
    assert!(
        engine
            .stored()
            .await
            .inventory
            .entries
            .contains_key(&gadget)
    );
    settles(&[&engine], &proxy).await;
    assert!(engine.live(&gadget).await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_54_a_crd_that_is_never_served_is_told_with_its_reason() {
    let (mut engine, proxy) = Engine::behind_proxy().await;
    engine.options.patience = Duration::from_secs(15);
    let mut first = Crd::new();
    first.body["spec"]["names"]["shortNames"] = json!(["gz"]);
    first.install();
    let name = format!("widgets.{}", first.group);
    let second = engine.want(json!({"apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition", "metadata": {"name": &name},
        "spec": {"group": first.group, "scope": "Namespaced", "versions": [version("v1", true, true)],
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget",
                "listKind": "WidgetList", "shortNames": ["gz"]}}}));
    let widget = engine.want(
        json!({"apiVersion": format!("{}/v1", first.group), "kind": "Widget",
        "metadata": {"name": "w"}, "spec": {"size": 1}}),
    );
    let other = engine.want_config("other", &json!({"k": "1"}));
    let (plan, report) = engine.apply().await;
    let said = told(&plan, &report);
    assert_eq!(*outcome(&report, &other), Outcome::Done, "{said}");
    let end = outcome(&report, &widget).to_string();
    assert!(end.contains("gz"), "why it is not served is said: {end}");
    assert!(!report.complete(), "{said}");
    // Once the name is free, the same connection finds the new kind; the server takes a moment.
    drop(first);
    bed::cluster().established(&[&name]);
    for _ in 0..1200 {
        if about(&engine.plan().await, &widget, Rule::Unreadable).is_none() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    settles(&[&engine], &proxy).await;
    assert!(engine.live(&widget).await.is_some());
    engine.rendered.objects.remove(&widget);
    engine.rendered.objects.remove(&second);
    engine.policy.confirmed_deletes = Some(engine.plan().await.deletes_digest);
    engine.apply_all().await;
    assert!(engine.live(&second).await.is_none());
}

/// A set that brings a CRD and gives it up, and another one with an object of it.
struct Dropped {
    engine: Engine,
    neighbour: Engine,
    proxy: Proxy,
    crd: Crd,
    kind: ObjectKey,
    own: ObjectKey,
    theirs: ObjectKey,
}

async fn dropped() -> Dropped {
    let (mut engine, proxy) = Engine::behind_proxy().await;
    engine.policy.percent_from = 100;
    let crd = Crd::new();
    let kind = engine.want(crd.body.clone());
    let own = engine.want(crd.gadget("v1", "own", 1));
    engine.want_config("other", &json!({"k": "1"}));
    engine.apply_all().await;
    let mut neighbour = engine.sibling(proxy.kubeconfig()).await;
    neighbour.namespace = bed::cluster().unique_namespace().await;
    let theirs = neighbour.want(crd.gadget("v1", "theirs", 1));
    neighbour.apply_all().await;
    engine.rendered.objects.remove(&kind);
    Dropped {
        engine,
        neighbour,
        proxy,
        crd,
        kind,
        own,
        theirs,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_55_a_dropped_crd_stays_while_its_objects_are_wanted() {
    let mut all = dropped().await;
    let kind = &all.kind;
    // Its own objects need it; then only those of the others do, and the plan knows of them.
    let (plan, report) = all.engine.apply().await;
    let why = about(&plan, kind, Rule::StillInUse);
    assert!(why.is_some(), "{}", told(&plan, &report));
    all.engine.rendered.objects.remove(&all.own);
    // Whatever was confirmed.
    all.engine.policy.confirmed_deletes = Some(all.engine.plan().await.deletes_digest);
    let engine = &all.engine;
    let both = Neighbours::of([&engine.rendered, &all.neighbour.rendered]);
    let (identity, policy) = (&engine.identity, &engine.policy);
    let seen = look(&engine.cluster, &engine.rendered, identity, policy, &both).await;
    let plan = seen.unwrap().plan;
    let why = about(&plan, kind, Rule::StillInUse);
    let why = why.unwrap_or_else(|| panic!("{:?}", plan.findings));
    assert!(why.message.contains("theirs"), "{}", why.message);
    let report = engine.carry_out(&plan).await.unwrap();
    assert!(report.complete(), "{}", told(&plan, &report));
    assert!(engine.live(kind).await.is_some() && engine.live(&all.own).await.is_none());
    assert!(engine.live(&all.theirs).await.is_some());
    judged(&[&all.engine, &all.neighbour], &all.proxy).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_55_a_dropped_crd_needs_a_yes_that_counts_its_objects() {
    let mut all = dropped().await;
    all.engine.rendered.objects.remove(&all.own);
    let kind = &all.kind;
    // Nothing is known of the others here but what lives in the cluster.
    let plan = all.engine.plan().await;
    let why = about(&plan, kind, Rule::ProtectedDelete).expect("a yes is needed");
    let counted = why.message.contains("2 Gadget in 2 namespaces");
    assert!(why.holds() && counted, "{}", why.message);
    let report = all.engine.carry_out(&plan).await.unwrap();
    let end = outcome(&report, kind);
    assert!(matches!(end, Outcome::NotAttempted { .. }), "{end}");
    assert!(all.engine.live(&all.own).await.is_none());
    assert!(all.engine.live(&all.theirs).await.is_some());

    // Instances that cannot be listed are not zero instances, whatever was confirmed.
    let list = Match::any().resource(&format!("gadgets.{}", all.crd.group));
    all.proxy
        .add(Break::new(list, Fault::Status(500, Vec::new())));
    all.engine.policy.confirmed_deletes = Some(all.engine.plan().await.deletes_digest);
    let plan = all.engine.plan().await;
    let why = about(&plan, kind, Rule::UnreadableContents);
    assert!(why.is_some(), "{:?}", plan.findings);
    assert_eq!(plan.count(Verb::Delete), 0, "{:?}", plan.findings);
    all.proxy.heal();
    judged(&[&all.engine, &all.neighbour], &all.proxy).await;
    assert!(all.engine.live(&all.theirs).await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_56_a_crd_is_not_changed_so_that_objects_are_stranded() {
    let (mut engine, proxy) = Engine::behind_proxy().await;
    let crd =
        Crd::new().with_versions(&[version("v1alpha1", true, true), version("v1", true, false)]);
    let kind = engine.want(crd.body.clone());
    let gadget = engine.want(crd.gadget("v1alpha1", "g", 1));
    engine.apply_all().await;
    assert_eq!(crd.stored_versions(), r#"["v1alpha1"]"#);
    let version_before = engine.live(&kind).await.unwrap().resource_version;
    let mut scope = crd.body.clone();
    scope["spec"]["scope"] = "Cluster".into();
    let mut gone = crd.body.clone();
    gone["spec"]["versions"] = json!([version("v1", true, true)]);
    for (changed, field) in [(scope, "/spec/scope"), (gone, "/spec/versions")] {
        engine.want(changed);
        let (plan, report) = engine.apply().await;
        let said = told(&plan, &report);
        let why = about(&plan, &kind, Rule::CrdUnsafe).unwrap_or_else(|| panic!("{said}"));
        assert!(why.holds() && why.fields == [field], "{why:?}");
        assert!(
            matches!(outcome(&report, &kind), Outcome::NotAttempted { .. }),
            "{said}"
        );
        let now = engine.live(&kind).await.unwrap().resource_version;
        assert_eq!(now, version_before, "nothing was written: {said}");
        assert!(engine.live(&gadget).await.is_some());
    }
    engine.want(crd.body.clone());
    settles(&[&engine], &proxy).await;
}

/// What Git wants in a version that is not served is left alone, and why is said: on a connection that
/// knew the version, and on a new one.
async fn not_served_is_told(engine: &mut Engine, proxy: &Proxy, key: &ObjectKey) {
    for anew in [false, true] {
        if anew {
            // What is as wanted needs nothing; a change cannot be written.
            fresh(engine, proxy).await;
            assert!(engine.plan().await.is_empty());
            let wanted = engine.rendered.objects.get_mut(key).unwrap();
            wanted.manifest.body["spec"]["size"] = json!(9);
        }
        let (plan, report) = engine.apply().await;
        let said = told(&plan, &report);
        let gone = plan.count(Verb::Delete) + plan.count(Verb::Release);
        assert_eq!(
            gone, 0,
            "a version that is not served proves nothing: {said}"
        );
        let clear = plan
            .findings
            .iter()
            .any(|f| f.key.as_ref() == Some(key) && f.message.contains("v1alpha1"));
        assert!(clear, "the version is named: {said}");
        assert!(
            engine.stored().await.inventory.entries.contains_key(key),
            "{said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_64_objects_outlive_the_version_they_were_written_in() {
    let (mut engine, proxy) = Engine::behind_proxy().await;
    let crd =
        Crd::new().with_versions(&[version("v1alpha1", true, true), version("v1", true, false)]);
    crd.install();
    engine.want_config("other", &json!({"k": "1"}));
    let key = engine.want(crd.gadget("v1alpha1", "g", 1));
    engine.apply_all().await;
    let uid = engine.live(&key).await.unwrap().uid;

    // The version is stored, named in managedFields, and served no more.
    let served = |old| [version("v1alpha1", old, false), version("v1", true, true)];
    let mut next = crd.body.clone();
    next["spec"]["versions"] = served(false).as_slice().into();
    let apply = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
    bed::cluster().kubectl_with(&apply, &next.to_string());
    let old = format!("/apis/{}/v1alpha1", crd.group);
    bed::until("the old version is not served", || {
        bed::cluster()
            .try_kubectl(&["get", "--raw", &old], "")
            .is_err()
    });
    tokio::time::sleep(Duration::from_secs(2)).await;
    not_served_is_told(&mut engine, &proxy, &key).await;
    engine.want(crd.gadget("v1", "g", 2));
    let plan = engine.apply_all().await;
    assert_eq!(plan.count(Verb::Delete) + plan.count(Verb::Replace), 0);

    // Then it is gone altogether, with whatever managedFields still say of it.
    let stored = r#"{"status":{"storedVersions":["v1"]}}"#;
    let name = crd.name();
    bed::cluster().kubectl(&[
        "patch",
        "crd",
        &name,
        "--subresource=status",
        "--type=merge",
        "-p",
        stored,
    ]);
    next["spec"]["versions"] = json!([version("v1", true, true)]);
    bed::cluster().kubectl_with(&apply, &next.to_string());
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(engine.plan().await.is_empty());
    engine.want(crd.gadget("v1", "g", 3));
    engine.apply_all().await;
    let live = engine.live(&key).await.unwrap();
    assert_eq!(
        (live.uid.as_str(), &live.body["spec"]["size"]),
        (uid.as_str(), &json!(3))
    );
    settles(&[&engine], &proxy).await;
}

/// A Deployment of one container with these lists.
fn with_lists(name: &str, env: &Value, ports: &Value) -> Value {
    let mut body = deployment(name, 1);
    let container = &mut body["spec"]["template"]["spec"]["containers"][0];
    container["env"] = env.clone();
    container["ports"] = ports.clone();
    body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_47_a_key_that_comes_twice_in_a_list_is_named() {
    let (mut engine, proxy) = Engine::behind_proxy().await;
    let one = |n: &str, v: &str| json!({"name": n, "value": v});
    let http = json!([{"containerPort": 8080}]);
    let none = json!([]);
    let env = engine.want(with_lists(
        "env",
        &json!([one("A", "1"), one("B", "1"), one("A", "2")]),
        &http,
    ));
    let ports = engine.want(with_lists(
        "ports",
        &none,
        &json!([{"containerPort": 53}, {"containerPort": 53}]),
    ));
    let both = json!([{"containerPort": 53, "protocol": "TCP", "name": "t"},
        {"containerPort": 53, "protocol": "UDP", "name": "u"}]);
    let sound = engine.want(with_lists("sound", &none, &both));
    let (plan, report) = engine.apply().await;
    let said = told(&plan, &report);
    for (key, list) in [(&env, "env"), (&ports, "ports")] {
        let mut findings = plan
            .findings
            .iter()
            .filter(|f| f.key.as_ref() == Some(key) && f.holds());
        let finding = findings.next().unwrap_or_else(|| panic!("{said}"));
        assert!(finding.message.contains("duplicate"), "{finding:?}");
        let named = finding
            .fields
            .iter()
            .any(|f| f.starts_with("/spec/template/spec/containers") && f.contains(list));
        assert!(named, "the path is clear: {finding:?}");
        assert!(engine.live(key).await.is_none());
    }
    assert_eq!(*outcome(&report, &sound), Outcome::Done, "{said}");
    engine.rendered.objects.remove(&env);
    engine.rendered.objects.remove(&ports);
    settles(&[&engine], &proxy).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_47_a_list_that_is_broken_already_is_mended() {
    let (mut engine, proxy) = Engine::behind_proxy().await;
    let one = |n: &str, v: &str| json!({"name": n, "value": v});
    let http = json!([{"containerPort": 8080}]);
    let broken = with_lists("broken", &json!([one("A", "1"), one("A", "2")]), &http);
    bed::cluster().kubectl_with(
        &["-n", &engine.namespace, "create", "-f", "-"],
        &broken.to_string(),
    );
    let rules = ObjectRules {
        adopt: true,
        ..ObjectRules::default()
    };
    let key = engine.want_with(
        with_lists("broken", &json!([one("A", "3")]), &http),
        rules,
        &[],
    );
    let (plan, report) = engine.apply().await;
    let said = told(&plan, &report);
    let live = engine.live(&key).await.unwrap();
    let env = &live.body["spec"]["template"]["spec"]["containers"][0]["env"];
    assert!(report.complete(), "{said}");
    assert_eq!(*env, json!([one("A", "3")]), "{said}");
    settles(&[&engine], &proxy).await;
}
