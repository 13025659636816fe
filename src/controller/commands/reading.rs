//! What the files of a pull request mean, read without a cluster: the head, the commit from which it went
//! its own way, and the revisions whose rules hold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use super::super::cycle::Tools;
use super::super::desired::covers;
use super::super::forges::Desk;
use super::Gates;
use super::decide::May;
use crate::adapters::git::remote::RemoteRepository;
use crate::adapters::judge::{Choice, refused_names};
use crate::adapters::rights::Rights;
use crate::adapters::sync::{Sync, SyncSpec};
use crate::dsl::compose::Target;
use crate::dsl::diagnostic::Diagnostics;
use crate::kinds::project;
use crate::model::job::Want;
use crate::model::layout::Found;
use crate::object::{Rendered, SetId};
use crate::report::forge::Pull;
use crate::source::SourceTree;
use crate::source::intake::Loaded;
use crate::source::repository::{CommitId, Repository as _, RepositoryError};

/// A place among the commands that are carried out, for as long as anything holds it.
pub(super) type Room = Option<Arc<OwnedSemaphorePermit>>;

/// What a command is about.
pub(super) struct Scene<'a> {
    pub(super) tools: &'a Tools,
    pub(super) desk: &'a Desk,
    /// The pull request.
    pub(super) pull: &'a Pull,
    /// The Syncs that follow its branch, all for the same directory.
    pub(super) syncs: &'a [Arc<Sync>],
    /// Where their plans are let go.
    pub(super) gates: &'a Gates,
    /// How many more follow it, for other directories or beyond the limit.
    pub(super) left: usize,
    /// Who asks.
    pub(super) user: &'a str,
    /// What they may, by what the forge says now.
    pub(super) may: May,
    /// Its place among the commands that are carried out.
    pub(super) room: &'a Room,
}

/// One commit with what it means.
pub(super) struct Side {
    pub(super) tree: SourceTree,
    pub(super) diagnostics: Diagnostics,
    pub(super) project: Option<Found>,
    pub(super) sets: BTreeMap<SetId, Rendered>,
    pub(super) rights: Rights,
}

impl Side {
    /// Whether there is no project in that commit yet.
    pub(super) fn is_empty(&self) -> bool {
        self.project.is_none() && self.tree.find(project::FILE).is_none()
    }

    /// Whether the project runs the environment of a set on its cluster.
    pub(super) fn has_target(&self, set: &SetId) -> bool {
        let project = self.project.as_ref();
        let targets = project.map(|found| found.project.targets());
        let mut targets = targets.unwrap_or_default().into_iter();
        targets.any(|t| t.environment == set.environment && t.cluster == set.cluster)
    }
}

impl<'a> Scene<'a> {
    /// The spec whose repository and directory are meant: all Syncs have the same.
    pub(super) fn spec(&self) -> Option<&'a SyncSpec> {
        self.syncs.first().map(|sync| &sync.spec)
    }

    /// The Sync that keeps a set.
    pub(super) fn keeper(&self, set: &SetId) -> Option<&'a SyncSpec> {
        let mut specs = self.syncs.iter().map(|sync| &sync.spec);
        specs.find(|spec| {
            let here = spec.environment == set.environment && spec.cluster == set.cluster;
            here && covers(spec, set)
        })
    }

    fn targets(&self) -> BTreeSet<Target> {
        let target = |sync: &Arc<Sync>| Target {
            environment: sync.spec.environment.clone(),
            cluster: sync.spec.cluster.clone(),
        };
        self.syncs.iter().map(target).collect()
    }

    /// The head of the pull request, if Git has the same as the forge.
    pub(super) async fn head(&self) -> Result<Side, String> {
        let spec = self.spec().ok_or("no Sync follows its branch")?;
        let name = self.desk.reference(self.pull.number);
        let offered = self.tools.sources.of_pull(spec, &name);
        let offered = offered.map_err(|error| error.to_string())?;
        let tip = offered.head().await.map_err(|error| error.to_string())?;
        if tip != self.pull.head {
            return Err("Git and the forge do not agree on the head yet; ask again".to_owned());
        }
        self.side(&offered, &tip).await
    }

    /// What the branch that the Syncs follow holds by now.
    pub(super) async fn followed(&self) -> Result<Side, String> {
        let spec = self.spec().ok_or("no Sync follows its branch")?;
        let remote = self.tools.sources.of(spec);
        let remote = remote.map_err(|error| error.to_string())?;
        let tip = remote.head().await.map_err(|error| error.to_string())?;
        self.side(&remote, &tip).await
    }

    /// A commit as it is judged for the Syncs; the error says why it cannot be read.
    pub(super) async fn side(
        &self,
        remote: &RemoteRepository,
        commit: &CommitId,
    ) -> Result<Side, String> {
        let path = self.spec().map(|spec| spec.path.as_str());
        let loaded = match remote.load(commit, path.unwrap_or_default()).await {
            Ok(loaded) => loaded,
            Err(RepositoryError::NoSuchDirectory { .. }) => Loaded {
                revision: commit.revision(),
                tree: SourceTree::new(Vec::new()).unwrap_or_default(),
                refused: Vec::new(),
            },
            Err(error) => return Err(error.to_string()),
        };
        let (judge, targets) = (Arc::clone(&self.tools.judge), self.targets());
        let room = self.room.clone();
        let work = tokio::task::spawn_blocking(move || {
            let mut verdict = judge.judge_by(&loaded.tree, |found| {
                let known = found.project.targets().into_iter();
                Choice::all(Want::Render {
                    targets: known.filter(|target| targets.contains(target)).collect(),
                    trace: true,
                })
            });
            let mut diagnostics = std::mem::take(&mut verdict.diagnostics);
            for problem in refused_names(&loaded.refused) {
                diagnostics.push(problem);
            }
            let side = Side {
                sets: verdict.take_rendered(),
                rights: Rights::of(&verdict),
                project: verdict.project,
                tree: loaded.tree,
                diagnostics,
            };
            // Nobody can stop this work: it keeps its place until it ends, whoever gave up waiting.
            drop(room);
            side
        });
        let said = || format!("reading {} ended with a fault of kubemate", commit.short());
        work.await.map_err(|_| said())
    }
}
