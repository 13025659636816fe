//! A plan for people and for machines: one model, many media. Nothing here decides anything.
//!
//! Secrets are masked before they reach this module. Text of users is escaped per medium.

use std::collections::BTreeMap;

use crate::dsl::diagnostic::Span;
use crate::object::{ObjectKey, ResourceId};
use crate::plan::Plan;
use crate::plan::step::{Step, Verb};
use crate::source::SourceTree;

pub mod escape;
pub mod fields;
pub mod json;
pub mod machines;
pub mod markdown;
pub mod sarif;
pub mod text;

/// A place in KDL, as people and forges name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file.
    pub path: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
}

impl Place {
    /// Where a span begins; `None` where the tree has no such file or place.
    pub fn of(tree: &SourceTree, span: &Span) -> Option<Self> {
        let file = tree.get(span.file)?;
        let before = file.text()?.get(..usize::try_from(span.start).ok()?)?;
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        Some(Self {
            path: file.path.to_string(),
            line: u32::try_from(before.matches('\n').count() + 1).ok()?,
            column: u32::try_from(before[start..].chars().count() + 1).ok()?,
        })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.path, self.line, self.column)
    }
}

/// Finds the place of a span; `None` where the tree is not at hand or has no such file.
pub type Places<'a> = &'a dyn Fn(&Span) -> Option<Place>;

/// How text is printed. Whether colours are wanted is the caller's knowledge.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether to use colours.
    pub color: bool,
}

/// The rows of a plan: everything that is not simply kept, by tenant and resource, in step order.
pub(crate) fn rows(plan: &Plan) -> BTreeMap<(Option<&str>, &ResourceId), Vec<&Step>> {
    let mut rows: BTreeMap<(Option<&str>, &ResourceId), Vec<&Step>> = BTreeMap::new();
    for step in plan
        .steps
        .iter()
        .filter(|step| step.action.verb() != Verb::Keep)
    {
        rows.entry((step.resource.tenant.as_deref(), &step.resource))
            .or_default()
            .push(step);
    }
    rows
}

/// One line that says how much happens.
pub fn summary(plan: &Plan) -> String {
    let verbs = [
        (Verb::Create, "to create"),
        (Verb::Update, "to update"),
        (Verb::Replace, "to replace"),
        (Verb::Adopt, "to adopt"),
        (Verb::Delete, "to delete"),
        (Verb::Release, "to release"),
    ];
    let parts = verbs
        .iter()
        .filter_map(|(verb, words)| match plan.count(*verb) {
            0 => None,
            count => Some(format!("{count} {words}")),
        });
    let mut parts: Vec<String> = parts.collect();
    if parts.is_empty() {
        parts.push("nothing to do".into());
    }
    let kept = match plan.count(Verb::Keep) {
        0 => String::new(),
        1 => "; 1 stays as it is".to_owned(),
        kept => format!("; {kept} stay as they are"),
    };
    let held = plan
        .steps
        .iter()
        .filter(|step| !step.held_by.is_empty())
        .count();
    let held = match held {
        0 => String::new(),
        1 => "; 1 is held".to_owned(),
        held => format!("; {held} are held"),
    };
    format!("{}{kept}{held}", parts.join(", "))
}

/// Words about a step beside its verb: why it is held, what is special about it.
pub(crate) fn remarks(step: &Step) -> String {
    let mut words = Vec::new();
    match step.action.changes().len() {
        0 => {}
        _ if step.action.verb() == Verb::Create => {}
        1 => words.push("1 field".to_owned()),
        count => words.push(format!("{count} fields")),
    }
    if let crate::plan::Action::Delete { total, .. } = &step.action
        && *total > 1
    {
        words.push(format!("{total} objects with it"));
    }
    if step.action.unverified().is_some() {
        words.push("unverified".into());
    }
    if !step.held_by.is_empty() {
        let rules: Vec<&str> = step.held_by.iter().map(|rule| rule.word()).collect();
        words.push(format!("held: {}", rules.join(", ")));
    }
    words.join(", ")
}

/// The first place that is known.
pub(crate) fn place(spans: &[Span], places: Places<'_>) -> Option<Place> {
    spans.iter().find_map(places)
}

/// Who a finding is about, in words.
pub(crate) fn subject(key: Option<&ObjectKey>) -> String {
    key.map_or_else(|| "the plan".to_owned(), ToString::to_string)
}
