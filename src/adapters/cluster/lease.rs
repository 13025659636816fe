//! One Lease per set, so that CLI and controller do not work on it at the same time.
//!
//! A holder counts as gone only after its Lease stood unchanged for its whole duration as *we* measure
//! it: clocks of other machines are never compared with ours. Stale holders that go on writing are
//! stopped by the preconditions of each write, not by the Lease.

use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::adapters::cluster::KubeCluster;
use crate::adapters::cluster::inventory::{SYSTEM_NAMESPACE, ensure_namespace, name_of};
use crate::adapters::cluster::request::{LEASE_LIMIT, Request};
use crate::apply::cluster::{Identity, Lease};
use crate::apply::problem::{Problem, ProblemKind};
use crate::object::{GroupKind, ObjectKey, SetId};

/// For how long a Lease is good without a renewal.
const VALID: Duration = Duration::from_secs(15);
/// How often a held Lease is looked at.
const LOOK: Duration = Duration::from_millis(500);

fn root() -> String {
    format!("/apis/coordination.k8s.io/v1/namespaces/{SYSTEM_NAMESPACE}/leases")
}

fn key(set: &SetId) -> ObjectKey {
    ObjectKey {
        group_kind: GroupKind::new("coordination.k8s.io", "Lease"),
        namespace: Some(SYSTEM_NAMESPACE.into()),
        name: format!("kubemate-set-{}", name_of(set)),
    }
}

/// Waits at most so long for the present holder.
pub(super) async fn take(
    cluster: &KubeCluster,
    set: &SetId,
    holder: &str,
    wait: Duration,
) -> Result<Lease, Problem> {
    let end = Instant::now() + wait;
    let mut seen: Option<(String, Instant)> = None;
    let mut taken_by = String::new();
    loop {
        match attempt(cluster, set, holder, &mut seen).await {
            Ok(Attempt::Taken(lease)) => return Ok(lease),
            Ok(Attempt::Held(by)) => taken_by = by,
            // Someone else was faster: look again.
            Err(problem) if problem.kind == ProblemKind::Stale => {}
            Err(problem) => return Err(problem),
        }
        if Instant::now() + LOOK >= end {
            let said = format!("`{taken_by}` works on it");
            return Err(Problem::new(
                ProblemKind::Leased,
                format!("work on the set {set}"),
                said,
            ));
        }
        sleep(LOOK).await;
    }
}

enum Attempt {
    Taken(Lease),
    Held(String),
}

async fn attempt(
    cluster: &KubeCluster,
    set: &SetId,
    holder: &str,
    seen: &mut Option<(String, Instant)>,
) -> Result<Attempt, Problem> {
    let key = key(set);
    let request = limited(Request::get(
        format!("{}/{}", root(), key.name),
        format!("read {key}"),
    ));
    let answer = cluster.link.call(&Identity::Own, &request).await?;
    if answer.proves_absence(&key) {
        let body = lease_body(set, holder, 0, None);
        return create(cluster, set, holder, &body)
            .await
            .map(Attempt::Taken);
    }
    let live = answer.json(&request.what, false)?;
    let text = |pointer| {
        live.pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let version = text("/metadata/resourceVersion").to_owned();
    let present = text("/spec/holderIdentity").to_owned();
    let seconds = live
        .pointer("/spec/leaseDurationSeconds")
        .and_then(Value::as_u64);
    let valid = seconds.map_or(VALID, Duration::from_secs);
    let since = match seen {
        Some((known, since)) if *known == version => *since,
        _ => {
            let now = Instant::now();
            *seen = Some((version.clone(), now));
            now
        }
    };
    let free = present.is_empty() || present == holder || since.elapsed() >= valid;
    if !free {
        return Ok(Attempt::Held(present));
    }
    let changes = live
        .pointer("/spec/leaseTransitions")
        .and_then(Value::as_u64)
        .unwrap_or(0);
    let body = lease_body(set, holder, changes + 1, Some(&version));
    put(cluster, set, holder, &body).await.map(Attempt::Taken)
}

/// Prolongs a Lease that nobody else took.
pub(super) async fn renew(cluster: &KubeCluster, lease: &Lease) -> Result<Lease, Problem> {
    let body = lease_body(&lease.set, &lease.holder, 0, Some(&lease.version));
    put(cluster, &lease.set, &lease.holder, &body).await
}

/// Gives it back, so that the next one need not wait.
pub(super) async fn release(cluster: &KubeCluster, lease: &Lease) -> Result<(), Problem> {
    let body = lease_body(&lease.set, "", 0, Some(&lease.version));
    put(cluster, &lease.set, "", &body).await.map(drop)
}

fn lease_body(set: &SetId, holder: &str, transitions: u64, version: Option<&str>) -> Value {
    let now = Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%S.%6fZ")
        .to_string();
    let key = key(set);
    let mut metadata = json!({"name": key.name, "namespace": SYSTEM_NAMESPACE,
        "annotations": {"kubemate.dev/set": set.to_string()}});
    if let Some(version) = version {
        metadata["resourceVersion"] = version.into();
    }
    json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata,
        "spec": {"holderIdentity": holder, "leaseDurationSeconds": VALID.as_secs(),
            "acquireTime": now, "renewTime": now, "leaseTransitions": transitions},
    })
}

async fn create(
    cluster: &KubeCluster,
    set: &SetId,
    holder: &str,
    body: &Value,
) -> Result<Lease, Problem> {
    let what = format!("take the lease of the set {set}");
    let request = limited(Request::send(Method::POST, root(), body, what));
    match cluster.json(&Identity::Own, &request).await {
        Ok(live) => read(&live, set, holder),
        Err(problem) if super::lacks_namespace(&problem) => {
            ensure_namespace(cluster).await?;
            read(&cluster.json(&Identity::Own, &request).await?, set, holder)
        }
        Err(problem) => Err(problem),
    }
}

async fn put(
    cluster: &KubeCluster,
    set: &SetId,
    holder: &str,
    body: &Value,
) -> Result<Lease, Problem> {
    let path = format!("{}/{}", root(), key(set).name);
    let what = format!("take the lease of the set {set}");
    let request = limited(Request::send(Method::PUT, path, body, what));
    read(&cluster.json(&Identity::Own, &request).await?, set, holder)
}

fn read(live: &Value, set: &SetId, holder: &str) -> Result<Lease, Problem> {
    let version = live
        .pointer("/metadata/resourceVersion")
        .and_then(Value::as_str);
    let version = version.ok_or_else(|| {
        let what = format!("take the lease of the set {set}");
        Problem::new(
            ProblemKind::BadAnswer,
            what,
            "the answer has no resourceVersion",
        )
    })?;
    Ok(Lease {
        set: set.clone(),
        holder: holder.into(),
        version: version.into(),
        valid: VALID,
    })
}

/// A lease call that hangs is worth less than a new try.
fn limited(request: Request) -> Request {
    Request {
        limit: LEASE_LIMIT,
        ..request
    }
}
