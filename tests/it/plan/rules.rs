//! One promise of the planner per test.

use std::collections::BTreeSet;

use kubemate::object::{GroupKind, ObjectKey, Owner, SetId};
use kubemate::plan::inventory::{Entry, Inventory};
use kubemate::plan::observed::{
    ApiProblem, Cause, Conflict, Contents, DryRun, Elsewhere, Live, Observed,
};
use kubemate::plan::step::{AdoptFrom, KeepWhy, ReleaseWhy};
use kubemate::plan::{Action, Conflicts, Drift, Level, Plan, Policy, Rule, Step, Verb, plan};
use serde_json::json;

use super::world::{
    Model, absent, config, deployment, desired, entry, fields, object, owned, rendered, set, stored,
};

fn key(group: &str, kind: &str, name: &str) -> ObjectKey {
    let namespace = Some("payments".to_owned());
    ObjectKey {
        group_kind: GroupKind::new(group, kind),
        namespace,
        name: name.into(),
    }
}

fn make(model: &Model, rendered: &kubemate::object::Rendered, policy: &Policy) -> Plan {
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
fn gone(count: usize) -> (Model, kubemate::object::Rendered) {
    let stays = desired("stays", config("stays", json!({"a": "1"})));
    let mut model = Model::new().applied(&stays, "uid-stays");
    for index in 0..count {
        let name = format!("gone-{index}");
        model = model.applied(&desired("gone", config(&name, json!({}))), &name);
    }
    (model, rendered(vec![stays]))
}

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

#[test]
fn without_every_proof_nothing_is_deleted() {
    let (_, wanted) = gone(0);
    let key = key("", "ConfigMap", "gone-0");
    type Change = fn(Model, &ObjectKey) -> Model;
    let cases: [(&str, Change, Verb); 9] = [
        (
            "unreadable",
            |m, k| {
                m.see(
                    k,
                    Observed::Unreadable {
                        reason: "503".into(),
                    },
                )
            },
            Verb::Keep,
        ),
        (
            "not looked at",
            |mut m, k| {
                m.world.objects.remove(k);
                m
            },
            Verb::Keep,
        ),
        ("absent", |m, k| m.see(k, absent()), Verb::Release),
        (
            "absent, stale discovery",
            |mut m, k| {
                m.world.discovery.complete = false;
                m.world.discovery.unreadable_groups.insert(String::new());
                m.see(k, absent())
            },
            Verb::Keep,
        ),
        (
            "other uid",
            |m, k| m.edit(k, |l| l.uid = "other".into()),
            Verb::Release,
        ),
        (
            "label gone",
            |m, k| m.edit(k, |l| l.body["metadata"]["labels"] = json!({})),
            Verb::Keep,
        ),
        (
            "keep mark",
            |m, k| {
                m.edit(k, |l| {
                    l.body["metadata"]["annotations"] = json!({"kubemate.dev/keep": "true"})
                })
            },
            Verb::Keep,
        ),
        (
            "terminating",
            |m, k| {
                m.edit(k, |l| {
                    l.deletion_timestamp = Some("2026-01-01T00:00:00Z".into())
                })
            },
            Verb::Keep,
        ),
        (
            "pending",
            |mut m, k| {
                let resource = owned(&m.inventory, k).resource().clone();
                m.inventory.entries.insert(
                    k.clone(),
                    Entry::Pending {
                        resource,
                        plan: "b3:x".into(),
                    },
                );
                m
            },
            Verb::Keep,
        ),
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

fn foreign(name: &str) -> Observed {
    let body = config(name, json!({"a": "theirs"}));
    let mut object = stored(&body, "uid-theirs");
    object["metadata"]["managedFields"] = json!([entry("helm", "Update", &fields(&body))]);
    Observed::Present(Box::new(Live::new(object).unwrap()))
}

#[test]
fn an_existing_object_is_adopted_only_where_the_resource_says_so() {
    let mut wish = desired("cfg", config("cfg", json!({"a": "ours"})));
    let see = |wanted: &kubemate::object::Rendered| {
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
    let plan = make(&giving, &wanted, &Policy::default());
    let action = &step(&plan, "gone-0").action;
    assert!(
        matches!(action, Action::Release { why: ReleaseWhy::Moved(set) } if *set == other),
        "{action:?}"
    );
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
    let wish = desired("web", deployment("web", "web:1", 3));
    let wanted = rendered(vec![wish.clone()]);
    let model = Model::all_applied(&wanted).edit(&wish.manifest.key, |live| {
        let mut object = live.body.clone();
        object["spec"]["replicas"] = json!(9);
        let mut scale = entry(
            "kube-controller-manager",
            "Update",
            &json!({"f:spec": {"f:replicas": {}}}),
        );
        scale["subresource"] = "scale".into();
        let ours = fields(&kubemate::plan::normalize::desired_body(&wish, &set()));
        object["metadata"]["managedFields"] = json!([entry("kubemate", "Apply", &ours), scale]);
        *live = Live::new(object).unwrap();
    });
    let plan = make(&model.observe(&wanted), &wanted, &Policy::default());
    match &step(&plan, "web").action {
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
}

#[test]
fn a_tenant_stays_in_its_namespaces_and_kinds() {
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
fn secrets_are_masked_on_both_sides_and_in_the_servers_words() {
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
        model
            .world
            .quotas
            .push(kubemate::plan::observed::QuotaFact {
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
