//! One promise of the planner per test.

use std::collections::BTreeSet;

use kubemate::object::{GroupKind, ObjectKey, Rendered};
use kubemate::plan::{Plan, Policy, Rule, Step, plan};
use serde_json::json;

use super::world::{Model, config, desired, rendered};

mod changes;
mod deletes;
mod owners;
mod served;

fn key(group: &str, kind: &str, name: &str) -> ObjectKey {
    let namespace = Some("payments".to_owned());
    ObjectKey {
        group_kind: GroupKind::new(group, kind),
        namespace,
        name: name.into(),
    }
}

fn make(model: &Model, rendered: &Rendered, policy: &Policy) -> Plan {
    plan(rendered, &model.world, &model.inventory, policy).unwrap()
}

fn step<'a>(plan: &'a Plan, name: &str) -> &'a Step {
    plan.steps
        .iter()
        .find(|step| step.key.name == name)
        .unwrap()
}

fn rules(plan: &Plan) -> BTreeSet<Rule> {
    plan.findings.iter().map(|finding| finding.rule).collect()
}

/// One wanted ConfigMap that stays, and `count` applied ones that Git no longer has.
fn gone(count: usize) -> (Model, Rendered) {
    let stays = desired("stays", config("stays", json!({"a": "1"})));
    let mut model = Model::new().applied(&stays, "uid-stays");
    for index in 0..count {
        let name = format!("gone-{index}");
        model = model.applied(&desired("gone", config(&name, json!({}))), &name);
    }
    (model, rendered(vec![stays]))
}
