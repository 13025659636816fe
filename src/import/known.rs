//! What the cluster keeps or writes by itself, and what the language has a safer value for.

/// Fields that the server decides and nobody wants: kind, path.
pub(super) const DECIDED: &[(&str, &str)] = &[
    ("Service", "spec/clusterIPs"),
    ("Service", "spec/healthCheckNodePort"),
    ("Namespace", "spec"),
    ("PersistentVolumeClaim", "spec/volumeName"),
    ("PersistentVolume", "spec/claimRef/apiVersion"),
    ("PersistentVolume", "spec/claimRef/kind"),
    ("PersistentVolume", "spec/claimRef/resourceVersion"),
    ("PersistentVolume", "spec/claimRef/uid"),
    ("Job", "spec/selector"),
];

/// Annotations and labels that others than people write; with a slash at the end, all that begin so.
pub(super) const NOISE: &[&str] = &[
    "kubectl.kubernetes.io/last-applied-configuration",
    "kubectl.kubernetes.io/restartedAt",
    "deployment.kubernetes.io/",
    "deprecated.daemonset.template.generation",
    "pv.kubernetes.io/",
    "volume.kubernetes.io/",
    "volume.beta.kubernetes.io/",
    "batch.kubernetes.io/",
    "controller-uid",
    "job-name",
    "kubernetes.io/metadata.name",
    "kubemate.dev/set",
    "kubemate.dev/config",
];

/// Kinds that the cluster keeps by itself.
pub(super) const KEPT_BY_CLUSTER: &[&str] = &[
    "ReplicaSet",
    "ControllerRevision",
    "Endpoints",
    "EndpointSlice",
    "Event",
    "Lease",
    "PodMetrics",
];

/// Kinds without a namespace.
pub(super) const CLUSTER_WIDE: &[&str] = &[
    "Namespace",
    "Node",
    "PersistentVolume",
    "CustomResourceDefinition",
    "APIService",
    "StorageClass",
    "PriorityClass",
    "IngressClass",
    "GatewayClass",
    "RuntimeClass",
    "CSIDriver",
    "CSINode",
    "VolumeAttachment",
    "FlowSchema",
    "PriorityLevelConfiguration",
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ClusterRole",
    "ClusterRoleBinding",
    "ClusterIssuer",
    "ClusterSecretStore",
    "ClusterExternalSecret",
];

/// Fields where the language has a safe value of its own.
pub(super) const SAFER: &[&str] = &[
    "securityContext",
    "enableServiceLinks",
    "automountServiceAccountToken",
    "revisionHistoryLimit",
];
