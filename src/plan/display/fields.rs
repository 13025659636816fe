//! Changed fields as lines: what goes with `-`, what comes with `+`, context without a sign.

use similar::{ChangeTag, TextDiff};

use crate::plan::diff::{FieldChange, Shown};
use crate::plan::mask::MASK;

/// Unchanged lines shown around a change inside of a long text.
const CONTEXT: usize = 2;
/// Most lines shown of one field.
const MAX_LINES: usize = 60;

/// One line of a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// `-`, `+` or a space.
    pub sign: char,
    /// The text, not escaped.
    pub text: String,
}

/// The lines of one changed field.
pub fn lines(change: &FieldChange) -> Vec<Line> {
    let mut lines = match (&change.before, &change.after) {
        (Shown::Plain(before), Shown::Plain(after)) => {
            let (before, after) = (words(before), words(after));
            if before.contains('\n') || after.contains('\n') {
                text_diff(&before, &after)
            } else {
                vec![line('-', before), line('+', after)]
            }
        }
        (before, after) => {
            let mut out = side('-', before);
            out.extend(side('+', after));
            out
        }
    };
    if lines.len() > MAX_LINES {
        let left = lines.len() - MAX_LINES;
        lines.truncate(MAX_LINES);
        lines.push(line(' ', format!("… {left} more lines")));
    }
    lines
}

fn side(sign: char, shown: &Shown) -> Vec<Line> {
    match shown {
        Shown::Absent => Vec::new(),
        Shown::Masked => vec![line(sign, MASK.to_owned())],
        Shown::Plain(value) => words(value)
            .lines()
            .map(|text| line(sign, text.to_owned()))
            .collect(),
    }
}

/// A value for reading: text of several lines as it is, structures indented, the rest as JSON.
fn words(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) if text.contains('\n') => text.clone(),
        serde_json::Value::Object(map) if map.len() > 1 => pretty(value),
        serde_json::Value::Array(items)
            if items.len() > 1 || items.iter().any(serde_json::Value::is_object) =>
        {
            pretty(value)
        }
        other => other.to_string(),
    }
}

fn pretty(value: &serde_json::Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}

fn text_diff(before: &str, after: &str) -> Vec<Line> {
    let diff = TextDiff::from_lines(before, after);
    let mut out = Vec::new();
    for (index, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if index > 0 {
            out.push(line(' ', "…".into()));
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            out.push(line(sign, change.value().trim_end_matches('\n').to_owned()));
        }
    }
    out
}

fn line(sign: char, text: String) -> Line {
    Line { sign, text }
}
