//! `kubemate rollback`: the lines of one resource go back to an earlier commit, as a pull request. What
//! they mean for the environment is compared with that commit; other environments are left alone.

use std::collections::{BTreeMap, BTreeSet};

use super::propose::{self, Draft, Ground, Named, ProposalArguments};
use super::session::Session;
use super::{Exit, Failure};
use crate::model::layout::Layout;
use crate::model::written::{self, Part, Reverted};
use crate::object::{ObjectKey, ResourceId, SetId};
use crate::plan::Plan;
use crate::plan::digest;
use crate::source::intake::Loaded;
use crate::source::repository::{CommitId, RepositoryError};
use crate::source::{SourceFile, SourceTree};

/// Open a pull request that brings one resource back to what an earlier commit says.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The resource: app/checkout, or app/payments/checkout for that of one tenant.
    #[arg(value_name = "KIND/NAME")]
    resource: Named,
    /// The environment that is to be as it was.
    #[arg(long, value_name = "ENV")]
    env: String,
    /// The commit that had it right: a full ref name or a commit id.
    #[arg(long, value_name = "REV")]
    to: String,
    /// Let lines go back that other environments share.
    #[arg(long)]
    all_environments: bool,
    #[command(flatten)]
    proposal: ProposalArguments,
}

/// A tree that may be offered, with what it is still not.
struct Attempt {
    session: Session,
    plans: Vec<Plan>,
    /// Objects of the resource that are still not as they were.
    left: Vec<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let ground = Ground::new(&arguments.proposal)?;
    let then = ground.repository.resolve(&arguments.to)?;
    let earlier = ground.repository.load(&then, ground.repository.root())?;
    let before = propose::rendered(ground.loaded.clone())?;
    let was = propose::rendered(earlier)?;
    let resource = resource(arguments, &before)?;
    let goal = objects(&was, &resource, &arguments.env);
    if goal.is_empty() {
        return Err(Failure::Declined {
            message: format!("{} has no {resource} in {}", then.short(), arguments.env),
            help: "`kubemate history` lists the commits that changed it".to_owned(),
        });
    }
    if objects(&before, &resource, &arguments.env) == goal {
        return Err(Failure::Declined {
            message: format!(
                "{resource} is in {} as {} has it",
                arguments.env,
                then.short()
            ),
            help: "`kubemate history` lists the commits that changed it".to_owned(),
        });
    }
    let attempt = attempt(arguments, (&before, &was), (&resource, &goal), &then)?;
    let name = &arguments.resource;
    let mut remarks = vec![format!(
        "the lines of {resource} are those of {}",
        then.short()
    )];
    let others = propose::elsewhere(&attempt.plans, &arguments.env);
    if !others.is_empty() {
        remarks.push(format!("{} changes as well", others.join(", ")));
    }
    for left in &attempt.left {
        remarks.push(format!("not as it was, for other lines decide it: {left}"));
    }
    Draft {
        name: format!("rollback-{}-{}-{}", name.kind, name.name, arguments.env),
        title: format!("Roll back {name} in {} to {}", arguments.env, then.short()),
        remarks,
        ground: &ground,
        before: &before,
        after: &attempt.session,
    }
    .offer(&arguments.proposal)
}

/// The resource that is meant, as it is now.
fn resource(arguments: &Arguments, session: &Session) -> Result<ResourceId, Failure> {
    let sets = session
        .sets
        .iter()
        .filter(|set| set.set.environment == arguments.env);
    let objects = sets.flat_map(|set| set.objects.values());
    let found: BTreeSet<&ResourceId> = objects
        .map(|desired| &desired.resource)
        .filter(|id| arguments.resource.is(id))
        .collect();
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one.clone()),
        (Some(_), Some(_)) => Err(Failure::Usage {
            message: format!("there are several `{}`", arguments.resource),
            help: "write KIND/TENANT/NAME".to_owned(),
        }),
        (None, _) => Err(Failure::Declined {
            message: format!(
                "`{}` has no objects in {}",
                arguments.resource, arguments.env
            ),
            help: "what was deleted comes back with `git revert` of the commit that deleted it"
                .to_owned(),
        }),
    }
}

/// What the resource's objects are in an environment, by digest.
fn objects(
    session: &Session,
    resource: &ResourceId,
    environment: &str,
) -> BTreeMap<(SetId, ObjectKey), String> {
    let sets = session
        .sets
        .iter()
        .filter(|set| set.set.environment == environment);
    let mut found = BTreeMap::new();
    for rendered in sets {
        let own = rendered
            .objects
            .iter()
            .filter(|(_, desired)| desired.resource == *resource);
        found.extend(own.map(|(key, desired)| {
            let digest = digest::of_desired(desired, &rendered.set);
            ((rendered.set.clone(), key.clone()), digest)
        }));
    }
    found
}

/// A tree with what it has for the resource.
type Side<'a> = (&'a SourceTree, &'a [Part]);
/// The resource, and what its objects are to be.
type Goal<'a> = (&'a ResourceId, &'a BTreeMap<(SetId, ObjectKey), String>);

/// The smallest change that brings the resource back: what is written for the environment, or else all
/// its lines, or else with the files they name.
fn attempt(
    arguments: &Arguments,
    (before, was): (&Session, &Session),
    goal: Goal<'_>,
    then: &CommitId,
) -> Result<Attempt, Failure> {
    let parts = |session: &Session| {
        let project = session.verdict.project.as_ref();
        let layout = project.map(|found| Layout::of(&found.project));
        let tree = &session.loaded.tree;
        layout
            .map(|layout| written::parts(tree, &layout, goal.0))
            .unwrap_or_default()
    };
    let (parts_now, parts_then) = (parts(before), parts(was));
    let (now, old) = (&before.loaded.tree, &was.loaded.tree);
    let sides: (Side<'_>, Side<'_>) = ((now, &parts_now), (old, &parts_then));
    let narrow = written::within(sides.0, sides.1, &arguments.env);
    if let Some(narrow) = narrow.filter(|found| !found.edits.is_empty()) {
        let tried = tried(before, &narrow, &[], goal, &arguments.env)?;
        if let Some(attempt) = tried.filter(|attempt| attempt.left.is_empty()) {
            return Ok(attempt);
        }
    }
    let best = all_lines(before, sides, (goal, then), &arguments.env)?;
    let others = propose::elsewhere(&best.plans, &arguments.env);
    if !others.is_empty() && !arguments.all_environments {
        return Err(Failure::Declined {
            message: format!(
                "the lines that changed are shared: going back would change {} as well",
                others.join(", ")
            ),
            help: "add --all-environments to change them too".to_owned(),
        });
    }
    Ok(best)
}

/// All lines of the resource as they were, and the files that they name where that is needed.
fn all_lines(
    before: &Session,
    sides: (Side<'_>, Side<'_>),
    (goal, then): (Goal<'_>, &CommitId),
    environment: &str,
) -> Result<Attempt, Failure> {
    let whole = written::whole(sides.0, sides.1);
    let whole = whole.ok_or_else(|| Failure::Declined {
        message: format!(
            "{} is written in other places than at {}",
            goal.0,
            then.short()
        ),
        help: "use `git revert` on the commit that moved it".to_owned(),
    })?;
    let files = written::shared(sides.0, sides.1);
    let named: Vec<&SourceFile> = files
        .iter()
        .filter_map(|path| Some(sides.1.0.find(path.as_str())?.1))
        .collect();
    let mut best: Option<Attempt> = None;
    for files in [&[][..], &named[..]] {
        if whole.edits.is_empty() && files.is_empty() {
            continue;
        }
        let next = tried(before, &whole, files, goal, environment)?;
        // Files go back only where that brings it nearer.
        best = match (best, next) {
            (Some(best), Some(next)) if next.left.len() >= best.left.len() => Some(best),
            (best, next) => next.or(best),
        };
        if best.as_ref().is_some_and(|attempt| attempt.left.is_empty()) {
            break;
        }
    }
    best.ok_or_else(|| Failure::Declined {
        message: format!(
            "the lines of {} are the same as at {}: what changed it stands elsewhere",
            goal.0,
            then.short()
        ),
        help: "`kubemate show --why` says which lines decide each field".to_owned(),
    })
}

/// A tree with these lines and files changed, judged; `None` if it is not valid.
fn tried(
    before: &Session,
    reverted: &Reverted,
    files: &[&SourceFile],
    goal: Goal<'_>,
    environment: &str,
) -> Result<Option<Attempt>, Failure> {
    let tree = written::edited(&before.loaded.tree, &reverted.edits);
    let tree = tree.and_then(|tree| with_files(&tree, files));
    let loaded = Loaded {
        tree: tree.map_err(RepositoryError::from)?,
        ..before.loaded.clone()
    };
    let judged = Session::judge(loaded, |checked| super::load::targets(checked, None))?;
    let Ok(session) = judged else {
        return Ok(None);
    };
    let now = objects(&session, goal.0, environment);
    let keys: BTreeSet<_> = now.keys().chain(goal.1.keys()).collect();
    let differs = |key: &&&(SetId, ObjectKey)| now.get(**key) != goal.1.get(**key);
    let left = keys
        .iter()
        .filter(differs)
        .map(|key| key.1.to_string())
        .collect();
    let plans = propose::plans(before, &session)?;
    Ok(Some(Attempt {
        session,
        plans,
        left,
    }))
}

fn with_files(
    tree: &SourceTree,
    files: &[&SourceFile],
) -> Result<SourceTree, crate::source::TreeError> {
    let others = tree.files().iter();
    let others = others.filter(|file| files.iter().all(|new| new.path != file.path));
    SourceTree::new(others.chain(files.iter().copied()).cloned().collect())
}
