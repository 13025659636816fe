//! Inventories as ConfigMaps in `kubemate-system`, replaced as a whole by compare-and-swap.
//!
//! The head holds the first shard and says which other shards belong to it; those bear the digest of the
//! whole in their names and never change. So one write of the head moves from one complete state to the
//! next, and a crash in between leaves the old one. What is damaged or incomplete is an error.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use http::Method;
use serde_json::{Value, json};

use crate::adapters::cluster::KubeCluster;
use crate::adapters::cluster::request::Request;
use crate::apply::cluster::{Identity, Stored};
use crate::apply::problem::{Problem, ProblemKind};
use crate::object::{GroupKind, ObjectKey, SetId};
use crate::plan::inventory::Inventory;
use crate::plan::inventory::shards::DATA_KEY;

/// Where kubemate keeps its books.
pub(super) const SYSTEM_NAMESPACE: &str = "kubemate-system";
/// The data key that lists the other shards' names.
const PARTS_KEY: &str = "parts";
/// The label of everything that is part of an inventory.
const LABEL: &str = "kubemate.dev/inventory";

/// A name for a set that is short, unique and allowed everywhere.
pub(super) fn name_of(set: &SetId) -> String {
    let text = serde_json::to_string(set).unwrap_or_else(|_| set.to_string());
    blake3::hash(text.as_bytes()).to_hex()[..24].to_owned()
}

fn head_key(set: &SetId) -> ObjectKey {
    key(format!("kubemate-inventory-{}", name_of(set)))
}

fn key(name: String) -> ObjectKey {
    ObjectKey {
        group_kind: GroupKind::new("", "ConfigMap"),
        namespace: Some(SYSTEM_NAMESPACE.into()),
        name,
    }
}

fn root() -> String {
    format!("/api/v1/namespaces/{SYSTEM_NAMESPACE}/configmaps")
}

fn path(name: &str) -> String {
    format!("{}/{}", root(), super::request::segment(name))
}

/// Reads a set's inventory; an empty one only where the API server says that there is none.
pub(super) async fn load(cluster: &KubeCluster, set: &SetId) -> Result<Stored, Problem> {
    if let Some(known) = unchanged(cluster, set).await {
        return Ok(known);
    }
    for last in [false, true] {
        match load_once(cluster, set).await {
            Ok(stored) => {
                remember(cluster, &stored);
                return Ok(stored);
            }
            // Between reading the head and its parts, the next state may have been written.
            Err(problem) if problem.kind == ProblemKind::Stale && !last => {}
            done => return done,
        }
    }
    Err(damaged(set, "its parts change all the time"))
}

/// What was read before, if the head still stands at the same version. It is kept only where sets are
/// followed, which are read again and again.
async fn unchanged(cluster: &KubeCluster, set: &SetId) -> Option<Stored> {
    let known = cluster
        .read
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get(set)
        .map(|stored| stored.version.clone())?;
    let key = head_key(set);
    let request = Request::get(path(&key.name), format!("read {key}")).one_metadata_only();
    let head = cluster.json(&Identity::Own, &request).await.ok()?;
    let version = head.pointer("/metadata/resourceVersion")?.as_str()?;
    if known.as_deref() != Some(version) {
        return None;
    }
    let read = cluster.read.lock().unwrap_or_else(PoisonError::into_inner);
    let stored = read.get(set).filter(|stored| stored.version == known);
    stored.cloned()
}

fn remember(cluster: &KubeCluster, stored: &Stored) {
    let mut read = cluster.read.lock().unwrap_or_else(PoisonError::into_inner);
    let set = &stored.inventory.set;
    if stored.version.is_some() && cluster.sightings.any() {
        drop(read.insert(set.clone(), stored.clone()));
    } else {
        drop(read.remove(set));
    }
}

async fn load_once(cluster: &KubeCluster, set: &SetId) -> Result<Stored, Problem> {
    let head = head_key(set);
    let Some(live) = read(cluster, &head).await? else {
        return Ok(Stored {
            inventory: Inventory::new(set.clone()),
            version: None,
            parts: Vec::new(),
        });
    };
    let data = |name: &str| {
        live.pointer(&format!("/data/{name}"))
            .and_then(Value::as_str)
    };
    let version = live
        .pointer("/metadata/resourceVersion")
        .and_then(Value::as_str);
    let version = version.ok_or_else(|| damaged(set, "its ConfigMap has no resourceVersion"))?;
    let first = data(DATA_KEY).ok_or_else(|| damaged(set, "its ConfigMap holds no inventory"))?;
    let parts: Vec<String> = match data(PARTS_KEY) {
        Some(text) => serde_json::from_str(text).map_err(|e| damaged(set, &e.to_string()))?,
        None => return Err(damaged(set, "its ConfigMap does not name its parts")),
    };
    let rest = parts
        .iter()
        .map(|part| read_part(cluster, set, part, (&head, version)));
    let rest = futures::future::try_join_all(rest).await?;
    let shards: Vec<String> = std::iter::once(first.to_owned()).chain(rest).collect();
    let owner = set.clone();
    let unpacked = tokio::task::spawn_blocking(move || Inventory::from_shards(&owner, &shards));
    let inventory = unpacked.await.map_err(|e| damaged(set, &e.to_string()))?;
    Ok(Stored {
        inventory: inventory.map_err(|e| damaged(set, &e.to_string()))?,
        version: Some(version.to_owned()),
        parts,
    })
}

async fn read_part(
    cluster: &KubeCluster,
    set: &SetId,
    part: &str,
    (head, version): (&ObjectKey, &str),
) -> Result<String, Problem> {
    let Some(mut live) = read(cluster, &key(part.to_owned())).await? else {
        let said = format!("its part {part} is missing");
        return Err(Problem {
            kind: missing_kind(cluster, head, version).await?,
            ..damaged(set, &said)
        });
    };
    let text = live.pointer_mut(&format!("/data/{DATA_KEY}"));
    match text.map(Value::take) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(damaged(set, "a part holds no inventory")),
    }
}

/// A part is missing for good only if the head still is the one that named it.
async fn missing_kind(
    cluster: &KubeCluster,
    head: &ObjectKey,
    version: &str,
) -> Result<ProblemKind, Problem> {
    let now = read(cluster, head).await?;
    let now = now
        .as_ref()
        .and_then(|live| live.pointer("/metadata/resourceVersion")?.as_str());
    Ok(if now == Some(version) {
        ProblemKind::DamagedInventory
    } else {
        ProblemKind::Stale
    })
}

/// Replaces exactly the state that `before` was read from.
pub(super) async fn store(
    cluster: &KubeCluster,
    before: &Stored,
    inventory: &Inventory,
) -> Result<Stored, Problem> {
    let set = &inventory.set;
    let all = inventory.clone();
    let packed = tokio::task::spawn_blocking(move || (all.to_shards(), all.digest()));
    let (shards, digest) = packed.await.map_err(|e| damaged(set, &e.to_string()))?;
    let mut shards = shards.map_err(|e| damaged(set, &e.to_string()))?;
    let first = if shards.is_empty() {
        String::new()
    } else {
        shards.remove(0)
    };
    let digest = blake3::hash(digest.as_bytes()).to_hex();
    let part = |index: usize| {
        format!(
            "kubemate-inventory-{}-{}-{}",
            name_of(set),
            &digest[..16],
            index + 1
        )
    };
    let parts: Vec<String> = (0..shards.len()).map(part).collect();
    let made = parts.iter().zip(&shards);
    let made = made.map(|(name, text)| create_part(cluster, set, name, text));
    futures::future::try_join_all(made).await?;
    let version = swap(cluster, before, inventory, &first, &parts).await?;
    forget_parts(cluster, &before.parts, &parts).await;
    Ok(Stored {
        inventory: inventory.clone(),
        version: Some(version),
        parts,
    })
}

async fn create_part(
    cluster: &KubeCluster,
    set: &SetId,
    name: &str,
    text: &str,
) -> Result<(), Problem> {
    let body = config_map(set, name, None, &json!({ DATA_KEY: text }));
    let what = format!("write the inventory of the set {set}");
    match post(cluster, &body, what).await {
        // The same content was written before.
        Err(problem) if problem.kind == ProblemKind::Stale => Ok(()),
        done => done.map(drop),
    }
}

/// The head's compare-and-swap; returns its new version.
async fn swap(
    cluster: &KubeCluster,
    before: &Stored,
    inventory: &Inventory,
    first: &str,
    parts: &[String],
) -> Result<String, Problem> {
    let set = &inventory.set;
    let what = format!("write the inventory of the set {set}");
    let name = head_key(set).name;
    let list = serde_json::to_string(parts).map_err(|e| damaged(set, &e.to_string()))?;
    let data = json!({ DATA_KEY: first, PARTS_KEY: list });
    let body = config_map(set, &name, before.version.as_deref(), &data);
    let written = if before.version.is_none() {
        post(cluster, &body, what.clone()).await
    } else {
        let request = Request::send(Method::PUT, path(&name), &body, what.clone());
        cluster.json(&Identity::Own, &request).await
    };
    let live = match written {
        Ok(live) => live,
        Err(problem) if matches!(problem.kind, ProblemKind::Unknown | ProblemKind::Stale) => {
            // A lost reply looks like this too: what is stored tells.
            match read(cluster, &head_key(set)).await? {
                Some(live) if live.get("data") == Some(&data) => live,
                _ if problem.kind == ProblemKind::Unknown => return Err(problem),
                _ => {
                    let said = "someone else changed it in the meantime";
                    return Err(Problem {
                        said: said.into(),
                        ..problem
                    });
                }
            }
        }
        Err(problem) => return Err(problem),
    };
    let version = live
        .pointer("/metadata/resourceVersion")
        .and_then(Value::as_str);
    version.map(str::to_owned).ok_or_else(|| {
        Problem::new(
            ProblemKind::BadAnswer,
            what,
            "the answer has no resourceVersion",
        )
    })
}

/// Old parts that stay behind cost space only, so failures are of no interest.
async fn forget_parts(cluster: &KubeCluster, old: &[String], new: &[String]) {
    let new: BTreeSet<&String> = new.iter().collect();
    for name in old.iter().filter(|name| !new.contains(name)) {
        let what = format!("delete {}", key(name.clone()));
        let request = Request::send(Method::DELETE, path(name), &json!({}), what);
        drop(cluster.json(&Identity::Own, &request).await);
    }
}

fn config_map(set: &SetId, name: &str, version: Option<&str>, data: &Value) -> Value {
    let mut metadata = json!({
        "name": name, "namespace": SYSTEM_NAMESPACE,
        "labels": {LABEL: name_of(set), "app.kubernetes.io/managed-by": "kubemate"},
        "annotations": {"kubemate.dev/set": set.to_string()},
    });
    if let Some(version) = version {
        metadata["resourceVersion"] = version.into();
    }
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
}

async fn post(cluster: &KubeCluster, body: &Value, what: String) -> Result<Value, Problem> {
    let request = Request::send(Method::POST, root(), body, what);
    match cluster.json(&Identity::Own, &request).await {
        Err(problem) if super::lacks_namespace(&problem) => {
            ensure_namespace(cluster).await?;
            cluster.json(&Identity::Own, &request).await
        }
        done => done,
    }
}

/// Makes the namespace of our books where it is missing.
pub(super) async fn ensure_namespace(cluster: &KubeCluster) -> Result<(), Problem> {
    let body =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM_NAMESPACE}});
    let what = format!("create Namespace/{SYSTEM_NAMESPACE}");
    let request = Request::send(Method::POST, "/api/v1/namespaces".into(), &body, what);
    match cluster.json(&Identity::Own, &request).await {
        Err(problem) if problem.kind != ProblemKind::Stale => Err(problem),
        _ => Ok(()),
    }
}

async fn read(cluster: &KubeCluster, key: &ObjectKey) -> Result<Option<Value>, Problem> {
    let what = format!("read {key}");
    let request = Request::get(path(&key.name), what.clone());
    let answer = cluster.link.call(&Identity::Own, &request).await?;
    if answer.proves_absence(key) {
        return Ok(None);
    }
    let asked = what.clone();
    // Parts are large, and the others come in meanwhile.
    let body = tokio::task::spawn_blocking(move || answer.json(&asked, false)).await;
    let broken = |e: tokio::task::JoinError| {
        Problem::new(ProblemKind::BadAnswer, what.clone(), e.to_string())
    };
    let body = body.map_err(broken)??;
    if body.pointer("/metadata/name").and_then(Value::as_str) == Some(key.name.as_str()) {
        return Ok(Some(body));
    }
    Err(Problem::new(
        ProblemKind::BadAnswer,
        what,
        "the answer is not the object that was asked for",
    ))
}

fn damaged(set: &SetId, said: &str) -> Problem {
    Problem::new(
        ProblemKind::DamagedInventory,
        format!("use the inventory of the set {set}"),
        said,
    )
}
