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
pub(crate) struct Ran {
    /// From before it was started until it was gone.
    pub(crate) wall: Duration,
    /// Processor time of it and of everything that it started, in steps of 10 ms.
    pub(crate) cpu: Duration,
    /// Its exit code.
    pub(crate) code: Option<i32>,
    /// What it printed.
    pub(crate) stdout: String,
    /// What it complained about.
    pub(crate) stderr: String,
}

/// Peak memory in KiB.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Peak {
    /// Of the process and everything that it started, at the worst time.
    pub(crate) together: u64,
    /// Of the process alone.
    pub(crate) parent: u64,
    /// Of the largest process that it started.
    pub(crate) worker: u64,
}

/// `kubemate validate` on a directory, with its cache in another.
pub(crate) fn validate(root: &Path, cache: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubemate"));
    command
        .args(["validate", "--output", "json"])
        .arg(root)
        .env_clear()
        .env("XDG_CACHE_HOME", cache);
    command
}

/// Runs to the end.
pub(crate) fn run(mut command: Command) -> Ran {
    let (before, started) = (cpu_of_children(), Instant::now());
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    Ran {
        wall: started.elapsed(),
        cpu: cpu_of_children().saturating_sub(before),
        code: status.code(),
        stdout: String::from_utf8_lossy(&stdout).into_owned(),
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
    }
}

/// Processor time of all children that have ended: two fields of `/proc/self/stat`, in hundredths.
fn cpu_of_children() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    // The second field is a name in parentheses and may hold anything.
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let fields: Vec<u64> = fields
        .split_whitespace()
        .map(|field| field.parse().unwrap_or_default())
        .collect();
    Duration::from_millis(10 * (fields[13] + fields[14]))
}

/// Runs to the end and weighs on the way.
pub(crate) fn weigh(mut command: Command) -> Peak {
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
            all.extend(
                children
                    .split_whitespace()
                    .filter_map(|pid| pid.parse::<u32>().ok()),
            );
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
