//! Snapshots of real objects that Argo CD's authors keep with the verdict of their rules. Ours is the
//! same, except for what is listed here with the reason.

use std::collections::BTreeSet;

use kubemate::health::health;
use kubemate::render::yaml;
use serde_json::Value;

use crate::bed::upstream;

/// Kinds that both judge.
const KINDS: &[&str] = &[
    "argoproj.io/Rollout",
    "batch/CronJob",
    "cert-manager.io/Certificate",
    "cert-manager.io/ClusterIssuer",
    "cert-manager.io/Issuer",
    "external-secrets.io/ClusterSecretStore",
    "external-secrets.io/ExternalSecret",
    "external-secrets.io/PushSecret",
    "external-secrets.io/SecretStore",
    "flagger.app/Canary",
    "gateway.networking.k8s.io/GRPCRoute",
    "gateway.networking.k8s.io/Gateway",
    "gateway.networking.k8s.io/GatewayClass",
    "gateway.networking.k8s.io/HTTPRoute",
    "keda.sh/ScaledJob",
    "keda.sh/ScaledObject",
    "monitoring.coreos.com/Prometheus",
    "opentelemetry.io/OpenTelemetryCollector",
    "policy/PodDisruptionBudget",
];

/// Where the verdicts differ: kind, snapshot, ours, and the class of the difference.
const DIFFERENCES: &[(&str, &str, &str, &str)] = &[
    (
        "argoproj.io/Rollout",
        "progressing_newWorkloadGeneration",
        "current",
        ELSEWHERE,
    ),
    (
        "argoproj.io/Rollout",
        "degraded_statusPhaseMessage",
        "in-progress",
        OLD,
    ),
    (
        "argoproj.io/Rollout",
        "healthy_legacy_v0.9_observedGeneration",
        "in-progress",
        OLD,
    ),
    (
        "argoproj.io/Rollout",
        "healthy_legacy_v0.9_observedGeneration_numeric",
        "in-progress",
        OLD,
    ),
    (
        "argoproj.io/Rollout",
        "degraded_invalidSpec",
        "in-progress",
        OLD,
    ),
    (
        "argoproj.io/Rollout",
        "degraded_rolloutTimeout",
        "in-progress",
        OLD,
    ),
    (
        "argoproj.io/Rollout",
        "degraded_abortedRollout",
        "in-progress",
        OLD,
    ),
    (
        "argoproj.io/Rollout",
        "bluegreen/healthy_servingActiveService",
        "in-progress",
        OLD,
    ),
    (
        "argoproj.io/Rollout",
        "suspended_controllerPause",
        "in-progress",
        OLD,
    ),
    (
        "argoproj.io/Rollout",
        "suspended_userPause",
        "in-progress",
        OLD,
    ),
    (
        "argoproj.io/Rollout",
        "canary/healthy_executedAllStepsPreV0.8",
        "in-progress",
        OLD,
    ),
    (
        "argoproj.io/Rollout",
        "canary/healthy_executedAllSteps",
        "in-progress",
        OLD,
    ),
    (
        "argoproj.io/Rollout",
        "canary/healthy_noSteps",
        "in-progress",
        OLD,
    ),
    (
        "argoproj.io/Rollout",
        "canary/healthy_emptyStepsList",
        "in-progress",
        OLD,
    ),
    ("batch/CronJob", "degraded", "current", ELSEWHERE),
    (
        "cert-manager.io/Certificate",
        "degraded_configError",
        "in-progress",
        WAITS,
    ),
    (
        "cert-manager.io/ClusterIssuer",
        "degraded_acmeFailed",
        "in-progress",
        WAITS,
    ),
    (
        "cert-manager.io/Issuer",
        "degraded_acmeFailed",
        "in-progress",
        WAITS,
    ),
    (
        "gateway.networking.k8s.io/GRPCRoute",
        "progressing",
        "current",
        NO_SUCH,
    ),
    (
        "gateway.networking.k8s.io/GRPCRoute",
        "degraded_no_parent_name",
        "in-progress",
        PARENTS,
    ),
    (
        "gateway.networking.k8s.io/HTTPRoute",
        "progressing",
        "current",
        NO_SUCH,
    ),
    (
        "gateway.networking.k8s.io/HTTPRoute",
        "healthy_multiple_generations",
        "in-progress",
        PARENTS,
    ),
    ("keda.sh/ScaledJob", "keda-unknown", "in-progress", WAITS),
    (
        "monitoring.coreos.com/Prometheus",
        "degraded",
        "in-progress",
        WAITS,
    ),
    (
        "opentelemetry.io/OpenTelemetryCollector",
        "degraded",
        "in-progress",
        WAITS,
    ),
    ("policy/PodDisruptionBudget", "degraded", "current", BUDGET),
    (
        "policy/PodDisruptionBudget",
        "progressing",
        "current",
        BUDGET,
    ),
];

const OLD: &str =
    "written by a release before 1.0, which had no phase and counted generations otherwise";
const ELSEWHERE: &str =
    "its own status is well; what is not belongs to another object, which has a verdict of its own";
const WAITS: &str = "not true now may become true: a failure is what the controller calls final, all else ends at the deadline";
const NO_SUCH: &str =
    "routes have no condition Programmed in the Gateway API; accepted and resolved is all there is";
const PARENTS: &str = "every parent that the route names must have answered, not just one";
const BUDGET: &str =
    "a budget that allows nothing now does what it is for, and is in force when it is stored";

/// Our word for a verdict of Argo CD.
fn word(status: &str) -> &'static str {
    match status {
        "Healthy" => "current",
        "Progressing" => "in-progress",
        "Degraded" => "failed",
        "Suspended" => "suspended",
        _ => "unknown",
    }
}

#[test]
fn snapshots_of_real_objects_are_judged_as_others_judge_them() {
    let root = upstream::folder("argo-cd").join("resource_customizations");
    let read = |path: &std::path::Path| -> Value {
        let text =
            std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        yaml::documents(&text)
            .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
            .remove(0)
    };
    let (mut wrong, mut seen) = (Vec::new(), 0);
    let mut differ: Vec<&(&str, &str, &str, &str)> = Vec::new();
    for kind in KINDS {
        let folder = root.join(kind);
        let tests = read(&folder.join("health_test.yaml"));
        for test in tests["tests"].as_array().expect("a list of tests") {
            let path = test["inputPath"].as_str().expect("a path");
            let snapshot = path
                .trim_start_matches("testdata/")
                .trim_end_matches(".yaml");
            let status = test["healthStatus"]["status"].as_str().unwrap_or_default();
            let object = read(&folder.join(path));
            let ours = health(&object, "2026-05-01T12:00:00Z".parse().expect("a time"));
            seen += 1;
            let listed = DIFFERENCES
                .iter()
                .find(|(k, s, ..)| k == kind && *s == snapshot);
            let expected = listed.map_or(word(status), |(_, _, ours, _)| ours);
            differ.extend(listed.filter(|(.., ours, _)| *ours == word(status)));
            if ours.word() != expected {
                let why = ours.why();
                wrong.push(format!(
                    "{kind} {snapshot}: {status} there, {} here: {why}",
                    ours.word()
                ));
            }
        }
    }
    assert!(differ.is_empty(), "listed and the same: {differ:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen >= 100, "{seen}");
}

#[test]
fn every_difference_has_a_class() {
    let classes: BTreeSet<&str> = DIFFERENCES.iter().map(|(.., class)| *class).collect();
    assert_eq!(classes.len(), 6, "{classes:#?}");
    let mut snapshots = BTreeSet::new();
    assert!(
        DIFFERENCES
            .iter()
            .all(|(kind, snapshot, ..)| snapshots.insert((kind, snapshot)))
    );
}
