//! Storage, services, namespaces, quotas, definitions, secrets and certificates.

use serde_json::{Value, json};

use super::*;

#[test]
fn storage_services_and_the_rest_of_the_core() {
    let phase = |phase: &str| json!({ "status": { "phase": phase } });
    rows(
        "v1",
        "PersistentVolumeClaim",
        &[
            ("no status", json!({}), "in-progress", "no volume"),
            ("pending", phase("Pending"), "in-progress", "pending"),
            ("bound", phase("Bound"), "current", "bound"),
            ("lost", phase("Lost"), "failed", "gone"),
        ],
    );
    rows(
        "v1",
        "PersistentVolume",
        &[
            ("no status", json!({}), "in-progress", "not available"),
            ("free", phase("Available"), "current", "available"),
            (
                "failed",
                json!({"status": {"phase": "Failed", "message": "no plugin"}}),
                "failed",
                "no plugin",
            ),
        ],
    );
    rows(
        "v1",
        "Namespace",
        &[
            ("active", phase("Active"), "current", ""),
            ("going", phase("Terminating"), "terminating", ""),
        ],
    );
    let balancer = |ip: &str, ingress: Value| json!({"spec": {"type": "LoadBalancer", "clusterIP": ip}, "status": {"loadBalancer": {"ingress": ingress}}});
    rows(
        "v1",
        "Service",
        &[
            (
                "plain",
                json!({"spec": {"type": "ClusterIP"}}),
                "current",
                "stored",
            ),
            (
                "node port",
                json!({"spec": {"type": "NodePort"}}),
                "current",
                "stored",
            ),
            (
                "no cluster address",
                balancer("", json!([])),
                "in-progress",
                "in the cluster",
            ),
            (
                "no address",
                balancer("10.0.0.1", json!([])),
                "in-progress",
                "load balancer",
            ),
            (
                "address",
                balancer("10.0.0.1", json!([{"ip": "1.2.3.4"}])),
                "current",
                "1.2.3.4",
            ),
        ],
    );
    rows(
        "policy/v1",
        "PodDisruptionBudget",
        &[
            (
                "counted",
                json!({"status": {"observedGeneration": 1, "disruptionsAllowed": 2}}),
                "current",
                "2 disruptions",
            ),
            (
                "lags",
                json!({"metadata": {"generation": 2}, "status": {"observedGeneration": 1}}),
                "in-progress",
                "1 of 2",
            ),
        ],
    );
    let limits = json!({ "hard": { "pods": "5" } });
    rows(
        "v1",
        "ResourceQuota",
        &[
            (
                "in force",
                json!({"spec": limits, "status": limits}),
                "current",
                "in force",
            ),
            (
                "not yet",
                json!({"spec": limits}),
                "in-progress",
                "not in force",
            ),
        ],
    );
    let crd = |conditions: Value| json!({ "status": { "conditions": conditions } });
    rows(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        &[
            ("no status", json!({}), "in-progress", "not served"),
            (
                "installing",
                crd(json!([said("Established", "False", "Installing", "")])),
                "in-progress",
                "not served",
            ),
            (
                "served",
                crd(json!([
                    condition("NamesAccepted", "True"),
                    condition("Established", "True")
                ])),
                "current",
                "served",
            ),
            (
                "names taken",
                crd(json!([said(
                    "NamesAccepted",
                    "False",
                    "PluralConflict",
                    "things is taken"
                )])),
                "failed",
                "things is taken",
            ),
        ],
    );
}

#[test]
fn secrets_and_certificates_from_outside() {
    let with = |condition: Value| json!({ "status": { "conditions": [condition] } });
    for kind in ["ExternalSecret", "SecretStore", "ClusterSecretStore"] {
        rows(
            "external-secrets.io/v1",
            kind,
            &[
                ("not looked at", json!({}), "in-progress", "Ready"),
                (
                    "synced",
                    with(condition("Ready", "True")),
                    "current",
                    "Ready",
                ),
                (
                    "error",
                    with(said(
                        "Ready",
                        "False",
                        "SecretSyncedError",
                        "permission denied",
                    )),
                    "failed",
                    "permission denied",
                ),
            ],
        );
    }
    let old = json!({"type": "Ready", "status": "True", "observedGeneration": 1});
    rows(
        "cert-manager.io/v1",
        "Certificate",
        &[
            ("not looked at", json!({}), "in-progress", "not issued"),
            (
                "issued",
                with(condition("Ready", "True")),
                "current",
                "issued",
            ),
            (
                "of an older generation",
                json!({"metadata": {"generation": 2}, "status": {"conditions": [old]}}),
                "in-progress",
                "not issued",
            ),
            (
                "refused",
                with(said("Issuing", "False", "Failed", "bad CSR")),
                "failed",
                "bad CSR",
            ),
        ],
    );
}
