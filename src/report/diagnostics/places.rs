//! Byte offsets to lines and columns, whatever a span says.
//!
//! Spans come from many stages and are not trusted here: an offset past the end, inside a character
//! or the wrong way round gives the nearest sensible place and never a panic. Lines end at `\n`;
//! columns count characters from 1; a byte order mark is not a column.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use schemars::JsonSchema;
use serde::Serialize;

use crate::dsl::diagnostic::{Diagnostics, Span};
use crate::names::conceal::passwords;
use crate::source::{FileId, SourceTree};

/// A place in a file as people count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub(super) struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters (Unicode scalar values), from 1.
    pub column: usize,
    /// Offset in bytes, from 0.
    pub offset: usize,
}

/// The lines of one file.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    pub(super) text: &'a str,
    starts: Vec<usize>,
    secrets: Vec<Range<usize>>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let after = text
            .bytes()
            .enumerate()
            .filter(|(_, b)| *b == b'\n')
            .map(|(i, _)| i + 1);
        Self {
            text,
            starts: std::iter::once(0).chain(after).collect(),
            secrets: Vec::new(),
        }
    }

    /// The parts of a range that must not be shown: passwords in URLs, and what a problem calls secret.
    pub(super) fn secrets(&self, range: &Range<usize>) -> Vec<Range<usize>> {
        let urls = passwords(&self.text[range.clone()])
            .map(|found| range.start + found.start..range.start + found.end);
        self.secrets.iter().cloned().chain(urls).collect()
    }

    /// The span inside the text and on character boundaries.
    pub(super) fn clamp(&self, range: Range<usize>) -> Range<usize> {
        let start = self.text.floor_char_boundary(range.start);
        let end = self.text.ceil_char_boundary(range.end.min(self.text.len()));
        start..end.max(start)
    }

    /// The line of an offset, from 0.
    pub(super) fn line_at(&self, offset: usize) -> usize {
        self.starts
            .partition_point(|start| *start <= offset)
            .saturating_sub(1)
    }

    /// The bytes of a line, from 0, without its line break.
    pub(super) fn range(&self, line: usize) -> Range<usize> {
        let start = self.starts.get(line).copied().unwrap_or(self.text.len());
        let end = match self.starts.get(line + 1) {
            Some(next) => next - 1,
            None => self.text.len(),
        };
        let cut = usize::from(end > start && self.text.as_bytes()[end - 1] == b'\r');
        start..end - cut
    }

    pub(super) fn position(&self, offset: usize) -> Position {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.line_at(offset);
        let before = &self.text[self.starts[line]..offset];
        let mark = usize::from(line == 0 && before.starts_with('\u{feff}'));
        Position {
            line: line + 1,
            column: before.chars().count() - mark + 1,
            offset,
        }
    }
}

/// The files that some problems speak of.
#[derive(Debug)]
pub(super) struct Places<'a> {
    tree: &'a SourceTree,
    lines: BTreeMap<FileId, Lines<'a>>,
}

impl<'a> Places<'a> {
    pub(super) fn new(diagnostics: &Diagnostics, tree: &'a SourceTree) -> Self {
        let mut lines = BTreeMap::new();
        let spans = diagnostics.iter().flat_map(|d| {
            let labels = d.primary.iter().chain(&d.related).map(|label| label.span);
            labels.chain(d.fixes.iter().map(|fix| fix.span))
        });
        for file in spans.map(|span| span.file) {
            let text = tree.get(file).and_then(|f| f.text());
            if let Some(text) = text {
                lines.entry(file).or_insert_with(|| Lines::new(text));
            }
        }
        for diagnostic in diagnostics.iter().filter(|d| d.secret) {
            if let Some(span) = diagnostic.primary.as_ref().map(|label| label.span)
                && let Some(lines) = lines.get_mut(&span.file)
            {
                lines.secrets.push(span.range());
            }
        }
        Self { tree, lines }
    }

    /// The file's path, unescaped.
    pub(super) fn path(&self, file: FileId) -> Cow<'a, str> {
        match self.tree.get(file) {
            Some(file) => Cow::Borrowed(file.path.as_str()),
            None => Cow::Borrowed("(unknown file)"),
        }
    }

    /// The file's lines, where it has text.
    pub(super) fn lines(&self, file: FileId) -> Option<&Lines<'a>> {
        self.lines.get(&file)
    }

    /// Both ends of a span, where its file has text.
    pub(super) fn ends(&self, span: Span) -> Option<(Position, Position)> {
        let lines = self.lines(span.file)?;
        let range = lines.clamp(span.range());
        Some((lines.position(range.start), lines.position(range.end)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, offset: usize) -> (usize, usize) {
        let position = Lines::new(text).position(offset);
        (position.line, position.column)
    }

    #[test]
    fn positions_count_characters_and_survive_odd_offsets() {
        assert_eq!(at("", 0), (1, 1));
        assert_eq!(at("", 9), (1, 1));
        assert_eq!(at("a\r\nb", 3), (2, 1));
        assert_eq!(at("a\n", 2), (2, 1));
        assert_eq!(at("大小x", 6), (1, 3));
        assert_eq!(at("大小x", 4), (1, 2), "inside a character");
        assert_eq!(at("\u{feff}ab", 4), (1, 2), "the mark is no column");
        assert_eq!(at("ab", usize::MAX), (1, 3));
    }

    #[test]
    fn lines_come_without_their_breaks() {
        let lines = Lines::new("a\r\nbc\n\n");
        let all: Vec<_> = (0..5).map(|i| &lines.text[lines.range(i)]).collect();
        assert_eq!(all, ["a", "bc", "", "", ""]);
    }

    #[test]
    #[expect(
        clippy::reversed_empty_ranges,
        reason = "a span the wrong way round is the case"
    )]
    fn spans_are_put_straight() {
        let lines = Lines::new("é!");
        assert_eq!(lines.clamp(1..1), 0..2);
        assert_eq!(lines.clamp(9..12), 3..3);
        assert_eq!(lines.clamp(3..1), 3..3);
    }
}
