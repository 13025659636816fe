//! What the `kdl` crate alone needs: this program, started again, reads every file of a directory and
//! parses it whole, on as many threads as `kubemate` uses, and does nothing else.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::project;

/// The argument that asks for it.
pub(crate) const ARGUMENT: &str = "kdl-alone";

/// The process to start.
pub(crate) fn command(root: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg(ARGUMENT).arg(root).env_clear();
    command
}

/// The work of that process.
pub(crate) fn work(root: &Path) {
    let files = project::files(root);
    let next = AtomicUsize::new(0);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let text = fs::read_to_string(path).unwrap();
                    drop(kdl::KdlDocument::parse_v2(&text).unwrap());
                }
            });
        }
    });
}
