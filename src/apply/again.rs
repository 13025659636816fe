//! What was not healthy when its own set was done is judged again when all sets are.
//!
//! A set may be unhealthy only because another one comes later: a gateway of the platform refers to a
//! certificate of a tenant. Failures that an object reports of itself may therefore end, and are waited
//! for, but never longer than the patience of the run or [`AFTER_ALL`].

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream;
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::apply::cluster::Cluster;
use crate::apply::outcome::{Outcome, Report};
use crate::apply::perform::target_of;
use crate::apply::problem::Problem;
use crate::apply::wait::{self, Waiting};
use crate::health::{Health, completion};
use crate::object::{GroupKind, ObjectKey, Rendered};
use crate::plan::observed::{Observed, World};
use crate::plan::order::pod_spec;
use crate::plan::step::StepId;

/// For how long at most it is waited after the last set, within the patience of the run.
const AFTER_ALL: Duration = Duration::from_secs(45);
/// Objects that are looked at at once.
const AT_ONCE: usize = 16;

/// The steps of a report that were done and whose objects were not healthy.
pub fn unsettled(report: &Report) -> Vec<(StepId, ObjectKey)> {
    let steps = report.steps.iter().filter(|(_, step)| {
        step.outcome == Outcome::Done && step.health.as_ref().is_some_and(|h| !h.is_settled())
    });
    steps.map(|(id, step)| (*id, step.key.clone())).collect()
}

/// Whether an object that is not healthy may become so without being written again. What its pods or
/// its own end decided was waited for already.
pub(super) fn may_mend(group_kind: &GroupKind, body: &Value) -> bool {
    pod_spec(group_kind, body).is_none()
}

/// The end of the wait: of the run's patience, but not later than [`AFTER_ALL`] from now.
fn end(patience: Instant, now: Instant) -> Instant {
    patience.min(now + AFTER_ALL)
}

/// Judges again what was not healthy in a report, and writes what is well now into it. Each object is
/// read at least once; what cannot be read stays as it was.
pub async fn settle<C: Cluster>(
    cluster: &C,
    rendered: &Rendered,
    report: &mut Report,
    patience: Instant,
    stop: &CancellationToken,
) {
    let deadline = end(patience, Instant::now());
    let looks = unsettled(report).into_iter().map(|(id, key)| async move {
        let waiting = Waiting {
            target: target_of(&key, rendered),
            deadline,
            stop: stop.clone(),
            pace: Arc::default(),
        };
        (id, wait::again(cluster, &waiting).await)
    });
    let looks: Vec<_> = stream::iter(looks)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    for (id, health) in looks {
        // What was said before knows more about the pods than a single look.
        let well = health.ok().filter(Health::is_settled);
        if let (Some(well), Some(step)) = (well, report.steps.get_mut(&id)) {
            step.health = Some(well);
        }
    }
}

/// What a set wants, found unchanged and not well: no step of the run would wait for it.
pub fn unwell(rendered: &Rendered, world: &World, now: Timestamp) -> Vec<ObjectKey> {
    let unwell = |key: &&ObjectKey| match world.objects.get(*key) {
        Some(Observed::Present(live)) => !completion(&live.body, now).is_settled(),
        Some(
            Observed::Absent { .. } | Observed::Unchanged { .. } | Observed::Unreadable { .. },
        )
        | None => false,
    };
    rendered.objects.keys().filter(unwell).cloned().collect()
}

/// Waits for objects that no step waited for; those that are still not well at the deadline, and why.
pub async fn linger<C: Cluster>(
    cluster: &C,
    (rendered, keys): (&Rendered, &[ObjectKey]),
    deadline: Instant,
    stop: &CancellationToken,
    say: &(dyn Fn(&ObjectKey, &Health) + Send + Sync),
) -> Vec<(ObjectKey, Health)> {
    let pace = Arc::default();
    let waits = keys.iter().map(|key| {
        let waiting = Waiting {
            target: target_of(key, rendered),
            deadline,
            stop: stop.clone(),
            pace: Arc::clone(&pace),
        };
        async move {
            let heard = |health: &Health| say(key, health);
            let health = wait::healthy(cluster, &waiting, None, &heard).await;
            let unread = |problem: Problem| Health::Unknown {
                why: problem.to_string(),
            };
            (key.clone(), health.unwrap_or_else(unread))
        }
    });
    let waits = stream::iter(waits).buffer_unordered(AT_ONCE);
    let mut left: Vec<_> = waits
        .filter(|(_, health)| std::future::ready(!health.is_settled()))
        .collect()
        .await;
    left.sort_by(|(a, _), (b, _)| a.cmp(b));
    left
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::apply::cluster::Stored;
    use crate::apply::outcome::{Because, StepReport};
    use crate::object::{Owner, SetId};
    use crate::plan::inventory::Inventory;
    use crate::plan::step::Verb;

    fn step(name: &str, outcome: Outcome, health: Option<Health>) -> StepReport {
        StepReport {
            key: ObjectKey {
                group_kind: GroupKind::new("", "ConfigMap"),
                namespace: None,
                name: name.to_owned(),
            },
            verb: Verb::Create,
            outcome,
            health,
        }
    }

    #[test]
    fn only_what_was_done_and_is_not_well_is_judged_again() {
        let failed = || Some(Health::failed("no certificate"));
        let because = Because::CalledOff;
        let steps = [
            step("failed", Outcome::Done, failed()),
            step("slow", Outcome::Done, Some(Health::progress("not yet"))),
            step("well", Outcome::Done, Some(Health::current("well"))),
            step("unasked", Outcome::Done, None),
            step("left", Outcome::NotAttempted { because }, failed()),
        ];
        let set = SetId {
            project: "p".into(),
            cluster: "c".into(),
            environment: "e".into(),
            owner: Owner::Platform,
        };
        let steps: BTreeMap<StepId, StepReport> = (0..).map(StepId).zip(steps).collect();
        let report = Report {
            stored: Stored {
                inventory: Inventory::new(set.clone()),
                version: None,
                parts: Vec::new(),
            },
            set,
            steps,
            bookkeeping: None,
        };
        let names: Vec<String> = unsettled(&report)
            .into_iter()
            .map(|(_, k)| k.name)
            .collect();
        assert_eq!(names, ["failed", "slow"]);
    }

    #[test]
    fn pods_and_jobs_were_waited_for_and_others_may_mend() {
        let body = json!({"spec": {"template": {"spec": {}}}});
        for (group, kind, mends) in [
            ("apps", "Deployment", false),
            ("batch", "Job", false),
            ("gateway.networking.k8s.io", "Gateway", true),
            ("cert-manager.io", "Certificate", true),
        ] {
            assert_eq!(
                may_mend(&GroupKind::new(group, kind), &body),
                mends,
                "{kind}"
            );
        }
    }

    #[test]
    fn the_wait_ends_with_the_patience_and_with_its_own_bound() {
        let now = Instant::now();
        assert_eq!(
            end(now + Duration::from_secs(5), now),
            now + Duration::from_secs(5)
        );
        assert_eq!(end(now + Duration::from_secs(500), now), now + AFTER_ALL);
        assert_eq!(end(now, now), now);
    }
}
