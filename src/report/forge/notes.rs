//! Notes on lines of KDL: from problems of files and from findings of plans. Also as the commands with
//! which a job tells its runner about them.

use std::num::NonZeroU32;

use super::comment::primary;
use super::{LineNote, Weight};
use crate::dsl::diagnostic::{Diagnostics, Severity};
use crate::plan::display::{Place, Places, place, subject};
use crate::plan::{Level, Plan};
use crate::report::diagnostics::escape;

/// Notes of one weight that a runner shows for a step; it drops the rest without a word.
const RUNNER_LIMIT: usize = 10;

/// Notes for problems and findings that have a place, the gravest first, none twice.
pub fn of(diagnostics: &Diagnostics, plans: &[Plan], places: Places<'_>) -> Vec<LineNote> {
    let mut notes = of_problems(diagnostics, places);
    notes.extend(of_plans(plans, places));
    notes.sort();
    notes.dedup();
    notes
}

/// Notes for problems of files.
pub fn of_problems(diagnostics: &Diagnostics, places: Places<'_>) -> Vec<LineNote> {
    let one = |d: &crate::dsl::diagnostic::Diagnostic| {
        let weight = match d.severity {
            Severity::Error => Weight::Failure,
            Severity::Warning => Weight::Warning,
        };
        let message = std::iter::once(&d.message).chain(&d.help);
        let message: Vec<&str> = message.map(String::as_str).collect();
        note(
            weight,
            primary(d, places)?,
            d.code.to_string(),
            message.join("\n"),
        )
    };
    diagnostics.iter().filter_map(one).collect()
}

/// Notes for findings of plans.
pub fn of_plans(plans: &[Plan], places: Places<'_>) -> Vec<LineNote> {
    let findings = plans
        .iter()
        .flat_map(|plan| plan.findings.iter().map(move |f| (plan, f)));
    let one = |(plan, f): (&Plan, &crate::plan::Finding)| {
        let weight = match f.level {
            Level::Error => Weight::Failure,
            Level::Confirm | Level::Danger => Weight::Warning,
            Level::Notice => Weight::Notice,
        };
        let subject = subject(f.key.as_ref());
        let mut message = format!("{subject}: {} ({})", f.message, plan.set);
        if !f.help.is_empty() {
            message.push('\n');
            message.push_str(&f.help);
        }
        note(
            weight,
            place(&f.spans, places)?,
            f.rule.word().to_owned(),
            message,
        )
    };
    findings.filter_map(one).collect()
}

fn note(weight: Weight, place: Place, title: String, message: String) -> Option<LineNote> {
    Some(LineNote {
        weight,
        path: place.path,
        line: NonZeroU32::new(place.line)?,
        title,
        message,
    })
}

/// Notes as workflow commands, one a line. Where not all of a weight are shown, the last one counts
/// the rest.
pub fn commands(notes: &[LineNote]) -> String {
    let mut out = String::new();
    for weight in [Weight::Failure, Weight::Warning, Weight::Notice] {
        let all: Vec<&LineNote> = notes.iter().filter(|n| n.weight == weight).collect();
        let shown = if all.len() > RUNNER_LIMIT {
            RUNNER_LIMIT - 1
        } else {
            all.len()
        };
        for note in &all[..shown] {
            let (path, title) = (property(&note.path), property(&note.title));
            let lines: Vec<String> = note.message.lines().map(data).collect();
            let (word, line, text) = (command(weight), note.line, lines.join("%0A"));
            out.push_str(&format!(
                "::{word} file={path},line={line},title={title}::{text}\n"
            ));
        }
        if all.len() > shown {
            let (word, more) = (command(weight), all.len() - shown);
            out.push_str(&format!(
                "::{word} title=kubemate::and {more} more in the output\n"
            ));
        }
    }
    out
}

/// Text of users on the standard output of a runner that reads commands from it: none is obeyed
/// inside. The key depends on the whole text, so that no text can hold its own.
pub fn inert(text: &str) -> String {
    let key = blake3::hash(text.as_bytes()).to_hex();
    let end = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    format!("::stop-commands::{key}\n{text}{end}::{key}::\n")
}

fn command(weight: Weight) -> &'static str {
    match weight {
        Weight::Failure => "error",
        Weight::Warning => "warning",
        Weight::Notice => "notice",
    }
}

fn data(text: &str) -> String {
    escape::line(text).replace('%', "%25")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_weight(weight: Weight, count: u32) -> Vec<LineNote> {
        let one = |line: u32| LineNote {
            weight,
            path: "a,b:c.kdl".into(),
            line: NonZeroU32::new(line).unwrap(),
            title: "KM0001".into(),
            message: "first\n::error::x\r50%".into(),
        };
        (1..=count).map(one).collect()
    }

    #[test]
    fn commands_stay_on_their_line_and_say_what_is_left_out() {
        let text = commands(&of_weight(Weight::Warning, 12));
        assert_eq!(text.lines().count(), RUNNER_LIMIT);
        assert!(text.starts_with(
            "::warning file=a%2Cb%3Ac.kdl,line=1,title=KM0001::first%0A::error::x\\r50%25\n"
        ));
        assert!(text.ends_with("and 3 more in the output\n"));
        assert_eq!(
            commands(&of_weight(Weight::Failure, 10)).lines().count(),
            10
        );
    }

    #[test]
    fn no_text_can_start_commands_again() {
        let text = inert("::error::x");
        let key = text
            .lines()
            .next()
            .unwrap()
            .trim_start_matches("::stop-commands::");
        assert_eq!(
            text,
            format!("::stop-commands::{key}\n::error::x\n::{key}::\n")
        );
        assert_ne!(inert("a"), inert(&inert("a")));
    }
}
