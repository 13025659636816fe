//! The decision for each object, before order and checks: pure functions from one key to one action.

use std::borrow::Cow;

use rayon::prelude::*;
use serde_json::Value;

use crate::dsl::diagnostic::Span;
use crate::object::{Desired, ObjectKey, Rendered, ResourceId};
use crate::plan::inventory::{Entry, Inventory, Record};
use crate::plan::observed::{Live, Observed, World};
use crate::plan::step::{Action, KeepWhy};
use crate::plan::{Finding, KEEP_ANNOTATION, Level, Policy, Rule};

mod unwanted;
mod wanted;

/// Everything a decision may look at.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    /// What Git wants.
    pub rendered: &'a Rendered,
    /// What was seen.
    pub world: &'a World,
    /// What the set owns.
    pub inventory: &'a Inventory,
    /// What the set may do.
    pub policy: &'a Policy,
}

/// A step before it has a number and an order.
#[derive(Debug, Clone)]
pub(super) struct Draft<'a> {
    /// The object.
    pub key: ObjectKey,
    /// The resource it comes from.
    pub resource: ResourceId,
    /// The places of the resource in KDL.
    pub spans: Vec<Span>,
    /// What will be done.
    pub action: Action,
    /// What is desired, if anything is.
    pub desired: Option<&'a Desired>,
    /// What is live, if anything is.
    pub live: Option<&'a Live>,
    /// What will be there after the step, or what is there before its deletion.
    pub body: Option<Cow<'a, Value>>,
}

impl Draft<'_> {
    /// A finding about this object, with its places.
    pub(super) fn finding(&self, level: Level, rule: Rule, message: impl Into<String>) -> Finding {
        Finding {
            spans: self.spans.clone(),
            ..Finding::new(level, rule, &self.key, message)
        }
    }

    /// A finding about a field of this object, with the places that decide the field.
    pub(super) fn about_field(&self, finding: Finding, pointer: &str) -> Finding {
        let spans = self
            .desired
            .map(|desired| desired.source.find(pointer))
            .unwrap_or_default();
        let spans = if spans.is_empty() {
            self.spans.clone()
        } else {
            spans
        };
        Finding { spans, ..finding }.field(pointer)
    }
}

/// One draft for every key that is wanted or in the inventory, and what is to say about them.
pub(super) fn drafts(context: Context<'_>) -> (Vec<Draft<'_>>, Vec<Finding>) {
    let decided = context.rendered.objects.par_iter().map(|(key, desired)| {
        let (entry, mut findings) = (context.inventory.entries.get(key), Vec::new());
        let draft = wanted::decide(context, desired, entry, &mut findings);
        (draft, findings)
    });
    let (mut drafts, findings): (Vec<_>, Vec<_>) = decided.unzip();
    let mut findings = findings.concat();
    let gone = |key: &&ObjectKey| !context.rendered.objects.contains_key(*key);
    let keys: Vec<&ObjectKey> = context.inventory.entries.keys().filter(gone).collect();
    if context.rendered.objects.is_empty() && !keys.is_empty() && !context.policy.allow_empty {
        let count = keys.len();
        let message = format!(
            "the render is empty though the set owns {count} objects, so all of them are kept"
        );
        findings.push(Finding::about_plan(Level::Error, Rule::EmptyRender, message).help(
            "if really nothing is wanted any more, delete the set explicitly and confirm the deletions",
        ));
    }
    for key in keys {
        if let Some(entry) = context.inventory.entries.get(key) {
            drafts.push(unwanted::decide(context, key, entry, &mut findings));
        }
    }
    findings.extend(context.world.left_behind.iter().map(left_behind));
    (drafts, findings)
}

/// Nothing proves that an object without a record may go, so it is only named.
fn left_behind(key: &ObjectKey) -> Finding {
    let message = "it bears the marks of this set, and neither Git nor the inventory has it; it is left alone";
    let help = "delete it by hand, or put it back into Git: then it is recorded, and goes when it leaves Git again";
    Finding::new(Level::Notice, Rule::LeftBehind, key, message).help(help)
}

/// What is known about a key. A key that was not looked at is unreadable, and so is one whose absence
/// nothing proves.
fn observed<'a>(context: Context<'a>, key: &ObjectKey) -> Result<&'a Observed, String> {
    match context.world.objects.get(key) {
        None => Err("it was not looked at".into()),
        Some(Observed::Unreadable { reason }) => Err(reason.clone()),
        Some(Observed::Absent { .. }) if !proves_absence(context, key) => {
            let group = &key.group_kind.group;
            Err(format!(
                "the API group `{group}` did not answer, so a missing object proves nothing"
            ))
        }
        Some(seen) => Ok(seen),
    }
}

/// Discovery that failed or is stale proves nothing; another commit is no cluster.
fn proves_absence(context: Context<'_>, key: &ObjectKey) -> bool {
    context.world.offline || context.world.discovery.proves_absence(&key.group_kind)
}

/// The record of a run of which nothing but its key is known.
pub(super) fn run_record(run_key: String) -> Record {
    Record {
        desired_digest: String::new(),
        declared_digest: String::new(),
        owned_paths_digest: String::new(),
        run_key: Some(run_key),
    }
}

/// The draft that leaves an object alone.
fn keep<'a>(key: &ObjectKey, resource: &ResourceId, why: KeepWhy) -> Draft<'a> {
    Draft {
        key: key.clone(),
        resource: resource.clone(),
        spans: Vec::new(),
        action: Action::Keep { why },
        desired: None,
        live: None,
        body: None,
    }
}

/// Whether a live object bears the keep mark.
fn keep_mark(live: &Live) -> bool {
    live.annotation(KEEP_ANNOTATION)
        .is_some_and(|value| value != "false")
}

/// Whether we made a live object: it bears our set's label and we applied it.
fn made_by_us(context: Context<'_>, live: &Live) -> bool {
    bears_our_label(context, live) && live.managed.has_our_apply()
}

/// Whether a live object bears our set's label.
fn bears_our_label(context: Context<'_>, live: &Live) -> bool {
    live.label(crate::object::SET_LABEL) == Some(context.rendered.set.label().as_str())
}

/// An entry's UID, if it is the live object's.
fn owns(entry: Option<&Entry>, live: &Live) -> bool {
    entry.and_then(Entry::uid) == Some(live.uid.as_str())
}
