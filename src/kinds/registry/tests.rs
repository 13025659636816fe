//! Registries: hosts are told apart.

use std::fmt::Write;

use crate::kinds::tests::{said_of};

#[test]
fn what_is_refused_is_said_in_words() {
    let mut out = String::new();
    for text in [
        r#"registry a host="harbor.bank"
registry b host="harbor.bank""#,
        r#"registry a host="harbor.bank" { mirror "docker.io" }
registry b host="nexus.bank" { mirror "docker.io" }"#,
        r#"registry a host="harbor.bank" { mirror "harbor.bank" }"#,
        r#"registry a host="harbor.bank" { mirror "docker.io"; mirror "docker.io" }"#,
        r#"registry a host="https://harbor.bank""#,
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
        r#"registry a host="harbor.bank"
registry b host="harbor.bank:8443""#,
    ] {
        assert_eq!(said_of(text), Vec::<String>::new(), "{text}");
    }
}
