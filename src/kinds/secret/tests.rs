//! Secrets: where they come from, and the ExternalSecrets that fetch them.

use std::fmt::Write;

use crate::kinds::tests::{rendered, said};

const PLATFORM: &str = r#"secret-store vault server="https://vault.bank" { allow tenant=payments "kv/payments/*" }
tenant payments encrypted-secrets=#true { namespace core; namespace batch }
tenant identity"#;
const ENCRYPTED: &str = include_str!("../../../examples/files/ledger.enc.yaml");

fn files(text: &str) -> [(&'static str, &str); 5] {
    [
        ("platform/all.kdl", PLATFORM),
        ("tenants/payments/all.kdl", text),
        ("tenants/payments/there.yaml", "a: 1"),
        ("tenants/payments/db.enc.yaml", ENCRYPTED),
        ("tenants/identity/db.enc.yaml", ENCRYPTED),
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
        r#"secret s tenant=payments sops="db.enc.yaml" refresh="1h""#,
        r#"secret s tenant=payments sops="db.enc.yaml" { keys usernam }"#,
        r#"secret s tenant=payments sops="db.enc.yaml" type=tls"#,
        r#"secret s tenant=payments sops="../identity/db.enc.yaml""#,
        r#"secret s tenant=payments namespace=nowhere from="vault:kv/payments/a""#,
        r#"secret s tenant=payments type=registry from="vault:kv/payments/a" { keys password }"#,
        r#"secret s tenant=identity from="vault:kv/payments/a""#,
        r#"secret s tenant=payments from="vault:kv/payments/a" { keys a; key a property=b }"#,
        r#"secret s tenant=payments from="vault:kv/payments/a" { key a }"#,
        r#"secret s tenant=payments from="vault:kv/payments/a" { key a property=" b" }"#,
        r#"secret s tenant=payments sops="db.enc.yaml" { key user property=username }"#,
        r#"secret s tenant=payments sops="db.enc.yaml" { template { data { a "{{ .username }}" } } }"#,
        r#"secret s tenant=payments from="vault:kv/payments/a" { template { data { a hunter } } }"#,
        r#"secret s tenant=payments from="vault:kv/payments/a" { template }"#,
        r#"secret s tenant=payments from="vault:kv/payments/a" { template { data } }"#,
        r#"secret s tenant=payments from="vault:kv/payments/a" { template { data { a "{{ .x }" } } }"#,
        r#"secret s tenant=payments from="vault:kv/payments/a" { template { data { a "{{ .x-y }}" } } }"#,
        r#"secret s tenant=payments from="vault:kv/payments/a" { keys username; key password property=pass; template { data { a "{{ .usernme }}{{ .pass }}" } } }"#,
        r#"secret s tenant=payments from="vault:kv/payments/a" type=registry { keys username; template { data { a "{{ .username }}" } } }"#,
        r#"secret s tenant=payments from="vault:kv/payments/a" type=registry { key password property=pass }"#,
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
        r#"secret s tenant=payments sops="db.enc.yaml" type=basic-auth"#,
        r#"secret s tenant=payments from="vault:kv/payments/a" type=basic-auth { keys username; key password property="login.pass" }"#,
        r#"secret s tenant=payments from="vault:kv/payments/a" type=basic-auth { keys username; template merge-policy=merge { data { password "{{ .username }}" } } }"#,
        r#"secret s tenant=payments from="vault:kv/payments/a" type=tls { template merge-policy=merge { data { url "{{ .anything }}" } } }"#,
        r#"secret s tenant=payments from="vault:kv/payments/a" { template { data { url "postgres://${domain}/{{ .name }}" } } }"#,
    ] {
        assert_eq!(said(&files(text)), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn it_is_fetched_into_each_namespace() {
    let text = r#"secret db tenant=payments from="vault:kv/payments/db" refresh="30m" { keys username password }
secret all tenant=payments namespace=core from="vault:kv/payments/all" type=registry
secret named tenant=payments namespace=core from="vault:kv/payments/named" { keys host; key DB_PASSWORD property=password }
secret made tenant=payments namespace=core from="vault:kv/payments/made" {
  keys username password
  template merge-policy=merge {
    data { url "postgres://{{ .username }}:{{ .password | urlquery }}@pg.${domain}/pay" }
  }
}"#;
    let mut out = String::new();
    for (key, body) in rendered(&files(text), "prod") {
        if key.starts_with("ExternalSecret") {
            writeln!(out, "# {key}\n{}", crate::render::yaml::print(&[&body]).unwrap()).unwrap();
        }
    }
    insta::assert_snapshot!(out);
}

#[test]
fn apps_are_told_which_keys_a_secret_has() {
    let app = |secret: &str, key: &str| {
        let text = format!("secret s tenant=payments from=\"vault:kv/payments/a\" {{ {secret} }}\n\
            app a tenant=payments namespace=core {{ image \"r.bank/a\"; version \"1\"; env {{ X secret=s key={key} }} }}\n");
        said(&files(&text)).join("\n")
    };
    let made = "keys username; template { data { url \"{{ .username }}\" } }";
    let merged = "keys username; template merge-policy=merge { data { url \"{{ .username }}\" } }";
    for (secret, key) in [("keys a", "a"), ("", "anything"), ("key a property=b", "a"), (made, "url"), (merged, "url"), (merged, "username")] {
        assert_eq!(app(secret, key), "", "{secret} {key}");
    }
    for (secret, key) in [("keys a", "b"), ("key a property=b", "b"), (made, "username"), (merged, "other")] {
        let found = app(secret, key);
        assert!(found.starts_with("KM0514") && found.contains(&format!("offers no key `{key}`")), "{secret} {key}: {found}");
    }
}

/// What is said about a file in place of the sound one.
fn said_of_file(change: impl FnOnce(&str) -> String) -> String {
    let changed = change(ENCRYPTED);
    assert_ne!(changed, ENCRYPTED);
    let mut files = files(r#"secret s tenant=payments sops="db.enc.yaml""#);
    files[3].1 = &changed;
    said(&files).join("\n")
}

#[test]
fn a_file_that_cannot_be_decrypted_everywhere_is_refused_without_a_key() {
    let keep = |from: &str, to: &str| ENCRYPTED.split_once(from).map(|(a, b)| (a.to_owned(), b.split_once(to).unwrap().1.to_owned())).unwrap();
    let (before, after) = keep("    age:\n", "    lastmodified");
    let without_age = |service: &str| format!("{before}{service}    lastmodified{after}");
    let mut out = String::new();
    for (what, found) in [
        ("a service keeps the key", said_of_file(|_| without_age("    kms:\n        - arn: a\n          enc: e\n    pgp:\n        - fp: f\n          enc: e\n"))),
        ("nobody keeps the key", said_of_file(|_| without_age(""))),
        ("groups of keys", said_of_file(|text| text.replace("    age:\n", "    shamir_threshold: 2\n    age:\n"))),
        ("comments decide", said_of_file(|text| text.replace("unencrypted_suffix: _unencrypted", "encrypted_comment_regex: sops:enc"))),
        ("a pattern that is none", said_of_file(|text| text.replace("unencrypted_suffix: _unencrypted", "encrypted_regex: '('"))),
        ("clear text among it", said_of_file(|text| format!("more: hunter2\n{text}"))),
        ("clear text by its name", said_of_file(|text| format!("more_unencrypted: hunter2\n{text}"))),
        ("a map", said_of_file(|text| format!("more:\n  deep: \"\"\n{text}"))),
        ("no value", said_of_file(|text| format!("more:\n{text}"))),
        ("no key of a Secret", said_of_file(|text| text.replace("username:", "user name:"))),
        ("damaged", said_of_file(|text| text.replacen("data:", "data:!", 1))),
        ("a key twice", said_of_file(|text| format!("username: hunter2\n{text}"))),
        ("an anchor", said_of_file(|text| format!("a: &x hunter2\nb: *x\n{text}"))),
        ("two documents", said_of_file(|text| format!("{text}---\na: hunter2\n"))),
        ("a list", said_of_file(|_| "- hunter2\n".to_owned())),
        ("no MAC", said_of_file(|text| text.replace("    mac: ENC", "    macro: ENC"))),
    ] {
        assert!(!found.is_empty(), "{what}");
        assert!(!found.contains("hunter2"), "{found}");
        writeln!(out, "{what}\n  {found}").unwrap();
    }
    insta::assert_snapshot!(out);
}

#[test]
fn a_tenant_keeps_secrets_in_git_only_with_leave() {
    let mut files = files("");
    files[1] = ("tenants/identity/all.kdl", r#"secret s tenant=identity sops="db.enc.yaml""#);
    let found = said(&files).join("\n");
    assert!(found.contains("tenant `identity` has no leave"), "{found}");
}

#[test]
fn what_stands_for_an_encrypted_value_is_its_ciphertext_and_no_key_of_the_file() {
    let text = r#"secret db tenant=payments namespace=core sops="db.enc.yaml" type=basic-auth"#;
    let mut out = String::new();
    for (key, body) in rendered(&files(text), "prod") {
        if key.starts_with("Secret/") {
            writeln!(out, "# {key}\n{}", crate::render::yaml::print(&[&body]).unwrap()).unwrap();
        }
    }
    insta::assert_snapshot!(out);
}
