//! What people are told about tokens that the lexer could not take as they are.

use super::super::diagnostic::Code;
use super::super::lex::{Flaw, Kind, Token, is_newline, is_space};
use super::report::Report;
use super::{characters, codes};

/// Reports the flaw of a token.
pub(super) fn explain(report: &mut Report<'_>, tokens: &[Token], at: usize) {
    let token = tokens[at];
    match token.flaw {
        None => {}
        Some(Flaw::OpenString) => open_string(report, tokens, at),
        Some(Flaw::OpenComment) => open_comment(report, token),
        Some(Flaw::HashComment) => hash_comment(report, token),
        Some(Flaw::OneLineFence) => one_line_fence(report, token),
        Some(Flaw::FenceNotAlone) => fence_not_alone(report, token),
        Some(Flaw::TooManyHashes) => too_many_hashes(report, token),
        Some(Flaw::Brackets) => bracket_list(report, token),
        Some(Flaw::WrongQuotes) => wrong_quotes(report, token),
        Some(Flaw::NeedsQuotes) => needs_quotes(report, token),
    }
}

/// A character that has no place outside of quotes.
pub(super) fn junk(report: &mut Report<'_>, token: Token) {
    let text = token.text(report.text);
    let found = report
        .error(
            codes::NEEDS_QUOTES,
            token.range(),
            format!("`{text}` has no meaning in KDL"),
        )
        .help("a list is written as values behind each other: `keys username password`")
        .help("as part of a text it stands in quotes");
    report.push(found);
    report.mute_line(token.start);
}

fn open_string(report: &mut Report<'_>, tokens: &[Token], at: usize) {
    let token = tokens[at];
    let Kind::Quoted(quoting) = token.kind else {
        return;
    };
    report.mute_line(token.start);
    let opening = token.start..token.start + quoting.opening();
    let hashes = "#".repeat(usize::from(quoting.hashes));
    if quoting.multiline {
        let found = report
            .error(codes::OPEN_STRING, opening, "this text is never closed")
            .label("opened here")
            .help(format!(
                "its end is `\"\"\"{hashes}` on a line of its own, indented like its text"
            ));
        report.push(found);
        return;
    }
    let body = report.text[opening.end..token.end].trim_end_matches([' ', '\t']);
    let before = at
        .checked_sub(1)
        .map(|at| tokens[at])
        .filter(|t| t.kind == Kind::Word);
    if let Some(word) = before.filter(|_| matches!(body, "" | "}" | ";" | "{") && hashes.is_empty())
    {
        let text = report.quote(word.range());
        let found = report
            .error(
                codes::OPEN_STRING,
                word.start..opening.end,
                "the opening quote is missing",
            )
            .suggestion(
                report.span(word.start..word.start),
                "\"",
                format!("put a quote before `{text}`"),
            );
        report.push(found);
        return;
    }
    let end = opening.start + quoting.opening() + close_at(body);
    let closing = format!("\"{hashes}");
    let found = report
        .error(
            codes::OPEN_STRING,
            token.start..end,
            "this text is not closed on its line",
        )
        .label(format!("a closing `{closing}` is missing"))
        .suggestion(report.span(end..end), closing, "close it here")
        .help("text over several lines stands between lines of `\"\"\"`");
    report.push(found);
}

/// Where the closing quote was most likely meant: before a brace or `;` at the end of the line.
fn close_at(body: &str) -> usize {
    let kept = body
        .strip_suffix(['{', '}', ';'])
        .map_or(body, str::trim_end);
    if kept.is_empty() {
        body.len()
    } else {
        kept.len()
    }
}

fn open_comment(report: &mut Report<'_>, token: Token) {
    let found = report
        .error(
            codes::OPEN_COMMENT,
            token.start..token.start + 2,
            "this comment is never closed",
        )
        .label("opened here")
        .help("block comments nest: each `/*` needs its own `*/`");
    report.push(found);
}

fn hash_comment(report: &mut Report<'_>, token: Token) {
    let text = token.text(report.text);
    let hashes = text.len() - text.trim_start_matches('#').len();
    let mark = token.start..token.start + hashes;
    let found = report
        .error(
            codes::FOREIGN_COMMENT,
            mark.clone(),
            "KDL starts a comment with `//`, not with `#`",
        )
        .fix(report.span(mark), "//", "write `//`");
    report.push(found);
    report.mute_line(token.start);
    characters::check_hidden(report, token);
}

fn one_line_fence(report: &mut Report<'_>, token: Token) {
    let Kind::Quoted(quoting) = token.kind else {
        return;
    };
    let text = token.text(report.text);
    let hashes = "#".repeat(usize::from(quoting.hashes));
    let opening = token.start..(token.start + usize::from(quoting.hashes) + 3).min(token.end);
    let mut found = report
        .error(
            codes::BAD_FENCE,
            opening,
            "text behind `\"\"\"` must start on the next line",
        )
        .help("`\"\"\"` opens text over several lines; for one line a single `\"` is enough");
    let body = text.trim_matches('#').trim_matches('"');
    if !body.contains(['"', '\n', '\r']) && text.len() > hashes.len() * 2 + 5 {
        let fixed = format!("{hashes}\"{body}\"{hashes}");
        found = found.fix(
            report.span(token.range()),
            fixed,
            "use one `\"` on each side",
        );
    }
    report.push(found);
    report.mute_line(token.end);
}

fn fence_not_alone(report: &mut Report<'_>, token: Token) {
    let Kind::Quoted(quoting) = token.kind else {
        return;
    };
    let text = token.text(report.text);
    let fence = token.end - quoting.opening();
    let first = text
        .find(is_newline)
        .map_or("", |at| text[at..].trim_start_matches(is_newline));
    let indent: String = first.chars().take_while(|c| is_space(*c)).collect();
    let found = report
        .error(
            codes::BAD_FENCE,
            fence..token.end,
            "the closing `\"\"\"` must stand on a line of its own",
        )
        .help("its indentation says how much of it is taken off each line of the text")
        .suggestion(
            report.span(fence..fence),
            format!("\n{indent}"),
            "move it to its own line",
        );
    report.push(found);
    report.mute_line(token.end);
}

fn too_many_hashes(report: &mut Report<'_>, token: Token) {
    let found = report
        .error(
            codes::SYNTAX,
            token.range(),
            "a raw string may have at most 32 `#`",
        )
        .help("it needs only one `#` more than the longest run behind a quote in its text");
    report.push(found);
    report.mute_line(token.start);
}

fn bracket_list(report: &mut Report<'_>, token: Token) {
    let text = token.text(report.text);
    let inner = text.trim_start_matches('[').trim_end_matches(']');
    let values: Vec<&str> = inner
        .split(',')
        .map(str::trim)
        .filter(|value| !value.is_empty())
        .collect();
    let found = report
        .error(
            codes::BRACKET_LIST,
            token.range(),
            "KDL has no lists in brackets",
        )
        .help("write the values behind each other, with spaces between")
        .suggestion(
            report.span(token.range()),
            values.join(" "),
            "remove brackets and commas",
        );
    report.push(found);
}

fn wrong_quotes(report: &mut Report<'_>, token: Token) {
    let text = token.text(report.text);
    let mut inner = text.chars();
    inner.next();
    inner.next_back();
    let found = report
        .error(
            codes::WRONG_QUOTES,
            token.range(),
            "text stands in straight double quotes: \"…\"",
        )
        .fix(
            report.span(token.range()),
            quoted(inner.as_str()),
            "use double quotes",
        );
    report.push(found);
    characters::check_hidden(report, token);
}

fn needs_quotes(report: &mut Report<'_>, token: Token) {
    if characters::check_word(report, token) {
        return;
    }
    let text = token.text(report.text);
    if text.starts_with("*/") {
        let mark = token.start..token.start + 2;
        let found = report
            .error(
                codes::NEEDS_QUOTES,
                mark.clone(),
                "this `*/` closes no comment",
            )
            .suggestion(report.span(mark), "", "remove it");
        report.push(found);
        return;
    }
    let (code, why) = why_quotes(text);
    let message = format!("`{}` needs quotes: {why}", report.quote(token.range()));
    let mut found = report.error(code, token.range(), message);
    found = found.fix(report.span(token.range()), quoted(text), "put it in quotes");
    if let Some(at) = maybe_comment(text).map(|at| token.start + at) {
        for fix in &mut found.fixes {
            fix.safe = false;
        }
        found = found.suggestion(
            report.span(at..at),
            " ",
            "or put a space before the comment",
        );
    }
    report.push(found);
    report.mute_line(token.start);
}

/// What a bare word holds that it cannot hold.
fn why_quotes(text: &str) -> (Code, String) {
    if text.contains("${") {
        return (
            codes::NEEDS_QUOTES,
            "`${…}` works only inside of them".to_owned(),
        );
    }
    if let Some(mark) = ["//", "/*"].into_iter().find(|mark| text.contains(mark)) {
        return (
            codes::BARE_PATH,
            format!("`{mark}` starts a comment outside of them"),
        );
    }
    let signs = ['/', '\\', '[', ']', '#'];
    let sign = signs
        .into_iter()
        .find(|sign| text.contains(*sign))
        .unwrap_or('/');
    let code = if sign == '/' {
        codes::BARE_PATH
    } else {
        codes::NEEDS_QUOTES
    };
    (code, format!("a bare word cannot hold a `{sign}`"))
}

/// Where a comment or `/-` may have been meant, in a word that is no path otherwise.
fn maybe_comment(text: &str) -> Option<usize> {
    let at = text.find("//").or_else(|| text.find("/-"))?;
    let word = &text[..at];
    (!word.is_empty() && !word.ends_with(':') && !word.contains('/')).then_some(at)
}

/// A text in quotes, raw where it holds a `\` or a quote.
fn quoted(text: &str) -> String {
    if text.contains(['\\', '"']) {
        return format!("#\"{text}\"#");
    }
    format!("\"{text}\"")
}
