//! Quota arithmetic: whether everything that is wanted in a namespace fits into its quotas.
//!
//! What pods ask for is summed over the wanted workloads, replicas included, and over nothing else: pods
//! of others in the namespace show up in `used` and are compared by the change alone.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::plan::check::Input;
use crate::plan::draft::Draft;
use crate::plan::observed::QuotaFact;
use crate::plan::step::Action;
use crate::plan::{Finding, Level, Rule};
use crate::values::Grammar;
use crate::values::quantity::Quantity;

/// Amounts by the names that quotas use, as in `requests.cpu`.
type Amounts = BTreeMap<String, Quantity>;

/// Wanted workloads against the quotas of their namespace, and quotas against each other in no way.
pub(super) fn exceeded(input: Input<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for quota in quotas(input) {
        let mut wanted = Amounts::new();
        let mut freed = Amounts::new();
        let mut last: BTreeMap<String, &Draft<'_>> = BTreeMap::new();
        let beside = |d: &&Draft<'_>| d.key.namespace.as_deref() == Some(quota.namespace.as_str());
        for draft in input.drafts.iter().filter(beside) {
            let (before, after) = asks(draft);
            add(&mut freed, &before);
            for name in after.keys() {
                if before.get(name) < after.get(name) {
                    last.insert(name.clone(), draft);
                }
            }
            add(&mut wanted, &after);
        }
        for (name, hard) in &quota.hard {
            let Ok(hard) = Quantity::parse(hard) else {
                continue;
            };
            let zero = Quantity::ZERO;
            let ask = wanted.get(name).copied().unwrap_or(zero);
            let gone = freed.get(name).copied().unwrap_or(zero);
            let used = quota
                .used
                .get(name)
                .and_then(|used| Quantity::parse(used).ok())
                .unwrap_or(zero);
            // What is used by others stays used; what is used by us is replaced by what is wanted.
            let others = if used > gone { used - gone } else { zero };
            let total = others + ask;
            let Some(draft) = last.get(name).filter(|_| total > hard) else {
                continue;
            };
            let message = format!(
                "the quota {} of {} allows {hard} of {name}, and with this change {total} would be asked for",
                quota.name, quota.namespace
            );
            let help = "ask for less, run fewer replicas, or raise the quota first";
            findings.push(
                draft
                    .finding(Level::Danger, Rule::QuotaExceeded, message)
                    .help(help),
            );
        }
    }
    findings
}

/// Quotas that are wanted by this set, and those that were seen; the wanted ones count.
fn quotas(input: Input<'_>) -> Vec<QuotaFact> {
    let mut out = Vec::new();
    for draft in input
        .drafts
        .iter()
        .filter(|d| d.key.group_kind.kind == "ResourceQuota")
    {
        let Some(body) = draft.desired.map(|d| &d.manifest.body) else {
            continue;
        };
        let texts = |from: &Value, pointer: &str| -> BTreeMap<String, String> {
            let map = from
                .pointer(pointer)
                .and_then(Value::as_object)
                .into_iter()
                .flatten();
            map.map(|(k, v)| {
                (
                    k.clone(),
                    v.as_str().map_or_else(|| v.to_string(), str::to_owned),
                )
            })
            .collect()
        };
        out.push(QuotaFact {
            namespace: draft.key.namespace.clone().unwrap_or_default(),
            name: draft.key.name.clone(),
            hard: texts(body, "/spec/hard"),
            used: draft
                .live
                .map(|live| texts(&live.body, "/status/used"))
                .unwrap_or_default(),
        });
    }
    let seen = input.context.world.quotas.iter();
    let new = |fact: &&QuotaFact| {
        !out.iter()
            .any(|o: &QuotaFact| (&o.namespace, &o.name) == (&fact.namespace, &fact.name))
    };
    let more: Vec<QuotaFact> = seen.filter(new).cloned().collect();
    out.extend(more);
    out
}

/// What an object asks for before and after its step.
fn asks(draft: &Draft<'_>) -> (Amounts, Amounts) {
    // What is kept and was not read is as it is wanted.
    let kept = matches!(draft.action, Action::Keep { .. });
    let unread = || draft.body.as_deref().filter(|_| kept);
    let before = draft.live.map(|live| &live.body).or_else(unread);
    let before = before.map(|body| of(draft, body)).unwrap_or_default();
    let after = match &draft.action {
        Action::Delete { .. } => Amounts::new(),
        action if action.writes() => draft
            .body
            .as_ref()
            .map(|body| of(draft, body))
            .unwrap_or_default(),
        _ => before.clone(),
    };
    (before, after)
}

fn of(draft: &Draft<'_>, body: &Value) -> Amounts {
    let group_kind = &draft.key.group_kind;
    let mut out = Amounts::new();
    let group = if group_kind.group.is_empty() {
        String::new()
    } else {
        format!(".{}", group_kind.group)
    };
    let plural = format!("count/{}s{group}", group_kind.kind.to_lowercase());
    out.insert(plural, Quantity::whole(1));
    let Some(pod) = crate::plan::order::pod_spec(group_kind, body) else {
        return out;
    };
    let count = replicas(&group_kind.kind, body);
    let one = pod_asks(pod);
    for (name, amount) in one {
        out.insert(name, amount.times(count));
    }
    out.insert("pods".into(), Quantity::whole(i64::from(count)));
    out
}

/// How many pods run at once. A DaemonSet's depends on nodes, a CronJob's on time; one is counted.
fn replicas(kind: &str, body: &Value) -> u32 {
    let pointer = match kind {
        "Job" => "/spec/parallelism",
        "Deployment" | "StatefulSet" | "ReplicaSet" => "/spec/replicas",
        _ => return 1,
    };
    let number = body.pointer(pointer).and_then(Value::as_u64).unwrap_or(1);
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The sum over containers. Init containers run one after the other before them: the largest counts
/// where it is larger.
fn pod_asks(pod: &Value) -> Amounts {
    let list = |name: &str| {
        pod.get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let mut sum = Amounts::new();
    list("containers").for_each(|container| add(&mut sum, &container_asks(container)));
    for container in list("initContainers") {
        for (name, amount) in container_asks(container) {
            let held = sum.entry(name).or_insert(Quantity::ZERO);
            *held = (*held).max(amount);
        }
    }
    sum
}

fn container_asks(container: &Value) -> Amounts {
    let map = |part: &str| {
        container
            .pointer(&format!("/resources/{part}"))
            .and_then(Value::as_object)
    };
    let amounts = |part: &'static str| {
        let pairs = map(part).into_iter().flatten();
        pairs.filter_map(move |(name, value)| {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            Some((name.clone(), Quantity::parse(&text).ok()?))
        })
    };
    let mut out = Amounts::new();
    for (name, amount) in amounts("limits") {
        // A limit without a request is a request as well.
        out.insert(format!("requests.{name}"), amount);
        out.insert(format!("limits.{name}"), amount);
    }
    for (name, amount) in amounts("requests") {
        out.insert(format!("requests.{name}"), amount);
    }
    for name in ["cpu", "memory"] {
        if let Some(amount) = out.get(&format!("requests.{name}")).copied() {
            out.insert(name.into(), amount);
        }
    }
    out
}

fn add(sum: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        let held = sum.entry(name.clone()).or_insert(Quantity::ZERO);
        *held = *held + *amount;
    }
}
