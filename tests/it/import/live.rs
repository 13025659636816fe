//! From a real API server, which fills in its defaults, and through the program itself.
#![expect(
    clippy::disallowed_methods,
    reason = "the test runs the program and reads what it wrote"
)]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::bed;

/// What `kubectl` would apply, without what needs CRDs that the bed may lack.
fn plain(namespace: &str) -> String {
    let wanted = [
        "ConfigMap",
        "Secret",
        "Deployment",
        "Service",
        "HorizontalPodAutoscaler",
        "StatefulSet",
        "CronJob",
        "ResourceQuota",
        "Role",
    ];
    let objects: Vec<Value> = super::shop()
        .into_iter()
        .filter(|o| wanted.contains(&o["kind"].as_str().unwrap()))
        .collect();
    let list = serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": objects });
    list.to_string().replace(
        "\"namespace\":\"shop\"",
        &format!("\"namespace\":\"{namespace}\""),
    )
}

fn kubemate(directory: &Path, args: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_kubemate"));
    let program = program.args(args).current_dir(directory);
    program.env("NO_COLOR", "1").output().unwrap()
}

#[tokio::test]
async fn what_runs_comes_in_as_if_it_were_read_from_its_files() {
    let cluster = bed::cluster();
    let namespace = cluster.unique_namespace().await;
    let text = plain(&namespace);
    cluster.kubectl_with(&["apply", "-f", "-"], &text);
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("in.json"), &text).unwrap();
    let run = |args: &[&str]| {
        let output = kubemate(dir.path(), args);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        output
    };
    let kubeconfig = cluster.kubeconfig().display().to_string();
    run(&[
        "import",
        "--from-cluster",
        &namespace,
        "--kubeconfig",
        &kubeconfig,
        "--out",
        "live",
    ]);
    run(&["import", "-f", "in.json", "--out", "file"]);
    run(&["validate", "live"]);
    let app = |from: &str, name: &str| {
        let text = std::fs::read_to_string(
            dir.path()
                .join(format!("{from}/tenants/{namespace}/{name}.kdl")),
        )
        .unwrap();
        // Comments tell of differences, which are those of metadata that the server adds.
        text.lines()
            .filter(|line| !line.starts_with("//"))
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    };
    for name in ["web", "store", "report"] {
        assert_eq!(app("live", name), app("file", name), "{name}");
    }
    let project = std::fs::read_to_string(dir.path().join("live/kubemate.kdl")).unwrap();
    assert!(
        !project.contains("00000000-0000-4000-8000"),
        "the cluster's own uid: {project}"
    );
}

#[test]
fn nothing_is_overwritten_and_nothing_is_guessed() {
    let dir = tempfile::tempdir().unwrap();
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: c }\ndata: { a: b }\n";
    std::fs::write(dir.path().join("in.yaml"), config).unwrap();
    let run = |args: &[&str]| {
        let output = kubemate(dir.path(), args);
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, said) = run(&["import", "-f", "in.yaml"]);
    assert_eq!(code, 64);
    assert!(
        said.contains("ConfigMap/c names no namespace") && said.contains("--tenant"),
        "{said}"
    );
    let all = [
        "import", "-f", "in.yaml", "--tenant", "shop", "--out", "out",
    ];
    assert_eq!(run(&all).0, 0);
    let (code, said) = run(&all);
    assert_eq!(code, 64);
    assert!(said.contains("nothing is overwritten"), "{said}");
}
