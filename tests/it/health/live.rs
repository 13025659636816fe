//! On a real API server: what our KDL becomes is waited for while its controllers do well, do badly, or
//! have not come to it, and the verdict names what is wrong.

use std::sync::Arc;
use std::time::Duration;

use kubemate::adapters::cluster::KubeCluster;
use kubemate::apply::cluster::Target;
use kubemate::apply::wait::{Pace, Waiting, healthy};
use kubemate::health::Health;
use kubemate::object::Manifest;
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::bank::project::{OPERATORS, furnish};
use crate::bed;
use crate::language::tree;
use crate::served::rendered;

const PROJECT: &str = r#"
project life schema=1 render=1 {
  cluster sh uid="0f8fad5b-d9cb-469f-a165-70867728950e" kubernetes="1.36"
  environment prod { cluster sh }
  include "platform/**/*.kdl" "tenants/**/*.kdl"
  ownership {
    path "platform/**" owner=platform
    path "tenants/shop/**" tenant=shop
  }
}
"#;
const PLATFORM: &str = r#"
tenant shop {
  gateway public class=traefik {
    listener web port=80 host="*.shop.bank"
    listener safe port=443 host="*.shop.bank" certificate=shop
    listener calls port=8443 host="*.calls.bank" certificate=shop
  }
}
storage-class standard external=#true
secret-store vault server="https://vault.bank" { allow tenant=shop "kv/shop/*" }
"#;
const TENANT: &str = r#"
certificate shop tenant=shop issuer=bank-ca { host "*.shop.bank"; host "*.calls.bank" }
secret login tenant=shop from="vault:kv/shop/login" { keys password }
app till tenant=shop { image "r/IMAGE"; version "1"; port http 8080; expose http as=load-balancer }
app books tenant=shop workload=stateful {
  image "r/IMAGE"
  version "1"
  volume data mount="/data" size="1Gi" class=standard per-replica=#true
}
app notes tenant=shop {
  image "r/IMAGE"
  version "1"
  volume data mount="/data" size="1Gi" class=standard
}
app agent tenant=shop workload=daemon { image "r/IMAGE"; version "1" }
app once tenant=shop workload=job { image "r/IMAGE"; version "1"; run a; retries 0 }
app mailer tenant=shop {
  image "r/IMAGE"
  version "1"
  autoscale min=1 max=3 { trigger q scaler=kafka { settings { topic a } } }
}
app page tenant=shop {
  image "r/IMAGE"
  version "1"
  port http 8080
  rollout blue-green every="1m" { check latency within="1s" }
}
app rpc tenant=shop { image "r/IMAGE"; version "1"; port grpc 7000 }
route till tenant=shop gateway=public listener=web { host "till.shop.bank"; rule path="/" { to till } }
route rpc tenant=shop gateway=public listener=calls protocol=grpc { host "rpc.calls.bank"; rule { to rpc } }
"#;

/// Kinds whose controllers tell of failures, and a part of what is said then.
const FAILING: &[(&str, &str)] = &[
    ("Deployment", "1 of 1 pods: "),
    ("StatefulSet", "1 of 1 pods: "),
    ("DaemonSet", " pods: "),
    ("Job", "backoff limit"),
    ("Gateway", "/shop does not exist"),
    ("HTTPRoute", "public/web: "),
    ("GRPCRoute", "public/calls: "),
    ("Certificate", "The order was refused"),
    ("ExternalSecret", "secret"),
    ("SecretStore", "unable to log in to the provider"),
    (
        "ScaledObject",
        "doesn't have correct scaleTargetRef specification",
    ),
    ("Canary", "rolled back"),
];
/// Kinds that wait on, whatever is wrong.
const WAITING: &[&str] = &["PersistentVolumeClaim", "Service"];

/// What one object came to.
struct Came {
    kind: String,
    name: String,
    health: Health,
}

/// Puts everything into a namespace of its own where controllers do as they are told, and waits for
/// each of the kinds above: in vain for as long, and for minutes where it comes to something.
async fn life(wish: &str, in_vain: Duration, ends: impl Fn(&str) -> bool) -> Vec<Came> {
    furnish();
    let bed = bed::with_crds(&OPERATORS);
    let namespace = bed.unique_namespace().await;
    let told = format!("testbed.kubemate.dev/status={wish}");
    bed.kubectl(&["annotate", "namespace", &namespace, &told]);
    let image = if wish == "healthy" {
        "app".to_owned()
    } else {
        format!("app/{wish}")
    };
    let tenant = TENANT.replace("IMAGE", &image);
    let files = tree(&[
        ("kubemate.kdl", PROJECT),
        ("platform/all.kdl", PLATFORM),
        ("tenants/shop/all.kdl", tenant.as_str()),
    ]);
    let mut all = rendered(&files, "prod", "sh");
    all.retain(|object| object["metadata"]["namespace"].is_string());
    let old = all[0]["metadata"]["namespace"].clone();
    let text = json!(all).to_string().replace(
        &format!("\"namespace\":{old}"),
        &format!("\"namespace\":\"{namespace}\""),
    );
    let all: Vec<Value> = serde_json::from_str(&text).expect("objects");
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": all });
    bed.kubectl_with(&["apply", "--server-side", "-f", "-"], &list.to_string());
    let cluster = KubeCluster::connect(Some(bed.kubeconfig()), None)
        .await
        .expect("a kubeconfig");
    let judged =
        |kind: &Value| FAILING.iter().any(|(k, _)| kind == k) || WAITING.iter().any(|k| kind == k);
    let plain =
        |object: &Value| object["kind"] == "Service" && object["spec"]["type"] != "LoadBalancer";
    let waits = all
        .iter()
        .filter(|o| judged(&o["kind"]) && !plain(o))
        .map(|object| {
            let manifest = Manifest::new(object.clone()).expect("a manifest");
            let patience = ends(&manifest.key.group_kind.kind).then_some(bed::PATIENCE);
            let waiting = Waiting {
                target: Target::of(&manifest.key),
                deadline: Instant::now() + patience.unwrap_or(in_vain),
                stop: CancellationToken::new(),
                pace: Arc::new(Pace::default()),
            };
            let (kind, name) = (
                manifest.key.group_kind.kind.clone(),
                manifest.key.name.clone(),
            );
            let cluster = &cluster;
            async move {
                let health = healthy(cluster, &waiting, None, &|_| ())
                    .await
                    .expect("a verdict");
                Came { kind, name, health }
            }
        });
    futures::future::join_all(waits).await
}

/// Every kind is among them, and each came to what is expected of it.
fn all_came(came: &[Came], expected: impl Fn(&Came) -> bool) {
    for kind in FAILING.iter().map(|(kind, _)| kind).chain(WAITING) {
        assert!(
            came.iter().any(|c| c.kind == *kind),
            "no {kind} was waited for"
        );
    }
    let wrong: Vec<String> = came
        .iter()
        .filter(|c| !expected(c))
        .map(|c| {
            format!(
                "{} {}: {}, {}",
                c.kind,
                c.name,
                c.health.word(),
                c.health.why()
            )
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_well_becomes_well() {
    let came = life("healthy", bed::PATIENCE, |_| true).await;
    all_came(&came, |c| c.health.is_settled());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_says_what_is_wrong_before_the_time_is_up() {
    let start = Instant::now();
    let about = |kind: &str| {
        FAILING
            .iter()
            .find(|(k, _)| *k == kind)
            .map(|(_, about)| *about)
    };
    let in_vain = Duration::from_secs(45);
    let came = life("failing", in_vain, |kind| about(kind).is_some()).await;
    all_came(&came, |c| match about(&c.kind) {
        Some(about) => c.health.word() == "failed" && c.health.why().contains(about),
        None => c.health.word() == "in-progress",
    });
    assert!(start.elapsed() >= in_vain, "what waits on is waited for");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_stuck_is_told_when_the_time_is_up() {
    let in_vain = Duration::from_secs(15);
    let came = life("pending", in_vain, |kind| kind == "Gateway").await;
    all_came(&came, |c| match c.kind.as_str() {
        // Its certificate is not there yet, which a gateway calls a fault.
        "Gateway" => c.health.word() == "failed" && c.health.why().contains("/shop does not exist"),
        _ => c.health.word() == "in-progress" && !c.health.why().is_empty(),
    });
}
