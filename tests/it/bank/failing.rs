//! What a person reads, and what their shell sees, when something is not as it should be.

use std::io::Write as _;
use std::net::TcpListener;

use serde_json::json;

use super::project::{Bank, Said, stored, uid};
use crate::bed;
use crate::bed::proxy::{Fault, Gate, Match, Proxy, Rule, Verb};

#[test]
fn another_cluster_is_refused_and_both_uids_are_named() {
    let bank = Bank::of(&["web"]);
    let wrong = "11111111-1111-4111-8111-111111111111";
    bank.edit("kubemate.kdl", |text| text.replace(&uid(), wrong));
    let proxy = Proxy::before(bed::cluster().kubeconfig());
    let said = bank.run(proxy.kubeconfig(), &["apply", "--env", bank.dev()]);
    assert_eq!(said.code, 1, "{}", said.end());
    assert!(
        said.err.contains(wrong) && said.err.contains(&uid()),
        "{}",
        said.err
    );
    assert!(proxy.writes().is_empty());
}

#[test]
fn a_cluster_that_does_not_answer_is_named() {
    let bank = Bank::of(&["web"]);
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let said = bank.run(
        &kubeconfig(&bank, &format!("https://{address}"), None, "t"),
        &["plan", "--env", bank.dev()],
    );
    assert_eq!(said.code, 1, "{}", said.end());
    assert!(
        said.err.contains("address in the kubeconfig is right"),
        "{}",
        said.err
    );
    assert_eq!(
        said.err.matches("address in the kubeconfig").count(),
        1,
        "said once: {}",
        said.err
    );
}

#[test]
fn an_account_without_rights_is_told_what_it_may_not_do() {
    let bank = Bank::of(&["web"]);
    let bed = bed::cluster();
    let account = bed::unique_name("powerless");
    bed.kubectl(&["create", "serviceaccount", &account, "-n", "default"]);
    let token = bed.kubectl(&["create", "token", &account, "-n", "default"]);
    let config = std::fs::read_to_string(bed.kubeconfig()).unwrap();
    let field = |name: &str| {
        let line = config.lines().find(|line| line.trim().starts_with(name));
        let value = line.and_then(|line| line.trim().strip_prefix(name));
        value.unwrap().trim().trim_matches('"').to_owned()
    };
    let ca = field("certificate-authority-data:");
    let path = kubeconfig(&bank, &field("server:"), Some(&ca), token.trim());
    let said = bank.run(&path, &["plan", "--env", bank.dev()]);
    assert_eq!(said.code, 1, "{}", said.end());
    assert!(said.err.contains("forbidden"), "{}", said.err);
    assert!(said.err.contains(&account), "{}", said.err);
    assert!(!said.all().contains(token.trim()));
}

#[test]
fn an_api_server_that_dies_in_the_middle_leaves_what_the_next_run_finishes() {
    let bank = Bank::of(&["web"]);
    let (env, direct) = (bank.dev(), bed::cluster().kubeconfig());
    let proxy = Proxy::before(direct);
    let gate = Gate::new();
    let applies = Match::writes()
        .verb(Verb::Apply)
        .namespace(&format!("web-{env}"));
    proxy.add(Rule::new(applies, Fault::PauseBefore(gate.clone())).nth(4));
    let args = ["apply", "--env", env, "--timeout", "10s"];
    let said = std::thread::scope(|scope| {
        let running = scope.spawn(|| bank.run(proxy.kubeconfig(), &args));
        assert!(gate.wait_reached(bed::PATIENCE));
        proxy.heal();
        proxy.add(Rule::new(Match::any(), Fault::ResetBefore));
        gate.open();
        running.join().unwrap()
    });
    proxy.heal();
    assert_eq!(said.code, 5, "{}", said.end());
    truthful(&bank, &said);
    bank.apply(env);
    let plan = bank.run(direct, &["plan", "--env", env, "--detailed-exitcode"]);
    assert_eq!(plan.code, 0, "{}", plan.end());
}

/// What was said to be done is there, and everything that is there is tracked.
fn truthful(bank: &Bank, said: &Said) {
    let sets = bank.sets(bank.dev(), &["web"]);
    let stored = stored(&sets);
    let mut done = 0;
    for (set, stored) in sets.iter().zip(&stored) {
        let tracked: Vec<String> = stored
            .inventory
            .entries
            .keys()
            .map(ToString::to_string)
            .collect();
        for key in bank.marked(set).values() {
            let (kind, name) = key.split_once(' ').unwrap();
            let known = tracked
                .iter()
                .any(|t| t.starts_with(kind) && t.contains(&format!("/{name}")));
            assert!(known, "{key} is not tracked: {tracked:?}");
        }
        for line in said
            .out
            .lines()
            .filter(|line| line.starts_with("  create ") && line.ends_with(": done"))
        {
            let key = line
                .trim_start_matches("  create ")
                .trim_end_matches(": done");
            done += usize::from(tracked.iter().any(|t| t == key));
        }
    }
    let lines = said
        .out
        .lines()
        .filter(|l| l.starts_with("  create ") && l.ends_with(": done"));
    let claimed: Vec<&str> = lines.collect();
    assert!(!claimed.is_empty(), "{}", said.end());
    assert_eq!(done, claimed.len(), "{claimed:?}");
    let live: usize = sets.iter().map(|set| bank.marked(set).len()).sum();
    assert!(
        live >= done,
        "{done} were said to be done and {live} are there"
    );
    assert!(
        said.all().contains(" not"),
        "what was not done is counted: {}",
        said.end()
    );
}

#[test]
fn a_kubeconfig_that_is_not_there_or_has_no_such_context_is_told() {
    let bank = Bank::of(&["web"]);
    let direct = bed::cluster().kubeconfig();
    let file = direct.display().to_string();
    for (args, words) in [
        (vec!["--kubeconfig", "nowhere/config"], "nowhere/config"),
        (
            vec!["--kubeconfig", file.as_str(), "--context", "no-such"],
            "no-such",
        ),
    ] {
        for command in ["plan", "apply", "status"] {
            let args = [&[command, "--env", bank.dev()], &args[..]].concat();
            let said = bank.run(direct, &args);
            assert_eq!(said.code, 1, "{args:?} {}", said.end());
            assert!(said.err.contains(words), "{args:?} {}", said.end());
        }
    }
}

#[test]
fn credentials_that_expired_are_told_with_what_to_do() {
    let bank = Bank::of(&["web"]);
    let config = std::fs::read_to_string(bed::cluster().kubeconfig()).unwrap();
    let field = |name: &str| {
        let line = config.lines().find(|line| line.trim().starts_with(name));
        let value = line.and_then(|line| line.trim().strip_prefix(name));
        value.unwrap().trim().trim_matches('"').to_owned()
    };
    // A token of the right form that this API server did not sign.
    let token = "eyJhbGciOiJSUzI1NiJ9.eyJleHAiOjF9.c2lnbmF0dXJl";
    let ca = field("certificate-authority-data:");
    let path = kubeconfig(&bank, &field("server:"), Some(&ca), token);
    for command in ["plan", "apply"] {
        let said = bank.run(&path, &[command, "--env", bank.dev()]);
        assert_eq!(said.code, 1, "{}", said.end());
        assert!(said.err.contains("renew the credentials"), "{}", said.end());
        assert!(!said.all().contains(token), "{}", said.end());
    }
}

fn kubeconfig(bank: &Bank, server: &str, ca: Option<&str>, token: &str) -> std::path::PathBuf {
    let mut cluster = json!({"server": server});
    if let Some(ca) = ca {
        cluster["certificate-authority-data"] = ca.into();
    }
    let text = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "c", "user": {"token": token}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
    });
    let path = bank.path("kubeconfig.test");
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(text.to_string().as_bytes()).unwrap();
    path
}
