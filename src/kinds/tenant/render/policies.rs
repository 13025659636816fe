//! The rules that the API server itself keeps in every tenant's namespaces, whoever writes: hosts,
//! priority classes, queues, references, and the platform's own objects. There is one set of them for
//! an environment, made by the tenant that comes first; what differs between tenants is read from the
//! namespaces.

use serde::Serialize;
use serde_json::json;

use super::super::{ENVIRONMENT_LABEL, TENANT_LABEL, Tenant, rights};
use crate::kinds::{ObjectRequest, Objects, Scope};
use crate::names::ClusterName;
use crate::object::{Owner, SetId};

/// The first Kubernetes, by its minor version, that serves such policies as stable.
const SINCE: u16 = 30;

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
    if first != Some(scope.id) || !served(scope) {
        return;
    }
    let set = SetId {
        project: scope.project.name.to_string(),
        cluster: scope.target.cluster.clone(),
        owner: Owner::Platform,
        environment: scope.target.environment.clone(),
    };
    let namespaces = json!({
        "matchLabels": { ENVIRONMENT_LABEL: scope.target.environment },
        "matchExpressions": [{ "key": TENANT_LABEL, "operator": "Exists" }],
    });
    let groups: Vec<Group> =
        rights::RENDERED.iter().map(|(group, resources)| Group { group, resources }).collect();
    for (word, template) in POLICIES {
        let name = format!("kubemate-{word}.{}.{}", scope.project.name, scope.target.environment);
        let label = set.label();
        out.push(
            ObjectRequest::new(template)
                .set("name", &name)
                .set("namespaces", &namespaces)
                .set("set", &label)
                .set("set_in_cel", &format!("'{label}'"))
                .set("groups", &groups),
        );
    }
}

/// Whether the cluster serves such policies; one that does not say its version is taken for a new one.
fn served(scope: &Scope<'_>) -> bool {
    let Ok(name) = scope.target.cluster.parse::<ClusterName>() else {
        return true;
    };
    let cluster = scope.project.cluster.get(&name);
    cluster.and_then(|cluster| cluster.kubernetes).is_none_or(|version| version.minor() >= SINCE)
}
