//! What stands above an imported resource: where it is not what it was.

use std::fmt::Write as _;

use serde_json::Value;

use super::{Difference, Resource, What, named};
use crate::object::ObjectKey;
use crate::plan::diff::Shown;

/// Longest value that is shown whole.
const SHOWN: usize = 80;

/// The comment above a resource; empty where there is nothing to say.
pub(super) fn comment(resource: &Resource) -> String {
    let mut lines: Vec<String> = resource.notes.clone();
    lines.extend(resource.renamed.iter().map(|one| format!("renamed: {one}")));
    lines.extend(resource.added.iter().map(|one| format!("new: {one}")));
    lines.extend(resource.differences.iter().map(line));
    lines.iter().fold(String::new(), |mut out, line| {
        writeln!(out, "// {}", visible(line)).unwrap_or_default();
        out
    })
}

/// A difference in one line.
pub(super) fn line(one: &Difference) -> String {
    let Difference {
        object,
        path,
        before,
        after,
        ..
    } = one;
    match one.what {
        What::Lost => format!("lost: {object} {path} was {}", value(before)),
        What::Changed => format!(
            "changed: {object} {path} was {}, is {}",
            value(before),
            value(after)
        ),
        What::Added => format!("added: {object} {path} is {}", value(after)),
        What::Safer => format!("safer: {object} {path} is {}", value(after)),
    }
}

fn value(shown: &Shown) -> String {
    match shown {
        Shown::Absent => "absent".to_owned(),
        Shown::Masked => "masked".to_owned(),
        Shown::Plain(value) => {
            let text = value.to_string();
            match text.char_indices().nth(SHOWN) {
                Some((end, _)) => format!("{}…", &text[..end]),
                None => text,
            }
        }
    }
}

/// A line that no text in it can break, hide or reorder.
pub(super) fn visible(line: &str) -> String {
    line.chars()
        .map(|c| {
            if c.is_control() || is_hidden(c) {
                '?'
            } else {
                c
            }
        })
        .collect()
}

fn is_hidden(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
}

/// A field of an object in another form that nothing says.
pub(super) fn lost(key: &ObjectKey, pointer: &str, body: Option<&Value>) -> Difference {
    let value = body.and_then(|body| body.pointer(pointer)).cloned();
    let path = pointer
        .trim_start_matches('/')
        .replace('/', ".")
        .replace("~1", "/")
        .replace("~0", "~");
    Difference {
        object: named(key),
        path,
        what: What::Lost,
        before: value.map_or(Shown::Absent, Shown::Plain),
        after: Shown::Absent,
    }
}
