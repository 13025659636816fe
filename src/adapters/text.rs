//! Foreign text made safe to show: what a child process, a remote or the system said.

/// `text` trimmed to `limit` bytes from its end, control and direction characters escaped.
pub(crate) fn printable_tail(text: &[u8], limit: usize) -> String {
    let from = text.len().saturating_sub(limit);
    printable(String::from_utf8_lossy(&text[from..]).trim())
}

/// `text` with everything escaped that could move a cursor or hide other text.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        let hidden = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if c.is_control() || hidden {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_the_cursor() {
        assert_eq!(
            printable("a\x1b[2Jb\n\u{202e}c"),
            "a\\u{1b}[2Jb\\n\\u{202e}c"
        );
        assert_eq!(printable_tail(b"0123456789\n", 4), "789");
        assert_eq!(printable_tail(&[0xff, b'x'], 10), "\u{fffd}x");
    }
}
