//! What is applied is not yet well: no run says that all is done while something is not healthy, and no
//! set that cannot be looked at hides the others.

use super::project::Bank;
use crate::bed;

#[test]
fn a_run_without_changes_is_not_well_while_something_is_not_healthy() {
    let bank = Bank::of(&["web"]);
    let (env, kubeconfig) = (bank.dev(), bed::cluster().kubeconfig());
    let args = ["apply", "--env", env, "--timeout", "20s"];
    bank.edit("tenants/web/service.kdl", |text| {
        let nowhere =
            "app web-api tenant=web replicas=2 {\n  placement { node-label \"no=where\" }";
        text.replace("app web-api tenant=web replicas=2 {", nowhere)
    });
    let first = bank.run(kubeconfig, &args);
    assert_eq!(first.code, 6, "{}", first.end());
    let again = bank.run(kubeconfig, &args);
    assert_eq!(again.code, 6, "{}", again.end());
    for words in [
        "no changes",
        "waiting for Deployment.apps/web-api",
        "1 still not healthy",
    ] {
        assert!(again.all().contains(words), "{words}: {}", again.end());
    }
    bank.edit("tenants/web/service.kdl", |text| {
        text.replace("\n  placement { node-label \"no=where\" }", "")
    });
    let mended = bank.apply(env);
    assert_eq!(mended.code, 0, "{}", mended.end());
}

/// Empties what is written down about a set.
fn damage(set: &str) {
    let kubectl =
        |args: &[&str]| bed::cluster().kubectl(&[&["-n", "kubemate-system"], args].concat());
    let path =
        r#"{range .items[*]}{.metadata.name} {.metadata.annotations.kubemate\.dev/set}{"\n"}{end}"#;
    let all = kubectl(&["get", "configmaps", "-o", &format!("jsonpath={path}")]);
    let ours = all.lines().filter_map(|line| line.split_once(' '));
    let mut found = ours.filter(|(_, of)| *of == set).peekable();
    assert!(found.peek().is_some(), "{all}");
    for (name, _) in found {
        kubectl(&[
            "patch",
            "configmap",
            name,
            "--type=merge",
            "-p",
            r#"{"data":null}"#,
        ]);
    }
}

#[test]
fn a_set_that_cannot_be_looked_at_hides_no_other() {
    let bank = Bank::of(&["web", "search"]);
    let (env, kubeconfig) = (bank.dev(), bed::cluster().kubeconfig());
    bank.apply(env);
    // Its inventory is not one that can be read, so what it owns is unknown.
    let web = bank.sets(env, &["web"]).remove(1);
    damage(&web.to_string());
    bank.edit("tenants/search/service.kdl", |text| {
        text.replace("1.0.0", "1.0.1")
    });
    let plan = bank.run(kubeconfig, &["plan", "--env", env]);
    assert_eq!(plan.code, 1, "{}", plan.end());
    let (name, search) = (web.to_string(), "tenants/search/");
    assert!(plan.err.contains(&name), "{}", plan.end());
    assert!(plan.all().contains(search), "{}", plan.end());
    let json = bank.run(kubeconfig, &["plan", "--env", env, "--output", "json"]);
    assert_eq!((json.code, json.out.as_str()), (1, ""), "{}", json.end());
    for command in ["status", "diff"] {
        let said = bank.run(kubeconfig, &[command, "--env", env]);
        assert_eq!(said.code, 1, "{command}: {}", said.end());
        assert!(said.err.contains(&name), "{command}: {}", said.end());
        assert!(!said.all().contains("no drift"), "{}", said.end());
    }
}
