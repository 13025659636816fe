//! What the API server, its admission, a quota or its rights refuse is told with the line of KDL that is
//! behind it, before the write where that can be known and after it where not.

use serde_json::{Value, json};

use super::project::{Bank, Said};
use crate::bed;

/// A policy of the API server, which goes with the test.
struct Denial(String);

impl Denial {
    /// Refuses what the expression is false for, in one namespace.
    fn new(namespace: &str, group: &str, resource: &str, expression: &str) -> Self {
        let name = bed::unique_name("denial");
        let policy = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name}, "spec": {"failurePolicy": "Fail",
                "matchConstraints": {"resourceRules": [{"apiGroups": [group], "apiVersions": ["*"],
                    "operations": ["CREATE", "UPDATE"], "resources": [resource]}]},
                "matchConditions": [{"name": "here", "expression": format!("object.metadata.namespace == '{namespace}'")}],
                "validations": [{"expression": expression, "message": "the auditors said no"}]}});
        let binding = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name}, "spec": {"policyName": name, "validationActions": ["Deny"]}});
        for body in [policy, binding] {
            bed::cluster().kubectl_with(&["apply", "-f", "-"], &body.to_string());
        }
        Self(name)
    }
}

impl Drop for Denial {
    fn drop(&mut self) {
        for kind in [
            "validatingadmissionpolicybinding",
            "validatingadmissionpolicy",
        ] {
            bed::cluster().kubectl(&["delete", kind, &self.0]);
        }
    }
}

fn plan(bank: &Bank) -> Said {
    let said = bank.run(bed::cluster().kubeconfig(), &["plan", "--env", bank.dev()]);
    assert_eq!(said.code, 0, "{}", said.end());
    said
}

/// Plans until these words are said: admission and quotas take a moment to be known everywhere.
fn plan_until(bank: &Bank, words: &str) -> Said {
    for _ in 0..300 {
        let said = plan(bank);
        if said.all().contains(words) {
            return said;
        }
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    panic!("never said: {words}: {}", plan(bank).end());
}

fn apply(bank: &Bank) -> Said {
    bank.run(
        bed::cluster().kubeconfig(),
        &["apply", "--env", bank.dev(), "--timeout", "20s"],
    )
}

/// Says something about a line, and applies with the exit code of a part.
fn told(bank: &Bank, words: &str, place: &str) -> Said {
    let said = plan_until(bank, words);
    assert!(said.all().contains(place), "{place}: {}", said.end());
    let applied = apply(bank);
    assert_eq!(applied.code, 5, "{}", applied.end());
    assert!(
        applied.all().contains(words) && applied.all().contains(place),
        "{}",
        applied.end()
    );
    applied
}

#[test]
fn admission_quota_and_rights_are_told_at_their_line() {
    let bank = Bank::of(&["web"]);
    bank.apply(bank.dev());
    let namespace = format!("web-{}", bank.dev());
    let denial = Denial::new(
        &namespace,
        "apps",
        "deployments",
        "object.spec.replicas != 3",
    );
    bank.edit("tenants/web/service.kdl", |text| {
        text.replace("replicas=2", "replicas=3")
    });
    told(&bank, "the auditors said no", "tenants/web/service.kdl:1:");
    drop(denial);

    // A quota that somebody else made.
    bank.edit("tenants/web/service.kdl", |text| {
        text.replace("replicas=3", "replicas=2")
    });
    bank.apply(bank.dev());
    let args = [
        "-n",
        &namespace,
        "create",
        "quota",
        "few",
        "--hard=count/configmaps=1",
    ];
    bed::cluster().kubectl(&args);
    bank.edit("tenants/web/service.kdl", |text| {
        text.replacen(
            "  version \"1.0.0\"\n",
            "  version \"1.0.0\"\n  config extra mount=\"/extra\" { value a \"b\" }\n",
            1,
        )
    });
    told(&bank, "exceeded quota", "tenants/web/service.kdl:");
    bed::cluster().kubectl(&["-n", &namespace, "delete", "quota", "few"]);
    bank.apply(bank.dev());

    // Rights that somebody took away.
    let binding = ["-n", &namespace, "delete", "rolebinding", "kubemate-tenant"];
    bed::cluster().kubectl(&binding);
    bank.edit("tenants/web/service.kdl", |text| {
        text.replace("replicas=2", "replicas=4")
    });
    let said = plan_until(&bank, "forbidden");
    assert!(
        said.all().contains("tenants/web/service.kdl:1:"),
        "{}",
        said.end()
    );
    bank.apply(bank.dev());
}

#[test]
fn what_is_refused_only_at_the_write_is_told_at_its_line_and_the_rest_is_done() {
    let bank = Bank::of(&["web"]);
    let namespace = format!("web-{}", bank.dev());
    let denial = Denial::new(&namespace, "", "resourcequotas", "false");
    // The policy is known everywhere once it refuses something.
    bed::cluster().kubectl(&["create", "namespace", &namespace]);
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "x", "namespace": namespace},
        "spec": {"hard": {"pods": "1"}}});
    let dry = ["create", "--dry-run=server", "-f", "-"];
    bed::until("it is refused", || {
        let review = bed::cluster().try_kubectl(&dry, &quota.to_string());
        review.is_err()
    });
    bed::cluster().kubectl(&["delete", "namespace", &namespace]);
    let planned = plan(&bank);
    assert!(
        !planned.all().contains("the auditors said no"),
        "it cannot be known yet"
    );
    let said = apply(&bank);
    assert_eq!(said.code, 5, "{}", said.end());
    assert!(said.err.contains("the auditors said no"), "{}", said.end());
    assert!(
        said.err.contains("platform/tenants/web.kdl:4:"),
        "{}",
        said.end()
    );
    let live =
        bed::cluster().kubectl(&["get", "role,resourcequota", "-n", &namespace, "-o", "name"]);
    assert!(
        live.contains("role.rbac") && !live.contains("resourcequota/kubemate"),
        "{live}"
    );
    drop(denial);
    bed::until("what was refused is applied", || apply(&bank).code == 0);
}

#[test]
fn a_field_that_cannot_change_is_told_at_its_own_line() {
    let bank = Bank::of(&["ledger"]);
    bank.apply(bank.dev());
    bank.edit("tenants/ledger/ledger.kdl", |text| {
        text.replace("size=\"5Gi\"", "size=\"7Gi\"")
    });
    let said = told(&bank, "cannot be changed", "tenants/ledger/ledger.kdl:6:");
    assert!(
        said.all().contains("StatefulSet.apps/ledger"),
        "{}",
        said.end()
    );
    bank.edit("tenants/ledger/ledger.kdl", |text| {
        text.replace("size=\"7Gi\"", "size=\"5Gi\"")
    });
    bank.apply(bank.dev());
}

#[test]
fn a_kind_that_is_not_served_is_told_at_its_line_and_the_rest_is_done() {
    let bank = Bank::of(&["web"]);
    bank.apply(bank.dev());
    let yaml = "apiVersion: nobody.example/v1\nkind: Gizmo\nmetadata: {name: g}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: beside}\n";
    std::fs::write(bank.path("tenants/web/extra.yaml"), yaml).unwrap();
    std::fs::write(
        bank.path("tenants/web/extra.kdl"),
        "manifests extra tenant=web { from \"extra.yaml\"; kinds Gizmo ConfigMap }\n",
    )
    .unwrap();
    told(
        &bank,
        "does not serve the kind",
        "tenants/web/extra.yaml:1:",
    );
    let namespace = format!("web-{}", bank.dev());
    let live =
        bed::cluster().kubectl(&["-n", &namespace, "get", "configmap", "beside", "-o", "json"]);
    let live: Value = serde_json::from_str(&live).unwrap();
    assert_eq!(live["metadata"]["name"], "beside");
}
