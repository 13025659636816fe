//! What is planned and applied: sets of any size, the same bytes each time.

use std::collections::BTreeMap;

use kubemate::object::{
    Desired, Manifest, ObjectRules, Owner, Rendered, ResourceId, SetId, SourceMap,
};
use kubemate::plan::Policy;
use kubemate::plan::payload::payload;
use serde_json::{Value, json};

/// How many namespaces a set is spread over.
const NAMESPACES: usize = 20;

/// The namespaces; they must exist.
pub(crate) fn namespaces() -> Vec<String> {
    (0..NAMESPACES).map(namespace).collect()
}

fn namespace(number: usize) -> String {
    format!("bench-{:02}", number % NAMESPACES)
}

/// A set of ConfigMaps.
pub(crate) fn configs(count: usize) -> Rendered {
    rendered((0..count).map(config_map))
}

/// A set of apps of four objects each: Deployment, Service, ConfigMap, ServiceAccount.
pub(crate) fn apps(count: usize, replicas: u64) -> Rendered {
    let four = |app| {
        [
            service_account(app),
            config_map(app),
            service(app),
            deployment(app, replicas),
        ]
    };
    rendered((0..count).flat_map(four))
}

/// The bytes of a first write of each object, as the engine sends them.
pub(crate) fn first_writes(rendered: &Rendered) -> Vec<(String, Vec<u8>)> {
    let policy = Policy::default();
    let one = |desired: &Desired| {
        let mut body = payload(desired, &rendered.set, None, &policy).body;
        // The same precondition: nothing of this name exists.
        body["metadata"]["resourceVersion"] = "1".into();
        (path(desired), body.to_string().into_bytes())
    };
    rendered.objects.values().map(one).collect()
}

fn path(desired: &Desired) -> String {
    let key = &desired.manifest.key;
    let namespace = key.namespace.as_deref().unwrap();
    format!(
        "{}/{}",
        collection(&key.group_kind.kind, Some(namespace)),
        key.name
    )
}

/// Where the objects of a kind are.
pub(crate) fn collection(kind: &str, namespace: Option<&str>) -> String {
    let (root, plural) = match kind {
        "Deployment" => ("/apis/apps/v1", "deployments"),
        "Service" => ("/api/v1", "services"),
        "ConfigMap" => ("/api/v1", "configmaps"),
        "ServiceAccount" => ("/api/v1", "serviceaccounts"),
        other => panic!("no path is known for {other}"),
    };
    match namespace {
        Some(namespace) => format!("{root}/namespaces/{namespace}/{plural}"),
        None => format!("{root}/{plural}"),
    }
}

fn rendered(bodies: impl Iterator<Item = Value>) -> Rendered {
    let set = SetId {
        project: "bench".into(),
        cluster: "bench".into(),
        owner: Owner::Platform,
        environment: "dev".into(),
    };
    let objects: BTreeMap<_, _> = bodies
        .map(|body| {
            let manifest = Manifest::new(body).unwrap();
            let resource = ResourceId {
                kind: "app".into(),
                tenant: None,
                name: manifest.key.name.clone(),
            };
            let desired = Desired {
                manifest,
                resource,
                source: SourceMap::default(),
                needs: Vec::new(),
                rules: ObjectRules::default(),
            };
            (desired.manifest.key.clone(), desired)
        })
        .collect();
    Rendered { set, objects }
}

fn name(app: usize) -> String {
    format!("app-{app:05}")
}

fn metadata(app: usize) -> Value {
    json!({"name": name(app), "namespace": namespace(app), "labels": labels(app)})
}

fn labels(app: usize) -> Value {
    json!({
        "app.kubernetes.io/name": name(app),
        "app.kubernetes.io/part-of": "bench",
        "app.kubernetes.io/managed-by": "kubemate",
    })
}

fn service_account(app: usize) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(app),
        "automountServiceAccountToken": false,
    })
}

fn config_map(app: usize) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(app),
        "data": {
            "LOG_LEVEL": "info",
            "HOST": format!("{}.bench.example", name(app)),
            "app.yaml": format!("name: {}\nlisten: 8080\ntimeouts:\n  read: 5s\n  write: 10s\n", name(app)),
        },
    })
}

fn service(app: usize) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": metadata(app),
        "spec": {
            "selector": {"app.kubernetes.io/name": name(app)},
            "ports": [{"name": "http", "port": 80, "targetPort": "http"}],
        },
    })
}

fn deployment(app: usize, replicas: u64) -> Value {
    let secure = json!({"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}});
    let probe = |path: &str| json!({"httpGet": {"path": path, "port": "http"}, "periodSeconds": 5});
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(app),
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app.kubernetes.io/name": name(app)}},
            "template": {
                "metadata": {"labels": labels(app)},
                "spec": {
                    "serviceAccountName": name(app),
                    "automountServiceAccountToken": false,
                    "containers": [{
                        "name": "main", "image": format!("registry.bench.example/{}:1.4.2", name(app)),
                        "ports": [{"name": "http", "containerPort": 8080}],
                        "envFrom": [{"configMapRef": {"name": name(app)}}],
                        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
                        "readinessProbe": probe("/readyz"), "livenessProbe": probe("/healthz"),
                        "securityContext": secure,
                    }],
                },
            },
        },
    })
}
