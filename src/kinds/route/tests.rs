//! Routes: what they render to, and what is said about wrong ones.

mod documents;
mod golden;

use crate::kinds::tests as trial;

pub(super) const PLATFORM: &str = r#"
tenant payments {
  namespace core
  namespace batch
  gateway public class=traefik mode=shared {
    listener https port=443 host="*.${domain}" certificate=pay-wildcard
    listener http port=80 { redirect scheme=https }
    listener open port=8080 host="open.${domain}"
  }
  gateway plain class=envoy {
    listener web port=8081 host="*.${domain}"
  }
  gateway raw class=traefik-raw {
    listener tls port=8443 protocol=tls
    listener bytes port=5432 protocol=tcp
  }
}
tenant identity
"#;
const APPS: &str = r#"
app checkout tenant=payments namespace=core {
  image "harbor.bank/checkout"; version "1.0.0"
  port http 8080
  port metrics 9090
}
app next tenant=payments namespace=core { image "harbor.bank/checkout"; version "2.0.0"; port http 8080 service=80 }
app other tenant=payments namespace=batch { image "harbor.bank/other"; version "2.0.0"; port http 8080 }
app quiet tenant=payments namespace=core { image "harbor.bank/quiet"; version "2.0.0" }
app names tenant=payments namespace=core { image "harbor.bank/names"; version "2.0.0"; port dns 5353 protocol=udp }
app once tenant=payments namespace=core workload=job {
  image "harbor.bank/once"; version "2.0.0"; run "1"
}
certificate pay-wildcard tenant=payments issuer=bank-ca { host "*.${domain}" }
"#;
const LOGIN: &str = r#"
app login tenant=identity { image "harbor.bank/login"; version "1.0.0"; port http 8080; export payments }
"#;

/// What is said about a file of routes of the tenant `payments`.
fn said(routes: &str) -> Vec<String> {
    trial::said(&[
        ("platform/tenants.kdl", PLATFORM),
        ("tenants/identity/apps.kdl", LOGIN),
        ("tenants/payments/apps.kdl", APPS),
        ("tenants/payments/routes.kdl", routes),
    ])
}

/// What is said about a route of the gateway `public` with a host and this inside.
fn inside(rules: &str) -> Vec<String> {
    said(&format!(
        "route r tenant=payments gateway=public {{\n  host \"r.${{domain}}\"\n{rules}\n}}\n"
    ))
}

/// Asserts that something is refused with a code, and that its partner is not.
fn refused(code: &str, bad: &str, good: &str) {
    let found = inside(bad);
    assert!(found.iter().any(|s| s.starts_with(code)), "{bad}\n{found:#?}");
    assert_eq!(found.len(), 1, "{bad}\n{found:#?}");
    assert_eq!(inside(good), Vec::<String>::new(), "{good}");
}

#[test]
fn a_route_hangs_on_a_listener() {
    let route = |head: &str, host: &str| {
        said(&format!(
            "route r tenant=payments {head} {{\n  {host}\n  rule path=\"/\" {{ to checkout port=http }}\n}}\n"
        ))
    };
    let none = Vec::<String>::new();
    assert_eq!(route("gateway=public", "host \"a.${domain}\""), none);
    assert_eq!(route("gateway=public listener=open", "host \"open.${domain}\""), none);
    assert_eq!(route("gateway=public", "host \"*.a.${domain}\""), none);
    assert_eq!(route("gateway=public", ""), none);
    assert_eq!(route("gateway=public listener=open", ""), none);
    insta::assert_debug_snapshot!([
        route("gateway=public", "host \"a.bank\""),
        route("gateway=public listener=open", "host \"a.${domain}\""),
        route("gateway=public listener=http", "host \"a.${domain}\""),
        route("gateway=public listener=htps", "host \"a.${domain}\""),
        route("gateway=publik", "host \"a.${domain}\""),
        route("gateway=public protocol=tcp", ""),
        route("gateway=raw protocol=tcp listener=tls", ""),
        route("gateway=raw protocol=tls", ""),
        route("gateway=public", "host \"a.${domain}\"\n  host \"a.${domain}\""),
        route("gateway=identity/public", "host \"a.${domain}\""),
    ]);
}

#[test]
fn a_rule_leads_somewhere() {
    let good = "rule { to checkout port=http }";
    refused("KM0572", "rule path=\"/\"", good);
    refused("KM0572", "rule { to checkout port=http; redirect \"https://bank\" }", good);
    refused("KM0572", "rule { to checkout port=http weight=0 }", good);
    refused(
        "KM0572",
        "rule { to checkout port=http; to checkout port=http weight=2 }",
        "rule { to checkout port=http; to checkout port=metrics weight=2 }",
    );
    refused("KM0572", "rule { redirect \"https://bank\"; retry 2 }", "rule { redirect \"https://bank\" }");
    refused("KM0572", "rule path=\"/\" path-exact=\"/a\" { to next }", "rule path-exact=\"/a\" { to next }");
    refused("KM0572", "rule { header X-A; to next }", "rule { header X-A 1; to next }");
    refused("KM0571", "rule { to checkout }", "rule { to next }");
    refused("KM0571", "rule { to checkout port=htp }", good);
    refused("KM0571", "rule { to quiet }", good);
    refused("KM0571", "rule { to once }", good);
    refused("KM0571", "rule { to names }", good);
    refused("KM0571", "rule { to next; to other }", "rule { to other }");
    refused("KM0571", "rule { to \"identity/login\" }", good);
    refused("KM0405", "rule { to chekout port=http }", good);
    assert_eq!(
        inside("").first().map(|s| &s[..6]),
        Some("KM0202"),
        "{:?}",
        inside("")
    );
}

#[test]
fn two_rules_do_not_match_the_same() {
    refused(
        "KM0573",
        "rule path=\"/a\" { to next }\nrule path=\"/a/\" { methods GET POST; to next }\nrule path=\"/a\" { methods POST; to next }",
        "rule path=\"/a\" { to next }\nrule path=\"/a\" { methods GET; to next }\nrule path=\"/a\" { methods GET; header X-A 1; to next }",
    );
    refused("KM0573", "rule { methods GET GET; to next }", "rule { methods GET HEAD; to next }");
    let many: String = (0..17).map(|n| format!("rule path=\"/{n}\" {{ to next }}\n")).collect();
    let fewer: String = (0..16).map(|n| format!("rule path=\"/{n}\" {{ to next }}\n")).collect();
    refused("KM0579", &many, &fewer);
    let twice: String = (0..9).map(|n| format!("rule path=\"/{n}\" {{ to next; retry 1 }}\n")).collect();
    refused("KM0579", &twice, &fewer);
}

#[test]
fn nothing_is_done_twice_unasked() {
    for method in ["POST", "PATCH"] {
        refused(
            "KM0574",
            &format!("rule {{ methods GET {method}; to next; retry 2 }}"),
            &format!("rule {{ methods GET {method}; to next; retry 2 idempotent=#true }}"),
        );
    }
    assert_eq!(inside("rule { methods PUT DELETE; to next; retry 2 }"), Vec::<String>::new());
    assert_eq!(inside("rule { to next; retry 2 }"), Vec::<String>::new());
}

#[test]
fn what_would_be_ignored_is_refused() {
    refused("KM0575", "rule { to next; timeout \"1s\" }", "rule { to next }");
    refused("KM0575", "rule { to next; mirror checkout port=http }", "rule { to next }");
    let on = |gateway: &str, protocol: &str, rule: &str| {
        let found = said(&format!(
            "route r tenant=payments gateway={gateway} protocol={protocol} {{ host \"r.${{domain}}\"; rule {{ to next; {rule} }} }}"
        ));
        found.iter().map(|s| s[..6].to_owned()).collect::<Vec<_>>()
    };
    for policy in ["retry 1", "rate-limit 1", "in-flight 1", "circuit-breaker error-rate=\"1%\"", "auth app=next"] {
        assert_eq!(on("plain", "http", policy), ["KM0575"], "{policy}");
        assert_eq!(on("public", "http", policy), [""; 0], "{policy}");
    }
    for policy in ["timeout \"1s\"", "mirror checkout port=http", "cors { any-origin #true }"] {
        assert_eq!(on("plain", "http", policy), [""; 0], "{policy}");
    }
    assert_eq!(on("public", "grpc", "response-headers { set A b }"), ["KM0575"]);
    assert_eq!(on("public", "grpc", "request-headers { set A b }"), [""; 0]);
    for field in ["path \"/\"", "methods GET", "retry 1", "rewrite prefix=\"/\"", "cors { any-origin #true }"] {
        assert_eq!(on("public", "grpc", field), ["KM0576"], "{field}");
    }
    assert_eq!(on("public", "http", "call service=a"), ["KM0576"]);
    assert_eq!(on("raw", "tls", "path \"/\""), ["KM0576"]);
    assert_eq!(on("raw", "tls", ""), [""; 0]);
}

#[test]
fn changes_say_one_thing() {
    let good = "rule path=\"/a\" { redirect \"https://bank/b\" }";
    refused("KM0577", "rule { redirect status=302 }", good);
    refused("KM0577", "rule { redirect \"https://bank\" status=200 }", good);
    refused("KM0577", "rule { redirect \"https://bank/b\" path=\"/c\" }", good);
    refused("KM0577", "rule { redirect \"https://bank?a=1\" }", good);
    refused("KM0577", "rule { redirect \"https://bank\" scheme=http }", good);
    refused("KM0577", "rule path-exact=\"/a\" { redirect prefix=\"/b\" }", "rule path=\"/a\" { redirect prefix=\"/b\" }");
    refused("KM0577", "rule { redirect \"https://r.${domain}\" }", "rule { redirect \"https://x.${domain}\" }");
    let good = "rule path=\"/a\" { to next; rewrite prefix=\"/b\" host=\"x.bank\" }";
    refused("KM0577", "rule { to next; rewrite prefix=\"/b\" path=\"/c\" }", good);
    refused("KM0577", "rule { to next; rewrite host=\"*.bank\" }", good);
    refused("KM0577", "rule path-regex=\"/a.*\" { to next; rewrite prefix=\"/b\" }", good);
    let good = "rule { to next; request-headers { set A b; add C d; remove E } }";
    refused("KM0577", "rule { to next; request-headers { set A b; remove a } }", good);
    refused("KM0204", "rule { to next; request-headers { set A \"\" } }", good);
}

#[test]
fn policies_say_one_thing() {
    let good = "rule { to next; rate-limit 1 by=header header=X }";
    refused("KM0578", "rule { to next; rate-limit 1 by=header }", good);
    refused("KM0578", "rule { to next; rate-limit 1 header=X }", good);
    refused("KM0578", "rule { to next; rate-limit 1 by=host behind=1 }", good);
    refused("KM0578", "rule { to next; rate-limit 1 per=\"0s\" }", good);
    refused("KM0578", "rule { to next; in-flight 1 behind=1 }", "rule { to next; in-flight 1 by=client-ip behind=1 }");
    let good = "rule { to next; circuit-breaker error-rate=\"99%\" }";
    refused("KM0578", "rule { to next; circuit-breaker open=\"1s\" }", good);
    refused("KM0578", "rule { to next; circuit-breaker error-rate=\"100%\" }", good);
    let good = "rule { to next; auth url=\"https://a.bank\" }";
    refused("KM0578", "rule { to next; auth path=\"/\" }", good);
    refused("KM0578", "rule { to next; auth app=next url=\"https://a.bank\" }", good);
    refused("KM0578", "rule { to next; auth url=\"http://a.bank\" }", good);
    refused("KM0564", "rule { to next; auth url=\"https://login.identity.svc\" }", good);
    refused("KM0564", "rule { to next; auth url=\"https://login.identity\" }", good);
    refused("KM0564", "rule { to next; auth url=\"https://10.0.0.9\" }", good);
    refused("KM0571", "rule { to next; auth app=checkout }", good);
    let good = "rule { to next; cors { origins \"https://bank\"; credentials #true } }";
    refused("KM0578", "rule { to next; cors { credentials #true } }", good);
    refused("KM0578", "rule { to next; cors { any-origin #true; credentials #true } }", good);
    refused("KM0578", "rule { to next; cors { any-origin #true; origins \"https://bank\" } }", good);
    refused("KM0578", "rule { to next; cors { origins \"https://bank/a\" } }", good);
}

#[test]
fn a_host_belongs_to_one_tenant_and_one_environment() {
    let route = |name: &str, host: &str, path: &str| {
        format!("route {name} tenant=payments gateway=public {{ host \"{host}\"; rule path=\"{path}\" {{ to next }} }}\n")
    };
    let shared = route("a", "a.${domain}", "/a") + &route("b", "a.${domain}", "/b");
    assert_eq!(said(&shared), Vec::<String>::new());
    let twice = route("a", "a.${domain}", "/a") + &route("b", "a.${domain}", "/a");
    insta::assert_debug_snapshot!(said(&twice));
    // Two environments with one host: a listener would have to serve both.
    let same = said("route r tenant=payments gateway=raw protocol=tls { host \"r.bank\"; rule { to next } }");
    assert_eq!(same.iter().map(|s| &s[..6]).collect::<Vec<_>>(), ["KM0414"]);
    let theirs = r#"
        tenant identity { gateway public class=traefik { listener web port=80 host="a.${domain}" } }
        "#;
    let platform = PLATFORM.replace("tenant identity\n", theirs);
    let login = LOGIN.to_owned()
        + "route x tenant=identity gateway=public { host \"a.${domain}\"; rule path=\"/x\" { to login } }\n";
    let found = trial::said(&[
        ("platform/tenants.kdl", &platform),
        ("tenants/identity/apps.kdl", &login),
        ("tenants/payments/apps.kdl", APPS),
        ("tenants/payments/routes.kdl", &route("a", "a.${domain}", "/a")),
    ]);
    insta::assert_debug_snapshot!(found);
}
