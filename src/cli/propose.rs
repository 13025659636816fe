//! What `promote` and `rollback` share: the commit they start from, the edited tree judged and compared
//! with it, and the pull request, or what it would say.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::home::ForgeArguments;
use super::session::Session;
use super::{Exit, Failure, ci, load, output, session};
use crate::adapters::forge::{AnyForge, offer};
use crate::adapters::git::LocalRepository;
use crate::adapters::judge::Verdict;
use crate::dsl::compose::Target;
use crate::dsl::diagnostic::Span;
use crate::model::job::{Shown, Want};
use crate::model::layout::Found;
use crate::object::{Rendered, ResourceId};
use crate::plan::display::{self, Place};
use crate::plan::{Plan, intent};
use crate::report::diagnostics::escape;
use crate::report::forge::proposal::{About, FileChange, Proposal};
use crate::report::forge::{Forge, Put};
use crate::source::intake::Loaded;
use crate::source::repository::CommitId;
use crate::source::{RepoPath, SourceTree};

/// Most characters of a title.
const MAX_TITLE: usize = 120;

/// Where a change is offered.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ProposalArguments {
    /// Directory of the project.
    #[arg(value_name = "DIR", default_value = ".")]
    pub(super) directory: PathBuf,
    /// The branch that the pull request is for.
    #[arg(long, value_name = "BRANCH", default_value = "main")]
    onto: String,
    /// Show what would be offered, and offer nothing: needs no forge.
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    forge: ForgeArguments,
}

/// What a change starts from.
pub(super) struct Ground {
    pub(super) repository: LocalRepository,
    pub(super) base: CommitId,
    pub(super) loaded: Loaded,
    forge: Option<AnyForge>,
    runtime: tokio::runtime::Runtime,
}

impl Ground {
    /// The last commit of the branch: what the forge has, or without one what is known here.
    pub(super) fn new(arguments: &ProposalArguments) -> Result<Self, Failure> {
        let repository = LocalRepository::discover(&arguments.directory)?;
        let runtime = session::runtime()?;
        let (forge, base) = match arguments.dry_run {
            true => (None, known_here(&repository, &arguments.onto)?),
            false => {
                let forge = arguments.forge.client(&repository)?;
                let tip = runtime.block_on(forge.tip(&arguments.onto))?;
                let tip = tip.ok_or_else(|| Failure::Usage {
                    message: format!("the forge has no branch `{}`", arguments.onto),
                    help: "name the branch that the clusters follow with --onto".to_owned(),
                })?;
                (Some(forge), fetched(&repository, tip.commit)?)
            }
        };
        let loaded = repository.load(&base, repository.root())?;
        Ok(Self {
            repository,
            base,
            loaded,
            forge,
            runtime,
        })
    }

    /// A path of the project as one of the repository.
    pub(super) fn in_repository(&self, path: &RepoPath) -> String {
        match self.repository.root() {
            "" => path.as_str().to_owned(),
            root => format!("{root}/{path}"),
        }
    }

    /// The files in which a tree differs from the base, byte by byte.
    pub(super) fn changes(&self, tree: &SourceTree) -> Result<Vec<FileChange>, Failure> {
        let mut files = Vec::new();
        for file in tree.files() {
            let known = self.loaded.tree.find(file.path.as_str());
            if known.is_some_and(|(_, known)| known.digest == file.digest) {
                continue;
            }
            let Some(text) = file.text() else { continue };
            let path = self.in_repository(&file.path);
            let before = self.repository.file(&self.base, &path)?;
            files.push(FileChange {
                executable: before.as_ref().is_some_and(|file| file.executable),
                before: before.map(|file| file.bytes),
                after: Some(text.as_bytes().to_vec()),
                path,
            });
        }
        for file in self.loaded.tree.files() {
            if tree.find(file.path.as_str()).is_none() {
                let path = self.in_repository(&file.path);
                if let Some(before) = self.repository.file(&self.base, &path)? {
                    files.push(FileChange {
                        path,
                        executable: before.executable,
                        before: Some(before.bytes),
                        after: None,
                    });
                }
            }
        }
        Ok(files)
    }
}

/// A change on its way to a pull request.
pub(super) struct Draft<'a> {
    pub(super) ground: &'a Ground,
    /// A word for its branch.
    pub(super) name: String,
    pub(super) title: String,
    pub(super) remarks: Vec<String>,
    pub(super) before: &'a Session,
    pub(super) after: &'a Session,
}

impl Draft<'_> {
    /// Opens the pull request, or shows it.
    pub(super) fn offer(mut self, arguments: &ProposalArguments) -> Result<Exit, Failure> {
        let plans = plans(self.before, self.after)?;
        self.remarks.extend(conditions(self.after, &plans));
        let tree = &self.after.loaded.tree;
        let places = |span: &Span| -> Option<Place> {
            let mut trees = [tree, &self.before.loaded.tree].into_iter();
            trees.find_map(|tree| Place::of(tree, span))
        };
        let about = About {
            title: &self.title.chars().take(MAX_TITLE).collect::<String>(),
            remarks: &self.remarks,
            plans: &plans,
            places: &places,
        };
        let files = self.ground.changes(tree)?;
        let (base, onto) = (&self.ground.base, arguments.onto.as_str());
        let tree = Some(self.ground.repository.tree_with(base, &files)?);
        let proposal = Proposal {
            tree,
            ..Proposal::new((base, onto), &self.name, files, &about)
        };
        let Some(forge) = &self.ground.forge else {
            self.show(&proposal, &plans, &places);
            return Ok(Exit::Ok);
        };
        for remark in &self.remarks {
            output::note(&escape::line(remark));
        }
        let offered = self.ground.runtime.block_on(offer(forge, &proposal))?;
        let what = match offered.put {
            Put::Created | Put::Updated => "opened",
            Put::Same | Put::Skipped(_) => "is open already:",
        };
        let link = offered
            .link
            .map(|link| format!(" {link}"))
            .unwrap_or_default();
        output::print(&format!(
            "pull request {what} #{}{}\n",
            offered.number,
            escape::line(&link)
        ));
        Ok(Exit::Ok)
    }

    fn show(&self, proposal: &Proposal, plans: &[Plan], places: display::Places<'_>) {
        let mut text = format!("{}\n", escape::line(&proposal.title));
        for remark in &self.remarks {
            text.push_str(&format!("  {}\n", escape::line(remark)));
        }
        for file in &proposal.files {
            let side = |bytes: &Option<Vec<u8>>| {
                let bytes = bytes.as_deref().unwrap_or_default();
                String::from_utf8_lossy(bytes).into_owned()
            };
            let (before, after) = (side(&file.before), side(&file.after));
            let diff = similar::TextDiff::from_lines(&before, &after);
            let mut unified = diff.unified_diff();
            let unified = unified.context_radius(2).header(&file.path, &file.path);
            for line in unified.to_string().lines() {
                text.push_str(&format!("{}\n", escape::line(line)));
            }
        }
        let style = display::Style {
            color: output::style().color,
        };
        for plan in plans.iter().filter(|plan| !plan.is_empty()) {
            text.push('\n');
            text.push_str(&display::text::text(plan, places, style));
        }
        output::print(&text);
        output::note(&format!(
            "nothing was offered; without --dry-run this is a pull request from {}",
            proposal.branch
        ));
    }
}

/// The last commit of a branch as far as it is known here.
fn known_here(repository: &LocalRepository, branch: &str) -> Result<CommitId, Failure> {
    let names = [
        format!("refs/remotes/origin/{branch}"),
        format!("refs/heads/{branch}"),
    ];
    let mut known = names
        .iter()
        .filter_map(|name| repository.resolve(name).ok());
    match known.next() {
        Some(commit) => Ok(commit),
        None => Ok(repository.resolve("HEAD")?),
    }
}

/// A commit of the forge that this clone has.
fn fetched(repository: &LocalRepository, commit: CommitId) -> Result<CommitId, Failure> {
    match repository.resolve(commit.as_str()) {
        Ok(commit) => Ok(commit),
        Err(_) => Err(Failure::Declined {
            message: format!("this clone does not have {} yet", commit.short()),
            help: "run `git fetch origin` and try again".to_owned(),
        }),
    }
}

/// A tree rendered for every target, or everything that is wrong with it, printed.
pub(super) fn rendered(loaded: Loaded) -> Result<Session, Failure> {
    let opened = Session::judge(loaded, |checked| load::targets(checked, None))?;
    opened.or_else(|(loaded, verdict)| {
        load::require_valid(&verdict, &loaded)?;
        Err(Failure::Refused)
    })
}

/// The project of a tree that is valid; what is wrong with it is printed.
pub(super) fn project(loaded: &Loaded) -> Result<Found, Failure> {
    let checked = load::judge_loaded(loaded, &Want::Check)?;
    load::require_valid(&checked, loaded)?;
    checked.project.ok_or(Failure::Refused)
}

/// The resource that a person names, as in `app/checkout` or `app/payments/checkout`.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) kind: String,
    tenant: Option<String>,
    pub(super) name: String,
}

impl std::str::FromStr for Named {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split('/').collect();
        let (kind, tenant, name) = match parts.as_slice() {
            [kind, name] => (kind, None, name),
            [kind, tenant, name] => (kind, Some((*tenant).to_owned()), name),
            _ => return Err("write KIND/NAME, as in app/checkout"),
        };
        if parts.iter().any(|part| part.is_empty()) {
            return Err("write KIND/NAME, as in app/checkout");
        }
        Ok(Self {
            kind: (*kind).to_owned(),
            tenant,
            name: (*name).to_owned(),
        })
    }
}

impl Named {
    /// Whether a resource is meant.
    pub(super) fn is(&self, id: &ResourceId) -> bool {
        let tenant = self.tenant.is_none() || self.tenant == id.tenant;
        id.kind == self.kind && id.name == self.name && tenant
    }
}

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// The resource as composed for a target, or the tree's problems.
pub(super) fn shown(
    loaded: &Loaded,
    named: &Named,
    target: &Target,
) -> Result<Result<Shown, Verdict>, Failure> {
    let want = Want::Show {
        kind: named.kind.clone(),
        name: named.name.clone(),
        target: target.clone(),
    };
    let verdict = load::judge_loaded(loaded, &want)?;
    if verdict.diagnostics.has_errors() {
        return Ok(Err(verdict));
    }
    let all = verdict
        .outcomes
        .iter()
        .flat_map(|(_, outcome)| &outcome.shown);
    let found: Vec<&Shown> = all.filter(|shown| named.is(&shown.resource)).collect();
    match found.as_slice() {
        [one] => Ok(Ok((*one).clone())),
        [] => Err(Failure::Usage {
            message: format!("there is no `{named}` in `{}`", target.environment),
            help: "names are KIND/NAME, as KDL writes them".to_owned(),
        }),
        several => {
            let tenants = several
                .iter()
                .filter_map(|shown| shown.resource.tenant.as_ref());
            let names = tenants.map(|tenant| format!("{}/{tenant}/{}", named.kind, named.name));
            Err(Failure::Usage {
                message: format!("there are several `{named}`"),
                help: format!("write {}", names.collect::<Vec<_>>().join(" or ")),
            })
        }
    }
}

/// What going from one tree to the other changes, set by set.
pub(super) fn plans(before: &Session, after: &Session) -> Result<Vec<Plan>, Failure> {
    let known: BTreeMap<_, &Rendered> = before.sets.iter().map(|r| (&r.set, r)).collect();
    let (mut plans, now) = (Vec::new(), ci::now());
    for rendered in &after.sets {
        let none = Rendered {
            set: rendered.set.clone(),
            objects: BTreeMap::new(),
        };
        let earlier = known.get(&rendered.set).copied().unwrap_or(&none);
        let policy = after.rights.policy(&rendered.set);
        let (_, plan) = intent::intent_at(earlier, rendered, &policy, now)
            .map_err(crate::apply::prepare::PrepareError::from)?;
        plans.push(plan);
    }
    Ok(plans)
}

/// By whose leave and when the changes are made.
fn conditions(session: &Session, plans: &[Plan]) -> Vec<String> {
    let mut lines = Vec::new();
    for plan in plans.iter().filter(|plan| !plan.is_empty()) {
        let season = session.rights.season(&plan.set, ci::now());
        if !season.is_open() {
            lines.push(format!("{}: {season}", plan.set));
        }
        if let Some(approval) = session.rights.approval(&plan.set) {
            lines.push(format!("{}: needs approval `{}`", plan.set, approval.name));
        }
    }
    lines
}

/// Sets of other environments that change.
pub(super) fn elsewhere(plans: &[Plan], environment: &str) -> Vec<String> {
    let changed = plans.iter().filter(|plan| !plan.is_empty());
    let others = changed.filter(|plan| plan.set.environment != environment);
    others.map(|plan| plan.set.to_string()).collect()
}
