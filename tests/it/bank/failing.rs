//! What a person reads, and what their shell sees, when something is not as it should be.

use std::io::Write as _;
use std::net::TcpListener;

use serde_json::json;

use super::project::{Bank, uid};
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
        assert!(gate.wait_reached(std::time::Duration::from_secs(60)));
        proxy.heal();
        proxy.add(Rule::new(Match::any(), Fault::ResetBefore));
        gate.open();
        running.join().unwrap()
    });
    proxy.heal();
    assert!([1, 5].contains(&said.code), "{}", said.end());
    bank.apply(env);
    let plan = bank.run(direct, &["plan", "--env", env, "--detailed-exitcode"]);
    assert_eq!(plan.code, 0, "{}", plan.end());
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
