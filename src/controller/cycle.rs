//! One pass of one Sync: fetch → judge and render → look → plan → apply, set by set.
//!
//! A broken source never changes what is wanted: the last valid commit stays in force. What goes wrong
//! in one set stops that set only. The pass reports and decides nothing about when to come again.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use kube::ResourceExt as _;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::approvals::Approvals;
use super::asked::{self, Asked, Whom};
use super::attempt::Audit;
use super::behind;
use super::desired::{Desired, desired};
use super::fights::Fights;
use super::forges::Forges;
use super::holds::Holds;
use super::leave::{self, Leave};
use super::set::{self, SetResult};
use super::sights::Sights;
use super::sources::Sources;
use super::trust::{self, Lineage};
use crate::adapters::approval::Waiting;
use crate::adapters::cluster::KubeCluster;
use crate::adapters::git::remote::RemoteRepository;
use crate::adapters::judge::Judge;
use crate::adapters::notify::Notifier;
use crate::adapters::sync::{Sync, SyncStatus};
use crate::apply::cluster::Cluster as _;
use crate::apply::problem::ProblemKind;
use crate::object::{Owner, Rendered};
use crate::plan::{Neighbours, ended};
use crate::source::repository::{CommitId, Repository as _, RepositoryError};

pub use super::trouble::{Sort, Trouble};

/// Tenants' sets that are looked at beside each other.
const SETS_AT_ONCE: usize = 8;
/// How often a pass that takes long looks for a newer commit, at most.
const LOOK: Duration = Duration::from_secs(5);

/// What is said while the first answer of a repository is waited for.
const UNANSWERED: &str = "the repository does not answer yet";

/// What all passes share.
pub struct Tools {
    /// The cluster.
    pub cluster: KubeCluster,
    /// Reads KDL.
    pub judge: Arc<Judge>,
    /// Where commits come from.
    pub sources: Sources,
    /// The forges that are told what became of commits, and asked who agreed to them.
    pub forges: Forges,
    /// Who tells receivers how it goes.
    pub notifier: Notifier,
    /// Where it is written down what was done.
    pub audit: Audit,
    /// What people hold.
    pub holds: Holds,
    /// What they approved in the cluster.
    pub approvals: Approvals,
    /// What other programs write again as often as it is undone.
    pub fights: Fights,
    /// Our name on leases.
    pub holder: String,
}

/// What a pass remembers for the next one: a commit need not be rendered twice, and the repository need
/// not be asked each time.
#[derive(Default)]
pub struct Memory {
    known: Vec<(CommitId, i64, Result<Arc<Desired>, Trouble>)>,
    source: Option<Source>,
    asked: Option<Asked>,
    lineage: Lineage,
    generation: i64,
    /// By whose leave.
    pub(super) leave: leave::Known,
}

impl Memory {
    /// What is known of a repository is good for the spec that names it.
    fn turn(&mut self, sync: &Sync) {
        let generation = sync.metadata.generation.unwrap_or_default();
        if self.generation != generation {
            (self.source, self.asked, self.generation) = (None, None, generation);
        }
    }

    /// A commit as it was rendered for a Sync, if that is remembered.
    pub(super) fn recall(
        &self,
        sync: &Sync,
        commit: &str,
    ) -> Option<Result<Arc<Desired>, Trouble>> {
        let generation = sync.metadata.generation.unwrap_or_default();
        let mut known = self.known.iter();
        let found = known.find(|(c, g, _)| c.as_str() == commit && *g == generation);
        found.map(|(_, _, desired)| desired.clone())
    }
}

/// What the repository said when it was asked last.
#[derive(Clone)]
struct Source {
    attempted: Option<String>,
    trouble: Option<Trouble>,
    in_force: CommitId,
}

/// How a pass looks at the world.
#[derive(Clone, Copy)]
pub(super) struct Eyes<'a> {
    pub(super) shared: &'a Arc<Shared>,
    /// What the watches show.
    pub(super) sights: &'a Sights,
    /// To be told when an object changes.
    pub(super) drifts: &'a mpsc::Sender<()>,
    /// Ask the repository for its head, unless somebody did after this time.
    pub(super) ask: Option<Instant>,
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
    /// The commit that was in force when history was rewritten under it, if this pass followed that.
    pub rewritten: Option<String>,
    /// Each set.
    pub sets: Vec<SetResult>,
    /// The project's name.
    pub project: Option<String>,
    /// Tenants whose files are not valid in the commit in force, and the commit that they are kept at.
    pub behind: BTreeMap<String, String>,
    /// What comes after the commit in force asks for approvals.
    pub governed: bool,
    /// Changes that need approval; as they were before where nobody could look.
    pub waiting: Vec<Waiting>,
    /// The pass was called off.
    pub called_off: bool,
}

/// One pass.
pub(super) async fn pass(
    eyes: Eyes<'_>,
    sync: &Sync,
    memory: &mut Memory,
    stop: &CancellationToken,
) -> Seen {
    let tools = &eyes.shared.tools;
    let mut seen = Seen::default();
    let before = sync.status.clone().unwrap_or_default();
    let wanted = match tools.sources.of(&sync.spec) {
        Ok(remote) => wanted(eyes, sync, &remote, memory, (&before, &mut seen)).await,
        Err(error) => {
            seen.trouble = Some(Trouble::new(Sort::BadSpec, error.to_string()));
            None
        }
    };
    let Some(wanted) = wanted else { return seen };
    seen.behind = behind::kept_at(&wanted, sync);
    seen.governed = wanted.asks_for_approvals();
    seen.project = wanted.sets.first().map(|r| r.set.project.clone());
    let now = tools.cluster.now();
    let at_time = wanted.sets.iter().map(|rendered| ended::at(rendered, now));
    let (sets, ended): (Vec<_>, Vec<usize>) = at_time.unzip();
    let mut pass = Pass {
        eyes,
        sync,
        desired: &wanted,
        ended: ended.iter().sum(),
        sets,
        leave: Leave::default(),
        stop,
    };
    let (name, at) = (sync.name_any(), pass.at(&seen));
    eyes.sights
        .follow(eyes.shared, (&name, eyes.drifts), &wanted, &at);
    if let Some(sets) = pass.at_rest(&seen) {
        seen.sets = behind::told(sets, &wanted, sync);
        return seen;
    }
    if let Err(problem) = tools.cluster.verify(&sync.spec.cluster, &wanted.uid).await {
        let sort = match problem.kind == ProblemKind::WrongCluster {
            true => Sort::WrongCluster,
            false => Sort::Cluster,
        };
        seen.trouble = Some(Trouble::new(sort, problem.to_string()));
        seen.waiting.clone_from(&before.waiting);
        return seen;
    }
    pass.leave = leave::find(tools, sync, (&before, wanted.as_ref()), &mut seen, memory).await;
    pass.bring_all(&mut seen).await;
    seen
}

/// A pass that knows what is wanted.
struct Pass<'a> {
    eyes: Eyes<'a>,
    sync: &'a Sync,
    desired: &'a Desired,
    /// Its sets as they are wanted at the time of the pass.
    sets: Vec<Cow<'a, Rendered>>,
    /// How many memberships are over by then.
    ended: usize,
    leave: Leave,
    stop: &'a CancellationToken,
}

impl Pass<'_> {
    /// The commit in force, the generation of the spec, and what is over by now: together they say what
    /// is wanted.
    fn at(&self, seen: &Seen) -> String {
        let generation = self.sync.metadata.generation.unwrap_or_default();
        let commit = seen.in_force.as_deref().unwrap_or_default();
        format!("{commit} {generation} {}", self.ended)
    }

    fn task<'b>(
        &'b self,
        rendered: &'b Rendered,
        beside: &'b Neighbours<'b>,
        at: &'b str,
    ) -> set::Task<'b> {
        set::Task {
            tools: &self.eyes.shared.tools,
            sights: self.eyes.sights,
            sync: self.sync,
            desired: self.desired,
            rendered,
            beside,
            at,
            commit: at.split(' ').next().unwrap_or_default(),
            leave: &self.leave,
            stop: self.stop,
        }
    }

    /// What the last pass found, if the watches vouch for every object since.
    fn at_rest(&self, seen: &Seen) -> Option<Vec<SetResult>> {
        let (alone, at) = (Neighbours::default(), self.at(seen));
        let sets = self.sets.iter();
        sets.map(|rendered| self.task(rendered, &alone, &at).at_rest())
            .collect()
    }

    /// One set, unless the pass was called off by then.
    fn bring<'b>(
        &'b self,
        rendered: &'b Rendered,
        beside: &'b Neighbours<'b>,
        at: &'b str,
    ) -> BoxFuture<'b, Option<SetResult>> {
        let task = self.task(rendered, beside, at);
        let bring = async move {
            match task.stop.is_cancelled() {
                true => None,
                false => Some(set::bring(&task).await),
            }
        };
        bring.boxed()
    }

    /// The platform's set first, then the tenants' beside each other; a newer commit calls the rest off.
    async fn bring_all(&self, seen: &mut Seen) {
        let attempted = seen.attempted.clone();
        let all = self.desired.sets.iter().chain(&self.desired.others);
        let beside = Neighbours::of(all);
        let at = self.at(seen);
        let (mut platform, mut tenants) = (Vec::new(), Vec::new());
        for rendered in &self.sets {
            let bring = self.bring(rendered, &beside, &at);
            match &rendered.set.owner {
                Owner::Platform => platform.push(bring),
                Owner::Tenant(_) => tenants.push(bring),
            }
        }
        let work = async {
            let mut results: Vec<Option<SetResult>> = Vec::new();
            for bring in platform {
                results.push(bring.await);
            }
            let tenants = futures::stream::iter(tenants).buffered(SETS_AT_ONCE);
            results.extend(tenants.collect::<Vec<_>>().await);
            results.into_iter().flatten().collect()
        };
        let mut work = std::pin::pin!(work);
        let sets = tokio::select! {
            sets = &mut work => sets,
            () = newer(self.eyes.shared, self.sync, attempted.as_deref()) => {
                self.stop.cancel();
                // What was begun is finished.
                work.await
            }
        };
        seen.sets = behind::told(sets, self.desired, self.sync);
        seen.called_off = self.stop.is_cancelled();
    }
}

/// Returns when the tracked ref has moved on.
async fn newer(shared: &Shared, sync: &Sync, attempted: Option<&str>) {
    let interval = super::keep::interval(&sync.spec).unwrap_or(LOOK).max(LOOK);
    loop {
        let heard = Instant::now();
        tokio::time::sleep(interval).await;
        let Ok(remote) = shared.tools.sources.of(&sync.spec) else {
            continue;
        };
        let head = shared.heads.head(&sync.name_any(), &remote, heard).await;
        if head.is_ok_and(|head| Some(head.as_str()) != attempted) {
            return;
        }
    }
}

/// What the tracked ref wants; where it cannot be had or is not valid, what was valid before.
async fn wanted(
    eyes: Eyes<'_>,
    sync: &Sync,
    remote: &RemoteRepository,
    memory: &mut Memory,
    (before, seen): (&SyncStatus, &mut Seen),
) -> Option<Arc<Desired>> {
    let tools = &eyes.shared.tools;
    memory.turn(sync);
    let question = match (&memory.source, eyes.ask) {
        (Some(_), None) => None,
        (Some(_), Some(heard)) => Some((heard, asked::SOON)),
        (None, heard) => Some((heard.unwrap_or_else(Instant::now), asked::FIRST)),
    };
    let whom = Whom {
        shared: eyes.shared,
        sync: &sync.name_any(),
        remote,
        wake: eyes.drifts,
    };
    let head = asked::head(&mut memory.asked, whom, question).await;
    if let Some(source) = memory.source.clone().filter(|_| head.is_none()) {
        seen.attempted = source.attempted;
        seen.trouble = source.trouble;
        seen.in_force = Some(source.in_force.to_string());
        return rendered(tools, sync, remote, memory, &source.in_force)
            .await
            .ok();
    }
    memory.source = None;
    let found = match head {
        Some(Ok(head)) => {
            let about = (before, &mut *seen);
            admitted(tools, sync, remote, memory, about, head).await
        }
        Some(Err(error)) => Err(of_source(&error)),
        None => Err(Trouble::new(Sort::Source, UNANSWERED)),
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
    memory.source = Some(Source {
        attempted: seen.attempted.clone(),
        trouble: seen.trouble.clone(),
        in_force: commit,
    });
    Some(desired)
}

/// The tracked commit, if it may be read and is valid.
async fn admitted(
    tools: &Tools,
    sync: &Sync,
    remote: &RemoteRepository,
    memory: &mut Memory,
    (before, seen): (&SyncStatus, &mut Seen),
    head: CommitId,
) -> Result<(CommitId, Arc<Desired>), Trouble> {
    seen.attempted = Some(head.to_string());
    let about = (before, &head);
    seen.rewritten = trust::admit(tools, sync, remote, about, &mut memory.lineage).await?;
    let desired = rendered(tools, sync, remote, memory, &head).await?;
    Ok((head, desired))
}

/// What is wrong with a repository, as trouble of a pass.
pub(super) fn of_source(error: &RepositoryError) -> Trouble {
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
    if let Some(known) = memory.recall(sync, commit.as_str()) {
        return known;
    }
    let mut fresh = fresh(tools, sync, remote, commit).await;
    let lasting = match &mut fresh {
        Ok(desired) => behind::fall_back(tools, sync, remote, desired).await,
        Err(trouble) => !trouble.sort.passes(),
    };
    let fresh = fresh.map(Arc::new);
    if !lasting {
        return fresh;
    }
    // The tracked commit and the one before it are all that is ever asked for.
    memory.known.truncate(1);
    memory
        .known
        .insert(0, (commit.clone(), generation, fresh.clone()));
    fresh
}

/// A commit rendered for a Sync.
pub(super) async fn fresh(
    tools: &Tools,
    sync: &Sync,
    remote: &RemoteRepository,
    commit: &CommitId,
) -> Result<Desired, Trouble> {
    let loaded = remote
        .load(commit, &sync.spec.path)
        .await
        .map_err(|e| of_source(&e))?;
    let (judge, spec) = (Arc::clone(&tools.judge), sync.spec.clone());
    let work = tokio::task::spawn_blocking(move || desired(&judge, loaded, &spec));
    work.await.unwrap_or_else(|_| {
        let said = format!(
            "reading commit {} ended with a fault of kubemate",
            commit.short()
        );
        Err(Trouble::new(Sort::Internal, said))
    })
}
