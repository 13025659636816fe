//! Files of KDL judged and rendered for real, as one set of a test.
//!
//! Tenants' objects and the platform's stand in one set, so that a test needs one plan; in whose name
//! tenants are written is tested elsewhere.

use std::collections::BTreeMap;

use kubemate::dsl::compose::Target;
use kubemate::dsl::diagnostic::{Diagnostic, Severity};
use kubemate::model::job::{Outcome, Want};
use kubemate::model::layout::Layout;
use kubemate::model::platform;
use kubemate::object::{Desired, ObjectKey};
use kubemate::render::job::run;
use kubemate::source::SourceTree;

/// What became of a tree.
pub(crate) struct Written {
    /// Every error of every owner.
    pub(crate) errors: Vec<Diagnostic>,
    /// All objects, if there is no error.
    pub(crate) objects: BTreeMap<ObjectKey, Desired>,
}

/// Judges a tree and renders it for one environment on one cluster, each field with its places.
pub(crate) fn written(tree: &SourceTree, environment: &str, cluster: &str) -> Written {
    judged(tree, environment, cluster, true)
}

/// The same without places, which is less work.
pub(crate) fn placeless(tree: &SourceTree, environment: &str, cluster: &str) -> Written {
    judged(tree, environment, cluster, false)
}

fn judged(tree: &SourceTree, environment: &str, cluster: &str, trace: bool) -> Written {
    let target = Target {
        environment: environment.into(),
        cluster: cluster.into(),
    };
    let want = Want::Render {
        targets: vec![target],
        trace,
    };
    let first = run(&platform::project_job(tree).expect("a project file"));
    let Some(found) = platform::project_of(&first) else {
        return of(vec![first], Vec::new());
    };
    let layout = Layout::of(&found.project);
    let base = run(&platform::platform_job(tree, &layout, want.clone()));
    let tenants = platform::tenant_jobs(tree, &layout, &base.parsed, &want);
    let mut all: Vec<Outcome> = tenants.iter().map(run).collect();
    all.insert(0, base);
    let across = platform::conclude(&all.iter().collect::<Vec<_>>());
    of(all, across.iter().cloned().collect())
}

fn of(outcomes: Vec<Outcome>, mut errors: Vec<Diagnostic>) -> Written {
    for outcome in &outcomes {
        errors.extend(outcome.diagnostics.iter().cloned());
    }
    errors.retain(|problem| problem.severity == Severity::Error);
    let mut objects = BTreeMap::new();
    if errors.is_empty() {
        let sets = outcomes.into_iter().flat_map(|outcome| outcome.rendered);
        for set in sets {
            objects.extend(set.objects);
        }
    }
    Written { errors, objects }
}

#[test]
fn what_cannot_be_rendered_is_told_with_everything_else() {
    let project = "project bank schema=1 {\n  cluster hq uid=\"5b9d3a52-0c1e-4b0f-9c42-3f4d5f0a9d11\"\n  \
                   environment prod { cluster hq }\n  \
                   ownership { path \"tenants/web/**\" tenant=web; path \"platform/**\" owner=platform }\n}\n";
    let files = [
        ("kubemate.kdl", project),
        ("platform/web.kdl", "tenant web\n"),
        (
            "tenants/web/all.kdl",
            "manifests own tenant=web { from \"a.yaml\"; kinds ConfigMap }\n\
                                 app shop tenant=web { image i; version \"1\"; replicsa 2 }\n",
        ),
        (
            "tenants/web/a.yaml",
            "apiVersion: v1\nkind: ConfigMap\nkind: ConfigMap\n",
        ),
    ];
    let errors = written(&crate::language::tree(&files), "prod", "hq").errors;
    let has = |text: &str| errors.iter().any(|error| error.message.contains(text));
    assert!(has("replicsa") && has("a.yaml"), "{errors:#?}");
}
