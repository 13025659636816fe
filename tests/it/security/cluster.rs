//! Tenants on a real API server, with our own rules switched off: what is left must be the server's "no".

use std::collections::BTreeSet;

use kubemate::apply::outcome::{Outcome, Report};
use kubemate::object::ObjectKey;
use kubemate::plan::display::{self, Style};
use kubemate::plan::{Plan, Rule, Verb};
use serde_json::{Value, json};

use crate::bed;
use crate::bed::proxy::Proxy;
use crate::engine::{Engine, outcome, told};
use crate::engine_cases::trust::tenant;

fn refused(report: &Report, key: &ObjectKey) -> bool {
    match outcome(report, key) {
        Outcome::NotAttempted { .. } => true,
        Outcome::Failed { problem } => problem.to_string().contains("forbidden"),
        Outcome::Done | Outcome::Stopped { .. } => false,
    }
}

/// No call that could change something of these objects was made with kubemate's own rights.
fn written_as_the_tenant_only(proxy: &Proxy, namespaces: &[&str]) {
    let own = proxy.writes().into_iter().filter(|call| {
        let space = call.target.namespace.as_deref();
        call.impersonated().is_none() && space.is_some_and(|s| namespaces.contains(&s))
    });
    let own: Vec<String> = own.map(|call| call.path).collect();
    assert!(own.is_empty(), "with our own rights: {own:?}");
}

fn rbac(kind: &str, name: &str, rest: &Value) -> Value {
    let mut body = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": name}});
    body.as_object_mut()
        .unwrap()
        .extend(rest.as_object().cloned().unwrap());
    body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_42_rights_above_ones_own_are_refused_for_each_object() {
    for own in ["edit", "admin"] {
        let proxy = Proxy::before(bed::cluster().kubeconfig());
        let mut engine = tenant(&proxy).await;
        let account = format!("--serviceaccount={}:kubemate-tenant", engine.namespace);
        engine.kubectl(&[
            "create",
            "rolebinding",
            "more",
            &format!("--clusterrole={own}"),
            &account,
        ]);
        let everything =
            json!({"rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]});
        let subject = json!([{"kind": "ServiceAccount", "name": "kubemate-tenant", "namespace": engine.namespace}]);
        let to = |kind: &str, name: &str| {
            json!({"subjects": subject, "roleRef":
            {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}})
        };
        let keys = [
            engine.want(rbac("Role", "wide", &everything)),
            engine.want(rbac("RoleBinding", "wide", &to("Role", "wide"))),
            engine.want(rbac(
                "RoleBinding",
                "root",
                &to("ClusterRole", "cluster-admin"),
            )),
        ];
        let fine = engine.want_config("fine", &json!({"k": "1"}));
        engine.policy.namespaces = None;
        engine.policy.forbidden_kinds = BTreeSet::new();
        proxy.forget();
        let (plan, report) = engine.apply().await;
        for key in &keys {
            assert!(
                refused(&report, key),
                "{own} {key}: {}",
                told(&plan, &report)
            );
            assert!(engine.live(key).await.is_none(), "{own} {key}");
        }
        assert_eq!(
            *outcome(&report, &fine),
            Outcome::Done,
            "{}",
            told(&plan, &report)
        );
        let told = told(&plan, &report);
        for name in ["wide", "root"] {
            assert!(told.contains(name), "{told}");
        }
        written_as_the_tenant_only(&proxy, &[&engine.namespace]);
        let calls = proxy.calls();
        let mut writes = calls
            .iter()
            .filter(|c| c.path.contains("/rbac") && c.verb.writes());
        assert!(writes.all(|call| call.impersonated().is_some()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_43_the_word_of_admission_holds_and_a_namespace_is_not_the_tenants() {
    let proxy = Proxy::before(bed::cluster().kubeconfig());
    let mut engine = tenant(&proxy).await;
    let namespace = engine.namespace.clone();
    let label = "pod-security.kubernetes.io/enforce=restricted";
    engine.kubectl(&["label", "namespace", &namespace, label]);
    let pod = |name: &str, spec: Value| json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec});
    let container = json!([{"name": "c", "image": "example/x"}]);
    let pods = [
        pod(
            "path",
            json!({"containers": container, "volumes": [{"name": "v", "hostPath": {"path": "/"}}]}),
        ),
        pod("net", json!({"containers": container, "hostNetwork": true})),
        pod(
            "root",
            json!({"containers": [{"name": "c", "image": "example/x", "securityContext": {"privileged": true}}]}),
        ),
    ];
    let mut keys: Vec<ObjectKey> = pods.into_iter().map(|pod| engine.want(pod)).collect();
    keys.push(engine.want(
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace,
        "labels": {"pod-security.kubernetes.io/enforce": "privileged"}}}),
    ));
    keys.push(engine.want(
        json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "mine"},
        "spec": {"hard": {"pods": "1000"}}}),
    ));
    for layered in [true, false] {
        let (plan, report) = engine.apply().await;
        for key in &keys {
            let step = report.steps.values().find(|step| step.key == *key).unwrap();
            let idle = step.verb == Verb::Keep || step.outcome != Outcome::Done;
            assert!(idle, "{layered} {key}: {}", told(&plan, &report));
            let found = plan
                .findings
                .iter()
                .any(|f| f.key.as_ref() == Some(key) && f.holds());
            let kept = step.verb == Verb::Keep;
            assert!(found || kept, "{layered} {key}: {:?}", plan.findings);
        }
        let words = told(&plan, &report);
        assert!(
            words.contains("PodSecurity") || words.contains("violates"),
            "{words}"
        );
        engine.policy.namespaces = None;
    }
    let live: Value =
        serde_json::from_str(&engine.kubectl(&["get", "namespace", &namespace, "-o", "json"]))
            .unwrap();
    assert_eq!(
        live["metadata"]["labels"]["pod-security.kubernetes.io/enforce"],
        "restricted"
    );
    written_as_the_tenant_only(&proxy, &[&namespace]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_44_a_forged_mark_makes_nothing_ours() {
    let mut engine = Engine::new().await;
    let label = engine.set.label();
    let marked = |name: &str| {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": engine.namespace,
            "labels": {"kubemate.dev/set": label, "app.kubernetes.io/managed-by": "kubemate"}},
            "data": {"k": "theirs"}})
    };
    for name in ["wanted", "unwanted"] {
        bed::cluster().kubectl_with(&["create", "-f", "-"], &marked(name).to_string());
    }
    let key = engine.want_config("wanted", &json!({"k": "ours"}));
    engine.want_config("other", &json!({"k": "1"}));
    let (plan, report) = engine.apply().await;
    let rules: Vec<Rule> = plan
        .findings
        .iter()
        .filter(|f| f.key.as_ref() == Some(&key))
        .map(|f| f.rule)
        .collect();
    assert!(rules.contains(&Rule::AdoptRefused), "{rules:?}");
    assert_eq!(
        engine.live(&key).await.unwrap().body["data"]["k"],
        "theirs",
        "{}",
        told(&plan, &report)
    );
    for _ in 0..2 {
        engine.apply().await;
    }
    let left = engine.kubectl(&["get", "configmap", "unwanted", "-o", "jsonpath={.data.k}"]);
    assert_eq!(left, "theirs", "what bears our mark and is not ours stays");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_47_the_tenants_account_reaches_no_other_namespace() {
    let proxy = Proxy::before(bed::cluster().kubeconfig());
    let engine = tenant(&proxy).await;
    let other = bed::cluster().unique_namespace().await;
    let account = format!("system:serviceaccount:{}:kubemate-tenant", engine.namespace);
    for (verb, what) in [
        ("get", "secrets"),
        ("list", "secrets"),
        ("get", "configmaps"),
        ("patch", "configmaps"),
        ("create", "serviceaccounts/token"),
        ("impersonate", "serviceaccounts"),
    ] {
        let mut body = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": {
            "user": account, "groups": ["system:serviceaccounts", "system:authenticated"],
            "resourceAttributes": {"namespace": other, "verb": verb, "resource": what.split('/').next().unwrap()}}});
        if let Some((_, sub)) = what.split_once('/') {
            body["spec"]["resourceAttributes"]["subresource"] = sub.into();
        }
        let said =
            bed::cluster().kubectl_with(&["create", "-o", "json", "-f", "-"], &body.to_string());
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(said["status"]["allowed"], false, "{verb} {what}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_50_shapes_that_slip_through_our_rules_end_at_the_server() {
    let proxy = Proxy::before(bed::cluster().kubeconfig());
    let mut engine = tenant(&proxy).await;
    engine.policy.namespaces = None;
    let name = bed::unique_name("shape");
    let namespace = engine.namespace.clone();
    let shaped = |version: &str, kind: &str, rest: Value| {
        let mut body = json!({"apiVersion": version, "kind": kind,
            "metadata": {"name": name, "namespace": namespace}});
        body.as_object_mut()
            .unwrap()
            .extend(rest.as_object().cloned().unwrap());
        body
    };
    let bodies = [
        // Cluster-wide, with a namespace on it.
        shaped(
            "rbac.authorization.k8s.io/v1",
            "ClusterRole",
            json!({"rules": []}),
        ),
        shaped("scheduling.k8s.io/v1", "PriorityClass", json!({"value": 1})),
        // Nothing that is stored.
        shaped("policy/v1", "Eviction", json!({})),
        shaped(
            "authentication.k8s.io/v1",
            "TokenRequest",
            json!({"spec": {"audiences": []}}),
        ),
        shaped(
            "v1",
            "List",
            json!({"items": [{"apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole", "metadata": {"name": name}}]}),
        ),
    ];
    let keys: Vec<ObjectKey> = bodies.into_iter().map(|body| engine.want(body)).collect();
    let fine = engine.want_config("fine", &json!({"k": "1"}));
    let (plan, report) = engine.apply().await;
    for key in &keys {
        let step = report.steps.values().find(|step| step.key == *key).unwrap();
        let idle = step.verb == Verb::Keep || step.outcome != Outcome::Done;
        assert!(idle, "{key}: {}", told(&plan, &report));
        let found = plan.findings.iter().any(|f| f.key.as_ref() == Some(key));
        assert!(found, "the plan says nothing about {key}");
    }
    assert_eq!(
        *outcome(&report, &fine),
        Outcome::Done,
        "{}",
        told(&plan, &report)
    );
    let roles = bed::cluster().kubectl(&["get", "clusterrole,priorityclass", "-o", "name"]);
    assert!(!roles.contains(&name), "{roles}");
    written_as_the_tenant_only(&proxy, &[&namespace]);
}

/// Everything that is said about a plan and its run, without what differs between any two runs.
fn words(engine: &Engine, plan: &Plan, report: Option<&Report>) -> String {
    let nowhere = |_: &kubemate::dsl::diagnostic::Span| None;
    let texts = [
        display::text::text(plan, &nowhere, Style { color: false }),
        display::markdown::markdown(plan, &nowhere, 60_000),
        serde_json::to_string(&display::json::json(plan, &nowhere)).unwrap(),
        serde_json::to_string(plan).unwrap(),
        format!("{plan:?}"),
        report.map(|report| told(plan, report)).unwrap_or_default(),
        engine.waits.lock().unwrap().join("\n"),
    ];
    texts.join("\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_55_a_plan_tells_nothing_of_secrets_that_are_not_the_sets() {
    use base64::Engine as _;
    let proxy = Proxy::before(bed::cluster().kubeconfig());
    let other = bed::cluster().unique_namespace().await;
    let contents = [
        "canary-77aa",
        "canary-77aa-that-is-much-longer-than-the-first-one",
    ];
    let digests = "b3:[0-9a-f]+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}";
    let digests = regex::Regex::new(digests).unwrap();
    let mut told_of = Vec::new();
    for content in contents {
        let mut engine = tenant(&proxy).await;
        let own = engine.namespace.clone();
        for space in [&own, &other] {
            let args = ["-n", space, "delete", "secret", "s", "--ignore-not-found"];
            bed::cluster().kubectl(&args);
            let literal = format!("--from-literal=k={content}");
            bed::cluster().kubectl(&["-n", space, "create", "secret", "generic", "s", &literal]);
        }
        let secret = |space: &str| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": space}});
        let keys = [engine.want(secret(&own)), engine.want(secret(&other))];
        for layered in [true, false] {
            if !layered {
                engine.policy.namespaces = None;
            }
            let (plan, report) = engine.apply().await;
            let said = words(&engine, &plan, Some(&report));
            let encoded = base64::engine::general_purpose::STANDARD.encode(content);
            for bad in [content, encoded.as_str()] {
                assert!(!said.contains(bad), "{said}");
            }
            for key in &keys {
                let mut about = plan.findings.iter().filter(|f| f.key.as_ref() == Some(key));
                assert!(about.any(|f| f.holds()), "{key}");
            }
            let plain = words(&engine, &plan, None)
                .replace(&own, "OWN")
                .replace(&engine.set.project, "P");
            told_of.push((layered, digests.replace_all(&plain, "D").into_owned()));
        }
        for key in &keys {
            let live = engine.live(key).await.unwrap();
            let encoded = base64::engine::general_purpose::STANDARD.encode(content);
            assert_eq!(
                live.body["data"]["k"],
                encoded.as_str(),
                "{key} is as it was"
            );
        }
    }
    let (first, second) = told_of.split_at(2);
    assert_eq!(
        first, second,
        "what is said does not depend on what the Secrets hold"
    );
}

#[test]
fn s_09_a_sync_with_a_trick_for_an_address_is_refused_at_admission() {
    let crd = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/sync-crd.yaml");
    let cluster = bed::cluster();
    cluster.kubectl(&["apply", "--server-side", "-f", &crd.display().to_string()]);
    let name = "syncs.kubemate.dev";
    cluster.established(&[name]);
    let sync = |repository: &str| {
        json!({"apiVersion": "kubemate.dev/v1alpha1", "kind": "Sync",
            "metadata": {"name": bed::unique_name("s"), "namespace": "default"},
            "spec": {"repository": repository, "environment": "dev", "cluster": "hq"}})
    };
    let dry = |repository: &str| {
        let args = ["create", "--dry-run=server", "-f", "-"];
        cluster.try_kubectl(&args, &sync(repository).to_string())
    };
    let sound = [
        "https://git.bank.example/platform/config.git",
        "https://git.bank.example:8443/config",
        "https://[2001:db8::1]/config",
        "ssh://git@git.bank.example:2222/~u/config",
        "http://127.0.0.1:3000/org/r.git",
    ];
    // It is served a moment after it is established.
    bed::until("it is served", || dry(sound[0]).is_ok());
    for repository in sound {
        let said = dry(repository);
        assert!(said.is_ok(), "{repository}: {said:?}");
    }
    for repository in [
        "ssh://-oProxyCommand=x/y",
        "-oX=y@h:r",
        "ext::sh -c x",
        "fd::3",
        "file:///etc",
        "/etc",
        "../x",
        "https:///h/r",
        "https://h/a'b",
        "https://h/a\"b",
        "https://u:canary@h/r",
        "https://u@h/r",
        "git://h/r",
        "http://h.example/r",
        "https://h/%2e%2e/r",
        "https://h/r?x",
        "https://h/a b",
        "https://h/-x",
        "https://h",
        "",
    ] {
        let said = dry(repository).expect_err(repository);
        assert!(said.contains("spec.repository"), "{repository}: {said}");
    }
}
