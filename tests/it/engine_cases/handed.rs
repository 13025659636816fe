//! Objects that go from one set to another by the program: one run is enough, whichever set comes first.

use super::small::Small;
use crate::bed;

#[test]
fn r_80_one_run_hands_an_object_over_in_either_direction() {
    let small = Small::new();
    small.apply();
    let t = small.tenant.as_str();
    let uid = || small.config(t, "moves").unwrap().uid;
    let before = uid();
    let moves = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: moves, namespace: {t}}}\ndata: {{k: \"1\"}}\n---\n"
    );
    let files = [
        format!("tenants/{t}/files/all.yaml"),
        "platform/files/all.yaml".to_owned(),
    ];
    for (from, to) in [(&files[0], &files[1]), (&files[1], &files[0])] {
        small.folder.edit(from, |text| text.replace(&moves, ""));
        small.folder.edit(to, |text| format!("{text}{moves}"));
        small.apply();
        assert_eq!(uid(), before, "{to}");
        let args = ["plan", "--env", &small.env, "--detailed-exitcode"];
        let plan = small.folder.run(bed::cluster().kubeconfig(), &args);
        assert_eq!(plan.code, 0, "{to}: {}", plan.end());
        let holders: Vec<bool> = small.sets().iter().map(|set| holds(&small, set)).collect();
        assert_eq!(holders, [*to == files[1], *to == files[0]]);
    }
}

/// Whether the object bears the mark of a set.
fn holds(small: &Small, set: &kubemate::object::SetId) -> bool {
    let marked = small.marked(set);
    marked.values().any(|name| name == "ConfigMap moves")
}
