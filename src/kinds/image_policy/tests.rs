//! Image policies: they rule something out.

use std::fmt::Write;

use crate::kinds::tests::{said_of};

#[test]
fn what_is_refused_is_said_in_words() {
    let mut out = String::new();
    for text in [
        r#"image-policy p"#,
        r#"image-policy p { only harbr }
registry harbor host="harbor.bank""#,
        r#"image-policy p { only harbor harbor }
registry harbor host="harbor.bank""#,
        r#"image-policy p { require signature }"#,
        r#"image-policy p env=prodd { require digest }"#,
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
        r#"image-policy p { only harbor }
registry harbor host="harbor.bank""#,
    ] {
        assert_eq!(said_of(text), Vec::<String>::new(), "{text}");
    }
}
