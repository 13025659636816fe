//! What the API server puts into objects by itself. A field with such a value says the same as no field.

/// The part of an object that a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    /// An object of a kind.
    Kind(&'static str),
    /// The spec of every pod.
    Pod,
    /// Every container of every pod.
    Container,
    /// Every probe of every container.
    Probe,
    /// The spec of every claim, also in templates.
    Claim,
    /// Every route of the Gateway API.
    Route,
}

/// Part, path (`*` for every item) and the default as JSON.
pub(super) const DEFAULTS: &[(At, &str, &str)] = &[
    (At::Pod, "restartPolicy", "\"Always\""),
    (At::Pod, "dnsPolicy", "\"ClusterFirst\""),
    (At::Pod, "schedulerName", "\"default-scheduler\""),
    (At::Pod, "terminationGracePeriodSeconds", "30"),
    (At::Pod, "enableServiceLinks", "true"),
    (At::Pod, "serviceAccountName", "\"default\""),
    (At::Pod, "hostNetwork", "false"),
    (At::Pod, "hostPID", "false"),
    (At::Pod, "hostIPC", "false"),
    (At::Pod, "preemptionPolicy", "\"PreemptLowerPriority\""),
    (At::Pod, "volumes/*/configMap/defaultMode", "420"),
    (At::Pod, "volumes/*/configMap/optional", "false"),
    (At::Pod, "volumes/*/secret/defaultMode", "420"),
    (At::Pod, "volumes/*/secret/optional", "false"),
    (At::Pod, "volumes/*/projected/defaultMode", "420"),
    (At::Pod, "volumes/*/downwardAPI/defaultMode", "420"),
    (At::Pod, "volumes/*/hostPath/type", "\"\""),
    (At::Pod, "volumes/*/persistentVolumeClaim/readOnly", "false"),
    (
        At::Pod,
        "volumes/*/ephemeral/volumeClaimTemplate/spec/volumeMode",
        "\"Filesystem\"",
    ),
    (
        At::Pod,
        "topologySpreadConstraints/*/nodeAffinityPolicy",
        "\"Honor\"",
    ),
    (
        At::Pod,
        "topologySpreadConstraints/*/nodeTaintsPolicy",
        "\"Ignore\"",
    ),
    (At::Pod, "tolerations/*/operator", "\"Equal\""),
    (
        At::Container,
        "terminationMessagePath",
        "\"/dev/termination-log\"",
    ),
    (At::Container, "terminationMessagePolicy", "\"File\""),
    (At::Container, "ports/*/protocol", "\"TCP\""),
    (
        At::Container,
        "env/*/valueFrom/fieldRef/apiVersion",
        "\"v1\"",
    ),
    (
        At::Container,
        "env/*/valueFrom/secretKeyRef/optional",
        "false",
    ),
    (
        At::Container,
        "env/*/valueFrom/configMapKeyRef/optional",
        "false",
    ),
    (At::Container, "envFrom/*/prefix", "\"\""),
    (At::Container, "volumeMounts/*/readOnly", "false"),
    (At::Container, "volumeMounts/*/subPath", "\"\""),
    (At::Container, "volumeMounts/*/mountPropagation", "\"None\""),
    (
        At::Container,
        "securityContext/allowPrivilegeEscalation",
        "true",
    ),
    (
        At::Container,
        "securityContext/readOnlyRootFilesystem",
        "false",
    ),
    (At::Container, "securityContext/privileged", "false"),
    (At::Container, "securityContext/procMount", "\"Default\""),
    (At::Container, "stdin", "false"),
    (At::Container, "tty", "false"),
    (At::Probe, "periodSeconds", "10"),
    (At::Probe, "timeoutSeconds", "1"),
    (At::Probe, "initialDelaySeconds", "0"),
    (At::Probe, "failureThreshold", "3"),
    (At::Probe, "successThreshold", "1"),
    (At::Probe, "httpGet/scheme", "\"HTTP\""),
    (At::Probe, "httpGet/path", "\"/\""),
    (At::Probe, "grpc/service", "\"\""),
    (At::Claim, "volumeMode", "\"Filesystem\""),
    (At::Kind("Deployment"), "spec/replicas", "1"),
    (At::Kind("Deployment"), "spec/paused", "false"),
    (At::Kind("Deployment"), "spec/minReadySeconds", "0"),
    (At::Kind("Deployment"), "spec/revisionHistoryLimit", "10"),
    (
        At::Kind("Deployment"),
        "spec/progressDeadlineSeconds",
        "600",
    ),
    (
        At::Kind("Deployment"),
        "spec/strategy/type",
        "\"RollingUpdate\"",
    ),
    (
        At::Kind("Deployment"),
        "spec/strategy/rollingUpdate/maxSurge",
        "\"25%\"",
    ),
    (
        At::Kind("Deployment"),
        "spec/strategy/rollingUpdate/maxUnavailable",
        "\"25%\"",
    ),
    (At::Kind("StatefulSet"), "spec/replicas", "1"),
    (At::Kind("StatefulSet"), "spec/minReadySeconds", "0"),
    (At::Kind("StatefulSet"), "spec/revisionHistoryLimit", "10"),
    (
        At::Kind("StatefulSet"),
        "spec/podManagementPolicy",
        "\"OrderedReady\"",
    ),
    (
        At::Kind("StatefulSet"),
        "spec/updateStrategy/type",
        "\"RollingUpdate\"",
    ),
    (
        At::Kind("StatefulSet"),
        "spec/updateStrategy/rollingUpdate/partition",
        "0",
    ),
    (
        At::Kind("StatefulSet"),
        "spec/persistentVolumeClaimRetentionPolicy/whenDeleted",
        "\"Retain\"",
    ),
    (
        At::Kind("StatefulSet"),
        "spec/persistentVolumeClaimRetentionPolicy/whenScaled",
        "\"Retain\"",
    ),
    (
        At::Kind("StatefulSet"),
        "spec/volumeClaimTemplates/*/apiVersion",
        "\"v1\"",
    ),
    (
        At::Kind("StatefulSet"),
        "spec/volumeClaimTemplates/*/kind",
        "\"PersistentVolumeClaim\"",
    ),
    (At::Kind("DaemonSet"), "spec/minReadySeconds", "0"),
    (At::Kind("DaemonSet"), "spec/revisionHistoryLimit", "10"),
    (
        At::Kind("DaemonSet"),
        "spec/updateStrategy/type",
        "\"RollingUpdate\"",
    ),
    (
        At::Kind("DaemonSet"),
        "spec/updateStrategy/rollingUpdate/maxUnavailable",
        "1",
    ),
    (
        At::Kind("DaemonSet"),
        "spec/updateStrategy/rollingUpdate/maxSurge",
        "0",
    ),
    (At::Kind("Job"), "spec/backoffLimit", "6"),
    (At::Kind("Job"), "spec/parallelism", "1"),
    (At::Kind("Job"), "spec/completions", "1"),
    (At::Kind("Job"), "spec/completionMode", "\"NonIndexed\""),
    (At::Kind("Job"), "spec/suspend", "false"),
    (At::Kind("Job"), "spec/manualSelector", "false"),
    (
        At::Kind("Job"),
        "spec/podReplacementPolicy",
        "\"TerminatingOrFailed\"",
    ),
    (At::Kind("CronJob"), "spec/concurrencyPolicy", "\"Allow\""),
    (At::Kind("CronJob"), "spec/suspend", "false"),
    (At::Kind("CronJob"), "spec/successfulJobsHistoryLimit", "3"),
    (At::Kind("CronJob"), "spec/failedJobsHistoryLimit", "1"),
    (
        At::Kind("CronJob"),
        "spec/jobTemplate/spec/backoffLimit",
        "6",
    ),
    (
        At::Kind("CronJob"),
        "spec/jobTemplate/spec/parallelism",
        "1",
    ),
    (
        At::Kind("CronJob"),
        "spec/jobTemplate/spec/completions",
        "1",
    ),
    (
        At::Kind("CronJob"),
        "spec/jobTemplate/spec/completionMode",
        "\"NonIndexed\"",
    ),
    (
        At::Kind("CronJob"),
        "spec/jobTemplate/spec/suspend",
        "false",
    ),
    (At::Kind("Service"), "spec/type", "\"ClusterIP\""),
    (At::Kind("Service"), "spec/sessionAffinity", "\"None\""),
    (
        At::Kind("Service"),
        "spec/internalTrafficPolicy",
        "\"Cluster\"",
    ),
    (
        At::Kind("Service"),
        "spec/externalTrafficPolicy",
        "\"Cluster\"",
    ),
    (
        At::Kind("Service"),
        "spec/allocateLoadBalancerNodePorts",
        "true",
    ),
    (
        At::Kind("Service"),
        "spec/publishNotReadyAddresses",
        "false",
    ),
    (At::Kind("Service"), "spec/ports/*/protocol", "\"TCP\""),
    (At::Kind("HorizontalPodAutoscaler"), "spec/minReplicas", "1"),
    (
        At::Kind("HorizontalPodAutoscaler"),
        "spec/behavior/scaleDown/selectPolicy",
        "\"Max\"",
    ),
    (
        At::Kind("HorizontalPodAutoscaler"),
        "spec/behavior/scaleUp/selectPolicy",
        "\"Max\"",
    ),
    (
        At::Kind("HorizontalPodAutoscaler"),
        "spec/behavior/scaleUp/stabilizationWindowSeconds",
        "0",
    ),
    (
        At::Kind("HorizontalPodAutoscaler"),
        "spec/behavior/scaleDown/policies",
        "[{\"type\":\"Percent\",\"value\":100,\"periodSeconds\":15}]",
    ),
    (
        At::Kind("HorizontalPodAutoscaler"),
        "spec/behavior/scaleUp/policies",
        "[{\"type\":\"Pods\",\"value\":4,\"periodSeconds\":15},{\"type\":\"Percent\",\"value\":100,\"periodSeconds\":15}]",
    ),
    (
        At::Kind("NetworkPolicy"),
        "spec/ingress/*/ports/*/protocol",
        "\"TCP\"",
    ),
    (
        At::Kind("NetworkPolicy"),
        "spec/egress/*/ports/*/protocol",
        "\"TCP\"",
    ),
    (
        At::Kind("Gateway"),
        "spec/listeners/*/tls/mode",
        "\"Terminate\"",
    ),
    (
        At::Kind("Gateway"),
        "spec/listeners/*/tls/certificateRefs/*/group",
        "\"\"",
    ),
    (
        At::Kind("Gateway"),
        "spec/listeners/*/tls/certificateRefs/*/kind",
        "\"Secret\"",
    ),
    (
        At::Kind("Gateway"),
        "spec/listeners/*/allowedRoutes/namespaces/from",
        "\"Same\"",
    ),
    (
        At::Route,
        "spec/parentRefs/*/group",
        "\"gateway.networking.k8s.io\"",
    ),
    (At::Route, "spec/parentRefs/*/kind", "\"Gateway\""),
    (At::Route, "spec/rules/*/backendRefs/*/group", "\"\""),
    (At::Route, "spec/rules/*/backendRefs/*/kind", "\"Service\""),
    (At::Route, "spec/rules/*/backendRefs/*/weight", "1"),
    (
        At::Route,
        "spec/rules/*/matches/*/headers/*/type",
        "\"Exact\"",
    ),
    (
        At::Route,
        "spec/rules/*/matches/*/queryParams/*/type",
        "\"Exact\"",
    ),
    (At::Route, "spec/rules/*/matches/*/method/type", "\"Exact\""),
    (
        At::Route,
        "spec/rules/*/filters/*/requestRedirect/statusCode",
        "302",
    ),
    (
        At::Route,
        "spec/rules/*/filters/*/requestMirror/backendRef/group",
        "\"\"",
    ),
    (
        At::Route,
        "spec/rules/*/filters/*/requestMirror/backendRef/kind",
        "\"Service\"",
    ),
    (
        At::Kind("ExternalSecret"),
        "spec/refreshPolicy",
        "\"Periodic\"",
    ),
    (
        At::Kind("ExternalSecret"),
        "spec/target/creationPolicy",
        "\"Owner\"",
    ),
    (
        At::Kind("ExternalSecret"),
        "spec/target/deletionPolicy",
        "\"Retain\"",
    ),
    (
        At::Kind("ExternalSecret"),
        "spec/target/template/engineVersion",
        "\"v2\"",
    ),
    (
        At::Kind("ExternalSecret"),
        "spec/target/template/mergePolicy",
        "\"Replace\"",
    ),
    (
        At::Kind("ExternalSecret"),
        "spec/secretStoreRef/kind",
        "\"SecretStore\"",
    ),
    (
        At::Kind("ExternalSecret"),
        "spec/data/*/remoteRef/conversionStrategy",
        "\"Default\"",
    ),
    (
        At::Kind("ExternalSecret"),
        "spec/data/*/remoteRef/decodingStrategy",
        "\"None\"",
    ),
    (
        At::Kind("ExternalSecret"),
        "spec/data/*/remoteRef/metadataPolicy",
        "\"None\"",
    ),
    (
        At::Kind("ExternalSecret"),
        "spec/data/*/remoteRef/nullBytePolicy",
        "\"Ignore\"",
    ),
    (
        At::Kind("ExternalSecret"),
        "spec/dataFrom/*/extract/conversionStrategy",
        "\"Default\"",
    ),
    (
        At::Kind("ExternalSecret"),
        "spec/dataFrom/*/extract/decodingStrategy",
        "\"None\"",
    ),
    (
        At::Kind("ExternalSecret"),
        "spec/dataFrom/*/extract/metadataPolicy",
        "\"None\"",
    ),
    (
        At::Kind("ExternalSecret"),
        "spec/dataFrom/*/extract/nullBytePolicy",
        "\"Ignore\"",
    ),
    (
        At::Kind("SecretStore"),
        "spec/provider/vault/version",
        "\"v2\"",
    ),
    (
        At::Kind("PersistentVolume"),
        "spec/volumeMode",
        "\"Filesystem\"",
    ),
    (
        At::Kind("PersistentVolume"),
        "spec/persistentVolumeReclaimPolicy",
        "\"Retain\"",
    ),
    (
        At::Kind("PersistentVolume"),
        "spec/storageClassName",
        "\"\"",
    ),
    (At::Kind("PersistentVolume"), "spec/nfs/readOnly", "false"),
];

/// Fields that the server decides and nobody wants: kind, path.
pub(super) const DECIDED: &[(&str, &str)] = &[
    ("Service", "spec/clusterIPs"),
    ("Service", "spec/ipFamilies"),
    ("Service", "spec/ipFamilyPolicy"),
    ("Service", "spec/healthCheckNodePort"),
    ("Namespace", "spec"),
    ("PersistentVolumeClaim", "spec/volumeName"),
    ("PersistentVolume", "spec/claimRef/apiVersion"),
    ("PersistentVolume", "spec/claimRef/kind"),
    ("PersistentVolume", "spec/claimRef/resourceVersion"),
    ("PersistentVolume", "spec/claimRef/uid"),
    ("Job", "spec/selector"),
];

/// Annotations and labels that others than people write, by how they begin.
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
