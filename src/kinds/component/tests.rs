//! Components: what is refused, in which words, and that a circle of needs is one of them.

use std::fmt::Write;

use crate::kinds::tests::{said_of};

#[test]
fn what_is_refused_is_said_in_words() {
    let mut out = String::new();
    for text in [
        r#"component a version="1" { needs a }"#,
        r#"component a version="1" { needs b }
component b version="1" { needs c }
component c version="1" { needs a }"#,
        r#"component a version="one""#,
        r#"component a version="1" { needs missing }"#,
    ] {
        let found = said_of(text);
        assert!(!found.is_empty(), "nothing is said about: {text}");
        writeln!(out, "{text}\n  {}", found.join("\n  ")).unwrap();
    }
    insta::assert_snapshot!(out);
}

#[test]
fn what_is_right_passes() {
    for text in [
        r#"component a version="1" { needs b c }
component b version="1" { needs c }
component c version="1.2.3""#,
    ] {
        assert_eq!(said_of(text), Vec::<String>::new(), "{text}");
    }
}
