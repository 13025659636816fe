//! A cluster with the CRDs, a Git host, and a controller as a process of its own between them.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit as _, Mac as _};
use http_body_util::BodyExt as _;
use kube::Client;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::bed::Bed;
use crate::githost::Host;
use crate::history;

/// The tracked ref.
pub(super) const MAIN: &str = "refs/heads/main";
/// The directory with all Syncs.
const SYNCS: &str = "/apis/kubemate.dev/v1alpha1/namespaces/kubemate-system/syncs";
/// What signs calls.
const SECRET: &[u8] = b"a secret of the benches";
/// For how long anything is waited for.
const PATIENCE: Duration = Duration::from_mins(20);

/// Where a controller works.
pub(super) struct Place {
    // It ends before the directory that it serves.
    pub(super) host: Host,
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
        let crds = ["crd/syncs.kubemate.dev", "crd/holds.kubemate.dev"];
        let wait = ["wait", "--for=condition=Established", "--timeout=60s"];
        tokio::time::sleep(Duration::from_secs(2)).await;
        kubectl(&bed, &[&wait[..], &crds].concat());
        let root = directory.path().join("served");
        let git = git2::Repository::init_bare(root.join("p.git")).unwrap();
        Self {
            // It has a runtime of its own, which may not be made inside of another one.
            host: std::thread::spawn(move || Host::start(&root))
                .join()
                .unwrap(),
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

    /// Waits until so many Syncs are ready, at a commit where one is named; how many are.
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
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// kubectl, which must succeed.
fn kubectl(bed: &Bed, args: &[&str]) {
    let output = bed.kubectl(args).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {said}");
}

/// A running controller; killed when it is dropped.
pub(super) struct Controller {
    child: Child,
    metrics: SocketAddr,
    hooks: SocketAddr,
    calls: u32,
}

impl Drop for Controller {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A port that was free a moment ago.
fn port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

impl Controller {
    pub(super) fn start(place: &Place, kubeconfig: &Path) -> Self {
        let directory = place.directory.path();
        let credentials = directory.join("credentials");
        fs::create_dir_all(&credentials).unwrap();
        fs::write(credentials.join("bench.hook-secret"), SECRET).unwrap();
        let (metrics, hooks) = (port(), port());
        let child = Command::new(env!("CARGO_BIN_EXE_kubemate"))
            .args(["controller", "--name", "bench", "--allow"])
            .arg(format!("{}/*", place.host.address))
            .args([
                "--listen",
                &metrics.to_string(),
                "--hooks",
                &hooks.to_string(),
            ])
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .arg("--credentials")
            .arg(&credentials)
            .arg("--mirrors")
            .arg(directory.join("mirrors"))
            .env_clear()
            .env("XDG_CACHE_HOME", directory.join("cache"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(directory.join("log")).unwrap())
            .spawn()
            .unwrap();
        Self {
            child,
            metrics,
            hooks,
            calls: 0,
        }
    }

    /// How many passes ended in this way, once it answers.
    pub(super) fn passes(&self, ended: &str) -> usize {
        let Some(text) = request(self.metrics, "GET /metrics", "", b"") else {
            return 0;
        };
        let label = format!("kubemate_passes_total{{ended=\"{ended}\"}} ");
        let mut lines = text.lines().filter_map(|line| line.strip_prefix(&label));
        lines
            .next()
            .map_or(0, |count| count.trim().parse().unwrap())
    }

    /// Calls as a forge does after a push.
    pub(super) fn call(&mut self) {
        self.calls += 1;
        let body = json!({ "ref": MAIN, "after": "a".repeat(40) }).to_string();
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET).unwrap();
        mac.update(body.as_bytes());
        let bytes = mac.finalize().into_bytes();
        let sum: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let head = format!(
            "x-github-event: push\r\nx-github-delivery: {}\r\nx-hub-signature-256: sha256={sum}\r\n",
            self.calls
        );
        let answer = request(self.hooks, "POST /hooks/bench", &head, body.as_bytes());
        let answer = answer.unwrap_or_default();
        assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    }

    /// Processor time of it and of what it started, in steps of 10 ms.
    pub(super) fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let (_, fields) = stat.rsplit_once(')').unwrap();
        let fields: Vec<u64> = fields
            .split_whitespace()
            .map(|field| field.parse().unwrap_or_default())
            .collect();
        Duration::from_millis(10 * fields[11..15].iter().sum::<u64>())
    }

    /// Memory now and at its highest, in KiB.
    pub(super) fn memory(&self) -> (u64, u64) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
            number.unwrap_or_default()
        };
        (field("VmRSS:"), field("VmHWM:"))
    }
}

/// What is answered, if anybody answers.
fn request(address: SocketAddr, line: &str, head: &str, body: &[u8]) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .ok()?;
    let text = format!(
        "{line} HTTP/1.1\r\nhost: here\r\nconnection: close\r\n{head}content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[text.as_bytes(), body].concat()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}
