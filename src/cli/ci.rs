//! `kubemate ci`: validates, plans and reports for the pull request that a job runs for.
//!
//! Works without any credential: then it reports to the job's output only. Whoever wrote the pull
//! request is not trusted: nothing of it is executed, and it is judged by the rules it started from.

mod forge;
mod judge;
mod output;

use std::path::PathBuf;

use self::judge::Judgement;
use super::session::KeyedArguments;
use super::{Exit, Failure};
use crate::adapters::disk;
use crate::report::forge::ci::{self, Run, Variables};
use crate::report::forge::comment::Report;
use crate::report::forge::{Instance, State};

/// Validate, plan and report for the pull request that this job runs for.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Directory of the project.
    #[arg(value_name = "DIR", default_value = ".")]
    directory: PathBuf,
    /// The commit to judge: a full ref name, HEAD or a commit id.
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    rev: String,
    /// The commit to compare with, whose rules hold. Default: what the CI system says.
    #[arg(long, value_name = "REV")]
    base: Option<String>,
    /// Plan this environment only.
    #[arg(long, value_name = "ENV")]
    env: Option<String>,
    /// Plan this cluster only.
    #[arg(long, value_name = "CLUSTER")]
    cluster: Option<String>,
    /// Ask the clusters what would change, instead of comparing two commits. Never done for a pull
    /// request from a fork.
    #[arg(long)]
    live: bool,
    #[command(flatten)]
    to: KeyedArguments,
    /// The name under which this reports: part of the comment and of the status.
    #[arg(long, value_name = "NAME")]
    instance: Option<String>,
    /// Write a report to a file: markdown, json, sarif, junit, code-quality, terraform, variables. May
    /// be repeated.
    #[arg(long = "report", value_name = "KIND=FILE", value_parser = output::parse_target)]
    reports: Vec<output::Target>,
    /// Say nothing to the forge, even where a token is at hand.
    #[arg(long)]
    no_forge: bool,
    /// Exit with 2 if there are changes.
    #[arg(long)]
    detailed_exitcode: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let variables = variables();
    let event = event(&variables);
    let run = ci::detect(&variables, event.as_ref());
    let instance = instance(arguments, &variables)?;
    let mut judgement = judge::judge(arguments, &run)?;
    forge::agree(arguments, &mut judgement, &run);
    let places = judgement.places();
    let report = judgement.report(&instance, &run, &places);
    let verdict = exit(arguments, &report, &judgement);
    output::print(&report, &judgement, &run);
    output::files(arguments, &report, &judgement, &variables, verdict)?;
    if arguments.no_forge {
        return Ok(verdict);
    }
    let span = tracing::info_span!("report");
    let told = span.in_scope(|| forge::tell(&report, &judgement, &run))?;
    Ok(match (verdict, told) {
        // What people look at would be old: a run that looks green would hide it.
        (Exit::Ok | Exit::Changes, false) => Exit::Error,
        (verdict, _) => verdict,
    })
}

fn exit(arguments: &Arguments, report: &Report<'_>, judgement: &Judgement) -> Exit {
    let changes = judgement.plans.iter().any(|plan| !plan.is_empty());
    match report.state() {
        State::Failure => Exit::Invalid,
        State::Error => Exit::Error,
        // That somebody has yet to agree is no fault of the change: the status alone says it.
        State::Success | State::Pending if changes && arguments.detailed_exitcode => Exit::Changes,
        State::Success | State::Pending => Exit::Ok,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a CI system speaks through the environment"
)]
fn variables() -> Variables {
    let one = |name: &&str| Some(((*name).to_owned(), std::env::var(name).ok()?));
    ci::VARIABLES.iter().filter_map(one).collect()
}

/// Where this runs, as far as the environment tells.
pub(super) fn job() -> Run {
    let variables = variables();
    ci::detect(&variables, event(&variables).as_ref())
}

#[expect(
    clippy::disallowed_methods,
    reason = "agreements end and windows open, and a job runs at one time"
)]
pub(super) fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// The event that started the job, where the system wrote it to a file.
fn event(variables: &Variables) -> Option<serde_json::Value> {
    let path = variables
        .get("GITHUB_EVENT_PATH")
        .filter(|path| !path.is_empty())?;
    let text = disk::read_text(path.as_ref()).ok()?;
    serde_json::from_str(&text).ok()
}

fn instance(arguments: &Arguments, variables: &Variables) -> Result<Instance, Failure> {
    let given = arguments.instance.as_deref();
    let set = variables
        .get("KUBEMATE_INSTANCE")
        .map(String::as_str)
        .filter(|name| !name.is_empty());
    let name = given.or(set).unwrap_or("default");
    Instance::new(name).ok_or_else(|| Failure::Usage {
        message: format!(
            "`{}` cannot be the name of an instance",
            name.escape_debug()
        ),
        help: "use lower-case letters, digits and hyphens, at most 40".to_owned(),
    })
}

/// Whether the run is for a pull request that comes, or may come, from another repository.
fn is_foreign(run: &Run) -> bool {
    run.pull.is_some() && run.fork != Some(false)
}
