//! Bare words, and the text that people write bare although it needs quotes.
//!
//! A path, a URL or an interpolation becomes one token, so that one message can offer to quote all
//! of it.

use super::{Flaw, Kind, Lexer, Shape, is_newline, is_space, is_word_char, run};

/// Quotes of other languages and of word processors, with what closes them.
const WRONG_QUOTES: [(char, &[char]); 6] = [
    ('\'', &['\'']),
    ('`', &['`']),
    ('\u{201c}', &['\u{201d}', '\u{201c}']),
    ('\u{201e}', &['\u{201d}', '\u{201c}']),
    ('\u{2018}', &['\u{2019}', '\u{2018}']),
    ('\u{ab}', &['\u{bb}']),
];

impl Lexer<'_> {
    pub(super) fn word(rest: &str) -> Shape {
        if let Some(len) = wrong_quotes(rest) {
            return (Kind::Word, len, Some(Flaw::WrongQuotes));
        }
        let plain = run(rest, is_word_char);
        if rest[plain..].starts_with(['/', '\\', '[', ']', '#'])
            && !is_old_raw_string(rest, plain)
            && !is_escline(&rest[plain..])
        {
            return (Kind::Word, greedy(rest), Some(Flaw::NeedsQuotes));
        }
        if is_interpolation(rest, plain) {
            return (Kind::Word, greedy(rest), Some(Flaw::NeedsQuotes));
        }
        (Kind::Word, plain, None)
    }
}

/// The length of text between quotes that are not KDL's.
fn wrong_quotes(rest: &str) -> Option<usize> {
    let first = rest.chars().next()?;
    let (_, closing) = WRONG_QUOTES.iter().find(|(open, _)| *open == first)?;
    for (at, c) in rest.char_indices().skip(1).take(Lexer::LOOKAHEAD) {
        if closing.contains(&c) {
            return Some(at + c.len_utf8());
        }
        if is_newline(c) || c == '"' {
            return None;
        }
    }
    None
}

/// `r#"…"#` of KDL 1: the `r` is one token, the string another.
fn is_old_raw_string(rest: &str, plain: usize) -> bool {
    &rest[..plain] == "r" && rest[plain..].trim_start_matches('#').starts_with('"')
}

/// A `\` at the end of a line may touch the word before it.
fn is_escline(rest: &str) -> bool {
    rest.starts_with('\\')
        && (rest.len() == 1 || rest[1..].starts_with(|c| is_space(c) || is_newline(c)))
}

fn is_interpolation(rest: &str, plain: usize) -> bool {
    rest[..plain].ends_with('$') && rest[plain..].starts_with('{')
}

/// How far the text reaches that one pair of quotes should enclose.
fn greedy(rest: &str) -> usize {
    let mut braces = 0_usize;
    let mut url = false;
    let mut before = ' ';
    for (at, c) in rest.char_indices() {
        let stop = match c {
            '{' if before == '$' => {
                braces += 1;
                false
            }
            '}' if braces > 0 => {
                braces -= 1;
                false
            }
            '=' => !url,
            '{' | '}' | ';' | '(' | ')' | '"' => true,
            '\\' => is_escline(&rest[at..]),
            c => is_space(c) || is_newline(c),
        };
        if stop {
            return at;
        }
        url |= c == '?' || (c == '/' && before == ':');
        before = c;
    }
    rest.len()
}
