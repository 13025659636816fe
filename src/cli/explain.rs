//! `kubemate explain`: what a kind, a field or a code means.

use super::{Exit, Failure, output};
use crate::report::explain;

/// Explain a kind, a field or an error code.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A kind as in `app`, a field as in `app.autoscale`, or a code as in `KM0201`. Without it the
    /// kinds are listed.
    topic: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let text = match &arguments.topic {
        None => explain::overview(),
        Some(topic) => explain::explain(topic).map_err(|unknown| Failure::Usage {
            message: unknown.message,
            help: unknown.help,
        })?,
    };
    output::print(&text);
    Ok(Exit::Ok)
}
