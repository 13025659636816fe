//! Stores: what a tenant may read, and the stores in its namespaces.

use std::fmt::Write;

use crate::kinds::tests::{rendered, said_of};

#[test]
fn what_is_refused_is_said_in_words() {
    let mut out = String::new();
    for text in [
        r#"secret-store s
tenant a"#,
        r#"secret-store s provider=kubernetes
tenant a"#,
        r#"secret-store s server="https://v" { allow tenant=a "*" }
tenant a"#,
        r#"secret-store s server="https://v" { allow tenant=a "kv/*" }
tenant a"#,
        r#"secret-store s server="https://v" { allow tenant=a "kv" }
tenant a"#,
        r#"secret-store s server="https://v" { allow tenant=a "kv/a*" }
tenant a"#,
        r#"secret-store s server="https://v" { allow tenant=a "kv/../b" }
tenant a"#,
        r#"secret-store s server="https://v" { allow tenant=a "KV_2/a/*" }
tenant a"#,
        r#"secret-store s server="https://v" { allow tenant=a }
tenant a"#,
        r#"secret-store s provider=kubernetes source-namespace=x { allow tenant=a "ca-*" }
tenant a"#,
        r#"secret-store s provider=kubernetes source-namespace=x { allow tenant=a "team/*" }
tenant a"#,
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
        r#"secret-store s server="https://v" { allow tenant=a "kv/a/*" "kv/shared/ca" }
tenant a"#,
    ] {
        assert_eq!(said_of(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn a_tenant_reads_below_its_folder_only() {
    let text = r#"{"name":"s","server":"https://v","allow":[{"tenant":"a","paths":["kv/a/*","kv/shared/ca"]}]}"#;
    let store: super::SecretStore = serde_json::from_str(text).unwrap();
    for (tenant, path, allowed) in [
        ("a", "kv/a/db", true),
        ("a", "kv/a/deep/db", true),
        ("a", "kv/shared/ca", true),
        ("a", "kv/shared/ca2", false),
        ("a", "kv/ab", false),
        ("a", "kv/a/../b/db", false),
        ("a", "kv/a//b", false),
        ("b", "kv/a/db", false),
    ] {
        assert_eq!(store.allows(tenant, path), allowed, "{tenant} {path}");
    }
}

#[test]
fn each_namespace_gets_its_own_store() {
    let text = r#"
secret-store vault server="https://vault.bank" { allow tenant=a "kv/a/*" "pki/a/*" role=reader }
secret-store shared provider=kubernetes source-namespace=secrets { allow tenant=a ca }
tenant a { namespace one; namespace two }
"#;
    let mut out = String::new();
    for (key, body) in rendered(&[("platform/a.kdl", text)], "prod") {
        if key.contains("secrets") || key.contains("SecretStore") {
            writeln!(out, "# {key}\n{}", crate::render::yaml::print(&[&body]).unwrap()).unwrap();
        }
    }
    insta::assert_snapshot!(out);
}
