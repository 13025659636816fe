//! `kubemate status`: for every set whether it is applied, whether it is healthy, and what is waited for.
//!
//! It only reads: nothing is said that the cluster did not answer just now.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::session::{self, Scope, Session};
use super::{Exit, Failure, output};
use crate::adapters::cluster::KubeCluster;
use crate::apply::cluster::Cluster as _;
use crate::apply::prepare::{Prepared, look};
use crate::health::{Health, health};
use crate::object::{ObjectKey, Rendered};
use crate::plan::observed::Observed;
use crate::plan::{Neighbours, Rule, Verb};
use crate::report::diagnostics::escape;

/// Most objects of one set that are named one by one.
const NAMED: usize = 20;

/// Say what is applied, what is healthy, and what is waited for and why.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    scope: Scope,
    /// Exit with 2 if something is not applied, and with 6 if something is not healthy.
    #[arg(long)]
    detailed_exitcode: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let session = arguments.scope.open()?;
    let beside = session.neighbours();
    let each = session::runtime()?.block_on(session::each_set(
        &session,
        &arguments.scope.to,
        async |cluster, rendered| state(&session, cluster, rendered, &beside).await,
    ));
    let states = &each.made;
    output::print(&table(states));
    let unhealthy = states.iter().any(|state| !state.unsettled.is_empty());
    let changes = states.iter().any(|state| !state.applied());
    Ok(
        each.exit(match (arguments.detailed_exitcode, unhealthy, changes) {
            (true, true, _) => Exit::Unhealthy,
            (true, false, true) => Exit::Changes,
            _ => Exit::Ok,
        }),
    )
}

/// What is told of one set.
struct State {
    set: String,
    wanted: usize,
    owned: usize,
    changes: usize,
    drift: usize,
    held: Vec<(String, String)>,
    unsettled: Vec<(ObjectKey, Health)>,
}

async fn state(
    session: &Session,
    cluster: &KubeCluster,
    rendered: &Rendered,
    beside: &Neighbours<'_>,
) -> Result<State, Failure> {
    let (identity, policy) = (
        session.rights.identity(&rendered.set),
        session.rights.policy(&rendered.set),
    );
    let Prepared {
        plan,
        world,
        stored,
    } = look(cluster, rendered, &identity, &policy, beside).await?;
    let held = plan.steps.iter().filter_map(|step| {
        let rules: Vec<&str> = step.held_by.iter().map(|rule| rule.word()).collect();
        let why = match rules.is_empty() {
            false => format!("held by {}", rules.join(", ")),
            true => plan.refusals(step).next()?.message.clone(),
        };
        Some((format!("{} {}", step.action.verb(), step.key), why))
    });
    Ok(State {
        set: rendered.set.to_string(),
        wanted: rendered.objects.len(),
        owned: stored.inventory.owned(),
        changes: plan
            .steps
            .iter()
            .filter(|step| step.action.verb() != Verb::Keep || plan.refuses(step))
            .count(),
        drift: plan
            .findings
            .iter()
            .filter(|finding| finding.rule == Rule::Drift)
            .count(),
        held: held.collect(),
        unsettled: unsettled(rendered, &world.objects, cluster.now()),
    })
}

/// What exists and is not as it should be. What does not exist is a change, not an illness.
fn unsettled(
    rendered: &Rendered,
    objects: &std::collections::BTreeMap<ObjectKey, Observed>,
    now: Timestamp,
) -> Vec<(ObjectKey, Health)> {
    let seen = rendered.objects.keys().filter_map(|key| {
        let health = match objects.get(key)? {
            Observed::Present(live) => health(&live.body, now),
            Observed::Absent { .. } | Observed::Unchanged { .. } => return None,
            Observed::Unreadable { reason } => Health::Unknown {
                why: reason.clone(),
            },
        };
        (!health.is_settled()).then(|| (key.clone(), health))
    });
    seen.collect()
}

impl State {
    fn applied(&self) -> bool {
        self.changes == 0
    }

    fn progress(&self) -> String {
        let many =
            |count: usize, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
        match (self.changes, self.owned, self.drift) {
            (0, _, _) => "applied".to_owned(),
            (_, 0, _) => "never applied".to_owned(),
            (changes, _, 0) => format!("{} not applied", many(changes, "change")),
            (changes, _, drift) if changes == drift => {
                format!("{} changed outside of Git", many(drift, "object"))
            }
            (changes, _, drift) => {
                format!(
                    "{} not applied, {} of them drift",
                    many(changes, "change"),
                    drift
                )
            }
        }
    }

    fn health(&self) -> &'static str {
        let failed = |(_, health): &(ObjectKey, Health)| matches!(health, Health::Failed { .. });
        match (self.owned, self.unsettled.is_empty()) {
            (0, true) => "-",
            (_, true) => "healthy",
            (_, false) if self.unsettled.iter().any(failed) => "failed",
            (_, false) => "waiting",
        }
    }
}

/// One line for each set, and below it what is waited for and why.
fn table(states: &[State]) -> String {
    let wide = states
        .iter()
        .map(|state| state.set.chars().count())
        .max()
        .unwrap_or(0);
    let mut out = String::new();
    for state in states {
        let (health, progress) = (state.health(), state.progress());
        line(
            &mut out,
            &format!(
                "{:<wide$}  {health:<8}  {:>4} objects  {progress}",
                state.set, state.wanted
            ),
        );
        let reasons = state
            .unsettled
            .iter()
            .map(|(key, health)| format!("{key}: {}: {}", health.word(), health.why()));
        let held = state
            .held
            .iter()
            .map(|(what, why)| format!("{what}: {why}"));
        let all: Vec<String> = reasons.chain(held).collect();
        for reason in all.iter().take(NAMED) {
            line(&mut out, &format!("    {}", escape::line(reason)));
        }
        if let Some(more) = all.len().checked_sub(NAMED).filter(|more| *more > 0) {
            line(&mut out, &format!("    and {more} more"));
        }
    }
    out
}

fn line(out: &mut String, text: &str) {
    let written = writeln!(out, "{}", text.trim_end());
    debug_assert!(written.is_ok(), "writing to a string succeeds");
}
