//! Tenants: what they render to, and what is said about wrong ones.

use serde_json::{Value, json};

use crate::kinds::trial::{rendered, said, said_of};

const TENANT: &str = r#"
role release-manager { allow get list watch on="apps/deployments"; may plan promote hold }
tenant identity { network { to tenant=payments port=8443 } }
tenant payments {
  owner "payments@bank"
  namespace core
  namespace batch
  member ana role=admin
  member sre kind=group role=operator
  member li role=release-manager until="2026-12-01T18:00+08:00"
  member ci kind=service-account role=deployer
  quota cpu=40 memory="160Gi" storage="2Ti" pods=200 { count configmaps 500; gpu h200 2 }
  limits { default cpu="250m" memory="256Mi"; max cpu=8 memory="32Gi" }
  network isolation=strict {
    from ingress
    from tenant=identity port=8443
    to cidr="10.20.0.0/16" port=5432
  }
  gateway public class=traefik mode=shared {
    listener https port=443 host="*.${domain}" certificate=pay-wildcard
    listener http port=80 { redirect scheme=https }
  }
  in dev { quota cpu=8 memory="32Gi" }
}
"#;
const CERTIFICATE: &str = r#"certificate pay-wildcard tenant=payments issuer=bank-ca { host "*.${domain}" }"#;

fn files() -> [(&'static str, &'static str); 2] {
    [
        ("platform/tenants.kdl", TENANT),
        ("tenants/payments/certificates.kdl", CERTIFICATE),
    ]
}

#[test]
fn a_sound_tenant_is_not_complained_about() {
    assert_eq!(said(&files()), Vec::<String>::new());
}

#[test]
fn it_renders_into_the_platforms_set() {
    let objects = rendered(&files(), "prod");
    let platforms: Vec<&String> = objects.keys().filter(|key| key.contains("payments") && key.ends_with("[platform]")).collect();
    insta::assert_debug_snapshot!(platforms);
}
