//! Collects what the scan finds: spans shifted to the file, follow-up errors muted, number bounded.
//!
//! One mistake should give one message. A line with a string that never ends says so, and nothing
//! else that only follows from it.

use std::collections::BTreeMap;
use std::ops::Range;

use super::super::codes;
use super::super::diagnostic::{Code, Diagnostic, Diagnostics, Span};
use super::super::lex::Token;
use super::{MAX_DEPTH, MAX_TOKENS};
use crate::source::{FileId, MAX_FILE_BYTES};

/// Most diagnostics kept while looking at one file; the rest is only counted.
const MAX_KEPT: usize = 400;
/// Longest piece of a file quoted in a message, in characters.
const MAX_QUOTED: usize = 48;

/// The findings about one text.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    /// The text that the ranges of tokens are about.
    pub(crate) text: &'a str,
    file: FileId,
    offset: usize,
    list: Diagnostics,
    left_out: usize,
    /// Where something was found. A list and no set: a file may hold a million of them.
    broken: Vec<usize>,
    muted: BTreeMap<usize, usize>,
}

impl<'a> Report<'a> {
    /// An empty report on a text that starts at a byte of the file.
    pub(crate) fn new(file: FileId, text: &'a str, offset: usize) -> Self {
        Self {
            text,
            file,
            offset,
            list: Diagnostics::default(),
            left_out: 0,
            broken: Vec::new(),
            muted: BTreeMap::new(),
        }
    }

    /// A range of the text as a span of the file.
    pub(crate) fn span(&self, range: Range<usize>) -> Span {
        Span::new(
            self.file,
            range.start + self.offset..range.end + self.offset,
        )
    }

    /// An error about a range of the text.
    pub(crate) fn error(
        &self,
        code: Code,
        range: Range<usize>,
        message: impl Into<String>,
    ) -> Diagnostic {
        Diagnostic::error(code, self.span(range), message)
    }

    /// Takes a finding in, unless it only follows from another on the same line.
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        let start = diagnostic
            .primary
            .as_ref()
            .map_or(0, |label| label.span.start as usize);
        let start = start.saturating_sub(self.offset);
        self.broken.push(start);
        let follows =
            matches!(diagnostic.code, codes::SYNTAX | codes::MISSING_SPACE) && self.is_muted(start);
        if follows {
            return;
        }
        if self.list.len() < MAX_KEPT || super::LIMITS.contains(&diagnostic.code) {
            self.list.push(diagnostic);
        } else {
            self.left_out += 1;
        }
    }

    /// Counts a finding instead of writing it down, once there are more than anyone reads. True
    /// where it did.
    pub(crate) fn only_counts(&mut self, start: usize) -> bool {
        let full = self.list.len() >= MAX_KEPT;
        if full {
            self.broken.push(start);
            self.left_out += 1;
        }
        full
    }

    /// Follow-up errors on the line of a byte are not shown. A line full of mistakes is looked at once.
    pub(crate) fn mute_line(&mut self, at: usize) {
        if self.is_muted(at) {
            return;
        }
        let line = line_of(self.text, at);
        let end = self.muted.entry(line.start).or_default();
        *end = line.end.max(*end);
    }

    fn is_muted(&self, at: usize) -> bool {
        self.muted
            .range(..=at)
            .next_back()
            .is_some_and(|(_, end)| at < *end)
    }

    /// Where something was found, in order.
    pub(crate) fn places(&self) -> Vec<usize> {
        let mut places = self.broken.clone();
        places.sort_unstable();
        places
    }

    /// Whether anything was found at all.
    pub(crate) fn is_clean(&self) -> bool {
        self.broken.is_empty()
    }

    /// The findings in the order people read them.
    pub(crate) fn finish(mut self) -> Diagnostics {
        if self.left_out > 0 {
            *self.list.left_out.entry(self.file).or_default() += self.left_out;
        }
        self.list.finish()
    }

    /// A piece of the text for use in a message, short enough to read.
    pub(crate) fn quote(&self, range: Range<usize>) -> String {
        let text = self.text.get(range).unwrap_or_default();
        let line = text.lines().next().unwrap_or_default();
        if line.len() == text.len() && text.chars().nth(MAX_QUOTED).is_none() {
            return text.to_owned();
        }
        let short: String = line.chars().take(MAX_QUOTED).collect();
        format!("{short}…")
    }

    /// The limit on the size of a file.
    pub(crate) fn file_too_large(&mut self) {
        let size = self.text.len();
        let message = format!("this file has {size} bytes, and the limit is {MAX_FILE_BYTES}");
        let found = self
            .error(codes::FILE_TOO_LARGE, 0..0, message)
            .help("split it: the order of files and of top-level nodes never matters");
        self.push(found);
    }

    /// The limit on the number of tokens.
    pub(crate) fn too_many_tokens(&mut self, token: Token) {
        let message = format!("this file has more than {MAX_TOKENS} words and signs");
        let found = self
            .error(codes::TOO_MANY_TOKENS, token.range(), message)
            .label("the limit is reached here")
            .help("split it: the order of files and of top-level nodes never matters");
        self.push(found);
    }

    /// The limit on nesting.
    pub(crate) fn too_deep(&mut self, token: Token) {
        let message = format!("blocks are nested deeper than {MAX_DEPTH} levels");
        let found = self
            .error(codes::TOO_DEEP, token.range(), message)
            .label("one level too many")
            .help(
                "no kind needs more than a few levels; check that each `}` stands where it belongs",
            );
        self.push(found);
    }
}

/// The line around a byte, within reach.
fn line_of(text: &str, at: usize) -> Range<usize> {
    const REACH: usize = 4096;
    let bytes = text.as_bytes();
    let low = at.saturating_sub(REACH);
    let high = (at + REACH).min(bytes.len());
    let start = bytes[low..at]
        .iter()
        .rposition(|b| *b == b'\n')
        .map_or(low, |p| low + p + 1);
    let end = bytes[at..high]
        .iter()
        .position(|b| *b == b'\n')
        .map_or(high, |p| at + p);
    start..end
}
