//! What changes may do, and what they endanger.

use std::collections::BTreeSet;

use kubemate::object::GroupKind;
use kubemate::plan::observed::{ApiProblem, Cause, DryRun, QuotaFact};
use kubemate::plan::{Level, Plan, Policy, Rule, Verb};
use serde_json::json;

use super::{key, make, rules, step};
use crate::plan::world::{Model, absent, config, deployment, desired, object, rendered};

fn immutable(kind: &str, group: &str, version: &str, replace: bool, recreate: bool) -> Plan {
    let body = |value: &str| {
        object(
            version,
            kind,
            "x",
            json!({"spec": {"selector": {"app": value}, "serviceName": value}, "roleRef": {"name": value}}),
        )
    };
    let mut wish = desired("x", body("new"));
    wish.rules.replace = replace;
    let wanted = rendered(vec![wish.clone()]);
    let model = Model::new()
        .applied(&desired("x", body("old")), "uid-x")
        .observe(&wanted);
    let model = model.edit(&key(group, kind, "x"), |live| {
        let cause = Cause {
            reason: "FieldValueInvalid".into(),
            field: "spec.selector".into(),
            message: "field is immutable".into(),
        };
        let problem = ApiProblem {
            status: 422,
            reason: "Invalid".into(),
            causes: vec![cause],
            ..ApiProblem::default()
        };
        live.dry_run = DryRun::Refused(problem);
        live.recreate = recreate.then(|| DryRun::Predicted {
            object: json!({}),
            conflicts: vec![],
        });
    });
    make(&model, &wanted, &Policy::default())
}

#[test]
fn an_immutable_change_replaces_only_where_allowed_and_proved() {
    for (replace, recreate, verb) in [
        (false, true, Verb::Update),
        (true, false, Verb::Update),
        (true, true, Verb::Replace),
    ] {
        let plan = immutable("Deployment", "apps", "apps/v1", replace, recreate);
        let step = step(&plan, "x");
        assert_eq!(step.action.verb(), verb, "{replace} {recreate}");
        assert_eq!(
            step.held_by.is_empty(),
            verb == Verb::Replace,
            "{:?}",
            plan.findings
        );
    }
    for (group, kind, version) in [
        ("apps", "StatefulSet", "apps/v1"),
        ("", "PersistentVolumeClaim", "v1"),
    ] {
        let plan = immutable(kind, group, version, true, true);
        assert_eq!(step(&plan, "x").held_by, [Rule::Immutable], "{kind}");
        assert_eq!(step(&plan, "x").action.verb(), Verb::Update);
    }
}

#[test]
fn a_run_is_started_once_per_key() {
    let job = |image: &str, run: &str| {
        let spec = json!({"spec": {"template": {"spec": {"containers": [{"name": "run", "image": image}]}}}});
        let mut wish = desired("close", object("batch/v1", "Job", "close", spec));
        wish.rules.run_key = Some(run.into());
        wish
    };
    let model = || Model::new().applied(&job("a:1", "2026"), "uid-job");
    let wanted = rendered(vec![job("a:2", "2026")]);
    assert!(make(&model().observe(&wanted), &wanted, &Policy::default()).is_empty());
    let cleaned = model().see(&key("batch", "Job", "close"), absent());
    assert!(
        make(&cleaned, &wanted, &Policy::default()).is_empty(),
        "a finished run was cleaned away"
    );
    let again = rendered(vec![job("a:2", "2027")]);
    let plan = make(&model().observe(&again), &again, &Policy::default());
    assert_eq!(step(&plan, "close").action.verb(), Verb::Replace);
    assert!(rules(&plan).contains(&Rule::Rerun));
    // The key alone makes it another run, which is a change of Git and not one of the cluster.
    let next = rendered(vec![job("a:1", "2027")]);
    let plan = make(&model().observe(&next), &next, &Policy::default());
    assert_eq!(step(&plan, "close").action.verb(), Verb::Replace);
    let cleaned = model().see(&key("batch", "Job", "close"), absent());
    let plan = make(&cleaned.observe(&next), &next, &Policy::default());
    assert_eq!(step(&plan, "close").action.verb(), Verb::Create);
    assert!(!rules(&plan).contains(&Rule::Drift));
}

#[test]
fn s_40_a_tenant_stays_in_its_namespaces_and_kinds() {
    let wanted = rendered(vec![desired("cfg", config("cfg", json!({})))]);
    let model = Model::new().observe(&wanted);
    let policy = Policy {
        namespaces: Some(BTreeSet::from(["ledger".to_owned()])),
        ..Policy::default()
    };
    assert_eq!(
        step(&make(&model, &wanted, &policy), "cfg").held_by,
        [Rule::OutOfBounds]
    );
    let policy = Policy {
        forbidden_kinds: BTreeSet::from([GroupKind::new("", "ConfigMap")]),
        ..Policy::default()
    };
    assert_eq!(
        step(&make(&model, &wanted, &policy), "cfg").held_by,
        [Rule::OutOfBounds]
    );
}

#[test]
fn a_claim_under_another_name_is_refused_and_nothing_is_lost() {
    let claim = |name: &str| {
        desired(
            "db",
            object("v1", "PersistentVolumeClaim", name, json!({"spec": {}})),
        )
    };
    let model = Model::new().applied(&claim("old"), "uid-old");
    let wanted = rendered(vec![claim("new")]);
    let plan = make(&model.observe(&wanted), &wanted, &Policy::default());
    for name in ["old", "new"] {
        assert!(step(&plan, name).held_by.contains(&Rule::Moved), "{name}");
    }
}

#[test]
fn s_60_secrets_are_masked_on_both_sides_and_in_the_servers_words() {
    let secret = |value: &str| {
        desired(
            "s",
            object("v1", "Secret", "s", json!({"stringData": {"key": value}})),
        )
    };
    let wanted = rendered(vec![secret("canary-new")]);
    let model = Model::new()
        .applied(&secret("canary-old"), "uid-s")
        .observe(&wanted);
    let plan = make(&model, &wanted, &Policy::default());
    assert_eq!(step(&plan, "s").action.changes().len(), 1);
    let text = serde_json::to_string(&plan).unwrap();
    let model = model.edit(&key("", "Secret", "s"), |live| {
        let message = "Secret s is invalid: data[key]: Invalid value: canary-new".to_owned();
        live.dry_run = DryRun::Refused(ApiProblem {
            status: 422,
            reason: "Invalid".into(),
            message,
            ..ApiProblem::default()
        });
    });
    let refused = serde_json::to_string(&make(&model, &wanted, &Policy::default())).unwrap();
    for bad in ["canary", "Y2FuYXJ5"] {
        assert!(!text.contains(bad) && !refused.contains(bad), "{bad}");
    }
    assert!(refused.contains("withheld"));
}

#[test]
fn dangers_are_named() {
    let role = |verbs: serde_json::Value| {
        let rules = json!({"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": verbs}]});
        desired(
            "role",
            object("rbac.authorization.k8s.io/v1", "Role", "role", rules),
        )
    };
    let wanted = rendered(vec![
        role(json!(["get", "delete"])),
        desired("web", deployment("web", "web:2", 1)),
    ]);
    let model = Model::new()
        .applied(&role(json!(["get"])), "a")
        .applied(&desired("web", deployment("web", "web:1", 1)), "b");
    let plan = make(&model.observe(&wanted), &wanted, &Policy::default());
    let widening = plan
        .findings
        .iter()
        .find(|f| f.rule == Rule::RbacWidening)
        .unwrap();
    assert_eq!(
        (widening.level, widening.message.as_str()),
        (Level::Danger, "it newly allows: delete pods")
    );
    assert!(rules(&plan).contains(&Rule::Restart));
}

#[test]
fn a_quota_is_checked_by_what_changes() {
    let ask = |cpu: &str| {
        let mut body = deployment("web", "web:1", 3);
        body["spec"]["template"]["spec"]["containers"][0]["resources"] =
            json!({"requests": {"cpu": cpu}});
        desired("web", body)
    };
    for (cpu, exceeded) in [("500m", false), ("1", true)] {
        let wanted = rendered(vec![ask(cpu)]);
        let mut model = Model::new()
            .applied(&ask("100m"), "uid-web")
            .observe(&wanted);
        model.world.quotas.push(QuotaFact {
            namespace: "payments".into(),
            name: "all".into(),
            hard: [("requests.cpu".to_owned(), "2".to_owned())].into(),
            used: [("requests.cpu".to_owned(), "400m".to_owned())].into(),
        });
        let plan = make(&model, &wanted, &Policy::default());
        assert_eq!(
            rules(&plan).contains(&Rule::QuotaExceeded),
            exceeded,
            "{cpu}"
        );
    }
}
