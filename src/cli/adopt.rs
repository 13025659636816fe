//! `kubemate adopt`: objects that exist already become part of the sets that want them.
//!
//! Without a choice it only lists them. With one it shows exactly what would change, and with the digest
//! of that plan carries it out. Everything that `kubectl` and Helm manage in them is taken over, so that
//! what is later removed from KDL is removed from the object.

use std::collections::{BTreeMap, BTreeSet};

use super::session::{self, Scope, Session};
use super::{Exit, Failure, apply, output};
use crate::adapters::cluster::KubeCluster;
use crate::apply::cluster::Identity;
use crate::apply::prepare::{look, prepare};
use crate::apply::{Options, Run};
use crate::object::{ObjectKey, Rendered};
use crate::plan::observed::{Observed, World};
use crate::plan::step::{Action, KeepWhy};
use crate::plan::{Neighbours, Plan, Policy, Verb, digest};
use crate::values::duration::Duration as Patience;

/// Take over existing objects: list them, show what would change, and with its digest do it.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    scope: Scope,
    /// Take over this object; may be given several times. Without a namespace for kinds that have none.
    #[arg(long, value_name = "KIND/NAMESPACE/NAME", conflicts_with = "all")]
    object: Vec<String>,
    /// Take over everything that is listed.
    #[arg(long)]
    all: bool,
    /// Say yes to the plan with this digest, as printed without this option.
    #[arg(long, value_name = "DIGEST")]
    confirm: Option<String>,
    /// For how long to wait until everything is healthy, as in `90s` or `5m`.
    #[arg(long, value_name = "TIME", default_value = "5m")]
    timeout: Patience,
}

/// One set with objects to take over.
struct Offer {
    cluster: String,
    rendered: Rendered,
    identity: Identity,
    plan: Plan,
    managers: BTreeMap<ObjectKey, String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let session = arguments.scope.open()?;
    session::runtime()?.block_on(adopt(&session, arguments))
}

async fn adopt(session: &Session, arguments: &Arguments) -> Result<Exit, Failure> {
    let (mut clusters, mut offers) = (BTreeMap::new(), Vec::new());
    let mut known = Vec::new();
    let beside = session.neighbours();
    for (name, sets) in session.by_cluster() {
        let cluster = session::connect(session, name, &arguments.scope.to).await?;
        for rendered in sets {
            let found = offer(session, &cluster, (rendered, &beside), arguments).await?;
            known.extend(found.0);
            offers.extend(found.1);
        }
        clusters.insert(name.to_owned(), cluster);
    }
    unknown(&arguments.object, &known)?;
    if known.is_empty() {
        output::print("everything that exists and is wanted belongs to its set already\n");
        return Ok(Exit::Ok);
    }
    if !arguments.all && arguments.object.is_empty() {
        list(&offers);
        return Ok(Exit::Ok);
    }
    for offer in &offers {
        apply::show(session, &offer.plan);
    }
    if !confirmed(&offers, arguments) {
        return Ok(if arguments.confirm.is_some() {
            Exit::Stale
        } else {
            Exit::Ok
        });
    }
    carry_out(session, &clusters, &offers, arguments).await
}

/// What a set could take over, and the plan for what was chosen of it; for everything where nothing was.
async fn offer(
    session: &Session,
    cluster: &KubeCluster,
    (rendered, beside): (&Rendered, &Neighbours<'_>),
    arguments: &Arguments,
) -> Result<(Vec<ObjectKey>, Option<Offer>), Failure> {
    let (identity, policy) = (
        session.rights.identity(&rendered.set),
        session.rights.policy(&rendered.set),
    );
    let seen = look(cluster, rendered, &identity, &policy, beside).await?;
    let foreign: Vec<ObjectKey> = foreign(&seen.plan);
    let chosen = |key: &&ObjectKey| {
        arguments.object.is_empty() || arguments.object.iter().any(|text| key.is_selected_by(text))
    };
    let chosen: BTreeSet<ObjectKey> = foreign.iter().filter(chosen).cloned().collect();
    if chosen.is_empty() {
        return Ok((foreign, None));
    }
    let (rendered, plan) =
        permitted(cluster, (rendered, &identity, &policy), &chosen, beside).await?;
    let managers = chosen
        .iter()
        .map(|key| (key.clone(), managers(&seen.world, key)))
        .collect();
    let cluster = rendered.set.cluster.clone();
    let offer = Offer {
        cluster,
        rendered,
        identity,
        plan,
        managers,
    };
    Ok((foreign, Some(offer)))
}

/// Wanted objects that exist and belong to nobody we know.
fn foreign(plan: &Plan) -> Vec<ObjectKey> {
    let why = KeepWhy::NotOurs;
    let foreign = plan
        .steps
        .iter()
        .filter(|step| step.action == Action::Keep { why: why.clone() });
    foreign.map(|step| step.key.clone()).collect()
}

/// The plan for objects that may be taken over, and nothing else.
async fn permitted(
    cluster: &KubeCluster,
    (rendered, identity, policy): (&Rendered, &Identity, &Policy),
    chosen: &BTreeSet<ObjectKey>,
    beside: &Neighbours<'_>,
) -> Result<(Rendered, Plan), Failure> {
    let mut rendered = rendered.clone();
    for key in chosen {
        if let Some(desired) = rendered.objects.get_mut(key) {
            desired.rules.adopt = true;
        }
    }
    let plan = prepare(cluster, &rendered, identity, policy, beside).await?;
    Ok((rendered, plan.only(chosen)))
}

fn managers(world: &World, key: &ObjectKey) -> String {
    let Some(Observed::Present(live)) = world.objects.get(key) else {
        return String::new();
    };
    let names: BTreeSet<&str> = live
        .managed
        .others()
        .filter(|entry| entry.subresource.is_empty())
        .map(|entry| entry.manager.as_str())
        .collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

fn unknown(wanted: &[String], known: &[ObjectKey]) -> Result<(), Failure> {
    let missing = |text: &&String| !known.iter().any(|key| key.is_selected_by(text));
    let Some(missing) = wanted.iter().find(missing) else {
        return Ok(());
    };
    let names: Vec<String> = known.iter().map(ObjectKey::selector).collect();
    let help = if names.is_empty() {
        "there is nothing to take over here".to_owned()
    } else {
        format!("there are: {}", names.join(", "))
    };
    Err(Failure::Usage {
        message: format!(
            "`{missing}` is no object that the project wants and that belongs to nobody"
        ),
        help,
    })
}

/// What could be taken over, whose it is and how much would change.
fn list(offers: &[Offer]) {
    for offer in offers {
        output::print(&format!("{}\n", offer.rendered.set));
        for (key, managers) in &offer.managers {
            let steps = &offer.plan.steps;
            let step = steps.iter().find(|step| step.key == *key);
            let changes = step.map_or(0, |step| step.action.changes().len());
            let held = step.is_some_and(|step| !step.held_by.is_empty());
            let changes = match changes {
                _ if held => "not possible as it is".to_owned(),
                0 => "nothing but its label would change".to_owned(),
                1 => "1 field would change".to_owned(),
                count => format!("{count} fields would change"),
            };
            let by = match managers.as_str() {
                "" => String::new(),
                names => format!(", managed by {names}"),
            };
            output::print(&format!("  {}: {changes}{by}\n", key.selector()));
        }
    }
    output::note("to see what would change: kubemate adopt --all, or --object KIND/NAMESPACE/NAME");
}

/// Whether a person named exactly these plans; says how to where not.
fn confirmed(offers: &[Offer], arguments: &Arguments) -> bool {
    let plans: Vec<&str> = offers.iter().map(|o| o.plan.digest.as_str()).collect();
    let digest = digest::of_text(&plans.join("\n"));
    match &arguments.confirm {
        Some(said) if *said == digest => return true,
        Some(_) => {
            output::note("error: the digest names another plan than this; nothing was taken over");
        }
        None => output::note("nothing was taken over"),
    }
    let count: usize = offers.iter().map(|o| o.plan.count(Verb::Adopt)).sum();
    let chosen = if arguments.all {
        " --all".to_owned()
    } else {
        let objects = arguments.object.iter();
        objects.map(|text| format!(" --object {text}")).collect()
    };
    let env = arguments.scope.env.as_ref();
    let env = env.map(|env| format!(" --env {env}")).unwrap_or_default();
    output::note(&format!(
        "to take over these {count} objects: kubemate adopt{env}{chosen} --confirm {digest}"
    ));
    false
}

async fn carry_out(
    session: &Session,
    clusters: &BTreeMap<String, KubeCluster>,
    offers: &[Offer],
    arguments: &Arguments,
) -> Result<Exit, Failure> {
    let stop = apply::stop_on_interrupt();
    let holder = session::holder();
    let mut exit = Exit::Ok;
    for offer in offers {
        let Some(cluster) = clusters.get(&offer.cluster) else {
            continue;
        };
        let options = Options {
            patience: arguments.timeout.to_std(),
            ..Options::default()
        };
        let run = Run {
            plan: &offer.plan,
            rendered: &offer.rendered,
            identity: &offer.identity,
            holder: &holder,
            options,
            stop: &stop,
            progress: &apply::progress,
        };
        let report = crate::apply::apply(cluster, run).await?;
        let end = apply::conclude(session, &offer.rendered, &offer.plan, &report);
        exit = apply::worse(exit, end);
    }
    Ok(exit)
}
