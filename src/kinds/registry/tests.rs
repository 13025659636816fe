//! Registries: hosts are told apart.

use std::fmt::Write;

use crate::kinds::tests::{rendered, said_of};

#[test]
fn what_is_refused_is_said_in_words() {
    let mut out = String::new();
    for text in [
        r#"registry a host="harbor.bank"
registry b host="harbor.bank""#,
        r#"registry a host="harbor.bank" { mirror "docker.io" }
registry b host="nexus.bank" { mirror "docker.io" }"#,
        r#"registry a host="harbor.bank" { mirror "harbor.bank" }"#,
        r#"registry a host="harbor.bank" { mirror "docker.io"; mirror "docker.io" }"#,
        r#"registry a host="https://harbor.bank""#,
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
        r#"registry a host="harbor.bank"
registry b host="harbor.bank:8443""#,
    ] {
        assert_eq!(said_of(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn pods_and_their_account_log_in_where_their_images_come_from() {
    let platform = r#"
registry harbor host="harbor.bank" pull-secret=harbor-pull
registry nexus host="nexus.bank:5000" pull-secret=nexus-pull
registry hub host="docker.io"
tenant payments { namespace core }
tenant identity
"#;
    let app = r#"app checkout tenant=payments {
  image "harbor.bank/checkout"
  version "1.0"
  sidecar logs { image "redis"; version "7" }
  before deploy { task seed { image "nexus.bank:5000/seed"; version "1" } }
}
app plain tenant=payments {
  image "redis"
  version "7"
}
"#;
    let all = rendered(
        &[("platform/all.kdl", platform), ("tenants/payments/a.kdl", app)],
        "dev",
    );
    let secrets = |kind: &str, name: &str, pointer: &str| {
        let is = |key: &&String| key.starts_with(kind) && key.contains(name);
        let key = all.keys().find(is).unwrap_or_else(|| panic!("{kind} {name}: {:?}", all.keys()));
        let list = all[key].pointer(pointer).and_then(|v| v.as_array()).cloned();
        let names = list.into_iter().flatten();
        names.map(|s| s["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let pod = "/spec/template/spec/imagePullSecrets";
    assert_eq!(secrets("Deployment", "checkout", pod), ["harbor-pull"]);
    assert_eq!(secrets("Job", "checkout", pod), ["nexus-pull"]);
    assert_eq!(
        secrets("ServiceAccount", "checkout", "/imagePullSecrets"),
        ["harbor-pull", "nexus-pull"]
    );
    assert!(secrets("Deployment", "plain", pod).is_empty());
    assert!(secrets("ServiceAccount", "plain", "/imagePullSecrets").is_empty());
}
