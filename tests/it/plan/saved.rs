//! Saved plans, payloads bound to them, and intents.

use kubemate::plan::intent::{Intent, hold_unannounced, intent};
use kubemate::plan::inventory::Inventory;
use kubemate::plan::payload::{PayloadError, for_step};
use kubemate::plan::saved::{SavedPlan, SavedPlanError, Stamp};
use kubemate::plan::{Plan, Policy, Rule, Verb, plan};
use serde_json::json;

use super::world::{Model, config, deployment, desired, rendered, set};

fn stamp() -> Stamp {
    Stamp {
        kubemate: "0.1.0".into(),
        render: 1,
        cluster_uid: "kube-system-uid".into(),
        repository: "git.bank/platform".into(),
    }
}

fn a_plan() -> Plan {
    let wanted = rendered(vec![desired("web", deployment("web", "web:2", 2))]);
    let model = Model::new()
        .applied(&desired("web", deployment("web", "web:1", 2)), "uid-web")
        .observe(&wanted);
    plan(&wanted, &model.world, &model.inventory, &Policy::default()).unwrap()
}

#[test]
fn s_84_a_saved_plan_comes_back_and_holds_only_where_it_was_made() {
    let saved = SavedPlan::new(a_plan(), stamp(), "c0ffee".into());
    let text = saved.to_text().unwrap();
    let back = SavedPlan::read(&text).unwrap();
    assert_eq!(back, saved);
    assert_eq!(back.verify(&stamp()), Ok(()));
    let other = |change: fn(&mut Stamp)| {
        let mut here = stamp();
        change(&mut here);
        back.verify(&here).unwrap_err()
    };
    assert!(matches!(
        other(|s| s.cluster_uid = "x".into()),
        SavedPlanError::OtherCluster { .. }
    ));
    assert!(matches!(
        other(|s| s.repository = "x".into()),
        SavedPlanError::OtherRepository { .. }
    ));
    assert!(matches!(
        other(|s| s.kubemate = "9".into()),
        SavedPlanError::OtherKubemate { .. }
    ));
    assert!(matches!(
        other(|s| s.render = 9),
        SavedPlanError::OtherRender { .. }
    ));
}

#[test]
fn s_84_an_edited_plan_is_refused() {
    let text = SavedPlan::new(a_plan(), stamp(), "c0ffee".into())
        .to_text()
        .unwrap();
    for (from, to) in [
        ("web:2", "web:3"),
        ("uid-web", "uid-xxx"),
        ("git.bank", "git.evil"),
        ("c0ffee", "c0ffed"),
    ] {
        assert!(text.contains(from), "{from}");
        let edited = text.replace(from, to);
        assert!(
            matches!(SavedPlan::read(&edited), Err(SavedPlanError::Edited { .. })),
            "{from}"
        );
    }
    assert!(matches!(
        SavedPlan::read(&text[..text.len() / 2]),
        Err(SavedPlanError::Damaged(_))
    ));
    let later = text.replacen("\"format\": 1", "\"format\": 2", 1);
    assert_eq!(
        SavedPlan::read(&later),
        Err(SavedPlanError::Format { found: 2 })
    );
}

#[test]
fn s_80_a_step_sends_only_what_it_was_planned_with() {
    let wanted = rendered(vec![desired("web", deployment("web", "web:2", 2))]);
    let plan = a_plan();
    let payload = for_step(&plan.steps[0], &wanted).unwrap();
    assert_eq!(
        payload.body["metadata"]["labels"]["kubemate.dev/set"],
        json!("bank.prod.t-payments")
    );
    let changed = rendered(vec![desired("web", deployment("web", "web:3", 2))]);
    assert!(matches!(
        for_step(&plan.steps[0], &changed),
        Err(PayloadError::Changed(_))
    ));
    assert!(matches!(
        for_step(&plan.steps[0], &rendered(vec![])),
        Err(PayloadError::Missing(_))
    ));
}

#[test]
fn an_intent_is_the_change_and_nothing_around_it() {
    let extra = desired("extra", config("extra", json!({})));
    let at = |image: &str| desired("web", deployment("web", image, 2));
    let go = |base, head| intent(&base, &head, &Policy::default()).unwrap().0;
    let small = go(rendered(vec![at("web:1")]), rendered(vec![at("web:2")]));
    let large = go(
        rendered(vec![at("web:1"), extra.clone()]),
        rendered(vec![at("web:2"), extra.clone()]),
    );
    assert_eq!(small.digest, large.digest);
    assert_eq!(small.changes.len(), 1);
    assert_ne!(
        small.digest,
        go(rendered(vec![at("web:1")]), rendered(vec![at("web:3")])).digest
    );
    assert!(
        go(rendered(vec![at("web:1")]), rendered(vec![at("web:1")]))
            .changes
            .is_empty()
    );
    let removal = go(
        rendered(vec![at("web:1"), extra]),
        rendered(vec![at("web:1")]),
    );
    assert_eq!(removal.changes[0].verb, Verb::Delete);
}

#[test]
fn what_no_intent_announced_is_held_and_the_rest_goes() {
    let at = |image: &str| desired("web", deployment("web", image, 2));
    let (base, head) = (rendered(vec![at("web:1")]), rendered(vec![at("web:2")]));
    let announced = intent(&base, &head, &Policy::default()).unwrap().0;
    let model = Model::new()
        .applied(&at("web:1"), "a")
        .applied(&desired("old", config("old", json!({}))), "b");
    let model = model.observe(&head);
    let mut live = plan(&head, &model.world, &model.inventory, &Policy::default()).unwrap();
    let before = live.digest.clone();
    hold_unannounced(&mut live, &[announced]);
    let held_by = |name: &str| {
        live.steps
            .iter()
            .find(|s| s.key.name == name)
            .unwrap()
            .held_by
            .clone()
    };
    assert_eq!(held_by("old"), [Rule::NotAnnounced]);
    assert_eq!(held_by("web"), []);
    assert_ne!(live.digest, before);
    assert_eq!(live.digest, live.content_digest());
}

/// As after a controller that was ended between a write and its record.
#[test]
fn what_was_made_and_not_recorded_is_no_more_than_what_was_announced() {
    let head = rendered(vec![desired("cfg", config("cfg", json!({"a": "1"})))]);
    let mut model = Model::all_applied(&head);
    model.inventory = Inventory::new(set());
    let model = model.observe(&head);
    let live = plan(&head, &model.world, &model.inventory, &Policy::default()).unwrap();
    assert_eq!(live.steps[0].action.verb(), Verb::Adopt);
    let held_by = |announced: &[Intent]| {
        let mut live = live.clone();
        hold_unannounced(&mut live, announced);
        live.steps[0].held_by.clone()
    };
    let made = intent(&rendered(vec![]), &head, &Policy::default());
    assert_eq!(held_by(&[made.unwrap().0]), []);
    assert_eq!(held_by(&[]), [Rule::NotAnnounced]);
}
