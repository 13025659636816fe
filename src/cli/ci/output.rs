//! What a run writes: standard output for people and runners, files for the steps after it.

use std::path::{Path, PathBuf};

use super::super::{Exit, Failure, output};
use super::Arguments;
use super::judge::Judgement;
use crate::adapters::disk;
use crate::plan::Plan;
use crate::plan::display::{self, machines};
use crate::report::diagnostics::{self, Format};
use crate::report::forge::ci::{Run, Variables};
use crate::report::forge::comment::{self, Report};
use crate::report::forge::{notes, outputs};

/// Most bytes of a step's summary: GitHub takes one MiB and shows nothing of a larger one.
const SUMMARY: usize = 1_000_000;
/// Most bytes of a report in markdown.
const MARKDOWN: usize = 1_000_000;

/// A report and its file.
#[derive(Debug, Clone)]
pub(super) struct Target {
    kind: Kind,
    path: PathBuf,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Markdown,
    Json,
    Sarif,
    Junit,
    CodeQuality,
    Terraform,
    Variables,
}

const KINDS: [(&str, Kind); 7] = [
    ("markdown", Kind::Markdown),
    ("json", Kind::Json),
    ("sarif", Kind::Sarif),
    ("junit", Kind::Junit),
    ("code-quality", Kind::CodeQuality),
    ("terraform", Kind::Terraform),
    ("variables", Kind::Variables),
];

/// Reads `KIND=FILE`.
pub(super) fn parse_target(text: &str) -> Result<Target, String> {
    let known = || {
        let words: Vec<&str> = KINDS.iter().map(|(word, _)| *word).collect();
        format!("write KIND=FILE; kinds are {}", words.join(", "))
    };
    let (kind, path) = text
        .split_once('=')
        .filter(|(_, path)| !path.is_empty())
        .ok_or_else(known)?;
    let (_, kind) = KINDS
        .iter()
        .find(|(word, _)| *word == kind)
        .ok_or_else(known)?;
    Ok(Target {
        kind: *kind,
        path: path.into(),
    })
}

/// Problems and plans for people; and where the runner reads commands, notes on lines.
pub(super) fn print(report: &Report<'_>, judgement: &Judgement, run: &Run) {
    let mut text = diagnostics::print(
        Format::Human,
        &judgement.diagnostics,
        &judgement.tree,
        output::style(),
    );
    let style = display::Style {
        color: output::style().color,
    };
    let shown = judgement
        .plans
        .iter()
        .filter(|p| !p.is_empty() || !p.findings.is_empty());
    for plan in shown.filter(|_| !judgement.diagnostics.has_errors()) {
        text.push_str(&display::text::text(plan, report.places, style));
        text.push('\n');
    }
    for remark in &judgement.remarks {
        text.push_str(&format!("{}\n", display::escape::line(remark)));
    }
    text.push_str(&format!("{}\n", display::escape::line(&report.verdict())));
    if run.system.reads_commands() {
        let notes = notes::of(&judgement.diagnostics, &judgement.plans, report.places);
        output::print(&notes::commands(&notes));
        output::print(&notes::inert(&text));
    } else {
        output::print(&text);
    }
}

/// Reports that were asked for, and what the runner collects from files.
pub(super) fn files(
    arguments: &Arguments,
    report: &Report<'_>,
    judgement: &Judgement,
    variables: &Variables,
    exit: Exit,
) -> Result<(), Failure> {
    let facts = outputs::facts(report, exit.code());
    for target in &arguments.reports {
        disk::write(&target.path, &text(target.kind, report, judgement, &facts))?;
    }
    let file = |name: &str| {
        variables
            .get(name)
            .filter(|path| !path.is_empty())
            .map(Path::new)
    };
    if let Some(path) = file("GITHUB_OUTPUT") {
        disk::append(path, &outputs::lines(&facts))?;
    }
    if let Some(path) = file("GITHUB_STEP_SUMMARY") {
        disk::append(
            path,
            &format!("{}\n", comment::comment(report, SUMMARY).text()),
        )?;
    }
    Ok(())
}

fn text(
    kind: Kind,
    report: &Report<'_>,
    judgement: &Judgement,
    facts: &[(&'static str, String)],
) -> String {
    let plans: Vec<&Plan> = judgement.plans.iter().collect();
    let notes = || notes::of(&judgement.diagnostics, &judgement.plans, report.places);
    match kind {
        Kind::Markdown => comment::comment(report, MARKDOWN).text().to_owned(),
        Kind::Json => {
            let plans: Vec<_> = plans
                .iter()
                .map(|p| display::json::json(p, report.places))
                .collect();
            let problems = diagnostics::json(&judgement.diagnostics, &judgement.tree);
            let problems: serde_json::Value = serde_json::from_str(&problems).unwrap_or_default();
            let all = serde_json::json!({
                "version": 1, "facts": outputs::json(facts), "diagnostics": problems,
                "plans": plans, "intents": judgement.intents,
            });
            format!("{all:#}\n")
        }
        // One kind of file holds one kind of result: without a plan, what is wrong with the files.
        Kind::Sarif if judgement.diagnostics.has_errors() => {
            diagnostics::sarif(&judgement.diagnostics, &judgement.tree)
        }
        Kind::Sarif => {
            let version = env!("CARGO_PKG_VERSION");
            format!(
                "{:#}\n",
                display::sarif::sarif(&plans, report.places, version)
            )
        }
        Kind::Junit => machines::junit(&plans),
        Kind::CodeQuality => format!("{:#}\n", outputs::code_quality(&notes())),
        Kind::Terraform => format!("{}\n", machines::terraform_report(&plans)),
        Kind::Variables => outputs::variables(facts),
    }
}
