//! The judgement of one commit against another: problems, plans, and what else there is to know.

use std::collections::{BTreeMap, BTreeSet};

use super::super::session::{self, Session};
use super::super::{Failure, load};
use super::{Arguments, is_foreign};
use crate::adapters::git::LocalRepository;
use crate::adapters::judge::{Verdict, refused_names};
use crate::apply::prepare::{PrepareError, prepare};
use crate::dsl::compose::Target;
use crate::dsl::diagnostic::{Diagnostics, Span};
use crate::kinds::approval::Approval;
use crate::kinds::project;
use crate::model::job::Entitled;
use crate::model::layout::Found;
use crate::model::rules;
use crate::object::{Rendered, SetId};
use crate::plan::consent::Consent;
use crate::plan::display::Place;
use crate::plan::intent::{self, Intent};
use crate::plan::{Plan, Policy};
use crate::report::forge::Instance;
use crate::report::forge::ci::Run;
use crate::report::forge::comment::{Judged, Report};
use crate::source::intake::Loaded;
use crate::source::repository::CommitId;
use crate::source::{RepoPath, SourceTree};

/// What came out.
pub(super) struct Judgement {
    /// The commit that was judged, as it lies here.
    pub(super) commit: CommitId,
    /// The commit that people see: a merge made by a CI system has none of its own.
    pub(super) head: CommitId,
    /// What it was compared with.
    pub(super) base: Option<CommitId>,
    /// Problems of the files.
    pub(super) diagnostics: Diagnostics,
    /// Plans, unless the files are invalid.
    pub(super) plans: Vec<Plan>,
    /// Intents of the plans that were made without a cluster.
    pub(super) intents: Vec<Intent>,
    /// Rules by which somebody has to agree to the change.
    pub(super) asked: Vec<Approval>,
    /// For each tenant that changes and whose roles say who may agree to that: the members who may.
    pub(super) agreeing: Vec<Vec<Entitled>>,
    /// What became of them.
    pub(super) consents: Vec<Consent>,
    /// Why there are no plans though the files are right.
    pub(super) incomparable: Option<String>,
    /// What else there is to know.
    pub(super) remarks: Vec<String>,
    /// The files, for places.
    pub(super) tree: SourceTree,
    /// Where the project lies in its repository, with a `/` at the end; empty at the top.
    prefix: String,
}

impl Judgement {
    /// Finds places, as paths from the top of the repository.
    pub(super) fn places(&self) -> impl Fn(&Span) -> Option<Place> + '_ {
        |span| {
            let place = Place::of(&self.tree, span)?;
            Some(Place {
                path: format!("{}{}", self.prefix, place.path),
                ..place
            })
        }
    }

    /// As a report.
    pub(super) fn report<'a>(
        &'a self,
        instance: &'a Instance,
        run: &'a Run,
        places: &'a dyn Fn(&Span) -> Option<Place>,
    ) -> Report<'a> {
        let judged = match &self.incomparable {
            _ if self.diagnostics.has_errors() => Judged::Invalid,
            Some(why) => Judged::Incomparable(why),
            None => Judged::Planned(&self.plans),
        };
        Report {
            instance,
            head: &self.head,
            base: self.base.as_ref(),
            judged,
            intents: &self.intents,
            consents: &self.consents,
            diagnostics: &self.diagnostics,
            remarks: &self.remarks,
            link: run.link.as_deref(),
            places,
        }
    }
}

/// One commit with what it means.
type Side = Result<Session, (Loaded, Verdict)>;

/// Judges the commit that the arguments name.
pub(super) fn judge(arguments: &Arguments, run: &Run) -> Result<Judgement, Failure> {
    let repository = LocalRepository::discover(&arguments.directory)?;
    let commit = repository.resolve(&arguments.rev)?;
    let loaded = repository.load(&commit, repository.root())?;
    let refused = refused_names(&loaded.refused);
    let head = Session::judge(loaded, |found| {
        session::only(
            load::targets(found, arguments.env.as_deref())?,
            arguments.cluster.as_deref(),
        )
    })?;
    let (tree, diagnostics) = match &head {
        Ok(session) => (
            session.loaded.tree.clone(),
            session.verdict.diagnostics.clone(),
        ),
        Err((loaded, verdict)) => (loaded.tree.clone(), verdict.diagnostics.clone()),
    };
    let prefix = match repository.root() {
        "" => String::new(),
        root => format!("{root}/"),
    };
    let mut judgement = Judgement {
        head: run.head.clone().unwrap_or_else(|| commit.clone()),
        commit,
        base: None,
        diagnostics,
        plans: Vec::new(),
        intents: Vec::new(),
        asked: Vec::new(),
        agreeing: Vec::new(),
        consents: Vec::new(),
        incomparable: None,
        remarks: Vec::new(),
        tree,
        prefix,
    };
    refused
        .into_iter()
        .for_each(|problem| judgement.diagnostics.push(problem));
    compare(arguments, run, &repository, head, &mut judgement)?;
    Ok(judgement)
}

/// Holds the head against its base: first the rules, then what would change.
fn compare(
    arguments: &Arguments,
    run: &Run,
    repository: &LocalRepository,
    head: Side,
    judgement: &mut Judgement,
) -> Result<(), Failure> {
    let base = match base(arguments, run, repository, &judgement.commit) {
        Ok(base) => base,
        Err(why) => {
            judgement.incomparable = Some(why);
            return Ok(());
        }
    };
    judgement.base = Some(base.clone());
    let before = side_of_base(arguments, repository, &base)?;
    hold_rules(repository, &base, &before, &head, judgement)?;
    let Ok(head) = head else { return Ok(()) };
    if judgement.diagnostics.has_errors() {
        return Ok(());
    }
    let before = match before {
        Ok(session) => Some(session),
        // Only a base without a project's file has no rules; one that cannot be read has unknown ones.
        Err((loaded, verdict)) if verdict.project.is_none() && !has_project(&loaded) => {
            judgement.remarks.push(
                "The project begins with this change: it is judged by its own rules.".to_owned(),
            );
            None
        }
        Err(_) => {
            judgement.incomparable = Some(format!("the base {} is not valid", base.short()));
            return Ok(());
        }
    };
    if arguments.live && is_foreign(run) {
        let why = "This comes from a fork: no cluster was asked, two commits were compared.";
        judgement.remarks.push(why.to_owned());
    } else if arguments.live {
        live(arguments, before.as_ref(), &head, judgement)?;
    } else {
        offline(before.as_ref(), &head, judgement)?;
    }
    judgement.asked = asked(before.as_ref(), &head, &judgement.plans);
    let sets = judgement.plans.iter().filter(|plan| !plan.is_empty());
    let sets = sets.map(|plan| &plan.set);
    let agreeing = before.as_ref().map(|session| session.rights.agreeing(sets));
    judgement.agreeing = agreeing.unwrap_or_default();
    let rights = &before.as_ref().unwrap_or(&head).rights;
    let changing = judgement.plans.iter().filter(|plan| !plan.is_empty());
    let seasons = changing.map(|plan| (&plan.set, rights.season(&plan.set, super::now())));
    let waits = seasons.filter(|(_, season)| !season.is_open());
    let waits = waits.map(|(set, season)| format!("{set}: {season}."));
    judgement.remarks.extend(waits.collect::<Vec<_>>());
    Ok(())
}

/// By whose leave the plans go, by the rules that the change starts from: what begins with a change
/// has none. That a rule changes makes no plan, and needs the leave that it asks for.
fn asked(before: Option<&Session>, head: &Session, plans: &[Plan]) -> Vec<Approval> {
    let mut all = BTreeMap::new();
    for plan in plans {
        let rule = before.and_then(|session| session.rights.approval(&plan.set));
        let stays = rule == head.rights.approval(&plan.set);
        if let Some(rule) = rule.filter(|_| !stays || !plan.is_empty()) {
            all.insert(rule.name.to_string(), rule.clone());
        }
    }
    all.into_values().collect()
}

/// The base as it is judged; an empty one where the project begins with the change.
fn side_of_base(
    arguments: &Arguments,
    repository: &LocalRepository,
    base: &CommitId,
) -> Result<Side, Failure> {
    match repository.load(base, repository.root()) {
        Ok(loaded) => Session::judge(loaded, |found| Ok(chosen(found, arguments))),
        Err(crate::source::repository::RepositoryError::NoSuchDirectory { .. }) => Session::judge(
            Loaded {
                revision: base.revision(),
                tree: SourceTree::new(Vec::new()).unwrap_or_default(),
                refused: Vec::new(),
            },
            |_| Ok(Vec::new()),
        ),
        Err(error) => Err(error.into()),
    }
}

fn has_project(loaded: &Loaded) -> bool {
    loaded.tree.find(project::FILE).is_some()
}

/// The commit to compare with; why there is none, in words for the report.
fn base(
    arguments: &Arguments,
    run: &Run,
    repository: &LocalRepository,
    head: &CommitId,
) -> Result<CommitId, String> {
    let named = arguments.base.as_deref().or(run.base.as_deref());
    let named = named.ok_or("nothing says what to compare with; write --base REV")?;
    let tip = repository.resolve(named).map_err(|error| {
        format!("{error}; fetch it first, as with `fetch-depth: 0` or `git fetch origin`")
    })?;
    let common = repository
        .merge_base(&tip, head)
        .map_err(|error| error.to_string())?;
    common.ok_or_else(|| {
        format!(
            "{} and {} have no history in common here; fetch all of it",
            tip.short(),
            head.short()
        )
    })
}

/// The targets of a base: it may lack what the change adds.
fn chosen(found: &Found, arguments: &Arguments) -> Vec<Target> {
    let all = found.project.targets();
    let wanted = |t: &Target| {
        arguments
            .env
            .as_ref()
            .is_none_or(|env| t.environment == *env)
            && arguments
                .cluster
                .as_ref()
                .is_none_or(|cluster| t.cluster == *cluster)
    };
    all.into_iter().filter(wanted).collect()
}

/// Who owns what is said by the base, even if the base is wrong in other ways.
fn hold_rules(
    repository: &LocalRepository,
    base: &CommitId,
    before: &Side,
    head: &Side,
    judgement: &mut Judgement,
) -> Result<(), Failure> {
    let project = |side: &Side| match side {
        Ok(session) => session.verdict.project.clone(),
        Err((_, verdict)) => verdict.project.clone(),
    };
    let (Some(old), Some(new)) = (project(before), project(head)) else {
        return Ok(());
    };
    if !rules::altered(&old.project, &new.project) {
        return Ok(());
    }
    judgement.remarks.push(
        "This changes the rules of ownership. They hold from the merge on; the change itself is judged by the old ones."
            .to_owned(),
    );
    let changed = repository.changed_paths(base, &judgement.commit)?;
    let inside =
        |path: &RepoPath| RepoPath::new(path.as_str().strip_prefix(&judgement.prefix)?).ok();
    let touched: BTreeSet<RepoPath> = changed.paths.iter().filter_map(inside).collect();
    let found = rules::own_rules(&old.project, &new.project, &judgement.tree, &touched);
    judgement.diagnostics.append(found);
    judgement.diagnostics = std::mem::take(&mut judgement.diagnostics).finish();
    Ok(())
}

/// What a set may do by the rules of the base. About a target that the base has not, it has no rules.
fn policy(before: Option<&Session>, head: &Session, set: &SetId) -> Policy {
    match before {
        Some(session) if session.has_target(set) => session.rights.policy(set),
        Some(_) | None => head.rights.policy(set),
    }
}

fn offline(
    before: Option<&Session>,
    head: &Session,
    judgement: &mut Judgement,
) -> Result<(), Failure> {
    let by_set = |sets: &[Rendered]| -> BTreeMap<SetId, Rendered> {
        sets.iter().map(|r| (r.set.clone(), r.clone())).collect()
    };
    let old = by_set(before.map(|s| s.sets.as_slice()).unwrap_or_default());
    let (new, now) = (by_set(&head.sets), super::now());
    for (set, wanted) in &new {
        let none = Rendered {
            set: set.clone(),
            objects: BTreeMap::new(),
        };
        let applied = old.get(set).unwrap_or(&none);
        let policy = policy(before, head, set);
        let span = tracing::info_span!("plan", set = %set);
        let planned = span.in_scope(|| intent::intent_at(applied, wanted, &policy, now));
        let (announced, plan) = planned.map_err(PrepareError::from)?;
        if !plan.is_empty() {
            judgement.intents.push(announced);
        }
        judgement.plans.push(plan);
    }
    for set in old.keys().filter(|set| !new.contains_key(set)) {
        judgement.remarks.push(format!(
            "{set} is no longer wanted: its objects stay until `kubemate delete --set {set}`."
        ));
    }
    Ok(())
}

fn live(
    arguments: &Arguments,
    before: Option<&Session>,
    head: &Session,
    judgement: &mut Judgement,
) -> Result<(), Failure> {
    let plans = session::runtime()?.block_on(async {
        let (mut plans, beside) = (Vec::new(), head.neighbours());
        for (name, sets) in head.by_cluster() {
            let cluster = session::connect(head, name, &arguments.to).await?;
            for rendered in sets {
                let (identity, policy) = (
                    head.rights.identity(&rendered.set),
                    policy(before, head, &rendered.set),
                );
                plans.push(prepare(&cluster, rendered, &identity, &policy, &beside).await?);
            }
        }
        Ok::<_, Failure>(plans)
    });
    match plans {
        Ok(plans) => judgement.plans = plans,
        // The status must say so, too.
        Err(error) => judgement.incomparable = Some(error.to_string()),
    }
    Ok(())
}
