//! Promises over random renders, inventories and worlds.

use std::collections::{BTreeMap, BTreeSet};

use kubemate::object::{ObjectKey, Rendered, SET_LABEL};
use kubemate::plan::inventory::Entry;
use kubemate::plan::observed::Observed;
use kubemate::plan::step::{KeepWhy, StepId};
use kubemate::plan::{Action, Plan, Policy, Verb, plan};
use proptest::prelude::*;
use serde_json::json;

use super::world::{Model, absent, config, deployment, desired, rendered, set};

/// One object of a random world.
#[derive(Debug, Clone)]
struct Case {
    workload: bool,
    /// The version in Git, 0 for not wanted.
    wanted: u8,
    /// The version last applied, 0 for never.
    applied: u8,
    pending: bool,
    /// What was seen.
    seen: Seen,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Seen {
    AsApplied,
    Absent,
    Unreadable,
    NotLookedAt,
    OtherUid,
    NoLabel,
    KeepMark,
    Terminating,
}

fn case() -> impl Strategy<Value = Case> {
    let seen = prop_oneof![
        6 => Just(Seen::AsApplied),
        1 => Just(Seen::Absent),
        1 => Just(Seen::Unreadable),
        1 => Just(Seen::NotLookedAt),
        1 => Just(Seen::OtherUid),
        1 => Just(Seen::NoLabel),
        1 => Just(Seen::KeepMark),
        1 => Just(Seen::Terminating),
    ];
    (
        any::<bool>(),
        0..3u8,
        0..3u8,
        prop::bool::weighted(0.1),
        seen,
    )
        .prop_map(|(workload, wanted, applied, pending, seen)| Case {
            workload,
            wanted,
            applied,
            pending,
            seen,
        })
}

fn wish(index: usize, case: &Case, version: u8) -> kubemate::object::Desired {
    let name = format!("o{index}");
    if case.workload {
        desired(&name, deployment(&name, &format!("image:{version}"), 2))
    } else {
        desired(
            &name,
            config(&name, json!({"version": version.to_string()})),
        )
    }
}

fn build(cases: &[Case]) -> (Rendered, Model) {
    let mut model = Model::new();
    let mut wanted = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        if case.wanted > 0 {
            wanted.push(wish(index, case, case.wanted));
        }
        if case.applied == 0 {
            continue;
        }
        let applied = wish(index, case, case.applied);
        let key = applied.manifest.key.clone();
        model = model.applied(&applied, &format!("uid-{index}"));
        if case.pending {
            let entry = Entry::Pending {
                resource: applied.resource.clone(),
                plan: "b3:p".into(),
            };
            model.inventory.entries.insert(key.clone(), entry);
        }
        model = distort(model, &key, case.seen);
    }
    let wanted = rendered(wanted);
    let lost: BTreeSet<ObjectKey> = wanted
        .objects
        .keys()
        .filter(|key| {
            model.inventory.entries.contains_key(*key) && !model.world.objects.contains_key(*key)
        })
        .cloned()
        .collect();
    let mut model = model.observe(&wanted);
    for key in &lost {
        model.world.objects.remove(key);
    }
    (wanted, model)
}

fn distort(mut model: Model, key: &ObjectKey, seen: Seen) -> Model {
    match seen {
        Seen::AsApplied => model,
        Seen::Absent => model.see(key, absent()),
        Seen::Unreadable => model.see(
            key,
            Observed::Unreadable {
                reason: "timeout".into(),
            },
        ),
        Seen::NotLookedAt => {
            model.world.objects.remove(key);
            model
        }
        Seen::OtherUid => model.edit(key, |live| live.uid = "another".into()),
        Seen::NoLabel => model.edit(key, |live| live.body["metadata"]["labels"] = json!({})),
        Seen::KeepMark => model.edit(key, |live| {
            live.body["metadata"]["annotations"] = json!({"kubemate.dev/keep": "yes"});
        }),
        Seen::Terminating => model.edit(key, |live| {
            live.deletion_timestamp = Some("2026-01-01T00:00:00Z".into());
        }),
    }
}

fn make(wanted: &Rendered, model: &Model, policy: &Policy) -> Plan {
    plan(wanted, &model.world, &model.inventory, policy).unwrap()
}

fn cases() -> impl Strategy<Value = Vec<Case>> {
    prop::collection::vec(case(), 0..12)
}

fn config_of(count: u32) -> ProptestConfig {
    ProptestConfig {
        cases: count,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config_of(400))]

    /// I2: a deletion has an owned entry, the same live UID, our label, no keep mark, and is unwanted.
    #[test]
    fn nothing_is_deleted_without_proof(cases in cases(), allow_empty: bool) {
        let (wanted, model) = build(&cases);
        let plan = make(&wanted, &model, &Policy { allow_empty, ..Policy::default() });
        for step in &plan.steps {
            let Action::Delete { uid, .. } = &step.action else { continue };
            prop_assert!(!wanted.objects.contains_key(&step.key));
            prop_assert_eq!(model.inventory.entries[&step.key].uid(), Some(uid.as_str()));
            let Observed::Present(live) = &model.world.objects[&step.key] else { panic!("not present") };
            prop_assert_eq!(&live.uid, uid);
            let ours = set().label();
            prop_assert_eq!(live.label(SET_LABEL), Some(ours.as_str()));
            prop_assert!(live.annotation("kubemate.dev/keep").is_none());
            prop_assert!(live.deletion_timestamp.is_none());
            prop_assert!(allow_empty || !wanted.objects.is_empty());
        }
    }

    /// I4: every entry has exactly one step, and only proof lets an owned one be forgotten.
    #[test]
    fn nothing_owned_is_forgotten(cases in cases()) {
        let (wanted, model) = build(&cases);
        let plan = make(&wanted, &model, &Policy::default());
        let mut steps = BTreeMap::<&ObjectKey, usize>::new();
        plan.steps.iter().for_each(|step| *steps.entry(&step.key).or_default() += 1);
        prop_assert!(steps.values().all(|count| *count == 1));
        for key in model.inventory.entries.keys().chain(wanted.objects.keys()) {
            prop_assert!(steps.contains_key(key), "{} has no step", key);
        }
        for step in plan.steps.iter().filter(|step| step.action.verb() == Verb::Release) {
            prop_assert!(!wanted.objects.contains_key(&step.key));
            let forgettable = match (&model.world.objects[&step.key], model.inventory.entries[&step.key].uid()) {
                (Observed::Absent { .. }, _) => true,
                (Observed::Present(live), Some(uid)) => live.uid != uid,
                (Observed::Present(live), None) => live.label(SET_LABEL) != Some(set().label().as_str()),
                (Observed::Unreadable { .. } | Observed::Unchanged { .. }, _) => false,
            };
            prop_assert!(forgettable, "{}", step.key);
        }
    }

    /// What could not be read is neither written nor deleted nor forgotten.
    #[test]
    fn the_unreadable_is_left_alone(cases in cases()) {
        let (wanted, model) = build(&cases);
        for step in make(&wanted, &model, &Policy::default()).steps {
            let known = matches!(model.world.objects.get(&step.key), Some(Observed::Present(_) | Observed::Absent { .. }));
            let left = matches!(step.action, Action::Keep { why: KeepWhy::Unreadable { .. } });
            prop_assert_eq!(!known, left);
        }
    }

    /// The same inputs give the same bytes, and the digest does not know where in Git things stand.
    #[test]
    fn plans_are_deterministic_and_bound_to_content(cases in cases(), offset in 0..90usize) {
        let (wanted, model) = build(&cases);
        let first = make(&wanted, &model, &Policy::default());
        let text = |plan: &Plan| serde_json::to_string(plan).unwrap();
        prop_assert_eq!(text(&first), text(&make(&wanted, &model, &Policy::default())));
        let mut moved = wanted.clone();
        for wish in moved.objects.values_mut() {
            let file = kubemate::source::FileId(3);
            wish.source.node = Some(kubemate::dsl::diagnostic::Span::new(file, offset..offset + 5));
        }
        prop_assert_eq!(make(&moved, &model, &Policy::default()).digest, first.digest);
    }

    /// Steps wait only for steps before them, and deletions stand after all writes.
    #[test]
    fn the_order_can_be_executed(cases in cases()) {
        let (wanted, model) = build(&cases);
        let plan = make(&wanted, &model, &Policy::default());
        for (index, step) in plan.steps.iter().enumerate() {
            prop_assert_eq!(step.id, StepId(u32::try_from(index).unwrap()));
            prop_assert!(step.waits_for.iter().all(|wait| wait.step < step.id));
        }
        let first_delete = plan.steps.iter().position(|s| s.action.verb() == Verb::Delete);
        let last_write = plan.steps.iter().rposition(|s| s.action.writes());
        prop_assert!(first_delete.is_none() || last_write.is_none() || first_delete > last_write);
    }

    /// A world that is as wanted needs no dry-run and no step, also after the records were stored.
    #[test]
    fn a_world_as_wanted_has_an_empty_plan(cases in cases()) {
        let all: Vec<_> = cases.iter().enumerate().map(|(i, case)| wish(i, case, 1)).collect();
        let wanted = rendered(all);
        let mut model = Model::all_applied(&wanted);
        let shards = model.inventory.to_shards().unwrap();
        model.inventory = kubemate::plan::Inventory::from_shards(&set(), &shards).unwrap();
        let plan = make(&wanted, &model, &Policy::default());
        prop_assert!(plan.is_empty());
        prop_assert!(plan.findings.is_empty(), "{:?}", plan.findings);
    }
}
