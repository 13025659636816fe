//! What kinds render is judged by the schemas of those who read it: every object of an example is
//! sent to a real API server as a dry run, where an unknown field or a wrong value is refused.

mod second;
pub(crate) mod variants;

use std::path::Path;

use kubemate::dsl::compose::Target;
use kubemate::dsl::diagnostic::Severity;
use kubemate::dsl::schema::Home;
use kubemate::model::job::{Outcome, Want};
use kubemate::model::layout::Layout;
use kubemate::model::platform;
use kubemate::render::job::run;
use kubemate::source::SourceTree;
use serde_json::{Value, json};

use crate::bank::project::OPERATORS;
use crate::bed;
use crate::language::tree;
use crate::reach::together;

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

/// A project with the tenants of the examples.
const TWO_TENANTS: &str = r#"
project bank schema=1 render=1 {
  cluster sh uid="0f8fad5b-d9cb-469f-a165-70867728950e" kubernetes="1.36"
  environment dev { cluster hq; let domain="dev.pay.bank" }
  cluster hq uid="5b9d3a52-0c1e-4b0f-9c42-3f4d5f0a9d11" kubernetes="1.36"
  environment prod { cluster sh; let domain="pay.bank" }
  include "platform/**/*.kdl" "tenants/**/*.kdl"
  ownership {
    path "platform/**" owner=platform
    path "tenants/payments/**" tenant=payments
    path "tenants/identity/**" tenant=identity
  }
}
"#;
/// What the example of apps refers to.
const APPS_NEED: &str = r#"
tenant payments {
  namespace core
  namespace batch
  priority-classes high
  gateway public class=traefik { listener open port=8080 host="*.${domain}" }
}
tenant identity
storage-class fast external=#true
storage-class ssd external=#true
secret-store vault server="https://vault.bank" { allow tenant=payments "kv/payments/*" }
"#;
const SECRET: &str = r#"
secret checkout-db tenant=payments from="vault:kv/payments/checkout" { keys username password }
"#;

/// How many calls ask the API server at the same time: one client alone asks too slowly.
const CALLS: usize = 6;

/// All objects of some files beside the project above.
fn objects(files: &[(&str, &str)]) -> Vec<Value> {
    objects_in("prod", files)
}

/// The same in an environment of another name.
fn objects_in(environment: &str, files: &[(&str, &str)]) -> Vec<Value> {
    // Namespaces have the name of their environment where there are two in a cluster.
    let second = "environment spare { cluster sh; let domain=\"spare.bank\" }\n  environment prod";
    let project = match environment {
        "prod" => PROJECT.to_owned(),
        _ => PROJECT.replace("environment prod", second),
    };
    let project = project.replace("environment prod", &format!("environment {environment}"));
    let project = [("kubemate.kdl", project.as_str())];
    rendered(&tree(&[&project, files].concat()), environment, "sh")
}

/// All objects of a tree in an environment.
pub(crate) fn rendered(tree: &SourceTree, environment: &str, cluster: &str) -> Vec<Value> {
    let target = Target {
        environment: environment.into(),
        cluster: cluster.into(),
    };
    let want = Want::Render {
        targets: vec![target],
        trace: false,
    };
    let first = run(&platform::project_job(tree).unwrap());
    let found = platform::project_of(&first).unwrap();
    let layout = Layout::of(&found.project);
    let base = run(&platform::platform_job(tree, &layout, want.clone()));
    let tenants: Vec<Outcome> = platform::tenant_jobs(tree, &layout, &base.parsed, &want)
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
    let mut all = objects(files);
    all.retain(|object| kinds.iter().any(|kind| object["kind"] == *kind));
    for kind in kinds {
        assert!(
            all.iter().any(|object| object["kind"] == *kind),
            "no {kind} is rendered"
        );
    }
    served(groups, all).await;
}

/// Asks the API server whether it would take every object as it is: strictly, without storing it.
async fn served(groups: &[&str], mut all: Vec<Value>) {
    let cluster = bed::with_crds(groups);
    let namespace = cluster.unique_namespace().await;
    for object in &mut all {
        if !object["metadata"]["namespace"].is_null() {
            object["metadata"]["namespace"] = json!(namespace);
        }
        // The bed has classes of these names, which nobody can change.
        if object["kind"] == "StorageClass" {
            let name = object["metadata"]["name"].as_str().unwrap();
            object["metadata"]["name"] = json!(format!("{namespace}.{name}"));
        }
    }
    let share = all.len().div_ceil(CALLS).max(1);
    let said: Vec<Result<String, String>> = std::thread::scope(|scope| {
        let asked: Vec<_> = all
            .chunks(share)
            .map(|part| scope.spawn(|| asked(cluster, part)))
            .collect();
        asked
            .into_iter()
            .map(|one| one.join().expect("kubectl is asked"))
            .collect()
    });
    let wrong: Vec<&String> = said.iter().filter_map(|one| one.as_ref().err()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let taken: usize = said.iter().flatten().map(|one| one.lines().count()).sum();
    assert_eq!(taken, all.len(), "{said:?}");
}

/// Asks about some objects: what is accepted, or everything that is wrong.
fn asked(cluster: &bed::Cluster, part: &[Value]) -> Result<String, String> {
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": part });
    let arguments = [
        "apply",
        "--server-side",
        "--dry-run=server",
        // The bed may have objects of these names, which others made.
        "--force-conflicts",
        "--validate=strict",
        "-o",
        "name",
        "-f",
        "-",
    ];
    cluster.try_kubectl(&arguments, &list.to_string())
}

/// All files below a folder.
pub(crate) fn folder(root: &Path, below: &Path, out: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            folder(root, &path, out);
            continue;
        }
        let name = path
            .strip_prefix(root)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        out.push((name, std::fs::read_to_string(&path).unwrap()));
    }
}

/// The files of the example bank.
pub(crate) fn bank() -> SourceTree {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/bank");
    let mut files = Vec::new();
    folder(&root, &root, &mut files);
    let files = files.iter().map(|(p, t)| (p.as_str(), t.as_str()));
    tree(&files.collect::<Vec<_>>())
}

#[tokio::test]
async fn the_bank_is_what_its_clusters_read() {
    let bank = bank();
    for environment in ["dev", "prod"] {
        let all = rendered(&bank, environment, "hq");
        assert!(all.len() > 80, "{}", all.len());
        served(&OPERATORS, all).await;
    }
}

#[tokio::test]
async fn every_example_is_what_its_cluster_reads() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/kinds");
    let mut texts = Vec::new();
    folder(&root, &root, &mut texts);
    // Apps and routes have projects of their own, and manifests name files that others ship.
    let [platform, own] = [Home::Platform, Home::Tenant].map(together);
    let mut files = vec![("kubemate.kdl".to_owned(), TWO_TENANTS.to_owned())];
    for (name, text) in texts {
        let kind = name.trim_end_matches(".kdl");
        if platform.contains(&kind) {
            files.push((format!("platform/{name}"), text));
        } else if own.contains(&kind) {
            files.push((format!("tenants/payments/{name}"), text));
        }
    }
    let encrypted = include_str!("../../examples/files/ledger.enc.yaml");
    let path = "tenants/payments/files/ledger.enc.yaml".to_owned();
    files.push((path, encrypted.to_owned()));
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(p, t)| (p.as_str(), t.as_str()))
        .collect();
    let mut all = rendered(&tree(&files), "prod", "sh");
    assert!(all.len() > 60, "{}", all.len());
    // What stands for an encrypted value is nothing that a cluster takes.
    let sealed = all.iter().position(|object| object["kind"] == "Secret");
    let mut sealed = all.remove(sealed.unwrap());
    sealed["metadata"]["namespace"] = json!("default");
    let arguments = ["create", "--dry-run=server", "-f", "-"];
    let said = bed::cluster().try_kubectl(&arguments, &sealed.to_string());
    assert!(said.unwrap_err().contains("base64"), "{sealed}");
    served(&["gateway-api", "cert-manager", "external-secrets"], all).await;
}

#[tokio::test]
async fn apps_are_what_their_controllers_read() {
    let example = include_str!("../../examples/kinds/app.kdl");
    let files = [
        ("platform/tenants.kdl", APPS_NEED),
        ("tenants/payments/all.kdl", example),
        ("tenants/payments/secret.kdl", SECRET),
        (
            "tenants/payments/files/checkout.toml",
            "listen = \":8080\"\n",
        ),
    ];
    let kinds = [
        "Deployment",
        "StatefulSet",
        "DaemonSet",
        "Job",
        "CronJob",
        "Service",
        "ServiceAccount",
        "ConfigMap",
        "PersistentVolumeClaim",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
        "ScaledObject",
        "TriggerAuthentication",
        "Canary",
        "HTTPRoute",
    ];
    accepted(&OPERATORS, &kinds, &files).await;
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
