//! `kubemate doctor` on a control plane of its own: everything is missing, then nothing is, then each
//! thing once.

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bed::{Cluster, own_cluster};
use crate::forge::{gitea_sim, sim::TOKEN};

/// How long the simulated nodes may take to run the controller.
const LIMIT: Duration = Duration::from_mins(5);

fn kubemate(args: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kubemate"))
        .args(args)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

/// What the doctor finds: by thing, whether it is there, what is said, and what mends it.
fn findings(
    cluster: &Cluster,
    more: &[&str],
    variables: &[(&str, &str)],
) -> Vec<(String, bool, String, String)> {
    let kubeconfig = cluster.kubeconfig().to_str().unwrap();
    let args = [&["doctor", "-o", "json", "--kubeconfig", kubeconfig], more].concat();
    let output = kubemate(&args, variables);
    let all: Vec<Value> = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let one = |f: &Value| {
        (
            text(&f["what"]),
            f["ok"] == true,
            text(&f["text"]),
            text(&f["fix"]),
        )
    };
    let all: Vec<_> = all.iter().map(one).collect();
    let ok = all.iter().all(|finding| finding.1);
    assert_eq!(output.status.code(), Some(i32::from(!ok)), "{all:?}");
    assert!(
        all.iter().all(|finding| finding.1 == finding.3.is_empty()),
        "{all:?}"
    );
    all
}

/// The things that are missing, with what is said.
fn missing(cluster: &Cluster, more: &[&str]) -> Vec<(String, String)> {
    let all = findings(cluster, &[&["--mode", "apply"], more].concat(), &[]);
    all.into_iter()
        .filter(|f| !f.1)
        .map(|f| (f.0, f.2))
        .collect()
}

fn names(missing: &[(String, String)]) -> Vec<&str> {
    missing.iter().map(|(what, _)| what.as_str()).collect()
}

fn installed(cluster: &Cluster) {
    let printed = kubemate(&["install", "--mode", "apply"], &[]);
    let text = String::from_utf8(printed.stdout).unwrap();
    let start = Instant::now();
    // The kinds that the same file defines may not be served at once.
    while let Err(why) = cluster.try_kubectl(&["apply", "--server-side", "-f", "-"], &text) {
        assert!(start.elapsed() < LIMIT, "{why}");
        std::thread::sleep(Duration::from_millis(300));
    }
    loop {
        let left = missing(cluster, &[]);
        if left.is_empty() {
            return;
        }
        assert!(start.elapsed() < LIMIT, "{left:?}");
        std::thread::sleep(Duration::from_millis(500));
    }
}

#[test]
fn the_doctor_names_each_thing_that_is_missing_and_nothing_else() {
    let Some(cluster) = own_cluster() else {
        // The cluster that the environment names is shared, and nothing of it may go away.
        return;
    };
    let all = findings(&cluster, &[], &[]);
    let bad: Vec<&str> = all.iter().filter(|f| !f.1).map(|f| f.0.as_str()).collect();
    let crds = ["syncs", "holds", "approvals"];
    let crds = crds.map(|kind| format!("definition {kind}.kubemate.dev"));
    assert_eq!(bad[..3], crds, "{all:?}");
    assert_eq!(bad[3..], ["rights", "controller"], "{all:?}");
    let good: Vec<&str> = all.iter().filter(|f| f.1).map(|f| f.0.as_str()).collect();
    assert_eq!(good, ["version", "clock", "secret stores"]);
    installed(&cluster);
    for (gone, what) in [
        (&["delete", "crd", "holds.kubemate.dev"][..], &*crds[1]),
        (&["delete", "clusterrole", "kubemate-writer"], "rights"),
        (
            &[
                "-n",
                "kubemate-system",
                "delete",
                "rolebinding",
                "kubemate-controller",
            ],
            "rights",
        ),
        (
            &[
                "-n",
                "kubemate-system",
                "delete",
                "deployment",
                "kubemate-controller",
            ],
            "controller",
        ),
    ] {
        let _said = cluster.kubectl(gone);
        let start = Instant::now();
        // Authorizers and the server's registry see it a little later.
        while names(&missing(&cluster, &[])) != [what] {
            assert!(
                start.elapsed() < LIMIT,
                "{gone:?}: {:?}",
                missing(&cluster, &[])
            );
            std::thread::sleep(Duration::from_millis(300));
        }
        installed(&cluster);
    }
    let trail = missing(&cluster, &["--audit", "/nowhere/at/all.jsonl"]);
    assert_eq!(
        names(&trail),
        ["audit trail /nowhere/at/all.jsonl"],
        "{trail:?}"
    );
    let forge = missing(&cluster, &["--branch", "main"]);
    assert_eq!(names(&forge), ["forge"], "{forge:?}");
}

#[test]
fn the_doctor_asks_the_forge_and_says_when_there_is_no_cluster() {
    let sim = gitea_sim::start();
    sim.store()
        .git
        .start(&"1".repeat(40), std::collections::BTreeMap::new());
    let nowhere = [
        "doctor",
        "-o",
        "json",
        "--kubeconfig",
        "/nowhere/kubeconfig",
        "--branch",
    ];
    let variables = [
        ("KUBEMATE_FORGE", "gitea"),
        ("KUBEMATE_API", sim.address.as_str()),
        ("KUBEMATE_REPOSITORY", "team/platform"),
        ("KUBEMATE_FORGE_TOKEN", TOKEN),
    ];
    for (branch, ok) in [("main", true), ("other", false)] {
        let output = kubemate(&[&nowhere[..], &[branch]].concat(), &variables);
        assert_eq!(output.status.code(), Some(1));
        let all: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(all[0]["what"], "cluster");
        assert!(
            all[0]["text"]
                .as_str()
                .unwrap()
                .contains("/nowhere/kubeconfig"),
            "{}",
            all[0]
        );
        assert_eq!(
            (&all[1]["what"], all[1]["ok"] == true),
            (&Value::from("forge"), ok),
            "{}",
            all[1]
        );
    }
}
