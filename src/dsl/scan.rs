//! The first look at a file: limits, friendly syntax errors, and one chunk per top-level node.
//!
//! It is linear in the length of the text and keeps no recursion, so it may see anything. Whatever
//! it passes is cheap for the parser behind it: bounded size and depth, no nested `/-`, nothing
//! unclosed. A broken node never hides its neighbours. It must not know what any node means.

pub(crate) mod blocks;
mod characters;
mod flaws;
pub(crate) mod grammar;
mod numbers;
pub(crate) mod report;
mod strings;
mod words;

use std::ops::Range;

use super::codes;
use super::diagnostic::Diagnostics;
use super::lex::{Kind, Token, lex};
use crate::source::{FileId, MAX_FILE_BYTES};
use report::Report;

/// Deepest nesting of blocks.
pub const MAX_DEPTH: usize = 32;
/// Most tokens of one file, spaces and line ends not counted.
pub const MAX_TOKENS: usize = 100_000;
/// Longest string, in bytes as written.
pub const MAX_STRING_BYTES: usize = 64 * 1024;

/// What a scan found. The ranges are bytes of the file, in order, and do not overlap.
#[derive(Debug, Clone, Default)]
pub struct Scan {
    /// One range per sound top-level node with the comments before it: ready for
    /// [`super::parse::parse`].
    pub chunks: Vec<Range<usize>>,
    /// The same for nodes with errors: nothing in them can be trusted.
    pub broken: Vec<Range<usize>>,
    /// Everything that is wrong, finished.
    pub diagnostics: Diagnostics,
}

/// Looks at the text of one file.
pub fn scan(file: FileId, text: &str) -> Scan {
    let mut report = Report::new(file, text, 0);
    if text.len() > MAX_FILE_BYTES {
        report.file_too_large();
        return Scan {
            diagnostics: report.finish(),
            ..Scan::default()
        };
    }
    let Some(tokens) = tokens_within_limit(&mut report) else {
        return Scan {
            diagnostics: report.finish(),
            ..Scan::default()
        };
    };
    lint(&mut report, &tokens);
    let regions = blocks::split(&mut report, &tokens);
    for region in regions.iter().filter(|region| region.closed) {
        grammar::check(&mut report, &tokens[region.tokens.clone()]);
    }
    let mut out = Scan::default();
    let places = report.places();
    for region in regions {
        let bytes = region.bytes(&tokens);
        let next = places.partition_point(|place| *place < bytes.start);
        let is_clean = places.get(next).is_none_or(|place| *place >= bytes.end);
        let sound = region.closed && is_clean;
        if sound {
            &mut out.chunks
        } else {
            &mut out.broken
        }
        .push(bytes);
    }
    out.diagnostics = report.finish();
    out
}

/// Everything that one token alone can get wrong.
pub(crate) fn lint(report: &mut Report<'_>, tokens: &[Token]) {
    for (at, token) in tokens.iter().enumerate() {
        if token.flaw.is_some() {
            flaws::explain(report, tokens, at);
        } else {
            lint_token(report, tokens, at);
        }
    }
}

fn lint_token(report: &mut Report<'_>, tokens: &[Token], at: usize) {
    let token = tokens[at];
    match token.kind {
        Kind::Word => words::check(report, token, starts_node(tokens, at)),
        Kind::Keyword => words::keyword(report, token),
        Kind::Quoted(_) if follows_old_mark(report.text, &tokens[..at]) => {}
        Kind::Quoted(quoting) => strings::check(report, token, quoting),
        Kind::LineComment | Kind::BlockComment | Kind::Newline => {
            characters::check_hidden(report, token);
        }
        Kind::Junk => flaws::junk(report, token),
        Kind::Bom
        | Kind::Space
        | Kind::Escline
        | Kind::Slashdash
        | Kind::Open
        | Kind::Close
        | Kind::ParenOpen
        | Kind::ParenClose
        | Kind::Equals
        | Kind::Semicolon => {}
    }
}

/// Whether the `r` of a raw string of KDL 1 was just before: escapes mean nothing behind it.
fn follows_old_mark(text: &str, before: &[Token]) -> bool {
    before
        .last()
        .is_some_and(|t| t.kind == Kind::Word && t.text(text) == "r")
}

/// Whether a token is the first of its line, block or statement.
fn starts_node(tokens: &[Token], at: usize) -> bool {
    let mut before = tokens[..at].iter().rev().filter(|t| t.kind != Kind::Space);
    let Some(last) = before.next() else {
        return true;
    };
    match last.kind {
        Kind::Newline => {
            let comment = |t: &&Token| matches!(t.kind, Kind::LineComment | Kind::BlockComment);
            before
                .find(|t| !comment(t))
                .is_none_or(|t| t.kind != Kind::Escline)
        }
        Kind::Open | Kind::Semicolon | Kind::Close | Kind::Bom => true,
        _ => false,
    }
}

pub(crate) fn tokens_within_limit(report: &mut Report<'_>) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let (mut count, mut depth, mut deepest) = (0_usize, 0_usize, None);
    for token in lex(report.text) {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH && deepest.is_none() {
            deepest = Some(token);
        }
        count += usize::from(!matches!(token.kind, Kind::Space | Kind::Newline));
        if count > MAX_TOKENS {
            report.too_many_tokens(token);
            if let Some(token) = deepest {
                report.too_deep(token);
            }
            return None;
        }
        tokens.push(token);
    }
    Some(tokens)
}

/// The codes of limits, which no other message may push out of the list.
pub(crate) const LIMITS: [super::diagnostic::Code; 3] = [
    codes::FILE_TOO_LARGE,
    codes::TOO_DEEP,
    codes::TOO_MANY_TOKENS,
];
