//! Approvals in the cluster, on a real Gitea and a real API server: who can make one, whose counts, and
//! that nothing counts while nobody keeps people from approving in another one's name.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::story::Story;
use super::{GOOD, PATIENCE, Place, manifests};

/// Longer than it takes until an admission policy is believed.
const SETTLED: Duration = Duration::from_secs(12);

/// Those of the printed manifests that are of this name.
fn printed(name: &str) -> String {
    let all = manifests(&[]);
    let named = format!("\n  name: {name}\n");
    let of: Vec<&str> = all.split("---\n").filter(|d| d.contains(&named)).collect();
    assert!(!of.is_empty(), "nothing is called {name}");
    of.join("---\n")
}

/// What waits in the Sync of a place.
struct Court<'a> {
    place: &'a Place,
    pull: String,
    commit: String,
    intent: String,
}

impl Court<'_> {
    fn approval(&self, user: &str, groups: &[&str]) -> Value {
        json!({
            "apiVersion": "kubemate.dev/v1alpha1", "kind": "Approval",
            "metadata": {"generateName": "t-", "namespace": "kubemate-system"},
            "spec": {"sync": self.place.name, "pull": self.pull, "commit": self.commit,
                "intent": self.intent, "user": user, "groups": groups},
        })
    }

    /// Makes an object as this person of these groups.
    fn make_as(
        &self,
        (user, groups): (&str, &[&str]),
        body: &Value,
        more: &[&str],
    ) -> Result<String, String> {
        let mut args = vec!["--as", user];
        for group in groups {
            args.extend(["--as-group", group]);
        }
        args.extend(["create", "-f", "-", "-o", "name"]);
        args.extend(more);
        self.place.cluster.try_kubectl(&args, &body.to_string())
    }

    fn until_refused(&self, why: &str) {
        self.place.until(why, |status| {
            let refused = status["waiting"][0]["refused"].as_array();
            let mut refused = refused.into_iter().flatten();
            refused.any(|said| said.as_str().unwrap().contains(why))
        });
    }

    /// A kubeconfig that speaks for a person.
    fn kubeconfig(&self, user: &str, group: &str) -> PathBuf {
        let text = self
            .place
            .cluster
            .kubectl(&["config", "view", "--raw", "-o", "json"]);
        let mut config: Value = serde_json::from_str(&text).unwrap();
        let account = &mut config["users"][0]["user"];
        account["as"] = json!(user);
        account["as-groups"] = json!([group]);
        let path = self
            .place
            .directory
            .path()
            .join(format!("{user}.kubeconfig"));
        std::fs::write(&path, config.to_string()).unwrap();
        path
    }

    /// `kubemate approve` as a person.
    fn approve_as(&self, (user, group): (&str, &str), args: &[&str]) -> (i32, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_kubemate"))
            .arg("approve")
            .args(args)
            .arg("--kubeconfig")
            .arg(self.kubeconfig(user, group))
            .output()
            .unwrap();
        let mut said = String::from_utf8(output.stdout).unwrap();
        said.push_str(&String::from_utf8_lossy(&output.stderr));
        (output.status.code().unwrap(), said)
    }
}

/// The right to approve, for three people.
fn give_rights(place: &Place) {
    place
        .cluster
        .kubectl_with(&["apply", "-f", "-"], &printed("kubemate-approver"));
    let subjects = ["ann", "cid", "dan"].map(|name| json!({"kind": "User", "name": name}));
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": "approvers", "namespace": "kubemate-system"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "kubemate-approver"},
        "subjects": subjects,
    });
    place
        .cluster
        .kubectl_with(&["apply", "-f", "-"], &binding.to_string());
}

/// A change of Ann's is merged, and nobody has agreed to it.
fn merged(story: &Story) -> (String, Court<'_>) {
    story.ann.pull("main");
    story.push(&story.ann, "newer", &GOOD.replace("1.0.0", "1.0.1"));
    let pull = story.open("newer");
    let (status, answer) = story.merge("may", pull);
    assert_eq!(status, 200, "{answer}");
    let waits = |status: &Value| status["waiting"][0]["missing"] == 1;
    let status = story.place.until("a change waits", waits);
    let waiting = &status["waiting"][0];
    assert_eq!(waiting["pull"], pull.to_string(), "{waiting:#}");
    assert_eq!(waiting["groups"], json!(["leads"]));
    let text = |key: &str| waiting[key].as_str().unwrap().to_owned();
    assert!(text("change").contains("1 update"), "{waiting:#}");
    let court = Court {
        place: &story.place,
        pull: pull.to_string(),
        commit: text("commit"),
        intent: text("intent"),
    };
    (story.main(), court)
}

/// Until the server refuses what the policy forbids, and then each thing that it forbids.
fn nobody_speaks_for_another(court: &Court<'_>) {
    let dry = &["--dry-run=server"][..];
    let ben = court.approval("ben", &[]);
    let began = Instant::now();
    while court.make_as(("ann", &[]), &ben, dry).is_ok() {
        assert!(began.elapsed() < PATIENCE, "the policy is not in force");
        std::thread::sleep(Duration::from_millis(300));
    }
    let robot = "system:serviceaccount:kubemate-system:kubemate";
    let mut elsewhere = court.approval("dan", &[]);
    elsewhere["metadata"]["namespace"] = json!("default");
    for (who, groups, body, why) in [
        ("ann", &[][..], ben, "another one's name"),
        ("dan", &[], court.approval("dan", &["leads"]), "not theirs"),
        (
            robot,
            &["system:masters"],
            court.approval(robot, &[]),
            "only people",
        ),
        (
            "dan",
            &["system:masters"],
            elsewhere,
            "kubemate-system only",
        ),
    ] {
        let said = court.make_as((who, groups), &body, dry).expect_err(why);
        assert!(said.contains(why), "{said}");
    }
    let own = court.approval("dan", &["leads"]);
    court.make_as(("dan", &["leads"]), &own, dry).unwrap();
}

/// Who has a part in it, what has ended, and what is about something else.
fn what_does_not_count(court: &Court<'_>) {
    let own = court.approval("ann", &["leads"]);
    let made = court.make_as(("ann", &["leads"]), &own, &[]).unwrap();
    court.until_refused("ann opened it");
    let change = |patch: &Value| {
        let (made, patch) = (made.trim(), patch.to_string());
        let mut args = vec!["-n", "kubemate-system", "patch", made];
        args.extend(["--type=merge", "-p", &patch]);
        court.place.cluster.try_kubectl(&args, "")
    };
    let said = change(&json!({"spec": {"user": "dan"}})).expect_err("it does not change");
    assert!(said.contains("does not change"), "{said}");
    change(&json!({"metadata": {"labels": {"a": "b"}}})).unwrap();
    let mut ended = court.approval("dan", &["leads"]);
    ended["spec"]["until"] = json!("2020-01-01T00:00:00Z");
    court.make_as(("dan", &["leads"]), &ended, &[]).unwrap();
    court.until_refused("dan approved until");
    let mut other = court.approval("dan", &["leads"]);
    other["spec"]["intent"] = json!("b3:another");
    court.make_as(("dan", &["leads"]), &other, &[]).unwrap();
    let (code, said) = court.approve_as(("dan", "leads"), &["--list"]);
    assert_eq!(code, 0, "{said}");
    for words in [
        "ann opened it",
        "dan approved until",
        "nothing waits for it",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

/// Who approved it stands in the audit trail.
fn written_down(court: &Court<'_>, commit: &str) {
    let name = format!("audit/here-{}.jsonl", court.place.name);
    let text = std::fs::read_to_string(court.place.directory.path().join(name)).unwrap();
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut ended = lines.filter(|l| l["event"] == "ended" && l["commit"] == commit);
    let agreed = &ended.next().expect("it was carried out")["agreed"][0];
    assert_eq!(agreed["approvers"], json!(["cid"]), "{agreed}");
    assert_eq!(agreed["author"], "ann", "{agreed}");
    assert_eq!(agreed["intents"], json!([court.intent]), "{agreed}");
}

#[test]
fn a_change_is_approved_in_the_cluster_by_somebody_who_had_no_part_in_it() {
    let story = Story::start();
    let place = &story.place;
    give_rights(place);
    let first = story.push_main(GOOD);
    let address = format!("{}/{}.git", story.forge.url, story.repository);
    place.keep(&address, "auto", "1s");
    story.until_told(&first, "success");
    let (merged, court) = merged(&story);
    let (name, cid) = (place.name.as_str(), ("cid", "leads"));

    let early = court.approval("cid", &["leads"]);
    court.make_as(("cid", &["leads"]), &early, &[]).unwrap();
    court.until_refused("is missing");
    let policy = printed("kubemate-approvals");
    place
        .cluster
        .kubectl_with(&["apply", "--server-side", "-f", "-"], &policy);
    nobody_speaks_for_another(&court);
    court.until_refused("before the cluster vouched");
    std::thread::sleep(SETTLED);
    what_does_not_count(&court);
    assert!(story.image().ends_with(":1.0.0"), "{}", story.image());

    let (code, said) = court.approve_as(cid, &[name, "--digest", "b3:another"]);
    assert_eq!(code, 3, "{said}");
    let (code, said) = court.approve_as(cid, &[name]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains(&court.intent) && said.contains("nothing was approved"),
        "{said}"
    );
    let (code, said) = court.approve_as(cid, &[name, "--ticket", "CHG-1"]);
    assert_eq!(code, 64, "{said}");
    let meant = [name, "--digest", &court.intent, "--ticket", "CHG-1"];
    let (code, said) = court.approve_as(cid, &meant);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains(&court.intent) && said.contains("approved by cid"),
        "{said}"
    );
    story.until_told(&merged, "success");
    assert!(story.image().ends_with(":1.0.1"), "{}", story.image());
    written_down(&court, &merged);
    let (code, said) = court.approve_as(cid, &[name]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("nothing waits"), "{said}");

    place
        .cluster
        .kubectl(&["delete", "sync", name, "-n", "kubemate-system"]);
    place.cluster.kubectl_with(&["delete", "-f", "-"], &policy);
}

/// The digests of what is held in a Sync.
fn held(status: &Value) -> Vec<String> {
    let sets = status["sets"].as_object();
    let held = sets
        .into_iter()
        .flatten()
        .filter(|(_, set)| set["held"] != 0);
    held.filter_map(|(_, set)| Some(set["plan"].as_str()?.to_owned()))
        .collect()
}

/// A person lets what is held through.
fn take(place: &Place, digests: &[String]) {
    let patch = json!({"spec": {"approved": digests}}).to_string();
    let mut args = vec![
        "patch",
        "sync",
        place.name.as_str(),
        "-n",
        "kubemate-system",
    ];
    args.extend(["--type=merge", "-p", &patch]);
    place.cluster.kubectl(&args);
}

#[test]
fn neither_another_rule_nor_another_sync_leads_past_approvals() {
    const EASED: &str = "approval dev-change {\n  approver user=may\n}\n";
    let story = Story::start();
    let place = &story.place;
    let first = story.push_main(GOOD);
    let address = format!("{}/{}.git", story.forge.url, story.repository);
    place.keep(&address, "auto", "1s");
    story.until_told(&first, "success");

    // It changes no object, and nobody agreed to it.
    let eased = story.push_ruled(GOOD, EASED);
    let waits = |status: &Value| status.to_string().contains("another rule of approvals");
    place.until("the rule waits", waits);
    // Nor does it come in by itself, pass after pass.
    std::thread::sleep(Duration::from_secs(5));
    let status = place.status();
    assert_eq!(status["lastAttempted"], eased.as_str(), "{status:#}");
    assert_eq!(status["lastApplied"], first.as_str(), "{status:#}");
    take(place, &held(&status));
    story.until_told(&eased, "success");

    let name = place.name.as_str();
    let delete = ["delete", "sync", name, "-n", "kubemate-system"];
    place.cluster.kubectl(&delete);
    let newer = story.push_ruled(&GOOD.replace("1.0.0", "1.0.1"), EASED);
    place.keep(&address, "auto", "1s");
    let waits = |status: &Value| status.to_string().contains("does not know which commit");
    let status = place.until("what is there is not known", waits);
    assert_eq!(status["governed"], true, "{status:#}");
    assert!(story.image().ends_with(":1.0.0"), "{}", story.image());
    take(place, &held(&status));
    story.until_told(&newer, "success");
    assert!(story.image().ends_with(":1.0.1"), "{}", story.image());
    place.cluster.kubectl(&delete);
}
