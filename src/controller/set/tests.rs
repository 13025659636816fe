//! What a plan alone says of a set.

use std::collections::BTreeMap;

use super::*;
use crate::object::{GroupKind, ResourceId, SetId};
use crate::plan::{Level, StepId};

fn set() -> SetId {
    SetId {
        project: "bank".into(),
        cluster: "hq".into(),
        owner: Owner::Platform,
        environment: "dev".into(),
    }
}

/// A plan that leaves one object alone, for this reason.
fn kept(why: KeepWhy, findings: Vec<Finding>) -> Plan {
    let resource = ResourceId {
        kind: "config".into(),
        tenant: None,
        name: "a".into(),
    };
    let step = Step {
        id: StepId(0),
        key: key(),
        resource,
        spans: Vec::new(),
        action: Action::Keep { why },
        waits_for: Vec::new(),
        needs: Vec::new(),
        held_by: Vec::new(),
    };
    Plan {
        set: set(),
        cluster_uid: String::new(),
        steps: vec![step],
        findings,
        deletes_digest: String::new(),
        digest: String::new(),
    }
}

fn key() -> ObjectKey {
    ObjectKey {
        group_kind: GroupKind::new("", "ConfigMap"),
        namespace: Some("shop".into()),
        name: "a".into(),
    }
}

#[test]
fn r_57_what_was_given_up_and_cannot_go_is_named_and_not_called_done() {
    let rendered = Rendered {
        set: set(),
        objects: BTreeMap::new(),
    };
    let message = "it is being deleted and waits for its finalizers: example.com/stuck";
    let finding = Finding::new(Level::Danger, Rule::Terminating, &key(), message);
    let plan = kept(KeepWhy::Terminating, vec![finding]);
    let mut result = SetResult::default();
    judge_leaving(&plan, &rendered, &mut result);
    assert_eq!((result.missing(), result.on_its_way), (1, 1));
    assert!(
        result.message.contains("ConfigMap") && result.message.ends_with(message),
        "{}",
        result.message
    );
    // What else is in the way was said before.
    let mut other = SetResult {
        message: "no answer".into(),
        ..SetResult::default()
    };
    judge_leaving(&plan, &rendered, &mut other);
    assert_eq!((other.missing(), other.message.as_str()), (1, "no answer"));
    // What stays for another reason is done.
    let mut stays = SetResult::default();
    judge_leaving(&kept(KeepWhy::KeepMark, Vec::new()), &rendered, &mut stays);
    assert_eq!(stays, SetResult::default());
}
