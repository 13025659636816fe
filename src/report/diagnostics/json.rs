//! Problems for programs. The wire types here are the contract; `schema/diagnostics.json` is
//! generated from them. Internal types may change, these only grow.

use schemars::JsonSchema;
use serde::Serialize;

use super::escape;
use super::places::{Places, Position};
use crate::dsl::diagnostic::{Diagnostic, Diagnostics, Fix, Severity, Span};
use crate::source::SourceTree;

/// Grows by a minor number when fields are added, by a major one when something is taken away.
const FORMAT_VERSION: &str = "1.0";

/// Everything that is wrong with one revision of a repository.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "kubemate diagnostics")]
struct Report {
    /// Version of this format: readers accept every minor version of a major one they know.
    format_version: &'static str,
    /// How much there is.
    summary: Summary,
    /// The problems, by file and place.
    diagnostics: Vec<Problem>,
    /// Files with more problems than are listed.
    left_out: Vec<LeftOut>,
}

/// Counts of what is listed.
#[derive(Debug, Serialize, JsonSchema)]
struct Summary {
    /// Problems that make the revision unusable.
    errors: usize,
    /// Problems that should be mended.
    warnings: usize,
    /// Problems beyond those listed.
    left_out: usize,
}

/// A file with more problems than are listed.
#[derive(Debug, Serialize, JsonSchema)]
struct LeftOut {
    /// Path in the repository.
    path: String,
    /// How many are missing here.
    count: usize,
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Level {
    /// The revision cannot be used.
    Error,
    /// It works today and should be changed.
    Warning,
}

/// One problem.
#[derive(Debug, Serialize, JsonSchema)]
struct Problem {
    /// Stable code, as in `KM0201`; `kubemate explain CODE` says more.
    code: String,
    /// How bad it is.
    severity: Level,
    /// What is wrong and why.
    message: String,
    /// Where; absent for problems of the repository as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<Location>,
    /// Other places that explain it.
    related: Vec<Location>,
    /// How to mend it, in words.
    help: Vec<String>,
    /// How to mend it, as edits.
    fixes: Vec<Edit>,
    /// The environments it shows in; empty means all.
    environments: Vec<String>,
}

/// A place with a few words about it.
#[derive(Debug, Serialize, JsonSchema)]
struct Location {
    /// Path in the repository.
    path: String,
    /// First character and the one after the last; absent where the file has no readable text.
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<Range>,
    /// The words, where there are some.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
}

/// From a character up to, not including, another.
#[derive(Debug, Serialize, JsonSchema)]
struct Range {
    /// The first character.
    start: Position,
    /// The one after the last.
    end: Position,
}

/// A change of text.
#[derive(Debug, Serialize, JsonSchema)]
struct Edit {
    /// What it does.
    title: String,
    /// Whether it may be applied without a person looking at it.
    safe: bool,
    /// What is replaced; an empty range inserts.
    location: Location,
    /// What stands there afterwards.
    replacement: String,
}

/// The problems as one JSON document, hidden characters written as `\uXXXX`.
pub fn json(diagnostics: &Diagnostics, tree: &SourceTree) -> String {
    let places = Places::new(diagnostics, tree);
    let count = |severity| {
        diagnostics
            .iter()
            .filter(|d| d.severity == severity)
            .count()
    };
    let left_out = diagnostics.left_out.iter();
    let report = Report {
        format_version: FORMAT_VERSION,
        summary: Summary {
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            left_out: diagnostics.left_out.values().sum(),
        },
        diagnostics: diagnostics.iter().map(|d| problem(d, &places)).collect(),
        left_out: left_out
            .map(|(file, count)| LeftOut {
                path: places.path(*file).into_owned(),
                count: *count,
            })
            .collect(),
    };
    pretty(&report)
}

/// Indented, inert on a terminal, with a line break at the end.
pub(super) fn pretty(value: &impl Serialize) -> String {
    // Fails only for maps with keys that are not text, of which no wire type has one.
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    escape::json(&text) + "\n"
}

/// The JSON Schema of what [`json`] writes.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Report).to_value()
}

fn problem(diagnostic: &Diagnostic, places: &Places<'_>) -> Problem {
    let primary = diagnostic.primary.as_ref();
    Problem {
        code: diagnostic.code.to_string(),
        severity: match diagnostic.severity {
            Severity::Error => Level::Error,
            Severity::Warning => Level::Warning,
        },
        message: diagnostic.message.clone(),
        location: primary.map(|l| location(l.span, &l.text, places)),
        related: diagnostic
            .related
            .iter()
            .map(|l| location(l.span, &l.text, places))
            .collect(),
        help: diagnostic.help.clone(),
        fixes: diagnostic
            .fixes
            .iter()
            .map(|fix| edit(fix, places))
            .collect(),
        environments: diagnostic.environments.clone(),
    }
}

fn location(span: Span, label: &str, places: &Places<'_>) -> Location {
    let range = places.ends(span).map(|(start, end)| Range { start, end });
    let label = (!label.is_empty()).then(|| label.to_owned());
    Location {
        path: places.path(span.file).into_owned(),
        range,
        label,
    }
}

fn edit(fix: &Fix, places: &Places<'_>) -> Edit {
    Edit {
        title: fix.title.clone(),
        safe: fix.safe,
        location: location(fix.span, "", places),
        replacement: fix.text.clone(),
    }
}
