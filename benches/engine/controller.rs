//! The controller as a process, on the real control plane and a Git host on loopback: what it costs at
//! rest, after a restart, for each change, and with many Syncs.
//!
//! `cargo bench --bench engine -- controller [--only=keep|syncs] [--objects=10000] [--seconds=600]
//! [--changes=500] [--pushes=11] [--syncs=1000]`.

mod counting;
mod kept;
mod many;
mod place;

use crate::bed::runtime;

/// How much of everything.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    /// Objects of the project, more or less.
    objects: usize,
    /// For how long it is at rest.
    seconds: usize,
    /// Objects that are changed by hand, one after the other.
    changes: usize,
    /// Commits of one changed line.
    pushes: usize,
    /// Syncs of four objects each.
    syncs: usize,
}

/// A number among the arguments.
fn number(name: &str, usual: usize) -> usize {
    let mut all = std::env::args();
    let text = all.find_map(|argument| argument.strip_prefix(name).map(str::to_owned));
    text.map_or(usual, |text| text.parse().unwrap())
}

pub(crate) fn rows(_rounds: usize) -> bool {
    let sizes = Sizes {
        objects: number("--objects=", 10_000),
        seconds: number("--seconds=", 600),
        changes: number("--changes=", 500),
        pushes: number("--pushes=", 11),
        syncs: number("--syncs=", 1_000),
    };
    let asked = |part: &str| {
        let mut all = std::env::args();
        let only = all.find_map(|argument| argument.strip_prefix("--only=").map(str::to_owned));
        only.is_none_or(|only| only == part)
    };
    let mut good = true;
    println!("| what | figure | asked |");
    println!("|---|---|---|");
    if asked("keep") {
        good &= runtime().block_on(kept::rows(sizes));
    }
    if asked("syncs") {
        good &= runtime().block_on(many::rows(sizes));
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
