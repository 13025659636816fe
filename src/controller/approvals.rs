//! What people approved in the cluster, as far as it is known: one watch for all Syncs. As long as it is
//! not known, nothing counts.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use kube::ResourceExt as _;
use kube::runtime::watcher;

use super::watches::is_missing;
use crate::adapters::approval::{self, Approval};
use crate::plan::approved::Given;

/// Approvals that are kept in mind; what is more does not count.
const MAX_KNOWN: usize = 5000;
/// Approvals of one Sync that are looked at.
const MAX_OF_SYNC: usize = 500;
/// Approvals of one person for one Sync that are looked at: nobody crowds out the others.
const MAX_OF_PERSON: usize = 100;
/// For how long the API server may think.
const PATIENCE: Duration = Duration::from_secs(10);

/// By its name: the Sync it is for, and what it says.
type All = BTreeMap<String, (String, Given)>;

/// All Approvals of the cluster.
#[derive(Default)]
pub struct Approvals {
    inner: RwLock<Inner>,
}

#[derive(Default)]
struct Inner {
    /// `None` until they were read once.
    known: Option<All>,
    /// What is being read anew.
    fresh: All,
}

impl Approvals {
    /// Hears of a change. The Syncs that it may matter to.
    pub(super) fn hear(&self, event: watcher::Event<Approval>) -> BTreeSet<String> {
        let mut guard = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let Inner { known, fresh } = &mut *guard;
        match event {
            watcher::Event::Init => {
                fresh.clear();
                BTreeSet::new()
            }
            watcher::Event::InitApply(approval) => {
                drop(take(fresh, &approval));
                BTreeSet::new()
            }
            watcher::Event::InitDone => {
                let before = known.replace(std::mem::take(fresh)).unwrap_or_default();
                different(&before, known.as_ref().unwrap_or(&All::new()))
            }
            watcher::Event::Apply(approval) => take(known.get_or_insert_default(), &approval),
            watcher::Event::Delete(approval) => {
                let gone = known.get_or_insert_default().remove(&approval.name_any());
                gone.map(|(sync, _)| sync).into_iter().collect()
            }
        }
    }

    /// Hears that Approvals cannot be read. Where there is no such kind, there are none.
    pub(super) fn fail(&self, error: &watcher::Error) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        if is_missing(error) {
            inner.known = Some(All::new());
        }
    }

    /// What people approved for a Sync, as it stands now; `None` where that is not known. What was taken
    /// back does not count while the watch does not tell.
    pub(super) async fn live(&self, client: kube::Client, sync: &str) -> Option<Vec<Given>> {
        let known = self.of(sync)?;
        if known.is_empty() && !self.is_full() {
            return Some(known);
        }
        match tokio::time::timeout(PATIENCE, approval::list(client)).await {
            Ok(Ok(all)) => Some(of_sync(&all, sync)),
            Ok(Err(error)) => {
                tracing::warn!(sync, %error, "Approvals cannot be read; none counts");
                None
            }
            Err(_) => {
                tracing::warn!(sync, "Approvals were not read in time; none counts");
                None
            }
        }
    }

    /// Whether there are more than are kept in mind.
    fn is_full(&self) -> bool {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        let full = |all: &All| all.len() >= MAX_KNOWN;
        inner.known.as_ref().is_some_and(full)
    }

    /// What people approved for a Sync; `None` while that is not known.
    pub(super) fn of(&self, sync: &str) -> Option<Vec<Given>> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        let all = inner.known.as_ref()?.values();
        let of = all.filter(|(other, _)| other == sync);
        Some(
            of.map(|(_, given)| given.clone())
                .take(MAX_OF_SYNC)
                .collect(),
        )
    }
}

/// Those of one Sync, of all that were read, the newest first.
fn of_sync(all: &[Approval], sync: &str) -> Vec<Given> {
    let of = all.iter().filter(|approval| approval.spec.sync == sync);
    let mut of: Vec<Given> = of.filter_map(Approval::given).collect();
    of.sort_by_key(|given| Reverse(given.at));
    let mut people: BTreeMap<String, usize> = BTreeMap::new();
    of.retain(|given| {
        let count = people.entry(given.user.clone()).or_default();
        *count += 1;
        *count <= MAX_OF_PERSON
    });
    of.truncate(MAX_OF_SYNC);
    of
}

/// Remembers an Approval. The Syncs that this may matter to.
fn take(all: &mut All, approval: &Approval) -> BTreeSet<String> {
    let name = approval.name_any();
    let before = all.remove(&name);
    let given = approval.given().filter(|_| all.len() < MAX_KNOWN);
    let now = given.map(|given| (approval.spec.sync.clone(), given));
    if now.is_none() {
        tracing::warn!(
            approval = name,
            "this Approval does not count: it is too large, or one too many"
        );
    }
    if before == now {
        all.extend(now.map(|now| (name, now)));
        return BTreeSet::new();
    }
    let concerned = [&before, &now].into_iter().flatten();
    let concerned = concerned.map(|(sync, _)| sync.clone()).collect();
    all.extend(now.map(|now| (name, now)));
    concerned
}

/// The Syncs of which something is different.
fn different(before: &All, now: &All) -> BTreeSet<String> {
    let news = |one: &All, other: &All| -> Vec<String> {
        let new = one
            .iter()
            .filter(|(name, given)| other.get(*name) != Some(*given));
        new.map(|(_, (sync, _))| sync.clone()).collect()
    };
    news(before, now)
        .into_iter()
        .chain(news(now, before))
        .collect()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use serde_json::json;

    use super::*;

    fn approval(name: &str, sync: &str, user: &str) -> Approval {
        serde_json::from_value(json!({
            "apiVersion": "kubemate.dev/v1alpha1", "kind": "Approval", "metadata": {"name": name},
            "spec": {"sync": sync, "pull": "7", "commit": "c", "intent": "i", "user": user},
        }))
        .unwrap()
    }

    fn names(syncs: BTreeSet<String>) -> Vec<String> {
        syncs.into_iter().collect()
    }

    #[test]
    fn what_is_not_known_is_none_and_changes_wake_whom_they_concern() {
        let approvals = Approvals::default();
        assert_eq!(approvals.of("prod"), None);
        let hear = |event| names(approvals.hear(event));
        assert!(hear(watcher::Event::Init).is_empty());
        for (name, sync) in [("a", "prod"), ("b", "dev")] {
            assert!(hear(watcher::Event::InitApply(approval(name, sync, "ana"))).is_empty());
        }
        assert_eq!(approvals.of("prod"), None, "half a list is none");
        assert_eq!(hear(watcher::Event::InitDone), ["dev", "prod"]);
        assert_eq!(approvals.of("prod").unwrap().len(), 1);
        assert!(approvals.of("other").unwrap().is_empty());
        let same = approval("a", "prod", "ana");
        assert!(hear(watcher::Event::Apply(same)).is_empty());
        let other = approval("a", "dev", "ana");
        assert_eq!(hear(watcher::Event::Apply(other)), ["dev", "prod"]);
        let gone = approval("b", "dev", "ana");
        assert_eq!(hear(watcher::Event::Delete(gone)), ["dev"]);
        let long = approval("c", "prod", &"x".repeat(1000));
        assert!(hear(watcher::Event::Apply(long)).is_empty());
        // A new list takes away what is no longer in it.
        hear(watcher::Event::Init);
        assert_eq!(hear(watcher::Event::InitDone), ["dev"]);
        assert!(approvals.of("dev").unwrap().is_empty());
    }

    #[test]
    fn of_all_that_are_read_those_of_one_sync_count() {
        let all = [
            approval("a", "prod", "ana"),
            approval("b", "dev", "ana"),
            approval("c", "prod", &"x".repeat(1000)),
        ];
        let given = of_sync(&all, "prod");
        assert_eq!(given.len(), 1);
        assert!(
            given[0].changed,
            "an object without a generation is not what it was"
        );
    }

    #[test]
    fn nobody_crowds_out_the_others() {
        let mut all: Vec<Approval> = (0..2 * MAX_OF_SYNC)
            .map(|number| approval(&format!("a{number}"), "prod", "eve"))
            .collect();
        all.push(approval("z", "prod", "ana"));
        let given = of_sync(&all, "prod");
        let of = |user: &str| given.iter().filter(|given| given.user == user).count();
        assert_eq!((of("eve"), of("ana")), (MAX_OF_PERSON, 1));
        for (name, at) in [
            ("old", "2026-05-04T10:00:00Z"),
            ("new", "2026-05-04T11:00:00Z"),
        ] {
            let mut approval = approval(name, "prod", "eve");
            let time: Timestamp = at.parse().unwrap();
            approval.metadata.creation_timestamp = Some(Time(time));
            all.push(approval);
        }
        let given = of_sync(&all, "prod");
        let newest = given.first().and_then(|given| given.at).unwrap();
        assert_eq!(newest.to_string(), "2026-05-04T11:00:00Z");
    }

    #[test]
    fn there_are_only_so_many() {
        let mut all = All::new();
        for number in 0..=MAX_KNOWN {
            let name = format!("a{number}");
            drop(take(&mut all, &approval(&name, "prod", "ana")));
        }
        assert_eq!(all.len(), MAX_KNOWN);
    }
}
