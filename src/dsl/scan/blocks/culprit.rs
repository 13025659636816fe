//! Says which block of an unclosed node lacks its `}`, judged by the indentation.

use std::ops::Range;

use super::super::super::lex::{Kind, Token};
use super::super::report::Report;
use super::codes;

/// Most unclosed blocks reported for one node.
const MAX_REPORTED: usize = 3;
/// Most tokens looked at to find the name of a block.
const MAX_BACK: usize = 200;

/// A `{` that waits for its `}`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opened {
    /// The index of the token.
    pub(super) token: usize,
    /// The indentation of its line.
    pub(super) indent: usize,
}

/// Reports the unclosed blocks of a region.
pub(super) fn report(report: &mut Report<'_>, tokens: &[Token], region: Range<usize>) {
    for opened in unclosed(tokens, region.clone()) {
        one(report, tokens, region.end, opened);
    }
}

fn one(report: &mut Report<'_>, tokens: &[Token], region_end: usize, opened: Opened) {
    let open = tokens[opened.token];
    let name = name_of(report, tokens, opened.token);
    let mut found = report
        .error(
            codes::OPEN_BLOCK,
            open.range(),
            format!("the block of {name} is never closed"),
        )
        .label("opened here");
    let missing = missing_close(tokens, region_end, opened);
    let indent = " ".repeat(opened.indent.min(64));
    found = match missing {
        Missing::EndOfLine(at) => {
            found.suggestion(report.span(at..at), " }", "close it at the end of the line")
        }
        Missing::Before(token) => {
            let at = token.start;
            found
                .related(
                    report.span(token.range()),
                    "judged by the indentation, its `}` is missing before this line",
                )
                .suggestion(
                    report.span(at..at),
                    format!("{indent}}}\n"),
                    "close it here",
                )
        }
        Missing::AtEnd(at) => {
            let end = if report.text[..at].ends_with('\n') {
                ""
            } else {
                "\n"
            };
            let text = format!("{end}{indent}}}\n");
            found.suggestion(report.span(at..at), text, "close it at the end")
        }
    };
    report.push(found);
}

/// Where a `}` should have been.
enum Missing {
    /// Behind the last token of the line of the `{`.
    EndOfLine(usize),
    /// Before a line; the token is its first.
    Before(Token),
    /// At the end of the region.
    AtEnd(usize),
}

fn missing_close(tokens: &[Token], end: usize, opened: Opened) -> Missing {
    let after = &tokens[opened.token + 1..end];
    let line = after
        .iter()
        .position(|t| t.kind == Kind::Newline)
        .unwrap_or(after.len());
    let inline = after[..line].iter().rfind(|t| t.is_significant());
    let mut fresh = false;
    for pair in after.windows(2) {
        let [token, next] = pair else { continue };
        match token.kind {
            Kind::Newline => fresh = true,
            Kind::Space => {}
            _ => fresh = false,
        }
        let indent = match token.kind {
            Kind::Newline if next.is_significant() => 0,
            Kind::Space if fresh && next.is_significant() => token.end - token.start,
            _ => continue,
        };
        if indent <= opened.indent {
            return match inline {
                Some(last) => Missing::EndOfLine(last.end),
                None if token.kind == Kind::Space => Missing::Before(Token {
                    end: next.end,
                    ..*token
                }),
                None => Missing::Before(*next),
            };
        }
    }
    match inline {
        Some(last) => Missing::EndOfLine(last.end),
        None => Missing::AtEnd(after.last().map_or(tokens[opened.token].end, |t| t.end)),
    }
}

/// The blocks without a `}`: those that a `}` of lesser indentation skips, then what stays open.
fn unclosed(tokens: &[Token], region: Range<usize>) -> Vec<Opened> {
    let (mut stack, mut skipped) = (Vec::<Opened>::new(), Vec::new());
    let (mut indent, mut fresh) = (0, true);
    for at in region {
        let token = tokens[at];
        match token.kind {
            Kind::Newline => (indent, fresh) = (0, true),
            Kind::Space if fresh => indent = token.end - token.start,
            Kind::Space => {}
            Kind::Open => {
                stack.push(Opened { token: at, indent });
                fresh = false;
            }
            Kind::Close => {
                while fresh && skips(&stack, indent) {
                    skipped.extend(stack.pop());
                }
                stack.pop();
                fresh = false;
            }
            _ => fresh = false,
        }
    }
    let missing = stack.len() + skipped.len();
    skipped.extend(stack.into_iter().rev());
    skipped.truncate(missing.min(MAX_REPORTED));
    skipped
}

/// Whether a `}` of this indentation belongs further out than to the innermost block.
fn skips(stack: &[Opened], indent: usize) -> bool {
    match stack {
        [.., outer, inner] => inner.indent > indent && outer.indent >= indent,
        _ => false,
    }
}

/// The node that a `{` belongs to, for use in a sentence.
pub(super) fn name_of(report: &Report<'_>, tokens: &[Token], open: usize) -> String {
    let mut name = None;
    let mut typed = false;
    for token in tokens[..open].iter().rev().take(MAX_BACK) {
        match token.kind {
            Kind::Newline | Kind::Open | Kind::Close | Kind::Semicolon => break,
            Kind::ParenClose => typed = true,
            Kind::ParenOpen => typed = false,
            Kind::Word | Kind::Quoted(_) if !typed => name = Some(*token),
            _ => {}
        }
    }
    name.map_or_else(
        || "a node".to_owned(),
        |t| format!("`{}`", report.quote(t.range())),
    )
}
