//! What is sent for one object: the desired body without the fields that are left to others.

use serde_json::Value;

use crate::object::{Desired, GroupKind, ObjectKey, Rendered, SetId};
use crate::plan::digest;
use crate::plan::managed::{ManagerEntry, step_into, unescape};
use crate::plan::normalize;
use crate::plan::observed::Live;
use crate::plan::step::{Step, Take};
use crate::plan::{Conflicts, Policy};

/// The body of a write.
#[derive(Clone, PartialEq)]
pub struct Payload {
    /// What is sent.
    pub body: Value,
    /// Fields left out, with who has them.
    pub yields: Vec<Take>,
    /// The digest of what is desired, before anything is left out.
    pub digest: String,
}

/// The digest only: bodies may hold what must not be printed.
impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Payload({}, {} yields)", self.digest, self.yields.len())
    }
}

/// Why there is nothing to send for a step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// The step writes nothing.
    #[error("the step for {0} writes nothing")]
    NothingToWrite(ObjectKey),
    /// The render has no such object.
    #[error("the render has no {0}, which the plan would write")]
    Missing(ObjectKey),
    /// The render is not the one the plan was made from.
    #[error("{0} is rendered otherwise than when the plan was made")]
    Changed(ObjectKey),
}

/// What to send for a desired object, given what is live.
pub fn payload(desired: &Desired, set: &SetId, live: Option<&Live>, policy: &Policy) -> Payload {
    let mut body = normalize::desired_body(desired, set);
    let digest = digest::of_body(desired, &body);
    let yields = live
        .map(|live| yields(desired, &body, live, policy))
        .unwrap_or_default();
    for pointer in yields.iter().map(|take| take.field.as_str()).rev() {
        remove(&mut body, pointer);
    }
    Payload {
        body,
        yields,
        digest,
    }
}

/// The body that a step of a plan sends: exactly the yields of the step are left out, and the render
/// must be the one the plan was made from.
pub fn for_step(step: &Step, rendered: &Rendered) -> Result<Payload, PayloadError> {
    let missing = || PayloadError::Missing(step.key.clone());
    let wanted = step
        .action
        .desired()
        .ok_or_else(|| PayloadError::NothingToWrite(step.key.clone()))?;
    let desired = rendered.objects.get(&step.key).ok_or_else(missing)?;
    let mut body = normalize::desired_body(desired, &rendered.set);
    let digest = digest::of_body(desired, &body);
    if digest != wanted {
        return Err(PayloadError::Changed(step.key.clone()));
    }
    let yields = step.action.yields().to_vec();
    for take in yields.iter().rev() {
        remove(&mut body, &take.field);
    }
    Ok(Payload {
        body,
        yields,
        digest,
    })
}

/// Declared fields that another manager has and may keep.
fn yields(desired: &Desired, body: &Value, live: &Live, policy: &Policy) -> Vec<Take> {
    if !live
        .managed
        .others()
        .any(|entry| entry.fields.touches(body))
    {
        return Vec::new();
    }
    let group_kind = &desired.manifest.key.group_kind;
    let paths = digest::declared_paths(body, &live.managed.shape());
    let mut out = Vec::new();
    for path in paths {
        for owner in live.managed.owners_of(&path, body) {
            let asked = desired
                .rules
                .yield_fields
                .iter()
                .any(|field| covers(field, &path));
            let policy = policy.conflicts.get(&owner.manager) == Some(&Conflicts::Yield);
            if asked || policy || yields_by_default(group_kind, &path, owner, live.unscaled) {
                out.push(Take {
                    field: path.clone(),
                    manager: owner.manager.clone(),
                });
            }
        }
    }
    out.sort();
    out.dedup();
    out
}

fn covers(field: &str, path: &str) -> bool {
    path == field
        || path
            .strip_prefix(field)
            .is_some_and(|rest| rest.starts_with('/'))
}

/// Managers of people and of tools that people run by hand; their fields are taken back.
const BY_HAND: [&str; 9] = [
    "kubectl",
    "helm",
    "k9s",
    "rancher",
    "before-first-apply",
    "Mozilla",
    "lens",
    "headlamp",
    "oc",
];

/// Whether a manager is a person. What is done by hand is drift, whatever way it takes: `kubectl scale`
/// writes through the same subresource as autoscalers do.
pub fn is_by_hand(manager: &str) -> bool {
    BY_HAND.iter().any(|tool| manager.starts_with(tool))
}

/// The number of pods, which autoscalers write.
const REPLICAS: &str = "/spec/replicas";

/// What scales: group, kind, and where it names what.
pub const SCALERS: [(&str, &str, &str); 3] = [
    (
        "autoscaling",
        "HorizontalPodAutoscaler",
        "/spec/scaleTargetRef",
    ),
    ("keda.sh", "ScaledObject", "/spec/scaleTargetRef"),
    ("flagger.app", "Canary", "/spec/targetRef"),
];

/// Whether objects of a kind scale others.
pub fn is_scaler(group_kind: &GroupKind) -> bool {
    let is = |(group, kind, _): &(&str, &str, &str)| {
        group_kind.group == *group && group_kind.kind == *kind
    };
    SCALERS.iter().any(is)
}

/// Whether Git says how many pods an object has while something that scales it, or did, has that field.
pub fn is_scaled(desired: &Desired, live: &Live) -> bool {
    let body = &desired.manifest.body;
    let group_kind = &desired.manifest.key.group_kind;
    let said = body.get("spec").and_then(|spec| spec.get("replicas"));
    let owners = said.map(|_| live.managed.owners_of(REPLICAS, body));
    let mut owners = owners.into_iter().flatten();
    owners.any(|owner| yields_by_default(group_kind, REPLICAS, owner, false))
}

/// A field that belongs to a controller by its nature.
struct YieldRule {
    /// Kinds it holds for; empty for all.
    kinds: &'static [&'static str],
    /// The end of the pointer.
    field: &'static str,
    /// Parts of manager names; empty for everyone.
    managers: &'static [&'static str],
    /// The subresource the manager writes through, if that alone tells.
    subresource: Option<&'static str>,
}

/// The fields that controllers keep: scaling, queueing, traffic shifting, injected certificates.
const YIELDS: &[YieldRule] = &[
    YieldRule {
        kinds: &[],
        field: REPLICAS,
        managers: &[],
        subresource: Some("scale"),
    },
    YieldRule {
        kinds: &[],
        field: REPLICAS,
        managers: &[
            "kube-controller-manager",
            "keda",
            "flagger",
            "horizontal-pod-autoscaler",
        ],
        subresource: None,
    },
    YieldRule {
        kinds: &[],
        field: "/spec/suspend",
        managers: &["kueue"],
        subresource: None,
    },
    YieldRule {
        kinds: &["Job"],
        field: "/spec/parallelism",
        managers: &["kueue"],
        subresource: None,
    },
    YieldRule {
        kinds: &["HTTPRoute"],
        field: "/spec/rules",
        managers: &["flagger"],
        subresource: None,
    },
    YieldRule {
        kinds: &[],
        field: "/clientConfig/caBundle",
        managers: &[],
        subresource: None,
    },
    YieldRule {
        kinds: &["APIService"],
        field: "/spec/caBundle",
        managers: &[],
        subresource: None,
    },
];

fn yields_by_default(
    group_kind: &GroupKind,
    path: &str,
    owner: &ManagerEntry,
    unscaled: bool,
) -> bool {
    let known = |rule: &&YieldRule| rule.field != REPLICAS || !unscaled;
    YIELDS.iter().filter(known).any(|rule| {
        let YieldRule {
            kinds,
            field,
            managers,
            subresource,
        } = rule;
        let kind = kinds.is_empty() || kinds.contains(&group_kind.kind.as_str());
        let whole = if field.starts_with("/spec/") {
            path == *field
        } else {
            path.ends_with(field)
        };
        let manager = managers.is_empty() || managers.iter().any(|m| owner.manager.contains(m));
        let way = subresource.is_none_or(|sub| owner.subresource == sub);
        kind && whole && manager && way && !is_by_hand(&owner.manager)
    })
}

/// Takes a field out of a body.
fn remove(body: &mut Value, pointer: &str) {
    let Some((parent, last)) = pointer.rsplit_once('/') else {
        return;
    };
    let last = unescape(last);
    if step_into(body.pointer(parent).unwrap_or(&Value::Null), &last).is_none() {
        return;
    }
    match body.pointer_mut(parent) {
        Some(Value::Object(map)) => drop(map.shift_remove(&last)),
        Some(Value::Array(items)) => {
            if let Some(index) = last.parse::<usize>().ok().filter(|i| *i < items.len()) {
                drop(items.remove(index));
            }
        }
        _ => {}
    }
}
