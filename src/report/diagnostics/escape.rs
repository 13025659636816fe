//! Makes text inert: no byte of a repository may move a cursor, hide, reorder or forge output.
//!
//! Escaping is for showing only. It must never be applied to text that is stored, compared or hashed.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a character is invisible, moves the cursor, changes the direction of text or has no
/// agreed look: controls, bidirectional and zero-width marks, line separators, tags, private use.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{10ffff}')
}

/// Appends one character, written out where it is hidden.
pub fn push(out: &mut String, c: char) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if is_hidden(c) => out.extend(c.escape_unicode()),
        c => out.push(c),
    }
}

/// The text on one line with every hidden character written out, as in `\u{202e}`.
///
/// ```
/// use kubemate::report::diagnostics::escape::line;
/// assert_eq!(line("a\u{1b}[31m\nb"), "a\\u{1b}[31m\\nb");
/// assert_eq!(line("größe: 大"), "größe: 大");
/// ```
pub fn line(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    text.chars().for_each(|c| push(&mut out, c));
    Cow::Owned(out)
}

/// Like [`line`], but keeps line breaks and tabs: for code that is shown as a block.
pub fn block(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.replace("\r\n", "\n").chars() {
        match c {
            '\n' | '\t' => out.push(c),
            c => push(&mut out, c),
        }
    }
    out
}

/// Writes hidden characters of a JSON text as `\uXXXX`: the same values, safe to print.
///
/// Outside its strings JSON is ASCII, and inside them serde has already escaped what is below
/// U+0020, so every other hidden character stands in a string.
pub fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c >= '\u{7f}' && is_hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _: Result<(), std::fmt::Error> = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_terminals_and_readers_could_be_fooled_with_is_written_out() {
        for c in [
            '\u{1b}', '\u{9b}', '\u{7f}', '\u{202e}', '\u{2066}', '\u{200b}', '\u{2028}', '\0',
        ] {
            let shown = line(&format!("a{c}b")).into_owned();
            assert!(!shown.contains(c), "{shown}");
            assert!(shown.starts_with("a\\u{"), "{shown}");
        }
    }

    #[test]
    fn json_keeps_its_values() {
        let value = serde_json::json!({"a\u{9b}": "x\u{202e}\u{1b}\n\u{e0041}é"});
        let text = json(&value.to_string());
        assert!(!text.chars().any(is_hidden), "{text}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).unwrap(),
            value
        );
    }

    #[test]
    fn blocks_keep_their_lines() {
        assert_eq!(block("a\r\n\tb\u{7}\r"), "a\n\tb\\u{7}\\r");
    }
}
