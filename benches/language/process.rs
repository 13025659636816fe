//! Whole processes, timed and weighed from outside.
//!
//! Memory is sampled from `/proc` while a process and everything that it started are alive: the
//! largest sum of their resident sizes at one time. Pages that several of them share are counted for
//! each, so the sum is an upper bound.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How often memory is looked at.
const SAMPLE: Duration = Duration::from_millis(1);

/// What one process did.
pub struct Ran {
    /// From before it was started until it was gone.
    pub wall: Duration,
    /// Its exit code.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

/// Peak memory in KiB.
#[derive(Debug, Clone, Copy, Default)]
pub struct Peak {
    /// Of the process and everything that it started, at the worst time.
    pub together: u64,
    /// Of the process alone.
    pub parent: u64,
    /// Of the largest process that it started.
    pub worker: u64,
}

/// `kubemate validate` on a directory, with its cache in another.
pub fn validate(root: &Path, cache: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubemate"));
    command
        .args(["validate", "--output", "json"])
        .arg(root)
        .env_clear()
        .env("XDG_CACHE_HOME", cache);
    command
}

/// Runs to the end.
pub fn run(mut command: Command) -> Ran {
    let started = Instant::now();
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    Ran {
        wall: started.elapsed(),
        code: status.code(),
        stdout: String::from_utf8_lossy(&stdout).into_owned(),
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
    }
}

/// Runs to the end and weighs on the way.
pub fn weigh(mut command: Command) -> Peak {
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut together = 0;
    let mut highest: BTreeMap<u32, u64> = BTreeMap::new();
    while child.try_wait().unwrap().is_none() {
        let family = family(child.id());
        let sizes = family.iter().map(|pid| {
            let (resident, peak) = sizes(*pid).unwrap_or_default();
            let kept = highest.entry(*pid).or_default();
            *kept = peak.max(*kept);
            resident
        });
        together = sizes.sum::<u64>().max(together);
        thread::sleep(SAMPLE);
    }
    let parent = highest.remove(&child.id()).unwrap_or_default();
    let worker = highest.into_values().max().unwrap_or_default();
    Peak {
        together: together.max(parent),
        parent,
        worker,
    }
}

/// A process and everything below it.
fn family(root: u32) -> Vec<u32> {
    let mut all = vec![root];
    let mut next = 0;
    while let Some(pid) = all.get(next).copied() {
        next += 1;
        let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
            continue;
        };
        for thread in threads.flatten() {
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            all.extend(children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
        }
    }
    all
}

/// Resident size now and at its peak.
fn sizes(pid: u32) -> Option<(u64, u64)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    Some((field("VmRSS:")?, field("VmHWM:")?))
}
