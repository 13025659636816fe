//! The program killed before and after each of its writes: whoever comes next finds everything, makes
//! nothing twice, deletes nothing wrongly and finishes.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::oracles::Watched;
use super::small::{BYSTANDER, Small, free_leases};
use crate::bed;
use crate::bed::proxy::{Fault, Gate, Match, Proxy, Rule, Verb};

/// More writes than a run of this project has.
const MOST: usize = 60;
/// Points at the same time.
const AT_ONCE: usize = 3;

/// Starts the program and kills it when its n-th write stands at a gate; false if there was no such
/// write. What stood there never arrives, or its answer never does.
fn kill(small: &Small, proxy: &Proxy, nth: usize, after: bool) -> bool {
    let gate = Gate::new();
    let fault = if after {
        Fault::PauseAfter(gate.clone())
    } else {
        Fault::PauseBefore(gate.clone())
    };
    proxy.add(Rule::new(Match::writes(), fault).nth(nth));
    let args = ["apply", "--env", &small.env, "--timeout", "180s"];
    let mut child = small.folder.start(proxy.kubeconfig(), &args);
    let mut reached = false;
    for _ in 0..3000 {
        reached = gate.wait_reached(Duration::from_millis(100));
        if reached || child.try_wait().unwrap().is_some() {
            break;
        }
    }
    child.kill().unwrap();
    let end = child.wait().unwrap();
    assert!(
        reached || end.code() == Some(0),
        "it ended by itself: {end}"
    );
    proxy.heal();
    free_leases(bed::cluster().kubeconfig(), child.id());
    reached
}

/// The lives of what stays from the first state to the second.
fn lives(small: &Small) -> [Option<String>; 5] {
    let (base, t) = (small.base(), small.tenant.clone());
    let kept = [
        (&base, "stays"),
        (&base, "changed"),
        (&t, "stays"),
        (&t, "changed"),
        (&t, "moves"),
    ];
    kept.map(|(namespace, name)| Some(small.config(namespace, name)?.uid))
}

/// One point; false if there was no such write.
fn killed_at(nth: usize, after: bool) -> bool {
    let side = if after { "after" } else { "before" };
    let point = format!("killed {side} write {nth}");
    let small = Small::new();
    small.apply();
    small.add_bystanders();
    let before = lives(&small);
    let watched = Watched::new(small.sets());
    small.second();
    let proxy = Proxy::before(bed::cluster().kubeconfig());
    if !kill(&small, &proxy, nth, after) {
        assert_eq!(small.differs_from_second(), Vec::<String>::new(), "{point}");
        return false;
    }
    let made: Vec<_> = small.sets().iter().map(|set| small.marked(set)).collect();
    let args = ["apply", "--env", &small.env];
    let said = small.folder.run(proxy.kubeconfig(), &args);
    assert_eq!(said.code, 0, "{point}: {}", said.end());
    assert_eq!(small.differs_from_second(), Vec::<String>::new(), "{point}");
    assert_eq!(lives(&small), before, "{point}: an object lost its life");
    let sets = small.sets();
    let last: BTreeSet<String> = sets
        .iter()
        .flat_map(|set| small.marked(set).into_keys())
        .collect();
    for (uid, name) in made
        .iter()
        .flatten()
        .filter(|(_, n)| *n != "ConfigMap gone")
    {
        assert!(last.contains(uid), "{point}: {name} was made twice");
    }
    nothing_else_touched(&proxy, &point);
    watched.judge_with(&proxy, |set| small.marked(set));
    let args = ["plan", "--env", &small.env, "--detailed-exitcode"];
    let plan = small.folder.run(bed::cluster().kubeconfig(), &args);
    assert_eq!(plan.code, 0, "{point}: {}", plan.end());
    true
}

/// Only what Git dropped was deleted, and what belongs to others was not even tried.
fn nothing_else_touched(proxy: &Proxy, point: &str) {
    for call in proxy.writes() {
        let name = call.target.name.as_deref();
        assert_ne!(name, Some(BYSTANDER), "{point}: {}", call.path);
        if call.verb == Verb::Delete && call.target.resource != "leases" {
            assert_eq!(name, Some("gone"), "{point}: {}", call.path);
        }
    }
}

#[test]
fn r_20_the_plan_of_twelve_objects_holds_every_sort_of_change() {
    let small = Small::new();
    small.apply();
    small.second();
    let args = ["plan", "--env", &small.env, "--output", "json"];
    let plan = small.folder.run(bed::cluster().kubeconfig(), &args);
    let plans: serde_json::Value =
        serde_json::from_str(&plan.out).unwrap_or_else(|_| panic!("{}", plan.end()));
    let text = plans.to_string();
    let count = |verb: &str| text.matches(&format!("\"verb\":\"{verb}\"")).count();
    let counts = ["create", "update", "delete", "adopt", "release"].map(count);
    assert_eq!(counts, [6, 2, 2, 1, 1], "{}", plan.out);
    assert_eq!(counts.iter().sum::<usize>(), Small::CHANGES);
}

#[test]
fn r_20_killed_before_and_after_every_write() {
    let (next, points) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let (nth, after) = (at / 2 + 1, at % 2 == 1);
                    if nth > MOST || !killed_at(nth, after) {
                        return;
                    }
                    points.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    // Ten of the twelve are calls about objects; the books and leases of two sets come on top.
    let points = points.into_inner();
    println!("killed at {points} points");
    assert!((2 * 18..2 * MOST).contains(&points), "{points} points");
}
