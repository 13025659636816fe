//! `kubemate audit`: read the trails that the controller writes.

use std::path::PathBuf;

use super::{Exit, Failure, output};
use crate::adapters::disk;
use crate::report::audit::{self, Event, Line};
use crate::report::diagnostics::escape;

/// Read audit trails.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Check that no line was changed, added or taken out.
    Verify {
        /// The trail.
        file: PathBuf,
        /// The digest that the trail must end with, as an earlier check named it: it proves that nothing
        /// was cut off.
        #[arg(long, value_name = "DIGEST")]
        ends_with: Option<String>,
    },
    /// Print what was done, after checking it.
    Export {
        /// The trail.
        file: PathBuf,
        /// This set only, as in hq/payments/prod.
        #[arg(long, value_name = "SET")]
        set: Option<String>,
        /// How to print.
        #[arg(short, long, value_enum, default_value = "text")]
        output: Format,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// One line for each attempt, for people.
    Text,
    /// The lines as they are.
    Json,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let (Command::Verify { file, .. } | Command::Export { file, .. }) = &arguments.command;
    let text = disk::read_text(file)?;
    let (lines, end) = match audit::read(&text) {
        Ok(read) => read,
        Err(broken) => {
            let shown = file.display();
            output::note(&escape::line(&format!("{shown} is broken at {broken}")));
            return Ok(Exit::Invalid);
        }
    };
    match &arguments.command {
        Command::Verify { ends_with, .. } => {
            output::print(&format!(
                "{} lines, ends with {}\n",
                end.lines(),
                end.digest()
            ));
            let cut = ends_with
                .as_ref()
                .is_some_and(|digest| digest != end.digest());
            if cut {
                output::note("it does not end with that digest: lines were cut off or added");
            }
            Ok(if cut { Exit::Invalid } else { Exit::Ok })
        }
        Command::Export { set, output, .. } => {
            let wanted = |line: &&Line| set.as_ref().is_none_or(|set| line.entry.set == *set);
            for line in lines.iter().filter(wanted) {
                output::print(&match output {
                    Format::Text => format!("{}\n", escape::line(&told(line))),
                    Format::Json => serde_json::to_string(line).unwrap_or_default() + "\n",
                });
            }
            Ok(Exit::Ok)
        }
    }
}

/// A line for people.
fn told(line: &Line) -> String {
    let entry = &line.entry;
    let what = match entry.event {
        Event::Begun => format!("begins {} changes", entry.objects.len()),
        Event::Held => format!("holds {} changes", entry.held.len()),
        Event::Ended => {
            let done = entry.objects.values().filter(|o| *o == "done").count();
            format!("did {done} of {} changes", entry.objects.len())
        }
    };
    let commit = entry.commit.get(..12).unwrap_or(&entry.commit);
    let agreed = entry.agreed.iter().map(|agreement| {
        format!(
            "#{} by {}, agreed by {}",
            agreement.pull,
            agreement.author,
            agreement.approvers.join(", ")
        )
    });
    let mut parts = vec![format!(
        "{} {} {commit} {}: {what}",
        line.at, entry.set, entry.by
    )];
    parts.extend(agreed);
    parts.extend(entry.failure.clone());
    parts.join("; ")
}
