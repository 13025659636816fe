//! The same on a real cluster: without the fields, with them, with other values, and back again.
//!
//! After each step every rendered field is in the live object. In the end everything is as it was, and
//! a plan has nothing to do. What the server does not let change is tried on its own: the plan refuses
//! it, at its line.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::{Duration, Instant};

use kubemate::object::ObjectKey;
use kubemate::plan::normalize::desired_body;
use kubemate::plan::step::{Action, KeepWhy, Step};
use kubemate::plan::{Finding, Level, Plan, Rule};
use serde_json::Value;

use super::compared::{back, lasting, missing};
use super::lists::List;
use super::places::lines;
use super::project::{Edit, Project, Which};
use super::{Judged, Tried, judged};
use crate::bank::project::furnish;
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

/// For how long it is waited until nothing is left to do: a namespace may take minutes to go while CRDs of other
/// tests come and go.
const PATIENCE: Duration = Duration::from_mins(10);
/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);
/// For how long controllers are given to say their last word where nothing tells that it was said.
const CALM: Duration = Duration::from_mins(1);

/// Applies what a project says; every rendered field is then live. What the server refuses comes back:
/// the paths of the edits at whose lines the plan says so.
async fn brought(
    engine: &mut Engine,
    project: &Project,
    edits: &Edits,
    told_by: &str,
) -> Result<BTreeMap<ObjectKey, Value>, BTreeSet<String>> {
    want(engine, project);
    let mut kept = None;
    let until = Instant::now() + PATIENCE;
    loop {
        let plan = engine.plan().await;
        kept.get_or_insert_with(|| same_runs(&plan));
        let mut refused = BTreeSet::new();
        for finding in errors(&plan).filter(|finding| !passes(finding)) {
            let paths = edits.at(project, finding);
            assert!(
                !paths.is_empty(),
                "{told_by}: at no line that was edited: {finding:#?}"
            );
            refused.extend(paths);
        }
        if !refused.is_empty() {
            return Err(refused);
        }
        // What an autoscaler left behind is taken back when it is gone, and what is still going is made
        // anew then.
        if errors(&plan).next().is_none() && carried_out(engine, &plan, told_by).await {
            let plan = engine.plan().await;
            if is_settled(&plan) && errors(&plan).next().is_none() {
                break;
            }
        }
        in_time(until, engine, told_by).await;
    }
    bound(engine).await;
    Ok(calm(engine, &kept.unwrap_or_default(), told_by).await)
}

/// Errors of a plan.
fn errors(plan: &Plan) -> impl Iterator<Item = &Finding> {
    let findings = plan.findings.iter();
    findings.filter(|finding| finding.level == Level::Error)
}

/// Whether an error is over when somebody else is done: what could not be read now, and what stands in a namespace
/// that is going.
fn passes(error: &Finding) -> bool {
    let going = error.message.contains("is being terminated");
    error.rule == Rule::Unreadable || (error.rule == Rule::Refused && going)
}

/// Waits a moment, and fails where it was enough.
async fn in_time(until: Instant, engine: &Engine, told_by: &str) {
    if Instant::now() > until {
        let plan = engine.plan().await;
        panic!("{told_by}: {}{:#?}", steps(&plan), plan.findings);
    }
    tokio::time::sleep(PAUSE).await;
}

/// Waits for the volumes of claims in the class of the bed that gives them at once: the server lets none grow
/// before.
async fn bound(engine: &Engine) {
    let until = Instant::now() + CALM;
    let keys = engine.rendered.objects.keys();
    for key in keys.filter(|key| key.group_kind.kind == "PersistentVolumeClaim") {
        while Instant::now() < until {
            let live = engine.live(key).await;
            let waits = live.is_some_and(|live| {
                let class = &live.body["spec"]["storageClassName"];
                class == "standard" && live.body["status"]["phase"] != "Bound"
            });
            if !waits {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Everything that is live, twice the same: controllers write into it as well.
async fn calm(
    engine: &Engine,
    kept: &BTreeSet<ObjectKey>,
    told_by: &str,
) -> BTreeMap<ObjectKey, Value> {
    let until = Instant::now() + CALM;
    let mut all = standing(engine, kept, told_by).await;
    while Instant::now() < until {
        tokio::time::sleep(PAUSE).await;
        let before = std::mem::replace(&mut all, standing(engine, kept, told_by).await);
        if before == all {
            break;
        }
    }
    all
}

/// What lasts of everything that is wanted, which has each field that is rendered.
async fn standing(
    engine: &Engine,
    kept: &BTreeSet<ObjectKey>,
    told_by: &str,
) -> BTreeMap<ObjectKey, Value> {
    let mut all = BTreeMap::new();
    for (key, desired) in &engine.rendered.objects {
        let live = engine.live(key).await;
        let live = live.unwrap_or_else(|| panic!("{told_by}: no {key}"));
        let wanted = desired_body(desired, &engine.rendered.set);
        let mut lost = Vec::new();
        if !kept.contains(key) {
            missing(&wanted, &live.body, "", &mut lost);
        }
        assert!(lost.is_empty(), "{told_by}: {key} lacks {lost:#?}");
        if desired.rules.run_key.is_none() {
            all.insert(key.clone(), lasting(&live.body, &wanted));
        }
    }
    all
}

/// Whether a plan has nothing to do and waits for nothing to go.
fn is_settled(plan: &Plan) -> bool {
    let going = |step: &Step| {
        let why = KeepWhy::Terminating;
        matches!(&step.action, Action::Keep { why: said, .. } if *said == why)
    };
    plan.is_empty() && !plan.steps.iter().any(going)
}

/// Carries out a plan with all its deletions; whether everything was done. What moves between
/// namespaces goes from its old place when the new one is healthy, which some never are here: nothing is
/// left to wait for the next time.
async fn carried_out(engine: &mut Engine, plan: &Plan, told_by: &str) -> bool {
    engine.policy.confirmed_deletes = Some(plan.deletes_digest.clone());
    let plan = engine.plan().await;
    let report = match engine.carry_out(&plan).await {
        Ok(report) => report,
        Err(problem) => {
            eprintln!("{told_by}: {problem}");
            return false;
        }
    };
    if !report.complete() {
        let told = told(&plan, &report);
        let undone = |l: &&str| l.contains(": failed") || l.contains("not attempted");
        let undone: Vec<_> = told.lines().filter(undone).take(3).collect();
        eprintln!("{told_by}: {undone:#?}");
    }
    report.complete()
}

/// Nothing of the test is left in the cluster.
async fn cleared(engine: &mut Engine) {
    engine.rendered.objects.clear();
    let until = Instant::now() + PATIENCE;
    loop {
        let plan = engine.plan().await;
        if carried_out(engine, &plan, "cleared").await && is_settled(&engine.plan().await) {
            return;
        }
        in_time(until, engine, "cleared").await;
    }
}

/// What runs to its end and is left as it was started, since nothing asks for another run.
fn same_runs(plan: &Plan) -> BTreeSet<ObjectKey> {
    let kept = |step: &&Step| {
        matches!(
            step.action,
            Action::Keep {
                why: KeepWhy::SameRun,
                ..
            }
        )
    };
    plan.steps
        .iter()
        .filter(kept)
        .map(|step| step.key.clone())
        .collect()
}

/// What a project says, without waiting for what it needs to be healthy first: this is about fields.
fn want(engine: &mut Engine, project: &Project) {
    let objects = project.rendered();
    engine.rendered.objects = objects.unwrap_or_else(|e| panic!("{e:#?}"));
    let all = engine.rendered.objects.values_mut();
    all.for_each(|desired| desired.needs.clear());
}

/// Edits with the field of each, and where they stand in a text.
#[derive(Debug, Default, Clone)]
struct Edits(Vec<(String, usize, Range<usize>)>);

impl Edits {
    /// Where edits of one text stand in it afterwards.
    fn after(edits: &[(String, Edit)]) -> Self {
        let shift = |path: &String, edit: &Edit| {
            let before = edits.iter().map(|(_, other)| other);
            let before = before
                .filter(|o| o.file == edit.file && o.range.end <= edit.range.start && *o != edit);
            let (more, fewer) =
                before.fold((0, 0), |(m, f), o| (m + o.with.len(), f + o.range.len()));
            let start = edit.range.start + more - fewer;
            (path.clone(), edit.file, start..start + edit.with.len())
        };
        Self(edits.iter().map(|(path, edit)| shift(path, edit)).collect())
    }

    /// Where edits of one text stand in it before they are made.
    fn before(edits: &[(String, Edit)]) -> Self {
        let one = |(path, edit): &(String, Edit)| (path.clone(), edit.file, edit.range.clone());
        Self(edits.iter().map(one).collect())
    }

    /// The fields that a finding points at, or else those of its lines.
    fn at(&self, project: &Project, finding: &Finding) -> BTreeSet<String> {
        let tree = project.tree();
        let (mut exact, mut near) = (BTreeSet::new(), BTreeSet::new());
        for span in &finding.spans {
            let file = tree.get(span.file).expect("a file");
            for (path, index, range) in &self.0 {
                let (name, text) = &project.texts[*index];
                let (there, here) = (lines(text, &span.range()), lines(text, range));
                let (told, at) = (span.range(), range);
                if file.path.as_str() != name {
                    continue;
                }
                if told.start < at.end && at.start < told.end {
                    exact.insert(path.clone());
                }
                if there.start < here.end && here.start < there.end {
                    near.insert(path.clone());
                }
            }
        }
        if exact.is_empty() { near } else { exact }
    }
}

fn steps(plan: &Plan) -> String {
    let one = |step: &Step| {
        let fields: Vec<_> = step.action.changes().iter().map(|c| &c.path).collect();
        format!("{} {}: {fields:?}\n", step.action.verb(), step.key)
    };
    plan.steps.iter().map(one).collect()
}

/// As many of the edits at once as make a sound project.
fn together(project: &Project, edits: Vec<(String, Edit)>) -> (Project, Vec<(String, Edit)>) {
    let mut rest: Vec<(String, Edit)> = Vec::new();
    for (path, edit) in edits {
        let apart = |(_, other): &(String, Edit)| {
            let (a, b) = (&other.range, &edit.range);
            other.file != edit.file || a.end < b.start || b.end < a.start
        };
        if rest.iter().all(apart) {
            rest.push((path, edit));
        }
    }
    let with = |edits: &[(String, Edit)]| {
        let edits: Vec<Edit> = edits.iter().map(|(_, edit)| edit.clone()).collect();
        project.with(&edits)
    };
    let mut kept: Vec<(String, Edit)> = Vec::new();
    let mut step = rest.len();
    // Halves of halves, so that one edit that does not go with the others costs a few tries.
    while !rest.is_empty() {
        step = step.clamp(1, rest.len());
        let all = [&kept[..], &rest[..step]].concat();
        if with(&all).placeless().is_ok() {
            kept = all;
            rest.drain(..step);
            step *= 2;
        } else if step == 1 {
            rest.remove(0);
        } else {
            step /= 2;
        }
    }
    (with(&kept), kept)
}

/// Whether a field, or one that it is part of, is frozen.
fn is_frozen(frozen: &BTreeSet<String>, path: &str) -> bool {
    let below = |field: &String| path == field || path.starts_with(&format!("{field}/"));
    frozen.iter().any(below)
}

/// What is refused at its line, of fields that were set aside: each is changed alone. What is not
/// refused is a change in the words of the server.
async fn refused(
    engine: &mut Engine,
    judged: &Judged,
    frozen: &BTreeSet<String>,
) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let aside = |one: &&Tried| is_frozen(frozen, &one.path);
    for one in judged.tried.iter().filter(aside) {
        let edits: Vec<Edit> = [&one.other, &one.without]
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        let mut shown = !one.seen;
        for edit in edits {
            let project = judged.project.with(std::slice::from_ref(&edit));
            want(engine, &project);
            let plan = engine.plan().await;
            let here = Edits::after(&[(one.path.clone(), edit)]);
            let at: Vec<_> = errors(&plan)
                .map(|finding| here.at(&project, finding))
                .collect();
            if at.iter().any(BTreeSet::is_empty) {
                eprintln!("{here:?} in {:?}: {:#?}", project.texts, plan.findings);
            }
            found.extend(at.into_iter().flatten());
            shown |= errors(&plan).next().is_none() && !plan.is_empty();
        }
        let told = shown || found.contains(&one.path);
        assert!(told, "{}: neither refused nor a change", one.path);
    }
    found
}

/// Without the fields, with them, otherwise, with them, without them. What turns out to be frozen is
/// left as it is, and everything starts over.
async fn there_and_back(
    engine: &mut Engine,
    judged: &Judged,
    frozen: &mut BTreeSet<String>,
) -> bool {
    let Judged {
        project: full,
        tried,
    } = judged;
    let free = |edit: fn(&Tried) -> Option<&Edit>| -> Vec<(String, Edit)> {
        let free = tried.iter().filter(|one| !is_frozen(frozen, &one.path));
        free.filter_map(|one| Some((one.path.clone(), edit(one)?.clone())))
            .collect()
    };
    let (without, left) = together(full, free(|one| one.without.as_ref()));
    let (other, changed) = together(full, free(|one| one.other.as_ref()));
    eprintln!(
        "{} left out, {} changed, frozen {frozen:?}",
        left.len(),
        changed.len()
    );
    let (put, otherwise) = (Edits::before(&left), Edits::after(&changed));
    let steps: [(&Project, &Edits, &str); 5] = [
        (&without, &Edits::default(), "without"),
        (full, &put, "with"),
        (&other, &otherwise, "otherwise"),
        (full, &Edits::before(&changed), "with again"),
        (&without, &Edits::after(&left), "without again"),
    ];
    let mut states = Vec::new();
    for (project, edits, told_by) in steps {
        match brought(engine, project, edits, told_by).await {
            Ok(state) => states.push(state),
            Err(refused) => {
                eprintln!("{told_by}: refused {refused:?}");
                frozen.extend(refused);
                return false;
            }
        }
    }
    let seen = |(path, _): &(String, Edit)| tried.iter().any(|one| one.path == *path && one.seen);
    assert!(
        !left.iter().any(seen) || states[0] != states[1],
        "something comes with the fields"
    );
    assert_ne!(states[1], states[2], "something changes with the fields");
    back(&states[1], &states[3]);
    back(&states[0], &states[4]);
    true
}

async fn reaches(which: Which) {
    furnish();
    bed::cluster().kubectl_with(&["apply", "--server-side", "-f", "-"], CLASSES);
    let started = Instant::now();
    let judged = judged(which);
    let here = |path: &str| judged.tried.iter().any(|one| one.path == path);
    let mut frozen: BTreeSet<String> = List::Frozen
        .fields()
        .into_iter()
        .filter(|p| here(p))
        .collect();
    let mut engine = Engine::new().await;
    engine.options.wait_for_health = false;
    engine.options.patience = Duration::from_secs(8);
    engine.policy.max_deletes = 1000;
    engine.policy.max_delete_percent = 100;
    engine.policy.allow_empty = true;
    let mut rounds = 0;
    while !there_and_back(&mut engine, judged, &mut frozen).await {
        rounds += 1;
        assert!(rounds < 6, "{frozen:?}");
        cleared(&mut engine).await;
    }
    let full = brought(
        &mut engine,
        &judged.project,
        &Edits::default(),
        "with once more",
    )
    .await;
    assert!(full.is_ok(), "{full:?}");
    let found = refused(&mut engine, judged, &frozen).await;
    eprintln!("{which:?}: {:?}, frozen {found:?}", started.elapsed());
    List::Frozen.agrees(here, &found);
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
