//! Which kind is judged how, as data. A rule names conditions or phases, or a function of a family.

use crate::health::status::{Condition, Status};
use crate::health::{Health, autoscaling, core, gateway, is, jobs, pods, workloads};
use crate::object::GroupKind;

/// How one kind is judged.
#[derive(Clone, Copy)]
pub struct HealthRule {
    /// The API group.
    pub group: &'static str,
    /// The kind, `*` for all of the group.
    pub kind: &'static str,
    /// How.
    pub verdict: Verdict,
}

/// The ways to judge.
#[derive(Clone, Copy)]
pub enum Verdict {
    /// Well once it is stored.
    Stored,
    /// By conditions, missing ones are in progress.
    Conditions {
        /// All of these must be True at this generation.
        ready: &'static [&'static str],
        /// One of these True is a failure.
        failed: &'static [&'static str],
        /// One of these True means stopped on purpose.
        suspended: &'static [&'static str],
        /// Whether a False of a ready condition is a failure rather than a wait.
        strict: bool,
    },
    /// By a word in the status, a missing one is in progress.
    Phase {
        /// Where the word is.
        pointer: &'static str,
        /// Words that mean well.
        current: &'static [&'static str],
        /// Words that mean failed.
        failed: &'static [&'static str],
        /// Words that mean stopped on purpose.
        suspended: &'static [&'static str],
    },
    /// By a function.
    Function(fn(&Status<'_>) -> Health),
}

const fn function(
    group: &'static str,
    kind: &'static str,
    judge: fn(&Status<'_>) -> Health,
) -> HealthRule {
    HealthRule {
        group,
        kind,
        verdict: Verdict::Function(judge),
    }
}

const fn ready(
    group: &'static str,
    kind: &'static str,
    ready: &'static [&'static str],
) -> HealthRule {
    let verdict = Verdict::Conditions {
        ready,
        failed: &[],
        suspended: &[],
        strict: false,
    };
    HealthRule {
        group,
        kind,
        verdict,
    }
}

const fn strict(
    group: &'static str,
    kind: &'static str,
    ready: &'static [&'static str],
) -> HealthRule {
    let verdict = Verdict::Conditions {
        ready,
        failed: &[],
        suspended: &[],
        strict: true,
    };
    HealthRule {
        group,
        kind,
        verdict,
    }
}

const fn ends(
    group: &'static str,
    kind: &'static str,
    ready: &'static [&'static str],
    failed: &'static [&'static str],
) -> HealthRule {
    let verdict = Verdict::Conditions {
        ready,
        failed,
        suspended: &["Suspended"],
        strict: false,
    };
    HealthRule {
        group,
        kind,
        verdict,
    }
}

const fn phase(
    group: &'static str,
    kind: &'static str,
    pointer: &'static str,
    (current, failed, suspended): (
        &'static [&'static str],
        &'static [&'static str],
        &'static [&'static str],
    ),
) -> HealthRule {
    HealthRule {
        group,
        kind,
        verdict: Verdict::Phase {
            pointer,
            current,
            failed,
            suspended,
        },
    }
}

/// The built-in rules; the first that fits counts.
pub(super) const RULES: &[HealthRule] = &[
    function("apps", "Deployment", workloads::deployment),
    function("apps", "StatefulSet", workloads::stateful_set),
    function("apps", "DaemonSet", workloads::daemon_set),
    function("apps", "ReplicaSet", workloads::replica_set),
    function("", "Pod", pods::pod),
    function("batch", "Job", jobs::job),
    HealthRule {
        group: "batch",
        kind: "CronJob",
        verdict: Verdict::Stored,
    },
    function("", "PersistentVolumeClaim", core::claim),
    function("", "PersistentVolume", core::volume),
    function("policy", "PodDisruptionBudget", core::disruption_budget),
    function("", "Service", core::service),
    function("", "Namespace", core::namespace),
    function("", "ResourceQuota", core::quota),
    function(
        "apiextensions.k8s.io",
        "CustomResourceDefinition",
        core::definition,
    ),
    function("autoscaling", "HorizontalPodAutoscaler", autoscaling::pods),
    function("keda.sh", "ScaledObject", autoscaling::scaled_object),
    function("keda.sh", "ScaledJob", autoscaling::scaled_object),
    strict("external-secrets.io", "*", &["Ready"]),
    function("cert-manager.io", "Certificate", core::certificate),
    ready("cert-manager.io", "*", &["Ready"]),
    function("gateway.networking.k8s.io", "Gateway", gateway::gateway),
    function("gateway.networking.k8s.io", "GatewayClass", gateway::class),
    function("gateway.networking.k8s.io", "HTTPRoute", gateway::route),
    function("gateway.networking.k8s.io", "GRPCRoute", gateway::route),
    function("gateway.networking.k8s.io", "TLSRoute", gateway::route),
    function("gateway.networking.k8s.io", "TCPRoute", gateway::route),
    strict(
        "policy.linkerd.io",
        "HTTPLocalRateLimitPolicy",
        &["Accepted"],
    ),
    strict("policy.linkerd.io", "EgressNetwork", &["Accepted"]),
    function("flagger.app", "Canary", autoscaling::canary),
    phase(
        "argoproj.io",
        "Rollout",
        "/status/phase",
        (&["Healthy"], &["Degraded"], &["Paused"]),
    ),
    ends("tekton.dev", "PipelineRun", &["Succeeded"], &[]),
    ends("tekton.dev", "TaskRun", &["Succeeded"], &[]),
    ready("triggers.tekton.dev", "EventListener", &["Ready"]),
    ready(
        "monitoring.coreos.com",
        "Prometheus",
        &["Available", "Reconciled"],
    ),
    ready(
        "monitoring.coreos.com",
        "Alertmanager",
        &["Available", "Reconciled"],
    ),
    ready(
        "monitoring.coreos.com",
        "ThanosRuler",
        &["Available", "Reconciled"],
    ),
    ends(
        "loki.grafana.com",
        "LokiStack",
        &["Ready"],
        &["Failed", "Degraded"],
    ),
    function(
        "opentelemetry.io",
        "OpenTelemetryCollector",
        autoscaling::collector,
    ),
    phase(
        "milvus.io",
        "Milvus",
        "/status/status",
        (&["Healthy"], &["Unhealthy"], &["Stopped"]),
    ),
    phase(
        "minio.min.io",
        "Tenant",
        "/status/healthStatus",
        (&["green"], &["red"], &[]),
    ),
    ends(
        "trainer.kubeflow.org",
        "TrainJob",
        &["Complete"],
        &["Failed"],
    ),
    ends("kubeflow.org", "PyTorchJob", &["Succeeded"], &["Failed"]),
    ends("kubeflow.org", "Experiment", &["Succeeded"], &["Failed"]),
    ends("jobset.x-k8s.io", "JobSet", &["Completed"], &["Failed"]),
    HealthRule {
        group: "serving.kserve.io",
        kind: "InferenceService",
        verdict: Verdict::Conditions {
            ready: &["Ready"],
            failed: &[],
            suspended: &["Stopped"],
            strict: false,
        },
    },
    ready("serving.kserve.io", "InferenceGraph", &["Ready"]),
    ready("serving.kserve.io", "LLMInferenceService", &["Ready"]),
    ready(
        "leaderworkerset.x-k8s.io",
        "LeaderWorkerSet",
        &["Available"],
    ),
    ready("kueue.x-k8s.io", "ClusterQueue", &["Active"]),
    ready("kueue.x-k8s.io", "LocalQueue", &["Active"]),
    ready("kueue.x-k8s.io", "AdmissionCheck", &["Active"]),
    phase(
        "nvidia.com",
        "*",
        "/status/state",
        (&["ready"], &["ignored"], &["disabled"]),
    ),
    phase(
        "resource.nvidia.com",
        "ComputeDomain",
        "/status/status",
        (&["Ready"], &[], &[]),
    ),
];

impl HealthRule {
    /// Whether it judges this kind.
    pub fn is_for(&self, group_kind: &GroupKind) -> bool {
        is(group_kind, self.group, self.kind)
            || (self.kind == "*" && group_kind.group == self.group)
    }

    pub(super) fn judge(&self, status: &Status<'_>) -> Health {
        match &self.verdict {
            Verdict::Stored => Health::current("it is stored"),
            Verdict::Conditions { .. } => self.conditions(status),
            Verdict::Phase {
                pointer,
                current,
                failed,
                suspended,
            } => {
                let Some(word) = status.text(pointer).filter(|word| !word.is_empty()) else {
                    return Health::progress("its controller has not spoken yet");
                };
                let why = format!("its state is {word}");
                match word {
                    word if current.contains(&word) => Health::Current { why },
                    word if failed.contains(&word) => Health::Failed { why },
                    word if suspended.contains(&word) => Health::Suspended { why },
                    _ => Health::InProgress { why },
                }
            }
            Verdict::Function(judge) => judge(status),
        }
    }

    fn conditions(&self, status: &Status<'_>) -> Health {
        let Verdict::Conditions {
            ready,
            failed,
            suspended,
            strict,
        } = &self.verdict
        else {
            return Health::Unknown {
                why: "no rule".into(),
            };
        };
        let is_true = |name: &&&str| status.fresh_condition(name).filter(|c| c.is("True"));
        if let Some(bad) = failed.iter().find_map(|name| is_true(&name)) {
            return Health::failed(bad.words("it failed"));
        }
        if let Some(stopped) = suspended.iter().find_map(|name| is_true(&name)) {
            return Health::Suspended {
                why: stopped.words("it is suspended"),
            };
        }
        for name in *ready {
            match status.fresh_condition(name) {
                None => return Health::progress(format!("its condition {name} is not there yet")),
                Some(condition) if condition.is("True") => {}
                Some(condition) => {
                    let why = condition.words(&format!("its condition {name} is not True"));
                    return not_true(condition, *strict || ends_here(name), why);
                }
            }
        }
        Health::current(match ready {
            [one] => format!("its condition {one} is True"),
            many => format!("its conditions {} are True", many.join(" and ")),
        })
    }
}

/// Conditions that tell how something ended: False is the end.
fn ends_here(name: &str) -> bool {
    matches!(name, "Succeeded" | "Complete" | "Completed")
}

fn not_true(condition: Condition<'_>, strict: bool, why: String) -> Health {
    if strict && condition.is("False") {
        Health::Failed { why }
    } else {
        Health::InProgress { why }
    }
}
