//! A controller that is told to stop, killed, doubled, or lied to about what it has to keep.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::faulty::Faulty;
use super::{Bed, Controller, PATIENCE, is};
use crate::bed;
use crate::bed::proxy::{Fault, Gate, Match, Proxy, Rule, Verb};
use crate::effort;
use crate::githost::Mood;

/// Longer than anything here is left unanswered.
const LONG: Duration = Duration::from_mins(2);
/// Commits that two controllers work on, ordinarily and in long runs.
const CHANGES: [u32; 2] = [200, 1_000];

/// Writes of the tenant's objects.
fn writes(bed: &Bed) -> Match {
    Match::writes().verb(Verb::Apply).namespace(&bed.name)
}

/// Who holds the Lease of this shard's controllers: `None` if nobody does.
fn leader(bed: &Bed) -> Option<String> {
    let args = ["get", "leases", "-n", "kubemate-system", "-o", "json"];
    let list: Value = serde_json::from_str(&bed.cluster.kubectl(&args)).unwrap();
    let mut all = list["items"].as_array().unwrap().iter();
    let seat = all.find(|lease| {
        // It is nobody's set: without an environment.
        lease["metadata"]["annotations"]["kubemate.dev/set"] == format!("{}//platform", bed.name)
    });
    let holder = seat?["spec"]["holderIdentity"].as_str()?;
    Some(holder.to_owned()).filter(|holder| !holder.is_empty())
}

/// What a controller does when it is told to stop.
#[derive(Debug, Clone, Copy)]
enum Doing {
    Nothing,
    Writing,
    Waiting,
    Fetching,
}

#[test]
fn r_25_told_to_stop_it_stops_in_time_and_gives_its_lead_back() {
    let mut faulty = Faulty::new("stop.git");
    let mut n = 1;
    faulty.bed.sync("auto", "1s");
    let mut commit = faulty.push(n);
    faulty.applied(&commit, n);
    for doing in [
        Doing::Nothing,
        Doing::Writing,
        Doing::Waiting,
        Doing::Fetching,
    ] {
        assert!(leader(&faulty.bed).is_some(), "{doing:?}");
        let gate = Gate::new();
        if !matches!(doing, Doing::Nothing) {
            n += 1;
            let fault = match doing {
                Doing::Writing => Fault::Delay(Duration::from_secs(3)),
                _ => Fault::PauseBefore(gate.clone()),
            };
            if matches!(doing, Doing::Fetching) {
                faulty.bed.host.set(Mood::Slow);
            } else {
                faulty.proxy.add(Rule::new(writes(&faulty.bed), fault));
            }
            let seen = faulty.proxy.writes().len();
            commit = faulty.push(n);
            let asked = faulty.bed.host.asked().len();
            let began = Instant::now();
            let busy = || match doing {
                Doing::Fetching => faulty.bed.host.asked().len() > asked,
                _ => {
                    let new = faulty.proxy.writes().into_iter().skip(seen);
                    let ours = Some(faulty.bed.name.as_str());
                    new.filter(|c| c.target.namespace.as_deref() == ours)
                        .count()
                        > 0
                }
            };
            while !busy() {
                assert!(began.elapsed() < PATIENCE, "{doing:?} was never begun");
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        faulty.controller.terminate();
        assert_eq!(leader(&faulty.bed), None, "{doing:?}: the lead is kept");
        gate.open();
        faulty.proxy.heal();
        faulty.bed.host.set(Mood::Honest);
        faulty.begin();
        faulty.applied(&commit, n);
    }
    faulty.judge(&commit, n);
}

/// An API server that lets everybody have every Lease.
fn without_election(proxy: &Proxy) {
    let lease = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": "any", "namespace": "kubemate-system", "resourceVersion": "1"},
        "spec": {"holderIdentity": ""},
    });
    let rule = Match::any().resource("leases");
    proxy.add(Rule::new(rule, Fault::Body(lease.to_string())));
}

#[test]
fn r_26_two_that_both_lead_do_no_harm() {
    let mut faulty = Faulty::new("split.git");
    faulty.bed.sync("auto", "1s");
    let mut commit = faulty.push(0);
    faulty.applied(&commit, 0);
    let proxy = Proxy::before(faulty.bed.cluster.kubeconfig());
    without_election(&proxy);
    let other = faulty.bed.directory.path().join("other");
    std::fs::create_dir(&other).unwrap();
    let (kubeconfig, host) = (proxy.kubeconfig(), &faulty.bed.host.address);
    let here = (faulty.bed.name.as_str(), other.as_path());
    let mut second = Controller::start_in(kubeconfig, host, here, &["--name", "two"]);
    let writes = |proxy: &Proxy| {
        let ours = Some(faulty.bed.name.as_str());
        let mut all = proxy.writes();
        all.retain(|call| call.target.namespace.as_deref() == ours);
        all.len()
    };
    bed::until("the other one works too", || {
        let calls = proxy.calls();
        calls.iter().any(|c| c.target.resource == "deployments")
    });
    let before = writes(&faulty.proxy);
    let changes = effort::cases(CHANGES[0], CHANGES[1]);
    for n in 1..=changes {
        commit = faulty.push(n);
        std::thread::sleep(Duration::from_millis(30));
        if n % 100 == 0 {
            let name = &faulty.bed.name;
            let patch = [
                "patch",
                "cm",
                "k5",
                "-n",
                name,
                "-p",
                r#"{"data":{"n":"no"}}"#,
            ];
            faulty.bed.cluster.kubectl(&patch);
        }
    }
    faulty.comes_to(&commit, changes);
    let (one, two) = (writes(&faulty.proxy) - before, writes(&proxy));
    assert!(
        one > 20 && two > 20,
        "only one of them worked: {one}, {two}"
    );
    // Both go on believing that they lead, and come to rest all the same.
    faulty.judge_with(&[&proxy], (&commit, changes));
    assert!(second.lives());
}

/// Whatever is said about the list of Syncs, no object goes for it.
#[test]
fn r_75_a_list_of_syncs_that_lies_removes_nothing() {
    let mut faulty = Faulty::new("list.git");
    faulty.bed.sync("auto", "1s");
    let commit = faulty.push(2);
    faulty.applied(&commit, 2);
    let empty = json!({
        "apiVersion": "kubemate.dev/v1alpha1", "kind": "SyncList", "items": [],
        "metadata": {"resourceVersion": "1"},
    });
    let lies = [
        Fault::Status(500, Vec::new()),
        Fault::Status(404, Vec::new()),
        Fault::Status(403, Vec::new()),
        Fault::Html,
        Fault::Body(String::new()),
        Fault::Body(empty.to_string()),
        Fault::Truncate(200),
    ];
    for lie in lies {
        for restarts in [true, false] {
            let seen = faulty.proxy.writes().len();
            let any = || Match::any().resource("syncs");
            if restarts {
                let rule = Rule::new(any().verb(Verb::List), lie.clone());
                faulty.proxy.add(rule);
                faulty.restart();
            } else {
                // The watch ends, and the list that follows lies.
                let broken = Fault::Status(410, Vec::new());
                faulty.proxy.add(Rule::new(any().verb(Verb::Watch), broken));
                faulty
                    .proxy
                    .add(Rule::new(any().verb(Verb::List), lie.clone()));
            }
            std::thread::sleep(Duration::from_secs(3));
            let mut new = faulty.proxy.writes().into_iter().skip(seen);
            assert!(new.all(|call| call.verb != Verb::Delete));
            faulty.proxy.heal();
        }
    }
    let told = faulty
        .bed
        .until("it is kept again", |s| is(s, "Ready", "True"));
    assert_eq!(told["lastApplied"], commit.as_str());
    assert!(faulty.drift() < LONG);
    faulty.judge(&commit, 2);
}
