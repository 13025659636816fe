//! Strings in quotes: with escapes or raw, on one line or between `"""` fences.
//!
//! Where a string has no end, the guess is made that loses least of the rest of the file. Every
//! search either becomes part of the token or is paid from the lexer's restarts, so that the whole
//! stays linear.

use super::{Flaw, Kind, Lexer, Quoting, Shape, is_newline, is_space};

/// Most `#` of a raw string.
const MAX_HASHES: u8 = 32;

impl Lexer<'_> {
    /// A string that starts with `"`.
    pub(super) fn quoted(&mut self, rest: &str) -> Shape {
        if rest.starts_with("\"\"\"") {
            return self.fenced(rest, 0);
        }
        let kind = Kind::Quoted(Quoting {
            hashes: 0,
            multiline: false,
        });
        let mut at = 1;
        while let Some(c) = rest[at..].chars().next() {
            match c {
                '"' => return (kind, at + 1, None),
                '\\' => at += escape_len(&rest[at..]),
                c if is_newline(c) => break,
                c => at += c.len_utf8(),
            }
        }
        (kind, at, Some(Flaw::OpenString))
    }

    /// A string that starts with `#`s and a `"`.
    pub(super) fn raw(&mut self, rest: &str, hashes: usize) -> Shape {
        let Some(count) = u8::try_from(hashes).ok().filter(|n| *n <= MAX_HASHES) else {
            let line = super::run(rest, |c| !is_newline(c));
            let quoting = Quoting {
                hashes: MAX_HASHES,
                multiline: false,
            };
            return (Kind::Quoted(quoting), line, Some(Flaw::TooManyHashes));
        };
        let fence = rest[hashes..].strip_prefix("\"\"\"");
        if fence.is_some_and(|body| body.starts_with(is_newline)) {
            return self.fenced(rest, count);
        }
        let kind = Kind::Quoted(Quoting {
            hashes: count,
            multiline: false,
        });
        let start = hashes + 1;
        match raw_end(&rest[start..], hashes) {
            Ok(body) => {
                let text = &rest[start..start + body];
                let flawed = text.starts_with("\"\"") || text == "\"";
                (
                    kind,
                    start + body + 1 + hashes,
                    flawed.then_some(Flaw::OneLineFence),
                )
            }
            Err(_) if fence.is_some() => self.fenced(rest, count),
            Err(line) => (kind, start + line, Some(Flaw::OpenString)),
        }
    }

    /// A string between `"""` fences.
    fn fenced(&mut self, rest: &str, hashes: u8) -> Shape {
        let quoting = Quoting {
            hashes,
            multiline: true,
        };
        let kind = Kind::Quoted(quoting);
        let start = quoting.opening();
        let Some(found) = find_fence(&rest[start..], usize::from(hashes)) else {
            return (kind, self.resume(rest), Some(Flaw::OpenString));
        };
        let body = &rest[start..start + found];
        let end = start + found + quoting.opening();
        if !body.starts_with(is_newline) {
            return (kind, end, Some(Flaw::OneLineFence));
        }
        let last_line = body.rfind(is_newline).map_or(body, |at| &body[at..]);
        if last_line.chars().all(|c| is_space(c) || is_newline(c)) {
            return (kind, end, None);
        }
        let opens_another = last_line.ends_with(|c| is_space(c) || c == '=' || c == '#');
        if opens_another && rest[end..].starts_with(is_newline) {
            return (kind, self.resume(rest), Some(Flaw::OpenString));
        }
        (kind, end, Some(Flaw::FenceNotAlone))
    }
}

/// The length of an escape: a `\` before spaces and line ends swallows them all.
pub(crate) fn escape_len(rest: &str) -> usize {
    let after = &rest[1..];
    let blank = super::run(after, |c| is_space(c) || is_newline(c));
    if blank > 0 {
        return 1 + blank;
    }
    1 + after.chars().next().map_or(0, char::len_utf8)
}

/// The length of the body of a raw string on one line, or else of the rest of the line.
fn raw_end(body: &str, hashes: usize) -> Result<usize, usize> {
    for (at, c) in body.char_indices() {
        if is_newline(c) {
            return Err(at);
        }
        if c == '"' && closes(&body[at + 1..], hashes) {
            return Ok(at);
        }
    }
    Err(body.len())
}

fn closes(after_quote: &str, hashes: usize) -> bool {
    let bytes = after_quote.as_bytes();
    bytes.len() >= hashes && bytes[..hashes].iter().all(|b| *b == b'#')
}

/// Where the closing fence starts.
fn find_fence(body: &str, hashes: usize) -> Option<usize> {
    let bytes = body.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if hashes == 0 => at += 2,
            b'"' if bytes[at..].starts_with(b"\"\"\"") && closes_at(body, at + 3, hashes) => {
                return Some(at);
            }
            _ => at += 1,
        }
    }
    None
}

fn closes_at(body: &str, at: usize, hashes: usize) -> bool {
    body.get(at..).is_some_and(|after| closes(after, hashes))
}
