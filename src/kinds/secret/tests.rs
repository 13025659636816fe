//! Secrets: where they come from, and the ExternalSecrets that fetch them.

use std::fmt::Write;

use crate::kinds::tests::{rendered, said};

const PLATFORM: &str = r#"secret-store vault server="https://vault.bank" { allow tenant=payments "kv/payments/*" }
tenant payments { namespace core; namespace batch }
tenant identity"#;

fn files(text: &str) -> [(&'static str, &str); 3] {
    [
        ("platform/all.kdl", PLATFORM),
        ("tenants/payments/all.kdl", text),
        ("tenants/payments/there.yaml", "a: 1"),
    ]
}

#[test]
fn what_is_refused_is_said_in_words() {
    let mut out = String::new();
    for text in [
        r#"secret s tenant=payments"#,
        r#"secret s tenant=payments from="vault:kv/payments/a" sops="a.yaml""#,
        r#"secret s tenant=payments from="vault:kv/identity/a""#,
        r#"secret s tenant=payments from="vault:kv/payments/../identity/a""#,
        r#"secret s tenant=payments from="volt:kv/payments/a""#,
        r#"secret s tenant=payments from="kv/payments/a""#,
        r#"secret s tenant=payments sops="missing.yaml""#,
        r#"secret s tenant=payments sops="there.yaml""#,
        r#"secret s tenant=payments namespace=nowhere from="vault:kv/payments/a""#,
        r#"secret s tenant=payments type=registry from="vault:kv/payments/a" { keys password }"#,
        r#"secret s tenant=identity from="vault:kv/payments/a""#,
    ] {
        let found = said(&files(text));
        assert!(!found.is_empty(), "nothing is said about: {text}");
        writeln!(out, "{text}\n  {}", found.join("\n  ")).unwrap();
    }
    insta::assert_snapshot!(out);
}

#[test]
fn what_is_right_passes() {
    for text in [
        r#"secret s tenant=payments from="vault:kv/payments/a""#,
        r#"secret s tenant=payments namespace=core from="vault:kv/payments/a" { keys a b }"#,
    ] {
        assert_eq!(said(&files(text)), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn it_is_fetched_into_each_namespace() {
    let text = r#"secret db tenant=payments from="vault:kv/payments/db" refresh="30m" { keys username password }
secret all tenant=payments namespace=core from="vault:kv/payments/all" type=registry"#;
    let mut out = String::new();
    for (key, body) in rendered(&files(text), "prod") {
        if key.starts_with("ExternalSecret") {
            writeln!(out, "# {key}\n{}", crate::render::yaml::print(&[&body]).unwrap()).unwrap();
        }
    }
    insta::assert_snapshot!(out);
}
