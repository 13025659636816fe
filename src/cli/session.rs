//! What `plan`, `apply`, `status` and `diff` share: a rendered project with the rights of its sets,
//! and a verified cluster.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::path::PathBuf;

use tracing::Instrument as _;

use super::load::{self, SourceArguments};
use super::{Exit, Failure, output};
use crate::adapters::cluster::KubeCluster;
use crate::adapters::judge::{Choice, Verdict};
use crate::adapters::rights::Rights;
use crate::adapters::sops::Keys;
use crate::dsl::compose::Target;
use crate::dsl::diagnostic::Span;
use crate::model::job::Want;
use crate::model::layout::{Found, Layout};
use crate::model::platform::owners_that_differ;
use crate::object::{Owner, Rendered, SetId};
use crate::plan::display::Place;
use crate::plan::{Neighbours, ended};
use crate::source::SourceTree;
use crate::source::intake::Loaded;

/// Which cluster to talk to.
#[derive(Debug, Clone, clap::Args)]
pub struct ClusterArguments {
    /// The kubeconfig; without it KUBECONFIG, ~/.kube/config or the pod's own account.
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The context in it.
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
}

impl ClusterArguments {
    /// The connection that is asked for. Nothing is sent yet, and encrypted secrets stay closed.
    pub async fn connect(&self) -> Result<KubeCluster, Failure> {
        let (kubeconfig, context) = (self.kubeconfig.as_deref(), self.context.as_deref());
        Ok(KubeCluster::connect(kubeconfig, context).await?)
    }
}

/// Which cluster to talk to, and what opens the encrypted secrets that are written there.
#[derive(Debug, Clone, clap::Args)]
pub struct KeyedArguments {
    #[command(flatten)]
    cluster: ClusterArguments,
    /// The age key of encrypted secrets, as `age-keygen` writes it; or a directory with TENANT.agekey for each
    /// tenant, so that no tenant's files are opened with another one's key. Without it
    /// KUBEMATE_SOPS_AGE_KEY_FILE or SOPS_AGE_KEY_FILE.
    #[arg(long, value_name = "FILE|DIR")]
    sops_key: Option<PathBuf>,
}

impl KeyedArguments {
    /// The connection that is asked for. Nothing is sent yet.
    pub async fn connect(&self) -> Result<KubeCluster, Failure> {
        Ok(self.cluster.connect().await?.with_keys(self.keys()))
    }

    /// Where the keys of encrypted secrets are.
    pub fn keys(&self) -> Keys {
        Keys::find(self.sops_key.as_deref())
    }
}

/// What a command is about: a project, some of its targets, and how to reach them.
#[derive(Debug, Clone, clap::Args)]
pub struct Scope {
    #[command(flatten)]
    pub(super) source: SourceArguments,
    /// This environment only.
    #[arg(long, value_name = "ENV")]
    pub(super) env: Option<String>,
    /// This cluster only.
    #[arg(long, value_name = "CLUSTER")]
    pub(super) cluster: Option<String>,
    #[command(flatten)]
    pub(super) to: KeyedArguments,
}

impl Scope {
    /// The project rendered for these targets as it is wanted now, or everything that is wrong with it.
    pub fn open(&self) -> Result<Session, Failure> {
        let mut session =
            Session::open(&self.source, self.env.as_deref(), self.cluster.as_deref())?;
        let now = super::ci::now();
        for rendered in &mut session.sets {
            if let (Cow::Owned(wanted), _) = ended::at(rendered, now) {
                *rendered = wanted;
            }
        }
        Ok(session)
    }
}

/// A project rendered for some targets.
pub struct Session {
    /// The files.
    pub loaded: Loaded,
    /// The project.
    pub verdict: Verdict,
    /// Every set, the platform's before its tenants'.
    pub sets: Vec<Rendered>,
    /// In whose name each set is written, and where.
    pub rights: Rights,
}

impl Session {
    /// Renders a project, or says everything that is wrong with it.
    pub fn open(
        source: &SourceArguments,
        env: Option<&str>,
        cluster: Option<&str>,
    ) -> Result<Self, Failure> {
        Self::open_beside(source, (env, cluster), None)
    }

    /// The same, without the sets of tenants that are the same in another tree.
    pub fn open_beside(
        source: &SourceArguments,
        (env, cluster): (Option<&str>, Option<&str>),
        other: Option<&SourceTree>,
    ) -> Result<Self, Failure> {
        let loaded = source.load()?;
        let choose = |found: &Found| only(load::targets(found, env)?, cluster);
        let opened = Self::judge_beside(loaded, other, choose)?;
        match opened {
            Ok(session) => Ok(session),
            Err((loaded, verdict)) => {
                load::require_valid(&verdict, &loaded)?;
                Err(Failure::Refused)
            }
        }
    }

    /// Renders what was loaded for the targets that are chosen, or gives back what is wrong with it.
    /// Prints nothing.
    pub fn judge(
        loaded: Loaded,
        choose: impl FnOnce(&Found) -> Result<Vec<Target>, Failure>,
    ) -> Result<Result<Self, (Loaded, Verdict)>, Failure> {
        Self::judge_beside(loaded, None, choose)
    }

    fn judge_beside(
        loaded: Loaded,
        other: Option<&SourceTree>,
        choose: impl FnOnce(&Found) -> Result<Vec<Target>, Failure>,
    ) -> Result<Result<Self, (Loaded, Verdict)>, Failure> {
        let mut verdict = load::judge_by(&loaded, |found| {
            let want = Want::Render {
                targets: choose(found)?,
                trace: true,
            };
            Ok(Choice {
                want,
                only: other.and_then(|other| changed(found, &loaded.tree, other)),
                check_others: true,
            })
        })?;
        if verdict.diagnostics.has_errors() {
            return Ok(Err((loaded, verdict)));
        }
        let sets = verdict.take_rendered().into_values().collect();
        Ok(Ok(Self {
            rights: Rights::of(&verdict),
            loaded,
            verdict,
            sets,
        }))
    }

    /// Whether the project runs this environment on this cluster.
    pub fn has_target(&self, set: &SetId) -> bool {
        let project = self.verdict.project.as_ref();
        let targets = project.map(|f| f.project.targets()).unwrap_or_default();
        targets
            .iter()
            .any(|t| t.environment == set.environment && t.cluster == set.cluster)
    }

    /// The UID that the project demands of a cluster.
    pub fn uid(&self, cluster: &str) -> Option<String> {
        let project = &self.verdict.project.as_ref()?.project;
        let found = project
            .cluster
            .iter()
            .find(|(name, _)| name.as_str() == cluster)?;
        Some(found.1.uid.to_string())
    }

    /// The render version that the project asks for.
    pub fn render_version(&self) -> u32 {
        self.verdict
            .project
            .as_ref()
            .map_or(1, |found| found.project.render)
    }

    /// The sets by cluster.
    pub fn by_cluster(&self) -> BTreeMap<&str, Vec<&Rendered>> {
        let mut all: BTreeMap<&str, Vec<&Rendered>> = BTreeMap::new();
        for rendered in &self.sets {
            all.entry(&rendered.set.cluster).or_default().push(rendered);
        }
        for sets in all.values_mut() {
            sets.sort_by_key(|r| (r.set.owner != Owner::Platform, &r.set));
        }
        all
    }

    /// What its sets say about each other's objects.
    pub fn neighbours(&self) -> Neighbours<'_> {
        Neighbours::of(&self.sets)
    }

    /// Finds `path:line:column` of spans in this project.
    pub fn place(&self, span: &Span) -> Option<Place> {
        Place::of(&self.loaded.tree, span)
    }
}

/// Tenants whose files are not the same in another tree; `None` where nobody's sets need be the same.
pub fn changed(found: &Found, tree: &SourceTree, other: &SourceTree) -> Option<BTreeSet<Owner>> {
    let layout = Layout::of(&found.project);
    owners_that_differ(other, tree, &layout)
}

/// Those of one cluster, or all; an unknown cluster is an error that lists them.
pub fn only(targets: Vec<Target>, cluster: Option<&str>) -> Result<Vec<Target>, Failure> {
    let Some(wanted) = cluster else {
        return Ok(targets);
    };
    let known: BTreeSet<String> = targets.iter().map(|t| t.cluster.clone()).collect();
    let chosen: Vec<Target> = targets
        .into_iter()
        .filter(|t| t.cluster == wanted)
        .collect();
    if chosen.is_empty() {
        return Err(Failure::Usage {
            message: format!("there is no cluster `{wanted}` here"),
            help: format!(
                "known: {}",
                known.into_iter().collect::<Vec<_>>().join(", ")
            ),
        });
    }
    Ok(chosen)
}

/// Connects and makes sure that it is the cluster the project means.
pub async fn connect(
    session: &Session,
    name: &str,
    to: &KeyedArguments,
) -> Result<KubeCluster, Failure> {
    verified(session, name, to.connect().await?).await
}

/// Makes sure that a cluster is the one that the project means.
pub async fn verified(
    session: &Session,
    name: &str,
    cluster: KubeCluster,
) -> Result<KubeCluster, Failure> {
    if let Some(uid) = session.uid(name) {
        cluster.verify(name, &uid).await?;
    }
    Ok(cluster)
}

/// What was made of each set, and whether something could not be made.
pub struct Each<T> {
    /// What was made, in the order of the sets.
    pub made: Vec<T>,
    /// Whether a set or a cluster failed; it was told.
    pub lost: bool,
}

impl<T> Each<T> {
    /// How the command ends: what failed goes before everything else.
    pub fn exit(&self, otherwise: Exit) -> Exit {
        if self.lost { Exit::Error } else { otherwise }
    }
}

/// Does some work for every set on its cluster. What goes wrong with one set is told and stops no other.
pub async fn each_set<T>(
    session: &Session,
    to: &KeyedArguments,
    work: impl AsyncFn(&KubeCluster, &Rendered) -> Result<T, Failure>,
) -> Each<T> {
    let mut each = Each {
        made: Vec::new(),
        lost: false,
    };
    let lost = |what: &str, failure: &Failure| {
        output::note(&format!("{what}:"));
        let _told = output::failure(failure);
    };
    for (name, sets) in session.by_cluster() {
        let cluster = match connect(session, name, to).await {
            Ok(cluster) => cluster,
            Err(failure) => {
                lost(&format!("cluster {name}"), &failure);
                each.lost = true;
                continue;
            }
        };
        for rendered in sets {
            let span = tracing::info_span!("set", set = %rendered.set);
            match work(&cluster, rendered).instrument(span).await {
                Ok(made) => each.made.push(made),
                Err(failure) => {
                    lost(&rendered.set.to_string(), &failure);
                    each.lost = true;
                }
            }
        }
    }
    each
}

/// A runtime for commands that talk to a cluster.
pub fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    drop(rustls::crypto::ring::default_provider().install_default());
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Runtime {
            reason: error.to_string(),
        })
}

/// Says which cluster and sets follow.
pub fn headline(cluster: &str, sets: usize) {
    let sets = if sets == 1 {
        "1 set".to_owned()
    } else {
        format!("{sets} sets")
    };
    output::note(&format!("cluster {cluster}: {sets}"));
}

/// A name for leases that no other run has: in containers, processes have the same small numbers.
pub(super) fn holder() -> String {
    let drawn = RandomState::new().build_hasher().finish();
    format!("kubemate-cli-{}-{drawn:016x}", std::process::id())
}
