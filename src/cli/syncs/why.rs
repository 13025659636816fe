//! Why a Sync is as it is, for a person: since when, whose turn it is, and set by set what is in the way.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt as _;

use crate::adapters::sync::{SetSummary, Sync};

/// The lines, without line breaks. `now` is the time that durations are counted to.
pub(super) fn lines(sync: &Sync, now: Timestamp) -> Vec<String> {
    let name = sync.name_any();
    let Some(status) = &sync.status else {
        return vec![
            format!("{name}: new"),
            "  the controller has not looked at it yet; is it running? `kubectl get pods -n kubemate-system`"
                .to_owned(),
        ];
    };
    let ready = status.conditions.iter().find(|c| c.type_ == "Ready");
    let reason = ready.map_or("Unknown", |c| c.reason.as_str());
    let is = if sync.condition("Ready") == "True" {
        "ready"
    } else {
        "not ready"
    };
    let since = ready.map(|c| since(c, now)).unwrap_or_default();
    let mut lines = vec![format!("{name}: {is} ({reason}){since}")];
    lines.push(format!("  {}", status.story));
    lines.push(format!("  next: {}", turn(reason, &name)));
    let stale = sync.metadata.generation.unwrap_or_default() > status.observed_generation;
    if stale {
        lines.push("  the Sync was changed since; the controller has not read it yet".to_owned());
    }
    let others = [("Healthy", "True"), ("Drifted", "False")];
    for (kind, good) in others {
        let odd = status
            .conditions
            .iter()
            .find(|c| c.type_ == kind && c.status != good);
        if let Some(condition) = odd {
            let status = &condition.status;
            lines.push(format!(
                "  {kind} is {status}{}",
                self::since(condition, now)
            ));
        }
    }
    let waiting = status.waiting.iter().filter(|w| w.missing > 0);
    lines.extend(waiting.map(|w| {
        let (set, change, rule, digest) = (&w.set, &w.change, &w.rule, &w.intent);
        let how = match &w.freeze {
            Some(freeze) => {
                format!("{digest} --freeze {freeze} --ticket TICKET --reason WHY` lets it through")
            }
            None => format!("{digest}` approves it in the cluster"),
        };
        format!("  {set}: {change}: {rule}; `kubemate approve {name} --digest {how}")
    }));
    let open = status.sets.iter().filter(|(_, set)| is_open(set));
    lines.extend(open.map(|(name, set)| of_set(name, set)));
    lines
}

fn is_open(set: &SetSummary) -> bool {
    set.pending + set.held + set.drifted + set.unhealthy > 0 || !set.message.is_empty()
}

fn of_set(name: &str, set: &SetSummary) -> String {
    let counts = [
        (set.pending, "not done"),
        (set.held, "held"),
        (set.drifted, "drifted"),
        (set.unhealthy, "not healthy"),
    ];
    let counts: Vec<String> = counts
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{n} {what}"))
        .collect();
    let mut line = format!("  {name}: {} of {} objects", counts.join(", "), set.objects);
    if counts.is_empty() {
        line = format!("  {name}");
    }
    if !set.message.is_empty() {
        line = format!("{line}: {}", set.message);
    }
    match &set.plan {
        Some(plan) if set.held > 0 || set.pending > 0 => format!("{line} (plan {plan})"),
        Some(_) | None => line,
    }
}

/// Whose turn it is, and what to do.
fn turn(reason: &str, name: &str) -> String {
    match reason {
        "Applied" => "nothing; changes in Git and in the cluster are followed".to_owned(),
        "Observed" => {
            "nothing is written in mode observe; `spec.mode: auto` or `manual` applies".to_owned()
        }
        "AwaitsApproval" => "a person: add the digest of the plan to `spec.approved`, or say \
             `/kubemate apply DIGEST` on the merged pull request"
            .to_owned(),
        "HeldByRules" => {
            "a person: change it in Git, or confirm what is held, as its set says below".to_owned()
        }
        "InvalidCommit" => {
            "the author: mend the commit; the last good one stays in force".to_owned()
        }
        "NotSigned" => {
            "the author: sign it with a key that `spec.verify` names; the last good one \
             stays in force"
                .to_owned()
        }
        "HistoryRewritten" => "a person: push a commit that comes after the one in force, or say \
             yes with `spec.confirmHistory`"
            .to_owned(),
        "BadSpec" => format!("a person: mend the spec of sync/{name}"),
        "UpgradePending" => "a person: push a commit, whose plan shows what this kubemate renders \
             otherwise, or go back to the version that applied it"
            .to_owned(),
        "SetClaimed" => "a person: an older Sync keeps the set; narrow `spec.tenants` of one of \
             them, or suspend or delete one"
            .to_owned(),
        "WrongCluster" => "a person: this is not the cluster that the project names".to_owned(),
        "Suspended" => format!("a person: `kubemate resume {name}`"),
        "SourceFailed" => {
            "kubemate tries again; look at the Git host and its credential".to_owned()
        }
        "ClusterFailed" => "kubemate tries again; look at the API server and the rights".to_owned(),
        "Incomplete" => "kubemate tries again; each set below says what is in the way".to_owned(),
        "Superseded" => "kubemate: a newer commit is on its way".to_owned(),
        _ => "kubemate tries again; its log says more".to_owned(),
    }
}

/// As in ", for 12m since 2026-05-04T10:00:00Z".
fn since(condition: &Condition, now: Timestamp) -> String {
    let start = condition.last_transition_time.0;
    let seconds = now.as_second().saturating_sub(start.as_second()).max(0);
    let lasted = match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    };
    format!(", for {lasted} since {start}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(status: &serde_json::Value) -> String {
        let sync: Sync = serde_json::from_value(json!({
            "apiVersion": "kubemate.dev/v1alpha1", "kind": "Sync",
            "metadata": {"name": "dev", "generation": 3},
            "spec": {"repository": "https://git.example/p.git", "environment": "dev", "cluster": "hq"},
            "status": status,
        }))
        .unwrap();
        lines(&sync, "2026-05-04T10:12:30Z".parse().unwrap()).join("\n")
    }

    fn condition(kind: &str, status: &str, reason: &str) -> serde_json::Value {
        json!({"type": kind, "status": status, "reason": reason, "message": "",
            "lastTransitionTime": "2026-05-04T10:00:00Z"})
    }

    #[test]
    fn a_held_sync_says_whose_turn_it_is() {
        let status = json!({
            "observedGeneration": 2,
            "story": "0a1b2c3d4e5f: 1 change held by rules",
            "conditions": [condition("Ready", "False", "HeldByRules"), condition("Healthy", "False", "HeldByRules")],
            "sets": {
                "hq/payments/dev": {"objects": 9, "pending": 1, "held": 1, "plan": "sha256:12",
                    "message": "tenants/payments/a.kdl:3:1: a volume claim would be deleted"},
                "hq/platform/dev": {"objects": 40},
            },
        });
        insta::assert_snapshot!(told(&status), @r"
        dev: not ready (HeldByRules), for 12m since 2026-05-04T10:00:00Z
          0a1b2c3d4e5f: 1 change held by rules
          next: a person: change it in Git, or confirm what is held, as its set says below
          the Sync was changed since; the controller has not read it yet
          Healthy is False, for 12m since 2026-05-04T10:00:00Z
          hq/payments/dev: 1 not done, 1 held of 9 objects: tenants/payments/a.kdl:3:1: a volume claim would be deleted (plan sha256:12)
        ");
    }

    #[test]
    fn every_reason_has_a_next_step() {
        let reasons = [
            "Applied",
            "Observed",
            "AwaitsApproval",
            "HeldByRules",
            "Incomplete",
            "Superseded",
            "BadSpec",
            "SourceFailed",
            "InvalidCommit",
            "NotSigned",
            "HistoryRewritten",
            "WrongCluster",
            "UpgradePending",
            "SetClaimed",
            "ClusterFailed",
            "Suspended",
        ];
        for reason in reasons {
            assert!(!turn(reason, "dev").contains("its log"), "{reason}");
        }
        assert!(turn("InternalError", "dev").contains("its log"));
    }
}
