//! Objects that go from one set to another by the program: one run is enough, whichever set comes first.

use super::small::Small;
use crate::bed;

#[test]
fn r_80_one_run_hands_an_object_over_and_what_cannot_go_stays_on_record() {
    let small = Small::new();
    small.apply();
    let t = small.tenant.as_str();
    let uid = || small.config(t, "moves").unwrap().uid;
    let before = uid();
    let moves = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: moves, namespace: {t}}}\ndata: {{k: \"1\"}}\n---\n"
    );
    let tenants = format!("tenants/{t}/files/all.yaml");
    let platforms = "platform/files/all.yaml";
    let goes = |from: &str, to: &str| {
        small.folder.edit(from, |text| text.replace(&moves, ""));
        small.folder.edit(to, |text| format!("{text}{moves}"));
    };
    let is_the_platforms = || {
        let holders: Vec<bool> = small.sets().iter().map(|set| holds(&small, set)).collect();
        holders == [true, false]
    };
    goes(&tenants, platforms);
    small.apply();
    assert_eq!(uid(), before);
    assert!(is_the_platforms());
    let run = |args: &[&str]| small.folder.run(bed::cluster().kubeconfig(), args);
    let plan = run(&["plan", "--env", &small.env, "--detailed-exitcode"]);
    assert_eq!(plan.code, 0, "{}", plan.end());
    // The policies let no tenant change what bears the platform's mark: that is said, and it stays the platform's.
    goes(platforms, &tenants);
    let refused = run(&["apply", "--env", &small.env]);
    assert_eq!(refused.code, 5, "{}", refused.end());
    assert!(
        refused
            .end()
            .contains("bears the mark of the platform's set")
    );
    assert_eq!(uid(), before);
    assert!(is_the_platforms());
    // Back among the platform's files it is as before, so it was never without an owner.
    goes(&tenants, platforms);
    let plan = run(&["plan", "--env", &small.env, "--detailed-exitcode"]);
    assert_eq!(plan.code, 0, "{}", plan.end());
}

/// Whether the object bears the mark of a set.
fn holds(small: &Small, set: &kubemate::object::SetId) -> bool {
    let marked = small.marked(set);
    marked.values().any(|name| name == "ConfigMap moves")
}
