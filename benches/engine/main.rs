//! The engine on the real control plane, beside a raw client that does the least one can do for the same
//! bytes, in alternation, so that both meet the same machine.
//!
//! `cargo bench --bench engine [-- plan|apply|health|offline|process|render|controller]`. Every figure is a median; the
//! exit code says whether all limits hold. Needs Go, like the tests, and stops what it starts.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a bench fails by panicking, prints its table, and starts processes on files of its own"
)]

mod apply;
mod bed;
mod controller;
#[path = "../../tests/it/githost.rs"]
#[expect(dead_code, reason = "the tests make it misbehave")]
mod githost;
mod health;
#[path = "../../tests/it/bed/history.rs"]
mod history;
#[expect(dead_code, reason = "the bench hides nothing behind TLS")]
#[path = "../../tests/it/loopback.rs"]
mod loopback;
mod objects;
mod offline;
mod plan;
#[path = "../language/process.rs"]
#[expect(dead_code, reason = "the benches of the language use all of it")]
mod process;
#[path = "../../tests/it/bed/program.rs"]
mod program;
#[path = "../language/project.rs"]
#[expect(dead_code, reason = "the benches of the language use all of it")]
mod project;
mod raw;
mod render;
mod table;
mod timed;
mod whole;

use std::process::ExitCode;

/// Most rounds that may be asked for.
const MOST_ROUNDS: usize = 25;

type Part = (&'static str, fn(usize) -> bool);

fn main() -> ExitCode {
    drop(rustls::crypto::ring::default_provider().install_default());
    let mut rounds = 5;
    let mut wanted = Vec::new();
    for argument in std::env::args().skip(1) {
        match argument.strip_prefix("--rounds=") {
            Some(count) => rounds = count.parse::<usize>().unwrap().clamp(1, MOST_ROUNDS),
            None if argument.starts_with('-') => {}
            None => wanted.push(argument),
        }
    }
    let parts: [Part; 7] = [
        ("plan", plan::rows),
        ("apply", apply::rows),
        ("health", health::rows),
        ("offline", offline::rows),
        ("process", whole::rows),
        ("render", render::rows),
        ("controller", controller::rows),
    ];
    let mut good = true;
    for (name, part) in parts {
        if wanted.is_empty() || wanted.iter().any(|w| *w == name) {
            println!("\n`cargo bench --bench engine -- {name}`\n");
            good &= part(rounds);
        }
    }
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
