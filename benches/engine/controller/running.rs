//! The controller as a process of its own, and what the system tells of it.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;

use super::place::{MAIN, Place};

/// What signs calls.
const SECRET: &[u8] = b"a secret of the benches";
/// Directories that the process writes into, below the one of its place.
pub(super) const WRITTEN: [&str; 3] = ["mirrors", "cache", "temporary"];

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
        Self::of(Path::new(env!("CARGO_BIN_EXE_kubemate")), place, kubeconfig)
    }

    /// That of another program.
    pub(super) fn of(program: &Path, place: &Place, kubeconfig: &Path) -> Self {
        let directory = place.directory.path();
        let credentials = directory.join("credentials");
        fs::create_dir_all(&credentials).unwrap();
        fs::write(credentials.join("bench.hook-secret"), SECRET).unwrap();
        let temporary = directory.join("temporary");
        fs::create_dir_all(&temporary).unwrap();
        let (metrics, hooks) = (port(), port());
        let child = Command::new(program)
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
            .env("TMPDIR", &temporary)
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
        (self.field("VmRSS:"), self.field("VmHWM:"))
    }

    pub(super) fn threads(&self) -> u64 {
        self.field("Threads:")
    }

    /// Open files, sockets among them.
    pub(super) fn files(&self) -> u64 {
        let open = fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap();
        open.count().try_into().unwrap()
    }

    fn field(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        number.unwrap_or_default()
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
