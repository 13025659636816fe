//! One sound chunk to a KDL document: the only door to the `kdl` crate.
//!
//! The chunk is checked again before the parser sees it, and comments and everything that `/-`
//! removes are replaced by spaces, because their number and nesting is what costs that parser time
//! and stack. The wording of the parser is never shown.

use std::ops::Range;

use super::codes;
use super::diagnostic::Diagnostics;
use super::scan::report::Report;
use super::scan::{blocks, grammar, lint};
use crate::source::FileId;

/// Parses one chunk of a file, as [`super::scan::scan`] cut it.
///
/// The spans of the document count from the start of the chunk; those of the diagnostics from the
/// start of the file. The document holds no comments: text is edited by span, not through it.
pub fn parse(
    file: FileId,
    text: &str,
    chunk: Range<usize>,
) -> Result<kdl::KdlDocument, Diagnostics> {
    let source = text.get(chunk.clone()).unwrap_or_default();
    let mut report = Report::new(file, source, chunk.start);
    let Some(plain) = checked(&mut report) else {
        return Err(report.finish());
    };
    match kdl::KdlDocument::parse_v2(&plain) {
        Ok(document) => Ok(document),
        Err(error) => {
            for fault in error.diagnostics {
                unforeseen(&mut report, fault.span.offset(), fault.span.len());
            }
            Err(report.finish())
        }
    }
}

/// The text with comments and removed parts blanked, if nothing is wrong with it.
fn checked(report: &mut Report<'_>) -> Option<String> {
    let tokens = super::scan::tokens_within_limit(report)?;
    lint(report, &tokens);
    blocks::split(report, &tokens);
    if !report.is_clean() {
        return None;
    }
    let nothing = grammar::check(report, &tokens);
    report.is_clean().then(|| blanked(report.text, &nothing))
}

/// Bytes keep their places, so that spans stay true.
fn blanked(text: &str, nothing: &[Range<usize>]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for range in nothing {
        if let Some(part) = bytes.get_mut(range.clone()) {
            part.fill(b' ');
        }
    }
    String::from_utf8(bytes).unwrap_or_default()
}

/// An error that the checks before did not foresee.
fn unforeseen(report: &mut Report<'_>, start: usize, len: usize) {
    let start = start.min(report.text.len());
    let end = (start + len).min(report.text.len());
    let found = report
        .error(codes::SYNTAX, start..end, "this is not valid KDL")
        .help("a node is a name, then values and `name=value` properties, then `{ … }`");
    report.push(found);
}
