//! Plans as people read them. `KUBEMATE_UPDATE_GOLDEN=1` writes the files anew; read them as prose.

#![expect(
    clippy::disallowed_methods,
    reason = "golden files are read from the source tree"
)]

use std::collections::BTreeSet;
use std::path::Path;

use kubemate::dsl::diagnostic::Span;
use kubemate::object::{GroupKind, Rendered};
use kubemate::plan::display::{
    Place, Style, json::json as wire, machines, markdown::markdown, sarif::sarif, text::text,
};
use kubemate::plan::observed::{ApiProblem, Cause, Contents, DryRun};
use kubemate::plan::{Plan, Policy, plan};
use serde_json::json;

use super::world::{Model, config, deployment, desired, object, rendered};

#[expect(clippy::unnecessary_wraps, reason = "the form that displays ask for")]
fn places(span: &Span) -> Option<Place> {
    let path = "tenants/payments/checkout.kdl".into();
    Some(Place {
        path,
        line: span.start / 10,
        column: 3,
    })
}

fn make(model: &Model, wanted: &Rendered) -> Plan {
    plan(wanted, &model.world, &model.inventory, &Policy::default()).unwrap()
}

fn check(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/plan")
        .join(name);
    if std::env::var_os("KUBEMATE_UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(actual, expected, "{} differs", path.display());
}

fn shown(name: &str, plan: &Plan) {
    check(name, &text(plan, &places, Style { color: false }));
}

/// A new app: its account, its configuration, its workload.
fn new_app() -> Plan {
    let mut web = deployment("checkout", "registry/checkout:2.13.0", 2);
    web["spec"]["template"]["spec"]["serviceAccountName"] = "checkout".into();
    let wanted = rendered(vec![
        desired("checkout", web),
        desired(
            "checkout",
            object("v1", "ServiceAccount", "checkout", json!({})),
        ),
        desired(
            "checkout",
            object(
                "v1",
                "Secret",
                "session",
                json!({"stringData": {"key": "hush"}}),
            ),
        ),
    ]);
    make(&Model::new().observe(&wanted), &wanted)
}

/// A new version and a longer configuration.
fn release() -> Plan {
    let limits = |max: &str| json!({"limits.conf": format!("burst 10\nrate 5\nmax {max}\nqueue 100\nlog on\n")});
    let app = |image: &str, max: &str| {
        let mut web = desired("checkout", deployment("checkout", image, 2));
        let pointer = "/spec/template/spec/containers/0/image".to_owned();
        web.source.fields.insert(
            pointer,
            vec![Span::new(kubemate::source::FileId(0), 140..150)],
        );
        vec![web, desired("checkout", config("limits", limits(max)))]
    };
    let before = rendered(app("registry/checkout:2.13.0", "50"));
    let wanted = rendered(app("registry/checkout:2.14.0", "80"));
    make(&Model::all_applied(&before).observe(&wanted), &wanted)
}

/// An app that goes, with its claim.
fn removal() -> Plan {
    let claim = object(
        "v1",
        "PersistentVolumeClaim",
        "ledger-data",
        json!({"spec": {}}),
    );
    let stays = desired("checkout", config("limits", json!({})));
    let gone = vec![
        desired("ledger", claim),
        desired("ledger", deployment("ledger", "ledger:1", 1)),
        desired("ledger", config("ledger", json!({}))),
        stays.clone(),
    ];
    let wanted = rendered(vec![stays]);
    make(
        &Model::all_applied(&rendered(gone)).observe(&wanted),
        &wanted,
    )
}

/// The API server refuses a field, another one cannot be changed.
fn refused() -> Plan {
    let old = deployment("checkout", "registry/checkout:2.13.0", 2);
    let mut new = old.clone();
    new["spec"]["selector"]["matchLabels"]["app"] = "till".into();
    let wanted = rendered(vec![
        desired("checkout", new),
        desired("limits", config("limits", json!({"a": "1"}))),
    ]);
    let model = Model::new()
        .applied(&desired("checkout", old), "uid-web")
        .observe(&wanted);
    let problem = |field: &str, message: &str| {
        let cause = Cause {
            reason: "FieldValueInvalid".into(),
            field: field.into(),
            message: message.into(),
        };
        DryRun::Refused(ApiProblem {
            status: 422,
            reason: "Invalid".into(),
            message: message.into(),
            causes: vec![cause],
            conflicts: vec![],
        })
    };
    let keys: Vec<_> = wanted.objects.keys().cloned().collect();
    let limits = problem("data[a]", "a value of a config map must not be empty");
    let model = model.see(
        &keys[0],
        kubemate::plan::Observed::Absent { dry_run: limits },
    );
    let model = model.edit(&keys[1], |live| {
        live.dry_run = problem("spec.selector", "field is immutable");
    });
    make(&model, &wanted)
}

/// A namespace with content, and another one that could not be listed.
fn namespaces() -> Plan {
    let space = |name: &str| {
        let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        desired("payments", body)
    };
    let stays = desired("checkout", config("limits", json!({})));
    let all = rendered(vec![space("old"), space("older"), stays.clone()]);
    let wanted = rendered(vec![stays]);
    let mut model = Model::all_applied(&all).observe(&wanted);
    let kinds = vec![
        (GroupKind::new("apps", "Deployment"), 2),
        (GroupKind::new("", "ConfigMap"), 7),
    ];
    let counted = Contents::Counted {
        kinds,
        unowned: 0,
        others: 0,
        namespaces: BTreeSet::from(["old".to_owned()]),
    };
    model
        .world
        .contents
        .insert(space("old").manifest.key, counted);
    let unknown = Contents::Unreadable {
        reason: "pods is forbidden".into(),
    };
    model
        .world
        .contents
        .insert(space("older").manifest.key, unknown);
    make(&model, &wanted)
}

/// Nothing to do.
fn quiet() -> Plan {
    let wanted = rendered(vec![desired("checkout", config("limits", json!({})))]);
    make(&Model::all_applied(&wanted), &wanted)
}

#[test]
fn plans_read_well() {
    for (name, plan) in [
        ("new-app.txt", new_app()),
        ("release.txt", release()),
        ("removal.txt", removal()),
        ("refused.txt", refused()),
        ("namespaces.txt", namespaces()),
        ("quiet.txt", quiet()),
    ] {
        shown(name, &plan);
    }
}

#[test]
fn plans_for_forges_and_machines() {
    let (plan, refused) = (removal(), refused());
    let pretty = |value: &serde_json::Value| serde_json::to_string_pretty(value).unwrap() + "\n";
    check("removal.md", &markdown(&plan, &places, 60_000));
    check(
        "release.json",
        &pretty(&serde_json::to_value(wire(&release(), &places)).unwrap()),
    );
    check(
        "refused.sarif.json",
        &pretty(&sarif(&[&refused], &places, "0.1.0")["runs"][0]["results"]),
    );
    check("refused.junit.xml", &machines::junit(&[&refused, &plan]));
    check(
        "refused.codequality.json",
        &pretty(&machines::code_quality(&[&refused], &places)),
    );
    let counts = machines::terraform_report(&[&new_app(), &release(), &plan]);
    assert_eq!(counts, json!({"create": 3, "update": 2, "delete": 3}));
}

#[test]
fn the_wire_form_is_what_its_schema_says() {
    let schema = kubemate::plan::display::json::schema();
    let schema = jsonschema::validator_for(&schema).unwrap();
    for plan in [
        new_app(),
        release(),
        removal(),
        refused(),
        namespaces(),
        quiet(),
    ] {
        let plans = json!([serde_json::to_value(wire(&plan, &places)).unwrap()]);
        let problems: Vec<String> = schema.iter_errors(&plans).map(|e| e.to_string()).collect();
        assert!(problems.is_empty(), "{problems:?}");
    }
}

#[test]
fn a_small_budget_keeps_what_matters_and_says_what_is_missing() {
    let plan = removal();
    let full = markdown(&plan, &places, usize::MAX);
    for budget in [full.len(), 2500, 1600, 1000, 400] {
        let text = markdown(&plan, &places, budget);
        assert!(text.len() <= budget, "{} of {budget}", text.len());
        assert_eq!(text.contains("Left out"), budget < full.len(), "{budget}");
    }
    assert!(markdown(&plan, &places, 2500).contains("deletion-budget"));
}

#[test]
fn text_of_users_cannot_leave_its_place() {
    let evil = "a\u{1b}[2J```\n</details>@admin <img src=x> | #1 \u{202e}\n";
    let wanted = rendered(vec![desired(
        "x",
        config("x", json!({"k": evil, "</summary>|`": "v"})),
    )]);
    let mut plan = make(&Model::new().observe(&wanted), &wanted);
    let key = plan.steps[0].key.clone();
    let rule = kubemate::plan::Rule::Refused;
    plan.findings.push(kubemate::plan::Finding::new(
        kubemate::plan::Level::Error,
        rule,
        &key,
        evil,
    ));
    let terminal = text(&plan, &places, Style { color: false });
    assert!(!terminal.contains('\u{1b}') && !terminal.contains('\u{202e}'));
    let md = markdown(&plan, &places, 60_000);
    let outside: String = md.split("````").step_by(2).collect();
    assert!(
        !outside.contains("@admin")
            && !outside.contains("<img")
            && !outside.contains("</summary>|"),
        "{outside}"
    );
    assert_eq!(outside.matches("</details>").count(), 1);
    let xml = machines::junit(&[&plan]);
    assert!(!xml.contains("<img") && !xml.contains('\u{1b}'));
}
