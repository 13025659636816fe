//! `kubemate diff`: what was changed in the cluster outside of Git, and nothing else.

use std::collections::BTreeSet;

use super::session::{self, Scope, Session};
use super::{Exit, Failure, output};
use crate::adapters::cluster::KubeCluster;
use crate::apply::prepare::prepare;
use crate::object::{ObjectKey, Rendered};
use crate::plan::display;
use crate::plan::{Neighbours, Plan, Rule};

/// Show what was changed in the cluster outside of Git.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    scope: Scope,
    /// Exit with 2 if there is drift.
    #[arg(long)]
    detailed_exitcode: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let session = arguments.scope.open()?;
    let beside = session.neighbours();
    let each = session::runtime()?.block_on(session::each_set(
        &session,
        &arguments.scope.to,
        async |cluster, rendered| drift(&session, cluster, rendered, &beside).await,
    ));
    let drifts: Vec<&Plan> = each.made.iter().flatten().collect();
    let style = display::Style {
        color: output::style().color,
    };
    let texts = drifts
        .iter()
        .map(|plan| display::text::text(plan, &|span| session.place(span), style));
    let text = texts.collect::<Vec<_>>().join("\n");
    match text.is_empty() {
        // What is unknown is not "no drift".
        true if each.lost => {}
        true => output::print("no drift\n"),
        false => output::print(&text),
    }
    let unknown = |plan: &&Plan| plan.findings.iter().any(|f| f.rule == Rule::Unreadable);
    if drifts.iter().any(unknown) {
        return Ok(Exit::Error);
    }
    let found = !drifts.is_empty() && arguments.detailed_exitcode;
    Ok(each.exit(if found { Exit::Changes } else { Exit::Ok }))
}

async fn drift(
    session: &Session,
    cluster: &KubeCluster,
    rendered: &Rendered,
    beside: &Neighbours<'_>,
) -> Result<Option<Plan>, Failure> {
    let (identity, policy) = (
        session.rights.identity(&rendered.set),
        session.rights.policy(&rendered.set),
    );
    let plan = prepare(cluster, rendered, &identity, &policy, beside).await?;
    Ok(only_drift(plan))
}

/// The part of a plan that undoes what others did, and what is unknown; `None` where there is neither.
fn only_drift(mut plan: Plan) -> Option<Plan> {
    let drifted: BTreeSet<ObjectKey> = plan
        .findings
        .iter()
        .filter(|finding| matches!(finding.rule, Rule::Drift | Rule::Unreadable))
        .filter_map(|finding| finding.key.clone())
        .collect();
    plan.findings.retain(|finding| {
        finding
            .key
            .as_ref()
            .is_some_and(|key| drifted.contains(key))
    });
    plan.steps.retain(|step| drifted.contains(&step.key));
    plan.digest = plan.content_digest();
    (!plan.steps.is_empty()).then_some(plan)
}
