//! Saved plans through the program: carried out where and as they were made, or not at all.

use std::path::{Path, PathBuf};

use crate::bank::project::{Bank, Said};
use crate::bed;
use crate::bed::proxy::Proxy;

/// Saves the plans of an environment and returns that of a set, by how its owner is written.
fn save(bank: &Bank, owner: &str) -> PathBuf {
    let out = bank.path("plans");
    drop(std::fs::remove_dir_all(&out));
    let args = ["plan", "--env", bank.dev(), "--out", "plans"];
    let said = bank.run(bed::cluster().kubeconfig(), &args);
    assert_eq!(said.code, 0, "{}", said.end());
    let files = std::fs::read_dir(&out).unwrap();
    let paths: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
    let found = paths.iter().find(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.contains(&format!("-{owner}.")) || name.contains(&format!("-{owner}-"))
    });
    found
        .unwrap_or_else(|| panic!("{owner} in {paths:?}"))
        .clone()
}

fn apply(bank: &Bank, kubeconfig: &Path, plan: &Path) -> Said {
    let plan = plan.display().to_string();
    bank.run(kubeconfig, &["apply", &plan])
}

/// Applies a plan that must be refused without a single write.
fn refused(bank: &Bank, plan: &Path, why: &str) {
    let proxy = Proxy::before(bed::cluster().kubeconfig());
    let said = apply(bank, proxy.kubeconfig(), plan);
    assert_eq!(said.code, 4, "{why}: {}", said.end());
    assert!(said.all().contains(why), "{why}: {}", said.end());
    let writes = proxy.writes().into_iter().filter(|call| {
        call.target.resource != "leases"
            && call.target.namespace.as_deref() != Some("kubemate-system")
    });
    let writes: Vec<String> = writes
        .map(|call| format!("{} {}", call.method, call.path))
        .collect();
    assert!(writes.is_empty(), "{why}: {writes:?}");
}

#[test]
fn s_84_a_plan_file_holds_where_it_was_made_and_only_unchanged() {
    let bank = Bank::of(&["web"]);
    bank.apply(bank.dev());
    bank.edit("tenants/web/service.kdl", |text| {
        text.replace("replicas=2", "replicas=3")
    });
    let path = save(&bank, "web");
    let text = std::fs::read_to_string(&path).unwrap();
    let copy = bank.path("plans/edited.kmplan");
    // A byte anywhere: in a digest, in a name, in a number.
    let places = text
        .char_indices()
        .filter(|(_, c)| c.is_ascii_alphanumeric())
        .map(|(at, _)| at);
    let places: Vec<usize> = places.collect();
    for at in places.iter().step_by(places.len() / 12) {
        let mut bytes = text.clone().into_bytes();
        bytes[*at] = if bytes[*at] == b'1' { b'2' } else { b'1' };
        std::fs::write(&copy, &bytes).unwrap();
        let proxy = Proxy::before(bed::cluster().kubeconfig());
        let said = apply(&bank, proxy.kubeconfig(), &copy);
        assert_eq!(said.code, 4, "byte {at}: {}", said.end());
        assert!(
            proxy.calls().is_empty(),
            "byte {at}: the cluster is not asked"
        );
    }
    // Another project with a set of the same name, and another one without.
    let other = Bank::of(&["web"]);
    refused(&other, &path, "this project does not have here");
    // Another cluster.
    let wrong = "11111111-1111-4111-8111-111111111111";
    bank.edit("kubemate.kdl", |text| {
        text.replace(&crate::bank::project::uid(), wrong)
    });
    let proxy = Proxy::before(bed::cluster().kubeconfig());
    let said = apply(&bank, proxy.kubeconfig(), &path);
    assert_eq!(said.code, 1, "{}", said.end());
    assert!(said.err.contains(wrong), "{}", said.end());
    assert!(proxy.writes().is_empty());
    bank.edit("kubemate.kdl", |text| {
        text.replace(wrong, &crate::bank::project::uid())
    });
    // As it was made, it is carried out, and a second time there is nothing to do.
    let said = apply(&bank, bed::cluster().kubeconfig(), &path);
    assert_eq!(said.code, 0, "{}", said.end());
    let again = Proxy::before(bed::cluster().kubeconfig());
    let said = apply(&bank, again.kubeconfig(), &path);
    assert_eq!(said.code, 0, "{}", said.end());
    let wrote = again
        .writes()
        .into_iter()
        .any(|call| call.target.resource == "deployments");
    assert!(!wrote, "{}", said.end());
}

#[test]
fn s_80_a_plan_is_bound_to_what_it_was_made_of() {
    let bank = Bank::of(&["web"]);
    bank.apply(bank.dev());
    let namespace = format!("web-{}", bank.dev());
    let replicas = || {
        let path = "jsonpath={.spec.replicas}";
        bed::cluster().kubectl(&["-n", &namespace, "get", "deployment", "web-api", "-o", path])
    };
    bank.edit("tenants/web/service.kdl", |text| {
        text.replace("replicas=2", "replicas=3")
    });
    let path = save(&bank, "web");

    // The files move on.
    bank.edit("tenants/web/service.kdl", |text| {
        text.replace("replicas=3", "replicas=4")
    });
    refused(&bank, &path, "is rendered otherwise");
    assert_eq!(replicas(), "2");
    bank.edit("tenants/web/service.kdl", |text| {
        text.replace("replicas=4", "replicas=3")
    });

    // The live object moves on.
    let scale = [
        "-n",
        &namespace,
        "scale",
        "deployment",
        "web-api",
        "--replicas=7",
    ];
    bed::cluster().kubectl(&scale);
    refused(&bank, &path, "since the plan was made");
    assert_eq!(replicas(), "7");
    bank.apply(bank.dev());
    assert_eq!(replicas(), "3");

    // What would be deleted moves on: the object is another one of the same name.
    bank.edit("tenants/web/service.kdl", |text| {
        text.replace("replicas=3", "replicas=1")
    });
    let path = save(&bank, "web");
    let text = std::fs::read_to_string(&path).unwrap();
    if text.contains("\"delete\"") {
        let args = ["-n", &namespace, "delete", "poddisruptionbudget", "web-api"];
        bed::cluster().kubectl(&args);
        let said = apply(&bank, bed::cluster().kubeconfig(), &path);
        assert!([4, 5].contains(&said.code), "{}", said.end());
    }
}
