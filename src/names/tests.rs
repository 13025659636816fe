//! Names: what each accepts, what is said about what it refuses, and that printing loses nothing.

use super::*;
use crate::values::tests::{bad, good, round_trip};

#[test]
fn a_name() {
    good::<Name>(&[
        ("checkout", "checkout"),
        ("a", "a"),
        ("h200", "h200"),
        ("a-b", "a-b"),
        (&"x".repeat(63), &"x".repeat(63)),
    ]);
    let refused = bad::<Name>(&[
        "",
        "Check_Out",
        "2fast",
        "-a",
        "a-",
        "a b",
        "naïve",
        "a.b",
        &"x".repeat(64),
        "a\nb",
    ]);
    insta::assert_snapshot!(refused, @r#"
    `` is not a name: it is empty; use lower-case letters, digits and `-`, starting with a letter, at most 63 characters, for example "checkout"
    `Check_Out` is not a name: `C` is not allowed; use lower-case letters, digits and `-`, starting with a letter, at most 63 characters, for example "checkout" => check-out
    `2fast` is not a name: it starts with the digit `2`; use lower-case letters, digits and `-`, starting with a letter, at most 63 characters, for example "checkout"
    `-a` is not a name: it starts with `-`; use lower-case letters, digits and `-`, starting with a letter, at most 63 characters, for example "checkout" => a
    `a-` is not a name: it ends with `-`; use lower-case letters, digits and `-`, starting with a letter, at most 63 characters, for example "checkout" => a
    `a b` is not a name: a space is not allowed; use lower-case letters, digits and `-`, starting with a letter, at most 63 characters, for example "checkout" => a-b
    `naïve` is not a name: `ï` is not allowed; use lower-case letters, digits and `-`, starting with a letter, at most 63 characters, for example "checkout"
    `a.b` is not a name: `.` is not allowed; use lower-case letters, digits and `-`, starting with a letter, at most 63 characters, for example "checkout" => a-b
    `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx` is not a name: it has 64 characters, 63 are allowed; use lower-case letters, digits and `-`, starting with a letter, at most 63 characters, for example "checkout"
    `a\nb` is not a name: the character U+000A is not allowed; use lower-case letters, digits and `-`, starting with a letter, at most 63 characters, for example "checkout" => a-b
    "#);
    round_trip::<Name>("[a-z][a-z0-9-]{0,62}");
}

#[test]
fn a_tenant() {
    good::<TenantName>(&[("payments", "payments")]);
    let refused =
        bad::<TenantName>(&["payments/core", "ttttttttttttttttttttttttttttttttttttttttt"]);
    insta::assert_snapshot!(refused, @r#"
    `payments/core` is not the name of a tenant: `/` is not allowed; use lower-case letters, digits and `-`, starting with a letter, at most 40 characters, for example "payments"
    `ttttttttttttttttttttttttttttttttttttttttt` is not the name of a tenant: it has 41 characters, 40 are allowed; use lower-case letters, digits and `-`, starting with a letter, at most 40 characters, for example "payments"
    "#);
    round_trip::<TenantName>("[a-z][a-z0-9-]{0,41}");
}

#[test]
fn an_environment() {
    good::<EnvironmentName>(&[("prod", "prod")]);
    let refused = bad::<EnvironmentName>(&["Prod", "production-and-everything"]);
    insta::assert_snapshot!(refused, @r#"
    `Prod` is not the name of an environment: `P` is not allowed; use lower-case letters, digits and `-`, starting with a letter, at most 20 characters, for example "prod" => prod
    `production-and-everything` is not the name of an environment: it has 25 characters, 20 are allowed; use lower-case letters, digits and `-`, starting with a letter, at most 20 characters, for example "prod"
    "#);
    round_trip::<EnvironmentName>("[a-z][a-z0-9-]{0,21}");
}

#[test]
fn a_cluster() {
    good::<ClusterName>(&[("sh-a", "sh-a")]);
    let refused = bad::<ClusterName>(&["sh_a"]);
    insta::assert_snapshot!(refused, @r#"
    `sh_a` is not the name of a cluster: `_` is not allowed; use lower-case letters, digits and `-`, starting with a letter, at most 63 characters, for example "sh-a" => sh-a
    "#);
    round_trip::<ClusterName>("[a-z][a-z0-9-]{0,63}");
}

#[test]
fn a_namespace() {
    good::<NamespaceName>(&[("payments-core", "payments-core"), ("1st", "1st")]);
    let refused = bad::<NamespaceName>(&["payments.core"]);
    insta::assert_snapshot!(refused, @r#"
    `payments.core` is not the name of a namespace: `.` is not allowed; use lower-case letters, digits and `-`, at most 63 characters, for example "payments-core" => payments-core
    "#);
    round_trip::<NamespaceName>("[a-z0-9][a-z0-9-]{0,63}");
}

#[test]
fn a_project() {
    good::<ProjectName>(&[("bank", "bank")]);
    let refused = bad::<ProjectName>(&["The Bank"]);
    insta::assert_snapshot!(refused, @r#"
    `The Bank` is not the name of a project: `T` is not allowed; use lower-case letters, digits and `-`, starting with a letter, at most 40 characters, for example "bank" => the-bank
    "#);
    round_trip::<ProjectName>("[a-z][a-z0-9-]{0,41}");
}

#[test]
fn an_object() {
    good::<ObjectName>(&[
        ("a", "a"),
        ("a.b-c", "a.b-c"),
        ("checkout.config", "checkout.config"),
    ]);
    let refused = bad::<ObjectName>(&["a..b", "a.-b", "A", "a/b"]);
    insta::assert_snapshot!(refused, @r#"
    `a..b` is not the name of an object: it has an empty part beside a `.`; use lower-case letters, digits, `-` and `.`, at most 253 characters, for example "checkout.config" => a--b
    `a.-b` is not the name of an object: in `-b`, it starts with `-`; use lower-case letters, digits, `-` and `.`, at most 253 characters, for example "checkout.config" => a--b
    `A` is not the name of an object: `A` is not allowed; use lower-case letters, digits, `-` and `.`, at most 253 characters, for example "checkout.config" => a
    `a/b` is not the name of an object: `/` is not allowed; use lower-case letters, digits, `-` and `.`, at most 253 characters, for example "checkout.config"
    "#);
    round_trip::<ObjectName>("[a-z0-9.-]{1,80}");
}

#[test]
fn a_port_name() {
    good::<PortName>(&[("http", "http"), ("h2", "h2"), ("grpc-web", "grpc-web")]);
    let refused = bad::<PortName>(&["http--alt", "8080", "metrics-endpoint", "HTTP"]);
    insta::assert_snapshot!(refused, @r#"
    `http--alt` is not the name of a port: it has two `-` in a row; use lower-case letters, digits and single `-`, with at least one letter, at most 15 characters, for example "metrics"
    `8080` is not the name of a port: it has no letter; use lower-case letters, digits and single `-`, with at least one letter, at most 15 characters, for example "metrics"
    `metrics-endpoint` is not the name of a port: it has 16 characters, 15 are allowed; use lower-case letters, digits and single `-`, with at least one letter, at most 15 characters, for example "metrics"
    `HTTP` is not the name of a port: `H` is not allowed; use lower-case letters, digits and single `-`, with at least one letter, at most 15 characters, for example "metrics" => http
    "#);
    round_trip::<PortName>("[a-z0-9-]{1,16}");
}

#[test]
fn a_label_key() {
    good::<LabelKey>(&[
        ("app", "app"),
        ("example.com/tier", "example.com/tier"),
        ("a_B.c", "a_B.c"),
    ]);
    let refused = bad::<LabelKey>(&[
        "",
        "/tier",
        "Example.com/tier",
        "a/b/c",
        "-a",
        "example.com/",
    ]);
    insta::assert_snapshot!(refused, @r#"
    `` is not the key of a label: it is empty; use letters, digits, `-`, `_` and `.`, at most 63 characters, after an optional domain and `/`, for example "example.com/tier"
    `/tier` is not the key of a label: before the `/`, it is empty; use letters, digits, `-`, `_` and `.`, at most 63 characters, after an optional domain and `/`, for example "example.com/tier" => tier
    `Example.com/tier` is not the key of a label: before the `/`, `E` is not allowed; use letters, digits, `-`, `_` and `.`, at most 63 characters, after an optional domain and `/`, for example "example.com/tier" => example.com/tier
    `a/b/c` is not the key of a label: `/` is not allowed; use letters, digits, `-`, `_` and `.`, at most 63 characters, after an optional domain and `/`, for example "example.com/tier"
    `-a` is not the key of a label: it starts with `-`; use letters, digits, `-`, `_` and `.`, at most 63 characters, after an optional domain and `/`, for example "example.com/tier" => a
    `example.com/` is not the key of a label: it is empty; use letters, digits, `-`, `_` and `.`, at most 63 characters, after an optional domain and `/`, for example "example.com/tier" => example.com
    "#);
    round_trip::<LabelKey>("([a-z.]{1,10}/)?[A-Za-z0-9._-]{1,20}");
}

#[test]
fn a_label_value() {
    good::<LabelValue>(&[("", ""), ("web", "web"), ("1.2_B-c", "1.2_B-c")]);
    let refused = bad::<LabelValue>(&["-web", "a b", &"v".repeat(64)]);
    insta::assert_snapshot!(refused, @r#"
    `-web` is not the value of a label: it starts with `-`; use letters, digits, `-`, `_` and `.`, with a letter or digit at both ends, at most 63 characters, for example "web" => web
    `a b` is not the value of a label: a space is not allowed; use letters, digits, `-`, `_` and `.`, with a letter or digit at both ends, at most 63 characters, for example "web" => a-b
    `vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv` is not the value of a label: it has 64 characters, 63 are allowed; use letters, digits, `-`, `_` and `.`, with a letter or digit at both ends, at most 63 characters, for example "web"
    "#);
    round_trip::<LabelValue>("[A-Za-z0-9._-]{0,64}");
}

#[test]
fn an_env_var() {
    good::<EnvVarName>(&[("LOG_LEVEL", "LOG_LEVEL"), ("a.b-c", "a.b-c"), ("_x", "_x")]);
    let refused = bad::<EnvVarName>(&["1X", "A B", "..x", "A=B", ""]);
    insta::assert_snapshot!(refused, @r#"
    `1X` is not the name of an environment variable: it starts with the digit `1`; use letters, digits, `_`, `-` and `.`, not starting with a digit, for example "LOG_LEVEL"
    `A B` is not the name of an environment variable: a space is not allowed; use letters, digits, `_`, `-` and `.`, not starting with a digit, for example "LOG_LEVEL" => A_B
    `..x` is not the name of an environment variable: it starts with `..`; use letters, digits, `_`, `-` and `.`, not starting with a digit, for example "LOG_LEVEL" => x
    `A=B` is not the name of an environment variable: `=` is not allowed; use letters, digits, `_`, `-` and `.`, not starting with a digit, for example "LOG_LEVEL"
    `` is not the name of an environment variable: it is empty; use letters, digits, `_`, `-` and `.`, not starting with a digit, for example "LOG_LEVEL"
    "#);
    round_trip::<EnvVarName>("[A-Za-z0-9._-]{1,20}");
}

#[test]
fn a_config_key() {
    good::<ConfigKey>(&[
        ("checkout.toml", "checkout.toml"),
        (".env", ".env"),
        ("1", "1"),
    ]);
    let refused = bad::<ConfigKey>(&["a/b", "..", ".", "a b"]);
    insta::assert_snapshot!(refused, @r#"
    `a/b` is not a key of configuration: `/` is not allowed; use letters, digits, `-`, `_` and `.`, at most 253 characters, for example "checkout.toml"
    `..` is not a key of configuration: it starts with `..`; use letters, digits, `-`, `_` and `.`, at most 253 characters, for example "checkout.toml"
    `.` is not a key of configuration: it is only a `.`; use letters, digits, `-`, `_` and `.`, at most 253 characters, for example "checkout.toml"
    `a b` is not a key of configuration: a space is not allowed; use letters, digits, `-`, `_` and `.`, at most 253 characters, for example "checkout.toml" => a-b
    "#);
    round_trip::<ConfigKey>("[A-Za-z0-9._-]{1,20}");
}

#[test]
fn a_group() {
    good::<GroupName>(&[
        ("payments-leads", "payments-leads"),
        ("org/team", "org/team"),
        ("oidc:sre", "oidc:sre"),
    ]);
    let refused = bad::<GroupName>(&["", "the board", "-x"]);
    insta::assert_snapshot!(refused, @r#"
    `` is not the name of a group: it is empty; use letters, digits and `- _ . : / @ +`, at most 253 characters, for example "payments-leads"
    `the board` is not the name of a group: a space is not allowed; use letters, digits and `- _ . : / @ +`, at most 253 characters, for example "payments-leads" => the-board
    `-x` is not the name of a group: it starts with `-`; use letters, digits and `- _ . : / @ +`, at most 253 characters, for example "payments-leads" => x
    "#);
    round_trip::<GroupName>("[A-Za-z0-9._:/@+-]{1,20}");
}

#[test]
fn a_user() {
    good::<UserName>(&[
        ("ana", "ana"),
        ("ana@bank", "ana@bank"),
        ("dependabot[bot]", "dependabot[bot]"),
        ("system:serviceaccount:a:b", "system:serviceaccount:a:b"),
    ]);
    let refused = bad::<UserName>(&["ana lee", "@ana"]);
    insta::assert_snapshot!(refused, @r#"
    `ana lee` is not the name of a user: a space is not allowed; use letters, digits and `- _ . : / @ +`, at most 253 characters, for example "ana@bank" => ana-lee
    `@ana` is not the name of a user: it starts with `@`; use letters, digits and `- _ . : / @ +`, at most 253 characters, for example "ana@bank" => ana
    "#);
    round_trip::<UserName>("[A-Za-z0-9._:/@+-]{1,20}");
}

#[test]
fn a_field() {
    good::<FieldName>(&[("scale-down", "scale-down")]);
    let refused = bad::<FieldName>(&["scaleDown", "scale_down"]);
    insta::assert_snapshot!(refused, @r#"
    `scaleDown` is not the name of a field: `D` is not allowed; use lower-case letters, digits and `-`, starting with a letter, at most 63 characters, for example "scale-down" => scale-down
    `scale_down` is not the name of a field: `_` is not allowed; use lower-case letters, digits and `-`, starting with a letter, at most 63 characters, for example "scale-down" => scale-down
    "#);
    round_trip::<FieldName>("[a-z][a-z0-9-]{0,20}");
}

#[test]
fn a_reference_of_a_tenant() {
    good::<reference::SecretRef>(&[("db", "db"), ("identity/oidc", "identity/oidc")]);
    let refused = bad::<reference::SecretRef>(&["", "a/b/c", "Identity/db", "/db", "a/"]);
    insta::assert_snapshot!(refused, @r#"
    `` is not a reference to a secret: it is empty; write its name, or TENANT/NAME for one of another tenant, for example "payments/checkout"
    `a/b/c` is not a reference to a secret: `/` is not allowed; write its name, or TENANT/NAME for one of another tenant, for example "payments/checkout"
    `Identity/db` is not a reference to a secret: before the `/`, `I` is not allowed; write its name, or TENANT/NAME for one of another tenant, for example "payments/checkout" => identity/db
    `/db` is not a reference to a secret: before the `/`, it is empty; write its name, or TENANT/NAME for one of another tenant, for example "payments/checkout" => db
    `a/` is not a reference to a secret: it is empty; write its name, or TENANT/NAME for one of another tenant, for example "payments/checkout" => a
    "#);
    round_trip::<reference::SecretRef>("([a-z-]{1,8}/)?[a-z][a-z0-9-]{0,12}");
}

#[test]
fn a_reference_to_all() {
    good::<reference::EnvironmentRef>(&[("prod", "prod")]);
    let refused = bad::<reference::EnvironmentRef>(&["payments/prod", "Prod"]);
    insta::assert_snapshot!(refused, @r#"
    `payments/prod` is not a reference to an environment: it belongs to no tenant, so there is no `/` in it; write its name, for example "prod" => prod
    `Prod` is not a reference to an environment: `P` is not allowed; write its name, for example "prod" => prod
    "#);
    round_trip::<reference::EnvironmentRef>("[a-z][a-z0-9-]{0,12}");
}

#[test]
fn a_storage_class() {
    good::<reference::StorageClassRef>(&[("fast", "fast"), ("csi.bank", "csi.bank")]);
    let refused = bad::<reference::StorageClassRef>(&["csi/fast", "Fast"]);
    insta::assert_snapshot!(refused, @r#"
    `csi/fast` is not a reference to a storage class: it belongs to no tenant, so there is no `/` in it; write its name, for example "fast" => fast
    `Fast` is not a reference to a storage class: `F` is not allowed; write its name, for example "fast" => fast
    "#);
    round_trip::<reference::StorageClassRef>("[a-z][a-z0-9.-]{0,12}");
}

#[test]
fn a_name_is_looked_up_as_text() {
    let name: Name = "checkout".parse().unwrap();
    let set = std::collections::BTreeMap::from([(name.clone(), 1)]);
    assert_eq!(set.get("checkout"), Some(&1));
    assert!(name == "checkout" && name.as_ref() == "checkout");
    assert_eq!(serde_json::to_string(&name).unwrap(), "\"checkout\"");
    let error = serde_json::from_str::<Name>("\"A\\u0007\"")
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("`A\\u{7}` is not a name"), "{error}");
}

#[test]
fn a_reference_names_its_tenant() {
    let own: reference::SecretRef = "db".parse().unwrap();
    let other: reference::SecretRef = "identity/db".parse().unwrap();
    assert_eq!((own.tenant(), own.name()), (None, "db"));
    assert_eq!((other.tenant(), other.name()), (Some("identity"), "db"));
    let all: reference::ClusterRef = "sh-a".parse().unwrap();
    assert_eq!((all.tenant(), all.name()), (None, "sh-a"));
}

#[test]
fn the_schema_of_a_reference_names_its_kind() {
    let mut schemas = schemars::generate::SchemaGenerator::default();
    insta::assert_json_snapshot!(schemas.subschema_for::<reference::StorageClassRef>(), @r#"
    {
      "description": "A reference to a storage class: write its name.",
      "type": "string",
      "format": "storage-class-ref",
      "x-example": "fast",
      "x-ref": "storage-class"
    }
    "#);
}
