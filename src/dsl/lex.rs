//! Tokens of KDL 2, with the byte range of each: the one lexer that scan, parse and fmt share.
//!
//! It covers any text without gaps, in linear time, and never fails: what cannot be a token is kept
//! as one with a [`Flaw`]. It must never decide what a person is told; that is the scan's part.

mod quoted;
mod word;

use std::ops::Range;

pub(crate) use quoted::escape_len;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A byte order mark at the very start.
    Bom,
    /// A run of spaces within a line.
    Space,
    /// One line end.
    Newline,
    /// `// …` without its line end.
    LineComment,
    /// `/* … */`, which may nest.
    BlockComment,
    /// A `\` that joins the next line.
    Escline,
    /// `/-`, which removes what follows.
    Slashdash,
    /// `{`
    Open,
    /// `}`
    Close,
    /// `(`
    ParenOpen,
    /// `)`
    ParenClose,
    /// `=`
    Equals,
    /// `;`
    Semicolon,
    /// A number or a bare word.
    Word,
    /// `#true` and its like.
    Keyword,
    /// A string in quotes.
    Quoted(Quoting),
    /// A character that has no place outside a string.
    Junk,
}

/// How a string is quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quoting {
    /// The number of `#` of a raw string, 0 for one with escapes.
    pub hashes: u8,
    /// Whether it stands between `"""` fences.
    pub multiline: bool,
}

impl Quoting {
    /// Bytes of the opening quotes.
    pub fn opening(self) -> usize {
        usize::from(self.hashes) + if self.multiline { 3 } else { 1 }
    }
}

/// Why a token cannot be what it seems to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// A string without its end.
    OpenString,
    /// A comment without its end.
    OpenComment,
    /// A comment in the style of YAML and shell.
    HashComment,
    /// `"""` that is not followed by a line end.
    OneLineFence,
    /// A closing `"""` behind other text.
    FenceNotAlone,
    /// A raw string with too many `#`.
    TooManyHashes,
    /// A list in brackets.
    Brackets,
    /// Quotes that are not `"`.
    WrongQuotes,
    /// A bare word with characters that must be quoted.
    NeedsQuotes,
}

/// One token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What is wrong with it.
    pub flaw: Option<Flaw>,
}

impl Token {
    /// The bytes as a range.
    pub fn range(self) -> Range<usize> {
        self.start..self.end
    }

    /// Its text.
    pub fn text(self, source: &str) -> &str {
        source.get(self.range()).unwrap_or_default()
    }

    /// Whether it is neither space nor comment.
    pub fn is_significant(self) -> bool {
        !matches!(
            self.kind,
            Kind::Bom | Kind::Space | Kind::Newline | Kind::LineComment | Kind::BlockComment
        )
    }
}

/// Whether KDL ends a line here.
pub fn is_newline(c: char) -> bool {
    matches!(
        c,
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

/// Whether KDL takes it as a space.
pub fn is_space(c: char) -> bool {
    matches!(
        c,
        '\t' | ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}'
    ) || matches!(c, '\u{205f}' | '\u{3000}')
}

/// Whether a bare word may hold it.
pub fn is_word_char(c: char) -> bool {
    !is_newline(c)
        && !is_space(c)
        && !matches!(
            c,
            '{' | '}' | '(' | ')' | '[' | ']' | '"' | '#' | ';' | '=' | '/' | '\\'
        )
}

/// The tokens of a text.
pub fn lex(source: &str) -> Lexer<'_> {
    Lexer {
        source,
        at: 0,
        restarts: Lexer::MAX_RESTARTS,
    }
}

/// An iterator over the tokens of a text.
#[derive(Debug, Clone)]
pub struct Lexer<'a> {
    source: &'a str,
    at: usize,
    restarts: u8,
}

/// A token without its place: kind, length in bytes, flaw.
type Shape = (Kind, usize, Option<Flaw>);

impl Lexer<'_> {
    /// How often the text after something that is never closed is looked at again. It bounds the
    /// work on files full of such openings to a fixed number of passes.
    const MAX_RESTARTS: u8 = 16;

    /// Most characters looked ahead to guess what was meant.
    const LOOKAHEAD: usize = 256;

    fn shape(&mut self, rest: &str, first: char) -> Shape {
        let one = |kind| (kind, first.len_utf8(), None);
        match first {
            '\u{feff}' if self.at == 0 => one(Kind::Bom),
            '\r' if rest.starts_with("\r\n") => (Kind::Newline, 2, None),
            '{' => one(Kind::Open),
            '}' => one(Kind::Close),
            '(' => one(Kind::ParenOpen),
            ')' => one(Kind::ParenClose),
            '=' => one(Kind::Equals),
            ';' => one(Kind::Semicolon),
            ']' => one(Kind::Junk),
            '[' => Self::brackets(rest),
            '"' => self.quoted(rest),
            '#' => self.hash(rest),
            '/' => self.slash(rest),
            '\\' if ends_line(rest) => one(Kind::Escline),
            c if is_newline(c) => one(Kind::Newline),
            c if is_space(c) => (Kind::Space, run(rest, is_space), None),
            _ => Self::word(rest),
        }
    }

    fn slash(&mut self, rest: &str) -> Shape {
        if rest.starts_with("//") {
            (Kind::LineComment, run(rest, |c| !is_newline(c)), None)
        } else if rest.starts_with("/*") {
            match comment_end(rest.as_bytes()) {
                Some(end) => (Kind::BlockComment, end, None),
                None => (
                    Kind::BlockComment,
                    self.resume(rest),
                    Some(Flaw::OpenComment),
                ),
            }
        } else if rest.starts_with("/-") {
            (Kind::Slashdash, 2, None)
        } else {
            Self::word(rest)
        }
    }

    /// `#true`, a raw string, or a comment in another language's style.
    fn hash(&mut self, rest: &str) -> Shape {
        let hashes = run(rest, |c| c == '#');
        let after = &rest[hashes..];
        if after.starts_with('"') {
            return self.raw(rest, hashes);
        }
        if hashes > 1 || !after.starts_with(is_word_char) {
            return (
                Kind::LineComment,
                run(rest, |c| !is_newline(c)),
                Some(Flaw::HashComment),
            );
        }
        (Kind::Keyword, 1 + run(after, is_word_char), None)
    }

    /// `[a, b]` as one token where it ends nearby, so that it is explained once.
    fn brackets(rest: &str) -> Shape {
        let stop = |c: char| is_newline(c) || matches!(c, '{' | '}' | '[');
        for (at, c) in rest.char_indices().skip(1).take(Self::LOOKAHEAD) {
            if c == ']' {
                return (Kind::Junk, at + 1, Some(Flaw::Brackets));
            }
            if stop(c) {
                break;
            }
        }
        (Kind::Junk, 1, None)
    }

    /// Where to go on after something that is never closed: the next line that starts a node at the
    /// left margin, or the end.
    fn resume(&mut self, rest: &str) -> usize {
        let Some(left) = self.restarts.checked_sub(1) else {
            return rest.len();
        };
        self.restarts = left;
        let starts_node = |line: &str| line.starts_with(|c: char| c.is_alphabetic() || c == '_');
        let mut at = 0;
        for line in rest.split_inclusive('\n') {
            if at > 0 && starts_node(line) {
                return at;
            }
            at += line.len();
        }
        rest.len()
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let rest = self.source.get(self.at..)?;
        let first = rest.chars().next()?;
        let (kind, len, flaw) = self.shape(rest, first);
        let start = self.at;
        self.at += len;
        Some(Token {
            kind,
            start,
            end: self.at,
            flaw,
        })
    }
}

/// Bytes of the leading characters that pass.
fn run(text: &str, pass: impl Fn(char) -> bool) -> usize {
    text.find(|c| !pass(c)).unwrap_or(text.len())
}

/// Whether a leading `\` may join lines, which needs a space, a line end or a comment behind it.
fn ends_line(rest: &str) -> bool {
    let after = &rest[1..];
    after.is_empty()
        || after.starts_with(|c| is_space(c) || is_newline(c))
        || after.starts_with("//")
        || after.starts_with("/*")
}

/// The length of a block comment, with those inside it.
fn comment_end(bytes: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/*" => depth += 1,
            b"*/" => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests;
