//! Quota and limits that contradict themselves, and the arithmetic over what apps ask for.

use super::super::Tenant;
use super::super::quota::{Amounts, Quota};
use crate::dsl::codes;
use crate::kinds::Findings;

/// Counted by fields of their own.
const FIELDS: &[(&str, &str)] = &[
    ("cpu", "cpu"),
    ("memory", "memory"),
    ("pods", "pods"),
    ("requests.cpu", "cpu"),
    ("requests.memory", "memory"),
    ("requests.storage", "storage"),
    ("storage", "storage"),
    ("requests.nvidia.com/gpu", "gpu"),
];

pub(super) fn check(tenant: &Tenant, out: &mut Findings<'_>) {
    counts(&tenant.quota, "/quota", out);
    for (name, namespace) in tenant.namespace.iter() {
        if let Some(quota) = &namespace.quota {
            let pointer = format!("/namespace/{name}/quota");
            counts(quota, &pointer, out);
            within(&tenant.quota, quota, &pointer, out);
        }
    }
    limits(tenant, out);
}

fn counts(quota: &Quota, pointer: &str, out: &mut Findings<'_>) {
    for name in quota.count.keys() {
        let field = FIELDS.iter().find(|(counted, _)| *counted == name.as_str());
        if let Some((_, field)) = field {
            let pointer = format!("{pointer}/count/{}", name.as_str().replace('/', "~1"));
            let message = format!("`{name}` is not counted like objects");
            out.push(
                out.error_on_name(codes::BAD_VALUE, &pointer, message)
                    .help(format!("write it as `quota {field}=…`")),
            );
        }
    }
}

/// A namespace's part is not more than the whole.
fn within(whole: &Quota, part: &Quota, pointer: &str, out: &mut Findings<'_>) {
    let over = [
        ("cpu", part.cpu.zip(whole.cpu).filter(|(p, w)| p > w).map(|(p, w)| (p.to_string(), w.to_string()))),
        ("memory", part.memory.zip(whole.memory).filter(|(p, w)| p > w).map(|(p, w)| (p.to_string(), w.to_string()))),
        ("storage", part.storage.zip(whole.storage).filter(|(p, w)| p > w).map(|(p, w)| (p.to_string(), w.to_string()))),
        ("pods", part.pods.zip(whole.pods).filter(|(p, w)| p > w).map(|(p, w)| (p.to_string(), w.to_string()))),
        ("gpu", part.gpus().zip(whole.gpus()).filter(|(p, w)| p > w).map(|(p, w)| (p.to_string(), w.to_string()))),
    ];
    for (field, excess) in over {
        if let Some((part, whole)) = excess {
            let message = format!("this namespace may use {part} of {field}, its tenant only {whole}");
            out.push(
                out.error(codes::OVER_QUOTA, &format!("{pointer}/{field}"), message)
                    .label("more than the whole")
                    .help("lower it, or raise the tenant's own `quota`"),
            );
        }
    }
}

fn limits(tenant: &Tenant, out: &mut Findings<'_>) {
    let limits = &tenant.limits;
    let pairs = [
        (("min", limits.min), ("default", limits.default)),
        (("default", limits.default), ("max", limits.max)),
        (("min", limits.min), ("max", limits.max)),
    ];
    for (low, high) in pairs {
        above(low, high, out);
    }
}

fn above(low: (&str, Amounts), high: (&str, Amounts), out: &mut Findings<'_>) {
    let cpu = low.1.cpu.zip(high.1.cpu).filter(|(l, h)| l > h);
    let memory = low.1.memory.zip(high.1.memory).filter(|(l, h)| l > h);
    let found = [
        ("cpu", cpu.map(|(l, h)| (l.to_string(), h.to_string()))),
        ("memory", memory.map(|(l, h)| (l.to_string(), h.to_string()))),
    ];
    for (field, pair) in found {
        if let Some((below, over)) = pair {
            let message = format!("`{}` of {field} is {below}, above `{}`, which is {over}", low.0, high.0);
            out.push(
                out.error(codes::BAD_LIMITS, &format!("/limits/{}/{field}", low.0), message)
                    .label("too much")
                    .help("the order is min, default, max"),
            );
        }
    }
}
