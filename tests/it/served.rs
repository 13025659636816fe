//! What kinds render is judged by the schemas of those who read it: every object of an example is
//! sent to a real API server as a dry run, where an unknown field or a wrong value is refused.

use kubemate::dsl::compose::Target;
use kubemate::dsl::diagnostic::Severity;
use kubemate::model::job::{Outcome, Want};
use kubemate::model::layout::Layout;
use kubemate::model::platform;
use kubemate::render::job::run;
use serde_json::{Value, json};

use crate::bed;
use crate::language::tree;

const PROJECT: &str = r#"
project bank schema=1 render=1 {
  cluster sh uid="0f8fad5b-d9cb-469f-a165-70867728950e"
  environment prod { cluster sh; let domain="pay.bank" }
  include "platform/**/*.kdl" "tenants/**/*.kdl"
  ownership {
    path "platform/**" owner=platform
    path "tenants/payments/**" tenant=payments
  }
}
"#;
const TENANT: &str = r#"
tenant payments {
  namespace core
  gateway public class=traefik {
    listener https port=443 host="*.${domain}" certificate=pay-wildcard
    listener http port=80 { redirect scheme=https }
  }
  gateway plain class=envoy { listener web port=8081 host="*.${domain}" }
  gateway raw class=traefik-raw {
    listener tls port=8443 protocol=tls
    listener bytes port=5432 protocol=tcp
  }
}
"#;

/// All objects of some files.
fn objects(files: &[(&str, &str)]) -> Vec<Value> {
    let project = [("kubemate.kdl", PROJECT)];
    let tree = tree(&[&project, files].concat());
    let target = Target {
        environment: "prod".into(),
        cluster: "sh".into(),
    };
    let want = Want::Render {
        targets: vec![target],
        trace: false,
    };
    let first = run(&platform::project_job(&tree).unwrap());
    let found = platform::project_of(&first).unwrap();
    let layout = Layout::of(&found.project);
    let base = run(&platform::platform_job(&tree, &layout, want.clone()));
    let tenants: Vec<Outcome> = platform::tenant_jobs(&tree, &layout, &base.parsed, &want)
        .iter()
        .map(run)
        .collect();
    let mut all = Vec::new();
    for outcome in std::iter::once(base).chain(tenants) {
        let errors: Vec<_> = outcome
            .diagnostics
            .iter()
            .filter(|d| d.severity == Severity::Error)
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
        let sets = outcome.rendered.into_iter();
        all.extend(sets.flat_map(|set| set.objects.into_values().map(|d| d.manifest.body)));
    }
    all
}

/// Sends the objects of these kinds, moved to a namespace of the test's own, to the API server.
async fn accepted(groups: &[&str], kinds: &[&str], files: &[(&str, &str)]) {
    let cluster = bed::with_crds(groups);
    let namespace = cluster.unique_namespace().await;
    let mut sent = Vec::new();
    for mut object in objects(files) {
        let kind = object["kind"].as_str().unwrap().to_owned();
        if !kinds.contains(&kind.as_str()) {
            continue;
        }
        if !object["metadata"]["namespace"].is_null() {
            object["metadata"]["namespace"] = json!(namespace);
        }
        sent.push((kind, object));
    }
    for kind in kinds {
        assert!(sent.iter().any(|(k, _)| k == kind), "no {kind} is rendered");
    }
    let items: Vec<&Value> = sent.iter().map(|(_, object)| object).collect();
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": items });
    let arguments = [
        "apply",
        "--server-side",
        "--dry-run=server",
        "--validate=strict",
        "-o",
        "name",
        "-f",
        "-",
    ];
    let said = cluster.kubectl_with(&arguments, &list.to_string());
    assert_eq!(said.lines().count(), items.len(), "{said}");
}

#[tokio::test]
async fn routes_are_what_gateways_read() {
    let example = include_str!("../../examples/kinds/route.kdl");
    let files = [
        ("platform/tenants.kdl", TENANT),
        ("tenants/payments/all.kdl", example),
    ];
    let kinds = [
        "HTTPRoute",
        "GRPCRoute",
        "TLSRoute",
        "TCPRoute",
        "Middleware",
    ];
    accepted(&["gateway-api", "traefik"], &kinds, &files).await;
}

#[tokio::test]
async fn certificates_are_what_cert_manager_reads() {
    let text = r#"
certificate pay-wildcard tenant=payments issuer=bank-ca {
  host "*.${domain}"
  duration "90d"
  renew-before "30d"
}
certificate plain tenant=payments issuer=own issuer-kind=namespace key=ed25519 { host "a.${domain}" }
"#;
    let files = [
        ("platform/tenants.kdl", TENANT),
        ("tenants/payments/all.kdl", text),
    ];
    accepted(&["cert-manager"], &["Certificate"], &files).await;
}

#[tokio::test]
async fn storage_is_what_the_cluster_reads() {
    let classes = include_str!("../../examples/kinds/storage-class.kdl");
    let volumes = r#"
persistent-volume archive size="2Ti" class=shared access=many {
  nfs server="nas.bank" path="/archive" read-only=#true
  mount-options "nfsvers=4.1"
  claim reports-archive tenant=payments
}
persistent-volume ledger size="100Gi" reclaim=delete {
  csi driver="rbd.csi.ceph.com" handle="0001-a" file-system=ext4 { attributes { pool fast } }
}
persistent-volume scratch size="1Ti" { local path="/mnt/disk1" node=node-1 }
"#;
    let files = [
        ("platform/tenants.kdl", TENANT),
        ("platform/classes.kdl", classes),
        ("platform/volumes.kdl", volumes),
        (
            "tenants/payments/all.kdl",
            "certificate pay-wildcard tenant=payments issuer=bank-ca { host \"*.${domain}\" }",
        ),
    ];
    accepted(&[], &["StorageClass", "PersistentVolume"], &files).await;
}
