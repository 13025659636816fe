//! `kubemate promote`: the version that runs in one environment becomes that of another, as a pull
//! request that edits one line.

use std::collections::BTreeSet;

use super::propose::{self, Draft, Ground, Named, ProposalArguments};
use super::{Exit, Failure, load};
use crate::adapters::judge::Verdict;
use crate::dsl::compose::Target;
use crate::kinds::project::Project;
use crate::model::job::Shown;
use crate::model::layout::{Found, Layout};
use crate::model::written::{self, Edit, Release};
use crate::object::ResourceId;
use crate::source::intake::Loaded;
use crate::values::image::{Digest, Version};

/// Open a pull request that gives an app in one environment the version it has in another.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The app: app/checkout, or app/payments/checkout for that of one tenant.
    #[arg(value_name = "KIND/NAME")]
    resource: Named,
    /// The environment that gets the version.
    #[arg(long, value_name = "ENV")]
    to: String,
    /// The environment that has it. Default: the one before it in the project.
    #[arg(long, value_name = "ENV", conflicts_with = "version")]
    from: Option<String>,
    /// This version instead of that of an environment.
    #[arg(long, value_name = "TAG")]
    version: Option<Version>,
    /// The digest of that version.
    #[arg(long, value_name = "DIGEST", requires = "version")]
    digest: Option<Digest>,
    #[command(flatten)]
    proposal: ProposalArguments,
}

/// What is to become of what.
struct Promotion {
    resource: ResourceId,
    targets: Vec<Target>,
    before: Release,
    after: Release,
    /// Where the version comes from, for people.
    source: String,
    shown: Shown,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let ground = Ground::new(&arguments.proposal)?;
    let found = propose::project(&ground.loaded)?;
    let promotion = promotion(arguments, &ground.loaded, &found)?;
    let layout = Layout::of(&found.project);
    let after = edited(arguments, &ground.loaded, &promotion, &layout)?;
    let before = propose::rendered(ground.loaded.clone())?;
    let after = propose::rendered(after)?;
    let elsewhere = propose::elsewhere(&propose::plans(&before, &after)?, &arguments.to);
    if !elsewhere.is_empty() {
        return Err(Failure::Declined {
            message: format!(
                "the new version would reach {} as well",
                elsewhere.join(", ")
            ),
            help: format!(
                "write the version in an `in {}` block by hand",
                arguments.to
            ),
        });
    }
    let Promotion { after: release, .. } = &promotion;
    let name = &arguments.resource;
    Draft {
        name: format!(
            "promote-{}-{}-{}-{release}",
            name.kind, name.name, arguments.to
        ),
        title: format!("Promote {name} to {}: {release}", arguments.to),
        remarks: vec![format!(
            "{} in {}: {} becomes {release}, {}",
            promotion.resource, arguments.to, promotion.before, promotion.source
        )],
        ground: &ground,
        before: &before,
        after: &after,
    }
    .offer(&arguments.proposal)
}

fn promotion(arguments: &Arguments, loaded: &Loaded, found: &Found) -> Result<Promotion, Failure> {
    let targets = load::targets(found, Some(&arguments.to))?;
    let (shown, before) = release_in(loaded, &arguments.resource, &targets)?;
    let (after, source) = wanted(arguments, loaded, found)?;
    if after.is_none() {
        return Err(Failure::Declined {
            message: format!("{} has no version {source}", arguments.resource),
            help: "name one with --version, or another environment with --from".to_owned(),
        });
    }
    if after == before {
        return Err(Failure::Declined {
            message: format!(
                "there is nothing to promote: {} has version {before} in {} already, {source}",
                arguments.resource, arguments.to
            ),
            help: "name another version with --version, or another environment with --from"
                .to_owned(),
        });
    }
    Ok(Promotion {
        resource: shown.resource.clone(),
        targets,
        before,
        after,
        source,
        shown,
    })
}

/// The version that is asked for, and where it comes from.
fn wanted(
    arguments: &Arguments,
    loaded: &Loaded,
    found: &Found,
) -> Result<(Release, String), Failure> {
    if let Some(tag) = &arguments.version {
        let release = Release {
            tag: Some(tag.as_str().to_owned()),
            digest: arguments
                .digest
                .as_ref()
                .map(|digest| digest.as_str().to_owned()),
        };
        return Ok((release, "as asked for".to_owned()));
    }
    let from = match &arguments.from {
        Some(from) => from.clone(),
        None => before(&found.project, &arguments.to)?,
    };
    let targets = load::targets(found, Some(&from))?;
    let (_, release) = release_in(loaded, &arguments.resource, &targets)?;
    Ok((release, format!("as in {from}")))
}

/// The environment that comes before another one in the project.
fn before(project: &Project, environment: &str) -> Result<String, Failure> {
    let names: Vec<String> = project
        .environment
        .keys()
        .map(ToString::to_string)
        .collect();
    let at = names.iter().position(|name| name == environment);
    let earlier = at
        .and_then(|at| at.checked_sub(1))
        .and_then(|at| names.get(at));
    earlier.cloned().ok_or_else(|| Failure::Usage {
        message: format!("no environment comes before `{environment}`"),
        help: "name the one to take the version from with --from, or the version with --version"
            .to_owned(),
    })
}

/// The resource and its version in an environment, which is the same on all its clusters.
fn release_in(
    loaded: &Loaded,
    named: &Named,
    targets: &[Target],
) -> Result<(Shown, Release), Failure> {
    let mut found: Option<(Shown, Release)> = None;
    for target in targets {
        let shown = propose::shown(loaded, named, target)?.map_err(|_| Failure::Refused)?;
        let release = Release::of(&shown);
        match &found {
            Some((_, first)) if *first != release => {
                return Err(Failure::Declined {
                    message: format!(
                        "{named} has version {first} on one cluster of {} and {release} on {}",
                        target.environment, target.cluster
                    ),
                    help: "a cluster has a version of its own: edit it by hand, or take it out"
                        .to_owned(),
                });
            }
            Some(_) => {}
            None => found = Some((shown, release)),
        }
    }
    found.ok_or(Failure::Refused)
}

/// The tree with the version written where it means this environment and no other.
fn edited(
    arguments: &Arguments,
    loaded: &Loaded,
    promotion: &Promotion,
    layout: &Layout,
) -> Result<Loaded, Failure> {
    let wanted = (arguments.to.as_str(), &promotion.after);
    let parts = written::parts(&loaded.tree, layout, &promotion.resource);
    let in_place = written::in_place(&loaded.tree, &parts, &promotion.shown, wanted);
    let in_place = in_place.map_err(|error| Failure::Declined {
        message: error.to_string(),
        help: "edit that line by hand".to_owned(),
    })?;
    let candidates: Vec<Vec<Edit>> = match in_place {
        Some(edits) => vec![edits],
        None => {
            let tree = (&loaded.tree, layout);
            let edits = written::overrides(tree, &promotion.resource, &parts, wanted);
            edits.into_iter().map(|edit| vec![edit]).collect()
        }
    };
    let mut refused = None;
    for edits in candidates {
        let tree = written::edited(&loaded.tree, &edits);
        let tree = tree.map_err(crate::source::repository::RepositoryError::from)?;
        let candidate = Loaded {
            tree,
            ..loaded.clone()
        };
        match means(&candidate, &arguments.resource, promotion)? {
            Ok(true) => return Ok(candidate),
            Ok(false) => {}
            Err(verdict) => refused = Some((candidate, verdict)),
        }
    }
    if let Some((candidate, verdict)) = refused {
        load::require_valid(&verdict, &candidate)?;
    }
    Err(Failure::Declined {
        message: format!(
            "no line was found that says the version of {} for {} alone",
            promotion.resource, arguments.to
        ),
        help: format!("write it in an `in {}` block by hand", arguments.to),
    })
}

/// Whether a tree gives the resource the new version on every cluster of the environment; or what is
/// wrong with the tree.
fn means(
    candidate: &Loaded,
    named: &Named,
    promotion: &Promotion,
) -> Result<Result<bool, Verdict>, Failure> {
    let mut found = BTreeSet::new();
    for target in &promotion.targets {
        match propose::shown(candidate, named, target)? {
            Ok(shown) => found.insert(Release::of(&shown) == promotion.after),
            Err(verdict) => return Ok(Err(verdict)),
        };
    }
    Ok(Ok(found == BTreeSet::from([true])))
}
