//! One pass of one Sync: fetch → judge and render → look → plan → apply, set by set.
//!
//! A broken source never changes what is wanted: the last valid commit stays in force. What goes wrong
//! in one set stops that set only. The pass reports and decides nothing about when to come again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::desired::{Desired, desired};
use super::drift;
use super::set::{self, SetResult};
use super::sources::Sources;
use crate::adapters::cluster::KubeCluster;
use crate::adapters::git::remote::RemoteRepository;
use crate::adapters::judge::Judge;
use crate::adapters::sync::{Sync, SyncStatus};
use crate::apply::problem::ProblemKind;
use crate::plan::Neighbours;
use crate::source::repository::{CommitId, Repository as _, RepositoryError};

/// How often a pass that takes long looks for a newer commit, at most.
const LOOK: Duration = Duration::from_secs(5);

/// What all passes share.
pub struct Tools {
    /// The cluster.
    pub cluster: KubeCluster,
    /// Reads KDL.
    pub judge: Arc<Judge>,
    /// Where commits come from.
    pub sources: Sources,
    /// Our name on leases.
    pub holder: String,
}

/// What a pass remembers for the next one: a commit need not be rendered twice.
#[derive(Default)]
pub struct Memory {
    known: Vec<(CommitId, i64, Arc<Desired>)>,
}

impl Memory {
    /// Kinds of the commit in force, each with the selector of the sets that use it.
    pub(super) fn kinds(&self) -> BTreeSet<(String, String, String)> {
        let sets = self
            .known
            .first()
            .map(|(_, _, d)| d.sets.as_slice())
            .unwrap_or_default();
        let mut users: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
        for rendered in sets {
            for object in rendered.objects.values() {
                let (api, kind) = (
                    &object.manifest.api_version,
                    &object.manifest.key.group_kind.kind,
                );
                let labels = users.entry((api.clone(), kind.clone())).or_default();
                if labels.last() != Some(&rendered.set.label()) {
                    labels.push(rendered.set.label());
                }
            }
        }
        let watched =
            |((api, kind), labels): ((_, _), Vec<_>)| (api, kind, drift::selector(&labels));
        users.into_iter().map(watched).collect()
    }
}

/// What a pass found and did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    /// The commit the tracked ref points to.
    pub attempted: Option<String>,
    /// The commit whose sets were looked at.
    pub in_force: Option<String>,
    /// What is wrong with the source or the cluster.
    pub trouble: Option<Trouble>,
    /// Each set.
    pub sets: Vec<SetResult>,
    /// The pass was called off.
    pub called_off: bool,
}

/// What keeps a pass from its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What sort.
    pub sort: Sort,
    /// What and where, for people.
    pub message: String,
}

/// Sorts of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// The Sync itself makes no sense.
    BadSpec,
    /// The repository does not answer as it should.
    Source,
    /// The commit is not valid.
    InvalidCommit,
    /// The cluster is not the one that is meant.
    WrongCluster,
    /// The cluster does not answer.
    Cluster,
    /// A fault of kubemate's own.
    Internal,
}

impl Sort {
    /// The reason on conditions, and the label of metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::BadSpec => "BadSpec",
            Self::Source => "SourceFailed",
            Self::InvalidCommit => "InvalidCommit",
            Self::WrongCluster => "WrongCluster",
            Self::Cluster => "ClusterFailed",
            Self::Internal => "InternalError",
        }
    }

    /// Whether time may help.
    pub fn passes(self) -> bool {
        match self {
            Self::Source | Self::Cluster | Self::Internal => true,
            Self::BadSpec | Self::InvalidCommit | Self::WrongCluster => false,
        }
    }
}

impl Trouble {
    /// Trouble with words for it.
    pub fn new(sort: Sort, message: impl Into<String>) -> Self {
        Self {
            sort,
            message: message.into(),
        }
    }
}

/// One pass.
pub async fn pass(
    tools: &Tools,
    sync: &Sync,
    memory: &mut Memory,
    stop: &CancellationToken,
) -> Seen {
    let mut seen = Seen::default();
    let before = sync.status.clone().unwrap_or_default();
    let wanted = match tools.sources.of(&sync.spec) {
        Ok(remote) => wanted(tools, sync, &remote, memory, (&before, &mut seen)).await,
        Err(error) => {
            seen.trouble = Some(Trouble::new(Sort::BadSpec, error.to_string()));
            None
        }
    };
    let Some(wanted) = wanted else { return seen };
    if let Err(problem) = tools.cluster.verify(&sync.spec.cluster, &wanted.uid).await {
        // What was wrong with the source before is less urgent than the cluster.
        let wrong = problem.kind == ProblemKind::WrongCluster;
        let sort = if wrong {
            Sort::WrongCluster
        } else {
            Sort::Cluster
        };
        seen.trouble = Some(Trouble::new(sort, problem.to_string()));
        return seen;
    }
    bring_all(tools, sync, &wanted, &mut seen, stop).await;
    seen
}

/// Every set in turn; a newer commit calls the rest off.
async fn bring_all(
    tools: &Tools,
    sync: &Sync,
    wanted: &Desired,
    seen: &mut Seen,
    stop: &CancellationToken,
) {
    let attempted = seen.attempted.clone();
    let beside = Neighbours::of(&wanted.sets);
    let work = async {
        for rendered in &wanted.sets {
            if stop.is_cancelled() {
                break;
            }
            let one = set::Task {
                tools,
                sync,
                desired: wanted,
                rendered,
                beside: &beside,
                stop,
            };
            seen.sets.push(set::bring(one).await);
        }
    };
    let mut work = std::pin::pin!(work);
    tokio::select! {
        () = &mut work => {}
        () = newer(tools, sync, attempted.as_deref()) => {
            stop.cancel();
            // What was begun is finished.
            work.await;
        }
    }
    seen.called_off = stop.is_cancelled();
}

/// Returns when the tracked ref has moved on.
async fn newer(tools: &Tools, sync: &Sync, attempted: Option<&str>) {
    let interval = super::keep::interval(&sync.spec).unwrap_or(LOOK).max(LOOK);
    loop {
        tokio::time::sleep(interval).await;
        let Ok(remote) = tools.sources.of(&sync.spec) else {
            continue;
        };
        if remote
            .head()
            .await
            .is_ok_and(|head| Some(head.as_str()) != attempted)
        {
            return;
        }
    }
}

/// What the tracked ref wants; where it cannot be had or is not valid, what was valid before.
async fn wanted(
    tools: &Tools,
    sync: &Sync,
    remote: &RemoteRepository,
    memory: &mut Memory,
    (before, seen): (&SyncStatus, &mut Seen),
) -> Option<Arc<Desired>> {
    let found = match remote.head().await {
        Ok(head) => {
            seen.attempted = Some(head.to_string());
            rendered(tools, sync, remote, memory, &head)
                .await
                .map(|desired| (head, desired))
        }
        Err(error) => Err(of_source(&error)),
    };
    let (commit, desired) = match found {
        Ok(found) => found,
        Err(trouble) => {
            seen.trouble = Some(trouble);
            let last = before.last_valid.as_deref().and_then(CommitId::new)?;
            let desired = rendered(tools, sync, remote, memory, &last).await.ok()?;
            (last, desired)
        }
    };
    seen.in_force = Some(commit.to_string());
    Some(desired)
}

fn of_source(error: &RepositoryError) -> Trouble {
    let sort = match error {
        RepositoryError::NoSuchDirectory { .. } | RepositoryError::Tree(_) => Sort::InvalidCommit,
        _ => Sort::Source,
    };
    Trouble::new(sort, error.to_string())
}

/// A commit rendered for a Sync, from memory where it is known.
async fn rendered(
    tools: &Tools,
    sync: &Sync,
    remote: &RemoteRepository,
    memory: &mut Memory,
    commit: &CommitId,
) -> Result<Arc<Desired>, Trouble> {
    let generation = sync.metadata.generation.unwrap_or_default();
    let known = memory
        .known
        .iter()
        .find(|(c, g, _)| c == commit && *g == generation);
    if let Some((_, _, desired)) = known {
        return Ok(Arc::clone(desired));
    }
    let loaded = remote
        .load(commit, &sync.spec.path)
        .await
        .map_err(|e| of_source(&e))?;
    let (judge, spec) = (Arc::clone(&tools.judge), sync.spec.clone());
    let work = tokio::task::spawn_blocking(move || desired(&judge, loaded, &spec));
    let fresh = match work.await {
        Ok(Ok(fresh)) => Arc::new(fresh),
        Ok(Err(message)) => return Err(Trouble::new(Sort::InvalidCommit, message)),
        Err(_) => {
            let said = format!(
                "reading commit {} ended with a fault of kubemate",
                commit.short()
            );
            return Err(Trouble::new(Sort::Internal, said));
        }
    };
    // The tracked commit and the one before it are all that is ever asked for.
    memory.known.truncate(1);
    memory
        .known
        .insert(0, (commit.clone(), generation, Arc::clone(&fresh)));
    Ok(fresh)
}
