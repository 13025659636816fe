//! Bare words and keywords: those of KDL 1, those that look like numbers, punctuation of other
//! languages.

use super::super::diagnostic::Diagnostic;
use super::super::lex::Token;
use super::numbers::{self, Fault};
use super::report::Report;
use super::{MAX_STRING_BYTES, characters, codes};

/// The keywords of KDL 2.
const KEYWORDS: [&str; 6] = ["#true", "#false", "#null", "#inf", "#-inf", "#nan"];

/// Checks a bare word; `names_node` says that it is the first of its line.
pub(super) fn check(report: &mut Report<'_>, token: Token, names_node: bool) {
    if token.end - token.start > MAX_STRING_BYTES {
        too_long(report, token);
        return;
    }
    if characters::check_word(report, token) {
        return;
    }
    let word = token.text(report.text);
    let found = if matches!(word, "true" | "false" | "null" | "inf" | "-inf" | "nan") {
        Some(old_keyword(report, token, names_node))
    } else if let Some(kept) = word.strip_suffix(',') {
        Some(comma(report, token, kept))
    } else if let Some(name) = word.strip_suffix(':').filter(|name| !name.is_empty()) {
        Some(colon(report, token, name, names_node))
    } else if word.starts_with(['\u{201c}', '\u{201d}', '\u{201e}', '\u{2018}', '\u{ab}']) {
        Some(odd_quote(report, token))
    } else if numbers::looks_like(word) && !names_node {
        numbers::check(word)
            .err()
            .map(|fault| number(report, token, fault))
    } else {
        None
    };
    if let Some(found) = found {
        report.push(found);
    }
}

/// Checks `#…`.
pub(super) fn keyword(report: &mut Report<'_>, token: Token) {
    let word = token.text(report.text);
    if KEYWORDS.contains(&word) {
        return;
    }
    let message = format!("`{}` is not a keyword of KDL", report.quote(token.range()));
    let mut found = report.error(codes::SYNTAX, token.range(), message);
    found = match meant(&word.to_lowercase()) {
        Some(known) => found.suggestion(
            report.span(token.range()),
            known,
            format!("did you mean `{known}`?"),
        ),
        None => found.help("a comment starts with `//`; text with a `#` stands in quotes"),
    };
    report.push(found.help("the keywords are #true, #false, #null, #inf, #-inf and #nan"));
}

/// The keyword that a wrong one most likely stands for.
fn meant(word: &str) -> Option<&'static str> {
    match word {
        "#yes" | "#on" => Some("#true"),
        "#no" | "#off" => Some("#false"),
        "#none" | "#nil" => Some("#null"),
        _ => KEYWORDS
            .into_iter()
            .find(|known| strsim::osa_distance(known, word) <= 1),
    }
}

/// The limit on the length of strings.
pub(super) fn too_long(report: &mut Report<'_>, token: Token) {
    let size = token.end - token.start;
    let message = format!("this text has {size} bytes, and the limit is {MAX_STRING_BYTES}");
    let first = token
        .text(report.text)
        .chars()
        .next()
        .map_or(0, char::len_utf8);
    let start = token.start;
    let found = report
        .error(codes::STRING_TOO_LONG, start..start + first, message)
        .label("starts here")
        .help("keep long content in a file of its own and name the file");
    report.push(found);
}

fn old_keyword(report: &Report<'_>, token: Token, names_node: bool) -> Diagnostic {
    let word = token.text(report.text);
    let span = report.span(token.range());
    if names_node {
        let message = format!("a node cannot be named `{word}` without quotes");
        return report
            .error(codes::KDL1_KEYWORD, token.range(), message)
            .help("the bare word was a keyword in KDL 1, so KDL 2 allows it in no place")
            .suggestion(span, format!("\"{word}\""), "write the name in quotes");
    }
    report
        .error(
            codes::KDL1_KEYWORD,
            token.range(),
            format!("KDL 2 writes this keyword as `#{word}`"),
        )
        .help(format!("for the text, write \"{word}\" in quotes"))
        .fix(span, format!("#{word}"), format!("write `#{word}`"))
}

fn comma(report: &Report<'_>, token: Token, kept: &str) -> Diagnostic {
    let comma = token.end - 1..token.end;
    let mut found = report.error(
        codes::FOREIGN_PUNCTUATION,
        comma.clone(),
        "KDL separates values with spaces, not with commas",
    );
    found = found.suggestion(report.span(comma), "", "remove the comma");
    if kept.is_empty() {
        found
    } else {
        found.help(format!("for the text, write \"{kept},\" in quotes"))
    }
}

fn colon(report: &Report<'_>, token: Token, name: &str, names_node: bool) -> Diagnostic {
    let colon = token.end - 1..token.end;
    let form = if names_node {
        format!("{name} value")
    } else {
        format!("{name}=value")
    };
    report
        .error(
            codes::FOREIGN_PUNCTUATION,
            colon.clone(),
            "KDL puts no colon between name and value",
        )
        .help(format!("write it as `{form}`"))
        .suggestion(report.span(colon), "", "remove the colon")
}

fn odd_quote(report: &Report<'_>, token: Token) -> Diagnostic {
    report
        .error(
            codes::WRONG_QUOTES,
            token.range(),
            "this word starts with a typographic quote",
        )
        .help("text stands in straight quotes: \"…\"")
}

fn number(report: &Report<'_>, token: Token, fault: Fault) -> Diagnostic {
    let word = token.text(report.text);
    let shown = report.quote(token.range());
    let span = report.span(token.range());
    let error = |code, message: String| report.error(code, token.range(), message);
    match fault {
        Fault::NotANumber => bare_unit(report, token),
        Fault::BadDigit => {
            let mut found = error(
                codes::BAD_NUMBER,
                format!("`{shown}` has a digit that its base does not know, or none at all"),
            );
            found = found.help("0x takes 0-9 and a-f, 0o takes 0-7, 0b takes 0 and 1");
            found.suggestion(
                span,
                format!("\"{word}\""),
                "put it in quotes if it is a text",
            )
        }
        Fault::TooLarge => error(
            codes::BAD_NUMBER,
            format!("`{shown}` is larger than any number can be"),
        )
        .help("if it is an identifier rather than a number, write it in quotes"),
        Fault::BarePoint => error(
            codes::BAD_NUMBER,
            format!("`{shown}` has no digit before the point"),
        )
        .fix(
            span,
            word.replacen('.', "0.", 1),
            "put a 0 before the point",
        ),
        Fault::OpenPoint => error(
            codes::BAD_NUMBER,
            format!("`{shown}` has no digit behind the point"),
        )
        .fix(
            span,
            word.replacen('.', ".0", 1),
            "put a 0 behind the point",
        ),
        Fault::UpperBase => {
            let fixed = word
                .replacen('X', "x", 1)
                .replacen('O', "o", 1)
                .replacen('B', "b", 1);
            error(
                codes::BAD_NUMBER,
                format!("`{shown}` marks its base in upper case"),
            )
            .help("the marks are 0x, 0o and 0b")
            .suggestion(
                span,
                lower_base(word, fixed),
                "write the mark in lower case",
            )
        }
    }
}

/// Only the mark of the base is lowered, never a digit.
fn lower_base(word: &str, fixed: String) -> String {
    match word.find(['X', 'x']) {
        Some(at) => format!("{}x{}", &word[..at], &word[at + 1..]),
        None => fixed,
    }
}

fn bare_unit(report: &Report<'_>, token: Token) -> Diagnostic {
    let word = token.text(report.text);
    let shown = report.quote(token.range());
    let help = match word.trim_start_matches(|c: char| c.is_ascii_digit() || "+-._".contains(c)) {
        "Ki" | "Mi" | "Gi" | "Ti" | "Pi" | "Ei" | "k" | "K" | "M" | "G" | "T" | "P" | "E" => {
            "quantities stand in quotes: memory=\"512Mi\""
        }
        "ms" | "s" | "m" | "h" | "d" | "w" | "us" | "ns" => {
            "durations and milli-units stand in quotes: every=\"30s\", cpu=\"250m\""
        }
        "%" => "percentages stand in quotes: target=\"70%\"",
        "" => "versions, dates and addresses stand in quotes: version \"2.14.0\"",
        _ => "only plain numbers start with a digit outside of quotes",
    };
    report
        .error(
            codes::BARE_UNIT,
            token.range(),
            format!("`{shown}` needs quotes: a bare word cannot start with a digit"),
        )
        .help(help)
        .fix(
            report.span(token.range()),
            format!("\"{word}\""),
            "put it in quotes",
        )
}
