//! What the plan says is what happens: seeded edits of Git and, through another manager, of the cluster,
//! with an admission policy that changes objects on their way.
//!
//! Each plan is judged by the full objects before and after it, read from the API server: the changes it
//! named lead from one to the other, nothing else changed, and none of them changed nothing.

mod fields;
mod project;

use std::collections::BTreeMap;

use kubemate::object::ObjectKey;
use kubemate::plan::step::{Action, Step};
use kubemate::plan::{Plan, Verb};
use serde_json::Value;

use self::fields::{Leaves, leaves, predicted, reduced};
use self::project::{Policy, Project, Random};
use crate::engine::{Engine, told};

/// Seeds of a usual run.
const USUAL: u64 = 40;
/// Seeds of a long run at most.
const LONG: u64 = 2000;
/// Runs at the same time.
const AT_ONCE: usize = 4;

type Snapshot = BTreeMap<ObjectKey, Value>;

#[expect(
    clippy::disallowed_methods,
    reason = "a test may be told to try harder"
)]
fn seeds() -> u64 {
    let asked = std::env::var("KUBEMATE_SEEDS")
        .ok()
        .and_then(|n| n.parse().ok());
    asked.map_or(USUAL, |n: u64| n.clamp(1, LONG))
}

async fn snapshot(engine: &Engine, keys: &[ObjectKey]) -> Snapshot {
    let mut all = Snapshot::new();
    for key in keys {
        if let Some(live) = engine.live(key).await {
            all.insert(key.clone(), reduced(&live.body));
        }
    }
    all
}

/// Without the addresses that a Service is given anew when it is made anew.
fn lasting(mut all: Snapshot) -> Snapshot {
    for spec in all.values_mut().filter_map(|body| body.get_mut("spec")) {
        let given = |name: &str| matches!(name, "clusterIP" | "clusterIPs");
        spec.as_object_mut().unwrap().retain(|name, _| !given(name));
    }
    all
}

/// Plans, applies and compares.
async fn round(engine: &Engine, known: &[ObjectKey], told_by: &str) -> Plan {
    let plan = engine.plan().await;
    let before = snapshot(engine, known).await;
    let report = engine.carry_out(&plan).await.expect("a run");
    assert!(report.complete(), "{told_by}: {}", told(&plan, &report));
    let after = snapshot(engine, known).await;
    for key in known {
        let step = plan.steps.iter().find(|step| step.key == *key);
        let point = format!("{told_by}: {key}");
        judge(&point, step, before.get(key), after.get(key));
    }
    let again = engine.plan().await;
    assert!(again.is_empty(), "{told_by}: {:?}", again.steps);
    plan
}

fn judge(point: &str, step: Option<&Step>, before: Option<&Value>, after: Option<&Value>) {
    let verb = step.map_or(Verb::Keep, |step| step.action.verb());
    match (verb, step.map(|step| &step.action)) {
        (Verb::Keep | Verb::Release, _) => assert_eq!(before, after, "{point}: it was to stay"),
        (Verb::Delete, _) => assert!(before.is_some() && after.is_none(), "{point}: it was to go"),
        (Verb::Create, Some(Action::Create { changes, .. })) => {
            assert!(before.is_none(), "{point}: it was there");
            let after = leaves(after.expect("it was to be made"));
            // Defaults of the server come on top; what was said is there.
            for (path, value) in predicted(&Leaves::new(), changes, &after) {
                assert_eq!(after.get(&path), Some(&value), "{point}: {path}");
            }
        }
        (Verb::Update, Some(Action::Update { changes, .. })) => {
            let (old, new) = (before.expect("there"), after.expect("there"));
            let (old, new) = (leaves(old), leaves(new));
            let said = predicted(&old, changes, &new);
            let listed: Vec<&str> = changes.iter().map(|c| c.path.as_str()).collect();
            assert_eq!(said, new, "{point}: said {listed:?}, was {old:#?}");
            for change in changes.iter().filter(|c| !fields::is_its_own(&c.path)) {
                let below = |all: &Leaves| fields::below(all, &change.path);
                let moved = below(&old) != below(&new);
                assert!(moved, "{point}: {} did not change", change.path);
            }
        }
        (verb, _) => panic!("{point}: {verb} was not asked for"),
    }
}

/// One project through some edits; from an even seed back to where it was.
async fn story(seed: u64, policy: &Policy) {
    let mut random = Random::new(seed);
    let mut engine = Engine::new().await;
    engine.options.wait_for_health = false;
    engine.policy.max_delete_percent = 100;
    engine.policy.max_deletes = 1000;
    policy.cover(&engine.namespace).await;
    let first = Project::new(&mut random);
    let known = first.all_keys(&mut engine);
    first.want(&mut engine);
    let tag = |what: &str| format!("seed {seed}, {what}");
    round(&engine, &known, &tag("from nothing")).await;
    let start = snapshot(&engine, &known).await;
    let mut project = first.clone();
    for turn in 0..2 {
        let disturbed = seed % 2 == 1;
        let mut quiet = None;
        if disturbed {
            quiet = project.disturb(&engine, &mut random).await;
        }
        if !(disturbed && turn == 0) {
            project.edit(&mut random, quiet);
        }
        project.want(&mut engine);
        round(&engine, &known, &tag(&format!("turn {turn}"))).await;
    }
    if seed.is_multiple_of(2) {
        first.want(&mut engine);
        round(&engine, &known, &tag("back again")).await;
        let end = snapshot(&engine, &known).await;
        assert_eq!(lasting(end), lasting(start), "{}", tag("there and back"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn plans_say_what_happens() {
    let policy = Policy::install().await;
    let next = std::sync::atomic::AtomicU64::new(0);
    let lane = || async {
        loop {
            let seed = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if seed >= seeds() {
                return;
            }
            story(seed, &policy).await;
        }
    };
    futures::future::join_all((0..AT_ONCE).map(|_| lane())).await;
}
