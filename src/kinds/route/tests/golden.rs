//! What routes become: the objects of each form, as a person would have written them.

use serde_json::Value;

use super::{APPS, LOGIN, PLATFORM};
use crate::kinds::tests as trial;

const LANGUAGE: &str = r#"
route checkout tenant=payments gateway=public {
  host "checkout.${domain}"
  rule path="/api" {
    methods GET POST
    to checkout port=http weight=90
    to next port=http weight=10
    retry 2 on="5xx" idempotent=#true
    rate-limit 100 per="1s" by=client-ip
    circuit-breaker error-rate="30%" over="1m" recover="10s"
  }
  rule path="/" { redirect "https://bank" status=302 }
}
"#;

/// The objects of a route that the language promises to take as it is.
#[test]
fn a_route_becomes_its_objects() {
    insta::assert_yaml_snapshot!(of_routes(LANGUAGE));
}

#[test]
fn every_field_arrives() {
    let example = include_str!("../../../../examples/kinds/route.kdl");
    let files = [
        ("platform/tenants.kdl", PLATFORM),
        ("tenants/payments/all.kdl", example),
    ];
    insta::assert_yaml_snapshot!(routes(&files));
}

#[test]
fn without_hosts_it_answers_to_those_of_its_listeners() {
    let hosts = |head: &str| {
        let text = format!("route r tenant=payments gateway=public {head} {{ rule {{ to next }} }}");
        let all = of_routes(&text);
        let (_, route) = all.first_key_value().unwrap();
        let listeners: Vec<Value> =
            route["spec"]["parentRefs"].as_array().unwrap().iter().map(|p| p["sectionName"].clone()).collect();
        (route["spec"]["hostnames"].clone(), Value::from(listeners))
    };
    use serde_json::json;
    assert_eq!(hosts(""), (json!(["*.pay.bank", "open.pay.bank"]), json!(["https", "open"])));
    assert_eq!(hosts("listener=open"), (json!(["open.pay.bank"]), json!(["open"])));
    assert_eq!(hosts("protocol=grpc listener=https"), (json!(["*.pay.bank"]), json!(["https"])));
}

#[test]
fn what_it_answers_to_is_claimed_for_its_rules() {
    let clash = "route a tenant=payments gateway=public listener=open { rule path=\"/x\" { to next } }\n\
                 route b tenant=payments gateway=public { host \"open.${domain}\"; rule path=\"/x\" { to next } }\n";
    let said = super::said(clash);
    assert!(said.iter().any(|s| s.starts_with("KM0575") || s.contains("taken twice")), "{said:#?}");
    let beside = clash.replacen("/x", "/y", 1);
    assert_eq!(super::said(&beside), Vec::<String>::new());
}

#[test]
fn unasked_only_harmless_requests_are_sent_again() {
    let text = "route r tenant=payments gateway=public { host \"r.${domain}\"; rule { to next; retry 1 } }";
    let all = of_routes(text);
    let route = &all["HTTPRoute.gateway.networking.k8s.io/r in payments-core [payments]"];
    let rules = route["spec"]["rules"].as_array().unwrap();
    let methods = |rule: &Value| -> Vec<Value> {
        rule["matches"].as_array().unwrap().iter().map(|m| m["method"].clone()).collect()
    };
    assert_eq!(methods(&rules[0]), ["GET", "HEAD", "OPTIONS"]);
    assert_eq!(rules[0]["filters"][0]["extensionRef"]["name"], "r-1-retry");
    assert_eq!(methods(&rules[1]), [Value::Null]);
    assert_eq!(rules[1].get("filters"), None);
}

fn of_routes(text: &str) -> std::collections::BTreeMap<String, Value> {
    routes(&[
        ("platform/tenants.kdl", PLATFORM),
        ("tenants/identity/apps.kdl", LOGIN),
        ("tenants/payments/apps.kdl", APPS),
        ("tenants/payments/routes.kdl", text),
    ])
}

fn routes(files: &[(&str, &str)]) -> std::collections::BTreeMap<String, Value> {
    let mut all = trial::rendered(files, "prod");
    all.retain(|key, _| {
        (key.contains("Route.") || key.contains("Middleware")) && key.ends_with("[payments]")
    });
    all
}
