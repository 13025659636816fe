//! Characters that hide or pretend: invisible ones, those that turn the direction of text, letters
//! of one script among those of another.
//!
//! Text in quotes and comments may hold any visible character and the joiners of emoji. Bare words
//! hold only what a reader can tell apart.

use std::ops::Range;

use super::super::lex::{Kind, Token};
use super::codes;
use super::report::Report;

/// Most characters reported per token.
const MAX_REPORTED: usize = 3;

/// Characters that no part of a file may hold: they change how the rest of it is shown.
fn is_treacherous(c: char) -> bool {
    is_control(c)
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}')
}

fn is_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r')
}

/// Characters that take no room on the screen.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
    ) || matches!(c, '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200d}')
        || matches!(c, '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{3164}')
        || matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}')
        || matches!(c, '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Refuses what no part of a file may hold.
pub(super) fn check_hidden(report: &mut Report<'_>, token: Token) {
    let text = token.text(report.text);
    if text.is_ascii() && !text.bytes().any(|b| b.is_ascii_control()) {
        return;
    }
    let lone_return = |at: usize| !text[at..].starts_with("\r\n");
    let bad = text
        .char_indices()
        .filter(|(at, c)| is_treacherous(*c) || (*c == '\r' && lone_return(*at)));
    for (at, c) in bad.take(MAX_REPORTED) {
        let start = token.start + at;
        hidden(report, token, start..start + c.len_utf8(), c);
    }
}

fn hidden(report: &mut Report<'_>, token: Token, range: Range<usize>, c: char) {
    if report.only_counts(range.start) {
        return;
    }
    let number = code_point(c);
    let message = format!("{} ({number}) is not allowed here", describe(c));
    let mut found = report.error(codes::INVISIBLE, range.clone(), message);
    found = found.label("cannot be seen here").help(reason(c));
    let span = report.span(range);
    found = match token.kind {
        Kind::Quoted(quoting) if quoting.hashes == 0 => {
            let escape = format!("\\u{{{:x}}}", u32::from(c));
            found.suggestion(
                span,
                escape,
                "write it as an escape, so that readers see it",
            )
        }
        Kind::Newline => found.fix(span, "\n", "use an ordinary line end"),
        _ => found.suggestion(span, "", "remove it"),
    };
    report.push(found);
}

fn code_point(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

fn describe(c: char) -> &'static str {
    match c {
        '\r' => "a lone carriage return",
        '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => "an unusual line end",
        '\u{feff}' => "a byte order mark",
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            "a character that turns the direction of text"
        }
        c if c.is_control() => "a control character",
        _ => "an invisible character",
    }
}

fn reason(c: char) -> &'static str {
    match c {
        '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
            "KDL starts a new line here, which many editors and reviews do not show"
        }
        '\u{feff}' => "it may stand only at the very start of a file",
        _ => "a reader would see something else than what the file says",
    }
}

/// Refuses bare words that a reader could take for another word. True when one was refused.
pub(super) fn check_word(report: &mut Report<'_>, token: Token) -> bool {
    let text = token.text(report.text);
    if text.is_ascii() && !text.bytes().any(|b| b.is_ascii_control()) {
        return false;
    }
    let invisible = text
        .char_indices()
        .find(|(_, c)| is_treacherous(*c) || is_invisible(*c));
    if let Some((at, c)) = invisible {
        let start = token.start + at;
        hidden(report, token, start..start + c.len_utf8(), c);
        return true;
    }
    let Some((at, c, why)) = pretender(text) else {
        return false;
    };
    let word = report.quote(token.range());
    let start = token.start + at;
    let found = report
        .error(
            codes::MIXED_SCRIPT,
            start..start + c.len_utf8(),
            format!("`{word}` {why}"),
        )
        .label(format!("{} looks like another letter", code_point(c)))
        .help("write it with letters of one script, or in quotes if it is meant");
    report.push(found);
    true
}

/// The first letter that pretends to be another, with what to say about the word.
fn pretender(word: &str) -> Option<(usize, char, String)> {
    let styled = |c: char| matches!(c, '\u{ff01}'..='\u{ff5e}' | '\u{1d400}'..='\u{1d7ff}' | '\u{2100}'..='\u{214f}');
    if let Some((at, c)) = word.char_indices().find(|(_, c)| styled(*c)) {
        return Some((
            at,
            c,
            "holds a styled letter instead of a plain one".to_owned(),
        ));
    }
    let scripts = || {
        word.char_indices()
            .filter_map(|(at, c)| Some((at, c, script(c)?)))
    };
    let latin = scripts().any(|(.., name)| name == "Latin");
    let (_, _, first) = scripts().next()?;
    let other = |name: &str| {
        if latin {
            name != "Latin"
        } else {
            name != first
        }
    };
    let (at, c, name) = scripts().find(|(.., name)| other(name))?;
    let main = if latin { "Latin" } else { first };
    Some((at, c, format!("mixes {main} and {name} letters")))
}

/// The script of a letter, for those scripts whose letters are taken for one another.
fn script(c: char) -> Option<&'static str> {
    Some(match c {
        'a'..='z'
        | 'A'..='Z'
        | '\u{c0}'..='\u{24f}'
        | '\u{250}'..='\u{2af}'
        | '\u{1e00}'..='\u{1eff}'
        | '\u{2c60}'..='\u{2c7f}'
        | '\u{a720}'..='\u{a7ff}' => "Latin",
        '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => "Greek",
        '\u{400}'..='\u{52f}'
        | '\u{1c80}'..='\u{1c8f}'
        | '\u{2de0}'..='\u{2dff}'
        | '\u{a640}'..='\u{a69f}' => "Cyrillic",
        '\u{530}'..='\u{58f}' => "Armenian",
        '\u{5d0}'..='\u{5ea}' => "Hebrew",
        '\u{10a0}'..='\u{10ff}' | '\u{2d00}'..='\u{2d2f}' => "Georgian",
        '\u{13a0}'..='\u{13ff}' | '\u{ab70}'..='\u{abbf}' => "Cherokee",
        '\u{2c80}'..='\u{2cff}' => "Coptic",
        '\u{a4d0}'..='\u{a4ff}' => "Lisu",
        '\u{10400}'..='\u{1044f}' => "Deseret",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lookalikes_are_found_and_honest_words_are_not() {
        for word in [
            "payments",
            "größe",
            "имя",
            "支付",
            "app支付",
            "naïve",
            "日本語",
        ] {
            assert!(pretender(word).is_none(), "{word}");
        }
        for word in [
            "p\u{430}yments",
            "\u{3bf}wner",
            "\u{ff41}pp",
            "\u{1d41a}pp",
            "имяα",
        ] {
            assert!(pretender(word).is_some(), "{word}");
        }
    }
}
