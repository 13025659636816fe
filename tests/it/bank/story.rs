//! From nothing to healthy, again, changed, changed back, changed by others.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::project::Bank;
use crate::bed;
use crate::bed::proxy::Proxy;

fn from_nothing_to_healthy_and_then_nothing(bank: &Bank, env: &str) {
    let direct = bed::cluster().kubeconfig();
    let proxy = Proxy::before(direct);
    bank.apply(env);
    let plan = bank.run(direct, &["plan", "--env", env, "--detailed-exitcode"]);
    assert_eq!(
        (plan.code, plan.out.as_str()),
        (0, "no changes\n"),
        "{}",
        plan.end()
    );
    let again = bank.run(proxy.kubeconfig(), &["apply", "--env", env]);
    assert_eq!(again.code, 0, "{}", again.end());
    let written: Vec<String> = proxy
        .writes()
        .iter()
        .filter(|call| call.target.resource != "leases")
        .map(|call| format!("{} {}", call.method, call.path))
        .collect();
    assert!(written.is_empty(), "{written:#?}");
    assert!(!proxy.calls().is_empty(), "it went through the proxy");
    let status = bank.run(direct, &["status", "--env", env, "--detailed-exitcode"]);
    assert_eq!(status.code, 0, "{}", status.end());
    assert_eq!(
        status.out.matches("healthy").count(),
        8,
        "one line for each set: {}",
        status.out
    );
}

#[test]
fn development_comes_up_and_then_nothing_is_written() {
    let bank = Bank::new();
    from_nothing_to_healthy_and_then_nothing(&bank, bank.dev());
}

#[test]
fn production_comes_up_and_then_nothing_is_written() {
    let bank = Bank::new();
    from_nothing_to_healthy_and_then_nothing(&bank, bank.prod());
}

/// The two tests above are about every environment that the example has.
#[test]
fn no_environment_is_left_out() {
    let bank = Bank::of(&["web"]);
    let text = std::fs::read_to_string(bank.path("kubemate.kdl")).unwrap();
    let named = text.lines().filter_map(|line| {
        let rest = line.trim().strip_prefix("environment ")?;
        rest.split_whitespace().next()
    });
    assert_eq!(named.collect::<Vec<_>>(), [bank.dev(), bank.prod()]);
}

#[test]
fn what_others_change_is_found_named_and_undone() {
    let bank = Bank::of(&["web"]);
    let (env, direct) = (bank.dev(), bed::cluster().kubeconfig());
    bank.apply(env);
    let before = bank.snapshot(env);
    let namespace = format!("web-{env}");
    let kubectl = |args: &[&str]| {
        let mut all = vec!["-n", namespace.as_str()];
        all.extend(args);
        bed::cluster().kubectl(&all)
    };
    kubectl(&["scale", "deployment", "web-api", "--replicas=5"]);
    let port = r#"[{"op":"replace","path":"/spec/ports/0/targetPort","value":81}]"#;
    kubectl(&["patch", "service", "web-api", "--type=json", "-p", port]);
    kubectl(&["delete", "poddisruptionbudget", "web-api"]);
    kubectl(&["label", "namespace", &namespace, "mine=1"]);
    assert_ne!(bank.snapshot(env), before);

    let diff = bank.run(direct, &["diff", "--env", env, "--detailed-exitcode"]);
    assert_eq!(diff.code, 2, "{}", diff.end());
    for said in [
        "spec.replicas",
        "tenants/web/service.kdl:1:",
        "spec.ports",
        "PodDisruptionBudget.policy/web-api",
        "it was deleted outside of Git",
        "changed outside of Git",
        "`kubectl",
    ] {
        assert!(diff.out.contains(said), "{said} in {}", diff.out);
    }
    let status = bank.run(direct, &["status", "--env", env]);
    assert!(
        status.out.contains("3 objects changed outside of Git"),
        "{}",
        status.out
    );
    bank.apply(env);
    kubectl(&["label", "namespace", &namespace, "mine-"]);
    assert_eq!(bank.snapshot(env), before);
    let diff = bank.run(direct, &["diff", "--env", env, "--detailed-exitcode"]);
    assert_eq!((diff.code, diff.out.as_str()), (0, "no drift\n"));
}

#[test]
fn there_and_back_again_leaves_nothing_behind() {
    let bank = Bank::of(&["payments"]);
    let env = bank.dev();
    let file = "tenants/payments/checkout.kdl";
    bank.apply(env);
    let before = bank.snapshot(env);
    let mut original = String::new();
    bank.edit(file, |text| {
        original = text.to_owned();
        text.replace("    LOG_LEVEL info\n", "    LOG_LEVEL info\n    EXTRA yes\n")
            .replace("2.15.0-rc1", "2.16.0")
            .replace("port=9000", "port=9001")
            .replace("mount=\"/tmp\" size=\"1Gi\"", "mount=\"/scratch\" size=\"2Gi\"")
            .replace(
                "  config checkout mount=\"/etc/checkout\" {\n    file \"checkout.toml\" from=\"files/checkout.toml\"\n  }\n",
                "",
            )
    });
    bank.apply(env);
    let between = bank.snapshot(env);
    assert_ne!(between, before);
    assert!(between.len() < before.len(), "the configuration went");
    bank.edit(file, |_| original.clone());
    bank.apply(env);
    assert_eq!(bank.snapshot(env), before);
}

/// Verb and changed fields of every step, by set and object.
fn operations(json: &str) -> BTreeMap<String, (String, BTreeSet<String>)> {
    let plans: Value = serde_json::from_str(json).unwrap();
    let mut all = BTreeMap::new();
    for plan in plans.as_array().unwrap() {
        for step in plan["steps"].as_array().unwrap() {
            let fields = step["fields"].as_array().unwrap();
            let fields = fields
                .iter()
                .map(|f| f["path"].as_str().unwrap().to_owned());
            let verb = step["verb"].as_str().unwrap().to_owned();
            let key = format!("{} {}", plan["set"], step["object"]);
            all.insert(key, (verb, fields.collect()));
        }
    }
    all
}

#[test]
fn an_offline_plan_says_what_the_live_plan_says() {
    let bank = Bank::of(&["payments", "ledger"]);
    let env = bank.dev();
    let base = bank.commit();
    bank.apply(env);
    bank.edit("tenants/payments/checkout.kdl", |text| {
        text.replace("2.15.0-rc1", "2.16.0")
    });
    bank.commit();
    let direct = bed::cluster().kubeconfig();
    let nowhere = bank.path("no-kubeconfig");
    let online = bank.run(direct, &["plan", "--env", env, "-o", "json"]);
    let args = [
        "plan",
        "--env",
        env,
        "-o",
        "json",
        "--offline",
        "--base",
        &base,
    ];
    let offline = bank.run(&nowhere, &args);
    assert_eq!((online.code, offline.code), (0, 0), "{}", offline.end());
    let found = operations(&online.out);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(operations(&offline.out), found);
}
