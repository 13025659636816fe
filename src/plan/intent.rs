//! What a commit means to change, computed from two renders without any cluster.
//!
//! An approval binds to an intent's digest. The controller holds those steps of its live plan that
//! delete, replace, take over or endanger something that no intent announced; the rest goes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::object::{Desired, ObjectKey, Rendered, SetId, canonical};
use crate::plan::draft;
use crate::plan::finding::{Finding, Level, Rule};
use crate::plan::inventory::{Entry, Inventory};
use crate::plan::observed::{Discovery, DryRun, Live, Observed, World};
use crate::plan::step::{Action, AdoptFrom, Step, Verb};
use crate::plan::{Plan, PlanError, Policy, digest, ended, hold, normalize, plan};

mod fields;

/// What stands for the UID of everything in a commit.
const UID: &str = "offline";

/// The difference of two renders of one set, with its dangers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intent {
    /// The set.
    pub set: SetId,
    /// What changes, in key order.
    pub changes: Vec<Announced>,
    /// The digest over set and changes: what an approval binds to.
    pub digest: String,
}

/// One announced change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Announced {
    /// The object.
    pub key: ObjectKey,
    /// What would happen to it.
    pub verb: Verb,
    /// The digest of what was desired, if it was.
    pub before: Option<String>,
    /// The digest of what is desired, if it is.
    pub after: Option<String>,
    /// Dangers that come with it.
    pub dangers: BTreeSet<Rule>,
}

impl fmt::Display for Intent {
    /// As in `1 delete, 2 update; dangers: …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut verbs: BTreeMap<Verb, usize> = BTreeMap::new();
        for change in &self.changes {
            *verbs.entry(change.verb).or_default() += 1;
        }
        let verbs: Vec<String> = verbs
            .iter()
            .map(|(verb, n)| format!("{n} {verb}"))
            .collect();
        match verbs.is_empty() {
            true => f.write_str("nothing changes")?,
            false => f.write_str(&verbs.join(", "))?,
        }
        let dangers = self.changes.iter().flat_map(|change| &change.dangers);
        let dangers: BTreeSet<&str> = dangers.map(|rule| rule.about()).collect();
        for (at, about) in dangers.iter().enumerate() {
            let before = if at == 0 { "; " } else { " " };
            write!(f, "{before}{about}")?;
        }
        Ok(())
    }
}

/// The intent of going from `base` to `head`, and the offline plan that shows it.
pub fn intent(
    base: &Rendered,
    head: &Rendered,
    policy: &Policy,
) -> Result<(Intent, Plan), PlanError> {
    let (world, inventory) = as_if_applied(base, head);
    let policy = Policy {
        allow_empty: true,
        ..policy.clone()
    };
    let shown = plan(head, &world, &inventory, &policy)?;
    let mut dangers: BTreeMap<&ObjectKey, BTreeSet<Rule>> = BTreeMap::new();
    // How many pods a restart takes at once is only known where they run.
    let told = |finding: &&Finding| is_danger(finding) || finding.rule == Rule::Restart;
    for finding in shown.findings.iter().filter(told) {
        if let Some(key) = &finding.key {
            dangers.entry(key).or_default().insert(finding.rule);
        }
    }
    let digest_in = |rendered: &Rendered, key: &ObjectKey| {
        Some(digest::of_desired(
            rendered.objects.get(key)?,
            &rendered.set,
        ))
    };
    let one = |step: &Step| Announced {
        key: step.key.clone(),
        verb: step.action.verb(),
        before: digest_in(base, &step.key),
        after: digest_in(head, &step.key),
        dangers: dangers.get(&step.key).cloned().unwrap_or_default(),
    };
    let steps = shown
        .steps
        .iter()
        .filter(|step| step.action.verb() != Verb::Keep);
    let mut changes: Vec<Announced> = steps.map(one).collect();
    changes.sort_by(|a, b| a.key.cmp(&b.key));
    let mut intent = Intent {
        set: head.set.clone(),
        changes,
        digest: String::new(),
    };
    let content = serde_json::to_value(&intent)
        .map(|v| canonical(&v))
        .unwrap_or_default();
    intent.digest = digest::of_text(&content);
    Ok((intent, shown))
}

/// The same, with the plan as it is at a time: without the members whose time is over by then. The intent
/// knows no time, so what was agreed to once stays agreed to.
pub fn intent_at(
    base: &Rendered,
    head: &Rendered,
    policy: &Policy,
    now: Timestamp,
) -> Result<(Intent, Plan), PlanError> {
    let (announced, plan) = intent(base, head, policy)?;
    let ((base, before), (head, after)) = (ended::at(base, now), ended::at(head, now));
    if before + after == 0 {
        return Ok((announced, plan));
    }
    let (_, plan) = intent(&base, &head, policy)?;
    Ok((announced, plan))
}

/// A world in which exactly `base` was applied, and in which the server takes everything of `head` as
/// it is written.
fn as_if_applied(base: &Rendered, head: &Rendered) -> (World, Inventory) {
    let mut inventory = Inventory::new(base.set.clone());
    let mut world = World {
        offline: true,
        discovery: Discovery::default(),
        ..World::default()
    };
    for (key, desired) in &base.objects {
        let resource = desired.resource.clone();
        // The run key is all of the record that says more than the body does.
        let record = desired.rules.run_key.clone().map(draft::run_record);
        let uid = UID.to_owned();
        inventory.entries.insert(
            key.clone(),
            Entry::Owned {
                resource,
                uid: uid.clone(),
                record,
            },
        );
        if head.objects.get(key).is_some_and(|d| same(d, desired)) {
            world
                .objects
                .insert(key.clone(), Observed::Unchanged { uid });
            continue;
        }
        let wanted = head.objects.get(key).map(|desired| (desired, &head.set));
        if let Some(live) = as_live((desired, &base.set), wanted) {
            let seen = Observed::Present(Box::new(live));
            world.objects.insert(key.clone(), seen);
        }
    }
    for (key, desired) in head
        .objects
        .iter()
        .filter(|(key, _)| !base.objects.contains_key(key))
    {
        let object = normalize::desired_body(desired, &head.set);
        let dry_run = DryRun::Predicted {
            object,
            conflicts: Vec::new(),
        };
        world
            .objects
            .insert(key.clone(), Observed::Absent { dry_run });
    }
    (world, inventory)
}

/// An object as it would be if it had been applied, with what a server would answer to what is wanted.
fn as_live((desired, set): (&Desired, &SetId), wanted: Option<(&Desired, &SetId)>) -> Option<Live> {
    let mut body = fields::noted(normalize::desired_body(desired, set));
    if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("uid".into(), UID.into());
        metadata.insert("resourceVersion".into(), "0".into());
    }
    let dry_run = wanted.map_or(DryRun::NotNeeded, |(desired, set)| DryRun::Predicted {
        object: fields::noted(normalize::desired_body(desired, set)),
        conflicts: Vec::new(),
    });
    Some(Live::new(body).ok()?.with_dry_run(dry_run))
}

/// Whether two commits want the same of an object; where it is written in KDL may differ.
fn same(one: &Desired, other: &Desired) -> bool {
    one.manifest == other.manifest && one.rules == other.rules && one.resource == other.resource
}

/// Whether a finding is something a person approves.
fn is_danger(finding: &Finding) -> bool {
    match finding.level {
        Level::Error | Level::Confirm | Level::Danger => true,
        Level::Notice => false,
    }
}

/// Holds every step that deletes, replaces, takes over or endangers something that none of the intents
/// announced. Undoing drift is not a takeover that needs announcing.
pub fn hold_unannounced(plan: &mut Plan, intents: &[Intent]) {
    let found = unannounced(plan, intents);
    hold::add(plan, found);
}

/// What is said of those steps.
pub(super) fn unannounced(plan: &Plan, intents: &[Intent]) -> Vec<Finding> {
    let mut verbs: BTreeSet<(&ObjectKey, Verb)> = BTreeSet::new();
    let mut dangers: BTreeSet<(&ObjectKey, Rule)> = BTreeSet::new();
    for change in intents
        .iter()
        .filter(|i| i.set == plan.set)
        .flat_map(|i| &i.changes)
    {
        verbs.insert((&change.key, change.verb));
        dangers.extend(change.dangers.iter().map(|rule| (&change.key, *rule)));
    }
    let mut found = Vec::new();
    for step in &plan.steps {
        let findings = plan
            .findings
            .iter()
            .filter(|f| f.key.as_ref() == Some(&step.key));
        let drift = findings.clone().any(|f| f.rule == Rule::Drift);
        let verb = step.action.verb();
        let grave = matches!(verb, Verb::Delete | Verb::Replace | Verb::Adopt);
        // What an attempt made and had no time to record was announced as made.
        let again = is_recovered(&step.action) && verbs.contains(&(&step.key, Verb::Create));
        let what = if grave && !again && !verbs.contains(&(&step.key, verb)) {
            Some(format!("to {verb} it was not part of what was approved"))
        } else if !step.action.takes().is_empty() && !drift && !verbs.contains(&(&step.key, verb)) {
            Some("taking fields from another manager was not part of what was approved".into())
        } else {
            let more = findings.filter(|f| is_danger(f) && !(drift && f.rule == Rule::Restart));
            let more = more
                .filter(|f| !dangers.contains(&(&step.key, f.rule)))
                .find(|_| verb != Verb::Keep);
            more.map(|f| {
                format!(
                    "this danger was not part of what was approved: {}",
                    f.rule.about().trim_end_matches('.')
                )
            })
        };
        if let Some(message) = what {
            let finding = Finding::new(Level::Confirm, Rule::NotAnnounced, &step.key, message);
            found.push(
                Finding {
                    spans: step.spans.clone(),
                    ..finding
                }
                .help("approve the plan as it is now"),
            );
        }
    }
    found
}

fn is_recovered(action: &Action) -> bool {
    matches!(action, Action::Adopt { from, .. } if *from == AdoptFrom::Recovered)
}
