//! Names: what each accepts, what is said about what it refuses, and that printing loses nothing.

use super::*;
use crate::values::tests::{bad, good, round_trip};

#[test]
fn a_name() {
good::<Name>(&[("checkout", "checkout"), ("a", "a"), ("h200", "h200"), ("a-b", "a-b"), (&"x".repeat(63), &"x".repeat(63))]);
let lines = bad::<Name>(&["", "Check_Out", "2fast", "-a", "a-", "a b", "naïve", "a.b", &"x".repeat(64), "a\nb"]);
println!("@@BEGIN a_name\n{lines}@@END");
round_trip::<Name>("[a-z][a-z0-9-]{0,62}");
}

#[test]
fn a_tenant() {
good::<TenantName>(&[("payments", "payments")]);
let lines = bad::<TenantName>(&["payments/core", "ttttttttttttttttttttttttttttttttttttttttt"]);
println!("@@BEGIN a_tenant\n{lines}@@END");
round_trip::<TenantName>("[a-z][a-z0-9-]{0,41}");
}

#[test]
fn an_environment() {
good::<EnvironmentName>(&[("prod", "prod")]);
let lines = bad::<EnvironmentName>(&["Prod", "production-and-everything"]);
println!("@@BEGIN an_environment\n{lines}@@END");
round_trip::<EnvironmentName>("[a-z][a-z0-9-]{0,21}");
}

#[test]
fn a_cluster() {
good::<ClusterName>(&[("sh-a", "sh-a")]);
let lines = bad::<ClusterName>(&["sh_a"]);
println!("@@BEGIN a_cluster\n{lines}@@END");
round_trip::<ClusterName>("[a-z][a-z0-9-]{0,63}");
}

#[test]
fn a_namespace() {
good::<NamespaceName>(&[("payments-core", "payments-core"), ("1st", "1st")]);
let lines = bad::<NamespaceName>(&["payments.core"]);
println!("@@BEGIN a_namespace\n{lines}@@END");
round_trip::<NamespaceName>("[a-z0-9][a-z0-9-]{0,63}");
}

#[test]
fn a_project() {
good::<ProjectName>(&[("bank", "bank")]);
let lines = bad::<ProjectName>(&["The Bank"]);
println!("@@BEGIN a_project\n{lines}@@END");
round_trip::<ProjectName>("[a-z][a-z0-9-]{0,41}");
}

#[test]
fn an_object() {
good::<ObjectName>(&[("a", "a"), ("a.b-c", "a.b-c"), ("checkout.config", "checkout.config")]);
let lines = bad::<ObjectName>(&["a..b", "a.-b", "A", "a/b"]);
println!("@@BEGIN an_object\n{lines}@@END");
round_trip::<ObjectName>("[a-z0-9.-]{1,80}");
}

#[test]
fn a_port_name() {
good::<PortName>(&[("http", "http"), ("h2", "h2"), ("grpc-web", "grpc-web")]);
let lines = bad::<PortName>(&["http--alt", "8080", "metrics-endpoint", "HTTP"]);
println!("@@BEGIN a_port_name\n{lines}@@END");
round_trip::<PortName>("[a-z0-9-]{1,16}");
}

#[test]
fn a_label_key() {
good::<LabelKey>(&[("app", "app"), ("example.com/tier", "example.com/tier"), ("a_B.c", "a_B.c")]);
let lines = bad::<LabelKey>(&["", "/tier", "Example.com/tier", "a/b/c", "-a", "example.com/"]);
println!("@@BEGIN a_label_key\n{lines}@@END");
round_trip::<LabelKey>("([a-z.]{1,10}/)?[A-Za-z0-9._-]{1,20}");
}

#[test]
fn a_label_value() {
good::<LabelValue>(&[("", ""), ("web", "web"), ("1.2_B-c", "1.2_B-c")]);
let lines = bad::<LabelValue>(&["-web", "a b", &"v".repeat(64)]);
println!("@@BEGIN a_label_value\n{lines}@@END");
round_trip::<LabelValue>("[A-Za-z0-9._-]{0,64}");
}

#[test]
fn an_env_var() {
good::<EnvVarName>(&[("LOG_LEVEL", "LOG_LEVEL"), ("a.b-c", "a.b-c"), ("_x", "_x")]);
let lines = bad::<EnvVarName>(&["1X", "A B", "..x", "A=B", ""]);
println!("@@BEGIN an_env_var\n{lines}@@END");
round_trip::<EnvVarName>("[A-Za-z0-9._-]{1,20}");
}

#[test]
fn a_config_key() {
good::<ConfigKey>(&[("checkout.toml", "checkout.toml"), (".env", ".env"), ("1", "1")]);
let lines = bad::<ConfigKey>(&["a/b", "..", ".", "a b"]);
println!("@@BEGIN a_config_key\n{lines}@@END");
round_trip::<ConfigKey>("[A-Za-z0-9._-]{1,20}");
}

#[test]
fn a_group() {
good::<GroupName>(&[("payments-leads", "payments-leads"), ("org/team", "org/team"), ("oidc:sre", "oidc:sre")]);
let lines = bad::<GroupName>(&["", "the board", "-x"]);
println!("@@BEGIN a_group\n{lines}@@END");
round_trip::<GroupName>("[A-Za-z0-9._:/@+-]{1,20}");
}

#[test]
fn a_user() {
good::<UserName>(&[("ana", "ana"), ("ana@bank", "ana@bank"), ("dependabot[bot]", "dependabot[bot]"), ("system:serviceaccount:a:b", "system:serviceaccount:a:b")]);
let lines = bad::<UserName>(&["ana lee", "@ana"]);
println!("@@BEGIN a_user\n{lines}@@END");
round_trip::<UserName>("[A-Za-z0-9._:/@+-]{1,20}");
}

#[test]
fn a_field() {
good::<FieldName>(&[("scale-down", "scale-down")]);
let lines = bad::<FieldName>(&["scaleDown", "scale_down"]);
println!("@@BEGIN a_field\n{lines}@@END");
round_trip::<FieldName>("[a-z][a-z0-9-]{0,20}");
}

#[test]
fn a_reference_of_a_tenant() {
good::<reference::SecretRef>(&[("db", "db"), ("identity/oidc", "identity/oidc")]);
let lines = bad::<reference::SecretRef>(&["", "a/b/c", "Identity/db", "/db", "a/"]);
println!("@@BEGIN a_reference_of_a_tenant\n{lines}@@END");
round_trip::<reference::SecretRef>("([a-z-]{1,8}/)?[a-z][a-z0-9-]{0,12}");
}

#[test]
fn a_reference_to_all() {
good::<reference::EnvironmentRef>(&[("prod", "prod")]);
let lines = bad::<reference::EnvironmentRef>(&["payments/prod", "Prod"]);
println!("@@BEGIN a_reference_to_all\n{lines}@@END");
round_trip::<reference::EnvironmentRef>("[a-z][a-z0-9-]{0,12}");
}

#[test]
fn a_storage_class() {
good::<reference::StorageClassRef>(&[("fast", "fast"), ("csi.bank", "csi.bank")]);
let lines = bad::<reference::StorageClassRef>(&["csi/fast", "Fast"]);
println!("@@BEGIN a_storage_class\n{lines}@@END");
round_trip::<reference::StorageClassRef>("[a-z][a-z0-9.-]{0,12}");
}
