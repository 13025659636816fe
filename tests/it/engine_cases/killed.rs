//! The program killed before and after its writes: whoever comes next finds everything and finishes.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::oracles::Watched;
use crate::bank::project::Bank;
use crate::bed;
use crate::bed::proxy::{Fault, Gate, Match, Proxy, Rule};

const SEARCH: &[&str] = &["search"];
/// More writes than a run of this project has.
const MOST: usize = 60;
/// Points at the same time.
const AT_ONCE: usize = 3;

/// Whether there was such a write to be killed at.
fn killed_at(nth: usize, after: bool) -> bool {
    let bank = Bank::of(SEARCH);
    let (env, direct) = (bank.dev(), bed::cluster().kubeconfig());
    let proxy = Proxy::before(direct);
    let gate = Gate::new();
    let fault = if after {
        Fault::PauseAfter(gate.clone())
    } else {
        Fault::PauseBefore(gate.clone())
    };
    proxy.add(Rule::new(Match::writes(), fault).nth(nth));
    let mut child = bank.start(proxy.kubeconfig(), &["apply", "--env", env]);
    let mut reached = false;
    for _ in 0..240 {
        reached = gate.wait_reached(Duration::from_millis(250));
        if reached || child.try_wait().unwrap().is_some() {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    gate.open();
    proxy.heal();
    if !reached {
        return false;
    }
    let sets = bank.sets(env, SEARCH);
    let made: Vec<BTreeMap<_, _>> = sets.iter().map(|set| bank.marked(set)).collect();
    free_leases(child.id());
    let said = bank.run(proxy.kubeconfig(), &["apply", "--env", env]);
    let point = format!(
        "killed {} write {nth}",
        if after { "after" } else { "before" }
    );
    assert_eq!(said.code, 0, "{point}: {}", said.end());
    for (set, made) in sets.iter().zip(made) {
        let now = bank.marked(set);
        let lost: Vec<_> = made
            .iter()
            .filter(|(uid, _)| !now.contains_key(*uid))
            .collect();
        assert!(lost.is_empty(), "{point}: made twice: {lost:?}");
    }
    Watched::new(sets).judge(&bank, &proxy);
    let plan = bank.run(direct, &["plan", "--env", env, "--detailed-exitcode"]);
    assert_eq!(plan.code, 0, "{point}: {}", plan.end());
    true
}

/// As if the dead holder's time had run out.
fn free_leases(holder: u32) {
    let args = ["get", "leases", "-n", "kubemate-system", "-o", "json"];
    let known = bed::cluster().kubectl(&["get", "namespaces", "-o", "name"]);
    if !known.contains("namespace/kubemate-system") {
        return;
    }
    let list: serde_json::Value = serde_json::from_str(&bed::cluster().kubectl(&args)).unwrap();
    let holder = format!("kubemate-cli-{holder}");
    for lease in list["items"].as_array().unwrap() {
        if lease["spec"]["holderIdentity"] == holder.as_str() {
            let name = lease["metadata"]["name"].as_str().unwrap();
            let args = ["delete", "lease", "-n", "kubemate-system", name];
            bed::cluster().kubectl(&args);
        }
    }
}

/// Kills at every `every`-th write until there is none; how many points there were.
fn sweep(after: bool, every: usize) -> usize {
    let next = AtomicUsize::new(0);
    let points = Mutex::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let nth = next.fetch_add(1, Ordering::Relaxed) * every + 1;
                    if nth > MOST || !killed_at(nth, after) {
                        return;
                    }
                    *points.lock().unwrap() += 1;
                }
            });
        }
    });
    points.into_inner().unwrap()
}

#[test]
fn r_20_killed_before_a_write() {
    assert!(sweep(false, 4) >= 6);
}

#[test]
fn r_20_killed_after_a_write() {
    assert!(sweep(true, 2) >= 12);
}
