//! Memberships that end: when they will, and that they did.

use serde_json::Value;

use crate::plan::check::Input;
use crate::plan::draft::Draft;
use crate::plan::ended::{Ending, endings, is_of, subjects};
use crate::plan::{Action, Finding, Level, Rule};

/// What is said about each binding that is written.
pub(super) fn ends(input: Input<'_>) -> Vec<Finding> {
    let written = input.drafts.iter().filter(|draft| draft.action.writes());
    written.flat_map(of_binding).collect()
}

fn of_binding(draft: &Draft<'_>) -> Vec<Finding> {
    let Some(desired) = draft.desired else {
        return Vec::new();
    };
    let body = &desired.manifest.body;
    let (mut left, mut gone): (Vec<Ending<'_>>, Vec<Ending<'_>>) = (Vec::new(), Vec::new());
    for ending in endings(&draft.key, body) {
        let stands = subjects(body)
            .iter()
            .any(|subject| is_of(subject, ending.name));
        if stands {
            left.push(ending);
        } else {
            gone.push(ending);
        }
    }
    let words = |endings: &[Ending<'_>]| {
        let each = endings
            .iter()
            .map(|e| format!("{} on {}", e.name, e.written));
        each.collect::<Vec<_>>().join(", ")
    };
    let mut found = Vec::new();
    if !left.is_empty() {
        found.push(draft.finding(
            Level::Notice,
            Rule::Ends,
            format!("it will end for {}", words(&left)),
        ));
    }
    if !gone.is_empty() {
        let rule = if only_leave(draft, &gone) {
            Rule::Ended
        } else {
            Rule::Ends
        };
        let finding = draft.finding(
            Level::Notice,
            rule,
            format!("it has ended for {}", words(&gone)),
        );
        found.push(finding.help("take the member out of the file, or write another `until`"));
    }
    found
}

/// Whether the write does nothing but take out subjects whose time is over: who else goes is a change of Git.
fn only_leave(draft: &Draft<'_>, gone: &[Ending<'_>]) -> bool {
    let (Action::Update { changes, .. }, Some(live), Some(desired)) =
        (&draft.action, draft.live, draft.desired)
    else {
        return false;
    };
    let before = subjects(&live.body);
    let after = subjects(&desired.manifest.body);
    let within = |pointer: &str| pointer == "/subjects" || pointer.starts_with("/subjects/");
    let is_over = |subject: &Value| gone.iter().any(|ending| is_of(subject, ending.name));
    let mut leaving = before.iter().filter(|subject| !after.contains(subject));
    !changes.is_empty()
        && changes.iter().all(|change| within(&change.pointer))
        && after.len() < before.len()
        && after.iter().all(|subject| before.contains(subject))
        && leaving.all(is_over)
}
