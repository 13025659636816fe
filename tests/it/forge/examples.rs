//! The ready files under `examples/ci`: they parse, every `kubemate` line in them is one that the
//! program takes, and the rights they ask for are no more than what is needed.
#![expect(clippy::disallowed_methods, reason = "the examples are files")]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

const FILES: [&str; 5] = [
    "github-actions.yaml",
    "gitea-actions.yaml",
    "gitlab-ci.yaml",
    "Jenkinsfile",
    "tekton-task.yaml",
];

fn text(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples/ci")
        .join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn yaml(name: &str) -> Value {
    serde_saphyr::from_str(&text(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Lines that start the program, joined where they go on.
fn commands(name: &str) -> Vec<Vec<String>> {
    // GitLab's script is one scalar of several lines.
    let text = match name {
        "gitlab-ci.yaml" => yaml(name)["kubemate"]["script"][0]
            .as_str()
            .unwrap()
            .to_owned(),
        _ => text(name).replace("\\\n", " "),
    };
    let starts = |line: &&str| line.trim_start_matches(['-', ' ']).starts_with("kubemate ");
    let words = |line: &str| {
        let line = line.trim_start_matches(['-', ' ']);
        line.split_whitespace().skip(1).map(str::to_owned).collect()
    };
    text.lines().filter(starts).map(words).collect()
}

#[test]
fn every_example_is_listed() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/ci");
    let mut found: Vec<String> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    let mut listed = FILES.to_vec();
    listed.sort_unstable();
    assert_eq!(found, listed);
}

#[test]
fn the_program_takes_every_command() {
    // A directory that is no repository: arguments are read before anything else.
    let nowhere = tempfile::tempdir().unwrap();
    for name in FILES {
        let commands = commands(name);
        assert!(!commands.is_empty(), "{name} starts kubemate");
        for command in commands {
            assert_eq!(command[0], "ci", "{name}");
            let output = Command::new(env!("CARGO_BIN_EXE_kubemate"))
                .args(&command)
                .current_dir(nowhere.path())
                .env_clear()
                .output()
                .unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(
                output.status.code(),
                Some(1),
                "{name} {command:?}: {stderr}"
            );
            assert!(
                stderr.contains("not inside a Git repository"),
                "{name}: {stderr}"
            );
        }
    }
}

#[test]
fn jobs_of_pull_requests_have_no_more_than_they_need() {
    for name in ["github-actions.yaml", "gitea-actions.yaml"] {
        let file = yaml(name);
        // `pull_request_target` would run with the rights of the base on text of strangers.
        let on = file.get("on").unwrap().as_object().unwrap();
        assert!(
            on.contains_key("pull_request") && !on.contains_key("pull_request_target"),
            "{name}"
        );
        for (job, body) in file["jobs"].as_object().unwrap() {
            let steps = body["steps"].as_array().unwrap();
            let checkout = steps
                .iter()
                .find(|s| s["uses"].as_str().is_some_and(|u| u.contains("/checkout@")));
            let with = &checkout.unwrap()["with"];
            assert_eq!(
                (&with["fetch-depth"], &with["persist-credentials"]),
                (&0.into(), &false.into()),
                "{name} {job}"
            );
            for step in steps {
                let script = step["run"].as_str().unwrap_or_default();
                assert!(
                    !script.contains("${{"),
                    "{name}: an expression in a script runs what it holds"
                );
            }
        }
    }
    let github = yaml("github-actions.yaml");
    let rights = github["permissions"].as_object().unwrap();
    let rights: Vec<(&str, &str)> = rights
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str().unwrap()))
        .collect();
    assert_eq!(
        rights,
        [
            ("contents", "read"),
            ("issues", "read"),
            ("pull-requests", "write"),
            ("statuses", "write")
        ]
    );
}

#[test]
fn gitlab_keeps_its_reports_and_tekton_says_where_it_runs() {
    let gitlab = yaml("gitlab-ci.yaml");
    let job = &gitlab["kubemate"];
    assert_eq!(job["variables"]["GIT_DEPTH"], "0");
    let reports = &job["artifacts"]["reports"];
    let script: String = commands("gitlab-ci.yaml").concat().join(" ") + " ";
    for kind in ["codequality", "terraform", "dotenv", "junit"] {
        let file = reports[kind].as_str().unwrap();
        assert!(script.contains(&format!("={file}")), "{kind}: {file}");
    }
    assert_eq!(job["artifacts"]["when"], "always");
    let task = yaml("tekton-task.yaml");
    assert_eq!(
        (&task["kind"], &task["apiVersion"]),
        (&"Task".into(), &"tekton.dev/v1".into())
    );
    let variables = task["spec"]["steps"][0]["env"].as_array().unwrap();
    let named: Vec<&str> = variables
        .iter()
        .map(|v| v["name"].as_str().unwrap())
        .collect();
    for name in [
        "KUBEMATE_CI",
        "KUBEMATE_FORGE",
        "KUBEMATE_API",
        "KUBEMATE_REPOSITORY",
        "KUBEMATE_PULL",
        "KUBEMATE_HEAD",
        "KUBEMATE_BASE",
        "KUBEMATE_FORK",
        "KUBEMATE_FORGE_TOKEN",
    ] {
        assert!(named.contains(&name), "{name}");
    }
}
