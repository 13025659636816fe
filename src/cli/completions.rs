//! `kubemate completions`: what a shell needs to complete commands and flags.

use clap::CommandFactory;

use super::{Exit, Failure, output};

/// Print completions for a shell.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The shell.
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

#[expect(clippy::unnecessary_wraps, reason = "every command has this shape")]
pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut super::Arguments::command(),
        "kubemate",
        &mut text,
    );
    output::print(&String::from_utf8_lossy(&text));
    Ok(Exit::Ok)
}
