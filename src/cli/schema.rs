//! `kubemate schema`: the JSON Schema of a kind, or the names of all kinds.

use super::{Exit, Failure, output};
use crate::dsl::check::closest;
use crate::kinds;

/// Print the JSON Schema of a kind, or list the kinds.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The kind, as in `app`.
    kind: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let names = || kinds::NAMES.iter().copied().chain(["project"]);
    let Some(kind) = &arguments.kind else {
        output::print(&names().map(|n| format!("{n}\n")).collect::<String>());
        return Ok(Exit::Ok);
    };
    let schema = if kind == "project" {
        kinds::project::schema()
    } else {
        kinds::schema(kind)
    };
    let Some(schema) = schema else {
        let help = match closest(kind, names()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("kinds: {}", names().collect::<Vec<_>>().join(", ")),
        };
        return Err(Failure::Usage {
            message: format!("there is no kind `{kind}`"),
            help,
        });
    };
    output::print(&format!("{:#}\n", schema.json));
    Ok(Exit::Ok)
}
