//! Examples that their own projects left behind: versions that are not served, fields that do not
//! exist. The plan refuses them before anything is written, says why, and names the file.

use serde_json::{Value, json};

use crate::bank::folder::Folder;
use crate::bank::project::uid;
use crate::bed::{self, upstream};

/// A stale example: project, file, what stands for its words, kind and name, and what we say of it.
struct Stale {
    project: &'static str,
    file: &'static str,
    kind: &'static str,
    name: &'static str,
    said: &'static str,
}

const STALE: &[Stale] = &[
    Stale {
        project: "external-secrets",
        file: "docs/snippets/getallsecrets-find-by-tags.yaml",
        kind: "ExternalSecret",
        name: "find-by-tags",
        said: "the cluster does not serve v1beta1 of ExternalSecret.external-secrets.io, but v1",
    },
    Stale {
        project: "external-secrets",
        file: "docs/snippets/passworddepot-external-secret.yaml",
        kind: "ExternalSecret",
        name: "passworddepot-external-secret-example",
        said: "the cluster does not serve v1alpha1 of ExternalSecret.external-secrets.io, but v1",
    },
    Stale {
        project: "gateway-api",
        file: "examples/experimental/v1alpha2/tls-routing/tls-route.yaml",
        kind: "TLSRoute",
        name: "example-route",
        said: "the cluster does not serve v1alpha2 of TLSRoute.gateway.networking.k8s.io, but v1",
    },
    Stale {
        project: "gateway-api",
        file: "examples/experimental/v1alpha3/tls-routing/tls-route.yaml",
        kind: "TLSRoute",
        name: "example-route",
        said: "the cluster does not serve v1alpha3 of TLSRoute.gateway.networking.k8s.io, but v1",
    },
    Stale {
        project: "traefik",
        file: "docs/content/reference/dynamic-configuration/kubernetes-gateway-resource.yml",
        kind: "TLSRoute",
        name: "tls-app",
        said: "the cluster does not serve v1alpha2 of TLSRoute.gateway.networking.k8s.io, but v1",
    },
    Stale {
        project: "flagger",
        file: "docs/gitbook/usage/metrics.md",
        kind: "MetricTemplate",
        name: "cloudwatch-error-rate",
        said: "the cluster does not serve v1alpha1 of MetricTemplate.flagger.app, but v1beta1",
    },
    Stale {
        project: "keda",
        file: "config/samples/keda_v1alpha1_scaledjob.yaml",
        kind: "ScaledJob",
        name: "scaledjob-sample",
        said: "the API server refuses `spec.jobTargetRef.template`: Required value",
    },
    Stale {
        project: "cert-manager",
        file: "design/20250920.certificate-renewal-control.md",
        kind: "Certificate",
        name: "no-renewal-cert",
        said: "the API server refuses `spec.issuerRef`: Required value",
    },
];

/// A project of the platform alone, with one manifest.
fn project(folder: &Folder, env: &str, object: &Value) {
    let (name, uid, kind) = (
        bed::unique_name("stale"),
        uid(),
        object["kind"].as_str().unwrap(),
    );
    let project = format!(
        "project {name} schema=1 render=1 {{\n  cluster hq uid=\"{uid}\" kubernetes=\"1.36\"\n  \
         environment {env} {{ cluster hq }}\n  include \"platform/**/*.kdl\"\n  \
         ownership {{ path \"platform/**\" owner=platform }}\n}}\n"
    );
    folder.write("kubemate.kdl", &project);
    let manifests = format!("manifests old {{\n  from \"old/*.yaml\"\n  kinds {kind}\n}}\n");
    folder.write("platform/all.kdl", &manifests);
    folder.write("platform/old/example.yaml", &object.to_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_upstream_left_behind_is_refused_with_the_reason() {
    let groups = [
        "gateway-api",
        "external-secrets",
        "flagger",
        "keda",
        "cert-manager",
    ];
    let cluster = bed::with_crds(&groups);
    let namespace = cluster.unique_namespace().await;
    let mut wrong = Vec::new();
    for stale in STALE {
        let all = upstream::objects(stale.project, stale.file, &[]);
        let named = |o: &&Value| o["kind"] == stale.kind && o["metadata"]["name"] == stale.name;
        let mut object = all
            .iter()
            .find(named)
            .cloned()
            .unwrap_or_else(|| panic!("{} has no {} {}", stale.file, stale.kind, stale.name));
        object["metadata"]["namespace"] = json!(namespace);
        let (folder, env) = (Folder::new(), bed::unique_name("e"));
        project(&folder, &env, &object);
        let plan = folder.run(cluster.kubeconfig(), &["plan", "--env", &env]);
        let told = plan.all();
        let refused = told.contains("1 is held") && told.contains("error ");
        let named = told.contains("old/example.yaml") && told.contains(stale.said);
        if !refused || !named {
            wrong.push(format!("{}: {}", stale.file, plan.end()));
        }
        let applied = folder.run(
            cluster.kubeconfig(),
            &["apply", "--env", &env, "--timeout", "5s"],
        );
        if applied.code == 0 {
            wrong.push(format!("{} is applied: {}", stale.file, applied.end()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
