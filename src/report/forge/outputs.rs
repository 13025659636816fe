//! What a job leaves behind for the steps after it: names with values, as runners read them.

use serde_json::Value;

use super::State;
use super::comment::{Judged, Report};
use crate::plan::{Level, Plan, Verb};

/// Facts about a run, by stable name. Every value is one line.
pub fn facts(report: &Report<'_>, exit_code: u8) -> Vec<(&'static str, String)> {
    let plans: &[Plan] = match report.judged {
        Judged::Planned(plans) => plans,
        Judged::Invalid | Judged::Incomparable(_) => &[],
    };
    let count = |verb: Verb| plans.iter().map(|plan| plan.count(verb)).sum::<usize>();
    let at = |level: Level| {
        let findings = plans.iter().flat_map(|p| &p.findings);
        findings.filter(|f| f.level == level).count()
    };
    let digests: Vec<&str> = plans
        .iter()
        .filter(|plan| !plan.is_empty())
        .map(|plan| plan.digest.as_str())
        .collect();
    let intents: Vec<&str> = report.intents.iter().map(|i| i.digest.as_str()).collect();
    let changes = plans.iter().any(|plan| !plan.is_empty());
    vec![
        ("verdict", word(report.state()).to_owned()),
        ("exit-code", exit_code.to_string()),
        ("changes", changes.to_string()),
        ("creates", count(Verb::Create).to_string()),
        ("updates", count(Verb::Update).to_string()),
        ("replaces", count(Verb::Replace).to_string()),
        ("deletes", count(Verb::Delete).to_string()),
        ("adopts", count(Verb::Adopt).to_string()),
        ("refused", at(Level::Error).to_string()),
        ("confirmations", at(Level::Confirm).to_string()),
        ("dangers", at(Level::Danger).to_string()),
        ("plan-digests", digests.join(" ")),
        ("intent-digests", intents.join(" ")),
        ("head", report.head.to_string()),
        (
            "base",
            report.base.map(ToString::to_string).unwrap_or_default(),
        ),
    ]
}

/// The word for a state.
pub fn word(state: State) -> &'static str {
    match state {
        State::Pending => "pending",
        State::Success => "success",
        State::Failure => "failure",
        State::Error => "error",
    }
}

/// As lines of a runner's output file.
pub fn lines(facts: &[(&'static str, String)]) -> String {
    facts
        .iter()
        .map(|(name, value)| format!("{name}={value}\n"))
        .collect()
}

/// As variables that later jobs see: `KUBEMATE_EXIT_CODE=0`.
pub fn variables(facts: &[(&'static str, String)]) -> String {
    let name = |name: &str| name.to_ascii_uppercase().replace('-', "_");
    facts
        .iter()
        .map(|(key, value)| format!("KUBEMATE_{}={value}\n", name(key)))
        .collect()
}

/// As one JSON object.
pub fn json(facts: &[(&'static str, String)]) -> Value {
    let pair =
        |(name, value): &(&'static str, String)| ((*name).to_owned(), Value::from(value.as_str()));
    Value::Object(facts.iter().map(pair).collect())
}

/// Notes as GitLab code quality. The identity of a note leaves out its line, so that an edit above it
/// does not make it new.
pub fn code_quality(notes: &[super::LineNote]) -> Value {
    let one = |note: &super::LineNote| {
        let identity = format!("{}\0{}\0{}", note.path, note.title, note.message);
        let severity = match note.weight {
            super::Weight::Failure => "blocker",
            super::Weight::Warning => "major",
            super::Weight::Notice => "info",
        };
        serde_json::json!({
            "description": note.message,
            "check_name": note.title,
            "fingerprint": crate::plan::digest::of_text(&identity),
            "severity": severity,
            "location": { "path": note.path, "lines": { "begin": note.line.get() } },
        })
    };
    notes.iter().map(one).collect()
}
