//! Printing: colours only where wanted, broken pipes ignored, errors with what to do about them.
#![expect(
    clippy::disallowed_methods,
    reason = "whether colours are wanted is said by the environment"
)]

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use super::{Exit, Failure};
use crate::report::diagnostics::Style;
use crate::report::diagnostics::escape;

/// Writes to standard output; a closed pipe is the reader's choice.
pub fn print(text: &str) {
    let mut out = io::stdout().lock();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

/// Writes a line about the command itself to standard error.
pub fn note(text: &str) {
    let mut out = io::stderr().lock();
    drop(writeln!(out, "{text}"));
}

/// How text for people looks on standard output.
pub fn style() -> Style {
    let set = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
    let forced = set("CLICOLOR_FORCE").is_some_and(|v| v != "0");
    let refused = set("NO_COLOR").is_some() || set("TERM").is_some_and(|t| t == "dumb");
    let color = !refused && (forced || io::stdout().is_terminal());
    let width = set("COLUMNS")
        .and_then(|c| c.parse().ok())
        .unwrap_or(Style::PLAIN.width);
    Style { color, width }
}

/// An error of the command line, or the help that was asked for.
pub fn usage(error: &clap::Error) -> ExitCode {
    drop(error.print());
    if error.use_stderr() {
        Exit::Usage.into()
    } else {
        Exit::Ok.into()
    }
}

/// An error of a command.
pub fn failure(failure: &Failure) -> ExitCode {
    if !matches!(failure, Failure::Refused) {
        note(&format!("error: {}", escape::line(&failure.to_string())));
        if let Some(help) = failure.help() {
            note(&format!("help: {}", escape::line(help)));
        }
    }
    failure.exit().into()
}
