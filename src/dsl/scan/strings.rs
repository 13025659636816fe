//! Strings in quotes: their length, escapes, hidden characters, and the form of those between
//! `"""` fences.

use std::ops::Range;

use super::super::lex::{Quoting, Token, is_newline, is_space};
use super::report::Report;
use super::{MAX_STRING_BYTES, characters, codes, words};

/// Most faults of one kind reported per string.
const MAX_REPORTED: usize = 3;

/// Checks a string that has its end.
pub(super) fn check(report: &mut Report<'_>, token: Token, quoting: Quoting) {
    if token.end - token.start > MAX_STRING_BYTES {
        words::too_long(report, token);
        return;
    }
    characters::check_hidden(report, token);
    let body = token.start + quoting.opening()..token.end - quoting.opening();
    if quoting.hashes == 0 {
        escapes(report, body.clone());
    }
    if quoting.multiline {
        indentation(report, body, quoting);
    }
}

fn escapes(report: &mut Report<'_>, body: Range<usize>) {
    let text = &report.text[body.clone()];
    let mut faults = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find('\\') {
        let start = at + found;
        let (len, sound) = escape(&text[start..]);
        if !sound && faults.len() < MAX_REPORTED {
            faults.push(body.start + start..body.start + start + len);
        }
        at = start + len;
    }
    for fault in faults {
        bad_escape(report, fault);
    }
}

/// The length of the escape at the start, and whether KDL knows it.
fn escape(text: &str) -> (usize, bool) {
    let Some(next) = text[1..].chars().next() else {
        return (1, false);
    };
    match next {
        '"' | '\\' | 'b' | 'f' | 'n' | 'r' | 't' | 's' => (2, true),
        'u' => unicode_escape(text),
        c if is_space(c) || is_newline(c) => (1 + c.len_utf8(), true),
        c => (1 + c.len_utf8(), false),
    }
}

fn unicode_escape(text: &str) -> (usize, bool) {
    let digits = text[2..].strip_prefix('{').map(|rest| {
        let end = rest
            .find(|c: char| !c.is_ascii_hexdigit())
            .unwrap_or(rest.len());
        (&rest[..end], rest[end..].starts_with('}'))
    });
    let Some((digits, true)) = digits else {
        return (2, false);
    };
    let value = u32::from_str_radix(digits, 16)
        .ok()
        .filter(|_| digits.len() <= 6);
    (4 + digits.len(), value.and_then(char::from_u32).is_some())
}

fn bad_escape(report: &mut Report<'_>, range: Range<usize>) {
    let text = report.text[range.clone()].to_owned();
    let mut found = report.error(
        codes::BAD_ESCAPE,
        range.clone(),
        format!("`{text}` is not an escape that KDL knows"),
    );
    let span = report.span(range);
    found = match text.as_str() {
        "\\/" => found.fix(span, "/", "write a plain `/`"),
        "\\'" => found.fix(span, "'", "write a plain `'`"),
        "\\0" => found.suggestion(span, "\\u{0}", "write it as `\\u{0}`"),
        _ if text.starts_with("\\u") => {
            found.help("a character is written as \\u{1f600}: one to six hexadecimal digits")
        }
        _ => found
            .suggestion(span, format!("\\{text}"), "for a real `\\`, double it")
            .help("a raw string #\"…\"# takes `\\` as it is: good for patterns and Windows paths"),
    };
    report.push(found.help("the escapes are \\n \\r \\t \\b \\f \\s \\\" \\\\ and \\u{…}"));
}

/// Every line must start with the indentation of the closing fence.
fn indentation(report: &mut Report<'_>, body: Range<usize>, quoting: Quoting) {
    let text = &report.text[body.clone()];
    let lines = logical_lines(text, quoting.hashes == 0);
    let Some((last, content)) = lines.split_last() else {
        return;
    };
    let fence = &text[last.clone()];
    let prefix = &fence[..fence.find(|c| !is_space(c)).unwrap_or(fence.len())];
    let rest_is_blank = |line: &str| {
        line.chars()
            .all(|c| is_space(c) || is_newline(c) || c == '\\')
    };
    if !rest_is_blank(fence) {
        let end = body.end..body.end + quoting.opening();
        let found = report
            .error(
                codes::BAD_FENCE,
                end,
                "the closing `\"\"\"` must stand on a line of its own",
            )
            .help("a `\\` at the end of the line before joins the two lines; remove it");
        report.push(found);
        return;
    }
    let off = |line: &&Range<usize>| {
        let line = &text[(*line).clone()];
        !line.starts_with(prefix) && !line.chars().all(is_space)
    };
    let Some(bad) = content.iter().skip(1).find(off) else {
        return;
    };
    let width = text[bad.clone()].find(|c| !is_space(c)).unwrap_or_default();
    let first = text[bad.clone()].chars().next().map_or(0, char::len_utf8);
    let at = body.start + bad.start;
    let fence_at = body.start + last.start;
    let found = report
        .error(codes::BAD_FENCE, at..at + width.max(first), "this line is indented less than the closing `\"\"\"`")
        .related(
            report.span(fence_at..body.end + quoting.opening()),
            "this indentation is taken off every line",
        )
        .help("indent every line at least as far as the closing `\"\"\"`, with the same spaces or tabs")
        .suggestion(report.span(at..at + width), prefix, "indent it like the closing `\"\"\"`");
    report.push(found);
}

/// The lines of a body, the first being what follows the opening fence. A `\` before a line end
/// joins the lines.
fn logical_lines(text: &str, escapes: bool) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let (mut start, mut at) = (0, 0);
    while let Some(c) = text[at..].chars().next() {
        if c == '\\' && escapes {
            at += super::super::lex::escape_len(&text[at..]);
        } else if is_newline(c) {
            lines.push(start..at);
            at += if text[at..].starts_with("\r\n") {
                2
            } else {
                c.len_utf8()
            };
            start = at;
        } else {
            at += c.len_utf8();
        }
    }
    lines.push(start..text.len());
    lines
}
