//! `kubemate syncs`, `why`, `suspend`, `resume` and `reconcile`: how the Syncs of a cluster go, and the
//! few things that a person asks of one. All of it is on the Sync itself, so `kubectl` can do the same.

use kube::ResourceExt as _;

use super::session::{self, ClusterArguments};
use super::{Exit, Failure, output};
use crate::adapters::cluster::KubeCluster;
use crate::adapters::sync::{self, Ask, Sync};
use crate::dsl::check::closest;
use crate::report::diagnostics::escape;

mod why;

/// Show how the controller's Syncs go, one line each.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    to: ClusterArguments,
}

/// One Sync of a cluster.
#[derive(Debug, clap::Args)]
pub(super) struct One {
    /// Its name, as `kubemate syncs` prints it.
    name: String,
    #[command(flatten)]
    to: ClusterArguments,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let (_, syncs) = session::runtime()?.block_on(read(&arguments.to))?;
    let ready = |sync: &Sync| sync.spec.suspend || sync.condition("Ready") == "True";
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

/// What is not ready, since when, whose turn it is, and which line.
pub(super) fn why(one: &One) -> Result<Exit, Failure> {
    let (cluster, syncs) = session::runtime()?.block_on(read(&one.to))?;
    let sync = named(&syncs, one.name.strip_prefix("sync/").unwrap_or(&one.name))?;
    let now = crate::apply::cluster::Cluster::now(&cluster);
    for line in why::lines(sync, now) {
        output::print(&format!("{}\n", escape::line(&line)));
    }
    Ok(match sync.condition("Ready") {
        "True" => Exit::Ok,
        _ => Exit::Unhealthy,
    })
}

/// Stops, starts or hurries a Sync.
pub(super) fn ask(one: &One, ask: Ask) -> Result<Exit, Failure> {
    // One runtime from the first call to the last: connections live and die with it.
    let runtime = session::runtime()?;
    let (cluster, syncs) = runtime.block_on(read(&one.to))?;
    let sync = named(&syncs, &one.name)?;
    let said = match (ask, sync.spec.suspend) {
        (Ask::Suspend, true) => Some("is suspended already"),
        (Ask::Resume, false) => Some("is not suspended"),
        (Ask::Reconcile, true) => {
            return Err(Failure::Usage {
                message: format!("`{}` is suspended, so nothing would look at it", one.name),
                help: format!("`kubemate resume {}` lets it go on", one.name),
            });
        }
        (Ask::Suspend | Ask::Reconcile, false) | (Ask::Resume, true) => None,
    };
    if let Some(said) = said {
        output::note(&format!("{} {said}", one.name));
        return Ok(Exit::Ok);
    }
    let now = crate::apply::cluster::Cluster::now(&cluster);
    runtime.block_on(async {
        let client = cluster.client()?;
        sync::ask(client, &sync.name_any(), ask, now)
            .await
            .map_err(|error| unread(&error))
    })?;
    output::note(&format!("{}: {}", one.name, ask.done()));
    Ok(Exit::Ok)
}

async fn read(to: &ClusterArguments) -> Result<(KubeCluster, Vec<Sync>), Failure> {
    let cluster = to.connect().await?;
    let syncs = sync::list(cluster.client()?).await;
    Ok((cluster, syncs.map_err(|error| unread(&error))?))
}

fn unread(error: &kube::Error) -> Failure {
    Failure::Syncs {
        reason: error.to_string(),
    }
}

/// The Sync of this name, or which ones there are.
pub(super) fn named<'s>(syncs: &'s [Sync], name: &str) -> Result<&'s Sync, Failure> {
    if let Some(sync) = syncs.iter().find(|sync| sync.name_any() == name) {
        return Ok(sync);
    }
    let names: Vec<String> = syncs.iter().map(kube::ResourceExt::name_any).collect();
    let help = match closest(name, names.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if names.is_empty() => "there are no Syncs in this cluster".to_owned(),
        None => format!("there are {}", names.join(", ")),
    };
    Err(Failure::Usage {
        message: format!("there is no Sync `{name}`"),
        help,
    })
}
