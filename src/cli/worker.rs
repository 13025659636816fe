//! `kubemate worker`: the hidden command that judges one owner's files; see `adapters::worker`.

use std::process::ExitCode;

use crate::adapters::{judge, worker};

pub(super) fn run() -> ExitCode {
    worker::worker_main(judge::work)
}
