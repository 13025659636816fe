//! `kubemate apply`: carry out a plan, or make one and carry it out.

mod covered;
mod told;

use std::collections::BTreeSet;
use std::path::PathBuf;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use tracing::field::Empty;

use self::covered::Syncs;
pub(super) use self::told::{conclude, progress, show};
use self::told::{goes, nothing, verdict};
use super::session::{self, Scope, Session};
use super::{Exit, Failure, output, plan};
use crate::adapters::cluster::KubeCluster;
use crate::adapters::disk;
use crate::apply::cluster::Cluster as _;
use crate::apply::outcome::{Because, Outcome, Report};
use crate::apply::prepare::look;
use crate::apply::{self, Options, Run, again};
use crate::object::{ObjectKey, Owner, Rendered};
use crate::plan::saved::{SavedPlan, SavedPlanError};
use crate::plan::{Neighbours, Plan, Rule, Verb, hold};
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
    /// What is wanted, was found unchanged, and was not well.
    unwell: Vec<ObjectKey>,
    /// Something is left to be done when all sets are.
    more: bool,
}

impl<'a> Ended<'a> {
    fn without_writes(rendered: &'a Rendered, floor: Exit) -> Self {
        Self {
            rendered,
            floor,
            report: None,
            stale: false,
            unwell: Vec::new(),
            more: false,
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
    let syncs = Syncs::of(&cluster).await?;
    let patience = Instant::now() + how.arguments.timeout.to_std();
    for rendered in wanted {
        if syncs.refuse(&rendered.set) {
            all.push(Ended::without_writes(rendered, Exit::Invalid));
            continue;
        }
        let span = tracing::info_span!("set", set = %rendered.set, outcome = Empty);
        let ended = apply_set(session, &cluster, rendered, how)
            .instrument(span.clone())
            .await?;
        span.record("outcome", ended.exit().word());
        if ended.exit() == Exit::Partly && rendered.set.owner == Owner::Platform {
            output::note(
                "the platform's set is not complete: sets of tenants that need it may wait",
            );
        }
        all.push(ended);
    }
    let done = bring_again(session, &cluster, how, all).await;
    look_again(&cluster, all, patience, how.stop).await;
    done
}

/// Brings sets once more of which something could not be done before all sets were.
async fn bring_again(
    session: &Session,
    cluster: &KubeCluster,
    how: How<'_>,
    all: &mut [Ended<'_>],
) -> Result<(), Failure> {
    for ended in all {
        let is_whole = matches!(ended.exit(), Exit::Ok | Exit::Unhealthy);
        if how.saved.is_some() || !ended.more || !is_whole {
            continue;
        }
        let again = apply_set(session, cluster, ended.rendered, how).await?;
        *ended = Ended {
            floor: worse(ended.floor, again.floor),
            ..again
        };
    }
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
    if !names.is_empty() {
        output::note(&format!("not finished or not begun: {}", names.join(", ")));
    }
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
        let (rendered, mut left) = (ended.rendered, 0);
        let report = ended.report.as_mut();
        let report = report.filter(|report| !again::unsettled(report).is_empty());
        if report.is_none() && ended.unwell.is_empty() {
            continue;
        }
        if let Some(report) = report {
            again::settle(cluster, rendered, report, patience, stop).await;
            left = again::unsettled(report).len();
        }
        let unwell = (rendered, ended.unwell.as_slice());
        let unwell = again::linger(cluster, unwell, patience, stop, &told::waits).await;
        if !unwell.is_empty() {
            ended.floor = worse(ended.floor, Exit::Unhealthy);
        }
        left += unwell.len();
        let set = &rendered.set;
        output::print(&match left {
            0 => format!("{set}: healthy after all\n"),
            _ => format!("{set}: {left} still not healthy\n"),
        });
    }
}

/// A plan of which it is known what may be done now, and what no step of it will wait for.
struct Ready {
    plan: Plan,
    unwell: Vec<ObjectKey>,
}

async fn prepare(
    session: &Session,
    cluster: &KubeCluster,
    rendered: &Rendered,
    how: How<'_>,
) -> Result<Ready, Failure> {
    let identity = session.rights.identity(&rendered.set);
    let mut policy = session.rights.policy(&rendered.set);
    policy
        .confirmed_deletes
        .clone_from(&how.arguments.confirm_deletes);
    let seen = look(cluster, rendered, &identity, &policy, how.beside).await?;
    let mut plan = match how.saved {
        Some(saved) => {
            saved.verify(&plan::stamp(session, &seen.plan.cluster_uid))?;
            saved.as_of(&seen.plan)
        }
        None => seen.plan,
    };
    let season = session.rights.season(&rendered.set, cluster.now());
    hold::out_of_season(&mut plan, &season);
    hold::until_taken(&mut plan, &seen.world);
    let mut unwell = again::unwell(rendered, &seen.world, cluster.now());
    let waited = plan.steps.iter().filter(|s| s.action.verb() != Verb::Keep);
    let waited: BTreeSet<&ObjectKey> = waited.map(|step| &step.key).collect();
    unwell.retain(|key| !waited.contains(key));
    Ok(Ready { plan, unwell })
}

async fn apply_set<'a>(
    session: &Session,
    cluster: &KubeCluster,
    rendered: &'a Rendered,
    how: How<'_>,
) -> Result<Ended<'a>, Failure> {
    let Ready { plan, unwell } = prepare(session, cluster, rendered, how).await?;
    let written = !plan.is_empty();
    if written {
        show(session, &plan);
    } else if !plan.has_work() {
        let floor = nothing(session, rendered, &plan);
        return Ok(Ended {
            unwell,
            more: plan.leaves_more(),
            ..Ended::without_writes(rendered, floor)
        });
    }
    let run = Run {
        plan: &plan,
        rendered,
        identity: &session.rights.identity(&rendered.set),
        holder: &session::holder(),
        options: Options {
            patience: how.arguments.timeout.to_std(),
            ..Options::default()
        },
        stop: how.stop,
        progress: &progress,
    };
    let report = apply::apply(cluster, run).await?;
    conclude(session, rendered, &plan, &report);
    let going = plan.findings.iter().any(|finding| goes(finding, rendered));
    Ok(Ended {
        rendered,
        stale: how.saved.is_some() && nothing_fits(&report),
        floor: match (going, written) {
            (true, _) => Exit::Partly,
            (false, true) => Exit::Ok,
            (false, false) => nothing(session, rendered, &plan),
        },
        report: Some(report),
        unwell,
        more: plan.leaves_more(),
    })
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
