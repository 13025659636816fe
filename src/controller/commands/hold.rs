//! A Hold that somebody asks for in a comment: the same object as `kubemate hold` makes, with the name of
//! who asked, only for a tenant's resource that the followed branch holds, and never in place of one that lasts
//! longer.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::timeout;

use super::entitled;
use super::reading::Scene;
use super::words::Hold;
use crate::adapters::hold::{self, HoldSpec};
use crate::apply::cluster::Cluster as _;
use crate::kinds::role::Action;
use crate::object::{Owner, ResourceId, SetId};

/// For how long the cluster may take to make it.
const WRITING: Duration = Duration::from_secs(10);

/// Makes the Hold; both sentences are answers.
pub(super) async fn hold(
    scene: &Scene<'_>,
    client: kube::Client,
    asked: &Hold,
) -> Result<String, String> {
    let environment = asked.environment.as_str();
    let mut syncs = scene.syncs.iter();
    if !syncs.any(|sync| sync.spec.environment == environment) {
        return Err(format!(
            "no Sync here keeps the environment {environment} from that branch"
        ));
    }
    // What a pull request only proposes is nobody's resource yet.
    let merged = scene.followed().await?;
    let now = scene.tools.cluster.now();
    let number = scene.pull.number;
    let mut spec = HoldSpec {
        resource: asked.resource(),
        environment: environment.to_owned(),
        until: HoldSpec::end(now, asked.time),
        ticket: asked
            .ticket
            .clone()
            .unwrap_or_else(|| format!("pull request {number}")),
        by: Some(scene.user.to_owned()),
    };
    let kept = merged
        .sets
        .values()
        .filter(|r| r.set.owner != Owner::Platform && scene.keeper(&r.set).is_some());
    let all = kept.flat_map(|r| r.objects.values().map(move |object| (&r.set, object)));
    let meant = all.filter(|(set, object)| spec.covers(set, &object.resource));
    let meant: BTreeSet<(&SetId, &ResourceId)> =
        meant.map(|(set, object)| (set, &object.resource)).collect();
    // By its whole name, so that no other tenant's resource of that name is meant.
    let (set, resource) = one(&spec, &meant)?;
    spec.resource = resource.to_string();
    entitled::check(scene, &merged.rights, (set, Action::Hold)).await?;
    let known = scene.tools.holds.until(set, resource, now);
    let longer = match known.filter(|until| *until > spec.until) {
        Some(until) => Some(until),
        None => write(client, &spec, now).await?,
    };
    if let Some(until) = longer {
        return Err(format!("{} is held until {until} already", spec.resource));
    }
    Ok(format!(
        "changes to {} in {environment} that are made outside of Git are left alone until {}, as {} asked",
        spec.resource, spec.until, scene.user
    ))
}

/// The one resource that is meant.
fn one<'s>(
    spec: &HoldSpec,
    meant: &BTreeSet<(&'s SetId, &'s ResourceId)>,
) -> Result<(&'s SetId, &'s ResourceId), String> {
    let (resource, environment) = (&spec.resource, &spec.environment);
    let mut all = meant.iter();
    match (all.next(), all.next()) {
        (Some(one), None) => Ok(*one),
        (None, _) => Err(format!(
            "there is no {resource} of a tenant in {environment} on that branch"
        )),
        (Some(_), Some(_)) => Err(format!(
            "several tenants have a {resource}: write KIND/TENANT/NAME"
        )),
    }
}

/// Makes the Hold, unless there is one by now that lasts longer: until when.
async fn write(
    client: kube::Client,
    spec: &HoldSpec,
    now: Timestamp,
) -> Result<Option<String>, String> {
    let why = match timeout(WRITING, hold::begin_longer(client, spec, now)).await {
        Ok(Ok(longer)) => return Ok(longer),
        Ok(Err(kube::Error::Api(status))) if status.code == 403 => {
            return Err(
                "the controller may make no Holds here: its account needs the Role kubemate-hold"
                    .to_owned(),
            );
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => "it did not answer in time".to_owned(),
    };
    // The server's own words are for the log, not for whoever can read comments.
    tracing::warn!(resource = spec.resource, why, "a Hold was not made");
    Err("the cluster did not take the Hold; the log of the controller says why".to_owned())
}
