//! Dry-runs: what the server says a write would lead to. The stored objects stay as they are.
//!
//! Unforced first, since only that tells whose fields would be taken; then forced, to see the result.

use serde_json::Value;

use crate::adapters::cluster::answer::{NOT_DECLARED, strict_causes};
use crate::adapters::cluster::request::Request;
use crate::adapters::cluster::{KubeCluster, lacks_namespace};
use crate::apply::cluster::{Cluster as _, Expect, Identity, Patch, Target, Write};
use crate::apply::problem::{Problem, ProblemKind};
use crate::object::Desired;
use crate::plan::claim::{self, Claims};
use crate::plan::normalize;
use crate::plan::observed::{ApiProblem, DryRun, Live};
use crate::plan::payload::Payload;

/// What is added to the name of an object that is tried anew while the old one is still there.
const TRIED_ANEW: &str = "-kubemate-try";

/// What a write of `payload` would do. An error means that nothing is known; it is
/// [`ProblemKind::Stale`] where the object is not as `expect` says.
pub(super) async fn trial(
    cluster: &KubeCluster,
    identity: &Identity,
    desired: &Desired,
    payload: &Payload,
    expect: Expect,
) -> Result<DryRun, Problem> {
    let mut write = Write {
        target: target(desired),
        body: payload.body.clone(),
        expect,
        force: false,
        dry_run: true,
    };
    match cluster.write(identity, &write).await {
        Ok(object) => Ok(DryRun::Predicted {
            object,
            conflicts: Vec::new(),
        }),
        Err(problem) if problem.kind == ProblemKind::Conflict => {
            let conflicts = problem.api.map(|api| api.conflicts).unwrap_or_default();
            write.force = true;
            match cluster.write(identity, &write).await {
                Ok(object) => Ok(DryRun::Predicted { object, conflicts }),
                Err(problem) => refused(cluster, identity, (desired, payload), problem).await,
            }
        }
        Err(problem) => refused(cluster, identity, (desired, payload), problem).await,
    }
}

/// What a write of `payload` would do once the claims are carried out. The server cannot be asked for
/// two writes at once, so it is asked for their result.
pub(super) async fn claimed(
    cluster: &KubeCluster,
    identity: &Identity,
    (desired, payload): (&Desired, &Payload),
    (live, expect): (&Live, Expect),
    claims: &Claims,
) -> Result<DryRun, Problem> {
    let bound = matches!(expect, Expect::Unchanged { .. });
    let write = Write {
        target: target(desired),
        body: payload.body.clone(),
        expect,
        force: false,
        dry_run: true,
    };
    let conflicts = match cluster.write(identity, &write).await {
        Err(problem) if problem.kind == ProblemKind::Conflict => {
            problem.api.map(|api| api.conflicts).unwrap_or_default()
        }
        // Anything else is told by the second question.
        Ok(_) | Err(_) => Vec::new(),
    };
    let before = normalize::comparable(&live.body);
    let mut body = claim::merge_patch(&before, &claim::outcome(live, payload, claims));
    body["metadata"]["uid"] = live.uid.as_str().into();
    if bound {
        body["metadata"]["resourceVersion"] = live.resource_version.as_str().into();
    }
    let patch = Patch {
        target: target(desired),
        body,
        dry_run: true,
    };
    match cluster.patch(identity, &patch).await {
        Ok(object) => Ok(DryRun::Predicted { object, conflicts }),
        Err(problem) => refused(cluster, identity, (desired, payload), problem).await,
    }
}

/// A refusal with every field that does not belong; an error where the question was about a state
/// that is gone.
async fn refused(
    cluster: &KubeCluster,
    identity: &Identity,
    (desired, payload): (&Desired, &Payload),
    problem: Problem,
) -> Result<DryRun, Problem> {
    if problem.kind == ProblemKind::Stale {
        return Err(problem);
    }
    let schema = problem.kind == ProblemKind::Invalid && problem.status() == Some(400);
    let mut dry_run = refusal(problem, desired)?;
    let DryRun::Refused(told) = &mut dry_run else {
        return Ok(dry_run);
    };
    if !schema {
        return Ok(dry_run);
    }
    let target = target(desired);
    let resource = cluster.place(&target).await?;
    let request = Request::spell(&resource, &target.key, &payload.body);
    // It only adds to what is known.
    let said = cluster
        .json(identity, &request)
        .await
        .err()
        .and_then(|problem| problem.api);
    let named = said
        .map(|api| strict_causes(&api.message))
        .unwrap_or_default();
    if !named.is_empty() {
        told.causes.retain(|cause| cause.message != NOT_DECLARED);
        told.causes.extend(named);
    }
    Ok(dry_run)
}

/// Whether the object could be made anew, asked under another name.
pub(super) async fn recreate(
    cluster: &KubeCluster,
    identity: &Identity,
    desired: &Desired,
    payload: &Payload,
) -> Result<DryRun, Problem> {
    let mut target = target(desired);
    let keep = 253 - TRIED_ANEW.len();
    let stem: String = target.key.name.chars().take(keep.min(40)).collect();
    target.key.name = format!("{}{TRIED_ANEW}", stem.trim_end_matches(['-', '.']));
    let mut body = payload.body.clone();
    if let Some(metadata) = body.get_mut("metadata") {
        metadata["name"] = target.key.name.as_str().into();
    }
    let write = Write {
        target,
        body,
        expect: Expect::Absent,
        force: false,
        dry_run: true,
    };
    match cluster.write(identity, &write).await {
        Ok(object) => Ok(DryRun::Predicted {
            object,
            conflicts: Vec::new(),
        }),
        Err(problem) => refusal(problem, desired),
    }
}

/// The object in the version that Git speaks.
pub(super) fn target(desired: &Desired) -> Target {
    Target::wanted(desired)
}

/// Whether the server refused because a field cannot change.
pub(super) fn cannot_change(dry_run: &DryRun) -> bool {
    matches!(dry_run, DryRun::Refused(problem) if problem.status == 422)
}

/// A refusal is an answer; trouble on the way to it is not.
pub(super) fn refusal(problem: Problem, desired: &Desired) -> Result<DryRun, Problem> {
    if lacks_namespace(&problem) {
        let reason = format!(
            "the namespace of {} does not exist yet",
            desired.manifest.key
        );
        return Ok(DryRun::Unverified { reason });
    }
    match problem.kind {
        ProblemKind::Webhook => {
            let no_dry_run = problem.said.contains("does not support dry run");
            let failed = problem.said.contains("failed calling webhook");
            if no_dry_run || failed {
                let name = problem.said.split('"').nth(1).unwrap_or("a webhook");
                let how = if no_dry_run {
                    "has no dry-run"
                } else {
                    "did not answer"
                };
                return Ok(DryRun::Unverified {
                    reason: format!("the webhook `{name}` {how}"),
                });
            }
        }
        ProblemKind::NotServed if problem.api.is_none() => {
            let message = problem.said;
            return Ok(DryRun::Refused(ApiProblem {
                status: 404,
                reason: "NotServed".into(),
                message,
                ..ApiProblem::default()
            }));
        }
        _ => {}
    }
    match problem.api {
        Some(api) if (400..500).contains(&api.status) && !matches!(api.status, 401 | 429) => {
            Ok(DryRun::Refused(*api))
        }
        api => Err(Problem { api, ..problem }),
    }
}

/// The CRD of a kind among what is wanted.
pub(super) fn defines(body: &Value, group: &str, kind: &str) -> bool {
    let text = |pointer| body.pointer(pointer).and_then(Value::as_str);
    text("/kind") == Some("CustomResourceDefinition")
        && text("/spec/group") == Some(group)
        && text("/spec/names/kind") == Some(kind)
}
