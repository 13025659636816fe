//! A tenant's broken files stop that tenant only: what was valid of them before stands in, and its sets
//! say what is wrong. A tenant that was never valid has nothing that stands in.

use std::collections::{BTreeMap, BTreeSet};

use super::cycle::{Tools, fresh};
use super::desired::Desired;
use super::set::SetResult;
use super::status::short;
use crate::adapters::git::remote::RemoteRepository;
use crate::adapters::sync::{Sync, fitting};
use crate::object::Owner;
use crate::source::repository::CommitId;

/// Older commits that are rendered at most. Tenants of others stay as they are, and are not looked at.
const ELDERS: usize = 8;

/// Puts what was valid before into what is wanted. False if something may yet be found that was not
/// found now.
pub(super) async fn fall_back(
    tools: &Tools,
    sync: &Sync,
    remote: &RemoteRepository,
    desired: &mut Desired,
) -> bool {
    let before = sync.status.as_ref();
    let mut by_commit: BTreeMap<&String, Vec<Owner>> = BTreeMap::new();
    for owner in desired.behind.keys() {
        let kept = before.and_then(|status| status.behind.get(&owner.to_string()));
        let valid = before.and_then(|status| status.last_valid.as_ref());
        if let Some(commit) = kept.or(valid) {
            by_commit.entry(commit).or_default().push(owner.clone());
        }
    }
    let mut lasting = true;
    for (number, (commit, owners)) in by_commit.into_iter().enumerate() {
        for owner in &owners {
            desired.remember(owner, commit);
        }
        let Some(id) = CommitId::new(commit).filter(|_| number < ELDERS) else {
            continue;
        };
        match fresh(tools, sync, remote, &id).await {
            Ok(elder) => {
                for owner in &owners {
                    desired.fall_back(owner, commit, &elder, &sync.spec);
                }
            }
            Err(trouble) => {
                let problem = trouble.message;
                tracing::warn!(%commit, %problem, "what was valid before a mistake cannot be read");
                lasting &= !trouble.sort.passes();
            }
        }
    }
    lasting
}

/// The commits at which tenants are kept.
pub(super) fn kept_at(desired: &Desired, sync: &Sync) -> BTreeMap<String, String> {
    let behind = desired.behind(&sync.spec);
    let kept = behind.filter_map(|(tenant, b)| Some((tenant.to_owned(), b.commit.clone()?)));
    kept.collect()
}

/// The results with what is wrong with tenants' files; a tenant without a set gets one that says nothing
/// else.
pub(super) fn told(mut sets: Vec<SetResult>, desired: &Desired, sync: &Sync) -> Vec<SetResult> {
    let spec = &sync.spec;
    for (tenant, behind) in desired.behind(spec) {
        let why = match &behind.commit {
            Some(commit) => format!("{}; {} stays in force", behind.why, short(Some(commit))),
            None => behind.why.clone(),
        };
        let why = Some(fitting(&why));
        let owner = Owner::Tenant(tenant.to_owned());
        let ours = desired.sets.iter().filter(|r| r.set.owner == owner);
        let names: BTreeSet<String> = ours.map(|r| r.set.to_string()).collect();
        if names.is_empty() {
            let name = format!("{}/{}/{tenant}", spec.cluster, spec.environment);
            sets.push(SetResult {
                name,
                behind: why,
                ..SetResult::default()
            });
            continue;
        }
        for result in sets.iter_mut().filter(|s| names.contains(&s.name)) {
            result.behind.clone_from(&why);
        }
    }
    sets
}
