//! What one object needs to exist before it is written, read from the object itself.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::object::{GroupKind, ObjectKey, ResourceId};
use crate::plan::draft::Draft;
use crate::plan::step::{Until, Verb};

/// The drafts of a plan, findable by what others say of them.
pub(super) struct Facts {
    by_key: BTreeMap<ObjectKey, usize>,
    /// The CRD of a kind.
    crds: BTreeMap<GroupKind, usize>,
    /// What must stand in a namespace before anything runs there.
    guards: BTreeMap<String, Vec<usize>>,
    /// The bindings that speak of a ServiceAccount (namespace, name).
    bindings: BTreeMap<(String, String), Vec<usize>>,
    /// What everything admitted later would have to pass.
    webhooks: Vec<usize>,
    workloads: Vec<usize>,
    /// What is written of each resource.
    pub(super) written_by_resource: BTreeMap<ResourceId, Vec<usize>>,
    /// Workloads that are new, by their namespace and by their name.
    pub(super) new_workloads: BTreeMap<String, Vec<usize>>,
}

impl Facts {
    pub(super) fn new(drafts: &[Draft<'_>]) -> Self {
        let mut facts = Self {
            by_key: drafts
                .iter()
                .enumerate()
                .map(|(i, d)| (d.key.clone(), i))
                .collect(),
            crds: BTreeMap::new(),
            guards: BTreeMap::new(),
            bindings: BTreeMap::new(),
            webhooks: Vec::new(),
            workloads: Vec::new(),
            written_by_resource: BTreeMap::new(),
            new_workloads: BTreeMap::new(),
        };
        for (index, draft) in drafts.iter().enumerate() {
            facts.add(index, draft);
            if draft.action.writes() {
                let written = facts.written_by_resource.entry(draft.resource.clone());
                written.or_default().push(index);
            }
            if is_workload(&draft.key) && matches!(draft.action.verb(), Verb::Create | Verb::Adopt)
            {
                let namespace = draft.key.namespace.clone().unwrap_or_default();
                for name in [namespace, draft.key.name.clone()] {
                    facts.new_workloads.entry(name).or_default().push(index);
                }
            }
        }
        facts
    }

    fn add(&mut self, index: usize, draft: &Draft<'_>) {
        let (kind, body) = (draft.key.group_kind.kind.as_str(), draft.body.as_deref());
        let namespace = draft.key.namespace.clone().unwrap_or_default();
        match kind {
            "CustomResourceDefinition" => {
                let text = |pointer| body.and_then(|b| b.pointer(pointer)?.as_str());
                if let (Some(group), Some(kind)) = (text("/spec/group"), text("/spec/names/kind")) {
                    self.crds.insert(GroupKind::new(group, kind), index);
                }
            }
            "ResourceQuota" | "LimitRange" | "NetworkPolicy" => {
                self.guards.entry(namespace).or_default().push(index);
            }
            "RoleBinding" | "ClusterRoleBinding" => {
                for account in subjects(body) {
                    self.bindings.entry(account).or_default().push(index);
                }
            }
            "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration" => {
                self.webhooks.push(index);
            }
            _ if is_workload(&draft.key) => self.workloads.push(index),
            _ => {}
        }
    }

    fn find(&self, group: &str, kind: &str, namespace: Option<&str>, name: &str) -> Option<usize> {
        let group_kind = GroupKind::new(group, kind);
        let key = ObjectKey {
            group_kind,
            namespace: namespace.map(str::to_owned),
            name: name.into(),
        };
        self.by_key.get(&key).copied()
    }
}

/// The drafts that must come before this one, and how far.
pub(super) fn depends(draft: &Draft<'_>, facts: &Facts) -> BTreeSet<(usize, Until)> {
    let mut out = BTreeSet::new();
    let namespace = draft.key.namespace.as_deref();
    out.extend(
        facts
            .crds
            .get(&draft.key.group_kind)
            .map(|i| (*i, Until::Healthy)),
    );
    if let Some(namespace) = namespace {
        out.extend(
            facts
                .find("", "Namespace", None, namespace)
                .map(|i| (i, Until::Done)),
        );
    }
    for key in draft
        .desired
        .map(|d| d.needs.as_slice())
        .unwrap_or_default()
    {
        out.extend(facts.by_key.get(key).map(|i| (*i, Until::Healthy)));
    }
    let Some(body) = &draft.body else {
        return out;
    };
    if pod_spec(&draft.key.group_kind, body).is_some() {
        let space = namespace.unwrap_or_default();
        let guards = facts.guards.get(space).into_iter().flatten();
        out.extend(guards.map(|i| (*i, Until::Done)));
    }
    out.extend(
        references(&draft.key, body, facts)
            .into_iter()
            .map(|i| (i, Until::Done)),
    );
    if draft.key.group_kind.kind.ends_with("WebhookConfiguration") {
        out.extend(facts.workloads.iter().map(|i| (*i, Until::Healthy)));
    }
    out
}

/// The drafts that a body speaks of by name, and the bindings of the account its pods run as.
pub(super) fn references(key: &ObjectKey, body: &Value, facts: &Facts) -> BTreeSet<usize> {
    let namespace = key.namespace.as_deref();
    let mut out = BTreeSet::new();
    let mut references = Vec::new();
    kind_references(key, body, &mut references);
    if let Some(pod) = pod_spec(&key.group_kind, body) {
        pod_references(pod, &mut references);
        let account = pod
            .get("serviceAccountName")
            .and_then(Value::as_str)
            .unwrap_or("default");
        let account = (namespace.unwrap_or_default().to_owned(), account.to_owned());
        out.extend(facts.bindings.get(&account).into_iter().flatten().copied());
    }
    for (group, kind, name) in references {
        let beside = facts.find(group, kind, namespace, name);
        out.extend(beside.or_else(|| facts.find(group, kind, None, name)));
    }
    out
}

/// A reference in the namespace of the object: group, kind, name.
type Reference<'a> = (&'a str, &'a str, &'a str);

fn kind_references<'a>(key: &ObjectKey, body: &'a Value, out: &mut Vec<Reference<'a>>) {
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
    match key.group_kind.kind.as_str() {
        "RoleBinding" | "ClusterRoleBinding" => {
            let kind = text("/roleRef/kind").unwrap_or("Role");
            let name = text("/roleRef/name").unwrap_or_default();
            out.push(("rbac.authorization.k8s.io", kind, name));
            for subject in array(body, "/subjects") {
                if subject.get("kind").and_then(Value::as_str) == Some("ServiceAccount") {
                    out.extend(name_of(subject).map(|name| ("", "ServiceAccount", name)));
                }
            }
        }
        "PersistentVolumeClaim" => {
            let class = text("/spec/storageClassName");
            out.extend(class.map(|name| ("storage.k8s.io", "StorageClass", name)));
        }
        "HTTPRoute" | "GRPCRoute" | "TLSRoute" | "TCPRoute" => route_references(body, out),
        "Gateway" => {
            let class = text("/spec/gatewayClassName");
            out.extend(class.map(|name| ("gateway.networking.k8s.io", "GatewayClass", name)));
        }
        "ExternalSecret" => {
            let kind = text("/spec/secretStoreRef/kind").unwrap_or("SecretStore");
            let name = text("/spec/secretStoreRef/name");
            out.extend(name.map(|name| ("external-secrets.io", kind, name)));
        }
        "HorizontalPodAutoscaler" | "ScaledObject" => {
            let kind = text("/spec/scaleTargetRef/kind").unwrap_or("Deployment");
            let name = text("/spec/scaleTargetRef/name");
            out.extend(name.map(|name| ("apps", kind, name)));
        }
        "LocalQueue" => {
            let queue = text("/spec/clusterQueue");
            out.extend(queue.map(|name| ("kueue.x-k8s.io", "ClusterQueue", name)));
        }
        _ => {}
    }
}

fn route_references<'a>(body: &'a Value, out: &mut Vec<Reference<'a>>) {
    for parent in array(body, "/spec/parentRefs") {
        let kind = parent
            .get("kind")
            .and_then(Value::as_str)
            .unwrap_or("Gateway");
        let group = if kind == "Service" {
            ""
        } else {
            "gateway.networking.k8s.io"
        };
        out.extend(name_of(parent).map(|name| (group, kind, name)));
    }
    for rule in array(body, "/spec/rules") {
        let backends = array(rule, "/backendRefs").filter_map(name_of);
        out.extend(backends.map(|name| ("", "Service", name)));
        for filter in array(rule, "/filters") {
            let text = |pointer| filter.pointer(pointer).and_then(Value::as_str);
            let parts = (
                text("/extensionRef/group"),
                text("/extensionRef/kind"),
                text("/extensionRef/name"),
            );
            if let (Some(group), Some(kind), Some(name)) = parts {
                out.push((group, kind, name));
            }
        }
    }
}

/// What the pods of a workload use by name.
fn pod_references<'a>(pod: &'a Value, out: &mut Vec<Reference<'a>>) {
    let named = |value: &'a Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str);
    out.extend(named(pod, "/serviceAccountName").map(|name| ("", "ServiceAccount", name)));
    out.extend(named(pod, "/priorityClassName").map(|n| ("scheduling.k8s.io", "PriorityClass", n)));
    for secret in array(pod, "/imagePullSecrets").filter_map(name_of) {
        out.push(("", "Secret", secret));
    }
    for volume in array(pod, "/volumes") {
        let projected = array(volume, "/projected/sources");
        for source in std::iter::once(volume).chain(projected) {
            out.extend(named(source, "/configMap/name").map(|n| ("", "ConfigMap", n)));
            out.extend(named(source, "/secret/secretName").map(|n| ("", "Secret", n)));
            out.extend(named(source, "/secret/name").map(|n| ("", "Secret", n)));
        }
        let claim = named(volume, "/persistentVolumeClaim/claimName");
        out.extend(claim.map(|n| ("", "PersistentVolumeClaim", n)));
    }
    for container in array(pod, "/containers").chain(array(pod, "/initContainers")) {
        for from in array(container, "/envFrom") {
            out.extend(named(from, "/configMapRef/name").map(|n| ("", "ConfigMap", n)));
            out.extend(named(from, "/secretRef/name").map(|n| ("", "Secret", n)));
        }
        for variable in array(container, "/env") {
            out.extend(
                named(variable, "/valueFrom/configMapKeyRef/name").map(|n| ("", "ConfigMap", n)),
            );
            out.extend(named(variable, "/valueFrom/secretKeyRef/name").map(|n| ("", "Secret", n)));
        }
    }
    // An ExternalSecret makes a Secret of its own name, unless it says otherwise.
    let secrets: Vec<&str> = out
        .iter()
        .filter(|(_, kind, _)| *kind == "Secret")
        .map(|r| r.2)
        .collect();
    out.extend(
        secrets
            .into_iter()
            .map(|name| ("external-secrets.io", "ExternalSecret", name)),
    );
}

fn array<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn name_of(value: &Value) -> Option<&str> {
    value.get("name").and_then(Value::as_str)
}

fn subjects(body: Option<&Value>) -> Vec<(String, String)> {
    let list = body.into_iter().flat_map(|body| array(body, "/subjects"));
    list.filter_map(|subject| {
        let namespace = subject
            .get("namespace")
            .and_then(Value::as_str)
            .unwrap_or_default();
        Some((namespace.to_owned(), name_of(subject)?.to_owned()))
    })
    .collect()
}

/// Where the pods of an object are described.
pub(crate) fn pod_spec<'a>(group_kind: &GroupKind, body: &'a Value) -> Option<&'a Value> {
    let pointer = match (group_kind.group.as_str(), group_kind.kind.as_str()) {
        ("", "Pod") => "/spec",
        ("batch", "CronJob") => "/spec/jobTemplate/spec/template/spec",
        ("apps" | "batch", _) => "/spec/template/spec",
        _ => return None,
    };
    body.pointer(pointer)
}

/// Kinds that run pods for as long as they exist.
pub(crate) fn is_workload(key: &ObjectKey) -> bool {
    let kind = key.group_kind.kind.as_str();
    key.group_kind.group == "apps" && matches!(kind, "Deployment" | "StatefulSet" | "DaemonSet")
}

/// The order in which people expect to read kinds that do not depend on each other.
pub(super) fn reading_rank(key: &ObjectKey) -> u8 {
    match key.group_kind.kind.as_str() {
        "CustomResourceDefinition" => 0,
        "Namespace" => 1,
        "ResourceQuota" | "LimitRange" | "NetworkPolicy" => 2,
        "ServiceAccount" | "Role" | "ClusterRole" => 3,
        "RoleBinding" | "ClusterRoleBinding" => 4,
        "ConfigMap" | "Secret" | "SecretStore" | "ExternalSecret" => 5,
        "StorageClass" | "PersistentVolume" | "PersistentVolumeClaim" => 6,
        "Service" => 7,
        "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration" => 10,
        _ if is_workload(key) => 8,
        _ => 9,
    }
}
