//! `kubemate adopt` on a cluster in which some of what the example wants exists already.

use serde_json::{Value, json};

use super::folder::Said;
use super::project::Bank;
use crate::bed;

fn run(bank: &Bank, args: &[&str]) -> Said {
    bank.run(bed::cluster().kubeconfig(), args)
}

/// The digest that the last line of what was said asks for.
fn digest(said: &Said) -> String {
    let words = said.err.split_whitespace();
    let digest = words.rev().find(|word| word.starts_with("b3:"));
    digest
        .unwrap_or_else(|| panic!("no digest: {}", said.end()))
        .to_owned()
}

/// Takes over what `chosen` names, after a wrong digest was refused.
fn adopt(bank: &Bank, chosen: &[&str]) {
    let mut args = vec!["adopt", "--env", bank.dev()];
    args.extend(chosen);
    let shown = run(bank, &args);
    assert_eq!(shown.code, 0, "{}", shown.end());
    assert!(
        shown.err.contains("nothing was taken over"),
        "{}",
        shown.end()
    );
    let digest = digest(&shown);
    let wrong = run(bank, &[&args[..], &["--confirm", "b3:0"]].concat());
    assert_eq!(wrong.code, 4, "{}", wrong.end());
    let done = run(bank, &[&args[..], &["--confirm", &digest]].concat());
    assert_eq!(done.code, 0, "{}", done.end());
}

#[test]
fn existing_objects_are_listed_shown_and_taken_over() {
    let bank = Bank::of(&["web"]);
    let env = bank.dev();
    let namespace = format!("web-{env}");
    bed::cluster().kubectl(&["create", "namespace", &namespace]);
    let service = json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "web-api", "namespace": namespace, "labels": {"old": "yes"}},
        "spec": {"selector": {"old": "yes"}, "ports": [{"name": "old", "port": 7}]}});
    bed::cluster().kubectl_with(&["apply", "-f", "-"], &service.to_string());

    let listed = run(&bank, &["adopt", "--env", env]);
    assert_eq!(listed.code, 0, "{}", listed.end());
    for part in [
        &format!("Namespace/{namespace}"),
        "kubectl-create",
        &format!("Service/{namespace}/web-api"),
        "kubectl-client-side-apply",
    ] {
        assert!(listed.out.contains(part), "{part}: {}", listed.end());
    }
    let typo = run(&bank, &["adopt", "--env", env, "--object", "Namespace/wbe"]);
    assert_eq!(typo.code, 64, "{}", typo.end());
    assert!(typo.err.contains(&namespace), "{}", typo.end());

    adopt(&bank, &["--object", &format!("Namespace/{namespace}")]);
    let applied = run(&bank, &["apply", "--env", env]);
    let hint = format!("kubemate adopt --object Service/{namespace}/web-api");
    assert!(applied.all().contains(&hint), "{}", applied.end());
    adopt(&bank, &["--all"]);
    bank.apply(env);
    let plan = run(&bank, &["plan", "--env", env, "--detailed-exitcode"]);
    assert_eq!(plan.code, 0, "{}", plan.end());
    let args = ["-n", &namespace, "get", "service", "web-api", "-o", "json"];
    let live: Value = serde_json::from_str(&bed::cluster().kubectl(&args)).unwrap();
    assert_eq!(live["metadata"]["labels"]["old"], Value::Null);
    assert_eq!(live["spec"]["selector"]["old"], Value::Null);
    assert!(
        live["spec"]["ports"]
            .as_array()
            .unwrap()
            .iter()
            .all(|p| p["port"] != 7)
    );
    let empty = run(&bank, &["adopt", "--env", env]);
    assert!(
        empty.out.contains("belongs to its set already"),
        "{}",
        empty.end()
    );
}

#[test]
fn what_plan_prints_for_programs_is_what_its_schema_says() {
    let bank = Bank::of(&["web", "search"]);
    let printed = run(&bank, &["plan", "--env", bank.dev(), "-o", "json"]);
    assert_eq!(printed.code, 0, "{}", printed.end());
    let plans: Value = serde_json::from_str(&printed.out).unwrap();
    assert_eq!(plans.as_array().map(Vec::len), Some(3), "one for each set");
    let schema = kubemate::plan::display::json::schema();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let problems: Vec<String> = schema.iter_errors(&plans).map(|e| e.to_string()).collect();
    assert!(problems.is_empty(), "{problems:?}");
    let mut wrong = plans.clone();
    wrong[0]["steps"][0]["verb"] = json!(7);
    assert!(!schema.is_valid(&wrong), "the schema checks something");
}
