//! Certificates: whom they are for, and where they stand.

use std::fmt::Write;

use crate::kinds::tests::{rendered, said};

const PLATFORM: &str = r#"tenant payments { issuer-groups "pca.bank.example"; hosts "own.bank" "home.bank" "a.bank"; namespace core; namespace batch; gateway g namespace=batch { listener https port=443 host="*.${domain}" certificate=wild } }
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
        r#"certificate wild tenant=payments issuer=ca"#,
        r#"certificate wild tenant=payments issuer=ca { host "other.bank" }"#,
        r#"certificate wild tenant=payments issuer=ca { host "*.${domain}" "a.bank" }"#,
        r#"certificate wild tenant=payments issuer=ca { host "*.${domain}"; host "*.${domain}" }"#,
        r#"certificate wild tenant=payments issuer=ca duration="24h" renew-before="24h" { host "*.${domain}" }"#,
        r#"certificate other tenant=payments issuer=ca { host "a.bank" }"#,
        r#"certificate wild tenant=payments { host "*.${domain}" }"#,
        r#"certificate theirs tenant=payments issuer=ca { host "www.identity.bank" }"#,
        r#"certificate theirs tenant=payments issuer=ca { host "db.identity.svc" }"#,
        r#"certificate own tenant=payments issuer=ca { host "*.${domain}"; common-name cluster-admin }"#,
        r#"certificate own tenant=payments issuer=ca { host "*.${domain}"; common-name "db.identity.svc" }"#,
        r#"certificate own tenant=payments issuer=ca { host "*.${domain}"; common-name "a-name-that-is-longer-than-any-old-program-reads-of-a.certificate.${domain}" }"#,
        r#"certificate own tenant=payments issuer=ca { host "own.bank"; usages client-auth client-auth }"#,
        r#"certificate own tenant=payments issuer=ca { host "own.bank"; usages cert-sign }"#,
        r#"certificate own tenant=payments issuer=ca { host "own.bank"; issuer-ref group="other.example" kind=Issuer }"#,
        r#"certificate own tenant=payments issuer=ca issuer-kind=cluster { host "own.bank"; issuer-ref group="pca.bank.example" kind=PCA }"#,
        r#"certificate own tenant=payments issuer=ca { host "own.bank"; issuer-ref group="cert-manager.io" kind=Issuer }"#,
        r#"certificate own tenant=payments issuer=ca { host "own.bank"; issuer-ref group="pca.bank.example" }"#,
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
        r#"certificate wild tenant=payments issuer=ca { host "*.${domain}" }"#,
        r#"certificate inside tenant=payments issuer=ca { host "db.payments-batch.svc"; host "db.payments-batch.svc.cluster.local" }"#,
        r#"certificate beside tenant=payments issuer=ca { host "a.${domain}"; host "own.bank" }"#,
        r#"certificate client tenant=payments issuer=ca { host "a.${domain}"; common-name "own.bank"; usages client-auth }"#,
        r#"certificate wide tenant=payments issuer=ca { host "*.${domain}"; common-name "*.${domain}" }"#,
    ] {
        // The gateway shows one of them.
        let wild = "certificate wild tenant=payments issuer=ca { host \"*.${domain}\" }\n";
        let text = if text.starts_with("certificate wild") { text.to_owned() } else { format!("{wild}{text}") };
        assert_eq!(said(&files(&text)), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn it_stands_where_it_is_shown() {
    let text = r#"certificate wild tenant=payments issuer=ca duration="720h" renew-before="240h" { host "*.${domain}" }
certificate own tenant=payments namespace=core issuer=ca issuer-kind=namespace key=ed25519 { host "own.bank" }
certificate client tenant=payments namespace=core issuer=pca { issuer-ref group="pca.bank.example" kind=PCAIssuer; host "a.bank"; common-name "a.bank"; usages digital-signature client-auth }
certificate home tenant=payments issuer=ca { host "home.bank" }"#;
    let mut out = String::new();
    for (key, body) in rendered(&files(text), "prod") {
        if key.starts_with("Certificate") {
            writeln!(out, "# {key}\n{}", crate::render::yaml::print(&[&body]).unwrap()).unwrap();
        }
    }
    insta::assert_snapshot!(out);
}
