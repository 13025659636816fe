//! What a commit wants for one Sync: judged, rendered for one target, with the identity and policy of
//! every set. An invalid commit gives sentences about its KDL and never a part of a set. What is wrong in
//! a tenant's own files makes that tenant's sets invalid; anything else makes the commit invalid.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::cycle::{Sort, Trouble};
use super::upgrade;
use crate::adapters::judge::{self, Judge, Verdict};
use crate::adapters::rights::Rights;
use crate::adapters::sync::{Drift, Mark, SyncSpec};
use crate::dsl::compose::Target;
use crate::dsl::diagnostic::{Diagnostic, Severity, Span};
use crate::kinds::approval::Approval;
use crate::model::job::Want;
use crate::model::layout::Layout;
use crate::object::{Owner, Rendered, SetId};
use crate::plan::display::Place;
use crate::plan::{self, Policy};
use crate::source::SourceTree;
use crate::source::intake::Loaded;

/// Errors that are told of one owner.
const TOLD: usize = 3;

/// A commit, rendered for one Sync.
pub struct Desired {
    /// Every set of the Sync, the platform's before its tenants'.
    pub sets: Vec<Rendered>,
    /// The sets of the project on this cluster that the Sync leaves alone.
    pub others: Vec<Rendered>,
    /// The UID that the project demands of the cluster.
    pub uid: String,
    /// In whose name each set is written, and where.
    pub rights: Rights,
    /// Tenants whose files are not valid in this commit.
    pub behind: BTreeMap<Owner, Behind>,
    /// What its own sets come to.
    pub(super) mark: Mark,
    tree: SourceTree,
}

/// What is known of a tenant whose files are not valid.
#[derive(Debug, Clone, PartialEq)]
pub struct Behind {
    /// What is wrong with them, and where.
    pub why: String,
    /// The commit in which they were valid last, if there was one.
    pub commit: Option<String>,
    /// The files of that commit, where its sets stand in for those of this one.
    tree: Option<SourceTree>,
}

/// Judges and renders; the error is what is wrong with the commit, its first place before all else.
/// Blocks for as long as the workers work.
pub fn desired(judge: &Judge, loaded: Loaded, spec: &SyncSpec) -> Result<Desired, Trouble> {
    let invalid = |said: String| Trouble::new(Sort::InvalidCommit, said);
    let bad_spec = |said: String| Trouble::new(Sort::BadSpec, said);
    let checked = judge.judge(&loaded.tree, &Want::Check);
    let mut broken = broken(&checked, &loaded).map_err(invalid)?;
    let project = checked.project.as_ref().map(|found| &found.project);
    let project = project.ok_or_else(|| invalid("there is no project in this directory".into()))?;
    let target = Target {
        environment: spec.environment.clone(),
        cluster: spec.cluster.clone(),
    };
    if !project.targets().contains(&target) {
        let known: Vec<String> = project
            .targets()
            .iter()
            .map(|t| format!("{} on {}", t.environment, t.cluster))
            .collect();
        let (environment, cluster) = (&spec.environment, &spec.cluster);
        let known = known.join(", ");
        let said = format!("the project has no {environment} on {cluster}; it has {known}");
        return Err(bad_spec(said));
    }
    let uid = project
        .cluster
        .iter()
        .find(|(name, _)| name.as_str() == spec.cluster);
    let uid = uid.map(|(_, cluster)| cluster.uid.to_string());
    let said = "the project does not say which cluster this is";
    let uid = uid.ok_or_else(|| invalid(said.into()))?;
    let want = Want::Render {
        targets: vec![target],
        trace: true,
    };
    let mut verdict = judge.judge(&loaded.tree, &want);
    broken.extend(self::broken(&verdict, &loaded).map_err(invalid)?);
    let rendered = verdict.take_rendered().into_values();
    let sound = rendered.filter(|r| !broken.contains_key(&r.set.owner));
    let (mut sets, others): (Vec<_>, Vec<_>) = sound.partition(|r| covers(spec, &r.set));
    sort(&mut sets);
    if let Some(unknown) = unknown_tenant(spec, &sets, &broken) {
        return Err(bad_spec(unknown));
    }
    let behind = broken.into_iter().map(|(owner, why)| {
        let (commit, tree) = (None, None);
        (owner, Behind { why, commit, tree })
    });
    Ok(Desired {
        mark: upgrade::mark(spec, &sets),
        sets,
        others,
        uid,
        rights: Rights::of(&verdict),
        behind: behind.collect(),
        tree: loaded.tree,
    })
}

fn sort(sets: &mut [Rendered]) {
    sets.sort_by_key(|r| (r.set.owner != Owner::Platform, r.set.clone()));
}

/// A tenant that the Sync names and the commit does not have, in words. Nothing wanted is not the same
/// as everything done.
fn unknown_tenant(
    spec: &SyncSpec,
    sets: &[Rendered],
    broken: &BTreeMap<Owner, String>,
) -> Option<String> {
    let tenants = spec.tenants.as_ref()?;
    let has = |name: &str| {
        let mut owners = sets.iter().map(|r| &r.set.owner).chain(broken.keys());
        owners.any(|owner| matches!(owner, Owner::Tenant(tenant) if tenant == name))
    };
    match tenants.iter().find(|name| !has(name)) {
        Some(name) => Some(format!(
            "`tenants`: the project has nothing of a tenant `{name}` here"
        )),
        None if tenants.is_empty() => Some("`tenants`: it names no tenant".to_owned()),
        None => None,
    }
}

/// Whether a Sync may touch a set.
pub(super) fn covers(spec: &SyncSpec, set: &SetId) -> bool {
    match (&spec.tenants, &set.owner) {
        (None, _) => true,
        (Some(_), Owner::Platform) => false,
        (Some(tenants), Owner::Tenant(name)) => tenants.contains(name),
    }
}

/// Tenants whose files are wrong, and how; the error is what is wrong with the commit as a whole.
fn broken(verdict: &Verdict, loaded: &Loaded) -> Result<BTreeMap<Owner, String>, String> {
    let refused = judge::refused_names(&loaded.refused);
    let errors = verdict
        .diagnostics
        .iter()
        .chain(&refused)
        .filter(|d| d.severity == Severity::Error);
    let project = verdict.project.as_ref().map(|found| &found.project);
    let layout = project.map(Layout::of);
    let mut by_owner: BTreeMap<Owner, Vec<&Diagnostic>> = BTreeMap::new();
    for error in errors {
        let owners = layout.as_ref().map(|l| concerned(error, loaded, l));
        for owner in owners.unwrap_or_else(|| BTreeSet::from([Owner::Platform])) {
            by_owner.entry(owner).or_default().push(error);
        }
    }
    if let Some(whole) = by_owner.get(&Owner::Platform) {
        return Err(told(whole, loaded));
    }
    let told = |(owner, errors): (Owner, Vec<&Diagnostic>)| (owner, told(&errors, loaded));
    Ok(by_owner.into_iter().map(told).collect())
}

/// Whose sets an error concerns: of all tenants that have a part in it, for it cannot be told which of
/// them is right. An error in a file of the platform, or in none, concerns everybody.
fn concerned(error: &Diagnostic, loaded: &Loaded, layout: &Layout) -> BTreeSet<Owner> {
    let owner = |span: &Span| {
        loaded
            .tree
            .get(span.file)
            .map(|file| layout.owner(&file.path))
    };
    let first = error.primary.as_ref().and_then(|label| owner(&label.span));
    match first.unwrap_or(Owner::Platform) {
        Owner::Platform => BTreeSet::from([Owner::Platform]),
        tenant @ Owner::Tenant(_) => {
            let related = error.related.iter().filter_map(|label| owner(&label.span));
            let tenants = related.filter(|owner| *owner != Owner::Platform);
            tenants.chain([tenant]).collect()
        }
    }
}

/// The first errors in words, each behind its place.
fn told(errors: &[&Diagnostic], loaded: &Loaded) -> String {
    let place = |error: &Diagnostic| {
        let label = error.primary.as_ref()?;
        Place::of(&loaded.tree, &label.span)
    };
    let words = errors.iter().take(TOLD).map(|error| match place(error) {
        Some(at) => format!("{at}: {}", error.message),
        None => error.message.clone(),
    });
    let mut words: Vec<String> = words.collect();
    if let Some(more) = errors.len().checked_sub(TOLD).filter(|more| *more > 0) {
        words.push(format!("and {more} more"));
    }
    words.join("; ")
}

impl Desired {
    /// Sets that no files stand behind.
    #[cfg(test)]
    pub(super) fn plain(sets: Vec<Rendered>, uid: &str, rights: Rights) -> Self {
        Self {
            sets,
            others: Vec::new(),
            uid: uid.to_owned(),
            rights,
            behind: BTreeMap::new(),
            mark: Mark::default(),
            tree: SourceTree::default(),
        }
    }

    /// Who has to agree to what comes after this commit, whichever sets it has, if anybody has to.
    pub fn rule(&self, spec: &SyncSpec) -> Option<&Approval> {
        self.rights.approval_on(&spec.environment, &spec.cluster)
    }

    /// Whether any of the sets is in a freeze that people can let changes through.
    pub(super) fn has_exception(&self, now: Timestamp) -> bool {
        let mut sets = self.sets.iter();
        sets.any(|rendered| self.rights.exception(&rendered.set, now).is_some())
    }

    /// What a set may do, by the project and by the Sync.
    pub fn policy(&self, set: &SetId, spec: &SyncSpec) -> Policy {
        Policy {
            prune: spec.prune,
            drift: match spec.drift {
                Drift::Revert => plan::Drift::Revert,
                Drift::Report => plan::Drift::Report,
            },
            confirmed_deletes: spec.confirm_deletes.clone(),
            ..self.rights.policy(set)
        }
    }

    /// Puts the sets of a tenant as an older commit wants them in the place of those that are not valid.
    /// A tenant whose files were not valid there either has none.
    pub fn fall_back(&mut self, owner: &Owner, commit: &str, elder: &Self, spec: &SyncSpec) {
        let Some(behind) = self.behind.get_mut(owner) else {
            return;
        };
        if elder.behind.contains_key(owner) {
            behind.commit = None;
            return;
        }
        behind.commit = Some(commit.to_owned());
        behind.tree = Some(elder.tree.clone());
        let all = elder.sets.iter().chain(&elder.others);
        let theirs = all.filter(|r| r.set.owner == *owner).cloned();
        let (ours, others): (Vec<_>, Vec<_>) = theirs.partition(|r| covers(spec, &r.set));
        self.sets.extend(ours);
        self.others.extend(others);
        sort(&mut self.sets);
    }

    /// Keeps in mind in which commit a tenant's files were valid last, whether or not it can be read now.
    pub fn remember(&mut self, owner: &Owner, commit: &str) {
        if let Some(behind) = self.behind.get_mut(owner) {
            behind.commit = Some(commit.to_owned());
        }
    }

    /// Tenants of the Sync whose files are not valid.
    pub fn behind<'a>(&'a self, spec: &SyncSpec) -> impl Iterator<Item = (&'a str, &'a Behind)> {
        let tenants = spec.tenants.clone();
        self.behind
            .iter()
            .filter_map(move |(owner, behind)| match owner {
                Owner::Platform => None,
                Owner::Tenant(name) => {
                    let ours = tenants.as_ref().is_none_or(|all| all.contains(name));
                    ours.then_some((name.as_str(), behind))
                }
            })
    }

    /// `path:line:column` of the first of these that can be found, in the files that a set is from.
    pub fn place<'a>(
        &self,
        set: &SetId,
        spans: impl IntoIterator<Item = &'a Span>,
    ) -> Option<String> {
        let elder = self.behind.get(&set.owner);
        let tree = elder.and_then(|b| b.tree.as_ref()).unwrap_or(&self.tree);
        spans
            .into_iter()
            .find_map(|span| Place::of(tree, span).map(|at| at.to_string()))
    }
}
