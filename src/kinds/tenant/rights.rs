//! The rights inside a tenant's namespaces, as data: of the identity that writes its set, and of the
//! shipped roles of its members.
//!
//! No right here may reach network policies, quotas, limits, roles, bindings or gateways: they are
//! the tenant's borders. A kind that renders another sort of object for tenants adds its line here.

use serde::Serialize;

use super::member::Shipped;

/// A rule of a Role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// The API groups.
    pub api_groups: Vec<String>,
    /// The plurals of the kinds.
    pub resources: Vec<String>,
    /// The only objects, if not all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_names: Vec<String>,
    /// What may be done.
    pub verbs: Vec<String>,
}

/// What a tenant's resources render to: group and plurals.
pub const RENDERED: &[(&str, &[&str])] = &[
    ("", &["configmaps", "persistentvolumeclaims", "serviceaccounts", "services"]),
    ("apps", &["daemonsets", "deployments", "statefulsets"]),
    ("autoscaling", &["horizontalpodautoscalers"]),
    ("batch", &["cronjobs", "jobs"]),
    ("cert-manager.io", &["certificates"]),
    ("external-secrets.io", &["externalsecrets"]),
    ("flagger.app", &["canaries", "metrictemplates"]),
    ("gateway.networking.k8s.io", &["grpcroutes", "httproutes", "tcproutes", "tlsroutes"]),
    ("keda.sh", &["scaledobjects", "triggerauthentications"]),
    (
        "monitoring.coreos.com",
        &["alertmanagerconfigs", "podmonitors", "probes", "prometheusrules", "servicemonitors"],
    ),
    ("policy", &["poddisruptionbudgets"]),
    (
        "traefik.io",
        &["middlewares", "middlewaretcps", "serverstransports", "serverstransporttcps", "traefikservices"],
    ),
];

/// What members may see beside the rendered objects.
const SEEN: &[(&str, &[&str])] = &[
    ("", &["endpoints", "events", "limitranges", "pods", "pods/log", "pods/status", "resourcequotas"]),
    ("apps", &["replicasets"]),
    ("discovery.k8s.io", &["endpointslices"]),
    ("events.k8s.io", &["events"]),
    ("gateway.networking.k8s.io", &["gateways"]),
    ("networking.k8s.io", &["networkpolicies"]),
];

const READ: &[&str] = &["get", "list", "watch"];
const WRITE: &[&str] = &["create", "delete", "patch", "update"];

/// Rules of the identity that every write of the tenant's set carries.
pub fn identity() -> Vec<Rule> {
    rules(RENDERED, &["create", "delete", "get", "list", "patch", "update", "watch"])
}

/// What the identity of a tenant may do beside that, where the tenant keeps encrypted secrets in Git. Nobody
/// reads with it.
pub fn secrets() -> Rule {
    rule("", &["secrets"], &["create", "delete", "patch"])
}

/// Rules of a shipped role.
pub fn shipped(role: Shipped) -> Vec<Rule> {
    let mut all = rules(RENDERED, READ);
    all.extend(rules(SEEN, READ));
    if matches!(role, Shipped::Operator | Shipped::Admin) {
        all.push(rule("", &["pods"], &["delete"]));
        all.push(rule("", &["pods/eviction", "pods/portforward"], &["create"]));
        all.push(rule("apps", &["deployments/scale", "statefulsets/scale"], &["patch", "update"]));
    }
    if matches!(role, Shipped::Deployer | Shipped::Admin) {
        all.extend(rules(RENDERED, WRITE));
    }
    if role == Shipped::Admin {
        all.push(rule("", &["pods/attach", "pods/exec"], &["create", "get"]));
        all.push(rule("", &["pods/ephemeralcontainers"], &["patch", "update"]));
    }
    all
}

/// The one right of kubemate's own account over a tenant's identity.
pub fn impersonation() -> Vec<Rule> {
    let mut rule = rule("", &["serviceaccounts"], &["impersonate"]);
    rule.resource_names = vec![super::IDENTITY.to_owned()];
    vec![rule]
}

fn rules(table: &[(&str, &[&str])], verbs: &[&str]) -> Vec<Rule> {
    table.iter().map(|(group, resources)| rule(group, resources, verbs)).collect()
}

/// One rule for one group.
pub fn rule(group: &str, resources: &[&str], verbs: &[&str]) -> Rule {
    let owned = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
    Rule {
        api_groups: vec![group.to_owned()],
        resources: owned(resources),
        resource_names: Vec::new(),
        verbs: owned(verbs),
    }
}
