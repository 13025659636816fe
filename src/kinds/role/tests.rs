//! Roles: what they may not reach.

use std::fmt::Write;

use crate::kinds::tests::said_of;

#[test]
fn what_is_refused_is_said_in_words() {
    let mut out = String::new();
    for text in [
        r#"role admin { may plan }"#,
        r#"role empty"#,
        r#"role r { allow get create on="rbac.authorization.k8s.io/roles" }"#,
        r#"role r { allow patch on="networking.k8s.io/networkpolicies" }"#,
        r#"role r { allow delete on=resourcequotas }"#,
        r#"role r { allow update on="kubemate.dev/syncs" }"#,
        r#"role r { allow escalate on=pods }"#,
        r#"role r { allow get on="*" }"#,
        r#"role r { may everything }"#,
    ] {
        let found = said_of(text);
        assert!(!found.is_empty(), "nothing is said about: {text}");
        writeln!(out, "{text}\n  {}", found.join("\n  ")).unwrap();
    }
    insta::assert_snapshot!(out);
}

#[test]
fn what_no_policy_can_read_is_a_border() {
    for on in [
        "acme.cert-manager.io/orders",
        "cert-manager.io/certificaterequests",
        "gateway.networking.k8s.io/udproutes",
        "traefik.io/ingressrouteudps",
    ] {
        let found = said_of(&format!("role r {{ allow create on=\"{on}\" }}"));
        assert!(
            found.iter().any(|said| said.starts_with("KM0554")),
            "{on}: {found:?}"
        );
    }
}

#[test]
fn what_is_right_passes() {
    for text in [
        r#"role r { allow get list watch on="networking.k8s.io/networkpolicies" }"#,
        r#"role r { may approve }"#,
        r#"role r { allow create delete on=pods }"#,
    ] {
        assert_eq!(said_of(text), Vec::<String>::new(), "{text}");
    }
}
