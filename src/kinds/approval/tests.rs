//! Approvals: who can give them.

use std::fmt::Write;

use crate::kinds::tests::{said_of};

#[test]
fn what_is_refused_is_said_in_words() {
    let mut out = String::new();
    for text in [
        r#"approval a"#,
        r#"approval a { approver }"#,
        r#"approval a { approver user=ana group=leads }"#,
        r#"approval a count=3 { approver user=ana; approver user=li }"#,
        r#"approval a count=2 { approver user=ana; approver user=ana }"#,
        r#"approval a count=0 { approver group=leads }"#,
        r#"approval a { approver group=leads; exclude nobody }"#,
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
        r#"approval a count=5 { approver user=ana; approver group=leads }"#,
        r#"approval a count=2 { approver user=ana; approver user=li }"#,
    ] {
        assert_eq!(said_of(text), Vec::<String>::new(), "{text}");
    }
}
