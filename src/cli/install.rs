//! `kubemate install`: prints what a cluster needs to run the controller. Nothing is sent anywhere.

mod otlp;
mod receivers;
pub(super) mod wanted;

use serde_json::{Value, json};

use self::otlp::Collector;
use self::receivers::receivers;
use super::{Exit, Failure, output};
use crate::adapters::approval::vouch;
use crate::adapters::{approval, hold, sync};
use crate::kinds::tenant::member::Shipped;
use crate::kinds::tenant::rights::{self, Rule};
use crate::names::Name;
use crate::names::grammar::Grammar as _;

/// Everything but the CRD and the rights over a cluster, which are made from what kubemate renders.
const BASE: &str = include_str!("install/base.yaml");
/// The account that tenants' sets let speak for them.
const ACCOUNT: &str = "kubemate";
/// What the platform's sets are made of beside what tenants' are made of.
const PLATFORM: &[(&str, &[&str])] = &[
    ("", &["limitranges", "namespaces", "resourcequotas"]),
    (
        "admissionregistration.k8s.io",
        &[
            "validatingadmissionpolicies",
            "validatingadmissionpolicybindings",
        ],
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
    /// The Secret with the age keys of encrypted secrets, TENANT.agekey for each tenant: it is mounted, and
    /// Secrets may be read, and written in the name of tenants.
    #[arg(long, value_name = "SECRET", value_parser = name)]
    sops_keys: Option<Name>,
    /// A Secret of a receiver of notices that the controller may read; may be repeated.
    #[arg(long = "notify-secret", value_name = "SECRET", value_parser = name)]
    notify_secrets: Vec<Name>,
    /// The collector that traces are sent to over HTTP, as in `http://collector.monitoring:4318`; the
    /// NetworkPolicy lets the controller out on its port.
    #[arg(long, value_name = "ADDRESS", value_parser = otlp::collector)]
    otlp: Option<Collector>,
    /// Print the CRDs only.
    #[arg(long, conflicts_with_all = ["mode", "image", "sops_keys", "notify_secrets", "otlp"])]
    crd: bool,
}

fn name(text: &str) -> Result<Name, String> {
    Name::read(text).map_err(|error| error.to_string())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Mode {
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
    let approval = approval::crd_yaml().map_err(unprinted)?;
    let crd = format!(
        "{}\n---\n{}\n---\n{approval}",
        sync.trim_end(),
        hold.trim_end()
    );
    if arguments.crd {
        output::print(&crd);
        return Ok(Exit::Ok);
    }
    let keys = arguments.sops_keys.as_ref();
    let mut text = manifests(arguments.mode, &arguments.image, keys, &crd)?;
    if let Some(collector) = &arguments.otlp {
        text = otlp::named(&text, collector);
    }
    for object in receivers(&arguments.notify_secrets) {
        text.push_str(&document(&object)?);
    }
    output::print(&text);
    Ok(Exit::Ok)
}

fn manifests(mode: Mode, image: &str, keys: Option<&Name>, crd: &str) -> Result<String, Failure> {
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '/' | ':' | '-' | '_' | '@');
    if image.is_empty() || !image.chars().all(plain) {
        return Err(Failure::Usage {
            message: format!("`{image}` is not an image"),
            help: "write --image REGISTRY/NAME:TAG or REGISTRY/NAME@sha256:DIGEST".to_owned(),
        });
    }
    let mut base = BASE.replace("KUBEMATE_IMAGE", image);
    if let Some(keys) = keys {
        base = mount(&base, keys);
    }
    let (namespace, rest) = base.split_once("---\n").unwrap_or(("", &base));
    let mut text = format!(
        "{namespace}---\n{}\n---\n{}\n---\n{}\n",
        crd.trim_end(),
        rest.trim_end(),
        vouch::POLICY.trim_end()
    );
    let mut roles = vec![("kubemate-reader", reads(keys.is_some()))];
    if mode == Mode::Apply {
        roles.push(("kubemate-writer", writes(keys.is_some())));
    }
    for object in roles.iter().flat_map(|(name, rules)| role(name, rules)) {
        text.push_str(&document(&object)?);
    }
    Ok(text)
}

/// One more document after others.
fn document(object: &Value) -> Result<String, Failure> {
    let printed = serde_saphyr::to_string(object).map_err(|error| Failure::Print {
        set: "a role".to_owned(),
        reason: error.to_string(),
    })?;
    Ok(format!("---\n{}\n", printed.trim_end()))
}

/// A text with more before the first place where it says `at`.
fn place(what: &str, at: &str, more: &str) -> String {
    let (before, after) = what.split_once(at).unwrap_or((what, ""));
    format!("{before}{more}{at}{after}")
}

/// The controller with a Secret of keys.
fn mount(base: &str, keys: &Name) -> String {
    let base = place(
        base,
        " --name=$(POD_NAME)",
        " --sops-key=/etc/kubemate/sops,",
    );
    let volume =
        "        - name: sops\n          mountPath: /etc/kubemate/sops\n          readOnly: true\n";
    let base = place(&base, "      volumes:\n", volume);
    let source = format!(
        "      - name: sops\n        secret:\n          secretName: {keys}\n          defaultMode: 288\n"
    );
    place(&base, "---\napiVersion: policy/v1", &source)
}

/// What is compared with Git. Secrets are among it only where they come from Git.
fn reads(secrets: bool) -> Vec<Rule> {
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
    rules.extend(secrets.then(|| rights::rule("", &["secrets"], READ)));
    rules
}

/// The platform's objects, and every right that the platform's roles give away: nobody can give what he
/// has not, so that neither `escalate` nor `bind` is needed.
fn writes(secrets: bool) -> Vec<Rule> {
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
        .chain(secrets.then(rights::secrets))
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
    use super::wanted::rights;
    use super::*;
    use crate::adapters::examine::Right;

    fn documents(mode: Mode) -> Vec<serde_json::Value> {
        printed(mode, None)
    }

    fn printed(mode: Mode, keys: Option<&Name>) -> Vec<serde_json::Value> {
        let text = manifests(mode, "registry.bank.example/kubemate:1", keys, "kind: X\n").unwrap();
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

    /// What Pod Security calls restricted, and a little more.
    #[test]
    fn s_95_the_controller_has_nothing_of_its_node_and_few_ways_out() {
        for mode in [Mode::Observe, Mode::Apply] {
            let all = documents(mode);
            let one = |kind: &str| {
                let mut of = all.iter().filter(|document| document["kind"] == kind);
                of.next().unwrap_or_else(|| panic!("there is no {kind}"))
            };
            let pod = &one("Deployment")["spec"]["template"]["spec"];
            let security = &pod["securityContext"];
            assert_eq!(security["runAsNonRoot"], true);
            assert!(security["runAsUser"].as_u64() > Some(10_000));
            assert_eq!(security["seccompProfile"]["type"], "RuntimeDefault");
            for field in ["hostNetwork", "hostPID", "hostIPC", "initContainers"] {
                assert!(pod[field].is_null(), "{field}");
            }
            for container in pod["containers"].as_array().unwrap() {
                let security = &container["securityContext"];
                assert_eq!(security["allowPrivilegeEscalation"], false);
                assert_eq!(security["readOnlyRootFilesystem"], true);
                assert_eq!(security["capabilities"]["drop"][0], "ALL");
                assert!(security["capabilities"]["add"].is_null());
                assert!(container["resources"]["limits"]["memory"].is_string());
            }
            for volume in pod["volumes"].as_array().unwrap() {
                let kinds = volume.as_object().unwrap().keys();
                let known = ["name", "emptyDir", "secret"];
                assert!(
                    kinds.into_iter().all(|k| known.contains(&k.as_str())),
                    "{volume}"
                );
            }
            let space = &one("Namespace")["metadata"]["labels"];
            assert_eq!(space["pod-security.kubernetes.io/enforce"], "restricted");
            let network = &one("NetworkPolicy")["spec"];
            assert_eq!(network["policyTypes"], json!(["Ingress", "Egress"]));
            for way in ["ingress", "egress"] {
                for rule in network[way].as_array().unwrap() {
                    assert!(rule["ports"].is_array(), "every port is open: {rule}");
                }
            }
            let selected = &network["podSelector"]["matchLabels"];
            assert_eq!(
                selected,
                &one("Deployment")["spec"]["selector"]["matchLabels"]
            );
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

    /// The controller cannot make an approval, nor is anybody bound to the role that can.
    #[test]
    fn approving_is_a_right_of_people() {
        for mode in [Mode::Observe, Mode::Apply] {
            for right in rights(mode).unwrap() {
                let writes = !READ.contains(&right.verb.as_str());
                assert!(!writes || right.resource != "approvals", "{right:?}");
            }
            let all = documents(mode);
            let bound = |d: &&Value| d["roleRef"]["name"] == "kubemate-approver";
            assert!(!all.iter().any(|d| bound(&d)));
            let named = |d: &&Value| d["metadata"]["name"] == "kubemate-approvals";
            assert_eq!(all.iter().filter(named).count(), 2, "policy and binding");
        }
    }

    #[test]
    fn rights_are_those_of_the_manifests() {
        let (observe, apply) = (rights(Mode::Observe).unwrap(), rights(Mode::Apply).unwrap());
        assert!(observe.iter().all(|right| apply.contains(right)));
        let has = |all: &[Right], verb: &str, resource: &str| {
            all.iter()
                .any(|right| right.verb == verb && right.resource == resource)
        };
        assert!(has(&observe, "list", "deployments") && !has(&observe, "create", "deployments"));
        assert!(
            has(&apply, "create", "deployments") && has(&apply, "impersonate", "serviceaccounts")
        );
        let books = observe
            .iter()
            .find(|right| right.resource == "configmaps")
            .unwrap();
        assert!(
            observe
                .iter()
                .any(|r| r.resource == "syncs/status" && r.verb == "patch"),
            "{books:?}"
        );
    }

    #[test]
    fn keys_are_mounted_and_secrets_then_read_and_written_for_tenants() {
        let keys = Name::read("sops-keys").unwrap();
        let all = printed(Mode::Apply, Some(&keys));
        let deployment = all.iter().find(|d| d["kind"] == "Deployment").unwrap();
        let pod = &deployment["spec"]["template"]["spec"];
        let container = &pod["containers"][0];
        let given = container["args"].as_array().unwrap();
        assert!(
            given.contains(&json!("--sops-key=/etc/kubemate/sops")),
            "{given:?}"
        );
        let named = |list: &serde_json::Value| {
            list.as_array()
                .unwrap()
                .iter()
                .find(|v| v["name"] == "sops")
                .cloned()
        };
        assert_eq!(
            named(&container["volumeMounts"]).unwrap()["mountPath"],
            "/etc/kubemate/sops"
        );
        assert_eq!(
            named(&pod["volumes"]).unwrap()["secret"]["secretName"],
            "sops-keys"
        );
        let verbs = |name: &str| {
            let mut roles = all
                .iter()
                .filter(|d| d["kind"] == "ClusterRole" && d["metadata"]["name"] == name);
            let rules = roles.next().unwrap()["rules"].as_array().unwrap().clone();
            let rule = rules
                .into_iter()
                .find(|r| r["resources"] == json!(["secrets"]));
            rule.unwrap()["verbs"].clone()
        };
        assert_eq!(verbs("kubemate-reader"), json!(["get", "list", "watch"]));
        assert_eq!(
            verbs("kubemate-writer"),
            json!(["create", "delete", "patch"])
        );
    }

    #[test]
    fn the_image_is_put_in_and_checked() {
        let all = documents(Mode::Observe);
        let deployment = all.iter().find(|d| d["kind"] == "Deployment").unwrap();
        let container = &deployment["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(container["image"], "registry.bank.example/kubemate:1");
        assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
        assert!(manifests(Mode::Observe, "a\nb", None, "").is_err());
    }
}
