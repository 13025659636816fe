//! The controller as a process, on the real control plane and a Git host on loopback: what it costs at
//! rest, after a restart, for each change, with many Syncs, beside a tenant that is loud, and over time.
//!
//! `cargo bench --bench engine -- controller [--only=PART,…]`, where PART is `drift`, `push`, `restart`,
//! `template`, `idle` (these five share one project; `keep` is all of them), `syncs`, `noisy`, or `soak`,
//! which runs only if it is named. Smaller or larger: `--objects=10000 --changes=500 --pushes=11 --idle=10m
//! --syncs=1000 --minutes=60`. `--other=PATH` is the program for `template`.

mod counting;
mod kept;
mod many;
mod noisy;
mod place;
mod running;
mod soak;

use std::time::Duration;

use crate::bed::runtime;

/// The parts that share one project.
const KEEP: [&str; 5] = ["drift", "push", "restart", "template", "idle"];

/// How much of everything.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    /// Objects of the project, more or less.
    objects: usize,
    /// For how long it is at rest.
    idle: Duration,
    /// Objects that are changed by hand, one after the other.
    changes: usize,
    /// Commits of one changed line.
    pushes: usize,
    /// Syncs of four objects each.
    syncs: usize,
    /// For how long it runs among faults, in minutes.
    minutes: usize,
}

/// What stands behind a name among the arguments.
fn argument(name: &str) -> Option<String> {
    let mut all = std::env::args();
    all.find_map(|argument| argument.strip_prefix(name).map(str::to_owned))
}

fn number(name: &str, usual: usize) -> usize {
    argument(name).map_or(usual, |text| text.parse().unwrap())
}

/// A time, as in `60s` or `10m`; seconds without a letter.
fn time(name: &str, usual: Duration) -> Duration {
    let Some(text) = argument(name) else {
        return usual;
    };
    let count = |text: &str| text.parse::<u64>().unwrap();
    match (text.strip_suffix('m'), text.strip_suffix('s')) {
        (Some(minutes), _) => Duration::from_secs(count(minutes) * 60),
        (None, seconds) => Duration::from_secs(count(seconds.unwrap_or(&text))),
    }
}

/// Whether a part is asked for.
fn asked(part: &str) -> bool {
    let Some(only) = argument("--only=") else {
        return part != "soak";
    };
    let mut named = only.split(',');
    named.any(|name| name == part || name == "keep" && KEEP.contains(&part))
}

pub(crate) fn rows(_rounds: usize) -> bool {
    let sizes = Sizes {
        objects: number("--objects=", 10_000),
        idle: time("--idle=", Duration::from_mins(10)),
        changes: number("--changes=", 500),
        pushes: number("--pushes=", 11),
        syncs: number("--syncs=", 1_000),
        minutes: number("--minutes=", 60),
    };
    println!("| what | figure | asked |");
    println!("|---|---|---|");
    let mut good = true;
    if KEEP.into_iter().any(asked) {
        good &= runtime().block_on(kept::rows(sizes));
    }
    if asked("syncs") {
        good &= runtime().block_on(many::rows(sizes));
    }
    if asked("noisy") {
        good &= runtime().block_on(noisy::rows(sizes));
    }
    if asked("soak") {
        good &= runtime().block_on(soak::rows(sizes));
    }
    good
}

/// One row; whether its limit holds.
fn row(what: &str, figure: &str, asked: &str, kept: bool) -> bool {
    println!(
        "| {what} | {figure}{} | {asked} |",
        crate::table::over(kept)
    );
    kept
}

/// The one in the middle and the one that 99 of 100 are not above.
fn middle_and_p99(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort();
    (times[times.len() / 2], times[(times.len() - 1) * 99 / 100])
}

/// Memory of a process now and at its highest.
fn memory(controller: &running::Controller) -> String {
    let (now, highest) = controller.memory();
    format!("{} MiB, {} MiB", now / 1024, highest / 1024)
}
