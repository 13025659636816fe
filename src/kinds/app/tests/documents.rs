//! What is written about apps is true: the full example and every block of the guide.

use super::*;

const EXAMPLE: &str = include_str!("../../../../examples/kinds/app.kdl");
const GUIDE: &str = include_str!("../../../../docs/kinds/app.md");

#[test]
fn the_example_is_accepted() {
    assert_eq!(
        said(&format!("{}{SECRET}", EXAMPLE.replace("drain=\"5s\"", ""))),
        Vec::<String>::new()
    );
    // Draining needs a newer cluster than the one of `prod` here.
    let found = said(&format!("{EXAMPLE}{SECRET}"));
    assert!(
        matches!(&found[..], [only] if only.contains("`drain` needs 1.30")),
        "{found:?}"
    );
}

#[test]
fn the_example_has_every_field() {
    let schema = crate::kinds::schema("app").unwrap();
    let mut missing = Vec::new();
    fields("", &schema.shape, &mut |path, name| {
        let word = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        if !EXAMPLE.split(word).any(|w| w == name) {
            missing.push(path.to_owned());
        }
    });
    // Written as the value right after the node, or refused to a tenant.
    let unwritten = [
        "/name",
        "/before/task/name",
        "/config/file/content",
        "/env/value",
        "/needs/state",
        "/placement/tolerate/key",
        "/port/number",
        "/rollout/strategy",
        "/schedule/cron",
        "/security/host",
        "/security/privileged",
        "/security/root",
        "/sidecar/env/value",
        "/version/tag",
        "/volume/host-path",
    ];
    missing.retain(|path| {
        !unwritten.iter().any(|u| path.ends_with(u))
            && !path.ends_with("/value")
            && !path.ends_with("/tag")
            && !path.ends_with("/number")
            && !path.ends_with("/path")
    });
    assert_eq!(missing, Vec::<String>::new());
}

/// Every named field of a kind with its path.
fn fields(path: &str, shape: &crate::dsl::shape::Shape, visit: &mut impl FnMut(&str, &str)) {
    use crate::dsl::shape::Shape;
    match shape {
        Shape::Record(record) => {
            for (name, field) in &record.fields {
                let path = format!("{path}/{name}");
                visit(&path, name);
                fields(&path, &field.shape, visit);
            }
        }
        Shape::Block(item)
        | Shape::Keyed(item)
        | Shape::Repeated(item)
        | Shape::Props(item)
        | Shape::Args(item) => fields(path, item, visit),
        Shape::Scalar(_) => {}
    }
}

#[test]
fn every_block_of_the_guide_is_accepted() {
    let blocks: Vec<&str> = GUIDE
        .split("```kdl\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("```").map(|(block, _)| block))
        .collect();
    assert!(blocks.len() >= 6);
    for block in blocks {
        assert_eq!(
            said(&format!("{block}{SECRET}")),
            Vec::<String>::new(),
            "{block}"
        );
    }
}

#[test]
fn the_objects_of_the_example_are_known_to_kubernetes() {
    // What Flagger and KEDA read is judged by their own schemas.
    let rolling = EXAMPLE.split("// A canary").next().unwrap();
    let rest = EXAMPLE.split_once("// One pod on every node.").unwrap().1;
    let rolling = rolling.replace("drain=\"5s\"", "");
    let text = format!("{rolling}{rest}{SECRET}");
    for desired in objects(&payments(), &[("tenants/payments/app.kdl", &text)], "dev") {
        let body = &desired.manifest.body;
        assert_eq!(&rendered::typed(body), body, "{}", desired.manifest.key);
    }
}

/// The apps of the language's own example, with a profile and overrides.
const LANGUAGE: &str = r#"profile http-service port=8080 {
  port http "${port}"
  probe readiness path="/readyz" port=http every="5s"
  probe liveness path="/healthz" port=http every="10s" failures=3
  resources {
    requests cpu="100m" memory="128Mi"
    limits memory="256Mi"
  }
}
app checkout tenant=payments namespace=core {
  use http-service port=9000
  image "${registry}/checkout"
  port metrics 9090 scrape="/metrics"
  args "--listen" ":9000"
  env {
    LOG_LEVEL info
    DB_HOST "pg.${namespace}.svc"
    DB_PASSWORD secret=checkout-db key=password
  }
  config checkout mount="/etc/checkout" {
    file "checkout.toml" from="files/checkout.toml"
    value basket "50"
  }
  volume cache mount="/var/cache" size="10Gi" class=fast per-replica=#true
  volume tmp mount="/tmp" size="1Gi" ephemeral=#true
  autoscale min=3 max=20 {
    metric cpu target="70%"
    scale-down over="5m"
  }
  before deploy { task migrate image="${registry}/checkout-migrate" { run "migrate up" } }
  rollout canary every="5m" {
    steps "5%" "25%" "50%"
    check error-rate max="1%" over="5m"
    on-fail rollback
  }
  placement { spread by=zone; node-label "tier=core" }

  in dev {
    version "2.15.0-rc1"
    env { LOG_LEVEL debug } // maps merge key by key
    (remove)autoscale // drop what the base declared
    replicas 1
    (replace)rollout rolling // replace instead of merge
  }
  in prod {
    version "2.14.0" digest="sha256:9f3a0c5e7d1b2a4f6c8e0d2b4a6f8c0e1d3b5a7f9c1e3d5b7a9f1c3e5d7b9a1f"
    autoscale min=6 max=60
  }
}

app settlement tenant=payments namespace=batch workload=cron-job {
  schedule "30 2 * * 1-5" zone="Asia/Shanghai" overlap=forbid keep=3
  image "${registry}/settlement"
  version "1.9.2"
  env-from secret=checkout-db prefix=DB_
  retries 0
}

app ledger tenant=payments namespace=core workload=stateful replicas=3 {
  image "${registry}/ledger"
  version "5.0.1"
  port grpc 7000
  needs app=checkout healthy
  volume data mount="/data" size="50Gi" class=ssd per-replica=#true
  sidecar tls-proxy { image "${registry}/proxy"; version "1.2"; port tls 8443 }
}

route checkout tenant=payments gateway=public {
  host "checkout.${domain}"
  rule path="/" { to checkout port=http }
}
"#;

#[test]
fn profiles_and_overrides_compose() {
    assert_eq!(said(&format!("{LANGUAGE}{SECRET}")), Vec::<String>::new());
}
