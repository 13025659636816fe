//! A command as one trace, where a collector is named. What becomes of the trace changes nothing of how the
//! command ends.

use tracing::field::Empty;

use super::{Exit, Failure, output};
use crate::telemetry::{Log, Telemetry};

/// Runs a command within a span of its name.
pub(super) fn run(
    name: &'static str,
    command: impl FnOnce() -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    let telemetry = Telemetry::start(Log::None);
    let span = tracing::info_span!(
        "command",
        otel.name = name,
        outcome = Empty,
        otel.status_code = Empty
    );
    telemetry.adopt(&span);
    let ended = span.in_scope(command);
    let exit = match &ended {
        Ok(exit) => *exit,
        Err(failure) => failure.exit(),
    };
    span.record("outcome", exit.word());
    if !matches!(exit, Exit::Ok | Exit::Changes) {
        span.record("otel.status_code", "ERROR");
    }
    drop(span);
    if let Err(why) = telemetry.end() {
        output::note(&format!("not all traces were sent: {why}"));
    }
    ended
}
