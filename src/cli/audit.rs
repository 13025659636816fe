//! `kubemate audit`: read the trails that the controller writes.

use super::{Exit, Failure, output, session};
use crate::adapters::audit::{AuditError, Trail};
use crate::report::audit::{self, Broken, End, Entry, Event, Line};
use crate::report::diagnostics::escape;

/// Read audit trails.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Check that no line was changed, added or taken out, and name the attempts that never ended.
    Verify {
        /// The trail: a file, s3://BUCKET/PREFIX/NAME, or notes/NAME for notes that were fetched.
        #[arg(value_name = "TRAIL")]
        trail: String,
        /// The digest that the trail must end with, as an earlier check named it: it proves that nothing
        /// was cut off.
        #[arg(long, value_name = "DIGEST")]
        ends_with: Option<String>,
    },
    /// Print what was done, after checking it.
    Export {
        /// The trail: a file, s3://BUCKET/PREFIX/NAME, or notes/NAME for notes that were fetched.
        #[arg(value_name = "TRAIL")]
        trail: String,
        /// This set only, as in hq/prod/payments.
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
    let (Command::Verify { trail, .. } | Command::Export { trail, .. }) = &arguments.command;
    let (lines, end) = match read(trail)? {
        Ok(read) => read,
        Err(broken) => {
            output::note(&escape::line(&format!("{trail} is broken at {broken}")));
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
            if let Some(base) = audit::before(&lines) {
                output::note(&escape::line(&format!(
                    "before line 1, {base} had been applied: its lines were put away, or taken away"
                )));
            }
            for line in audit::unfinished(&lines) {
                let text = format!("line {} has no end: {}", line.number, told(line));
                output::print(&format!("{}\n", escape::line(&text)));
            }
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
pub(super) fn told(line: &Line) -> String {
    let entry = &line.entry;
    let what = match entry.event {
        Event::Begun => format!("begins {} changes", entry.objects.len()),
        Event::Held => format!("holds {} changes", entry.held.len()),
        Event::Ended => {
            let done = entry.objects.values().filter(|o| *o == "done").count();
            format!("did {done} of {} changes", entry.objects.len())
        }
        Event::Asked => format!("asks for {}", asked(entry)),
        Event::Answered if entry.failure.is_some() => format!("is refused {}", asked(entry)),
        Event::Answered => format!("is given {}", asked(entry)),
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
    let who = [
        line.at.as_str(),
        entry.set.as_str(),
        commit,
        entry.by.as_str(),
    ];
    let who: Vec<&str> = who.into_iter().filter(|part| !part.is_empty()).collect();
    let mut parts = vec![format!("{}: {what}", who.join(" "))];
    parts.extend(agreed);
    parts.extend(entry.failure.clone());
    parts.join("; ")
}

/// What a command of a comment asks for, and where.
fn asked(entry: &Entry) -> String {
    let all = entry.objects.iter();
    let all: Vec<String> = all.map(|(at, what)| format!("{what} in {at}")).collect();
    all.join(", ")
}

/// The lines of several trails, each checked; a broken one is an error.
pub(super) fn lines_of(trails: &[String]) -> Result<Vec<Line>, Failure> {
    let mut all = Vec::new();
    for trail in trails {
        let read = read(trail)?.map_err(|broken| Failure::Declined {
            message: format!("{trail} is broken at {broken}"),
            help: "`kubemate audit verify` says more".to_owned(),
        })?;
        all.extend(read.0);
    }
    Ok(all)
}

/// A trail with its end, or where it breaks.
fn read(name: &str) -> Result<Result<(Vec<Line>, End), Broken>, Failure> {
    let read = session::runtime()?.block_on(async { Trail::named(name).await?.read().await });
    match read {
        Err(AuditError::Broken { broken, .. }) => Ok(Err(broken)),
        other => Ok(other?),
    }
}
