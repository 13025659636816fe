//! Scalers and progressive delivery.

use serde_json::{Value, json};

use super::*;

#[test]
fn scalers_and_rollouts() {
    let with = |conditions: Value| json!({ "status": { "conditions": conditions } });
    rows(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        &[
            ("no status", json!({}), "in-progress", "not spoken"),
            (
                "active",
                with(json!([
                    condition("AbleToScale", "True"),
                    condition("ScalingActive", "True")
                ])),
                "current",
                "scales",
            ),
            (
                "no metrics",
                with(json!([said(
                    "ScalingActive",
                    "False",
                    "FailedGetResourceMetric",
                    "no metrics API"
                )])),
                "in-progress",
                "no metrics API",
            ),
            (
                "to zero",
                with(json!([said(
                    "ScalingActive",
                    "False",
                    "ScalingDisabled",
                    ""
                )])),
                "suspended",
                "zero",
            ),
            (
                "unable",
                with(json!([said(
                    "AbleToScale",
                    "False",
                    "FailedGetScale",
                    "no such target"
                )])),
                "failed",
                "no such target",
            ),
        ],
    );
    rows(
        "keda.sh/v1alpha1",
        "ScaledObject",
        &[
            ("no status", json!({}), "in-progress", "not spoken"),
            (
                "ready",
                with(json!([
                    condition("Ready", "True"),
                    condition("Active", "False")
                ])),
                "current",
                "scales",
            ),
            (
                "paused",
                with(json!([
                    condition("Ready", "True"),
                    condition("Paused", "True")
                ])),
                "suspended",
                "paused",
            ),
            (
                "fallback",
                with(json!([
                    condition("Ready", "True"),
                    said("Fallback", "True", "", "queue is gone")
                ])),
                "failed",
                "queue is gone",
            ),
            (
                "not ready",
                with(json!([said("Ready", "False", "", "no trigger")])),
                "failed",
                "no trigger",
            ),
        ],
    );
    let phase = |phase: &str| json!({ "status": { "phase": phase, "canaryWeight": 25 } });
    rows(
        "flagger.app/v1beta1",
        "Canary",
        &[
            ("no status", json!({}), "in-progress", "not spoken"),
            ("set up", phase("Initialized"), "current", "set up"),
            ("released", phase("Succeeded"), "current", "released"),
            ("going", phase("Progressing"), "in-progress", "25 %"),
            (
                "waiting",
                phase("WaitingPromotion"),
                "in-progress",
                "approval",
            ),
            ("failed", phase("Failed"), "failed", "rolled back"),
        ],
    );
    rows(
        "argoproj.io/v1alpha1",
        "Rollout",
        &[
            ("paused", phase("Paused"), "suspended", "Paused"),
            ("degraded", phase("Degraded"), "failed", "Degraded"),
            (
                "healthy, lagging",
                json!({"metadata": {"generation": 5}, "status": {"phase": "Healthy", "observedGeneration": "4"}}),
                "in-progress",
                "4 of 5",
            ),
        ],
    );
}
