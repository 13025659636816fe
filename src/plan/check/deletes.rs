//! The deletion budget, and kinds that never go without a yes.

use crate::object::{GroupKind, ObjectKey};
use crate::plan::check::Input;
use crate::plan::digest;
use crate::plan::draft::Draft;
use crate::plan::observed::Contents;
use crate::plan::step::Action;
use crate::plan::{Finding, Level, Rule};

/// Kinds that hold other objects or data.
const PROTECTED: [(&str, &str); 5] = [
    ("", "Namespace"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ("", "PersistentVolumeClaim"),
    ("", "PersistentVolume"),
    ("apps", "StatefulSet"),
];

/// Objects that go, and the UIDs they go by: what a person says yes to.
pub(crate) fn deletions<'a>(drafts: &'a [Draft<'_>]) -> Vec<(&'a ObjectKey, &'a str, u64)> {
    let gone = |draft: &'a Draft<'_>| match &draft.action {
        Action::Delete { uid, total, .. } => Some((&draft.key, uid.as_str(), *total)),
        Action::Replace { preconditions, .. } => Some((&draft.key, preconditions.uid.as_str(), 1)),
        _ => None,
    };
    let mut all: Vec<_> = drafts.iter().filter_map(gone).collect();
    all.sort();
    all
}

/// The digest of all deletions.
pub(crate) fn deletions_digest(drafts: &[Draft<'_>]) -> String {
    let lines = deletions(drafts)
        .into_iter()
        .map(|(key, uid, n)| format!("{key}\0{uid}\0{n}\n"));
    digest::of_text(&lines.collect::<String>())
}

/// Too many deletions at once need a yes.
pub(super) fn budget(input: Input<'_>) -> Vec<Finding> {
    let policy = input.context.policy;
    let deletes = || {
        input
            .drafts
            .iter()
            .filter(|d| matches!(d.action, Action::Delete { .. }))
    };
    let total: u64 = deletes().map(total).sum();
    let size = u64::try_from(input.context.inventory.owned()).unwrap_or(u64::MAX);
    let share = total.saturating_mul(100) > size.saturating_mul(policy.max_delete_percent);
    let too_many = total > policy.max_deletes;
    let too_large = total >= policy.percent_from && share;
    if !too_many && !too_large {
        return Vec::new();
    }
    let why = if too_many {
        format!("more than {} go without a yes", policy.max_deletes)
    } else {
        format!(
            "that is more than {} % of the {size} objects of the set",
            policy.max_delete_percent
        )
    };
    let objects = if total == 1 { "object" } else { "objects" };
    let message = format!("{total} {objects} would be deleted; {why}");
    let (level, help) = level(input);
    vec![Finding::about_plan(level, Rule::DeletionBudget, message).help(help)]
}

fn total(draft: &Draft<'_>) -> u64 {
    match draft.action {
        Action::Delete { total, .. } => total,
        _ => 0,
    }
}

/// Kinds that hold other objects or data need a yes each time.
pub(super) fn protected(input: Input<'_>) -> Vec<Finding> {
    let kind = |key: &ObjectKey| {
        let GroupKind { group, kind } = &key.group_kind;
        PROTECTED.contains(&(group.as_str(), kind.as_str()))
    };
    let (level, help) = level(input);
    let gone = input
        .drafts
        .iter()
        .filter(|draft| draft.action.deletes() && kind(&draft.key));
    gone.map(|draft| {
        let contents = contents(input, &draft.key);
        let message = format!(
            "deleting a {} needs a yes{contents}",
            draft.key.group_kind.kind
        );
        draft
            .finding(level, Rule::ProtectedDelete, message)
            .help(help.clone())
    })
    .collect()
}

/// What goes with it, in words.
fn contents(input: Input<'_>, key: &ObjectKey) -> String {
    let Some(Contents::Counted {
        kinds, namespaces, ..
    }) = input.context.world.contents.get(key)
    else {
        return String::new();
    };
    if kinds.is_empty() {
        return "; nothing is in it".into();
    }
    let list: Vec<String> = kinds
        .iter()
        .map(|(kind, n)| format!("{n} {}", kind.kind))
        .collect();
    let spread = match namespaces.len() {
        0 | 1 => String::new(),
        n => format!(" in {n} namespaces"),
    };
    format!("; with it go {}{spread}", list.join(", "))
}

/// A confirmed deletion is still a danger worth saying.
fn level(input: Input<'_>) -> (Level, String) {
    let digest = deletions_digest(input.drafts);
    if input.context.policy.confirmed_deletes.as_deref() == Some(digest.as_str()) {
        return (Level::Danger, "the deletions are confirmed".into());
    }
    (
        Level::Confirm,
        format!("to say yes to exactly these deletions, use --confirm-deletes {digest}"),
    )
}
