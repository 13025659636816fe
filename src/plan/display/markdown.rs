//! A plan as markdown for a pull request, to a budget of bytes.
//!
//! What does not fit is dropped by importance, not by position, and the text says what was left out.

use crate::plan::Plan;
use crate::plan::display::escape::{code, fence, line, markdown as words, terminal};
use crate::plan::display::{Places, fields, place, remarks, rows, subject, summary};
use crate::plan::finding::{Finding, Level};
use crate::plan::step::{Step, Verb};

/// What is kept for the note about what was left out.
const RESERVE: usize = 200;

/// A part of the text that is shown or dropped as a whole.
pub(crate) struct Part {
    /// Smaller is kept longer.
    pub(crate) importance: u8,
    /// What it is one of, for the note.
    pub(crate) what: &'static str,
    /// What it says, already escaped.
    pub(crate) text: String,
}

/// Where the whole plan is, where no other place is known.
const POINTER: &str = "The whole plan is in the job's output.";

/// The plan of one set as markdown of at most `budget` bytes.
pub fn markdown(plan: &Plan, places: Places<'_>, budget: usize) -> String {
    let mut parts = vec![Part {
        importance: 0,
        what: "heading",
        text: head(plan),
    }];
    parts.extend(plan.findings.iter().map(|f| finding(f, places)));
    parts.extend(table(plan));
    parts.extend(differences(plan, places));
    fit(&parts, budget, POINTER)
}

/// One finding of a plan.
pub(crate) fn finding(finding: &Finding, places: Places<'_>) -> Part {
    Part {
        importance: match finding.level {
            Level::Error | Level::Confirm => 1,
            Level::Danger => 2,
            Level::Notice => 6,
        },
        what: "finding",
        text: finding_item(finding, places),
    }
}

/// What changes in each object, one foldable part each.
pub(crate) fn differences<'a>(
    plan: &'a Plan,
    places: Places<'a>,
) -> impl Iterator<Item = Part> + 'a {
    let diffs = plan
        .steps
        .iter()
        .filter(|step| !step.action.changes().is_empty());
    diffs.map(move |step| Part {
        importance: match (step.held_by.is_empty(), step.action.verb()) {
            (false, _) | (_, Verb::Replace | Verb::Adopt) => 4,
            (_, Verb::Create) => 7,
            _ => 5,
        },
        what: "difference",
        text: difference(step, places),
    })
}

/// Keeps the most important parts that fit, in reading order. What was left out is counted, and
/// `pointer` says where it is.
pub(crate) fn fit(parts: &[Part], budget: usize, pointer: &str) -> String {
    let total: usize = parts.iter().map(|part| part.text.len()).sum();
    let mut room = if total <= budget {
        budget
    } else {
        budget.saturating_sub(RESERVE + pointer.len())
    };
    let mut by_importance: Vec<usize> = (0..parts.len()).collect();
    by_importance.sort_by_key(|index| (parts[*index].importance, *index));
    let mut kept = vec![false; parts.len()];
    for index in by_importance {
        let size = parts[index].text.len();
        if size <= room {
            room -= size;
            kept[index] = true;
        }
    }
    let mut out = String::new();
    let mut left = std::collections::BTreeMap::<&str, usize>::new();
    for (part, kept) in parts.iter().zip(kept) {
        if kept {
            out.push_str(&part.text);
        } else {
            *left.entry(part.what).or_default() += 1;
        }
    }
    if !left.is_empty() {
        let left: Vec<String> = left
            .iter()
            .map(|(what, n)| format!("{n} {what}{}", if *n == 1 { "" } else { "s" }))
            .collect();
        let note = format!("\n_Left out for length: {}. {pointer}_\n", left.join(", "));
        if out.len() + note.len() <= budget {
            out.push_str(&note);
        }
    }
    out
}

fn head(plan: &Plan) -> String {
    let sign = match plan.findings.first().map(|finding| finding.level) {
        Some(Level::Error) => "❌ ",
        Some(Level::Confirm) => "✋ ",
        Some(Level::Danger) => "⚠️ ",
        Some(Level::Notice) | None => "",
    };
    let (set, digest) = (words(&plan.set.to_string()), code(&plan.digest));
    format!("### {sign}{set}\n\n{} · {digest}\n\n", summary(plan))
}

fn finding_item(finding: &Finding, places: Places<'_>) -> String {
    let sign = match finding.level {
        Level::Error => "❌",
        Level::Confirm => "✋",
        Level::Danger => "⚠️",
        Level::Notice => "ℹ️",
    };
    let subject = code(&subject(finding.key.as_ref()));
    let mut text = format!(
        "- {sign} **{}** {subject}: {}",
        finding.rule.word(),
        words(&finding.message)
    );
    if let Some(place) = place(&finding.spans, places) {
        put(&mut text, format_args!(" — {}", code(&place.to_string())));
    }
    if !finding.help.is_empty() {
        put(&mut text, format_args!("<br>{}", words(&finding.help)));
    }
    text + "\n"
}

/// The table in parts: its head goes with its first row.
pub(crate) fn table(plan: &Plan) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut head = "\n| | object | resource | |\n|---|---|---|---|\n".to_owned();
    for ((_, resource), steps) in rows(plan) {
        for step in steps {
            let resource = code(&resource.to_string());
            let (verb, key) = (step.action.verb(), code(&step.key.to_string()));
            let row = format!(
                "| {verb} | {key} | {resource} | {} |\n",
                words(&remarks(step))
            );
            let text = std::mem::take(&mut head) + &row;
            let importance = if step.action.deletes() { 2 } else { 3 };
            // The head must not be dropped while a later row stays.
            let importance = if parts.is_empty() { 1 } else { importance };
            parts.push(Part {
                importance,
                what: "row",
                text,
            });
        }
    }
    parts
}

fn difference(step: &Step, places: Places<'_>) -> String {
    let mut body = String::new();
    for change in step.action.changes() {
        let place = place(&change.spans, places)
            .map(|p| format!("   {p}"))
            .unwrap_or_default();
        put(
            &mut body,
            format_args!("  {}{}\n", line(&change.path), line(&place)),
        );
        for one in fields::lines(change) {
            for text in terminal(&one.text).lines() {
                put(&mut body, format_args!("{} {text}\n", one.sign));
            }
        }
    }
    let (verb, key) = (step.action.verb(), words(&step.key.to_string()));
    let fence = fence(&body);
    format!(
        "\n<details><summary>{verb} {key}</summary>\n\n{fence}diff\n{body}{fence}\n\n</details>\n"
    )
}

/// Adds formatted text; writing to a string cannot fail.
fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    let written = std::fmt::Write::write_fmt(out, text);
    debug_assert!(written.is_ok(), "writing to a string succeeds");
}
