//! Builds, starts and keeps the control plane of `tests/controlplane`.
//!
//! The binary is built once for each state of the Go sources and kept under `target/controlplane`;
//! processes that want it at the same time wait for one build. It must never leave a process behind.
//! Tests and benches share it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::Duration;

const START_LIMIT: Duration = Duration::from_secs(150);
/// Linker flags: a smaller binary that knows its own version.
const LDFLAGS: &str = include_str!("../../controlplane/ldflags");
const BUILT_KEPT: usize = 2;

/// A running control plane: it lives as long as the pipe to it.
pub(super) struct Plane {
    child: Child,
}

impl Drop for Plane {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        drop(self.child.wait());
    }
}

fn target() -> PathBuf {
    let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
    temporary.parent().unwrap_or(temporary).join("controlplane")
}

/// The binary for the present sources, built where it is missing.
pub(super) fn build() -> Result<PathBuf, String> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/controlplane");
    let target = target();
    fs::create_dir_all(&target).map_err(|error| format!("{}: {error}", target.display()))?;
    let binary = target.join(format!("controlplane-{}", digest(&sources)?));
    let lock = File::create(target.join("lock")).map_err(|error| format!("lock: {error}"))?;
    lock.lock().map_err(|error| format!("lock: {error}"))?;
    if binary.is_file() {
        return Ok(binary);
    }
    forget_old_builds(&target);
    let fresh = target.join("fresh");
    let output = Command::new("go")
        .args([
            "build",
            "-trimpath",
            "-buildvcs=false",
            "-ldflags",
            LDFLAGS,
            "-o",
        ])
        .arg(&fresh)
        .arg(".")
        .current_dir(&sources)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("go build cannot be started: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!(
            "the control plane in {} cannot be built: {said}",
            sources.display()
        ));
    }
    fs::rename(&fresh, &binary).map_err(|error| format!("{}: {error}", binary.display()))?;
    Ok(binary)
}

/// A digest over everything that the binary is built from.
fn digest(sources: &Path) -> Result<String, String> {
    let problem = |error| format!("{}: {error}", sources.display());
    let mut files = BTreeSet::new();
    for entry in fs::read_dir(sources).map_err(problem)? {
        let path = entry.map_err(problem)?.path();
        if path
            .extension()
            .is_some_and(|end| end == "go" || end == "mod" || end == "sum")
        {
            files.insert(path);
        }
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update(LDFLAGS.as_bytes());
    for path in files {
        hasher.update(path.as_os_str().as_encoded_bytes());
        hasher.update(&fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?);
    }
    Ok(hasher.finalize().to_hex().chars().take(16).collect())
}

/// Keeps the latest builds, so that switching branches is cheap and the disk does not fill up.
fn forget_old_builds(target: &Path) {
    let Ok(entries) = fs::read_dir(target) else {
        return;
    };
    let mut built: Vec<_> = entries
        .flatten()
        .filter(|entry| {
            entry
                .file_name()
                .to_string_lossy()
                .starts_with("controlplane-")
        })
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    built.sort();
    let surplus = built.len().saturating_sub(BUILT_KEPT);
    for (_, path) in built.into_iter().take(surplus) {
        drop(fs::remove_file(path));
    }
}

/// Starts the binary with more flags of `controlplane up`, and waits until it says where its kubeconfig
/// is.
pub(super) fn start(binary: &Path, flags: &[&str]) -> Result<(PathBuf, Plane), String> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("run-{}-{next}", std::process::id());
    let stderr_path = target().join(format!("{name}.stderr"));
    let stderr = File::create(&stderr_path).map_err(|error| format!("{name}.stderr: {error}"))?;
    let mut child = Command::new(binary)
        .args(["up", "--rm", "--dir"])
        .arg(target().join(&name))
        .args(flags)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(stderr)
        .spawn()
        .map_err(|error| format!("{} cannot be started: {error}", binary.display()))?;
    let stdout = child.stdout.take();
    let plane = Plane { child };
    let line = stdout
        .map(|stdout| first_line(stdout, START_LIMIT))
        .unwrap_or_default();
    let said: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
    let Some(kubeconfig) = said.get("kubeconfig").and_then(serde_json::Value::as_str) else {
        drop(plane);
        let mut why = String::new();
        let read = File::open(&stderr_path).and_then(|mut file| file.read_to_string(&mut why));
        return Err(format!(
            "the control plane did not start ({read:?} bytes of reasons): {why}"
        ));
    };
    // The file is open in the child; without a name it vanishes together with it.
    drop(fs::remove_file(&stderr_path));
    Ok((PathBuf::from(kubeconfig), plane))
}

/// The first line of a stream, or nothing if it does not come in time.
fn first_line(stream: impl std::io::Read + Send + 'static, limit: Duration) -> String {
    let (sender, receiver) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut line = String::new();
        drop(BufReader::new(stream).read_line(&mut line));
        drop(sender.send(line));
    });
    let line = receiver.recv_timeout(limit).unwrap_or_default();
    drop(reader);
    line
}
