//! Escapes text of users for one medium each.

use unicode_width::UnicodeWidthChar;

/// For a terminal: control and direction-changing characters become visible, line ends stay.
pub fn terminal(text: &str) -> String {
    text.chars()
        .flat_map(|c| if c == '\n' { vec![c] } else { visible(c) })
        .collect()
}

/// For one line of a terminal.
pub fn line(text: &str) -> String {
    text.chars().flat_map(visible).collect()
}

fn visible(c: char) -> Vec<char> {
    if c.is_control() || is_invisible(c) {
        c.escape_default().collect()
    } else {
        vec![c]
    }
}

/// Characters that change how others are read, or that no one can see.
fn is_invisible(c: char) -> bool {
    let bidi = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{061c}');
    let zero = matches!(
        c,
        '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{2028}' | '\u{2029}'
    );
    bidi || zero || matches!(c, '\u{e0000}'..='\u{e007f}')
}

/// For running text in markdown: no markup, no link, no mention, no reference to an issue. What is
/// meant to be copied, such as a digest, stays as it is.
pub fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let text = line(text)
        .replace("://", ":\u{200b}//")
        .replace("www.", "www\u{200b}.");
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A forge sees no mention and no reference where the sign does not touch a word.
            '@' => out.push_str("@\u{200b}"),
            '#' => out.push_str("&#35;\u{200b}"),
            '!' | '[' | ']' | '(' | ')' | '*' | '_' | '~' | '\\' | '|' | '`' | '{' | '}' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// For markdown code in a table: a span whose fence is longer than any run of backticks inside.
pub fn code(text: &str) -> String {
    let text = line(text).replace('|', "\\|");
    let fence = "`".repeat(longest_run(&text, '`') + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') || text.is_empty() {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A fence that the text cannot close.
pub fn fence(text: &str) -> String {
    "`".repeat(longest_run(text, '`').max(2) + 1)
}

fn longest_run(text: &str, of: char) -> usize {
    let (mut longest, mut run) = (0, 0);
    for c in text.chars() {
        run = if c == of { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// For text and attributes of XML 1.0, which cannot hold most control characters at all.
pub fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in terminal(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' => out.push_str("&#10;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// The columns a text takes on a terminal.
pub fn width(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}
