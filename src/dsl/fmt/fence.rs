//! Indents text between `"""` fences like its node, and keeps its value.
//!
//! The indentation of the closing fence is taken off every line by KDL, so exchanging that prefix in
//! all lines changes nothing. Where a `\` joins lines the text stays as it is.

use super::super::lex::{Quoting, is_newline, is_space};

/// The text of the string with `indent` in place of its own indentation.
pub(super) fn reindent(text: &str, quoting: Quoting, indent: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let (open, close) = (quoting.opening(), text.len() - quoting.opening());
    let body = &text[open..close];
    if quoting.hashes == 0 && joins_lines(body) {
        return text;
    }
    let Some((content, prefix)) = body.rsplit_once('\n') else {
        return text;
    };
    let mut out = text[..open].to_owned();
    for line in content.split('\n').skip(1) {
        out.push('\n');
        if line.chars().all(is_space) {
            continue;
        }
        out.push_str(indent);
        out.push_str(line.strip_prefix(prefix).unwrap_or(line));
    }
    out.push('\n');
    out.push_str(indent);
    out.push_str(&text[close..]);
    out
}

/// Whether an escape swallows spaces or line ends.
fn joins_lines(body: &str) -> bool {
    let mut at = 0;
    while let Some(found) = body[at..].find('\\') {
        let after = &body[at + found + 1..];
        if after.starts_with(|c| is_space(c) || is_newline(c)) {
            return true;
        }
        at += found + 1 + after.chars().next().map_or(0, char::len_utf8);
    }
    false
}
