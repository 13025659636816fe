//! What waits: for people to agree and for its time, and what never does.

use kubemate::object::{ObjectKey, Rendered};
use kubemate::plan::hold::{Agreed, Applied, frozen, out_of_season, unapproved};
use kubemate::plan::intent::{Intent, intent};
use kubemate::plan::season::Season;
use kubemate::plan::{Level, Plan, Policy, Rule, digest, plan};
use serde_json::json;

use super::world::{Model, config, deployment, desired, object, rendered};

/// Git wants another image of `web`, another `cfg` and no `old` any more; `kept` was changed by hand.
struct Change {
    base: Rendered,
    head: Rendered,
    model: Model,
}

impl Change {
    fn new() -> Self {
        let web = |image: &str| desired("web", deployment("web", image, 2));
        let cfg = |value: &str| desired("cfg", config("cfg", json!({ "a": value })));
        let old = desired("old", config("old", json!({})));
        let kept = desired("kept", config("kept", json!({ "a": "1" })));
        let base = rendered(vec![web("web:1"), cfg("1"), old.clone(), kept.clone()]);
        let head = rendered(vec![web("web:2"), cfg("2"), kept.clone()]);
        let model = Model::new()
            .applied(&web("web:1"), "uid-web")
            .applied(&cfg("1"), "uid-cfg")
            .applied(&old, "uid-old")
            .applied(&kept, "uid-kept")
            .edit(&kept.manifest.key, |live| {
                live.body["data"]["a"] = "9".into();
            })
            .observe(&head);
        Self { base, head, model }
    }

    fn plan(&self) -> Plan {
        let Model {
            world, inventory, ..
        } = &self.model;
        plan(&self.head, world, inventory, &Policy::default()).unwrap()
    }

    /// What going from the base to these wants announces.
    fn intent(&self, head: &Rendered) -> Intent {
        intent(&self.base, head, &Policy::default()).unwrap().0
    }

    fn held(&self, intents: &[Intent], whole: bool) -> Vec<(String, Vec<Rule>)> {
        let mut plan = self.plan();
        let why = "nobody was asked";
        let base = &self.base;
        let one = |(key, desired)| {
            (
                ObjectKey::clone(key),
                digest::of_desired(desired, &base.set),
            )
        };
        let applied: Applied = base.objects.iter().map(one).collect();
        let agreed = Agreed {
            intents,
            applied: &applied,
            whole,
            why,
        };
        unapproved(&mut plan, &self.head, agreed);
        assert_eq!(plan.digest, plan.content_digest());
        held(&plan)
    }
}

/// Steps that are held, by name.
fn held(plan: &Plan) -> Vec<(String, Vec<Rule>)> {
    let steps = plan.steps.iter().filter(|step| !step.held_by.is_empty());
    let mut all: Vec<_> = steps
        .map(|step| (step.key.name.clone(), step.held_by.clone()))
        .collect();
    all.sort();
    all
}

fn names(held: &[(String, Vec<Rule>)]) -> Vec<&str> {
    held.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn only_what_was_agreed_to_goes_and_drift_is_undone_all_the_same() {
    let change = Change::new();
    assert!(held(&change.plan()).is_empty());
    let nobody = change.held(&[], false);
    assert_eq!(names(&nobody), ["cfg", "old", "web"], "kept is drift");
    let all = change.intent(&change.head);
    assert_eq!(
        names(&change.held(std::slice::from_ref(&all), true)),
        [""; 0]
    );
    assert_eq!(names(&change.held(&[all], false)), [""; 0]);
}

#[test]
fn s_81_agreeing_to_one_thing_is_not_agreeing_to_another() {
    let change = Change::new();
    let mut objects = change.base.objects.clone();
    let cfg = change
        .head
        .objects
        .iter()
        .find(|(key, _)| key.name == "cfg");
    let (key, cfg) = cfg.unwrap();
    objects.insert(key.clone(), cfg.clone());
    let only_cfg = Rendered {
        objects,
        ..change.head.clone()
    };
    let agreed = change.intent(&only_cfg);
    assert_eq!(names(&change.held(&[agreed], false)), ["old", "web"]);
    // The same object with other content was not agreed to, unless all changes were agreed to.
    let other = rendered(vec![
        desired("web", deployment("web", "web:9", 2)),
        desired("cfg", config("cfg", json!({ "a": "2" }))),
        desired("kept", config("kept", json!({ "a": "1" }))),
    ]);
    let agreed = change.intent(&other);
    assert_eq!(
        names(&change.held(std::slice::from_ref(&agreed), false)),
        ["web"]
    );
    assert_eq!(names(&change.held(&[agreed], true)), [""; 0]);
    // What deletes was not announced by what only changes, however many agreed.
    let keeps = change.intent(&Rendered {
        objects: change.base.objects.clone(),
        ..change.head.clone()
    });
    let found = change.held(&[keeps], true);
    assert!(
        found
            .iter()
            .any(|(name, rules)| name == "old" && rules.contains(&Rule::NotAnnounced))
    );
}

/// Who agrees to a change is not shown what came into the same object before it, past everybody.
#[test]
fn what_nobody_agreed_to_does_not_go_with_the_next_change_of_the_same_object() {
    let change = Change::new();
    let past = rendered(vec![
        desired("web", deployment("web", "web:9", 2)),
        desired("cfg", config("cfg", json!({ "a": "1" }))),
        desired("old", config("old", json!({}))),
        desired("kept", config("kept", json!({ "a": "1" }))),
    ]);
    let between = |base: &Rendered, head: &Rendered| intent(base, head, &Policy::default());
    let first = change.intent(&past);
    let (next, _) = between(&past, &change.head).unwrap();
    assert_eq!(
        names(&change.held(std::slice::from_ref(&next), false)),
        ["web"]
    );
    assert_eq!(names(&change.held(&[first, next], false)), [""; 0]);
    // Nor is what was agreed to before it was changed again.
    let (again, _) = between(&change.head, &past).unwrap();
    let all = [change.intent(&change.head), again];
    assert_eq!(names(&change.held(&all, false)), ["cfg", "old", "web"]);
}

#[test]
fn changes_wait_for_their_time_and_drift_does_not() {
    let change = Change::new();
    let at = |season: Season| {
        let mut plan = change.plan();
        out_of_season(&mut plan, &season);
        held(&plan)
    };
    assert!(at(Season::Open).is_empty());
    let closed = at(Season::Closed {
        windows: vec!["`nights`".into()],
        next: Some("2026-05-07 20:00 UTC".into()),
    });
    assert_eq!(names(&closed), ["cfg", "old", "web"]);
    let frozen = at(Season::Frozen {
        freeze: "`year-end`".into(),
        next: None,
        exception: None,
    });
    assert!(frozen.iter().all(|(_, rules)| rules == &[Rule::Frozen]));
    assert_eq!(
        names(&frozen),
        ["cfg", "old", "web"],
        "nothing is deleted in a freeze"
    );
}

#[test]
fn what_is_let_through_a_freeze_goes_and_nothing_is_deleted_by_it() {
    let change = Change::new();
    let season = Season::Frozen {
        freeze: "`year-end`".into(),
        next: None,
        exception: Some("cto".into()),
    };
    let through = |intents: &[Intent], whole: bool| {
        let mut plan = change.plan();
        let agreed = Agreed {
            intents,
            applied: &Applied::new(),
            whole,
            why: "#7 is let through by cid: CHG-1",
        };
        frozen(&mut plan, &change.head, &season, agreed);
        assert_eq!(plan.digest, plan.content_digest());
        plan
    };
    let all = through(&[change.intent(&change.head)], true);
    let left = held(&all);
    assert_eq!(names(&left), ["old"], "a deletion waits whoever says yes");
    let told = all.findings.iter().filter(|f| f.level == Level::Notice);
    let told = told.filter(|f| f.rule == Rule::Frozen && f.message.contains("CHG-1"));
    let told: Vec<&str> = told
        .flat_map(|f| &f.key)
        .map(|key| key.name.as_str())
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(names(&held(&through(&[], true))), ["cfg", "old", "web"]);
    // Of another content than was shown nothing gets through, unless that is all that came in.
    let other = change.intent(&rendered(vec![
        desired("web", deployment("web", "web:9", 2)),
        desired("cfg", config("cfg", json!({ "a": "2" }))),
        desired("kept", config("kept", json!({ "a": "1" }))),
    ]));
    let held = held(&through(&[other], false));
    assert!(names(&held).contains(&"web"));
}

#[test]
fn who_leaves_beside_a_member_whose_time_is_over_waits() {
    let binding = |names: &[&str]| {
        let subjects = names.iter().map(|n| json!({"kind": "User", "name": n}));
        let subjects = json!({ "subjects": subjects.collect::<Vec<_>>() });
        let group = "rbac.authorization.k8s.io/v1";
        let mut body = object(group, "RoleBinding", "viewer", subjects);
        body["metadata"]["annotations"] = json!({"kubemate.dev/until": "li 2020-01-01T00:00Z"});
        rendered(vec![desired("web", body)])
    };
    for (live, wanted, waits) in [
        (&["ana", "li"][..], &["ana"][..], 0),
        (&["ana", "bo", "li"], &["ana"], 1),
        (&["ana", "bo"], &["ana"], 1),
    ] {
        let head = binding(wanted);
        let Model {
            world, inventory, ..
        } = Model::all_applied(&binding(live)).observe(&head);
        let mut plan = plan(&head, &world, &inventory, &Policy::default()).unwrap();
        assert_eq!(plan.steps.len(), 1, "{live:?}");
        let season = Season::Closed {
            windows: vec!["`nights`".into()],
            next: None,
        };
        out_of_season(&mut plan, &season);
        assert_eq!(held(&plan).len(), waits, "{live:?}");
    }
}
