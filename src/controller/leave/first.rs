//! The first commit of a Sync. It is compared with nothing and needs nobody's leave, as long as nothing is there
//! yet. Where a set has objects already, some other commit was applied before and nobody knows which: a Sync that
//! is restored without its status, or made anew, is no way around approvals.

use super::{Bound, Leave, Missing, WAY_OUT};
use crate::adapters::sync::{Mode, Sync, SyncStatus};
use crate::apply::cluster::Cluster as _;
use crate::apply::problem::Problem;
use crate::controller::cycle::{Seen, Sort, Tools, Trouble};
use crate::controller::desired::Desired;

/// Why changes of a set wait.
const UNKNOWN: &str = "it has objects already and this Sync does not know which commit they are from, so \
     nobody can tell what changes";

/// By whose leave the first commit is applied. It is found out before anything is written, and then kept in the
/// status until all is as wanted.
pub(super) async fn find(
    tools: &Tools,
    sync: &Sync,
    (before, wanted): (&SyncStatus, &Desired),
    seen: &mut Seen,
) -> Result<Leave, Trouble> {
    if wanted.rule(&sync.spec).is_none() {
        return Ok(Leave::default());
    }
    seen.inherits = match is_untouched(sync.spec.mode, before) {
        true => any_owned(tools, wanted)
            .await
            .map_err(|problem| Trouble::new(Sort::Cluster, problem.to_string()))?,
        false => before.governed == Some(true),
    };
    Ok(match seen.inherits {
        true => unknown(),
        false => Leave::default(),
    })
}

/// Holds every change to sets that have objects.
fn unknown() -> Leave {
    Leave {
        bound: Some(Bound {
            owned_only: true,
            missing: vec![Missing::all(format!("{UNKNOWN}; {WAY_OUT}"))],
            ..Bound::default()
        }),
        ..Leave::default()
    }
}

/// Whether this Sync wrote nothing so far, as its status tells: whatever is there is not from it. One that only
/// observes finds it out each time, for its last look before it may write can end in many ways.
fn is_untouched(mode: Mode, before: &SyncStatus) -> bool {
    let mut conditions = before.conditions.iter();
    let observed = conditions.any(|condition| condition.reason == "Observed");
    mode == Mode::Observe || before.last_valid.is_none() || observed
}

/// Whether anything is there of what is wanted. What cannot be read is not nothing.
async fn any_owned(tools: &Tools, wanted: &Desired) -> Result<bool, Problem> {
    for rendered in &wanted.sets {
        let stored = tools.cluster.load(&rendered.set).await?;
        if !stored.inventory.entries.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

    use super::*;

    fn ready(reason: &str) -> Condition {
        Condition {
            type_: "Ready".to_owned(),
            status: "True".to_owned(),
            reason: reason.to_owned(),
            message: String::new(),
            observed_generation: None,
            last_transition_time: Time(jiff::Timestamp::UNIX_EPOCH),
        }
    }

    #[test]
    fn what_a_sync_finds_there_is_not_its_own_until_it_wrote_something() {
        let valid = |reason: &str| SyncStatus {
            last_valid: Some("c0ffee".to_owned()),
            conditions: vec![ready(reason)],
            ..SyncStatus::default()
        };
        assert!(is_untouched(Mode::Auto, &SyncStatus::default()));
        assert!(is_untouched(Mode::Auto, &valid("Observed")));
        assert!(!is_untouched(Mode::Auto, &valid("Incomplete")));
        assert!(is_untouched(Mode::Observe, &valid("Incomplete")));
    }

    #[test]
    fn what_is_not_known_is_about_sets_with_objects_and_says_a_way_out() {
        let bound = unknown().bound.unwrap();
        assert!(bound.owned_only && bound.unruled.is_empty());
        assert!(
            bound.missing[0]
                .why
                .contains("put its digest into `approved`")
        );
    }
}
