//! One pass of one Sync: fetch → judge and render → look → plan → apply, set by set.
//!
//! A broken source never changes what is wanted: the last valid commit stays in force. What goes wrong
//! in one set stops that set only. The pass reports and decides nothing about when to come again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt as _;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span};

use super::Shared;
use super::approvals::Approvals;
use super::asked::{self, Asked, Whom};
use super::attempt::Audit;
use super::behind;
use super::desired::{Desired, desired};
use super::fights::Fights;
use super::force::{self, Said, Source};
use super::forges::Forges;
use super::heads::Answer;
use super::holds::Holds;
use super::leave;
use super::pass::Pass;
use super::set::{Means, SetResult};
use super::sights::{self, Sights};
use super::sources::Sources;
use super::trust::{self, Lineage};
use super::upgrade;
use crate::adapters::approval::Waiting;
use crate::adapters::cluster::KubeCluster;
use crate::adapters::git::remote::RemoteRepository;
use crate::adapters::judge::Judge;
use crate::adapters::notify::Notifier;
use crate::adapters::sync::{Mark, Sync, SyncStatus};
use crate::apply::problem::ProblemKind;
use crate::source::repository::{CommitId, Repository as _};

pub(super) use super::force::of_source;
pub use super::trouble::{Sort, Trouble};

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

impl Tools {
    /// What sets are brought with.
    pub(super) fn means(&self) -> Means<'_, KubeCluster> {
        Means {
            cluster: &self.cluster,
            sources: &self.sources,
            audit: &self.audit,
            holds: &self.holds,
            fights: &self.fights,
            holder: &self.holder,
        }
    }
}

/// A commit as it was rendered for a generation of the spec.
type Known = (CommitId, i64, Result<Arc<Desired>, Trouble>);

/// What a pass remembers for the next one: a commit need not be rendered twice, and the repository need
/// not be asked each time.
#[derive(Default)]
pub struct Memory {
    known: Vec<Known>,
    said: Option<Said>,
    asked: Option<Asked>,
    lineage: Lineage,
    /// Of the spec that the last pass was about.
    pub(super) generation: i64,
    /// By whose leave.
    pub(super) leave: leave::Known,
}

impl Memory {
    /// What is known of a repository is good for the spec that names it.
    fn turn(&mut self, sync: &Sync) {
        let generation = sync.metadata.generation.unwrap_or_default();
        if self.generation != generation {
            (self.said, self.asked, self.generation) = (None, None, generation);
        }
    }

    /// A commit as it was rendered for a Sync, if that is remembered.
    pub(super) fn recall(
        &self,
        sync: &Sync,
        commit: &str,
    ) -> Option<Result<Arc<Desired>, Trouble>> {
        recall(&self.known, sync, commit)
    }
}

fn recall(known: &[Known], sync: &Sync, commit: &str) -> Option<Result<Arc<Desired>, Trouble>> {
    let generation = sync.metadata.generation.unwrap_or_default();
    let mut known = known.iter();
    let found = known.find(|(c, g, _)| c.as_str() == commit && *g == generation);
    found.map(|(_, _, desired)| desired.clone())
}

/// How a pass looks at the world.
#[derive(Clone, Copy)]
pub(super) struct Eyes<'a> {
    pub(super) shared: &'a Arc<Shared>,
    /// What the watches show.
    pub(super) sights: &'a Sights,
    /// To be told when an object changes.
    pub(super) drifts: &'a mpsc::Sender<()>,
    /// Tells a pass that is under way the same.
    pub(super) stirred: &'a Notify,
    /// Tells it that the repository may have changed.
    pub(super) called: &'a Notify,
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
    /// Objects were there before the first commit of the Sync, nobody knows from which other one, and changes
    /// to them need approval.
    pub inherits: bool,
    /// What the commit in force is rendered to.
    pub rendered: Option<Mark>,
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
    let (tools, sights) = (&eyes.shared.tools, eyes.sights);
    let mut seen = Seen::default();
    let before = sync.status.clone().unwrap_or_default();
    let remote = match tools.sources.of(&sync.spec) {
        Ok(remote) => remote,
        Err(error) => {
            seen.trouble = Some(Trouble::new(Sort::BadSpec, error.to_string()));
            return seen;
        }
    };
    let last_valid = before.last_valid.as_deref();
    let wanted = wanted(eyes, sync, &remote, memory, (last_valid, &mut seen)).await;
    let Some(wanted) = wanted else { return seen };
    seen.behind = behind::kept_at(&wanted, sync);
    seen.governed = wanted.rule(&sync.spec).is_some();
    seen.project = wanted.sets.first().map(|r| r.set.project.clone());
    seen.rendered = Some(wanted.mark.clone());
    if let Some(trouble) = upgrade::pending(&before, &seen) {
        let trouble = seen.trouble.take().unwrap_or(trouble);
        return troubled(seen, trouble, &before);
    }
    let (name, means) = (sync.name_any(), tools.means());
    let mut pass = Pass::new(means, sights, (sync, wanted.as_ref()), stop);
    pass.claimed = eyes.shared.claims.of(sync, wanted.sets.iter());
    let begin = |kind| sights::begin(eyes.shared, sights, kind);
    let (whom, at) = ((name.as_str(), eyes.drifts), pass.at(&seen));
    sights.follow(whom, (wanted.as_ref(), &pass.claimed), &at, begin);
    if memory.leave.may_rest(sync, &before, &seen)
        && let Some(sets) = pass.at_rest(&seen)
    {
        seen.sets = sets;
        return seen;
    }
    if let Err(problem) = tools.cluster.verify(&sync.spec.cluster, &wanted.uid).await {
        let sort = match problem.kind == ProblemKind::WrongCluster {
            true => Sort::WrongCluster,
            false => Sort::Cluster,
        };
        return troubled(seen, Trouble::new(sort, problem.to_string()), &before);
    }
    let about = (&before, wanted.as_ref());
    pass.leave = match leave::find(tools, sync, about, &mut seen, memory).await {
        Ok(leave) => leave,
        Err(trouble) => return troubled(seen, trouble, &before),
    };
    let attempted = seen.attempted.clone();
    let newer = newer(eyes, sync, attempted.as_deref());
    pass.bring_all(&mut seen, newer, eyes.stirred).await;
    // First, because only so many are shown.
    if let Some(unruled) = leave::turned(sync, about, &pass.leave) {
        seen.sets.insert(0, unruled);
    }
    seen
}

/// A pass that could not look: what waits is as it was before.
fn troubled(mut seen: Seen, trouble: Trouble, before: &SyncStatus) -> Seen {
    seen.trouble = Some(trouble);
    seen.waiting.clone_from(&before.waiting);
    seen
}

/// Returns when the tracked ref has moved on.
async fn newer(eyes: Eyes<'_>, sync: &Sync, attempted: Option<&str>) {
    let shared = eyes.shared;
    let interval = super::keep::interval(&sync.spec).unwrap_or(LOOK).max(LOOK);
    // A call while the head is asked for counts as well.
    let mut called = std::pin::pin!(eyes.called.notified());
    loop {
        let mut heard = Instant::now();
        tokio::select! {
            () = tokio::time::sleep(interval) => {}
            () = called.as_mut() => {
                heard = Instant::now();
                called.set(eyes.called.notified());
            }
        }
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
    (last_valid, seen): (Option<&str>, &mut Seen),
) -> Option<Arc<Desired>> {
    memory.turn(sync);
    let mut tracked = Tracked {
        eyes,
        sync,
        remote,
        asked: &mut memory.asked,
        known: &mut memory.known,
        lineage: &mut memory.lineage,
    };
    force::wanted(&mut tracked, &mut memory.said, eyes.ask, last_valid, seen).await
}

/// The ref of a Sync, with what is remembered of it.
struct Tracked<'a> {
    eyes: Eyes<'a>,
    sync: &'a Sync,
    remote: &'a RemoteRepository,
    asked: &'a mut Option<Asked>,
    known: &'a mut Vec<Known>,
    lineage: &'a mut Lineage,
}

impl Source for Tracked<'_> {
    async fn head(&mut self, question: Option<(Instant, Duration)>) -> Option<Answer> {
        let whom = Whom {
            shared: self.eyes.shared,
            sync: &self.sync.name_any(),
            remote: self.remote,
            wake: self.eyes.drifts,
        };
        let span = match question {
            Some(_) => tracing::info_span!("fetch"),
            None => Span::none(),
        };
        let head = asked::head(self.asked, whom, question);
        head.instrument(span).await
    }

    async fn admit(&mut self, head: &CommitId) -> Result<Option<String>, Trouble> {
        let before = self.sync.status.clone().unwrap_or_default();
        let (tools, about) = (&self.eyes.shared.tools, (&before, head));
        trust::admit(tools, self.sync, self.remote, about, self.lineage).await
    }

    /// From memory where the commit is known.
    async fn desired(&mut self, commit: &CommitId) -> Result<Arc<Desired>, Trouble> {
        let (eyes, sync, remote) = (self.eyes, self.sync, self.remote);
        let tools = &eyes.shared.tools;
        let generation = sync.metadata.generation.unwrap_or_default();
        if let Some(known) = recall(self.known, sync, commit.as_str()) {
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
        self.known.truncate(1);
        self.known
            .insert(0, (commit.clone(), generation, fresh.clone()));
        fresh
    }
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
        .instrument(tracing::info_span!("load"))
        .await
        .map_err(|e| of_source(&e))?;
    let (judge, spec) = (Arc::clone(&tools.judge), sync.spec.clone());
    let span = tracing::info_span!("render");
    let render = move || span.in_scope(|| desired(&judge, loaded, &spec));
    let work = tokio::task::spawn_blocking(render);
    work.await.unwrap_or_else(|_| {
        let said = format!(
            "reading commit {} ended with a fault of kubemate",
            commit.short()
        );
        Err(Trouble::new(Sort::Internal, said))
    })
}
