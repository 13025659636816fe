//! Plans for CI systems: JUnit, GitLab code quality, and the counts of a Terraform report.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::plan::Plan;
use crate::plan::digest;
use crate::plan::display::escape::xml;
use crate::plan::display::{Places, place, subject, summary};
use crate::plan::finding::{Finding, Level};
use crate::plan::step::{Step, Verb};

/// JUnit XML: one suite per set, one case per step that does something; a held one has failed.
pub fn junit(plans: &[&Plan]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for plan in plans {
        suite(plan, &mut out);
    }
    out + "</testsuites>\n"
}

fn suite(plan: &Plan, out: &mut String) {
    let steps: Vec<&Step> = plan
        .steps
        .iter()
        .filter(|s| s.action.verb() != Verb::Keep)
        .collect();
    let loose: Vec<&Finding> = plan
        .findings
        .iter()
        .filter(|f| f.holds() && !steps.iter().any(|step| f.key.as_ref() == Some(&step.key)))
        .collect();
    let failures = steps.iter().filter(|step| !step.held_by.is_empty()).count() + loose.len();
    let tests = steps.len() + loose.len();
    let set = xml(&plan.set.to_string());
    line(
        out,
        &format!("  <testsuite name=\"{set}\" tests=\"{tests}\" failures=\"{failures}\">"),
    );
    for step in steps {
        let about = |f: &&Finding| f.key.as_ref().is_none_or(|key| *key == step.key);
        let held = plan
            .findings
            .iter()
            .filter(|f| f.holds() && step.held_by.contains(&f.rule));
        let name = format!("{} {}", step.action.verb(), step.key);
        case(
            out,
            &name,
            &step.resource.to_string(),
            &held.filter(about).collect::<Vec<_>>(),
        );
    }
    for finding in loose {
        case(
            out,
            &subject(finding.key.as_ref()),
            finding.rule.word(),
            &[finding],
        );
    }
    line(
        out,
        &format!("    <system-out>{}</system-out>", xml(&summary(plan))),
    );
    line(out, "  </testsuite>");
}

fn case(out: &mut String, name: &str, class: &str, failures: &[&Finding]) {
    let head = format!(
        "    <testcase name=\"{}\" classname=\"{}\"",
        xml(name),
        xml(class)
    );
    if failures.is_empty() {
        line(out, &format!("{head}/>"));
        return;
    }
    line(out, &format!("{head}>"));
    for finding in failures {
        failure(finding, out);
    }
    line(out, "    </testcase>");
}

fn failure(finding: &Finding, out: &mut String) {
    let (rule, message, help) = (
        finding.rule.word(),
        xml(&finding.message),
        xml(&finding.help),
    );
    line(
        out,
        &format!("      <failure type=\"{rule}\" message=\"{message}\">{help}</failure>"),
    );
}

fn line(out: &mut String, text: &str) {
    let written = writeln!(out, "{text}");
    debug_assert!(written.is_ok(), "writing to a string succeeds");
}

/// GitLab code quality: findings that have a place.
pub fn code_quality(plans: &[&Plan], places: Places<'_>) -> Value {
    let mut out = Vec::new();
    for plan in plans {
        for finding in &plan.findings {
            let Some(place) = place(&finding.spans, places) else {
                continue;
            };
            let severity = match finding.level {
                Level::Error => "blocker",
                Level::Confirm => "critical",
                Level::Danger => "major",
                Level::Notice => "info",
            };
            let subject = subject(finding.key.as_ref());
            // Without the line, so that the same finding is the same after the file was edited above it.
            let identity = format!(
                "{}\0{}\0{subject}\0{}",
                plan.set,
                finding.rule.word(),
                finding.message
            );
            out.push(json!({
                "description": format!("{subject}: {}", finding.message),
                "check_name": finding.rule.word(),
                "fingerprint": digest::of_text(&identity),
                "severity": severity,
                "location": { "path": place.path, "lines": { "begin": place.line } },
            }));
        }
    }
    Value::Array(out)
}

/// What a merge request widget for Terraform reads: three counts. A replacement counts as both.
pub fn terraform_report(plans: &[&Plan]) -> Value {
    let sum = |verbs: &[Verb]| -> usize {
        plans
            .iter()
            .map(|plan| verbs.iter().map(|verb| plan.count(*verb)).sum::<usize>())
            .sum()
    };
    json!({
        "create": sum(&[Verb::Create, Verb::Replace]),
        "update": sum(&[Verb::Update, Verb::Adopt]),
        "delete": sum(&[Verb::Delete, Verb::Replace]),
    })
}
