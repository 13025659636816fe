//! What may be deleted, and what never is.

use std::collections::BTreeSet;

use kubemate::object::{GroupKind, ObjectKey};
use kubemate::plan::inventory::Entry;
use kubemate::plan::observed::{Contents, Observed};
use kubemate::plan::step::KeepWhy;
use kubemate::plan::{Action, Plan, Policy, Rule, Verb};
use serde_json::json;

use super::{gone, key, make, rules, step};
use crate::plan::world::{Model, absent, config, desired, owned, rendered, set};

#[test]
fn an_unwanted_object_is_deleted_by_its_uid_and_after_all_writes() {
    let (model, wanted) = gone(1);
    let plan = make(&model, &wanted, &Policy::default());
    let step = step(&plan, "gone-0");
    assert!(
        matches!(&step.action, Action::Delete { uid, label, total: 1 } if uid == "gone-0" && *label == set().label())
    );
    assert!(step.held_by.is_empty(), "{:?}", plan.findings);
    assert!(Plan::after_all_writes(step));
}

/// What happened to an object since it was applied.
type Change = fn(Model, &ObjectKey) -> Model;

fn stale(mut model: Model, key: &ObjectKey) -> Model {
    model.world.discovery.complete = false;
    model
        .world
        .discovery
        .unreadable_groups
        .insert(String::new());
    model.see(key, absent())
}

fn unseen(mut model: Model, key: &ObjectKey) -> Model {
    model.world.objects.remove(key);
    model
}

fn unreadable(model: Model, key: &ObjectKey) -> Model {
    let reason = "503".into();
    model.see(key, Observed::Unreadable { reason })
}

fn marked(model: Model, key: &ObjectKey) -> Model {
    let mark = json!({"kubemate.dev/keep": "true"});
    model.edit(key, |live| live.body["metadata"]["annotations"] = mark)
}

fn unlabelled(model: Model, key: &ObjectKey) -> Model {
    model.edit(key, |live| live.body["metadata"]["labels"] = json!({}))
}

fn terminating(model: Model, key: &ObjectKey) -> Model {
    let time = Some("2026-01-01T00:00:00Z".into());
    model.edit(key, |live| live.deletion_timestamp = time)
}

fn pending(mut model: Model, key: &ObjectKey) -> Model {
    let resource = owned(&model.inventory, key).resource().clone();
    let plan = "b3:x".into();
    model
        .inventory
        .entries
        .insert(key.clone(), Entry::Pending { resource, plan });
    model
}

#[test]
fn without_every_proof_nothing_is_deleted() {
    let (_, wanted) = gone(0);
    let key = key("", "ConfigMap", "gone-0");
    let cases: [(&str, Change, Verb); 9] = [
        ("unreadable", unreadable, Verb::Keep),
        ("not looked at", unseen, Verb::Keep),
        ("absent", |m, k| m.see(k, absent()), Verb::Release),
        ("absent, stale discovery", stale, Verb::Keep),
        (
            "other uid",
            |m, k| m.edit(k, |l| l.uid = "other".into()),
            Verb::Release,
        ),
        ("label gone", unlabelled, Verb::Keep),
        ("keep mark", marked, Verb::Keep),
        ("terminating", terminating, Verb::Keep),
        ("pending", pending, Verb::Keep),
    ];
    for (name, change, verb) in cases {
        let (model, _) = gone(1);
        let plan = make(&change(model, &key), &wanted, &Policy::default());
        assert_eq!(step(&plan, "gone-0").action.verb(), verb, "{name}");
        assert_eq!(plan.count(Verb::Delete), 0, "{name}");
    }
}

#[test]
fn a_pending_object_that_we_made_becomes_owned_before_it_may_go() {
    let (mut model, wanted) = gone(1);
    let key = key("", "ConfigMap", "gone-0");
    let resource = owned(&model.inventory, &key).resource().clone();
    model.inventory.entries.insert(
        key,
        Entry::Pending {
            resource,
            plan: "b3:x".into(),
        },
    );
    let plan = make(&model, &wanted, &Policy::default());
    let why = &step(&plan, "gone-0").action;
    assert!(matches!(why, Action::Keep { why: KeepWhy::Confirmed { uid } } if uid == "gone-0"));
}

#[test]
fn an_empty_render_holds_everything() {
    let (model, _) = gone(3);
    let plan = make(&model, &rendered(vec![]), &Policy::default());
    assert!(plan.is_empty());
    assert_eq!(plan.findings[0].rule, Rule::EmptyRender);
    let allowed = Policy {
        allow_empty: true,
        ..Policy::default()
    };
    let plan = make(&model, &rendered(vec![]), &allowed);
    assert_eq!(plan.count(Verb::Delete), 4);
    assert!(
        plan.steps
            .iter()
            .all(|step| step.held_by == [Rule::DeletionBudget])
    );
    let confirmed = Policy {
        confirmed_deletes: Some(plan.deletes_digest.clone()),
        ..allowed
    };
    let plan = make(&model, &rendered(vec![]), &confirmed);
    assert!(plan.steps.iter().all(|step| step.held_by.is_empty()));
}

#[test]
fn the_deletion_budget_counts_objects_and_share() {
    for (count, held) in [(2, false), (3, true), (11, true)] {
        let (model, wanted) = gone(count);
        let plan = make(&model, &wanted, &Policy::default());
        assert_eq!(
            rules(&plan).contains(&Rule::DeletionBudget),
            held,
            "{count} of {}",
            count + 1
        );
    }
    let many: Vec<_> = (0..30)
        .map(|i| desired("many", config(&format!("many-{i}"), json!({}))))
        .collect();
    let model = Model::all_applied(&rendered(many.clone()));
    let keep = |n: usize| rendered(many[..n].to_vec());
    assert!(!rules(&make(&model, &keep(24), &Policy::default())).contains(&Rule::DeletionBudget));
    assert!(rules(&make(&model, &keep(23), &Policy::default())).contains(&Rule::DeletionBudget));
}

#[test]
fn a_confirmation_holds_for_exactly_the_deletions_it_names() {
    let (model, wanted) = gone(4);
    let digest = make(&model, &wanted, &Policy::default()).deletes_digest;
    let policy = Policy {
        confirmed_deletes: Some(digest),
        ..Policy::default()
    };
    assert!(
        step(&make(&model, &wanted, &policy), "gone-0")
            .held_by
            .is_empty()
    );
    let more = model.applied(&desired("gone", config("gone-9", json!({}))), "gone-9");
    let plan = make(&more, &wanted, &policy);
    assert_eq!(step(&plan, "gone-0").held_by, [Rule::DeletionBudget]);
}

fn namespace_case(contents: Option<Contents>) -> Plan {
    let space = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "old"}});
    let space = desired("old", space);
    let (model, wanted) = gone(0);
    let mut model = model.applied(&space, "uid-old");
    if let Some(contents) = contents {
        model
            .world
            .contents
            .insert(space.manifest.key.clone(), contents);
    }
    make(&model, &wanted, &Policy::default())
}

#[test]
fn a_namespace_goes_only_with_a_yes_and_never_with_what_no_set_owns() {
    let counted = |unowned| Contents::Counted {
        kinds: vec![(GroupKind::new("", "ConfigMap"), 12)],
        unowned,
        others: 0,
        namespaces: BTreeSet::from(["old".to_owned()]),
    };
    let plan = namespace_case(Some(counted(0)));
    let delete = step(&plan, "old");
    assert!(matches!(delete.action, Action::Delete { total: 13, .. }));
    assert_eq!(
        delete.held_by,
        [Rule::DeletionBudget, Rule::ProtectedDelete]
    );
    let plan = namespace_case(Some(counted(1)));
    assert_eq!(step(&plan, "old").action.verb(), Verb::Keep);
    assert!(rules(&plan).contains(&Rule::StillInUse));
    for unknown in [
        None,
        Some(Contents::Unreadable {
            reason: "403".into(),
        }),
    ] {
        let plan = namespace_case(unknown);
        assert_eq!(step(&plan, "old").action.verb(), Verb::Keep);
        assert!(rules(&plan).contains(&Rule::UnreadableContents));
    }
}

#[test]
fn a_namespace_stays_while_something_wanted_lives_in_it() {
    let space = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "payments"}});
    let space = desired("space", space);
    let (model, wanted) = gone(0);
    let mut model = model.applied(&space, "uid-space");
    let none = Contents::Counted {
        kinds: vec![],
        unowned: 0,
        others: 0,
        namespaces: BTreeSet::new(),
    };
    model
        .world
        .contents
        .insert(space.manifest.key.clone(), none);
    let plan = make(&model, &wanted, &Policy::default());
    assert_eq!(step(&plan, "payments").action.verb(), Verb::Keep);
    assert!(rules(&plan).contains(&Rule::StillInUse));
}
