//! `kubemate docs`: the reference pages, written from schemas, catalogue and command line. For the
//! project's own documentation; a test compares the committed pages with these.

use clap::CommandFactory;

use super::{Exit, Failure, output};
use crate::report::reference;

/// Print a page of the reference.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The page.
    #[arg(value_enum)]
    page: Page,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Page {
    /// All kinds with their fields.
    Kinds,
    /// All codes.
    Codes,
    /// All commands.
    Cli,
}

#[expect(clippy::unnecessary_wraps, reason = "every command may fail")]
pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let text = match arguments.page {
        Page::Kinds => reference::kinds(),
        Page::Codes => reference::codes(),
        Page::Cli => commands(),
    };
    output::print(&text);
    Ok(Exit::Ok)
}

/// The help of every command, also of those within others.
fn commands() -> String {
    let mut root = super::Arguments::command().term_width(96);
    root.build();
    let mut out = String::from(
        "# Commands\n\n<!-- Written by `kubemate docs`; change the source instead. -->\n\n",
    );
    out.push_str(
        "Results go to standard output, what a command says about itself to standard error.\n\n\
         | exit code | meaning |\n|---|---|\n\
         | 0 | all is well |\n| 1 | something went wrong that is not the input's fault |\n\
         | 2 | there are changes; only with `--detailed-exitcode` |\n\
         | 3 | the input is invalid, or a rule refused it |\n\
         | 4 | a saved plan no longer fits the world |\n| 5 | some steps were applied and some were not |\n\
         | 6 | everything was applied and is not healthy in time |\n| 64 | the command line itself is wrong |\n",
    );
    for command in root.get_subcommands_mut() {
        help(command, "", &mut out);
    }
    out
}

/// The help of a command, and behind it that of the commands within it.
fn help(command: &mut clap::Command, above: &str, out: &mut String) {
    if command.is_hide_set() {
        return;
    }
    let name = format!("{above}{}", command.get_name());
    let text = command.render_long_help().to_string();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let level = if above.is_empty() { "##" } else { "###" };
    out.push_str(&format!(
        "\n{level} {name}\n\n```text\n{}\n```\n",
        lines.join("\n").trim()
    ));
    let above = format!("{name} ");
    for within in command.get_subcommands_mut() {
        help(within, &above, out);
    }
}
