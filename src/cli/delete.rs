//! `kubemate delete`: takes down one set, after a person named exactly these deletions.
//!
//! Without the right digest nothing is written. Everything else that protects objects still holds.

use std::collections::{BTreeMap, BTreeSet};

use super::load::SourceArguments;
use super::session::{self, ClusterArguments, Session};
use super::{Exit, Failure, apply, output};
use crate::adapters::cluster::KubeCluster;
use crate::apply::cluster::{Cluster as _, Identity, Stored, Target};
use crate::apply::prepare::prepare;
use crate::apply::{Options, Run};
use crate::kinds::tenant;
use crate::object::{GroupKind, ObjectKey, Owner, Rendered, SetId};
use crate::plan::{Plan, Policy, Verb};
use crate::values::duration::Duration as Patience;

/// Take down one set: show its deletions, and with their digest carry them out.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    source: SourceArguments,
    /// The set, as plans name it; the owner is `platform` or a tenant.
    #[arg(long, value_name = "CLUSTER/ENV/OWNER")]
    set: String,
    #[command(flatten)]
    to: ClusterArguments,
    /// Say yes to the deletions with this digest, as printed without this option.
    #[arg(long, value_name = "DIGEST")]
    confirm_deletes: Option<String>,
    /// For how long to wait until everything is gone, as in `90s` or `5m`.
    #[arg(long, value_name = "TIME", default_value = "5m")]
    timeout: Patience,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let session = Session::open(&arguments.source, None, None)?;
    let set = set_of(&session, &arguments.set)?;
    session::runtime()?.block_on(delete(&session, set, arguments))
}

/// The set of that name. It need not be in the project any more, its cluster must.
fn set_of(session: &Session, text: &str) -> Result<SetId, Failure> {
    let usage = |message: String| {
        let known: Vec<String> = session
            .sets
            .iter()
            .map(|rendered| rendered.set.to_string())
            .collect();
        let help = format!("write CLUSTER/ENV/OWNER, as in: {}", known.join(", "));
        Failure::Usage { message, help }
    };
    let parts: Vec<&str> = text.split('/').collect();
    let [cluster, environment, owner] = parts[..] else {
        return Err(usage(format!("`{text}` does not name a set")));
    };
    if session.uid(cluster).is_none() {
        return Err(usage(format!("the project has no cluster `{cluster}`")));
    }
    let project = session
        .verdict
        .project
        .as_ref()
        .map(|found| found.project.name.to_string());
    Ok(SetId {
        project: project.unwrap_or_default(),
        cluster: cluster.to_owned(),
        environment: environment.to_owned(),
        owner: match owner {
            "platform" => Owner::Platform,
            tenant => Owner::Tenant(tenant.to_owned()),
        },
    })
}

async fn delete(session: &Session, set: SetId, arguments: &Arguments) -> Result<Exit, Failure> {
    let cluster = arguments.to.connect().await?;
    let cluster = session::verified(session, &set.cluster, cluster).await?;
    let stored = cluster.load(&set).await?;
    if stored.inventory.entries.is_empty() {
        output::print(&format!("{set}: nothing is recorded for this set\n"));
        return Ok(Exit::Ok);
    }
    let namespaces = namespaces(&stored);
    let identity = identity(session, &cluster, &set, &namespaces).await?;
    let policy = Policy {
        allow_empty: true,
        confirmed_deletes: arguments.confirm_deletes.clone(),
        namespaces: matches!(set.owner, Owner::Tenant(_)).then_some(namespaces),
        ..Policy::default()
    };
    let wanted = session.sets.iter().any(|rendered| rendered.set == set);
    let nothing = Rendered {
        set,
        objects: BTreeMap::new(),
    };
    let beside = session.neighbours();
    let plan = prepare(&cluster, &nothing, &identity, &policy, &beside).await;
    let plan = plan.inspect_err(|_| name_what_stays(&stored))?;
    apply::show(session, &plan);
    if wanted {
        output::note("note: the project still has this set, so the next apply makes it again");
    }
    if !confirmed(&plan, arguments) {
        return Ok(if arguments.confirm_deletes.is_some() {
            Exit::Stale
        } else {
            Exit::Ok
        });
    }
    let stop = apply::stop_on_interrupt();
    let options = Options {
        patience: arguments.timeout.to_std(),
        ..Options::default()
    };
    let holder = session::holder();
    let progress = &apply::progress;
    let run = Run {
        plan: &plan,
        rendered: &nothing,
        identity: &identity,
        holder: &holder,
        options,
        stop: &stop,
        progress,
    };
    let report = crate::apply::apply(&cluster, run).await?;
    Ok(apply::conclude(session, &nothing, &plan, &report))
}

/// Whether a person named exactly these deletions; says how to where not.
fn confirmed(plan: &Plan, arguments: &Arguments) -> bool {
    let (digest, count) = (&plan.deletes_digest, plan.count(Verb::Delete));
    match &arguments.confirm_deletes {
        Some(said) if said == digest => return true,
        Some(_) => {
            output::note("error: the digest names other deletions than these; nothing was deleted");
        }
        None => output::note("nothing was deleted"),
    }
    let set = &plan.set;
    output::note(&format!(
        "to delete these {count} objects: kubemate delete --set {set} --confirm-deletes {digest}"
    ));
    false
}

/// Where nothing can be done, people still learn what there is.
fn name_what_stays(stored: &Stored) {
    let (set, entries) = (&stored.inventory.set, &stored.inventory.entries);
    output::note(&format!(
        "{set}: {} objects stay as they are",
        entries.len()
    ));
    for key in entries.keys() {
        output::note(&format!("  {key}"));
    }
}

fn namespaces(stored: &Stored) -> BTreeSet<String> {
    stored
        .inventory
        .entries
        .keys()
        .filter_map(|key| key.namespace.clone())
        .collect()
}

/// Who deletes. A tenant that Git forgot still has its account in one of its namespaces.
async fn identity(
    session: &Session,
    cluster: &KubeCluster,
    set: &SetId,
    namespaces: &BTreeSet<String>,
) -> Result<Identity, Failure> {
    let known = session.rights.identity(set);
    if known.check(set).is_ok() {
        return Ok(known);
    }
    for namespace in namespaces {
        let key = ObjectKey {
            group_kind: GroupKind::new("", "ServiceAccount"),
            namespace: Some(namespace.clone()),
            name: tenant::IDENTITY.to_owned(),
        };
        if cluster.read(&Target::of(&key)).await?.is_some() {
            return Ok(Identity::ServiceAccount {
                namespace: namespace.clone(),
                name: tenant::IDENTITY.to_owned(),
            });
        }
    }
    Ok(known)
}
