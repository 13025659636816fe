//! The `kubemate` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("worker") => kubemate::adapters::worker::worker_main(<[u8]>::to_vec),
        _ => ExitCode::from(64),
    }
}
