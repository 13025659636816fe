//! What a tenant may not make, and what nobody may read.

use kubemate::apply::cluster::Identity;
use kubemate::apply::outcome::Outcome;
use kubemate::object::Owner;
use kubemate::plan::display::{self, Style};
use serde_json::{Value, json};
use std::time::Duration;

use crate::bed;
use crate::bed::proxy::Proxy;
use crate::engine::{Engine, outcome, told};

pub(crate) async fn tenant(proxy: &Proxy) -> Engine {
    let namespace = bed::cluster().unique_namespace().await;
    let mut engine = Engine::through(proxy.kubeconfig(), namespace).await;
    engine.set.owner = Owner::Tenant("shop".into());
    engine.rendered.set = engine.set.clone();
    engine.identity = Identity::ServiceAccount {
        namespace: engine.namespace.clone(),
        name: "kubemate-tenant".into(),
    };
    engine.options.settle = Duration::from_secs(2);
    engine.policy.namespaces = Some([engine.namespace.clone()].into());
    engine.kubectl(&["create", "serviceaccount", "kubemate-tenant"]);
    let account = format!("--serviceaccount={}:kubemate-tenant", engine.namespace);
    engine.kubectl(&[
        "create",
        "rolebinding",
        "edit",
        "--clusterrole=edit",
        &account,
    ]);
    bed::cluster().granted(&engine.namespace, "kubemate-tenant");
    engine
}

/// One object of every kind that reaches beyond a tenant's namespaces.
fn forbidden(name: &str, other: &str) -> Vec<Value> {
    let object = |version: &str, kind: &str, rest: Value| {
        let mut body = json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}});
        body.as_object_mut()
            .unwrap()
            .extend(rest.as_object().cloned().unwrap());
        body
    };
    let rbac = "rbac.authorization.k8s.io/v1";
    let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"});
    let mut config = object("v1", "ConfigMap", json!({"data": {"k": "1"}}));
    config["metadata"]["namespace"] = other.into();
    vec![
        object(rbac, "ClusterRole", json!({"rules": []})),
        object(
            rbac,
            "ClusterRoleBinding",
            json!({"roleRef": role, "subjects": []}),
        ),
        object("v1", "Namespace", json!({})),
        object(
            "v1",
            "PersistentVolume",
            json!({"spec": {"capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/"}}}),
        ),
        object("scheduling.k8s.io/v1", "PriorityClass", json!({"value": 1})),
        object(
            "admissionregistration.k8s.io/v1",
            "ValidatingWebhookConfiguration",
            json!({"webhooks": []}),
        ),
        object(
            "storage.k8s.io/v1",
            "StorageClass",
            json!({"provisioner": "none"}),
        ),
        config,
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_40_forbidden_kinds() {
    let proxy = Proxy::before(bed::cluster().kubeconfig());
    let mut engine = tenant(&proxy).await;
    let other = bed::cluster().unique_namespace().await;
    let name = bed::unique_name("reach");
    let keys: Vec<_> = forbidden(&name, &other)
        .into_iter()
        .map(|body| engine.want(body))
        .collect();
    let allowed = engine.want_config("allowed", &json!({"k": "1"}));
    for layered in [true, false] {
        proxy.forget();
        let (plan, report) = engine.apply().await;
        for key in &keys {
            let end = outcome(&report, key);
            let refused = match end {
                Outcome::NotAttempted { .. } => true,
                Outcome::Failed { problem } => problem.to_string().contains("forbidden"),
                Outcome::Done | Outcome::Stopped { .. } => false,
            };
            assert!(refused, "{key}: {}", told(&plan, &report));
            assert!(engine.live(key).await.is_none(), "{key}");
            if layered {
                let found = plan.findings.iter().any(|f| f.key.as_ref() == Some(key));
                assert!(found, "the plan says nothing about {key}");
            }
        }
        assert!(engine.live(&allowed).await.is_some());
        let own = proxy.writes().into_iter().filter(|call| {
            call.target.namespace.as_deref() != Some("kubemate-system")
                && call.impersonated().is_none()
        });
        let own: Vec<String> = own.map(|call| call.path).collect();
        let own: Vec<&String> = own
            .iter()
            .filter(|p| !p.ends_with("/kubemate-system"))
            .collect();
        assert!(own.is_empty(), "with our own rights: {own:?}");
        // Without our rules, the API server's still hold.
        engine.policy.namespaces = None;
    }
}

const CANARIES: [&str; 3] = [
    "canary-alpha-7f3a",
    "canary-beta-longer-91cc",
    "canary-gamma-5",
];

fn secret(kind: &str, data: &Value, text: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "type": kind,
        "data": data, "stringData": text})
}

fn encoded(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_60_secrets_are_masked() {
    let mut engine = Engine::new().await;
    let [alpha, beta, gamma] = CANARIES;
    let states = [
        secret("Opaque", &json!({"a": encoded(alpha)}), &json!({})),
        secret(
            "Opaque",
            &json!({"a": encoded(beta), "b": encoded(gamma)}),
            &json!({}),
        ),
        secret("Opaque", &json!({"b": encoded(gamma)}), &json!({})),
        secret(
            "bank.example/other",
            &json!({"b": encoded(alpha)}),
            &json!({}),
        ),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "type": "Opaque",
            "data": {"b": beta}}),
    ];
    for state in states {
        engine.want(state.clone());
        let (plan, report) = engine.apply().await;
        let valid = state["data"]["b"] != beta;
        let changed = plan.steps.iter().any(|s| !s.action.changes().is_empty());
        assert!(
            changed || !valid,
            "the change is seen: {}",
            told(&plan, &report)
        );
        hides(&engine, &plan, &report);
    }
    engine.rendered.objects.clear();
    engine.policy.allow_empty = true;
    let (plan, report) = engine.apply().await;
    hides(&engine, &plan, &report);
}

/// Nothing that is printed or stored holds a canary, in any spelling.
fn hides(engine: &Engine, plan: &kubemate::plan::Plan, report: &kubemate::apply::outcome::Report) {
    let nowhere = |_: &kubemate::dsl::diagnostic::Span| None;
    let texts = [
        display::text::text(plan, &nowhere, Style { color: false }),
        display::markdown::markdown(plan, &nowhere, 60_000),
        serde_json::to_string(&display::json::json(plan, &nowhere)).unwrap(),
        serde_json::to_string(plan).unwrap(),
        format!("{plan:?} {report:?}"),
        told(plan, report),
        engine.waits.lock().unwrap().join("\n"),
    ];
    for text in &texts {
        for canary in CANARIES {
            assert!(!text.contains(canary), "{text}");
            assert!(!text.contains(&encoded(canary)), "{text}");
        }
    }
    let books =
        bed::cluster().kubectl(&["get", "configmaps", "-n", "kubemate-system", "-o", "json"]);
    for canary in CANARIES {
        assert!(!books.contains(canary) && !books.contains(&encoded(canary)));
    }
}
