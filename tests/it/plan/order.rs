//! What comes before what.

use kubemate::object::{GroupKind, ObjectKey};
use kubemate::plan::step::{Until, Wait};
use kubemate::plan::{Plan, PlanError, Policy, Verb, plan};
use serde_json::{Value, json};

use super::world::{Model, config, deployment, desired, object, rendered};

fn place(plan: &Plan, kind: &str) -> u32 {
    plan.steps
        .iter()
        .find(|step| step.key.group_kind.kind == kind)
        .unwrap()
        .id
        .0
}

fn uses_config(name: &str, config: &str) -> Value {
    let mut body = deployment(name, "web:1", 1);
    body["spec"]["template"]["spec"]["containers"][0]["envFrom"] =
        json!([{"configMapRef": {"name": config}}]);
    body["spec"]["template"]["spec"]["serviceAccountName"] = "web".into();
    body
}

const CRD: (&str, &str) = ("apiextensions.k8s.io/v1", "CustomResourceDefinition");

fn cluster_wide(version: &str, kind: &str, name: &str, spec: Value) -> Value {
    json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec})
}

#[test]
fn what_is_needed_comes_first() {
    let crd = json!({"group": "x.io", "names": {"kind": "Thing"}, "scope": "Namespaced", "versions": [{"name": "v1"}]});
    let binding = json!({"roleRef": {"kind": "Role", "name": "web"}, "subjects": [{"kind": "ServiceAccount", "name": "web", "namespace": "payments"}]});
    let rbac = "rbac.authorization.k8s.io/v1";
    let bodies = [
        object("x.io/v1", "Thing", "thing", json!({})),
        uses_config("web", "cfg"),
        config("cfg", json!({})),
        object("v1", "ServiceAccount", "web", json!({})),
        object(rbac, "Role", "web", json!({"rules": []})),
        object(rbac, "RoleBinding", "web", binding),
        cluster_wide("v1", "Namespace", "payments", json!({})),
        cluster_wide(CRD.0, CRD.1, "things.x.io", crd),
    ];
    let wanted = rendered(bodies.map(|body| desired("a", body)).into());
    let model = Model::new().observe(&wanted);
    let plan = plan(&wanted, &model.world, &model.inventory, &Policy::default()).unwrap();
    let at = |kind| place(&plan, kind);
    for kind in [
        "ConfigMap",
        "ServiceAccount",
        "Role",
        "RoleBinding",
        "Deployment",
        "Thing",
    ] {
        assert!(at("Namespace") < at(kind), "{kind}");
    }
    assert!(at("ServiceAccount") < at("RoleBinding") && at("Role") < at("RoleBinding"));
    assert!(at("ConfigMap") < at("Deployment") && at("RoleBinding") < at("Deployment"));
    let thing = plan
        .steps
        .iter()
        .find(|step| step.key.name == "thing")
        .unwrap();
    let crd = plan.steps[at(CRD.1) as usize].id;
    assert!(thing.waits_for.contains(&Wait {
        step: crd,
        until: Until::Healthy
    }));
}

#[test]
fn deletions_come_last_in_reverse_and_after_the_health_of_what_replaces_them() {
    let before = rendered(vec![
        desired("a", uses_config("web", "old")),
        desired("a", config("old", json!({}))),
    ]);
    let after = rendered(vec![
        desired("a", uses_config("web", "new")),
        desired("a", config("new", json!({}))),
    ]);
    let model = Model::all_applied(&before).observe(&after);
    let made = plan(&after, &model.world, &model.inventory, &Policy::default()).unwrap();
    let last = made.steps.last().unwrap();
    assert_eq!(
        (last.key.name.as_str(), last.action.verb()),
        ("old", Verb::Delete)
    );
    let web = made
        .steps
        .iter()
        .find(|step| step.key.name == "web")
        .unwrap()
        .id;
    assert!(
        last.waits_for.contains(&Wait {
            step: web,
            until: Until::Healthy
        }),
        "{:?}",
        last.waits_for
    );

    let stays = rendered(vec![desired("b", config("stays", json!({})))]);
    let mut all = before.clone();
    all.objects.extend(stays.objects.clone());
    let model = Model::all_applied(&all).observe(&stays);
    let made = plan(&stays, &model.world, &model.inventory, &Policy::default()).unwrap();
    assert!(
        place(&made, "Deployment")
            < made
                .steps
                .iter()
                .find(|s| s.key.name == "old")
                .unwrap()
                .id
                .0
    );
}

#[test]
fn a_circle_is_an_error_that_shows_it() {
    let key = |name: &str| ObjectKey {
        group_kind: GroupKind::new("", "ConfigMap"),
        namespace: Some("payments".into()),
        name: name.into(),
    };
    let needs = |name: &str, other: &str| {
        let mut wish = desired(name, config(name, json!({})));
        wish.needs = vec![key(other)];
        wish
    };
    let wanted = rendered(vec![needs("a", "b"), needs("b", "c"), needs("c", "a")]);
    let model = Model::new().observe(&wanted);
    let error = plan(&wanted, &model.world, &model.inventory, &Policy::default()).unwrap_err();
    let PlanError::Cycle(cycle) = &error else {
        panic!("{error}")
    };
    assert_eq!(cycle.path.len(), 4);
    assert_eq!(cycle.path.first(), cycle.path.last());
    assert!(error.to_string().contains(" → "), "{error}");
}

#[test]
fn needs_outside_the_plan_are_carried_along() {
    let mut wish = desired("a", config("a", json!({})));
    let other = ObjectKey {
        group_kind: GroupKind::new("apps", "Deployment"),
        namespace: Some("db".into()),
        name: "db".into(),
    };
    wish.needs = vec![other.clone()];
    let wanted = rendered(vec![wish]);
    let model = Model::new().observe(&wanted);
    let plan = plan(&wanted, &model.world, &model.inventory, &Policy::default()).unwrap();
    assert_eq!(plan.steps[0].needs, [other]);
}
