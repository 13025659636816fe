//! A cluster with the CRDs and a Git host, between which a controller works.

use std::fs;
use std::ops::Deref;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use kube::Client;
use serde_json::{Value, json};

use crate::bed::Bed;
use crate::githost::Host;
use crate::history;

/// The tracked ref.
pub(super) const MAIN: &str = "refs/heads/main";
/// The directory with all Syncs.
const SYNCS: &str = "/apis/kubemate.dev/v1alpha1/namespaces/kubemate-system/syncs";
/// Who changes objects by hand: what a person does is always undone, and never a fight.
const BY_HAND: &str = "fieldManager=kubectl-edit";
/// Between two changes by hand.
const RUN_OUT: Duration = Duration::from_millis(300);
/// For how long anything is waited for.
const PATIENCE: Duration = Duration::from_mins(20);

/// A Git host, whose runtime may not end inside of another one.
pub(super) struct Served(Option<Host>);

impl Served {
    fn start(root: PathBuf) -> Self {
        let host = std::thread::spawn(move || Host::start(&root)).join();
        Self(Some(host.unwrap()))
    }
}

impl Deref for Served {
    type Target = Host;

    fn deref(&self) -> &Host {
        self.0.as_ref().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let host = self.0.take();
        std::thread::spawn(move || drop(host)).join().ok();
    }
}

/// Where a controller works.
pub(super) struct Place {
    // It ends before the directory that it serves.
    pub(super) host: Served,
    pub(super) bed: Bed,
    pub(super) client: Client,
    pub(super) git: git2::Repository,
    pub(super) directory: tempfile::TempDir,
}

impl Place {
    pub(super) async fn start() -> Self {
        let bed = Bed::start();
        let directory = tempfile::tempdir().unwrap();
        for args in [&["install"][..], &["install", "--crd"]] {
            let output = Command::new(env!("CARGO_BIN_EXE_kubemate"))
                .args(args)
                .output()
                .unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            // Of the manifests only the namespace: the controller is a process here.
            let part = match args.len() {
                1 => text.split("---\n").next().unwrap(),
                _ => text.as_str(),
            };
            let file = directory.path().join("install.yaml");
            fs::write(&file, part).unwrap();
            kubectl(
                &bed,
                &["apply", "--server-side", "-f", file.to_str().unwrap()],
            );
        }
        let crds = ["syncs", "holds", "approvals"].map(|name| format!("crd/{name}.kubemate.dev"));
        let crds = crds.each_ref().map(String::as_str);
        let wait = ["wait", "--for=condition=Established", "--timeout=60s"];
        tokio::time::sleep(Duration::from_secs(2)).await;
        kubectl(&bed, &[&wait[..], &crds].concat());
        let root = directory.path().join("served");
        let git = git2::Repository::init_bare(root.join("p.git")).unwrap();
        Self {
            host: Served::start(root),
            client: bed.client().await,
            bed,
            git,
            directory,
        }
    }

    /// The UID that a project must name.
    pub(super) async fn uid(&self) -> String {
        let space = self.get("/api/v1/namespaces/kube-system").await;
        space["metadata"]["uid"].as_str().unwrap().to_owned()
    }

    /// Points main to a commit of these files.
    pub(super) fn commit(&self, files: Vec<(String, Vec<u8>)>) -> String {
        history::commit(&self.git, Some(MAIN), files)
    }

    /// Makes a Sync of the project in a directory of the repository.
    pub(super) async fn sync(&self, name: &str, path: &str, (environment, interval): (&str, &str)) {
        let repository = format!("{}/p.git", self.host.address);
        let body = json!({
            "apiVersion": "kubemate.dev/v1alpha1", "kind": "Sync",
            "metadata": {"name": name, "namespace": "kubemate-system"},
            "spec": {"repository": repository, "path": path, "environment": environment,
                "cluster": "near", "interval": interval, "mode": "auto"},
        });
        drop(self.send("POST", SYNCS, &body).await);
    }

    pub(super) async fn get(&self, path: &str) -> Value {
        self.send("GET", path, &Value::Null).await
    }

    /// Sends a request that must succeed.
    pub(super) async fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        let kind = match method {
            "PATCH" => "application/merge-patch+json",
            _ => "application/json",
        };
        let bytes = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", kind)
            .body(kube::client::Body::from(bytes))
            .unwrap();
        let response = self.client.send(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&body);
        assert!(status.is_success(), "{method} {path}: {status}: {text}");
        serde_json::from_slice(&body).unwrap()
    }

    /// Changes an object by hand and waits until what stands at the pointer is as before; how long it took.
    /// Before that, what came of the change before runs out.
    pub(super) async fn disturb(&self, path: &str, at: &str, body: &Value) -> Duration {
        tokio::time::sleep(RUN_OUT).await;
        let before = self.get(path).await.pointer(at).cloned();
        let changed = self.send("PATCH", &format!("{path}?{BY_HAND}"), body).await;
        assert_ne!(changed.pointer(at).cloned(), before, "{path}");
        let began = Instant::now();
        while self.get(path).await.pointer(at).cloned() != before {
            let late = began.elapsed() > Duration::from_mins(5);
            assert!(!late, "{path} stays changed");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        began.elapsed()
    }

    /// Waits until so many Syncs are ready, at a commit where one is named.
    pub(super) async fn ready(&self, count: usize, commit: Option<&str>) {
        let began = Instant::now();
        loop {
            let list = self.get(SYNCS).await;
            let all = list["items"].as_array().unwrap();
            let is = |sync: &&Value, kind: &str| {
                let mut of = sync["status"]["conditions"]
                    .as_array()
                    .into_iter()
                    .flatten();
                of.any(|c| c["type"] == kind && c["status"] == "True")
            };
            let at = |sync: &&Value| commit.is_none_or(|c| sync["status"]["lastApplied"] == c);
            let good = |sync: &&Value| is(sync, "Ready") && is(sync, "Healthy") && at(sync);
            let ready = all.iter().filter(good).count();
            if ready >= count {
                return;
            }
            let late = began.elapsed() > PATIENCE;
            let story = all.iter().find(|sync| !good(sync));
            let story = story.map(|sync| sync["status"].to_string());
            assert!(!late, "{ready} of {count} are ready: {story:?}");
            // A list of many is work for the server that is measured.
            let pause = if count > 100 { 1000 } else { 100 };
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
    }
}

/// kubectl, which must succeed.
fn kubectl(bed: &Bed, args: &[&str]) {
    let output = bed.kubectl(args).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {said}");
}
