//! Image policies: they rule something out.

use std::fmt::Write;

use crate::kinds::tests::{said, said_of};

#[test]
fn what_is_refused_is_said_in_words() {
    let mut out = String::new();
    for text in [
        r#"image-policy p"#,
        r#"image-policy p { only harbr }
registry harbor host="harbor.bank""#,
        r#"image-policy p { only harbor harbor }
registry harbor host="harbor.bank""#,
        r#"image-policy p { require signature }"#,
        r#"image-policy p env=prodd { require digest }"#,
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
        r#"image-policy p { only harbor }
registry harbor host="harbor.bank""#,
    ] {
        assert_eq!(said_of(text), Vec::<String>::new(), "{text}");
    }
}

const PLATFORM: &str = r#"
registry harbor host="harbor.bank" { mirror "docker.io" }
image-policy strict env=prod tenant=payments { only harbor; require digest; deny-tag latest }
tenant payments { namespace core }
tenant identity
"#;
const DIGEST: &str = "sha256:9f3a0c5e7d1b2a4f6c8e0d2b4a6f8c0e1d3b5a7f9c1e3d5b7a9f1c3e5d7b9a1f";

/// What is said about a file of payments under the policy above.
fn judged(text: &str) -> Vec<String> {
    said(&[("platform/all.kdl", PLATFORM), ("tenants/payments/a.kdl", text)])
}

#[test]
fn every_image_of_an_app_is_judged_on_its_own_line() {
    let good = format!("\"1.0\" digest=\"{DIGEST}\"");
    let text = format!(
        r#"app checkout tenant=payments {{
  image "harbor.bank/checkout"
  version {good}
  init migrate {{ image "quay.io/migrate"; version {good} }}
  sidecar logs {{ image "redis"; version {good} }}
  before deploy {{ task seed {{ image "harbor.bank/seed"; version latest }} }}
}}"#
    );
    assert_eq!(
        judged(&text),
        [
            "KM0560 image `quay.io/migrate` comes from `quay.io`, which is not allowed here, says image-policy `strict` @ \"quay.io/migrate\"",
            "KM0560 image `redis` comes from `docker.io`, which is not allowed here, says image-policy `strict` @ \"redis\"",
            "KM0561 image `harbor.bank/seed` needs a digest, says image-policy `strict` @ latest",
            "KM0562 image `harbor.bank/seed` may not have the tag `latest`, says image-policy `strict` @ latest",
        ]
    );
}

#[test]
fn what_a_task_takes_from_its_app_is_said_once() {
    let text = r#"app checkout tenant=payments {
  image "harbor.bank/checkout"
  version "1.0"
  before deploy { task seed { run "x" } }
}"#;
    assert_eq!(judged(text).len(), 1, "{:?}", judged(text));
}

#[test]
fn other_tenants_and_environments_are_free() {
    let text = "app login tenant=identity {\n  image redis\n  version latest\n}";
    let files = [("platform/all.kdl", PLATFORM), ("tenants/identity/a.kdl", text)];
    assert_eq!(said(&files), Vec::<String>::new());
    let version = format!("version \"1.0\" digest=\"{DIGEST}\"");
    let text = format!(
        "app checkout tenant=payments {{\n  image redis\n  version latest\n  in prod {{ image \"harbor.bank/redis\"; {version} }}\n}}"
    );
    assert_eq!(judged(&text), Vec::<String>::new());
}

#[test]
fn images_in_manifests_are_judged_where_they_stand() {
    let kdl = "manifests own tenant=payments { from \"*.yaml\"; kinds Deployment }\n";
    let yaml = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, namespace: NS}\nspec:\n  selector: {matchLabels: {a: b}}\n  template:\n    metadata: {labels: {a: b}}\n    spec:\n      containers:\n        - {name: a, image: redis}\n";
    let yaml = yaml.replace("NS", "payments-core");
    let found = said(&[
        ("platform/all.kdl", PLATFORM),
        ("tenants/payments/own.kdl", kdl),
        ("tenants/payments/a.yaml", &yaml),
    ]);
    let codes: Vec<&str> = found.iter().map(|s| &s[..6]).collect();
    assert_eq!(codes, ["KM0560", "KM0561", "KM0562"], "{found:?}");
    assert!(found[2].contains("has no tag, which means `latest`"), "{found:?}");
}
