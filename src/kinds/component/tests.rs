//! Components: what is refused, in which words, and that a circle of needs is one of them.

use std::fmt::Write;

use crate::kinds::tests::{said, said_of};

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

#[test]
fn what_a_kind_builds_on_is_declared_where_anything_is() {
    let files = |components: &str| {
        let platform = format!(
            "{components}\nsecret-store vault server=\"https://vault.bank\" {{ allow tenant=payments \"kv/payments/*\" }}\n\
             tenant payments {{ namespace core }}\ntenant identity\n"
        );
        let tenant = "secret db tenant=payments from=\"vault:kv/payments/db\" { keys a }\n\
             certificate own tenant=payments issuer=ca { host \"a.payments-core.svc\" }\n";
        said(&[("platform/all.kdl", &platform), ("tenants/payments/a.kdl", tenant)])
    };
    assert_eq!(files(""), Vec::<String>::new(), "nothing is declared: the cluster knows");
    let found = files("component keda version=\"2.20\" external=#true");
    let needs: Vec<&str> = found.iter().filter_map(|s| s.split('`').nth(1)).collect();
    assert_eq!(needs, ["cert-manager", "external-secrets"], "{found:?}");
    assert!(found.iter().all(|s| s.starts_with("(warning) KM0563")), "{found:?}");
    let both = "component cert-manager version=\"1.21\" external=#true\n\
        component external-secrets version=\"1.3\" external=#true";
    assert_eq!(files(both), Vec::<String>::new());
}
