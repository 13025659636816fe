//! Tests of the bed itself: what others build on must be true.

use std::time::Duration;

use kube::api::DynamicObject;
use kube::core::GroupVersionKind;
use kube::{Api, Client};
use tokio::time::{Instant, sleep};

use super::proxy::{Fault, Match, Proxy, Rule};
use super::{DISPOSABLE, cluster, with_crds};

const SOON: Duration = super::PATIENCE;

/// Polls a field of an object until it has the value.
async fn reaches(api: &Api<DynamicObject>, name: &str, pointer: &str, wanted: &str) {
    let deadline = Instant::now() + SOON;
    loop {
        let object = api.get(name).await.expect("the object is there");
        let found = object
            .data
            .pointer(pointer)
            .map(ToString::to_string)
            .unwrap_or_default();
        if found.trim_matches('"') == wanted {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{name} {pointer} is {found}, not {wanted}"
        );
        sleep(Duration::from_millis(50)).await;
    }
}

fn kind(
    client: Client,
    namespace: &str,
    group: &str,
    version: &str,
    kind: &str,
) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk(group, version, kind);
    Api::namespaced_with(client, namespace, &kube::core::ApiResource::from_gvk(&kind))
}

const WORKLOADS: &str = r#"
{apiVersion: apps/v1, kind: Deployment, metadata: {name: good}, spec: {selector: {matchLabels: {app: good}},
 template: {metadata: {labels: {app: good}}, spec: {containers: [{name: c, image: "registry.test/good:1"}]}}}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: bad}, spec: {progressDeadlineSeconds: 2, selector: {matchLabels: {app: bad}},
 template: {metadata: {labels: {app: bad}}, spec: {containers: [{name: c, image: "registry.test/failing:1"}]}}}}
---
{apiVersion: batch/v1, kind: Job, metadata: {name: bad}, spec: {backoffLimit: 0,
 template: {spec: {restartPolicy: Never, containers: [{name: c, image: "registry.test/failing:1"}]}}}}
---
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {serviceName: db, selector: {matchLabels: {app: db}},
 template: {metadata: {labels: {app: db}}, spec: {containers: [{name: c, image: "registry.test/db:1", volumeMounts: [{name: data, mountPath: /d}]}]}},
 volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], storageClassName: ssd, resources: {requests: {storage: 1Gi}}}}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {type: LoadBalancer, ports: [{port: 80}]}}
"#;

#[tokio::test]
async fn workloads_become_ready_or_fail_as_the_image_says() {
    let cluster = cluster();
    let namespace = cluster.unique_namespace().await;
    cluster.kubectl_with(
        &["-n", &namespace, "apply", "--server-side", "-f", "-"],
        WORKLOADS,
    );
    let client = cluster.client().await;
    let deployments = kind(client.clone(), &namespace, "apps", "v1", "Deployment");
    reaches(&deployments, "good", "/status/readyReplicas", "1").await;
    let sets = kind(client.clone(), &namespace, "apps", "v1", "StatefulSet");
    reaches(&sets, "db", "/status/readyReplicas", "1").await;
    let claims = kind(
        client.clone(),
        &namespace,
        "",
        "v1",
        "PersistentVolumeClaim",
    );
    reaches(&claims, "data-db-0", "/status/phase", "Bound").await;
    let jobs = kind(client.clone(), &namespace, "batch", "v1", "Job");
    reaches(&jobs, "bad", "/status/failed", "1").await;
    reaches(&deployments, "bad", "/status/unavailableReplicas", "1").await;
    let address = cluster.kubectl(&[
        "-n",
        &namespace,
        "get",
        "service",
        "web",
        "-o",
        "jsonpath={.status.loadBalancer.ingress[0].ip}",
    ]);
    assert!(address.starts_with("203.0.113."), "{address}");
}

const ROUTED: &str = "
{apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {name: bed}, spec: {controllerName: bed.test/gateway}}
---
{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: web}, spec: {gatewayClassName: bed, listeners: [{name: http, port: 80, protocol: HTTP}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {ports: [{port: 80}]}}
---
{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: good}, spec: {parentRefs: [{name: web}], rules: [{backendRefs: [{name: web, port: 80}]}]}}
---
{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: lost}, spec: {parentRefs: [{name: web}], rules: [{backendRefs: [{name: nowhere, port: 80}]}]}}
";

#[tokio::test]
async fn a_route_is_accepted_refused_or_left_alone_as_the_test_wishes() {
    let cluster = with_crds(&["gateway-api"]);
    let namespace = cluster.unique_namespace().await;
    cluster.kubectl_with(
        &["-n", &namespace, "apply", "--server-side", "-f", "-"],
        ROUTED,
    );
    let client = cluster.client().await;
    let routes = kind(
        client,
        &namespace,
        "gateway.networking.k8s.io",
        "v1",
        "HTTPRoute",
    );
    let accepted = "/status/parents/0/conditions/0/status";
    reaches(&routes, "good", accepted, "True").await;
    reaches(
        &routes,
        "lost",
        "/status/parents/0/conditions/1/reason",
        "BackendNotFound",
    )
    .await;
    let wish = |wish: &str| {
        let wish = format!("testbed.kubemate.dev/status=HTTPRoute={wish}");
        cluster.kubectl(&["annotate", "--overwrite", "namespace", &namespace, &wish]);
    };
    wish("failing");
    reaches(&routes, "good", accepted, "False").await;
    wish("absent");
    cluster.kubectl(&[
        "-n",
        &namespace,
        "patch",
        "httproute",
        "good",
        "--type=merge",
        "-p",
        r#"{"spec":{"hostnames":["a.test"]}}"#,
    ]);
    sleep(Duration::from_millis(500)).await;
    let route = routes.get("good").await.expect("the route is there");
    let seen = route
        .data
        .pointer("/status/parents/0/conditions/0/observedGeneration")
        .cloned();
    assert_eq!(
        seen,
        Some(1.into()),
        "an absent controller must not have looked at generation 2"
    );
}

#[test]
fn crd_groups_of_every_simulated_operator_install_twice() {
    let groups = [
        "cert-manager",
        "external-secrets",
        "keda",
        "flagger",
        "traefik",
        "gateway-api",
    ];
    let cluster = with_crds(&groups);
    assert_eq!(with_crds(&groups).kubeconfig(), cluster.kubeconfig());
    let served = cluster.kubectl(&["get", "crd", "-o", "name"]);
    for name in [
        "certificates.cert-manager.io",
        "externalsecrets.external-secrets.io",
        "scaledobjects.keda.sh",
        "canaries.flagger.app",
        "middlewares.traefik.io",
    ] {
        assert!(served.contains(name), "{name} is not installed");
    }
}

/// Runs one test of this binary in a process of its own: whether it passed, and what it said.
fn in_another_process(test: &str, variable: &str, value: &std::ffi::OsStr) -> (bool, String) {
    let this = std::env::current_exe().expect("this binary has a path");
    let mut command = std::process::Command::new(this);
    command
        .args(["--exact", test, "--nocapture"])
        .env_remove("KUBEMATE_TEST_KUBECONFIG");
    command.env(variable, value);
    let (passed, out, err) = super::run(command, "");
    (passed, out + &err)
}

const FIXTURES: &str = "bed::tests::a_fresh_cluster_has_nodes_with_gpus_and_storage_classes";

#[test]
fn a_fresh_cluster_has_nodes_with_gpus_and_storage_classes() {
    let gpus = r"jsonpath={.items[*].status.allocatable.nvidia\.com/gpu}";
    let gpus = cluster().kubectl(&["get", "nodes", "-o", gpus]);
    assert!(gpus.split_whitespace().any(|count| count == "8"), "{gpus}");
    let version = cluster().kubectl(&["get", "--raw", "/version"]);
    assert!(version.contains(r#""minor": "36""#), "{version}");
    let classes = cluster().kubectl(&["get", "storageclass", "-o", "name"]);
    for class in ["fast", "ssd", "standard"] {
        assert!(
            classes
                .lines()
                .any(|line| line.ends_with(&format!("/{class}"))),
            "{classes}"
        );
    }
}

#[test]
fn without_go_and_without_a_cluster_a_test_fails_and_says_what_to_install() {
    let (passed, said) = in_another_process(FIXTURES, "PATH", "".as_ref());
    assert!(!passed, "a test without a cluster must not pass: {said}");
    assert!(
        said.contains("install Go 1.26") && said.contains("KUBEMATE_TEST_KUBECONFIG"),
        "{said}"
    );
}

#[test]
fn a_given_cluster_is_used_only_if_it_is_declared_disposable() {
    let proxy = Proxy::before(cluster().kubeconfig());
    let given = || {
        in_another_process(
            FIXTURES,
            "KUBEMATE_TEST_KUBECONFIG",
            proxy.kubeconfig().as_ref(),
        )
    };
    let mark = Match::any().resource("namespaces").name(DISPOSABLE);
    proxy.add(Rule::new(mark, Fault::Status(404, Vec::new())));
    let (passed, said) = given();
    assert!(
        !passed && said.contains("does not hold the Namespace"),
        "{said}"
    );
    assert_eq!(
        proxy.calls().len(),
        1,
        "nothing but the mark may be read there"
    );
    proxy.heal();
    let (passed, said) = given();
    assert!(passed, "{said}");
}
