//! What another set brings heals what this one could not: it is judged again at the end.

use std::time::Duration;

use kubemate::apply::again::{settle, unsettled};
use kubemate::health::Health;
use serde_json::json;
use tokio::time::Instant;

use crate::bed;
use crate::engine::{Engine, told};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_is_well_once_another_set_brings_its_certificate() {
    let cluster = bed::with_crds(&["gateway-api", "traefik"]);
    let mut engine = Engine::new().await;
    let class = bed::unique_name("class");
    let body = json!({"apiVersion":"gateway.networking.k8s.io/v1","kind":"GatewayClass",
        "metadata":{"name":class},"spec":{"controllerName":"traefik.io/gateway-controller"}});
    cluster.kubectl_with(&["apply", "-f", "-"], &body.to_string());
    let gateway = engine.want(
        json!({"apiVersion":"gateway.networking.k8s.io/v1","kind":"Gateway",
        "metadata":{"name":"public"},"spec":{"gatewayClassName":class,"listeners":[{"name":"https",
        "port":8443,"protocol":"HTTPS","hostname":"a.example",
        "tls":{"mode":"Terminate","certificateRefs":[{"name":"shown"}]}}]}}),
    );
    let plan = engine.plan().await;
    let mut report = engine.carry_out(&plan).await.unwrap();
    let failed = |report: &kubemate::apply::outcome::Report| unsettled(report).len();
    assert!(report.complete(), "{}", told(&plan, &report));
    assert_eq!(failed(&report), 1, "{}", told(&plan, &report));

    // Nobody has brought it: one look, and what was said stays said.
    let none_left = Instant::now();
    settle(
        &engine.cluster,
        &engine.rendered,
        &mut report,
        none_left,
        &engine.stop,
    )
    .await;
    assert_eq!(failed(&report), 1);
    let said: Vec<&Health> = report
        .steps
        .values()
        .filter_map(|s| s.health.as_ref())
        .collect();
    assert!(said[0].why().contains("shown"), "{said:?}");

    let kubectl = engine.kubectl(&[
        "create",
        "secret",
        "generic",
        "shown",
        "--from-literal=tls.crt=x",
    ]);
    assert!(kubectl.contains("created"), "{kubectl}");
    let patience = Instant::now() + Duration::from_mins(3);
    settle(
        &engine.cluster,
        &engine.rendered,
        &mut report,
        patience,
        &engine.stop,
    )
    .await;
    assert!(report.healthy(), "{}", told(&plan, &report));
    assert!(engine.live(&gateway).await.is_some());
    cluster.kubectl(&["delete", "gatewayclass", &class]);
}
