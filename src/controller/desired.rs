//! What a commit wants for one Sync: judged, rendered for one target, with the identity and policy of
//! every set. An invalid commit gives sentences about its KDL and never a part of its sets.

use super::cycle::{Sort, Trouble};
use crate::adapters::judge::{self, Choice, Judge, Verdict};
use crate::adapters::rights::Rights;
use crate::adapters::sync::{Drift, SyncSpec};
use crate::dsl::compose::Target;
use crate::dsl::diagnostic::{Severity, Span};
use crate::model::job::Want;
use crate::object::{Owner, Rendered, SetId};
use crate::plan::display::Place;
use crate::plan::{self, Policy};
use crate::source::SourceTree;
use crate::source::intake::Loaded;

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
    tree: SourceTree,
}

/// Judges and renders; the error is what is wrong with the commit, its first place before all else.
/// Blocks for as long as the workers work.
pub fn desired(judge: &Judge, loaded: Loaded, spec: &SyncSpec) -> Result<Desired, Trouble> {
    let invalid = |said: String| Trouble::new(Sort::InvalidCommit, said);
    let bad_spec = |said: String| Trouble::new(Sort::BadSpec, said);
    let target = Target {
        environment: spec.environment.clone(),
        cluster: spec.cluster.clone(),
    };
    let mut verdict = judge.judge_by(&loaded.tree, |found| {
        let want = Want::Render {
            targets: vec![target.clone()],
            trace: true,
        };
        let known = found.project.targets().contains(&target);
        Choice::all(if known { want } else { Want::Check })
    });
    valid(&verdict, &loaded).map_err(invalid)?;
    let project = verdict.project.as_ref().map(|found| &found.project);
    let project = project.ok_or_else(|| invalid("there is no project in this directory".into()))?;
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
    let rendered = verdict.take_rendered().into_values();
    let (mut sets, others): (Vec<_>, Vec<_>) = rendered.partition(|r| covers(spec, &r.set));
    sets.sort_by_key(|r| (r.set.owner != Owner::Platform, r.set.clone()));
    if let Some(unknown) = unknown_tenant(spec, &sets) {
        return Err(bad_spec(unknown));
    }
    Ok(Desired {
        sets,
        others,
        uid,
        rights: Rights::of(&verdict),
        tree: loaded.tree,
    })
}

/// A tenant that the Sync names and the commit does not have, in words. Nothing wanted is not the same
/// as everything done.
fn unknown_tenant(spec: &SyncSpec, sets: &[Rendered]) -> Option<String> {
    let tenants = spec.tenants.as_ref()?;
    let has = |name: &str| {
        sets.iter()
            .any(|r| matches!(&r.set.owner, Owner::Tenant(t) if t == name))
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
fn covers(spec: &SyncSpec, set: &SetId) -> bool {
    match (&spec.tenants, &set.owner) {
        (None, _) => true,
        (Some(_), Owner::Platform) => false,
        (Some(tenants), Owner::Tenant(name)) => tenants.contains(name),
    }
}

fn valid(verdict: &Verdict, loaded: &Loaded) -> Result<(), String> {
    let refused = judge::refused_names(&loaded.refused);
    let errors = verdict
        .diagnostics
        .iter()
        .chain(&refused)
        .filter(|d| d.severity == Severity::Error);
    let mut told: Vec<String> = Vec::new();
    let mut count = 0;
    for error in errors {
        count += 1;
        if told.len() < 3 {
            let at = error
                .primary
                .as_ref()
                .and_then(|label| Place::of(&loaded.tree, &label.span));
            let at = at.map(|at| format!("{at}: ")).unwrap_or_default();
            told.push(format!("{at}{}", error.message));
        }
    }
    match count {
        0 => Ok(()),
        n if n > told.len() => Err(format!("{}; and {} more", told.join("; "), n - told.len())),
        _ => Err(told.join("; ")),
    }
}

impl Desired {
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

    /// `path:line:column` of the first of these that can be found.
    pub fn place<'a>(&self, spans: impl IntoIterator<Item = &'a Span>) -> Option<String> {
        spans
            .into_iter()
            .find_map(|span| Place::of(&self.tree, span).map(|at| at.to_string()))
    }
}
