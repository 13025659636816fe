//! The arithmetic of quotas: what all apps of a tenant request together, against what it may request.
//!
//! A tenant's apps are seen where its own files are judged, so an app asks for this and not the tenant.

use std::collections::BTreeMap;

use super::Tenant;
use super::quota::Quota;
use crate::dsl::codes;
use crate::dsl::diagnostic::Diagnostic;
use crate::kinds::app::{App, Workload};
use crate::kinds::pod::Resources;
use crate::kinds::{Findings, Scope};
use crate::object::ResourceId;
use crate::values::resources::{CpuQuantity, MemoryQuantity};

/// What Kubernetes calls GPUs.
const GPU: &str = "nvidia.com/gpu";

/// What is added up, each as a whole number of its smallest unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Usage {
    millicores: i64,
    bytes: i64,
    pods: i64,
    gpus: i64,
}

impl Usage {
    fn plus(self, other: Self) -> Self {
        Self {
            millicores: self.millicores.saturating_add(other.millicores),
            bytes: self.bytes.saturating_add(other.bytes),
            pods: self.pods.saturating_add(other.pods),
            gpus: self.gpus.saturating_add(other.gpus),
        }
    }

    fn times(self, pods: u32) -> Self {
        let n = i64::from(pods);
        Self {
            millicores: self.millicores.saturating_mul(n),
            bytes: self.bytes.saturating_mul(n),
            pods: n,
            gpus: self.gpus.saturating_mul(n),
        }
    }

    /// What of a quota it goes over: the field, what is used, what is allowed.
    fn over(self, quota: &Quota) -> Vec<(&'static str, String, String)> {
        let mut over = Vec::new();
        let mut judge = |field, used: i64, allowed: Option<(i64, String)>, text: String| {
            if let Some((_, allowed)) = allowed.filter(|(limit, _)| used > *limit) {
                over.push((field, text, allowed));
            }
        };
        let cores = |q: CpuQuantity| (q.millicores(), q.to_string());
        let memory = |q: MemoryQuantity| (q.bytes(), q.to_string());
        judge("cpu", self.millicores, quota.cpu.map(cores), milli(self.millicores));
        judge("memory", self.bytes, quota.memory.map(memory), mebi(self.bytes));
        let count = |n: u64| (i64::try_from(n).unwrap_or(i64::MAX), n.to_string());
        judge("pods", self.pods, quota.pods.map(|n| count(n.into())), self.pods.to_string());
        judge("gpu", self.gpus, quota.gpus().map(count), self.gpus.to_string());
        over
    }
}

fn milli(millicores: i64) -> String {
    match millicores % 1000 {
        0 => (millicores / 1000).to_string(),
        _ => format!("{millicores}m"),
    }
}

fn mebi(bytes: i64) -> String {
    const MI: i64 = 1024 * 1024;
    match bytes % (1024 * MI) {
        0 => format!("{}Gi", bytes / (1024 * MI)),
        _ => format!("{}Mi", (bytes + MI - 1) / MI),
    }
}

/// Adds up the apps of the tenant, once: the last app of the tenant does it for all.
pub fn check(app: &App, scope: &Scope<'_>, out: &mut Findings<'_>) {
    if !is_last(scope) {
        return;
    }
    let Some(tenant) = scope.find::<Tenant>(app.tenant.name()) else {
        return;
    };
    super::storage::check(tenant, scope, out);
    let mut by_namespace: BTreeMap<String, Vec<(&ResourceId, &App)>> = BTreeMap::new();
    let mut all = Vec::new();
    for (id, app) in scope.own::<App>() {
        by_namespace.entry(app.namespace(scope)).or_default().push((id, app));
        all.push((id, app));
    }
    let whole = format!("tenant `{}`", tenant.name);
    if judge((tenant, &tenant.quota), &whole, &all, scope, out) {
        return;
    }
    for (name, namespace, settings) in tenant.namespaces(scope) {
        let narrower = settings.and_then(|s| s.quota.as_ref());
        let (Some(narrower), Some(apps)) = (narrower, by_namespace.get(&namespace)) else {
            continue;
        };
        let name = name.map_or(String::new(), ToString::to_string);
        let what = format!("namespace `{name}` of tenant `{}`", tenant.name);
        judge((tenant, narrower), &what, apps, scope, out);
    }
}

fn is_last(scope: &Scope<'_>) -> bool {
    let after = (std::ops::Bound::Excluded(scope.id), std::ops::Bound::Unbounded);
    let next = scope.world.resources.range::<ResourceId, _>(after).next();
    next.is_none_or(|(id, _)| id.kind != scope.id.kind || id.tenant != scope.id.tenant)
}

/// Says what is over, at the app that needs the most of it. Whether anything is.
fn judge(
    (tenant, quota): (&Tenant, &Quota),
    what: &str,
    apps: &[(&ResourceId, &App)],
    scope: &Scope<'_>,
    out: &mut Findings<'_>,
) -> bool {
    let sum = |most: bool| {
        let used = apps.iter().map(|(_, app)| of_app(tenant, app, most));
        used.fold(Usage::default(), Usage::plus)
    };
    let (least, most) = (sum(false).over(quota), sum(true).over(quota));
    for (field, used, allowed) in &least {
        let message = format!("the apps of {what} request {used} of {field} together; its quota is {allowed}");
        out.push(at_largest(tenant, apps, field, (scope, out), message));
    }
    for (field, used, allowed) in most {
        if least.iter().all(|(known, _, _)| *known != field) {
            let message = format!(
                "scaled to their maximum, the apps of {what} request {used} of {field}; its quota is {allowed}"
            );
            out.push(at_largest(tenant, apps, field, (scope, out), message).warning());
        }
    }
    !least.is_empty()
}

fn at_largest(
    tenant: &Tenant,
    apps: &[(&ResourceId, &App)],
    field: &str,
    (scope, out): (&Scope<'_>, &Findings<'_>),
    message: String,
) -> Diagnostic {
    let amount = |app: &App| {
        let used = of_app(tenant, app, true);
        match field {
            "cpu" => used.millicores,
            "memory" => used.bytes,
            "pods" => used.pods,
            _ => used.gpus,
        }
    };
    let largest = apps.iter().max_by_key(|(_, app)| amount(app));
    let place = largest.and_then(|(id, _)| scope.node(id)).map(|node| node.place.key);
    Diagnostic::error(codes::OVER_QUOTA, place.unwrap_or_else(|| out.value("")), message)
        .label("requests the most of it")
        .help("request less, run fewer pods, or ask the platform team for a larger quota")
}

/// What the pods of an app request together, at least or at most.
fn of_app(tenant: &Tenant, app: &App, most: bool) -> Usage {
    let pods = match (app.workload, &app.autoscale) {
        (Workload::Deployment | Workload::Stateful, Some(scale)) if most => scale.max,
        (Workload::Deployment | Workload::Stateful, _) => app.at_least(),
        // The number of nodes is not known here.
        (Workload::Daemon, _) => 1,
        (Workload::Job | Workload::CronJob, _) => app.parallel.unwrap_or(1),
    };
    let beside = app.sidecar.values().map(|container| of_container(tenant, &container.resources));
    let pod = beside.fold(of_container(tenant, &app.resources), Usage::plus);
    pod.times(pods)
}

/// A container that states no request is given its limit, or the tenant's default.
fn of_container(tenant: &Tenant, resources: &Resources) -> Usage {
    let default = tenant.limits.default;
    let cpu = resources.requests.cpu.or(resources.limits.cpu).or(default.cpu);
    let memory = resources.requests.memory.or(resources.limits.memory).or(default.memory);
    let gpus = resources.device.iter().filter(|(name, _)| name.as_str() == GPU);
    Usage {
        millicores: cpu.map_or(100, CpuQuantity::millicores),
        bytes: memory.map_or(128 * 1024 * 1024, MemoryQuantity::bytes),
        pods: 1,
        gpus: gpus.map(|(_, n)| i64::from(*n)).sum(),
    }
}
