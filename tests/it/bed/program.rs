//! Programs of the bed that are written in Go: built once for each state of their sources, started,
//! and gone when the pipe to them closes.
//!
//! A binary is kept under `target/NAME`; processes that want it at the same time wait for one build.
//! It must never leave a process behind. Tests and benches share it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

const START_LIMIT: Duration = Duration::from_mins(5);
const BUILT_KEPT: usize = 2;

/// A program in a folder of `tests`. Started with `up --rm --dir DIR` it prints one line of JSON when
/// it is ready, and it ends when its standard input closes.
pub(super) struct Program {
    /// The folder of its sources, and of its binaries under `target`.
    pub(super) folder: &'static str,
    /// The package that is built: that of the folder, or one of a module that it names.
    pub(super) package: &'static str,
    pub(super) ldflags: &'static str,
    pub(super) tags: &'static str,
}

/// A running program: it lives as long as the pipe to it.
pub(super) struct Running {
    child: Child,
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        drop(self.child.wait());
    }
}

/// Whether anything written in Go can be built.
pub(super) fn go_is_here() -> bool {
    let mut go = Command::new("go");
    go.arg("version")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    go.status().is_ok_and(|status| status.success())
}

impl Program {
    fn target(&self) -> PathBuf {
        let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
        temporary.parent().unwrap_or(temporary).join(self.folder)
    }

    /// The binary for the present sources, built where it is missing.
    pub(super) fn build(&self) -> Result<PathBuf, String> {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
        let (sources, target) = (tests.join(self.folder), self.target());
        fs::create_dir_all(&target).map_err(|error| format!("{}: {error}", target.display()))?;
        let binary = target.join(format!("{}-{}", self.folder, self.digest(&sources)?));
        let lock = File::create(target.join("lock")).map_err(|error| format!("lock: {error}"))?;
        lock.lock().map_err(|error| format!("lock: {error}"))?;
        if binary.is_file() {
            return Ok(binary);
        }
        self.forget_old_builds(&target);
        let fresh = target.join("fresh");
        let output = Command::new("go")
            .args(["build", "-trimpath", "-buildvcs=false"])
            .args(["-ldflags", self.ldflags, "-tags", self.tags, "-o"])
            .arg(&fresh)
            .arg(self.package)
            .current_dir(&sources)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("go build cannot be started: {error}"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{} cannot be built: {said}", sources.display()));
        }
        fs::rename(&fresh, &binary).map_err(|error| format!("{}: {error}", binary.display()))?;
        Ok(binary)
    }

    /// A digest over everything that the binary is built from.
    fn digest(&self, sources: &Path) -> Result<String, String> {
        let problem = |error| format!("{}: {error}", sources.display());
        let mut files = BTreeSet::new();
        for entry in fs::read_dir(sources).map_err(problem)? {
            let path = entry.map_err(problem)?.path();
            let end = path.extension();
            if end.is_some_and(|end| end == "go" || end == "mod" || end == "sum") {
                files.insert(path);
            }
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.ldflags.as_bytes());
        hasher.update(self.tags.as_bytes());
        for path in files {
            hasher.update(path.as_os_str().as_encoded_bytes());
            let text = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            hasher.update(&text);
        }
        Ok(hasher.finalize().to_hex().chars().take(16).collect())
    }

    /// Keeps the latest builds, so that switching branches is cheap and the disk does not fill up.
    fn forget_old_builds(&self, target: &Path) {
        let Ok(entries) = fs::read_dir(target) else {
            return;
        };
        let prefix = format!("{}-", self.folder);
        let mut built: Vec<_> = entries
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        built.sort();
        let surplus = built.len().saturating_sub(BUILT_KEPT);
        for (_, path) in built.into_iter().take(surplus) {
            drop(fs::remove_file(path));
        }
    }

    /// Starts the binary with more flags and waits for the line in which it says where it is.
    pub(super) fn start(&self, binary: &Path, flags: &[&str]) -> Result<(Value, Running), String> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("run-{}-{next}", std::process::id());
        let stderr_path = self.target().join(format!("{name}.stderr"));
        let stderr =
            File::create(&stderr_path).map_err(|error| format!("{name}.stderr: {error}"))?;
        let mut child = Command::new(binary)
            .args(["up", "--rm", "--dir"])
            .arg(self.target().join(&name))
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .map_err(|error| format!("{} cannot be started: {error}", binary.display()))?;
        let stdout = child.stdout.take();
        let running = Running { child };
        let line = stdout
            .map(|stdout| first_line(stdout, START_LIMIT))
            .unwrap_or_default();
        let said: Value = serde_json::from_str(&line).unwrap_or_default();
        if !said.is_object() {
            drop(running);
            let mut why = String::new();
            let read = File::open(&stderr_path).and_then(|mut file| file.read_to_string(&mut why));
            return Err(format!(
                "{} did not start ({read:?} bytes of reasons): {why}",
                binary.display()
            ));
        }
        // The file is open in the child; without a name it vanishes together with it.
        drop(fs::remove_file(&stderr_path));
        Ok((said, running))
    }
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
