//! What objects that are taken as they are written may not do in a tenant's set, beyond their kind: lead
//! out of the tenant, or use a priority class, queue or account that is not the tenant's. The policies that
//! every tenant's namespaces are under say the same at the API server.

mod monitors;
mod operators;

use serde_json::Value;

use crate::kinds::Scope;
use crate::kinds::tenant::given::{QUEUE, URGENCY, misnamed, of_dns};
use crate::kinds::tenant::{IDENTITY, Tenant, address, proxy};
use crate::names::ObjectName;
use crate::object::{GroupKind, Manifest};

/// Where a workload and its templates have labels.
const LABELS: &[&str] = &[
    "/metadata/labels",
    "/spec/template/metadata/labels",
    "/spec/jobTemplate/metadata/labels",
    "/spec/jobTemplate/spec/template/metadata/labels",
];
/// Where the pods of a workload have annotations; those of a pod are its own.
const NOTES: &[&str] = &[
    "/spec/template/metadata/annotations",
    "/spec/jobTemplate/spec/template/metadata/annotations",
];

/// What is a tenant's own on a target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Its namespaces.
    pub namespaces: Vec<String>,
    /// Its priority classes.
    pub classes: Vec<String>,
    /// Its queues.
    pub queues: Vec<String>,
    /// Its hosts.
    pub hosts: Vec<String>,
    /// Namespaces of others that begin with one of its own.
    pub longer: Vec<String>,
}

impl Bounds {
    /// The names that the platform gave a tenant, with its namespaces.
    pub fn of(tenant: Option<&Tenant>, namespaces: Vec<String>, scope: &Scope<'_>) -> Self {
        let texts = |names: Option<&Vec<ObjectName>>| -> Vec<String> {
            names
                .into_iter()
                .flatten()
                .map(ToString::to_string)
                .collect()
        };
        Self {
            namespaces,
            classes: texts(tenant.map(|t| &t.priority_classes)),
            queues: texts(tenant.map(|t| &t.queues)),
            hosts: tenant
                .map(|t| t.hosts().into_iter().map(str::to_owned).collect())
                .unwrap_or_default(),
            longer: tenant
                .map(|t| t.longer(scope).into_iter().collect())
                .unwrap_or_default(),
        }
    }
}

/// Why an object may not be in a tenant's set, given the specification of its pods if it has any.
pub(super) fn refuse(manifest: &Manifest, pod: Option<&Value>, bounds: &Bounds) -> Option<String> {
    let key = &manifest.key;
    let leads =
        leads_out(manifest, bounds).map(|what| format!("{key} leads out of the tenant: {what}"));
    leads.or_else(|| {
        let (queue, urgency) = (labelled(&manifest.body, QUEUE, &bounds.queues), labelled(&manifest.body, URGENCY, &bounds.classes));
        let queue = queue.map(|queue| format!("the queue `{queue}` of {key} is not one of the tenant's: {}", told(&bounds.queues)));
        queue.or_else(|| {
            let class = urgency?;
            Some(format!("the priority class `{class}` of {key} is not one of the tenant's: {}", told(&bounds.classes)))
        })
    }).or_else(|| {
        let pod = pod?;
        let class = text(pod, "/priorityClassName").filter(|c| !c.is_empty());
        if let Some(class) = class.filter(|class| !bounds.classes.iter().any(|own| own == class)) {
            let known = told(&bounds.classes);
            return Some(format!("the priority class `{class}` of {key} is not one of the tenant's: {known}"));
        }
        // The older name of the field counts where the newer one is not there.
        let mut named = ["/serviceAccountName", "/serviceAccount"].iter().filter_map(|at| text(pod, at));
        let account = named.find(|account| *account == IDENTITY)?;
        Some(format!("nothing runs as `{account}`, the account that writes the tenant's objects: {key} would"))
    })
}

/// The value of a label, on a workload or its templates, that is not one of the tenant's.
fn labelled<'v>(body: &'v Value, label: &str, own: &[String]) -> Option<&'v str> {
    let mut all = LABELS
        .iter()
        .filter_map(|at| body.pointer(at)?.get(label)?.as_str());
    all.find(|value| !value.is_empty() && !own.iter().any(|own| own == value))
}

fn told(names: &[String]) -> String {
    match names {
        [] => "it has none".to_owned(),
        _ => format!("it has {}", names.join(", ")),
    }
}

fn text<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer).and_then(Value::as_str)
}

fn list<'v>(value: &'v Value, pointer: &str) -> impl Iterator<Item = &'v Value> {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// The part of an object that leads out of the tenant.
fn leads_out(manifest: &Manifest, bounds: &Bounds) -> Option<String> {
    let GroupKind { group, kind } = &manifest.key.group_kind;
    let body = &manifest.body;
    match (group.as_str(), kind.as_str()) {
        ("", "Pod") => read(body, &["/metadata/annotations"]),
        ("apps" | "batch", _) => read(body, NOTES),
        ("", "Service") => service(body, bounds)
            .or_else(|| named(body, bounds))
            .or_else(|| borrowed(body, bounds)),
        ("keda.sh", "ScaledJob" | "ScaledObject") => operators::triggers(body, bounds),
        ("keda.sh", "TriggerAuthentication") => operators::login(body, bounds),
        ("monitoring.coreos.com", "AlertmanagerConfig") => operators::receivers(body, bounds),
        ("monitoring.coreos.com", "PodMonitor" | "Probe" | "ServiceMonitor") => {
            monitors::leads_out(body, kind.as_str() == "Probe", bounds)
        }
        ("traefik.io", "Middleware" | "TraefikService") => {
            let all = traefik(body);
            foreign(all.iter().filter_map(|one| text(one, "/namespace")), bounds)
                .or_else(|| provided(&all))
                .or_else(|| inner(text(body, "/spec/forwardAuth/address").into_iter(), bounds))
        }
        ("", "PersistentVolumeClaim") => foreign(
            text(body, "/spec/dataSourceRef/namespace").into_iter(),
            bounds,
        ),
        ("flagger.app", "AlertProvider" | "MetricTemplate") => operators::provider(body, bounds),
        ("flagger.app", "Canary") => foreign(flagger(body).into_iter(), bounds).or_else(|| {
            let calls = list(body, "/spec/analysis/webhooks");
            inner(calls.filter_map(|call| text(call, "/url")), bounds)
        }),
        _ => None,
    }
}

/// An annotation of pods that external-dns reads.
fn read(body: &Value, at: &[&str]) -> Option<String> {
    let all = at.iter().filter_map(|at| body.pointer(at)?.as_object());
    let key = all.flat_map(|notes| notes.keys()).find(|key| of_dns(key))?;
    Some(format!(
        "`{key}` is read by external-dns, and names are those of Services and routes"
    ))
}

fn foreign<'v>(mut names: impl Iterator<Item = &'v str>, bounds: &Bounds) -> Option<String> {
    let strange = names.find(|name| !bounds.namespaces.iter().any(|own| own == name))?;
    Some(format!(
        "namespace `{strange}` is not one of {}",
        bounds.namespaces.join(", ")
    ))
}

fn service(body: &Value, bounds: &Bounds) -> Option<String> {
    if list(body, "/spec/externalIPs").next().is_some() {
        return Some("`externalIPs` would take traffic that is meant for others".to_owned());
    }
    let name = text(body, "/spec/externalName").filter(|name| !name.is_empty())?;
    let strange = !address::may_stand(name, &bounds.namespaces);
    strange.then(|| {
        format!(
            "`externalName` is a Service of this cluster or an address, `{name}`; name a host of the outside, \
             and one of two parts with a dot at its end"
        )
    })
}

/// An address that somebody would follow for the tenant, and only the cluster knows.
fn inner<'v>(mut all: impl Iterator<Item = &'v str>, bounds: &Bounds) -> Option<String> {
    let strange = all.find(|one| !one.is_empty() && !address::leads_in(one, &bounds.namespaces))?;
    Some(format!(
        "`{strange}` is no host of the outside, and no Service of the tenant"
    ))
}

/// A host that external-dns would lead to it, and is not the tenant's.
fn named(body: &Value, bounds: &Bounds) -> Option<String> {
    let own = |name: &str| {
        bounds.hosts.iter().any(|own| {
            let below = own.strip_prefix('*').is_some_and(|end| name.ends_with(end));
            own == name || below
        })
    };
    let all = body.pointer("/metadata/annotations")?.as_object()?;
    let what = all
        .iter()
        .find_map(|(key, value)| misnamed(key, value.as_str()?, own))?;
    Some(format!("{what}: {}", told(&bounds.hosts)))
}

/// An annotation in which the proxy is told to use what is not the tenant's.
fn borrowed(body: &Value, bounds: &Bounds) -> Option<String> {
    let all = body.pointer("/metadata/annotations")?.as_object()?;
    let (own, longer) = (&bounds.namespaces, &bounds.longer);
    let borrows = |value: &Value, key: &str| {
        value
            .as_str()
            .is_some_and(|v| proxy::borrows(key, v, own, longer))
    };
    let (key, _) = all.iter().find(|(key, value)| borrows(value, key))?;
    Some(format!(
        "`{key}` names what is in none of {}, as NAMESPACE-NAME@kubernetescrd",
        bounds.namespaces.join(", ")
    ))
}

/// A name that the proxy cannot tell from one of another tenant's namespace.
pub(super) fn mistaken(manifest: &Manifest, bounds: &Bounds) -> Option<String> {
    let key = &manifest.key;
    let namespace = key.namespace.as_deref()?;
    let name = proxy::plain(&format!("{namespace}-{}", key.name));
    let of_proxy = key.group_kind.group == "traefik.io";
    (of_proxy && !proxy::is_of(&name, &proxy::plain(namespace), &bounds.longer)).then(|| {
        format!(
            "the proxy calls {key} `{name}`, which is a name of another tenant's namespace: give it another one"
        )
    })
}

/// What a Middleware or a TraefikService leads to, and through what.
fn traefik(body: &Value) -> Vec<&Value> {
    let listed = [
        "/spec/chain/middlewares",
        "/spec/weighted/services",
        "/spec/highestRandomWeight/services",
        "/spec/mirroring/mirrors",
    ];
    let single = [
        "/spec/errors/service",
        "/spec/mirroring",
        "/spec/failover/service",
        "/spec/failover/fallback",
    ];
    let listed = listed.iter().flat_map(|at| list(body, at));
    let mut all: Vec<&Value> = listed
        .chain(single.iter().filter_map(|at| body.pointer(at)))
        .collect();
    let through: Vec<&Value> = all
        .iter()
        .copied()
        .flat_map(|one| list(one, "/middlewares"))
        .collect();
    all.extend(through);
    all
}

/// Namespaces that a Canary names.
fn flagger(body: &Value) -> Vec<&str> {
    let listed = [
        ("/spec/service/gatewayRefs", "/namespace"),
        ("/spec/service/mirror", "/backendRef/namespace"),
        ("/spec/analysis/metrics", "/templateRef/namespace"),
        ("/spec/analysis/alerts", "/providerRef/namespace"),
    ];
    let single = ["/spec/targetRef/namespace", "/spec/upstreamRef/namespace"];
    let listed = listed
        .into_iter()
        .flat_map(|(at, name)| list(body, at).filter_map(move |one| text(one, name)));
    listed
        .chain(single.iter().filter_map(|at| text(body, at)))
        .collect()
}

/// A name of another provider of Traefik, which knows no namespaces.
fn provided(all: &[&Value]) -> Option<String> {
    let names = |one: &&Value| {
        ["/name", "/serversTransport"].map(|at| text(one, at).unwrap_or_default().to_owned())
    };
    let strange = all.iter().flat_map(names).find(|name| name.contains('@'))?;
    Some(format!(
        "`{strange}` is a name of another provider of Traefik"
    ))
}
