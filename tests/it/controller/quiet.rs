//! What the controller asks of the API server: nothing while nothing happens, and one object where one
//! object changed. Read from the proxy's record.

use std::time::Duration;

use serde_json::Value;

use super::{Bed, Controller, GOOD, is};
use crate::bed::proxy::{Call, Fault, Match, Proxy, Rule, Verb, WatchFault};

/// A controller behind a proxy, with one commit applied and at rest.
struct Quiet {
    // It ends first.
    controller: Controller,
    proxy: Proxy,
    bed: Bed,
}

impl Quiet {
    fn start(interval: &str) -> Self {
        Self::behind(interval, None)
    }

    fn behind(interval: &str, rule: Option<Rule>) -> Self {
        let bed = Bed::new("quiet.git");
        let commit = bed.commit(GOOD);
        let proxy = Proxy::before(bed.cluster.kubeconfig());
        rule.into_iter().for_each(|rule| proxy.add(rule));
        let controller = Controller::start(proxy.kubeconfig(), &bed);
        bed.sync("auto", interval);
        bed.until("applied", |s| {
            s["lastApplied"] == commit.as_str()
                && is(s, "Ready", "True")
                && is(s, "Healthy", "True")
        });
        let quiet = Self {
            controller,
            proxy,
            bed,
        };
        quiet.rest();
        quiet
    }

    /// Waits until two seconds pass without a call that asks for an object.
    fn rest(&self) {
        for _ in 0..60 {
            self.proxy.forget();
            std::thread::sleep(Duration::from_secs(2));
            if self.questions().is_empty() {
                return;
            }
        }
        panic!("it never rests: {:#?}", self.told());
    }

    /// Everything but watches and leases.
    fn questions(&self) -> Vec<Call> {
        let mut calls = self.proxy.calls();
        calls.retain(|call| call.verb != Verb::Watch && call.target.resource != "leases");
        calls
    }

    fn told(&self) -> Vec<String> {
        let calls = self.questions();
        calls
            .iter()
            .map(|c| format!("{:?} {}", c.verb, c.path))
            .collect()
    }

    fn deployment(&self) -> (String, String) {
        let web = self.bed.deployment().unwrap();
        let text = |p: &str| web.pointer(p).and_then(Value::as_str).unwrap().to_owned();
        (text("/metadata/name"), text("/metadata/namespace"))
    }

    fn replicas(&self) -> i64 {
        self.bed.deployment().unwrap()["spec"]["replicas"]
            .as_i64()
            .unwrap()
    }

    fn until_restored(&self) {
        self.bed.until("restored", |_| self.replicas() == 1);
    }
}

#[test]
fn an_idle_controller_asks_the_cluster_nothing() {
    let quiet = Quiet::start("1s");
    // Something may still have happened in the cluster; an interval is over each time.
    let silent = || {
        quiet.proxy.forget();
        std::thread::sleep(Duration::from_secs(6));
        quiet.told().is_empty()
    };
    assert!((0..5).any(|_| silent()), "{:#?}", quiet.told());
}

#[test]
fn a_drifted_object_is_read_alone_and_put_back() {
    let quiet = Quiet::start("1h");
    let (name, namespace) = quiet.deployment();
    quiet.proxy.forget();
    let args = ["scale", "deploy", &name, "-n", &namespace, "--replicas=4"];
    quiet.bed.cluster.kubectl(&args);
    quiet.until_restored();
    quiet.bed.until("ready", |s| is(s, "Ready", "True"));
    let calls = quiet.questions();
    // Before anything is written: the inventory, the cluster's UID, and what the quota still gives.
    let apart = ["configmaps", "namespaces", "resourcequotas"];
    let books = |c: &&Call| !apart.contains(&c.target.resource.as_str());
    let reads = calls
        .iter()
        .filter(|c| matches!(c.verb, Verb::Get | Verb::List));
    let mut reads = reads.filter(books).peekable();
    assert!(reads.peek().is_some(), "{:#?}", quiet.told());
    let only = reads.all(|c| c.target.name.as_deref() == Some(&name));
    assert!(only, "{:#?}", quiet.told());
}

#[test]
fn a_restart_writes_nothing() {
    let mut quiet = Quiet::start("1s");
    quiet.controller.terminate();
    quiet.proxy.forget();
    quiet.controller = Controller::start(quiet.proxy.kubeconfig(), &quiet.bed);
    quiet.bed.until("looked at again", |_| {
        quiet
            .proxy
            .calls()
            .iter()
            .any(|c| c.target.resource == "deployments")
    });
    quiet.rest();
    let mut writes = quiet.proxy.writes();
    writes.retain(|call| call.target.resource != "leases");
    let told: Vec<String> = writes.iter().map(|c| c.path.clone()).collect();
    assert_eq!(told, Vec::<String>::new());
}

/// Watches that break in every way say late what happened, and not never.
#[test]
fn r_11_drift_is_found_through_broken_watches() {
    for fault in [WatchFault::CloseAfter(1), WatchFault::ErrorAfter(1, 410)] {
        let rule = Match::any().verb(Verb::Watch).resource("deployments");
        let quiet = Quiet::behind("1h", Some(Rule::new(rule, Fault::Watch(fault))));
        let (name, namespace) = quiet.deployment();
        for replicas in ["--replicas=2", "--replicas=3", "--replicas=4"] {
            let args = ["scale", "deploy", &name, "-n", &namespace, replicas];
            quiet.bed.cluster.kubectl(&args);
            quiet.until_restored();
        }
    }
}
