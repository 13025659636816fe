//! `kubemate install`: prints what a cluster needs to run the controller. Nothing is sent anywhere.

use serde_json::{Value, json};

use super::{Exit, Failure, output};
use crate::adapters::{hold, sync};
use crate::kinds::tenant::member::Shipped;
use crate::kinds::tenant::rights::{self, Rule};

/// Everything but the CRD and the rights over a cluster, which are made from what kubemate renders.
const BASE: &str = include_str!("install/base.yaml");
/// The account that tenants' sets let speak for them.
const ACCOUNT: &str = "kubemate";
/// What the platform's sets are made of beside what tenants' are made of.
const PLATFORM: &[(&str, &[&str])] = &[
    ("", &["limitranges", "namespaces", "resourcequotas"]),
    (
        "admissionregistration.k8s.io",
        &["validatingadmissionpolicies", "validatingadmissionpolicybindings"],
    ),
    ("external-secrets.io", &["secretstores"]),
    ("flowcontrol.apiserver.k8s.io", &["flowschemas"]),
    ("gateway.networking.k8s.io", &["gateways"]),
    ("networking.k8s.io", &["networkpolicies"]),
    ("rbac.authorization.k8s.io", &["rolebindings", "roles"]),
];
const READ: &[&str] = &["get", "list", "watch"];

/// Print the manifests of the controller.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// With `observe`, the controller can read and never write to what it watches.
    #[arg(long, value_enum, default_value = "observe")]
    mode: Mode,
    /// The controller's image.
    #[arg(long, value_name = "IMAGE", default_value = concat!("kubemate:", env!("CARGO_PKG_VERSION")))]
    image: String,
    /// Print the CRDs only.
    #[arg(long, conflicts_with_all = ["mode", "image"])]
    crd: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Mode {
    /// Read only: the first step on an existing cluster.
    Observe,
    /// Write what Syncs allow.
    Apply,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let unprinted = |error: serde_json::Error| Failure::Print {
        set: "the CRDs".to_owned(),
        reason: error.to_string(),
    };
    let sync = sync::crd_yaml().map_err(unprinted)?;
    let hold = hold::crd_yaml().map_err(unprinted)?;
    let crd = format!("{}\n---\n{hold}", sync.trim_end());
    if arguments.crd {
        output::print(&crd);
        return Ok(Exit::Ok);
    }
    output::print(&manifests(arguments.mode, &arguments.image, &crd)?);
    Ok(Exit::Ok)
}

fn manifests(mode: Mode, image: &str, crd: &str) -> Result<String, Failure> {
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '/' | ':' | '-' | '_' | '@');
    if image.is_empty() || !image.chars().all(plain) {
        return Err(Failure::Usage {
            message: format!("`{image}` is not an image"),
            help: "write --image REGISTRY/NAME:TAG or REGISTRY/NAME@sha256:DIGEST".to_owned(),
        });
    }
    let base = BASE.replace("KUBEMATE_IMAGE", image);
    let (namespace, rest) = base.split_once("---\n").unwrap_or(("", &base));
    let mut text = format!(
        "{namespace}---\n{}\n---\n{}\n",
        crd.trim_end(),
        rest.trim_end()
    );
    let mut roles = vec![("kubemate-reader", reads())];
    if mode == Mode::Apply {
        roles.push(("kubemate-writer", writes()));
    }
    for object in roles.iter().flat_map(|(name, rules)| role(name, rules)) {
        let printed = serde_saphyr::to_string(&object).map_err(|error| Failure::Print {
            set: "a role".to_owned(),
            reason: error.to_string(),
        })?;
        text.push_str(&format!("---\n{}\n", printed.trim_end()));
    }
    Ok(text)
}

/// What is compared with Git. Secrets are not among it.
fn reads() -> Vec<Rule> {
    let mut rules: Vec<Rule> = PLATFORM
        .iter()
        .map(|(group, kinds)| rights::rule(group, kinds, READ))
        .collect();
    rules.extend(rights::shipped(Shipped::Viewer));
    rules.push(rights::rule(
        "apiextensions.k8s.io",
        &["customresourcedefinitions"],
        READ,
    ));
    rules
}

/// The platform's objects, and every right that the platform's roles give away: nobody can give what he
/// has not, so that neither `escalate` nor `bind` is needed.
fn writes() -> Vec<Rule> {
    let verbs = ["create", "delete", "patch", "update"];
    let mut rules: Vec<Rule> = PLATFORM
        .iter()
        .map(|(group, kinds)| rights::rule(group, kinds, &verbs))
        .collect();
    let given = rights::identity()
        .into_iter()
        .chain(rights::shipped(Shipped::Admin));
    for rule in given
        .chain(rights::shipped(Shipped::Operator))
        .chain(rights::impersonation())
    {
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    rules
}

/// A cluster-wide role, bound to kubemate's account.
fn role(name: &str, rules: &[Rule]) -> [Value; 2] {
    let group = "rbac.authorization.k8s.io";
    let version = format!("{group}/v1");
    let metadata = json!({"name": name});
    let subject = json!({"kind": "ServiceAccount", "name": ACCOUNT, "namespace": sync::NAMESPACE});
    [
        json!({"apiVersion": version, "kind": "ClusterRole", "metadata": metadata, "rules": rules}),
        json!({
            "apiVersion": version, "kind": "ClusterRoleBinding", "metadata": metadata,
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name},
            "subjects": [subject],
        }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents(mode: Mode) -> Vec<serde_json::Value> {
        let text = manifests(mode, "registry.bank.example/kubemate:1", "kind: X\n").unwrap();
        text.split("---\n")
            .map(|part| serde_saphyr::from_str(part).unwrap())
            .collect()
    }

    #[test]
    fn observe_can_write_only_its_own_books() {
        let verbs = [
            "create",
            "update",
            "patch",
            "delete",
            "impersonate",
            "bind",
            "escalate",
            "*",
        ];
        for document in documents(Mode::Observe)
            .iter()
            .filter(|d| d["kind"] == "ClusterRole")
        {
            for rule in document["rules"].as_array().unwrap() {
                for verb in rule["verbs"].as_array().unwrap() {
                    assert!(!verbs.contains(&verb.as_str().unwrap()), "{rule}");
                }
            }
        }
    }

    #[test]
    fn nobody_may_escalate_and_secrets_are_not_read() {
        let mut impersonates = 0;
        for document in documents(Mode::Apply)
            .iter()
            .filter(|d| !d["rules"].is_null())
        {
            for rule in document["rules"].as_array().unwrap() {
                let text = rule.to_string();
                for word in ["escalate", "\"bind\"", "\"secrets\"", "\"*\""] {
                    assert!(!text.contains(word), "{text}");
                }
                if text.contains("impersonate") {
                    impersonates += 1;
                    assert_eq!(rule["resourceNames"], json!(["kubemate-tenant"]));
                }
            }
        }
        assert_eq!(impersonates, 1);
    }

    #[test]
    fn the_image_is_put_in_and_checked() {
        let all = documents(Mode::Observe);
        let deployment = all.iter().find(|d| d["kind"] == "Deployment").unwrap();
        let container = &deployment["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(container["image"], "registry.bank.example/kubemate:1");
        assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
        assert!(manifests(Mode::Observe, "a\nb", "").is_err());
    }
}
