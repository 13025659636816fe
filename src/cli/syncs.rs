//! `kubemate syncs`: how every Sync of a cluster goes, one line each.

use super::session::{self, ClusterArguments};
use super::{Exit, Failure, output};
use crate::adapters::cluster::KubeCluster;
use crate::adapters::sync;
use crate::report::diagnostics::escape;

/// Show how the controller's Syncs go, one line each.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    to: ClusterArguments,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let to = &arguments.to;
    let syncs = session::runtime()?.block_on(async {
        let cluster = KubeCluster::connect(to.kubeconfig.as_deref(), to.context.as_deref()).await?;
        sync::list(cluster.client()?)
            .await
            .map_err(|error| Failure::Syncs {
                reason: error.to_string(),
            })
    })?;
    let ready = |sync: &sync::Sync| sync.spec.suspend || sync.condition("Ready") == "True";
    for sync in &syncs {
        output::print(&format!("{}\n", escape::line(&sync.line())));
    }
    if syncs.is_empty() {
        output::note("there are no Syncs");
    }
    Ok(if syncs.iter().all(ready) {
        Exit::Ok
    } else {
        Exit::Unhealthy
    })
}
