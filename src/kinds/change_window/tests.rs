//! Change windows: they open.

use std::fmt::Write;

use crate::kinds::tests::{said_of};

#[test]
fn what_is_refused_is_said_in_words() {
    let mut out = String::new();
    for text in [
        r#"change-window w zone="Asia/Shanghai""#,
        r#"change-window w { open "Mon-Fri 09:00-17:00" }"#,
        r#"change-window w zone="Asia/Shanghai" { open "Mon-Fri 09:00-17:00"; open "Mon-Fri 09:00-17:00" }"#,
        r#"change-window w zone="Asia/Shanghai" { open "Mon-Fry 09:00-17:00" }"#,
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
        r#"change-window w zone="Asia/Shanghai" { open "Mon-Fri 09:00-17:00"; open "Sat 22:00-04:00" }"#,
    ] {
        assert_eq!(said_of(text), Vec::<String>::new(), "{text}");
    }
}
