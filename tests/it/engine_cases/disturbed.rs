//! An API server that is busy, loses answers, talks nonsense, and people who delete things.

use std::time::{Duration, Instant};

use super::oracles::Watched;
use crate::bank::project::Bank;
use crate::bed;
use crate::bed::proxy::{Fault, Match, Proxy, Rule, Verb};

const WEB: &[&str] = &["web"];

fn settled(bank: &Bank, proxy: &Proxy) {
    proxy.heal();
    let env = bank.dev();
    let plan = bank.run(
        bed::cluster().kubeconfig(),
        &["plan", "--env", env, "--detailed-exitcode"],
    );
    assert_eq!(plan.code, 0, "{}", plan.end());
    Watched::new(bank.sets(env, WEB)).judge(bank, proxy);
}

fn bank() -> (Bank, Proxy) {
    (Bank::of(WEB), Proxy::before(bed::cluster().kubeconfig()))
}

fn applies(bank: &Bank) -> Match {
    let namespace = format!("web-{}", bank.dev());
    Match::writes().verb(Verb::Apply).namespace(&namespace)
}

#[test]
fn r_01_too_many_requests() {
    let (bank, proxy) = bank();
    proxy.add(Rule::new(applies(&bank), Fault::too_many(2)).first(4));
    let said = bank.run(proxy.kubeconfig(), &["apply", "--env", bank.dev()]);
    assert_eq!(said.code, 0, "{}", said.end());
    let writes = proxy.writes();
    let refused: Vec<_> = writes.iter().filter(|c| c.status == Some(429)).collect();
    assert_eq!(refused.len(), 4);
    for call in refused {
        let next = writes
            .iter()
            .find(|c| c.path == call.path && c.at > call.at);
        let pause = next.map(|c| c.at - call.at).expect("it is tried again");
        assert!(pause >= Duration::from_secs(2), "{}: {pause:?}", call.path);
    }
    settled(&bank, &proxy);
}

#[test]
fn r_04_lost_reply() {
    let (bank, proxy) = bank();
    for nth in [1, 3, 7, 11] {
        proxy.add(Rule::new(applies(&bank), Fault::ResetAfter).nth(nth));
    }
    let said = bank.run(proxy.kubeconfig(), &["apply", "--env", bank.dev()]);
    assert_eq!(said.code, 0, "{}", said.end());
    let lost = proxy
        .calls()
        .iter()
        .filter(|c| c.faults.contains(&"ResetAfter"))
        .count();
    assert_eq!(lost, 4);
    let before = bank.snapshot(bank.dev());
    settled(&bank, &proxy);
    proxy.forget();
    let again = bank.run(proxy.kubeconfig(), &["apply", "--env", bank.dev()]);
    assert_eq!(again.code, 0, "{}", again.end());
    assert!(proxy.writes().iter().all(|c| c.target.resource == "leases"));
    assert_eq!(bank.snapshot(bank.dev()), before);
}

#[test]
fn r_08_bad_bodies_are_not_absence() {
    let (bank, proxy) = bank();
    let env = bank.dev();
    bank.apply(env);
    let uids = |bank: &Bank| -> Vec<_> {
        let sets = bank.sets(env, WEB);
        sets.iter().map(|set| bank.marked(set)).collect()
    };
    let before = uids(&bank);
    let list = r#"{"kind":"DeploymentList","apiVersion":"apps/v1","metadata":{},"items":[]}"#;
    let other = r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"web-api","uid":"1"}}"#;
    for (name, fault) in [
        ("html", Fault::Html),
        ("empty", Fault::Body(String::new())),
        ("an empty list", Fault::Body(list.into())),
        ("another kind", Fault::Body(other.into())),
        ("truncated", Fault::Truncate(100)),
    ] {
        for resource in ["deployments.apps", "configmaps"] {
            proxy.forget();
            let reads = Match::reads()
                .verb(Verb::Get)
                .verb(Verb::List)
                .resource(resource);
            proxy.add(Rule::new(reads, fault.clone()));
            let args = ["apply", "--env", env, "--timeout", "5s"];
            let said = bank.run(proxy.kubeconfig(), &args);
            assert_ne!(said.code, 0, "{name} for {resource}: {}", said.end());
            let writes = proxy.writes();
            let wrong = writes
                .iter()
                .find(|c| c.verb == Verb::Delete || c.target.resource == "deployments");
            assert!(wrong.is_none(), "{name} for {resource}: {wrong:?}");
            proxy.heal();
            assert_eq!(uids(&bank), before, "{name} for {resource}");
        }
    }
    settled(&bank, &proxy);
}

#[test]
fn r_16_a_broken_api_group_stops_nobody_else() {
    let (bank, proxy) = bank();
    let group = format!("{}.example.com", bed::unique_name("broken"));
    let service = serde_json::json!({
        "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
        "metadata": {"name": format!("v1.{group}")},
        "spec": {"group": group, "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 100,
            "insecureSkipTLSVerify": true, "service": {"name": "none", "namespace": "default"}},
    });
    let _guard = ApiService::create(&service);
    let said = bank.run(proxy.kubeconfig(), &["apply", "--env", bank.dev()]);
    assert_eq!(said.code, 0, "{}", said.end());
    settled(&bank, &proxy);
}

/// Registered as long as this lives, whatever happens to the test.
struct ApiService(String);

impl ApiService {
    fn create(object: &serde_json::Value) -> Self {
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        bed::cluster().kubectl_with(&["create", "-f", "-"], &object.to_string());
        Self(name)
    }
}

impl Drop for ApiService {
    fn drop(&mut self) {
        bed::cluster().kubectl(&["delete", "apiservice", &self.0, "--wait=false"]);
    }
}

#[test]
fn r_60_deleted_by_a_person() {
    let (bank, proxy) = bank();
    let env = bank.dev();
    bank.apply(env);
    let namespace = format!("web-{env}");
    let kubectl = |args: &[&str]| {
        let mut all = vec!["-n", namespace.as_str()];
        all.extend(args);
        bed::cluster().kubectl(&all)
    };
    kubectl(&["delete", "deployment", "web-api"]);
    let hold = r#"{"metadata":{"finalizers":["bank.example/hold"]}}"#;
    kubectl(&["patch", "service", "web-api", "--type=merge", "-p", hold]);
    kubectl(&["delete", "service", "web-api", "--wait=false"]);
    let args = ["apply", "--env", env, "--timeout", "5s"];
    let said = bank.run(proxy.kubeconfig(), &args);
    assert_ne!(
        said.code,
        0,
        "a Service that goes is not applied: {}",
        said.end()
    );
    assert!(
        said.all().contains("bank.example/hold"),
        "the finalizer is named: {}",
        said.end()
    );
    kubectl(&["get", "deployment", "web-api"]);
    let free = r#"{"metadata":{"finalizers":null}}"#;
    kubectl(&["patch", "service", "web-api", "--type=merge", "-p", free]);
    let until = Instant::now() + bed::PATIENCE;
    while kubectl(&["get", "services", "-o", "name"]).contains("web-api") && Instant::now() < until
    {
        std::thread::sleep(Duration::from_millis(200));
    }
    let said = bank.run(proxy.kubeconfig(), &["apply", "--env", env]);
    assert_eq!(said.code, 0, "{}", said.end());
    kubectl(&["get", "service", "web-api"]);
    settled(&bank, &proxy);
}

#[test]
fn r_70_empty_render_is_held() {
    let (bank, proxy) = bank();
    let (env, direct) = (bank.dev(), bed::cluster().kubeconfig());
    bank.apply(env);
    let mut watched = Watched::new(bank.sets(env, WEB));
    let web = bank.sets(env, WEB).remove(1);
    let before = bank.marked(&web);
    std::fs::remove_file(bank.path("tenants/web/service.kdl")).unwrap();
    let said = bank.run(proxy.kubeconfig(), &["apply", "--env", env]);
    assert_eq!(bank.marked(&web), before, "{}", said.end());
    assert!(proxy.writes().iter().all(|c| c.verb != Verb::Delete));
    watched.judge(&bank, &proxy);

    let name = web.to_string();
    let said = bank.run(direct, &["delete", "--set", &name]);
    assert_eq!(said.code, 0, "{}", said.end());
    let digest = said.err.split("--confirm-deletes ").nth(1).map(str::trim);
    let digest = digest.expect("the digest is printed").to_owned();
    let args = ["delete", "--set", &name, "--confirm-deletes", "b3:0000"];
    let said = bank.run(direct, &args);
    assert_eq!(said.code, 4, "{}", said.end());
    assert_eq!(bank.marked(&web), before);
    proxy.forget();
    watched.learn();
    let args = ["delete", "--set", &name, "--confirm-deletes", &digest];
    let said = bank.run(proxy.kubeconfig(), &args);
    assert_eq!(said.code, 0, "{}", said.end());
    assert!(bank.marked(&web).is_empty(), "{}", said.end());
    let deleted = proxy.writes();
    let deleted = deleted.iter().filter(|c| c.verb == Verb::Delete).count();
    assert_eq!(deleted, before.len());
    watched.judge(&bank, &proxy);
}
