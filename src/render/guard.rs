//! What a tenant's set may hold: objects in the tenant's own namespaces, of kinds that give no power
//! over anybody else. Refused here, at plan time, with a line; RBAC refuses it again at the server.

use crate::object::{Desired, GroupKind, Owner, SET_LABEL};

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

/// Why an object may not be in its set; `None` if it may. `namespaces` are the tenant's on this
/// target; `verbatim` says that the object came from a manifest as written.
pub fn refuse(
    desired: &Desired,
    owner: &Owner,
    namespaces: &[String],
    verbatim: bool,
) -> Option<String> {
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
        Some(namespace) if !namespaces.contains(namespace) => Some(format!(
            "{key} is outside tenant `{tenant}`, whose namespaces here are {}",
            namespaces.join(", ")
        )),
        Some(_) => None,
    }
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
