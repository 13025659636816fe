//! Steps of a finished plan that wait: for somebody to agree, for their time, or for another set. What undoes changes
//! made outside of Git never waits: it is not a change.

use std::collections::{BTreeMap, BTreeSet};

use crate::object::{ObjectKey, Rendered, SET_LABEL, SetId};
use crate::plan::intent::{Announced, Intent, hold_unannounced, unannounced};
use crate::plan::observed::{Observed, World};
use crate::plan::season::Season;
use crate::plan::step::{KeepWhy, ReleaseWhy};
use crate::plan::{Action, Finding, Level, Plan, Rule, Step, Verb, digest};

/// The digest of what was desired of each object in the commit that was applied last.
pub type Applied = BTreeMap<ObjectKey, String>;

/// What people agreed to.
#[derive(Debug, Clone, Copy)]
pub struct Agreed<'a> {
    /// What the changes announced that were agreed to, the oldest first.
    pub intents: &'a [Intent],
    /// From where they lead: the set as it was applied last, as far as they change it.
    pub applied: &'a Applied,
    /// Whether all changes were agreed to, so that what they come to together is, too.
    pub whole: bool,
    /// What is missing, for people.
    pub why: &'a str,
}

/// Holds steps that nobody agreed to, and those that are more dangerous than what was agreed to.
pub fn unapproved(plan: &mut Plan, rendered: &Rendered, agreed: Agreed<'_>) {
    let message = format!("nobody agreed: {}", agreed.why);
    let found = changes(plan)
        .filter(|step| !stands(step, (&plan.set, rendered), agreed))
        .map(|step| finding(step, Rule::Unapproved, &message))
        .collect();
    add(plan, found);
    hold_unannounced(plan, agreed.intents);
}

/// Whether what a step writes is what was agreed to.
fn stands(step: &Step, (set, rendered): (&SetId, &Rendered), agreed: Agreed<'_>) -> bool {
    let of_set = agreed.intents.iter().filter(|intent| intent.set == *set);
    let announced = of_set.flat_map(|intent| &intent.changes);
    let same = announced.filter(|change| change.key == step.key);
    let same: Vec<&Announced> = same.collect();
    let wanted = rendered.objects.get(&step.key);
    let wanted = wanted.map(|desired| digest::of_desired(desired, set));
    let applied = agreed.applied.get(&step.key);
    !same.is_empty() && (agreed.whole || lead(&same, applied, wanted.as_ref()))
}

/// Whether changes of one object lead from what was applied to what is wanted. Where another change lies in
/// between, nobody was shown it who agreed to the next one, and the next one holds it as well.
fn lead(changes: &[&Announced], applied: Option<&String>, wanted: Option<&String>) -> bool {
    let mut reached = vec![applied];
    for change in changes {
        if reached.contains(&change.before.as_ref()) {
            reached.push(change.after.as_ref());
        }
    }
    let last = changes.last().map(|change| change.after.as_ref());
    last == Some(wanted) && reached.contains(&wanted)
}

/// Holds every change outside of its time.
pub fn out_of_season(plan: &mut Plan, season: &Season) {
    let rule = match season {
        Season::Open => return,
        Season::Closed { .. } => Rule::OutOfWindow,
        Season::Frozen { .. } => Rule::Frozen,
    };
    let message = season.to_string();
    let found = changes(plan)
        .map(|step| finding(step, rule, &message))
        .collect();
    add(plan, found);
}

/// Keeps on record what another set wants until it bears that set's label: were it forgotten before, and
/// not wanted any more by the time the other set comes to it, it would stay for ever and nobody would know.
pub fn until_taken(plan: &mut Plan, world: &World) {
    let label = plan.set.label();
    for step in &mut plan.steps {
        let Action::Release {
            why: ReleaseWhy::Moved(set),
        } = &step.action
        else {
            continue;
        };
        let is_ours = match world.objects.get(&step.key) {
            Some(Observed::Present(live)) => live.label(SET_LABEL) == Some(label.as_str()),
            _ => false,
        };
        if is_ours {
            let why = KeepWhy::Leaving(set.clone());
            step.action = Action::Keep { why };
        }
    }
}

/// Holds every change inside of a freeze but those that people let through, which say so. Nothing is deleted or
/// replaced even then, nor done that is more dangerous than what they were shown.
pub fn frozen(plan: &mut Plan, rendered: &Rendered, season: &Season, through: Agreed<'_>) {
    let more = unannounced(plan, through.intents).into_iter();
    let more: BTreeSet<ObjectKey> = more.filter_map(|finding| finding.key).collect();
    let message = season.to_string();
    let say = |step: &Step| {
        let mild = !matches!(step.action.verb(), Verb::Delete | Verb::Replace);
        let shown = stands(step, (&plan.set, rendered), through) && !more.contains(&step.key);
        match (shown, mild) {
            (true, true) => Finding {
                level: Level::Notice,
                ..finding(step, Rule::Frozen, through.why)
            },
            (true, false) => {
                let never = "nothing is deleted in a freeze, whoever lets it through";
                finding(step, Rule::Frozen, &format!("{message}; {never}"))
            }
            (false, _) => finding(step, Rule::Frozen, &message),
        }
    };
    let found = changes(plan).map(say).collect();
    add(plan, found);
}

/// Steps that write something because Git changed. That a membership ends was written long before.
fn changes(plan: &Plan) -> impl Iterator<Item = &Step> {
    let drifted = plan
        .findings
        .iter()
        .filter(|f| matches!(f.rule, Rule::Drift | Rule::Ended));
    let drifted: BTreeSet<_> = drifted.filter_map(|f| f.key.as_ref()).collect();
    plan.steps.iter().filter(move |step| {
        let writes = !matches!(step.action.verb(), Verb::Keep | Verb::Release);
        writes && !drifted.contains(&step.key)
    })
}

fn finding(step: &Step, rule: Rule, message: &str) -> Finding {
    Finding {
        spans: step.spans.clone(),
        ..Finding::new(Level::Confirm, rule, &step.key, message)
    }
}

/// Adds findings; those that hold hold their steps.
pub(super) fn add(plan: &mut Plan, found: Vec<Finding>) {
    if found.is_empty() {
        return;
    }
    for step in &mut plan.steps {
        let of_step = found
            .iter()
            .filter(|f| f.holds() && f.key.as_ref() == Some(&step.key));
        step.held_by.extend(of_step.map(|f| f.rule));
    }
    plan.findings.extend(found);
    plan.findings.sort();
    plan.digest = plan.content_digest();
}
