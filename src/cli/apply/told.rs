//! What a run says: the plan before it, a line for each change, and how it ended. Text of the cluster is
//! made inert first.

use super::super::session::Session;
use super::super::{Exit, output};
use crate::apply::Progress;
use crate::apply::outcome::{Outcome, Report};
use crate::apply::problem::Problem;
use crate::health::Health;
use crate::object::{ObjectKey, Rendered};
use crate::plan::display;
use crate::plan::pointer::pointer;
use crate::plan::{Finding, Level, Plan, Rule, Verb};
use crate::report::diagnostics::escape;

/// Says why an empty plan is empty.
pub(in crate::cli) fn nothing(session: &Session, rendered: &Rendered, plan: &Plan) -> Exit {
    let refused = plan
        .findings
        .iter()
        .any(|finding| finding.level == Level::Error || goes(finding, rendered));
    if !refused {
        output::print(&format!("{}: no changes\n", rendered.set));
        return Exit::Ok;
    }
    show(session, plan);
    output::note(&format!(
        "{}: nothing was written, for the reasons above",
        rendered.set
    ));
    Exit::Partly
}

/// Whether something that is wanted is being deleted: it is made anew when it is gone, not before.
pub(in crate::cli) fn goes(finding: &Finding, rendered: &Rendered) -> bool {
    let wanted = finding
        .key
        .as_ref()
        .is_some_and(|key| rendered.objects.contains_key(key));
    wanted && finding.rule == Rule::Terminating
}

/// Prints a plan.
pub(in crate::cli) fn show(session: &Session, plan: &Plan) {
    let style = display::Style {
        color: output::style().color,
    };
    output::print(&display::text::text(
        plan,
        &|span| session.place(span),
        style,
    ));
}

/// One line about what is waited for and why.
pub(super) fn waits(key: &ObjectKey, health: &Health) {
    let line = format!("waiting for {key}: {}", health.why());
    output::print(&format!("  {}\n", escape::line(&line)));
}

/// One line per change; quiet about what is only kept.
pub(in crate::cli) fn progress(event: Progress<'_>) {
    match event {
        Progress::Ended(step, outcome) if step.action.verb() != Verb::Keep => {
            let line = format!("{} {}: {outcome}", step.action.verb().word(), step.key);
            output::print(&format!("  {}\n", escape::line(&line)));
        }
        Progress::Waits(key, health) if !health.is_settled() => {
            waits(key, health);
        }
        Progress::Begun(_) | Progress::Written(..) | Progress::Ended(..) | Progress::Waits(..) => {}
    }
}

/// Says how it ended.
pub(in crate::cli) fn conclude(
    session: &Session,
    rendered: &Rendered,
    plan: &Plan,
    report: &Report,
) -> Exit {
    let (mut done, mut not) = (0, 0);
    for step in report.steps.values().filter(|s| s.verb != Verb::Keep) {
        match &step.outcome {
            Outcome::Done => done += 1,
            Outcome::Failed { problem } => {
                not += 1;
                output::note(&blame(session, rendered, &step.key, problem));
            }
            Outcome::Stopped { .. } | Outcome::NotAttempted { .. } => not += 1,
        }
    }
    if let Some(problem) = &report.bookkeeping {
        let problem = problem.to_string();
        output::note(&format!(
            "the inventory could not be written: {}",
            escape::line(&problem)
        ));
    }
    let held = plan.findings.iter().filter(|f| f.holds()).count();
    let held = if held > 0 {
        format!(", {held} held by rules")
    } else {
        String::new()
    };
    output::print(&format!("{}: {done} done, {not} not{held}\n", rendered.set));
    verdict(report)
}

/// The exit code that a report deserves.
pub(super) fn verdict(report: &Report) -> Exit {
    match (report.complete(), report.healthy()) {
        (true, true) => Exit::Ok,
        (true, false) => Exit::Unhealthy,
        (false, _) => Exit::Partly,
    }
}

/// A refusal with the KDL line of the field that caused it.
fn blame(session: &Session, rendered: &Rendered, key: &ObjectKey, problem: &Problem) -> String {
    let mut text = format!("error: {}", escape::line(&problem.to_string()));
    let Some(desired) = rendered.objects.get(key) else {
        return text;
    };
    let causes = problem
        .api
        .as_ref()
        .map(|api| api.causes.as_slice())
        .unwrap_or_default();
    let fields: Vec<&str> = causes.iter().map(|cause| cause.field.as_str()).collect();
    for field in if fields.is_empty() { vec![""] } else { fields } {
        let pointer = pointer(field, &desired.manifest.body);
        if let Some(place) = desired
            .source
            .find(&pointer)
            .first()
            .and_then(|s| session.place(s))
        {
            let what = if field.is_empty() {
                key.to_string()
            } else {
                field.to_owned()
            };
            text.push_str(&format!("\n  --> {place} ({})", escape::line(&what)));
        }
    }
    text
}
