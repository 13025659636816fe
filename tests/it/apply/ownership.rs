//! Whose fields and whose objects: conflicts, drift, adoption, and what moved since the plan.

use kubemate::apply::outcome::Outcome;
use kubemate::object::ObjectRules;
use kubemate::plan::{Conflicts, KEEP_ANNOTATION, Rule, Verb};
use serde_json::json;

use crate::engine::{Engine, outcome, told};

/// Another manager applies a field of ours by force.
fn steal(engine: &Engine, manager: &str, value: &str) {
    let object = json!({"apiVersion":"v1","kind":"ConfigMap","data":{"k":value},
        "metadata":{"name":"a","namespace":engine.namespace}});
    crate::bed::cluster().kubectl_with(
        &[
            "apply",
            "--server-side",
            "--force-conflicts",
            "--field-manager",
            manager,
            "-f",
            "-",
        ],
        &object.to_string(),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drift_is_undone_and_the_manager_is_named() {
    let mut engine = Engine::new().await;
    let key = engine.want_config("a", &json!({"k": "ours", "l": "x"}));
    engine.apply_all().await;
    engine.kubectl(&[
        "patch",
        "configmap",
        "a",
        "-p",
        r#"{"data":{"k":"theirs"}}"#,
    ]);
    let plan = engine.plan().await;
    assert_eq!(plan.count(Verb::Update), 1);
    let take = plan.steps[0].action.takes().first().expect("a take");
    assert_eq!(
        (take.field.as_str(), take.manager.as_str()),
        ("/data/k", "kubectl-patch")
    );
    let report = engine.carry_out(&plan).await.unwrap();
    assert!(report.complete(), "{}", told(&plan, &report));
    assert_eq!(engine.live(&key).await.unwrap().body["data"]["k"], "ours");
    assert!(engine.plan().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_41_a_field_of_another_applier_is_reported_then_taken_only_by_policy() {
    let mut engine = Engine::new().await;
    let key = engine.want_config("a", &json!({"k": "ours"}));
    engine.apply_all().await;
    steal(&engine, "argocd", "theirs");
    let (plan, report) = engine.apply().await;
    let finding = plan
        .findings
        .iter()
        .find(|f| f.rule == Rule::OwnershipConflict)
        .expect("a finding");
    assert!(
        finding.message.contains("argocd") && finding.message.contains(".data.k"),
        "{finding:?}"
    );
    assert!(matches!(
        outcome(&report, &key),
        Outcome::NotAttempted { .. }
    ));
    assert_eq!(engine.live(&key).await.unwrap().body["data"]["k"], "theirs");

    engine
        .policy
        .conflicts
        .insert("argocd".into(), Conflicts::Force);
    engine.apply_all().await;
    assert_eq!(engine.live(&key).await.unwrap().body["data"]["k"], "ours");
    assert!(engine.plan().await.is_empty());

    // Left to the other one, only what is not theirs is written.
    engine
        .policy
        .conflicts
        .insert("argocd".into(), Conflicts::Yield);
    steal(&engine, "argocd", "theirs");
    engine.want_config("a", &json!({"k": "ours", "l": "2"}));
    engine.apply_all().await;
    let live = engine.live(&key).await.unwrap();
    assert_eq!(live.body["data"], json!({"k": "theirs", "l": "2"}));
    assert!(engine.plan().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_moved_since_the_plan_stops_and_the_others_go_on() {
    let mut engine = Engine::new().await;
    let a = engine.want_config("a", &json!({"k": "1"}));
    let b = engine.want_config("b", &json!({"k": "1"}));
    engine.apply_all().await;
    engine.want_config("a", &json!({"k": "2"}));
    engine.want_config("b", &json!({"k": "2"}));
    let plan = engine.plan().await;
    engine.kubectl(&[
        "patch",
        "configmap",
        "a",
        "-p",
        r#"{"data":{"k":"theirs"}}"#,
    ]);
    // What is not declared may change at any time.
    engine.kubectl(&["patch", "configmap", "b", "-p", r#"{"data":{"other":"x"}}"#]);
    let report = engine.carry_out(&plan).await.unwrap();
    assert!(
        outcome(&report, &a).to_string().contains("kubectl-patch"),
        "{}",
        told(&plan, &report)
    );
    assert_eq!(engine.live(&a).await.unwrap().body["data"]["k"], "theirs");
    assert_eq!(*outcome(&report, &b), Outcome::Done);
    assert_eq!(
        engine.live(&b).await.unwrap().body["data"],
        json!({"k":"2","other":"x"})
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delete_is_bound_to_the_very_object_its_label_and_its_marks() {
    let mut engine = Engine::new().await;
    let keys =
        ["anew", "label", "kept", "free"].map(|name| engine.want_config(name, &json!({"k": "1"})));
    engine.want_config("stays", &json!({"k": "1"}));
    engine.apply_all().await;
    for key in &keys {
        engine.rendered.objects.remove(key);
    }
    engine.policy.max_delete_percent = 100;
    let plan = engine.plan().await;
    assert_eq!(plan.count(Verb::Delete), 4, "{:?}", plan.findings);
    engine.kubectl(&["delete", "configmap", "anew"]);
    let label = format!("kubemate.dev/set={}", engine.set.label());
    engine.kubectl(&["create", "configmap", "anew", "--from-literal=k=2"]);
    engine.kubectl(&["label", "configmap", "anew", &label]);
    engine.kubectl(&["label", "configmap", "label", "kubemate.dev/set-"]);
    engine.kubectl(&[
        "annotate",
        "configmap",
        "kept",
        &format!("{KEEP_ANNOTATION}=true"),
    ]);
    let report = engine.carry_out(&plan).await.unwrap();
    for key in &keys[..3] {
        assert!(
            matches!(outcome(&report, key), Outcome::Stopped { .. }),
            "{}",
            told(&plan, &report)
        );
        assert!(engine.live(key).await.is_some(), "{key}");
        assert!(
            engine.stored().await.inventory.entries.contains_key(key),
            "{key} must stay tracked"
        );
    }
    assert!(engine.live(&keys[3]).await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_existing_object_is_adopted_only_with_permission() {
    let mut engine = Engine::new().await;
    engine.kubectl(&["create", "configmap", "a", "--from-literal=k=theirs"]);
    let key = engine.want_config("a", &json!({"k": "ours"}));
    let (_, report) = engine.apply().await;
    assert_eq!(
        *outcome(&report, &key),
        Outcome::Done,
        "nothing is done with it, and nothing is to do"
    );
    assert_eq!(engine.live(&key).await.unwrap().body["data"]["k"], "theirs");
    assert!(engine.stored().await.inventory.entries.is_empty());

    let rules = ObjectRules {
        adopt: true,
        ..ObjectRules::default()
    };
    let body = engine.rendered.objects[&key].manifest.body.clone();
    engine.want_with(body, rules, &[]);
    let plan = engine.apply_all().await;
    assert_eq!(plan.count(Verb::Adopt), 1);
    assert_eq!(engine.live(&key).await.unwrap().body["data"]["k"], "ours");
    assert!(engine.plan().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_49_an_immutable_object_is_made_anew_only_with_permission() {
    let mut engine = Engine::new().await;
    let body = |value: &str| {
        json!({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},
        "immutable":true,"data":{"k":value}})
    };
    let key = engine.want(body("1"));
    engine.apply_all().await;
    let first = engine.live(&key).await.unwrap().uid;
    engine.want(body("2"));
    let (plan, report) = engine.apply().await;
    assert!(
        plan.findings.iter().any(|f| f.rule == Rule::Immutable),
        "{}",
        told(&plan, &report)
    );
    assert_eq!(engine.live(&key).await.unwrap().uid, first);

    engine.want_with(
        body("2"),
        ObjectRules {
            replace: true,
            ..ObjectRules::default()
        },
        &[],
    );
    let plan = engine.apply_all().await;
    assert_eq!(plan.count(Verb::Replace), 1);
    let live = engine.live(&key).await.unwrap();
    assert!(live.uid != first && live.body["data"]["k"] == "2");
    assert_eq!(
        engine.stored().await.inventory.entries[&key].uid(),
        Some(live.uid.as_str())
    );
    assert!(engine.plan().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_46_a_typo_is_told_with_its_field_before_anything_is_written() {
    let mut engine = Engine::new().await;
    let mut body = crate::engine::deployment("web", 1);
    body["spec"]["replicass"] = json!(3);
    body["spec"]["template"]["spec"]["containers"][0]["imag"] = json!("x");
    let key = engine.want(body);
    let (plan, report) = engine.apply().await;
    let said = told(&plan, &report);
    assert!(
        said.contains("spec.replicass") && said.contains("imag"),
        "{said}"
    );
    let findings = plan.findings.iter();
    let mut fields: Vec<&String> = findings.flat_map(|finding| &finding.fields).collect();
    fields.sort();
    let typos = ["/spec/replicass", "/spec/template/spec/containers/0/imag"];
    assert_eq!(fields, typos, "all of them in one pass: {said}");
    assert!(
        matches!(outcome(&report, &key), Outcome::NotAttempted { .. }),
        "{said}"
    );
    assert!(engine.live(&key).await.is_none());
}

/// Objects to which the server adds, or which it spells in its own way.
fn written_otherwise() -> Vec<serde_json::Value> {
    let target = json!({"apiVersion":"apps/v1","kind":"Deployment","name":"web"});
    let pod =
        json!({"restartPolicy":"Never","containers":[{"name":"c","image":"registry.local/app:1"}]});
    vec![
        json!({"apiVersion":"autoscaling/v1","kind":"HorizontalPodAutoscaler","metadata":{"name":"one"},
            "spec":{"maxReplicas":1,"scaleTargetRef":target,"targetCPUUtilizationPercentage":80}}),
        json!({"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","metadata":{"name":"two"},
            "spec":{"maxReplicas":1,"scaleTargetRef":target,"metrics":[{"type":"Resource","resource":
                {"name":"cpu","target":{"type":"Utilization","averageUtilization":80}}}]}}),
        json!({"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"name":"d","annotations":
            {"deprecated.daemonset.template.generation":"7"}},"spec":{
                "selector":{"matchLabels":{"app":"d"}},"template":{"metadata":{"labels":{"app":"d"}},
                "spec":{"containers":[{"name":"c","image":"registry.local/app:1"}]}}}}),
        json!({"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"n"},"spec":{
            "podSelector":{},"ingress":[{"ports":[{"port":80},{"port":"http"}]}],"egress":[]}}),
        json!({"apiVersion":"policy/v1","kind":"PodDisruptionBudget","metadata":{"name":"b"},"spec":{
            "maxUnavailable":"50%","selector":{"matchLabels":{"app":"web"}}}}),
        json!({"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"p"},"spec":{
            "accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1024Mi"}}}}),
        json!({"apiVersion":"batch/v1","kind":"CronJob","metadata":{"name":"c","annotations":{}},"spec":{
            "schedule":"0 0 1 1 *","suspend":true,"jobTemplate":{"spec":{"template":{"spec":pod}}}}}),
        json!({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"empty","labels":{}},"data":{},
            "binaryData":null}),
        json!({"apiVersion":"v1","kind":"LimitRange","metadata":{"name":"l"},"spec":{"limits":[
            {"type":"Container","default":{"cpu":"0.5","memory":"0.5Gi"}}]}}),
        json!({"apiVersion":"v1","kind":"ResourceQuota","metadata":{"name":"q"},"spec":{"hard":
            {"requests.cpu":"10000m","pods":"1k"}}}),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_43_what_the_server_writes_otherwise_is_no_drift() {
    let mut engine = Engine::new().await;
    let mut body = crate::engine::deployment("web", 1);
    let container = &mut body["spec"]["template"]["spec"]["containers"][0];
    container["resources"] =
        json!({"requests":{"cpu":"1000m","memory":"1024Mi"},"limits":{"cpu":1,"memory":"1Gi"}});
    container["env"] = json!([{"name":"EMPTY","value":""},{"name":"A","value":"1"}]);
    container["ports"] = json!([{"containerPort":8080},{"containerPort":8080,"protocol":"UDP"}]);
    container["securityContext"] = json!({});
    body["spec"]["template"]["metadata"]["creationTimestamp"] = serde_json::Value::Null;
    body["status"] = json!({"replicas": 7});
    engine.want(body);
    engine.want(
        json!({"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"stringData":{"k":"v"}}),
    );
    engine.want(json!({"apiVersion":"v1","kind":"Service","metadata":{"name":"web"},"spec":{
        "selector":{"app":"web"},"ports":[{"port":80,"targetPort":"http"},{"port":53,"protocol":"UDP","name":"d"},{"port":53,"name":"t"}]}}));
    engine.rendered.objects.values_mut().for_each(|desired| {
        if desired.manifest.key.group_kind.kind == "Service" {
            desired.manifest.body["spec"]["ports"][0]["name"] = json!("web");
        }
    });
    for body in written_otherwise() {
        engine.want(body);
    }
    engine.options.wait_for_health = false;
    engine.apply_all().await;
    for _ in 0..20 {
        let plan = engine.plan().await;
        assert!(plan.is_empty(), "{:?}", plan.steps);
        let report = engine.carry_out(&plan).await.unwrap();
        assert!(report.complete());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_is_in_no_message() {
    let mut engine = Engine::new().await;
    let secret = |value: &str| {
        json!({"apiVersion":"v1","kind":"Secret","type":"kubernetes.io/tls",
        "metadata":{"name":"s"},"stringData":{"tls.crt": value}})
    };
    engine.want(secret("hunter2-hunter2"));
    let mut plan = engine.plan().await;
    assert!(!serde_json::to_string(&plan).unwrap().contains("hunter2"));
    for step in &mut plan.steps {
        step.held_by.clear();
    }
    let report = engine.carry_out(&plan).await.unwrap();
    let said = format!("{} {report:?}", told(&plan, &report));
    assert!(!report.complete() && !said.contains("hunter2"), "{said}");
    let encoded = "aHVudGVyMi1odW50ZXIy";
    assert!(
        !said.contains(encoded) && !serde_json::to_string(&plan).unwrap().contains(encoded),
        "{said}"
    );
}
