//! What the plan says is what happens: seeded edits of Git and, through another manager, of the cluster,
//! with an admission policy that changes objects on their way.
//!
//! Each plan is judged by the full objects before and after it, read from the API server: the changes it
//! named lead from one to the other, nothing else changed, and none of them changed nothing.

mod fields;
mod hands;
mod moved;
mod offline;
mod project;
mod texts;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

use kubemate::object::ObjectKey;
use kubemate::plan::step::{Action, Step};
use kubemate::plan::{Plan, Verb};
use serde_json::Value;

use self::fields::{Leaves, leaves, predicted, reduced};
use self::hands::{Done, disturb};
use self::project::{Policy, Project, Random};
use self::texts::Texts;
use crate::bed;
use crate::effort;
use crate::engine::{Engine, told};

/// Edits of a usual run.
const USUAL: u32 = 200;
/// Edits of a long run at most.
const LONG: u32 = 2000;
/// Edits of one project.
const EACH: u64 = 5;
/// Projects at the same time.
const AT_ONCE: usize = 6;

type Snapshot = BTreeMap<ObjectKey, Value>;

/// How many projects make up the edits that are asked for.
fn projects() -> u64 {
    u64::from(effort::cases(USUAL, LONG)).div_ceil(EACH)
}

async fn snapshot(engine: &Engine, keys: &[ObjectKey]) -> Snapshot {
    let read = keys.iter().map(|key| async move {
        let live = engine.live(key).await?;
        Some((key.clone(), reduced(&live.body)))
    });
    let all = futures::future::join_all(read).await;
    all.into_iter().flatten().collect()
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

async fn engine() -> Engine {
    let mut engine = Engine::new().await;
    engine.options.wait_for_health = false;
    engine.policy.max_delete_percent = 100;
    engine.policy.max_deletes = 1000;
    engine.policy.allow_empty = true;
    engine
}

/// Gives back what a project took: the nodes have room for some hundreds of them.
fn leave(engine: &Engine) {
    let keys = engine.rendered.objects.keys();
    let of = keys.filter_map(|key| key.namespace.as_deref());
    let mut gone: BTreeSet<&str> = of.filter(|name| *name != "default").collect();
    gone.insert(&engine.namespace);
    let delete = ["delete", "namespace", "--ignore-not-found", "--wait=false"];
    let args: Vec<&str> = delete.into_iter().chain(gone).collect();
    bed::cluster().kubectl(&args);
}

/// A project of objects through its edits: of Git and back again from an even seed, of the cluster, and
/// sometimes of Git as well, from an odd one.
async fn objects(seed: u64, policy: &Policy) {
    let mut random = Random::new(seed);
    let mut engine = engine().await;
    policy.cover(&engine.namespace).await;
    let first = Project::new(&mut random);
    let known = first.all_keys(&mut engine);
    first.want(&mut engine);
    let tag = |what: &str| format!("seed {seed}, {what}");
    round(&engine, &known, &tag("from nothing")).await;
    let start = snapshot(&engine, &known).await;
    let mut project = first.clone();
    for turn in 1..=EACH {
        let by_hand = seed % 2 == 1;
        let mut quiet = None;
        if by_hand {
            quiet = project.disturb(&engine, &mut random).await;
        }
        if !by_hand && turn == EACH {
            project = first.clone();
        } else if !by_hand || turn % 2 == 0 {
            project.edit(&mut random, quiet);
        }
        project.want(&mut engine);
        round(&engine, &known, &tag(&format!("turn {turn}"))).await;
    }
    if seed.is_multiple_of(2) {
        let end = snapshot(&engine, &known).await;
        assert_eq!(lasting(end), lasting(start), "{}", tag("there and back"));
    }
    leave(&engine);
}

/// The same with files of KDL, which are edited, judged and rendered.
async fn files(seed: u64, policy: &Policy) {
    let mut random = Random::new(seed);
    let mut engine = engine().await;
    let client = bed::cluster().client().await;
    let first = Texts::new(&bed::unique_name("f"), &policy.name, &mut random);
    let mut texts = first.clone();
    engine.rendered.objects = texts.rendered();
    let keys = |engine: &Engine| {
        engine
            .rendered
            .objects
            .keys()
            .cloned()
            .collect::<BTreeSet<_>>()
    };
    let mut known = keys(&engine);
    let tag = |what: &str| format!("seed {seed} (files), {what}");
    let list = |known: &BTreeSet<ObjectKey>| known.iter().cloned().collect::<Vec<_>>();
    round(&engine, &list(&known), &tag("from nothing")).await;
    let start = snapshot(&engine, &list(&known)).await;
    for turn in 1..=EACH {
        let by_hand = seed % 2 == 1;
        let (mut done, mut said) = (None, Vec::new());
        if by_hand {
            let objects: Vec<_> = engine.rendered.objects.values().collect();
            done = disturb(&client, &objects, &mut random).await;
            assert!(
                done.is_some(),
                "{}",
                tag("nothing could be changed by hand")
            );
        }
        if !by_hand && turn == EACH {
            texts = first.clone();
        } else if !by_hand || turn % 2 == 0 {
            let (before, objects) = (texts.clone(), engine.rendered.objects.clone());
            while engine.rendered.objects == objects {
                said = texts.edit(&mut random);
                engine.rendered.objects = texts.rendered();
            }
            // The key of an entry is put back only while Git is unchanged.
            let quiet = done.as_ref().filter(|done| done.by_key);
            let same = |d: &Done| engine.rendered.objects.get(&d.key) == objects.get(&d.key);
            if quiet.is_some_and(|done| !same(done)) {
                texts = before;
            }
        }
        engine.rendered.objects = texts.rendered();
        known.extend(keys(&engine));
        let hand = done.map(|done| format!("{}: {}", done.key, done.what));
        let what = format!("turn {turn}, by hand {hand:?}, in Git {said:?}");
        round(&engine, &list(&known), &tag(&what)).await;
    }
    if seed.is_multiple_of(2) {
        let end = snapshot(&engine, &list(&known)).await;
        assert_eq!(lasting(end), lasting(start), "{}", tag("there and back"));
    }
    leave(&engine);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn plans_say_what_happens() {
    texts::furnish();
    let policy = Policy::install().await;
    let next = AtomicU64::new(0);
    let lane = || async {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= projects() {
                return;
            }
            if seed % 4 < 2 {
                objects(seed, &policy).await;
            } else {
                files(seed, &policy).await;
            }
        }
    };
    futures::future::join_all((0..AT_ONCE).map(|_| lane())).await;
}
