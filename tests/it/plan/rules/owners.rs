//! Who owns objects and fields.

use kubemate::object::{Owner, Rendered, SetId};
use kubemate::plan::inventory::Inventory;
use kubemate::plan::observed::{Conflict, DryRun, Elsewhere, Live, Observed};
use kubemate::plan::step::{AdoptFrom, KeepWhy, ReleaseWhy};
use kubemate::plan::{Action, Conflicts, Drift, Policy, Rule, hold};
use serde_json::json;

use super::{gone, key, make, rules, step};
use crate::plan::world::{
    Model, config, deployment, desired, entry, fields, rendered, set, stored,
};

fn foreign(name: &str) -> Observed {
    let body = config(name, json!({"a": "theirs"}));
    let mut object = stored(&body, "uid-theirs");
    object["metadata"]["managedFields"] = json!([entry("helm", "Update", &fields(&body))]);
    Observed::Present(Box::new(Live::new(object).unwrap()))
}

#[test]
fn an_existing_object_is_adopted_only_where_the_resource_says_so() {
    let mut wish = desired("cfg", config("cfg", json!({"a": "ours"})));
    let see = |wanted: &Rendered| {
        Model::new()
            .see(&key("", "ConfigMap", "cfg"), foreign("cfg"))
            .observe(wanted)
    };
    let wanted = rendered(vec![wish.clone()]);
    let plan = make(&see(&wanted), &wanted, &Policy::default());
    assert!(matches!(
        step(&plan, "cfg").action,
        Action::Keep {
            why: KeepWhy::NotOurs
        }
    ));
    let refusal = plan
        .findings
        .iter()
        .find(|f| f.rule == Rule::AdoptRefused)
        .unwrap();
    assert!(refusal.message.contains("helm"), "{}", refusal.message);
    wish.rules.adopt = true;
    let wanted = rendered(vec![wish]);
    let plan = make(&see(&wanted), &wanted, &Policy::default());
    let Action::Adopt {
        from,
        takes,
        preconditions,
        ..
    } = &step(&plan, "cfg").action
    else {
        panic!()
    };
    assert_eq!(*from, AdoptFrom::Foreign);
    assert_eq!(
        (takes[0].field.as_str(), takes[0].manager.as_str()),
        ("/data/a", "helm")
    );
    assert_eq!(preconditions.uid, "uid-theirs");
    assert_eq!(preconditions.foreign_owners[0].manager, "helm");
}

#[test]
fn a_lost_inventory_is_rebuilt_from_our_own_marks() {
    let wish = desired("cfg", config("cfg", json!({"a": "1"})));
    let wanted = rendered(vec![wish.clone()]);
    let mut model = Model::all_applied(&wanted);
    model.inventory = Inventory::new(set());
    let plan = make(&model.observe(&wanted), &wanted, &Policy::default());
    let action = &step(&plan, "cfg").action;
    assert!(
        matches!(
            action,
            Action::Adopt {
                from: AdoptFrom::Recovered,
                ..
            }
        ),
        "{action:?}"
    );
}

#[test]
fn a_key_moves_between_sets_by_claim_and_release() {
    let other = SetId {
        owner: Owner::Tenant("ledger".into()),
        ..set()
    };
    let wish = desired("cfg", config("cfg", json!({})));
    let wanted = rendered(vec![wish.clone()]);
    let the_key = wish.manifest.key.clone();
    let mut claiming = Model::all_applied(&wanted);
    claiming.inventory = Inventory::new(set());
    let mut claiming = claiming.edit(&the_key, |live| {
        live.body["metadata"]["labels"]["kubemate.dev/set"] = other.label().into();
    });
    let says = |wants, owns: Option<&str>| Elsewhere {
        set: other.clone(),
        wants,
        owns: owns.map(str::to_owned),
    };
    claiming
        .world
        .elsewhere
        .insert(the_key.clone(), says(false, Some("uid-0")));
    let claiming = claiming.observe(&wanted);
    let plan = make(&claiming, &wanted, &Policy::default());
    assert!(
        matches!(&step(&plan, "cfg").action, Action::Adopt { from: AdoptFrom::Set(set), .. } if *set == other)
    );

    let (mut giving, wanted) = gone(1);
    giving
        .world
        .elsewhere
        .insert(key("", "ConfigMap", "gone-0"), says(true, None));
    let mut plan = make(&giving, &wanted, &Policy::default());
    let moved = Action::Release {
        why: ReleaseWhy::Moved(other.clone()),
    };
    assert_eq!(step(&plan, "gone-0").action, moved);
    // It is forgotten when the other set has it, and not before.
    hold::until_taken(&mut plan, &giving.world);
    let why = KeepWhy::Leaving(other.clone());
    assert_eq!(step(&plan, "gone-0").action, Action::Keep { why });
    assert!(!plan.has_work() && plan.leaves_more());
    let taken = giving.edit(&key("", "ConfigMap", "gone-0"), |live| {
        live.body["metadata"]["labels"]["kubemate.dev/set"] = other.label().into();
    });
    let mut plan = make(&taken, &wanted, &Policy::default());
    hold::until_taken(&mut plan, &taken.world);
    assert_eq!(step(&plan, "gone-0").action, moved);
}

#[test]
fn drift_is_undone_by_name_or_reported() {
    let wish = desired("web", deployment("web", "web:1", 3));
    let wanted = rendered(vec![wish.clone()]);
    let drifted = || {
        Model::all_applied(&wanted)
            .edit(&wish.manifest.key, |live| {
                let mut object = live.body.clone();
                object["spec"]["replicas"] = json!(5);
                let mut ours = fields(&object);
                ours["f:spec"]
                    .as_object_mut()
                    .unwrap()
                    .shift_remove("f:replicas");
                ours["f:spec"]
                    .as_object_mut()
                    .unwrap()
                    .shift_remove("f:revisionHistoryLimit");
                let theirs = json!({"f:spec": {"f:replicas": {}}});
                object["metadata"]["managedFields"] = json!([
                    entry("kubemate", "Apply", &ours),
                    entry("kubectl-edit", "Update", &theirs)
                ]);
                *live = Live::new(object).unwrap();
            })
            .observe(&wanted)
    };
    let plan = make(&drifted(), &wanted, &Policy::default());
    let Action::Update { takes, changes, .. } = &step(&plan, "web").action else {
        panic!("{plan:?}")
    };
    assert_eq!(takes[0].manager, "kubectl-edit");
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].path, "spec.replicas");
    let report = Policy {
        drift: Drift::Report,
        ..Policy::default()
    };
    let plan = make(&drifted(), &wanted, &report);
    assert!(matches!(
        step(&plan, "web").action,
        Action::Keep {
            why: KeepWhy::ReportedDrift
        }
    ));
    assert!(rules(&plan).contains(&Rule::Drift));
}

#[test]
fn an_autoscaler_keeps_its_field() {
    match scaled_by("kube-controller-manager", false) {
        Action::Update {
            takes,
            yields,
            changes,
            ..
        } => {
            assert!(takes.is_empty(), "{takes:?}");
            assert_eq!(yields[0].field, "/spec/replicas");
            assert!(
                changes
                    .iter()
                    .all(|change| change.pointer != "/spec/replicas"),
                "{changes:?}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn replicas_set_by_hand_or_by_an_autoscaler_that_is_gone_are_taken_back() {
    for (manager, unscaled) in [("kube-controller-manager", true), ("kubectl", false)] {
        match scaled_by(manager, unscaled) {
            Action::Update {
                yields, changes, ..
            } => {
                assert!(yields.is_empty(), "{manager}: {yields:?}");
                assert_eq!(changes[0].pointer, "/spec/replicas", "{manager}");
            }
            other => panic!("{manager}: {other:?}"),
        }
    }
}

/// What is planned for a Deployment whose replicas a manager changed through the scale subresource.
fn scaled_by(manager: &str, unscaled: bool) -> Action {
    let wish = desired("web", deployment("web", "web:1", 3));
    let wanted = rendered(vec![wish.clone()]);
    let model = Model::all_applied(&wanted).edit(&wish.manifest.key, |live| {
        let mut object = live.body.clone();
        object["spec"]["replicas"] = json!(9);
        let mut scale = entry(manager, "Update", &json!({"f:spec": {"f:replicas": {}}}));
        scale["subresource"] = "scale".into();
        let ours = fields(&kubemate::plan::normalize::desired_body(&wish, &set()));
        object["metadata"]["managedFields"] = json!([entry("kubemate", "Apply", &ours), scale]);
        *live = Live::new(object).unwrap();
        live.unscaled = unscaled;
    });
    let plan = make(&model.observe(&wanted), &wanted, &Policy::default());
    step(&plan, "web").action.clone()
}

#[test]
fn another_applier_stops_the_object_unless_the_policy_speaks() {
    let wish = desired("cfg", config("cfg", json!({"a": "2"})));
    let wanted = rendered(vec![wish.clone()]);
    let model = || {
        let body = config("cfg", json!({"a": "1"}));
        let mut model = Model::new()
            .applied(&desired("cfg", body.clone()), "uid-0")
            .edit(&wish.manifest.key, |live| {
                let mut object = live.body.clone();
                object["metadata"]["managedFields"] =
                    json!([entry("argocd-controller", "Apply", &fields(&body))]);
                *live = Live::new(object).unwrap();
            });
        let conflict = Conflict {
            manager: "argocd-controller".into(),
            field: ".data.a".into(),
        };
        model = model.observe(&wanted);
        model.edit(&wish.manifest.key, |live| {
            if let DryRun::Predicted { conflicts, .. } = &mut live.dry_run {
                *conflicts = vec![conflict];
            }
        })
    };
    let plan = make(&model(), &wanted, &Policy::default());
    assert_eq!(step(&plan, "cfg").held_by, [Rule::OwnershipConflict]);
    let finding = plan
        .findings
        .iter()
        .find(|f| f.rule == Rule::OwnershipConflict)
        .unwrap();
    assert!(finding.message.contains("argocd-controller") && finding.message.contains(".data.a"));
    let mut force = Policy::default();
    force
        .conflicts
        .insert("argocd-controller".into(), Conflicts::Force);
    assert!(
        step(&make(&model(), &wanted, &force), "cfg")
            .held_by
            .is_empty()
    );
}
