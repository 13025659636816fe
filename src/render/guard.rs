//! What a tenant's set may hold: objects in the tenant's own namespaces, of kinds that give no power
//! over anybody else. Refused here, at plan time, with a line; RBAC refuses it again at the server.

use serde_json::Value;

use super::reach::{self, Bounds};
use crate::object::{Desired, GroupKind, Manifest, Owner, SET_LABEL};

/// Kinds that no tenant may write: cluster-scoped ones, and those that hold rights, limits or the
/// borders of a tenant (they belong to the platform set).
const FORBIDDEN: &[(&str, &str)] = &[
    ("", "Namespace"),
    ("", "Node"),
    ("", "PersistentVolume"),
    ("", "ResourceQuota"),
    ("", "LimitRange"),
    ("rbac.authorization.k8s.io", "Role"),
    ("rbac.authorization.k8s.io", "RoleBinding"),
    ("rbac.authorization.k8s.io", "ClusterRole"),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
    ("networking.k8s.io", "NetworkPolicy"),
    ("", "Endpoints"),
    ("discovery.k8s.io", "EndpointSlice"),
    ("networking.k8s.io", "IngressClass"),
    ("policy.networking.k8s.io", "ClusterNetworkPolicy"),
    ("gateway.networking.k8s.io", "Gateway"),
    ("gateway.networking.k8s.io", "GatewayClass"),
    ("gateway.networking.k8s.io", "ReferenceGrant"),
    ("gateway.networking.k8s.io", "UDPRoute"),
    ("traefik.io", "IngressRouteUDP"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ("apiregistration.k8s.io", "APIService"),
    ("scheduling.k8s.io", "PriorityClass"),
    ("storage.k8s.io", "StorageClass"),
    ("external-secrets.io", "SecretStore"),
    ("external-secrets.io", "ClusterSecretStore"),
    ("external-secrets.io", "PushSecret"),
    ("gateway.networking.k8s.io", "ListenerSet"),
    ("keda.sh", "ClusterTriggerAuthentication"),
    ("kueue.x-k8s.io", "LocalQueue"),
    ("monitoring.coreos.com", "ScrapeConfig"),
    ("kubemate.dev", "Sync"),
];
/// Groups that no tenant may write any kind of.
const FORBIDDEN_GROUPS: &[&str] = &[
    "admissionregistration.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "certificates.k8s.io",
    "node.k8s.io",
];
/// Kinds that a tenant may write because the renderer itself made them from a checked resource, with the
/// node to write: only there are host names and paths in stores held against those of others.
const RENDERED: &[(&str, &str, &str)] = &[
    ("", "ServiceAccount", "app"),
    ("gateway.networking.k8s.io", "HTTPRoute", "route"),
    ("gateway.networking.k8s.io", "GRPCRoute", "route"),
    ("gateway.networking.k8s.io", "TLSRoute", "route"),
    ("gateway.networking.k8s.io", "TCPRoute", "route"),
    ("networking.k8s.io", "Ingress", "route"),
    ("traefik.io", "IngressRoute", "route"),
    ("traefik.io", "IngressRouteTCP", "route"),
    ("cert-manager.io", "Certificate", "certificate"),
    ("external-secrets.io", "ExternalSecret", "secret"),
];

/// Where kinds of workloads keep the specification of their pods.
const PODS: &[(&str, &str, &str)] = &[
    ("", "Pod", "/spec"),
    ("", "PodTemplate", "/template/spec"),
    ("", "ReplicationController", "/spec/template/spec"),
    ("apps", "DaemonSet", "/spec/template/spec"),
    ("apps", "Deployment", "/spec/template/spec"),
    ("apps", "ReplicaSet", "/spec/template/spec"),
    ("apps", "StatefulSet", "/spec/template/spec"),
    ("batch", "CronJob", "/spec/jobTemplate/spec/template/spec"),
    ("batch", "Job", "/spec/template/spec"),
];

/// Why an object may not be in its set; `None` if it may. `bounds` are the tenant's on this target;
/// `verbatim` says that the object came from a manifest as written.
pub fn refuse(desired: &Desired, owner: &Owner, bounds: &Bounds, verbatim: bool) -> Option<String> {
    let key = &desired.manifest.key;
    if let Some(reason) = reserved(desired, verbatim) {
        return Some(reason);
    }
    let Owner::Tenant(tenant) = owner else {
        return None;
    };
    let GroupKind { group, kind } = &key.group_kind;
    let mut rendered = RENDERED.iter().filter(|(g, k, _)| g == group && k == kind);
    let forbidden = FORBIDDEN.iter().any(|(g, k)| g == group && k == kind);
    let why = match rendered.next() {
        Some((_, _, node)) if verbatim => Some(format!("write `{node}` instead, which is checked")),
        Some(_) => None,
        None if forbidden || FORBIDDEN_GROUPS.contains(&group.as_str()) => {
            Some("it belongs to the platform".to_owned())
        }
        None => None,
    };
    if let Some(why) = why {
        return Some(format!("a tenant may not write {}: {why}", key.group_kind));
    }
    match &key.namespace {
        None => Some(format!(
            "{key} has no namespace: a tenant writes only into its own namespaces"
        )),
        Some(namespace) if !bounds.namespaces.contains(namespace) => Some(format!(
            "{key} is outside tenant `{tenant}`, whose namespaces here are {}",
            bounds.namespaces.join(", ")
        )),
        Some(_) => {
            let written = || {
                let pod = pod(&desired.manifest);
                opens_node(&desired.manifest, pod)
                    .or_else(|| reach::refuse(&desired.manifest, pod, bounds))
            };
            let mistaken = reach::mistaken(&desired.manifest, bounds);
            mistaken.or_else(|| verbatim.then(written).flatten())
        }
    }
}

/// The specification of the pods of a workload.
fn pod(manifest: &Manifest) -> Option<&Value> {
    let GroupKind { group, kind } = &manifest.key.group_kind;
    let (_, _, at) = PODS.iter().find(|(g, k, _)| g == group && k == kind)?;
    manifest.field(at)
}

/// What in a workload would open the machine it runs on. The namespace's Pod Security refuses its pods as
/// well, but only when they start.
fn opens_node(manifest: &Manifest, pod: Option<&Value>) -> Option<String> {
    let pod = pod?;
    let parts = |name: &str| {
        pod.get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let shared = ["hostNetwork", "hostPID", "hostIPC"]
        .into_iter()
        .find(|name| pod.get(*name) == Some(&Value::Bool(true)));
    let mounted = parts("volumes").any(|volume| volume.get("hostPath").is_some());
    let containers = || {
        ["containers", "initContainers", "ephemeralContainers"]
            .into_iter()
            .flat_map(parts)
    };
    let privileged =
        containers().any(|c| c.pointer("/securityContext/privileged") == Some(&Value::Bool(true)));
    let ports = |c: &Value| c.get("ports").and_then(Value::as_array).cloned();
    let listens = containers()
        .filter_map(ports)
        .flatten()
        .any(|port| port.get("hostPort").is_some_and(|p| p.as_u64() != Some(0)));
    let what = shared
        .or(mounted.then_some("hostPath"))
        .or(privileged.then_some("privileged"))
        .or(listens.then_some("hostPort"))?;
    Some(format!(
        "a tenant may not open a node: `{what}` of {} belongs to the platform",
        manifest.key
    ))
}

/// Marks of ours on objects that a person wrote could take over or hide other objects.
fn reserved(desired: &Desired, verbatim: bool) -> Option<String> {
    if !verbatim {
        return None;
    }
    for field in ["labels", "annotations"] {
        let map = desired
            .manifest
            .field(&format!("/metadata/{field}"))
            .and_then(|m| m.as_object());
        let ours = map
            .into_iter()
            .flatten()
            .find(|(k, _)| k.contains("kubemate.dev/") && *k != SET_LABEL);
        if let Some((key, _)) = ours {
            return Some(format!("`{key}` is reserved: kubemate sets it itself"));
        }
    }
    None
}
