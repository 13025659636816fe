//! History names the commits that changed what a resource renders, and those only.

use serde_json::Value;

use super::{CART, PATH, Repo, said};

#[test]
fn history_names_the_commits_that_changed_what_is_rendered() {
    let repo = Repo::new(&[(PATH, CART)]);
    let second = CART.replace("version   \"1.0.0\"", "version   \"1.1.0\"");
    let promoted = repo.commit("promote the cart", &[(PATH, &second)]);
    // A comment changes no object.
    let third = second.replace("// careful", "// very careful");
    repo.commit("words", &[(PATH, &third)]);
    repo.commit(
        "broken",
        &[(PATH, "app cart tenant=web {\n  imag \"x\"\n}\n")],
    );
    let fixed = repo.commit(
        "whole again",
        &[(PATH, &third.replace("replicas 2", "replicas 3"))],
    );
    let read = |args: &[&str]| -> Vec<Value> {
        let all = [&["history", "-o", "json"], args].concat();
        let text = said(&repo.run(&all, &[]), 0);
        let lines = text.lines().filter(|line| line.starts_with('{'));
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let all = read(&["app/cart"]);
    let subjects: Vec<&str> = all
        .iter()
        .map(|told| told["subject"].as_str().unwrap())
        .collect();
    assert_eq!(
        subjects,
        ["whole again", "broken", "promote the cart", "first"]
    );
    assert_eq!(all[0]["commit"], fixed.as_str());
    assert_eq!(
        all[0]["unknown"],
        "the commit before it is not valid, or not in this clone"
    );
    assert_eq!(all[2]["commit"], promoted.as_str());
    let change = &all[2]["changes"];
    assert_eq!(change.as_array().unwrap().len(), 1, "{change}");
    assert_eq!(change[0]["environment"], "prod");
    assert_eq!(change[0]["version"], serde_json::json!(["1.0.0", "1.1.0"]));
    let dev = read(&["app/cart", "--env", "dev"]);
    assert!(
        dev.iter().all(|told| told["subject"] != "promote the cart"),
        "{dev:?}"
    );
    assert_eq!(read(&["app/cart", "--limit", "1"]).len(), 1);
    let tenant = read(&["tenant/web"]);
    assert!(
        tenant
            .iter()
            .all(|told| told["subject"] != "promote the cart"),
        "{tenant:?}"
    );
    let text = said(&repo.run(&["history", "app/cart"], &[]), 0);
    assert!(text.contains("1 changed, version 1.0.0 → 1.1.0"), "{text}");
}

#[test]
fn at_the_border_of_a_shallow_clone_history_says_that_it_cannot_compare() {
    let repo = Repo::new(&[(PATH, CART)]);
    let second = CART.replace("version   \"1.0.0\"", "version   \"1.1.0\"");
    repo.commit("promote the cart", &[(PATH, &second)]);
    let shallow = Repo {
        dir: tempfile::tempdir().unwrap(),
    };
    let from = format!("file://{}", repo.dir.path().display());
    shallow.git(&["clone", "-q", "--depth", "1", &from, "."]);
    let text = said(&shallow.run(&["history", "app/cart"], &[]), 0);
    assert!(text.contains("promote the cart"), "{text}");
    assert!(text.contains("not in this clone"), "{text}");
    assert!(!text.contains("changed"), "{text}");
}
