//! Every rule with a case that breaks it, and each breaks it alone.

use std::fmt::Write as _;

use super::{SECRET, judged, lines, said};
use crate::object::Owner;

/// An app of the tenant with attributes and a body.
fn app(attributes: &str, body: &str) -> String {
    format!(
        "app x tenant=payments namespace=core {attributes} {{ image \"r/x\"\n version \"1\"\n {body} }}{SECRET}"
    )
}

const BROKEN: &[(&str, &str)] = &[
    (
        "",
        "replicas 2; autoscale min=1 max=2; resources { requests cpu=1 }",
    ),
    ("", "autoscale min=3 max=2; resources { requests cpu=1 }"),
    ("", "autoscale min=1 max=2"),
    ("", "autoscale min=1 max=2 { metric memory target=\"70%\" }"),
    (
        "",
        "autoscale min=1 max=2 { metric requests target=\"70%\" }",
    ),
    ("", "autoscale min=1 max=2 { metric requests }"),
    (
        "",
        "autoscale min=1 max=2 { metric cpu average=1 external=#true }",
    ),
    (
        "",
        "autoscale min=1 max=2 { metric q average=1; scale-down over=\"2h\"; scale-up every=\"1m\" }",
    ),
    ("", "port http 8080; probe readiness path=\"/r\" port=htp"),
    (
        "",
        "port http 8080; port admin 8081; probe readiness path=\"/r\"",
    ),
    ("", "port http 8080; probe liveness path=\"/r\" grpc=\"\""),
    (
        "",
        "port http 8080; probe liveness every=\"500ms\" successes=2",
    ),
    (
        "",
        "port http 8080; sidecar p { image \"r/p\"; probe readiness port=http }",
    ),
    ("", "port http 8080; probe liveness port=http tls=#true"),
    (
        "",
        "port a 1 scrape=\"/m\"; sidecar p { image \"r/p\"; port b 2 scrape=\"/m\" }",
    ),
    ("", "port http 8080; port admin 8080"),
    (
        "",
        "port http 8080; sidecar p { image \"r/p\"; port http 8081 }",
    ),
    ("", "sidecar x { image \"r/p\" }"),
    (
        "",
        "init i { image \"r/p\"; port a 1; probe readiness port=a }",
    ),
    (
        "",
        "volume a mount=\"/d\" ephemeral=#true; volume b mount=\"/d\" ephemeral=#true",
    ),
    (
        "",
        "volume a mount=\"/d\"; sidecar p { image \"r/p\"; mount b \"/d\" }",
    ),
    (
        "",
        "volume a mount=\"/d\" size=\"1Gi\" ephemeral=#true per-replica=#true class=fast",
    ),
    ("", "volume a mount=\"/d\" ephemeral=#true { item a \"b\" }"),
    ("", "volume a mount=\"/d\" size=\"1Gi\"; replicas 2"),
    ("", "volume a mount=\"/d\" host-path=\"/var/run\""),
    (
        "",
        "security { privileged; root; host network; capabilities SYS_ADMIN }",
    ),
    (
        "",
        "resources { requests cpu=2 memory=\"1Gi\"; limits cpu=1 memory=\"512Mi\" }",
    ),
    (
        "",
        "env { DB_PASSWORD hunter2; api_key abc; PUBLIC_KEY p; SORT_KEY id public=#true }",
    ),
    (
        "",
        "env { A; B 1 secret=checkout-db key=password; C secret=checkout-db; D 1 key=a }",
    ),
    (
        "",
        "env { A secret=checkout-db key=passwort; B config=nothing key=a }",
    ),
    ("", "env-from secret=checkout-db config=a"),
    (
        "",
        "config c { file a from=\"files/chekout.toml\"; file b; file d \"x\"; value d 1 }",
    ),
    ("", "schedule \"* * * * *\"; retries 1; run a"),
    ("workload=job", "replicas 2; rollout rolling"),
    ("workload=cron-job", ""),
    (
        "workload=daemon",
        "replicas 2; rollout canary every=\"1m\" { steps \"5%\" }",
    ),
    (
        "workload=stateful",
        "rollout canary every=\"1m\" { steps \"5%\" }",
    ),
    ("workload=stateful", "rollout rolling surge=1 unavailable=1"),
    ("workload=daemon", "rollout rolling surge=1 timeout=\"5m\""),
    ("", "rollout rolling surge=0 { steps \"5%\" }"),
    ("", "rollout canary { check error-rate within=\"1s\" }"),
    (
        "",
        "port http 1; rollout canary every=\"1m\" { steps \"5%\" \"5%\" \"6.5%\" }",
    ),
    (
        "",
        "port http 1; replicas 2; expose http as=node-port; rollout canary every=\"1m\" { steps \"5%\" }",
    ),
    (
        "",
        "port http 1; rollout canary every=\"1m\" looks=3 { steps \"5%\"; call a url=\"https://a.bank\" timeout=\"1500ms\" { settings { api-token x } } }",
    ),
    ("", "rollout rolling tolerate=1 { call a url=\"https://a.bank\" }"),
    ("", "autoscale min=0 max=2 every=\"15s\" { metric requests average=1 }"),
    (
        "",
        "autoscale min=0 max=2 { metric requests average=1; metric memory target=\"50%\"; trigger q scaler=kafka { settings { password a }; login { user secret=checkout-db key=nam } } }; resources { requests memory=\"1Gi\" }",
    ),
    ("", "placement { tolerate spot effect=no-schedule for=\"5m\" }"),
    ("", "expose http as=node-port"),
    ("", "disruption max-unavailable=1 min-available=1"),
    ("", "before deploy { task a { run x; command y } }"),
    ("", "before deploy { task a { env { A; TOKEN abc } } }"),
    ("", "shutdown grace=\"5s\" drain=\"10s\" { exec a }"),
    ("", "needs app=x"),
];

#[test]
fn what_is_refused_is_said_in_words() {
    let mut out = String::new();
    for (attributes, body) in BROKEN {
        let found = said(&app(attributes, body));
        assert!(
            !found.is_empty(),
            "nothing is said about: {attributes} {body}"
        );
        writeln!(out, "{attributes} {{ {body} }}").unwrap();
        for line in &found {
            writeln!(out, "  {line}").unwrap();
        }
    }
    insta::assert_snapshot!(out);
}

#[test]
fn each_rule_has_a_way_out() {
    let fine = [
        ("", "replicas 2"),
        (
            "",
            "autoscale min=1 max=2 { metric requests average=100 external=#true { labels { queue a } } }",
        ),
        (
            "",
            "port http 8080; probe readiness path=\"/r\"; probe startup grpc=\"\"; probe liveness { exec a }",
        ),
        ("", "port http 8080; port dns 8080 protocol=udp"),
        (
            "",
            "env { DB_PASSWORD secret=checkout-db key=password; SORT_KEY id public=#true; N fact=node-name }",
        ),
        (
            "",
            "config c mount=\"/c\" { file a from=\"files/checkout.toml\" }; env { A config=c key=a }",
        ),
        (
            "",
            "volume a mount=\"/d\" size=\"1Gi\" access=many; replicas 2",
        ),
        (
            "",
            "volume a mount=\"/d\" size=\"1Gi\"; sidecar p { image \"r/p\"; mount a \"/d\" read-only=#true }",
        ),
        ("", "security user=1000 { capabilities NET_BIND_SERVICE }"),
        (
            "workload=job",
            "run \"2026-12-31\"; retries 0; timeout \"1h\"; parallel 2; completions 4",
        ),
        ("workload=cron-job", "schedule \"30 2 * * *\""),
        ("workload=stateful", "replicas 3; rollout rolling"),
        ("workload=daemon", "rollout rolling unavailable=\"10%\""),
        (
            "",
            "port http 1; rollout blue-green every=\"1m\" { check latency within=\"500ms\" }",
        ),
        (
            "",
            "autoscale min=0 max=2 every=\"15s\" cool-down=\"10m\" { trigger q scaler=kafka { settings { topic a }; login { password secret=checkout-db key=password } }; fallback replicas=2 }",
        ),
        (
            "",
            "port http 1; expose http as=load-balancer { from \"10.0.0.0/8\" }",
        ),
        ("", "shutdown grace=\"20s\" { exec sleep \"5\" }"),
    ];
    for (attributes, body) in fine {
        assert_eq!(
            said(&app(attributes, body)),
            Vec::<String>::new(),
            "{attributes} {body}"
        );
    }
}

#[test]
fn a_version_is_needed_in_every_environment() {
    let text = "app x tenant=payments namespace=core { image i\n in prod { version 7 } }";
    insta::assert_snapshot!(said(text).join("\n"));
    let digest = "9f3a0c5e7d1b2a4f6c8e0d2b4a6f8c0e1d3b5a7f9c1e3d5b7a9f1c3e5d7b9a1f";
    let text = format!(
        "app x tenant=payments namespace=core {{ image i\n version \"1\" digest=\"sha256:{digest}\"\n in prod {{ version \"2\" }} }}"
    );
    insta::assert_snapshot!(said(&text).join("\n"));
}

#[test]
fn apps_that_wait_for_each_other_are_named() {
    let app = |name: &str, needs: &str| {
        format!(
            "app {name} tenant=payments namespace=core {{ image i; version \"1\"; needs app={needs} healthy }}\n"
        )
    };
    let text = [app("a", "b"), app("b", "c"), app("c", "a"), app("d", "a")].concat();
    insta::assert_snapshot!(said(&text).join("\n"));
}

#[test]
fn the_platform_may_open_a_node() {
    let text = r#"app agent tenant=payments namespace=core workload=daemon {
        image i
        version "1"
        security { privileged; root; host pid; capabilities SYS_ADMIN }
        volume run mount="/run" host-path="/run"
    }"#;
    let found = judged(&Owner::Platform, &[("platform/agent.kdl", text)]);
    assert_eq!(lines(&found.outcome.diagnostics), Vec::<String>::new());
}

#[test]
fn the_namespace_is_clear() {
    let app = |tenant: &str, namespace: &str| {
        said(&format!(
            "app x tenant={tenant} {namespace} {{ image i\n version 1 }}"
        ))
    };
    assert_eq!(
        app("payments", ""),
        ["KM0511 app `x` needs a namespace | write `namespace=` with one of core, batch"]
    );
    let unknown = app("payments", "namespace=cores");
    assert_eq!(unknown.len(), 1, "{unknown:?}");
    assert!(
        unknown[0].starts_with("KM0405 there is no namespace `cores`"),
        "{unknown:?}"
    );
}
