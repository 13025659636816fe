//! Freezes: moments that exist, in order.

use std::fmt::Write;

use crate::kinds::tests::{said_of};

#[test]
fn what_is_refused_is_said_in_words() {
    let mut out = String::new();
    for text in [
        r#"freeze f from="2026-12-28T00:00" to="2027-01-05T08:00""#,
        r#"freeze f from="2027-01-05T08:00" to="2026-12-28T00:00" zone="Asia/Shanghai""#,
        r#"freeze f from="2026-12-28T00:00Z" to="2026-12-28T01:00+08:00""#,
        r#"freeze f from="2027-03-28T02:30" to="2027-03-29T00:00" zone="Europe/Berlin""#,
        r#"freeze f from="2026-02-30T00:00" to="2026-03-01T00:00" zone="Asia/Shanghai""#,
        r#"freeze f env=prodd from="2026-12-28T00:00Z" to="2027-01-05T08:00Z""#,
        r#"freeze f from="2026-12-28T00:00Z" to="2027-01-05T08:00Z" { override approval=nobody }"#,
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
        r#"freeze f from="2019-12-28T00:00Z" to="2020-01-05T08:00Z""#,
        r#"freeze f from="2027-10-31T02:30" to="2027-11-01T00:00" zone="Europe/Berlin""#,
    ] {
        assert_eq!(said_of(text), Vec::<String>::new(), "{text}");
    }
}
