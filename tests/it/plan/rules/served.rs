//! A kind that the cluster does not know is an error that says what to add, and where it is needed.

use kubemate::object::GroupKind;
use kubemate::plan::observed::{DryRun, Observed};
use kubemate::plan::{Finding, Level, Policy, Rule};
use serde_json::json;

use super::super::world::{Model, desired, object, rendered};
use super::make;

/// What a plan says about one object of a kind that is not served.
fn said(group: &str, kind: &str) -> Vec<Finding> {
    let wanted = desired(
        "own",
        object(&format!("{group}/v1"), kind, "own", json!({})),
    );
    let mut model = Model::new();
    let reason = format!(
        "the API server does not serve {}",
        GroupKind::new(group, kind)
    );
    let dry_run = DryRun::Unverified { reason };
    let key = wanted.manifest.key.clone();
    model
        .world
        .objects
        .insert(key, Observed::Absent { dry_run });
    let plan = make(&model, &rendered(vec![wanted]), &Policy::default());
    let about = plan.findings.into_iter();
    about.filter(|f| f.rule == Rule::KindNotServed).collect()
}

#[test]
fn the_component_that_is_missing_is_named() {
    for (group, kind, component) in [
        ("cert-manager.io", "Certificate", "cert-manager"),
        ("external-secrets.io", "ExternalSecret", "external-secrets"),
        ("flagger.app", "Canary", "flagger"),
        ("keda.sh", "ScaledObject", "keda"),
        ("traefik.io", "Middleware", "traefik"),
        ("gateway.networking.k8s.io", "GRPCRoute", "gateway-api"),
    ] {
        let found = said(group, kind);
        let [finding] = found.as_slice() else {
            panic!("{kind}: {found:?}");
        };
        assert_eq!(finding.level, Level::Error);
        assert!(
            finding.message.contains(&format!("`{component}`")),
            "{finding:?}"
        );
        let help = format!("{finding:?}");
        assert!(
            help.contains(&format!("component {component} version=")),
            "{help}"
        );
        assert!(!finding.spans.is_empty(), "it leads back to a line");
    }
}

#[test]
fn a_kind_of_nobody_that_is_known_is_told_as_well() {
    let found = said("example.com", "Gadget");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(!found[0].message.contains("component"), "{found:?}");
}
