//! Encrypted values that cannot be decrypted where the plan is made.

use crate::plan::check::Input;
use crate::plan::{Finding, Level, Rule};

/// What is to be written stays as it is, and what is there is not known to be right.
pub(super) fn unopened(input: Input<'_>) -> Vec<Finding> {
    let closed = &input.context.world.unopened;
    let found = input.drafts.iter().filter_map(|draft| {
        let file = closed.get(&draft.key).filter(|_| draft.desired.is_some())?;
        let (level, then) = match draft.action.writes() {
            true => (Level::Error, "so nothing is written"),
            false => (Level::Notice, "so they are not compared with what is live"),
        };
        let message = format!(
            "its values are encrypted in `{}` and {}, {then}",
            file.path, file.why
        );
        Some(draft.finding(level, Rule::Sealed, message).help(&file.help))
    });
    found.collect()
}
