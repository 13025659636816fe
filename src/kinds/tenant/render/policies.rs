//! The rules that the API server itself keeps in every tenant's namespaces, whoever writes: hosts,
//! priority classes, queues, references, and the platform's own objects, and a fair share of its time. There is one set of them for
//! an environment, made by the tenant that comes first; what differs between tenants is read from the
//! namespaces.

use serde::Serialize;
use serde_json::json;

use super::super::{TENANT_LABEL, Tenant, rights};
use crate::kinds::{ObjectRequest, Objects, Scope};
use crate::names::ClusterName;
use crate::object::{Owner, SET_LABEL, SetId};
use crate::values::version::KubernetesVersion;

/// The first Kubernetes, by its minor version, that serves such policies as stable.
const SINCE: u16 = 30;
/// The first one that serves flows as stable.
const FLOWS_SINCE: u16 = 29;

/// The policies, and the templates they come from.
const POLICIES: &[(&str, &str)] = &[
    ("hosts", "tenant/hosts-policy.yaml.j2"),
    ("owned", "tenant/owned-policy.yaml.j2"),
    ("reach", "tenant/reach-policy.yaml.j2"),
    ("workloads", "tenant/workloads-policy.yaml.j2"),
];

/// Kinds of one API group.
#[derive(Serialize)]
struct Group {
    group: &'static str,
    resources: &'static [&'static str],
}

pub(super) fn policies(scope: &Scope<'_>, out: &mut Objects) {
    let first = scope.all::<Tenant>().next().map(|(id, _)| id);
    if first != Some(scope.id) || !stable(version(scope), SINCE) {
        return;
    }
    let set = SetId {
        project: scope.project.name.to_string(),
        cluster: scope.target.cluster.clone(),
        owner: Owner::Platform,
        environment: scope.target.environment.clone(),
    };
    // By the mark of the set: another project on the cluster may have an environment of the same name.
    let label = set.label();
    let namespaces = json!({
        "matchLabels": { SET_LABEL: label },
        "matchExpressions": [{ "key": TENANT_LABEL, "operator": "Exists" }],
    });
    // What the marks of tenants' sets begin with, where they are not digests.
    let tenants = format!("'{}.{}.t-'", scope.project.name, scope.target.environment);
    let groups: Vec<Group> =
        rights::RENDERED.iter().map(|(group, resources)| Group { group, resources }).collect();
    for (word, template) in POLICIES {
        let name = format!("kubemate-{word}.{}.{}", scope.project.name, scope.target.environment);
        out.push(
            ObjectRequest::new(template)
                .set("name", &name)
                .set("namespaces", &namespaces)
                .set("set_in_cel", &format!("'{label}'"))
                .set("tenants_in_cel", &tenants)
                .set("groups", &groups),
        );
    }
}

/// The tenant's calls as one flow: the API server serves flows in turn.
pub(super) fn fairness(tenant: &Tenant, scope: &Scope<'_>, out: &mut Objects) {
    if !stable(version(scope), FLOWS_SINCE) {
        return;
    }
    let name = format!("kubemate-{}.{}.{}", tenant.name, scope.project.name, scope.target.environment);
    let accounts = |(_, namespace, _): (_, String, _)| format!("system:serviceaccounts:{namespace}");
    let groups: Vec<String> = tenant.namespaces(scope).into_iter().map(accounts).collect();
    out.push(ObjectRequest::new("tenant/fairness.yaml.j2").set("name", &name).set("groups", &groups));
}

fn version(scope: &Scope<'_>) -> Option<KubernetesVersion> {
    let name = scope.target.cluster.parse::<ClusterName>().ok()?;
    scope.project.cluster.get(&name)?.kubernetes
}

/// Whether the cluster serves what is stable since a version; one that says none is taken for a new one.
fn stable(version: Option<KubernetesVersion>, since: u16) -> bool {
    version.is_none_or(|version| version.minor() >= since)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_clusters_do_without() {
        let version = |text: &str| Some(text.parse::<KubernetesVersion>().unwrap());
        assert!(stable(None, SINCE) && stable(version("1.30"), SINCE) && stable(version("1.36"), SINCE));
        assert!(!stable(version("1.29"), SINCE) && stable(version("1.29"), FLOWS_SINCE));
        assert!(!stable(version("1.28"), FLOWS_SINCE));
    }
}
