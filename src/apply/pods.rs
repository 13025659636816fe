//! Looks at the pods of a workload: to say what it waits for, and to see early that it waits in vain.

use jiff::Timestamp;
use serde_json::Value;

use crate::apply::cluster::{Cluster, ListQuery};
use crate::health::{Health, health};
use crate::object::GroupKind;
use crate::plan::observed::Live;

/// What the pods of a workload say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pods {
    /// How many there are of the present revision.
    total: usize,
    /// How many of them cannot become ready.
    failed: usize,
    /// What the first of those says, else what the first that is not ready says.
    why: String,
}

impl Pods {
    /// One sentence about them, if there is something to say.
    pub(super) fn sentence(&self) -> Option<String> {
        if self.why.is_empty() {
            return None;
        }
        let count = if self.failed > 0 {
            self.failed
        } else {
            self.total
        };
        Some(format!("{count} of {} pods: {}", self.total, self.why))
    }

    /// Whether some of them will not become ready by waiting.
    pub(super) fn stuck(&self) -> bool {
        self.failed > 0
    }
}

/// The pods of the workload's present revision; none for kinds without pods, or where they cannot be
/// read, since they only explain.
pub(super) async fn pods<C: Cluster>(cluster: &C, workload: &Live) -> Option<Pods> {
    let text = |pointer| workload.body.pointer(pointer).and_then(Value::as_str);
    let kind = text("/kind")?;
    let (name, namespace) = (text("/metadata/name")?, text("/metadata/namespace")?);
    if !matches!(
        kind,
        "Deployment" | "StatefulSet" | "DaemonSet" | "Job" | "ReplicaSet"
    ) {
        return None;
    }
    let labels = match kind {
        "Job" => format!("batch.kubernetes.io/job-name={name}"),
        _ => selector(workload.body.pointer("/spec/selector/matchLabels")?)?,
    };
    let labels = match kind {
        "Deployment" => {
            let hash = template_hash(cluster, workload, namespace, &labels).await?;
            format!("{labels},pod-template-hash={hash}")
        }
        "StatefulSet" => match text("/status/updateRevision") {
            Some(revision) => format!("{labels},controller-revision-hash={revision}"),
            None => labels,
        },
        // Nothing tells its old pods from its new ones but how many are new.
        "DaemonSet" if !all_updated(workload) => return None,
        _ => labels,
    };
    let query = ListQuery {
        group_kind: GroupKind::new("", "Pod"),
        namespace: Some(namespace.to_owned()),
        labels,
    };
    let pods = cluster.list(&query).await.ok()?;
    Some(judge(&pods, cluster.now()))
}

/// Whether every pod of a DaemonSet is of its present revision.
fn all_updated(daemon_set: &Live) -> bool {
    let count = |field: &str| {
        let value = daemon_set.body.pointer(&format!("/status/{field}"));
        value.and_then(Value::as_u64).unwrap_or_default()
    };
    count("updatedNumberScheduled") >= count("desiredNumberScheduled")
}

fn judge(pods: &[Value], now: Timestamp) -> Pods {
    let (mut failed, mut first_failed, mut first_waiting) = (0, None, None);
    // A pod that has ended is replaced by its controller, which also says when that was once too often.
    let ended = |pod: &Value| {
        let phase = pod.pointer("/status/phase").and_then(Value::as_str);
        matches!(phase, Some("Failed" | "Succeeded"))
    };
    let living = pods
        .iter()
        .filter(|pod| pod.pointer("/metadata/deletionTimestamp").is_none() && !ended(pod));
    let living: Vec<&Value> = living.collect();
    for pod in &living {
        match health(pod, now) {
            Health::Failed { why } => {
                failed += 1;
                first_failed.get_or_insert(why);
            }
            Health::InProgress { why } | Health::Unknown { why } => {
                first_waiting.get_or_insert(why);
            }
            Health::Current { .. } | Health::Suspended { .. } | Health::Terminating { .. } => {}
        }
    }
    Pods {
        total: living.len(),
        failed,
        why: first_failed.or(first_waiting).unwrap_or_default(),
    }
}

/// The hash of the ReplicaSet that the Deployment is moving to.
async fn template_hash<C: Cluster>(
    cluster: &C,
    deployment: &Live,
    namespace: &str,
    labels: &str,
) -> Option<String> {
    let query = ListQuery {
        group_kind: GroupKind::new("apps", "ReplicaSet"),
        namespace: Some(namespace.to_owned()),
        labels: labels.to_owned(),
    };
    let sets = cluster.list(&query).await.ok()?;
    let ours = sets.iter().filter(|set| {
        let owners = set
            .pointer("/metadata/ownerReferences")
            .and_then(Value::as_array);
        let uid = Some(deployment.uid.as_str());
        owners
            .into_iter()
            .flatten()
            .any(|owner| owner.get("uid").and_then(Value::as_str) == uid)
    });
    let newest = ours.max_by_key(|set| revision(set))?;
    let labels = newest.pointer("/metadata/labels")?;
    Some(labels.get("pod-template-hash")?.as_str()?.to_owned())
}

fn revision(set: &Value) -> u64 {
    let annotations = set.pointer("/metadata/annotations");
    let text = annotations.and_then(|a| a.get("deployment.kubernetes.io/revision")?.as_str());
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn selector(labels: &Value) -> Option<String> {
    let pairs: Option<Vec<String>> = labels
        .as_object()?
        .iter()
        .map(|(name, value)| Some(format!("{name}={}", value.as_str()?)))
        .collect();
    pairs
        .filter(|pairs| !pairs.is_empty())
        .map(|pairs| pairs.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn says_how_many_pods_are_stuck_and_why() {
        let pod = |reason: &str| {
            json!({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},
            "status":{"phase":"Pending","containerStatuses":[{"name":"c","image":"x:1","state":{"waiting":{"reason":reason}}}]}})
        };
        let ready = json!({"apiVersion":"v1","kind":"Pod","metadata":{"name":"b"},
            "status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}});
        let seen = judge(
            &[
                pod("ImagePullBackOff"),
                ready.clone(),
                pod("ImagePullBackOff"),
            ],
            Timestamp::UNIX_EPOCH,
        );
        assert!(seen.stuck());
        assert_eq!(
            seen.sentence().unwrap(),
            "2 of 3 pods: the container c cannot get x:1"
        );
        assert_eq!(judge(&[ready], Timestamp::UNIX_EPOCH).sentence(), None);
    }
}
