//! The lexer loses nothing and names what it sees.

use super::*;

fn kinds(text: &str) -> Vec<Kind> {
    lex(text)
        .filter(|t| t.kind != Kind::Space)
        .map(|t| t.kind)
        .collect()
}

#[test]
fn tokens_cover_the_text_without_gaps() {
    let text = "\u{feff}a \"b\\\"c\" #\"r\"# (t)k=1.5 { /-x; } // c\r\n/* /* n */ */ \\\n\"\"\"\n x\n \"\"\"";
    let mut at = 0;
    for token in lex(text) {
        assert_eq!(token.start, at);
        assert!(token.end > token.start, "a token is never empty");
        assert_eq!(token.flaw, None, "{:?}", token.text(text));
        at = token.end;
    }
    assert_eq!(at, text.len());
}

#[test]
fn a_raw_string_of_kdl_1_is_a_word_and_a_string() {
    let string = Kind::Quoted(Quoting {
        hashes: 1,
        multiline: false,
    });
    assert_eq!(kinds("r#\"a\"#"), [Kind::Word, string]);
}

#[test]
fn text_that_needs_quotes_is_one_token() {
    for text in [
        "registry/app:1",
        "https://a.b/c?d=e",
        "docs/**/*.md",
        "/healthz",
        "C:\\temp\\x",
        "${registry}/checkout",
        "a[0]",
        "a#b",
    ] {
        let tokens: Vec<Token> = lex(text).collect();
        assert_eq!(tokens.len(), 1, "{text}");
        assert_eq!(tokens[0].flaw, Some(Flaw::NeedsQuotes), "{text}");
    }
}

#[test]
fn a_label_key_stops_at_its_value() {
    let tokens: Vec<&str> = lex("app.io/name=web")
        .map(|t| t.text("app.io/name=web"))
        .collect();
    assert_eq!(tokens, ["app.io/name", "=", "web"]);
}

#[test]
fn what_is_never_closed_ends_where_the_next_node_starts() {
    let text = "a /* b\n  c\nd 1\n";
    let texts: Vec<&str> = lex(text).map(|t| t.text(text)).collect();
    assert_eq!(texts[2..4], ["/* b\n  c\n", "d"]);
    let text = "a \"\"\"\n  c\nd 1\n";
    let texts: Vec<&str> = lex(text).map(|t| t.text(text)).collect();
    assert_eq!(texts[2..4], ["\"\"\"\n  c\n", "d"]);
}
