//! The program: arguments in, exit code out.

use std::process::ExitCode;

/// A fifth of the time of everything is memory management of small pieces (docs/performance.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    kubemate::cli::main()
}
