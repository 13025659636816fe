//! `kubemate apply`: carry out a plan, or make one and carry it out.

use std::path::PathBuf;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::session::{self, Scope, Session};
use super::{Exit, Failure, output, plan};
use crate::adapters::cluster::KubeCluster;
use crate::adapters::disk;
use crate::apply::cluster::Cluster as _;
use crate::apply::outcome::{Because, Outcome, Report};
use crate::apply::prepare::prepare;
use crate::apply::{self, Options, Progress, Run, again};
use crate::object::{Owner, Rendered};
use crate::plan::display;
use crate::plan::saved::{SavedPlan, SavedPlanError};
use crate::plan::{Finding, Level, Neighbours, Plan, Rule, Verb, hold};
use crate::values::duration::Duration as Patience;

/// Make the cluster what the project says.
#[derive(Debug, clap::Args)]
#[command(mut_arg("directory", |arg| arg
    .value_name("DIR|PLANFILE")
    .help("Directory of the project; or a saved plan of the project in the current directory, which is \
        carried out and nothing else")))]
pub(super) struct Arguments {
    #[command(flatten)]
    scope: Scope,
    /// Say yes to the deletions with this digest, as the plan names it.
    #[arg(long, value_name = "DIGEST")]
    confirm_deletes: Option<String>,
    /// For how long to wait until everything is healthy, as in `90s` or `5m`.
    #[arg(long, value_name = "TIME", default_value = "5m")]
    timeout: Patience,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let named = &arguments.scope.source.directory;
    if !disk::is_file(named) {
        let session = arguments.scope.open()?;
        return session::runtime()?.block_on(apply_all(&session, arguments, None));
    }
    let saved = SavedPlan::read(&disk::read_text(named)?)?;
    let mut scope = arguments.scope.clone();
    scope.source.directory = PathBuf::from(".");
    let session = scope.open()?;
    if session.sets.iter().all(|r| r.set != saved.plan.set) {
        let set = saved.plan.set;
        return Err(SavedPlanError::OtherSet { set }.into());
    }
    session::runtime()?.block_on(apply_all(&session, arguments, Some(&saved)))
}

/// How a set ended: the exit code without its health, and its report where something was written.
struct Ended<'a> {
    rendered: &'a Rendered,
    floor: Exit,
    report: Option<Report>,
    /// A saved plan of which nothing could be done, because the world is another one.
    stale: bool,
}

impl<'a> Ended<'a> {
    fn without_writes(rendered: &'a Rendered, floor: Exit) -> Self {
        Self {
            rendered,
            floor,
            report: None,
            stale: false,
        }
    }
}

impl Ended<'_> {
    fn exit(&self) -> Exit {
        if self.stale {
            return Exit::Stale;
        }
        let report = self.report.as_ref().map_or(Exit::Ok, verdict);
        worse(self.floor, report)
    }
}

async fn apply_all(
    session: &Session,
    arguments: &Arguments,
    saved: Option<&SavedPlan>,
) -> Result<Exit, Failure> {
    let (stop, beside) = (stop_on_interrupt(), session.neighbours());
    let how = How {
        arguments,
        saved,
        beside: &beside,
        stop: &stop,
    };
    let (mut exit, mut begun) = (Exit::Ok, false);
    for (name, sets) in session.by_cluster() {
        let wanted: Vec<&Rendered> = sets
            .into_iter()
            .filter(|r| saved.is_none_or(|s| s.plan.set == r.set))
            .collect();
        if wanted.is_empty() {
            continue;
        }
        let mut all = Vec::new();
        let ended = on_cluster(session, name, &wanted, how, &mut all).await;
        begun |= all.iter().any(|ended| ended.report.is_some());
        exit = all.iter().map(Ended::exit).fold(exit, worse);
        if let Err(failure) = ended {
            let left = wanted.get(all.len()..).unwrap_or_default();
            return cut_short(failure, begun, left).map(|partly| worse(exit, partly));
        }
    }
    Ok(exit)
}

/// What holds for every set of a run.
#[derive(Clone, Copy)]
struct How<'a> {
    arguments: &'a Arguments,
    saved: Option<&'a SavedPlan>,
    beside: &'a Neighbours<'a>,
    stop: &'a CancellationToken,
}

/// Applies the sets of one cluster, one after the other; `all` holds those that were come to.
async fn on_cluster<'a>(
    session: &Session,
    name: &str,
    wanted: &[&'a Rendered],
    how: How<'_>,
    all: &mut Vec<Ended<'a>>,
) -> Result<(), Failure> {
    let cluster = session::connect(session, name, &how.arguments.scope.to).await?;
    session::headline(name, wanted.len());
    let patience = Instant::now() + how.arguments.timeout.to_std();
    for rendered in wanted {
        let ended = apply_set(session, &cluster, rendered, how).await?;
        if ended.exit() == Exit::Partly && rendered.set.owner == Owner::Platform {
            output::note(
                "the platform's set is not complete: sets of tenants that need it may wait",
            );
        }
        all.push(ended);
    }
    look_again(&cluster, all, patience, how.stop).await;
    Ok(())
}

/// The end of a run that cannot go on: the failure itself where nothing was written; else a part was
/// applied, and what was not begun is named.
fn cut_short(failure: Failure, begun: bool, left: &[&Rendered]) -> Result<Exit, Failure> {
    if !begun {
        return Err(failure);
    }
    let _printed = output::failure(&failure);
    let names: Vec<String> = left.iter().map(|r| r.set.to_string()).collect();
    output::note(&format!("not finished or not begun: {}", names.join(", ")));
    Ok(Exit::Partly)
}

/// Judges again what was not healthy when its own set was done, now that all sets are.
async fn look_again(
    cluster: &KubeCluster,
    all: &mut [Ended<'_>],
    patience: Instant,
    stop: &CancellationToken,
) {
    for ended in all {
        let Some(report) = &mut ended.report else {
            continue;
        };
        if again::unsettled(report).is_empty() {
            continue;
        }
        let set = &ended.rendered.set;
        again::settle(cluster, ended.rendered, report, patience, stop).await;
        let left = again::unsettled(report).len();
        output::print(&match left {
            0 => format!("{set}: healthy after all\n"),
            _ => format!("{set}: {left} still not healthy\n"),
        });
    }
}

async fn apply_set<'a>(
    session: &Session,
    cluster: &KubeCluster,
    rendered: &'a Rendered,
    how: How<'_>,
) -> Result<Ended<'a>, Failure> {
    let (arguments, saved) = (how.arguments, how.saved);
    let identity = session.rights.identity(&rendered.set);
    let mut policy = session.rights.policy(&rendered.set);
    policy
        .confirmed_deletes
        .clone_from(&arguments.confirm_deletes);
    let fresh = prepare(cluster, rendered, &identity, &policy, how.beside).await?;
    let mut plan = match saved {
        Some(saved) => {
            saved.verify(&plan::stamp(session, &fresh.cluster_uid))?;
            saved.as_of(&fresh)
        }
        None => fresh,
    };
    let season = session.rights.season(&rendered.set, cluster.now());
    hold::out_of_season(&mut plan, &season);
    let plan = &plan;
    let written = !plan.is_empty();
    if written {
        show(session, plan);
    } else if !plan.has_work() {
        let floor = nothing(session, rendered, plan);
        return Ok(Ended::without_writes(rendered, floor));
    }
    let options = Options {
        patience: arguments.timeout.to_std(),
        ..Options::default()
    };
    let holder = session::holder();
    let run = Run {
        plan,
        rendered,
        identity: &identity,
        holder: &holder,
        options,
        stop: how.stop,
        progress: &progress,
    };
    let report = apply::apply(cluster, run).await?;
    conclude(session, rendered, plan, &report);
    let going = plan.findings.iter().any(|finding| goes(finding, rendered));
    Ok(Ended {
        rendered,
        stale: saved.is_some() && nothing_fits(&report),
        floor: match (going, written) {
            (true, _) => Exit::Partly,
            (false, true) => Exit::Ok,
            (false, false) => nothing(session, rendered, plan),
        },
        report: Some(report),
    })
}

/// Says why an empty plan is empty.
fn nothing(session: &Session, rendered: &Rendered, plan: &Plan) -> Exit {
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
fn goes(finding: &Finding, rendered: &Rendered) -> bool {
    let wanted = finding
        .key
        .as_ref()
        .is_some_and(|key| rendered.objects.contains_key(key));
    wanted && finding.rule == Rule::Terminating
}

/// Prints a plan.
pub(super) fn show(session: &Session, plan: &Plan) {
    let style = display::Style {
        color: output::style().color,
    };
    output::print(&display::text::text(
        plan,
        &|span| session.place(span),
        style,
    ));
}

/// One line per change; quiet about what is only kept.
pub(super) fn progress(event: Progress<'_>) {
    match event {
        Progress::Ended(step, outcome) if step.action.verb() != Verb::Keep => {
            output::print(&format!(
                "  {} {}: {outcome}\n",
                step.action.verb().word(),
                step.key
            ));
        }
        Progress::Waits(key, health) if !health.is_settled() => {
            output::print(&format!("  waiting for {key}: {}\n", health.why()));
        }
        Progress::Begun(_) | Progress::Ended(..) | Progress::Waits(..) => {}
    }
}

/// Says how it ended.
pub(super) fn conclude(
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
        output::note(&format!("the inventory could not be written: {problem}"));
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
fn verdict(report: &Report) -> Exit {
    match (report.complete(), report.healthy()) {
        (true, true) => Exit::Ok,
        (true, false) => Exit::Unhealthy,
        (false, _) => Exit::Partly,
    }
}

/// A refusal with the KDL line of the field that caused it.
fn blame(
    session: &Session,
    rendered: &Rendered,
    key: &crate::object::ObjectKey,
    problem: &crate::apply::problem::Problem,
) -> String {
    let mut text = format!("error: {problem}");
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
        let pointer = pointer_of(field);
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
            text.push_str(&format!("\n  --> {place} ({what})"));
        }
    }
    text
}

/// `spec.containers[0].image`, as the API server names fields, as a JSON pointer; a selector by key
/// ends it, since positions are not known there.
fn pointer_of(field: &str) -> String {
    let plain = field
        .split("[name=")
        .next()
        .unwrap_or(field)
        .split("[k")
        .next()
        .unwrap_or(field);
    let steps = plain.split(['.', '[', ']']).filter(|s| !s.is_empty());
    steps
        .map(|s| format!("/{}", crate::dsl::node::escape(s.trim_matches('"'))))
        .collect()
}

/// Whether no step was carried out, and what stopped them is that something moved.
fn nothing_fits(report: &Report) -> bool {
    let steps = || report.steps.values().filter(|s| s.verb != Verb::Keep);
    let moved = |outcome: &Outcome| match outcome {
        Outcome::Stopped { .. } => true,
        Outcome::NotAttempted {
            because: Because::Held(rules),
        } => rules.contains(&Rule::Stale),
        Outcome::Done | Outcome::Failed { .. } | Outcome::NotAttempted { .. } => false,
    };
    steps().all(|step| step.outcome != Outcome::Done) && steps().any(|step| moved(&step.outcome))
}

/// The worse of two ends.
pub(super) fn worse(a: Exit, b: Exit) -> Exit {
    if b.code() > a.code() { b } else { a }
}

/// Called off by Ctrl-C.
pub(super) fn stop_on_interrupt() -> CancellationToken {
    let stop = CancellationToken::new();
    let ours = stop.clone();
    drop(tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            output::note("stopping: steps that were begun are finished, the rest is left");
            ours.cancel();
        }
    }));
    stop
}
