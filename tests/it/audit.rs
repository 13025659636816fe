//! Audit trails outside of a directory: an S3 store that checks every signature and fails in every way a
//! store can, and notes in a real Gitea. A chain has one end whoever writes it and whatever gets lost.

mod notes;
mod s3;
mod s3_sim;

use std::process::{Command, Output};

use jiff::Timestamp;
use kubemate::adapters::audit::Trail;
use kubemate::report::audit::{Entry, Event, Line};

fn now() -> Timestamp {
    "2026-05-04T10:00:00Z".parse().unwrap()
}

fn entry(commit: &str, by: &str) -> Entry {
    Entry {
        commit: commit.to_owned(),
        by: by.to_owned(),
        set: "hq/prod/web".to_owned(),
        event: Event::Held,
        ..Entry::default()
    }
}

/// The lines of a trail that is whole.
async fn lines(trail: &Trail) -> Vec<Line> {
    trail.read().await.unwrap().unwrap().0
}

fn whose(lines: &[Line]) -> Vec<&str> {
    lines.iter().map(|line| line.entry.by.as_str()).collect()
}

/// Runs `kubemate audit`.
fn audit(args: &[&str], directory: &std::path::Path, variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kubemate"))
        .arg("audit")
        .args(args)
        .current_dir(directory)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}
