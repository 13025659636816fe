//! Problems as GitHub workflow commands, which the runner shows on the lines of a pull request.
//!
//! GitHub keeps ten errors and ten warnings of a step and drops the rest without a word. So the most
//! telling ones come first, and where some do not fit, the tenth says how many more there are.

use std::collections::BTreeMap;

use super::escape;
use super::human::only_in;
use super::places::Places;
use crate::dsl::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::source::{FileId, SourceTree};

/// Annotations of one level that GitHub shows for a step.
const LIMIT: usize = 10;

/// The problems as workflow commands, one per line.
pub fn github(diagnostics: &Diagnostics, tree: &SourceTree) -> String {
    let places = Places::new(diagnostics, tree);
    let left_out: usize = diagnostics.left_out.values().sum();
    let (errors, warnings) = if diagnostics.has_errors() {
        (left_out, 0)
    } else {
        (0, left_out)
    };
    let mut lines = commands(diagnostics, &places, Severity::Error, errors);
    lines.extend(commands(diagnostics, &places, Severity::Warning, warnings));
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}

/// The commands of one severity; `hidden` problems are known by number only.
fn commands(
    diagnostics: &Diagnostics,
    places: &Places<'_>,
    severity: Severity,
    hidden: usize,
) -> Vec<String> {
    let all = by_importance(diagnostics, severity);
    let shown = if all.len() + hidden > LIMIT {
        all.len().min(LIMIT - 1)
    } else {
        all.len()
    };
    let mut lines: Vec<String> = all[..shown].iter().map(|d| command(d, places)).collect();
    let more = all.len() - shown + hidden;
    if more > 0 {
        let text = format!("and {more} more; `kubemate validate` lists all of them");
        lines.push(format!("::{} title=kubemate::{text}", name(severity)));
    }
    lines
}

/// Problems of the whole repository, then the first of each file, then the second of each.
fn by_importance(diagnostics: &Diagnostics, severity: Severity) -> Vec<&Diagnostic> {
    let mut seen = BTreeMap::<FileId, usize>::new();
    let chosen = diagnostics.iter().filter(|d| d.severity == severity);
    let mut ranked: Vec<(usize, &Diagnostic)> = chosen
        .map(|diagnostic| match &diagnostic.primary {
            None => (0, diagnostic),
            Some(label) => {
                let rank = seen.entry(label.span.file).or_default();
                *rank += 1;
                (*rank, diagnostic)
            }
        })
        .collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked
        .into_iter()
        .map(|(_, diagnostic)| diagnostic)
        .collect()
}

fn name(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn command(diagnostic: &Diagnostic, places: &Places<'_>) -> String {
    let mut properties = Vec::new();
    if let Some(label) = &diagnostic.primary {
        properties.push(("file", places.path(label.span.file).into_owned()));
        if let Some((start, end)) = places.ends(label.span) {
            properties.push(("line", start.line.to_string()));
            properties.push(("endLine", end.line.to_string()));
            if start.line == end.line {
                properties.push(("col", start.column.to_string()));
                properties.push(("endColumn", end.column.to_string()));
            }
        }
    }
    properties.push(("title", diagnostic.code.to_string()));
    let properties: Vec<_> = properties
        .iter()
        .map(|(key, value)| format!("{key}={}", property(value)))
        .collect();
    format!(
        "::{} {}::{}",
        name(diagnostic.severity),
        properties.join(","),
        message(diagnostic)
    )
}

/// What is wrong, where it shows and how to mend it, one line each.
fn message(diagnostic: &Diagnostic) -> String {
    let label = diagnostic.primary.as_ref().map(|label| label.text.clone());
    let mut lines = vec![diagnostic.message.clone()];
    lines.extend(label.filter(|text| !text.is_empty()));
    lines.extend(only_in(&diagnostic.environments));
    lines.extend(diagnostic.help.iter().map(|text| format!("help: {text}")));
    lines.extend(
        diagnostic
            .fixes
            .iter()
            .map(|fix| format!("help: {}", fix.title)),
    );
    let lines: Vec<_> = lines.iter().map(|line| data(line)).collect();
    lines.join("%0A")
}

/// Text of a command: one line whatever it holds.
fn data(text: &str) -> String {
    escape::line(text).replace('%', "%25")
}

/// A value among properties, which end at `,` or `:`.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
