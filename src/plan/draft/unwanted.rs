//! What becomes of an object that is in the inventory and not in Git any more.
//!
//! Deletion needs every proof at once: an owned entry, the same UID live, our set's label on it, no keep
//! mark, no one else who wants it, and a render that is not empty. Everything else keeps or forgets.

use std::borrow::Cow;

use crate::object::{ObjectKey, SET_LABEL};
use crate::plan::draft::{Context, Draft, bears_our_label, keep, keep_mark, made_by_us, observed};
use crate::plan::holder::{holds, is_holder, is_namespace};
use crate::plan::inventory::Entry;
use crate::plan::observed::{Contents, Live, Observed};
use crate::plan::step::{Action, KeepWhy, ReleaseWhy};
use crate::plan::{Finding, Level, Rule};

/// The action for one unwanted key.
pub(super) fn decide<'a>(
    context: Context<'a>,
    key: &ObjectKey,
    entry: &Entry,
    findings: &mut Vec<Finding>,
) -> Draft<'a> {
    let live = match observed(context, key, context.world.objects.get(key)) {
        Err(reason) => return unreadable(key, entry, reason, findings),
        Ok(Observed::Absent { .. }) => return release(key, entry, ReleaseWhy::Gone),
        Ok(Observed::Unreadable { reason }) => {
            return unreadable(key, entry, reason.clone(), findings);
        }
        Ok(Observed::Unchanged { .. }) => {
            let reason = "it was not read".to_owned();
            return unreadable(key, entry, reason, findings);
        }
        Ok(Observed::Present(live)) => live.as_ref(),
    };
    if let Some(set) = moved_to(context, key, live) {
        return release(key, entry, ReleaseWhy::Moved(set));
    }
    match entry {
        Entry::Pending { .. } if made_by_us(context, live) => {
            let why = KeepWhy::Confirmed {
                uid: live.uid.clone(),
            };
            Draft {
                live: Some(live),
                ..keep(key, entry.resource(), why)
            }
        }
        Entry::Pending { .. } => {
            let message =
                "it was announced in the inventory and exists without our mark, so it is not ours";
            findings.push(Finding::new(Level::Notice, Rule::NotOurs, key, message));
            release(key, entry, ReleaseWhy::NeverWritten)
        }
        Entry::Owned { uid, .. } if *uid != live.uid => {
            let message =
                "an object of this name exists, but it is not the one we made, so it is left alone";
            findings.push(Finding::new(Level::Notice, Rule::OtherObject, key, message));
            release(key, entry, ReleaseWhy::OtherObject)
        }
        Entry::Owned { .. } => owned(context, key, entry, live, findings),
    }
}

fn owned<'a>(
    context: Context<'a>,
    key: &ObjectKey,
    entry: &Entry,
    live: &'a Live,
    findings: &mut Vec<Finding>,
) -> Draft<'a> {
    let stay = |why| Draft {
        live: Some(live),
        ..keep(key, entry.resource(), why)
    };
    if live.deletion_timestamp.is_some() {
        findings.push(terminating(key, live));
        return stay(KeepWhy::Terminating);
    }
    if keep_mark(live) {
        let message = "it is no longer in Git and bears the keep mark, so it stays";
        let help = "remove the annotation `kubemate.dev/keep` from the object to let it go";
        findings.push(Finding::new(Level::Notice, Rule::KeepMark, key, message).help(help));
        return stay(KeepWhy::KeepMark);
    }
    if let Some(finding) = obstacle(context, key, live) {
        findings.push(finding);
        return stay(KeepWhy::NotDeletable);
    }
    if !context.policy.prune || empty_render(context) {
        return stay(KeepWhy::NotDeletable);
    }
    let total = match context.world.contents.get(key) {
        Some(Contents::Counted { kinds, .. }) => kinds.iter().map(|(_, n)| n).sum::<u64>(),
        Some(Contents::Unreadable { .. }) | None => 0,
    };
    let label = context.rendered.set.label();
    let action = Action::Delete {
        uid: live.uid.clone(),
        label,
        total: total.saturating_add(1),
    };
    Draft {
        action,
        body: Some(Cow::Borrowed(&live.body)),
        ..stay(KeepWhy::NotDeletable)
    }
}

fn empty_render(context: Context<'_>) -> bool {
    context.rendered.objects.is_empty() && !context.policy.allow_empty
}

/// What stands against deleting an object of ours.
fn obstacle(context: Context<'_>, key: &ObjectKey, live: &Live) -> Option<Finding> {
    if !bears_our_label(context, live) {
        let message = format!(
            "it is no longer in Git, but its label `{SET_LABEL}` was removed or changed, so it is not deleted"
        );
        let help = "delete it by hand, or put the label back";
        return Some(Finding::new(Level::Danger, Rule::MarkLost, key, message).help(help));
    }
    if context.world.offline || !is_holder(key) {
        return None;
    }
    match context.world.contents.get(key) {
        None => Some(unlisted(key, "its contents were not listed")),
        Some(Contents::Unreadable { reason }) => Some(unlisted(key, reason)),
        Some(Contents::Counted { unowned, .. }) if is_namespace(key) && *unowned > 0 => {
            let message = format!(
                "the namespace still holds {unowned} objects that no set of this project owns, so it is kept"
            );
            let help = "remove them, or hand them over, and the namespace goes with the next plan";
            Some(Finding::new(Level::Danger, Rule::StillInUse, key, message).help(help))
        }
        Some(Contents::Counted { others, .. }) => still_wanted(context, key, live, *others > 0),
    }
}

/// A Namespace or CRD that something wanted still needs: of this set, or, where objects of others are
/// there, of another one.
fn still_wanted(
    context: Context<'_>,
    key: &ObjectKey,
    live: &Live,
    others: bool,
) -> Option<Finding> {
    let needs = |other: &&ObjectKey| holds(key, &live.body, other);
    let kept = |message| Some(Finding::new(Level::Danger, Rule::StillInUse, key, message));
    if let Some(other) = context.rendered.objects.keys().find(needs) {
        return kept(format!(
            "it is no longer in Git, but {other} still needs it, so it is kept"
        ));
    }
    let (other, set) = context.world.needed.get(key).filter(|_| others)?;
    kept(format!(
        "it is no longer in Git, but {other} of the set {set} still needs it, so it is kept"
    ))
}

fn unlisted(key: &ObjectKey, reason: &str) -> Finding {
    let message = format!("what would go with it is not known ({reason}), so it is not deleted");
    Finding::new(Level::Error, Rule::UnreadableContents, key, message)
        .help("make the listing possible and plan again")
}

/// The set that has or wants the key instead of us.
fn moved_to(context: Context<'_>, key: &ObjectKey, live: &Live) -> Option<crate::object::SetId> {
    let other = context.world.elsewhere.get(key)?;
    let has = other.owns.as_deref() == Some(live.uid.as_str());
    (other.wants || has).then(|| other.set.clone())
}

fn release<'a>(key: &ObjectKey, entry: &Entry, why: ReleaseWhy) -> Draft<'a> {
    Draft {
        action: Action::Release { why },
        ..keep(key, entry.resource(), KeepWhy::NotOurs)
    }
}

fn unreadable<'a>(
    key: &ObjectKey,
    entry: &Entry,
    reason: String,
    findings: &mut Vec<Finding>,
) -> Draft<'a> {
    let message = format!("it could not be read, so it is neither changed nor deleted: {reason}");
    findings.push(Finding::new(Level::Error, Rule::Unreadable, key, message));
    keep(key, entry.resource(), KeepWhy::Unreadable { reason })
}

pub(super) fn terminating(key: &ObjectKey, live: &Live) -> Finding {
    let finalizers = live.finalizers().join(", ");
    let message = match finalizers.as_str() {
        "" => "it is being deleted".to_owned(),
        names => format!("it is being deleted and waits for its finalizers: {names}"),
    };
    Finding::new(Level::Danger, Rule::Terminating, key, message)
}
