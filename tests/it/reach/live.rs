//! The same on a real cluster: without the fields, with them, with other values, and back again.
//!
//! After each step every rendered field is in the live object. In the end everything is as it was, and
//! a plan has nothing to do. What the server does not let change is tried on its own: the plan refuses
//! it, at its line.

use std::collections::{BTreeMap, BTreeSet};

use kubemate::names::grammar::Grammar as _;
use kubemate::object::ObjectKey;
use kubemate::plan::normalize::desired_body;
use kubemate::plan::{Level, Plan};
use kubemate::values::quantity::Quantity;
use serde_json::Value;

use super::lists::FROZEN;
use super::places::lines;
use super::project::{Edit, Project, Which};
use super::{Judged, Tried, agree, judged};
use crate::bank::project::OPERATORS;
use crate::bed;
use crate::engine::{Engine, told};

const CLASSES: &str = r#"
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: high}
value: 1000
---
apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata: {name: kata}
handler: kata
"#;

/// Fields that controllers fill in at a time of their own.
fn is_its_own(path: &str) -> bool {
    [
        "pv.kubernetes.io/",
        "volume.kubernetes.io/",
        "deployment.kubernetes.io/",
        "deprecated.daemonset",
    ]
    .iter()
    .any(|part| path.contains(part))
}

/// Applies what a project says; every rendered field is then live.
async fn brought(
    engine: &mut Engine,
    project: &Project,
    told_by: &str,
) -> BTreeMap<ObjectKey, Value> {
    engine.rendered.objects = project
        .rendered()
        .unwrap_or_else(|e| panic!("{told_by}: {e:#?}"));
    for _ in 0..3 {
        let plan = engine.plan().await;
        let wrong: Vec<_> = plan
            .findings
            .iter()
            .filter(|f| f.level == Level::Error)
            .collect();
        assert!(wrong.is_empty(), "{told_by}: {wrong:#?}");
        engine.policy.confirmed_deletes = Some(plan.deletes_digest.clone());
        let plan = engine.plan().await;
        let report = engine.carry_out(&plan).await.expect("a run");
        if report.complete() {
            break;
        }
        eprintln!("{told_by}: {}", told(&plan, &report));
    }
    let again = engine.plan().await;
    assert!(again.is_empty(), "{told_by}: {}", steps(&again));
    let mut all = BTreeMap::new();
    for (key, desired) in &engine.rendered.objects {
        let live = engine
            .live(key)
            .await
            .unwrap_or_else(|| panic!("{told_by}: no {key}"));
        let wanted = desired_body(desired, &engine.rendered.set);
        let mut lost = Vec::new();
        missing(&wanted, &live.body, "", &mut lost);
        assert!(lost.is_empty(), "{told_by}: {key} lacks {lost:#?}");
        all.insert(key.clone(), lasting(&live.body));
    }
    all
}

fn steps(plan: &Plan) -> String {
    let one = |step: &kubemate::plan::step::Step| {
        let fields: Vec<_> = step.action.changes().iter().map(|c| &c.path).collect();
        format!("{} {}: {fields:?}\n", step.action.verb(), step.key)
    };
    plan.steps.iter().map(one).collect()
}

/// Spec, data, labels and annotations, without what controllers and the server choose.
fn lasting(body: &Value) -> Value {
    let mut body = body.clone();
    let map = body.as_object_mut().unwrap();
    map.remove("status");
    let metadata = map["metadata"].as_object().unwrap();
    let kept = ["labels", "annotations"].into_iter().filter_map(|name| {
        let mut words = metadata.get(name)?.as_object()?.clone();
        words.retain(|key, _| !is_its_own(key));
        (!words.is_empty()).then(|| (name.to_owned(), Value::Object(words)))
    });
    let kept: serde_json::Map<String, Value> = kept.collect();
    map.insert("metadata".into(), Value::Object(kept));
    if let Some(Value::Object(spec)) = map.get_mut("spec") {
        let chosen = ["clusterIP", "clusterIPs", "volumeName", "claimRef"];
        spec.retain(|name, _| !chosen.contains(&name.as_str()));
    }
    body
}

/// Rendered fields that a live object lacks or has otherwise.
fn missing(wanted: &Value, live: &Value, at: &str, out: &mut Vec<String>) {
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(live)) => {
            for (name, value) in wanted {
                let at = format!("{at}.{name}");
                match live.get(name) {
                    Some(below) => missing(value, below, &at, out),
                    None if is_empty(value) => {}
                    None => out.push(at),
                }
            }
        }
        (Value::Array(wanted), Value::Array(live)) => {
            for (index, value) in wanted.iter().enumerate() {
                let at = format!("{at}[{index}]");
                let fits = |item: &&Value| {
                    let mut lost = Vec::new();
                    missing(value, item, "", &mut lost);
                    lost.is_empty()
                };
                if live.iter().find(fits).is_none() {
                    out.push(at);
                }
            }
        }
        (one, other) if one == other || same_amount(one, other) => {}
        _ => out.push(format!("{at}: {wanted} is {live}")),
    }
}

/// The server leaves out what is empty.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Bool(yes) => !yes,
        Value::String(text) => text.is_empty(),
        Value::Number(n) => n.as_i64() == Some(0),
        Value::Null => true,
    }
}

fn same_amount(one: &Value, other: &Value) -> bool {
    let amount = |value: &Value| {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        Quantity::read(&text).ok()
    };
    amount(one).is_some_and(|one| amount(other) == Some(one))
}

/// As many of the edits at once as make a sound project; those that touch another one come later.
fn together(project: &Project, edits: impl Iterator<Item = Edit>) -> (Project, usize) {
    let mut chosen: Vec<Edit> = Vec::new();
    for edit in edits {
        let apart = |other: &Edit| {
            let (a, b) = (&other.range, &edit.range);
            other.file != edit.file || a.end < b.start || b.end < a.start
        };
        if chosen.iter().all(apart) {
            chosen.push(edit);
        }
    }
    let mut step = chosen.len().max(1);
    let mut kept: Vec<Edit> = Vec::new();
    let mut rest = chosen;
    // Halves of halves, so that one edit that does not go with the others costs a few tries.
    while !rest.is_empty() {
        let now: Vec<Edit> = rest.iter().take(step).cloned().collect();
        let all: Vec<Edit> = kept.iter().chain(&now).cloned().collect();
        if project.with(&all).placeless().is_ok() {
            kept = all;
            rest.drain(..now.len());
            step = rest.len().max(1);
        } else if step == 1 {
            rest.remove(0);
            step = rest.len().max(1);
        } else {
            step = (step / 2).max(1);
        }
    }
    (project.with(&kept), kept.len())
}

/// Each frozen field of a project, changed and left out: refused at its line, or at its resource where
/// the line is gone. Those for which that holds.
async fn frozen(engine: &mut Engine, project: &Project, all: &[Tried]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for one in all.iter().filter(|one| FROZEN.contains(&one.path.as_str())) {
        if found.contains(&one.path) {
            continue;
        }
        let Some(edit) = &one.other else { continue };
        let changed = project.with(std::slice::from_ref(edit));
        engine.rendered.objects = changed.rendered().expect("a sound project");
        let plan = engine.plan().await;
        let text = &changed.texts[edit.file].1;
        let line = lines(
            text,
            &(edit.range.start..edit.range.start + edit.with.len()),
        );
        let tree = changed.tree();
        let there = plan.findings.iter().any(|finding| {
            finding.level == Level::Error
                && finding.spans.iter().any(|span| {
                    let file = tree.get(span.file).expect("a file");
                    let at = lines(text, &span.range());
                    let same = file.path.as_str() == changed.texts[edit.file].0;
                    same && at.start < line.end && line.start < at.end
                })
        });
        if there {
            found.insert(one.path.clone());
        } else {
            eprintln!("{} in line {line:?}: {:#?}", one.path, plan.findings);
        }
    }
    found
}

async fn reaches(which: Which) {
    bed::with_crds(&OPERATORS);
    bed::cluster().kubectl_with(&["apply", "--server-side", "-f", "-"], CLASSES);
    let started = std::time::Instant::now();
    let Judged {
        project: full,
        objects,
        tried: all,
    } = judged(which);
    let free = || {
        all.iter()
            .filter(|one| !FROZEN.contains(&one.path.as_str()))
    };
    let (without, left) = together(full, free().filter_map(|one| one.without.clone()));
    let (other, changed) = together(full, free().filter_map(|one| one.other.clone()));
    eprintln!(
        "{which:?}: {} places, {left} left out, {changed} changed, {} objects, {:?}",
        all.len(),
        objects.len(),
        started.elapsed()
    );
    let mut engine = Engine::new().await;
    engine.options.wait_for_health = false;
    engine.policy.max_deletes = 1000;
    engine.policy.max_delete_percent = 100;
    let first = brought(&mut engine, &without, "without").await;
    let second = brought(&mut engine, full, "with").await;
    assert!(
        left == 0 || first != second,
        "something comes with the fields"
    );
    let third = brought(&mut engine, &other, "otherwise").await;
    assert_ne!(second, third);
    assert_eq!(brought(&mut engine, full, "with again").await, second);
    let held = frozen(&mut engine, full, all).await;
    let here = |path: &&&str| all.iter().any(|one| one.path == ***path);
    let listed: Vec<&str> = FROZEN.iter().filter(here).copied().collect();
    agree("refused at its line", &listed, &held);
    assert_eq!(brought(&mut engine, &without, "without again").await, first);
    eprintln!("{which:?}: {:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_field_of_platforms_reaches_the_cluster() {
    reaches(Which::Platform).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_field_of_apps_reaches_the_cluster() {
    reaches(Which::Apps).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_field_of_routes_reaches_the_cluster() {
    reaches(Which::Routes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_field_of_manifests_reaches_the_cluster() {
    reaches(Which::Manifests).await;
}
