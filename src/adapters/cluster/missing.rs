//! What may be believed absent: kinds that are not served, and namespaces that do not exist; and which
//! namespaces something is written in.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::Value;

use crate::adapters::cluster::KubeCluster;
use crate::adapters::cluster::discovery::Catalogue;
use crate::adapters::cluster::found::{About, Found};
use crate::adapters::cluster::observe::AT_ONCE;
use crate::adapters::cluster::trial::defines;
use crate::apply::cluster::{Cluster as _, ListQuery, Question, Target};
use crate::apply::problem::Problem;
use crate::object::{GroupKind, ObjectKey};
use crate::plan::normalize::is_built_in;
use crate::plan::observed::{DryRun, Observed};

/// A kind that is not served has no objects only if everything answered, no CRD defines it, and it is
/// nothing that a server brings by itself: those are never gone, only silent.
pub(super) async fn unserved(
    cluster: &KubeCluster,
    catalogue: &Catalogue,
    question: Question<'_>,
    kind: &GroupKind,
) -> Result<(), String> {
    let group = &kind.group;
    let silent = || Err(format!("the API group `{group}` did not answer"));
    let mut wanted = question.rendered.objects.values();
    let planned = wanted.any(|other| defines(&other.manifest.body, group, &kind.kind));
    if !catalogue.complete() || !catalogue.knows(group) || (is_built_in(kind) && !planned) {
        return silent();
    }
    let all = |group, kind| ListQuery {
        group_kind: GroupKind::new(group, kind),
        namespace: None,
        labels: String::new(),
    };
    let crds = cluster
        .list(&all("apiextensions.k8s.io", "CustomResourceDefinition"))
        .await;
    if crds
        .map_err(|p| p.to_string())?
        .iter()
        .any(|crd| defines(crd, group, &kind.kind))
    {
        return Err(format!("the CRD of {kind} exists and is not served yet"));
    }
    let services = cluster
        .list(&all("apiregistration.k8s.io", "APIService"))
        .await;
    let aggregated = |service: &Value| {
        let same = service.pointer("/spec/group").and_then(Value::as_str) == Some(group.as_str());
        same && service
            .pointer("/spec/service")
            .is_some_and(|s| !s.is_null())
    };
    if services.map_err(|p| p.to_string())?.iter().any(aggregated) {
        return silent();
    }
    Ok(())
}

/// Namespaces of wanted objects that do not exist.
pub(super) async fn missing_namespaces(
    cluster: &KubeCluster,
    found: &[(About<'_>, Found)],
) -> Result<BTreeSet<String>, Problem> {
    let absent = found
        .iter()
        .filter(|(about, found)| about.desired.is_some() && matches!(found, Ok(None)));
    let names: BTreeSet<String> = absent
        .filter_map(|(about, _)| about.key.namespace.clone())
        .collect();
    let read = futures::stream::iter(names).map(|name| async move {
        let key = namespace(&name);
        let live = cluster.read(&Target::of(&key)).await?;
        Ok::<_, Problem>(live.is_none().then_some(name))
    });
    let missing: Vec<Option<String>> = read.buffer_unordered(AT_ONCE).try_collect().await?;
    Ok(missing.into_iter().flatten().collect())
}

/// The key of a namespace.
pub(super) fn namespace(name: &str) -> ObjectKey {
    ObjectKey {
        group_kind: GroupKind::new("", "Namespace"),
        namespace: None,
        name: name.into(),
    }
}

/// Namespaces in which something is to be written.
pub(super) fn changed_namespaces(
    question: Question<'_>,
    objects: &BTreeMap<ObjectKey, Observed>,
    missing: &BTreeSet<String>,
) -> BTreeSet<String> {
    let changes = |seen: &Observed| match seen {
        Observed::Present(live) => !matches!(live.dry_run, DryRun::NotNeeded | DryRun::InSync),
        Observed::Absent { .. } => true,
        Observed::Unreadable { .. } | Observed::Unchanged { .. } => false,
    };
    let changed = objects.iter().filter(|(_, seen)| changes(seen));
    let spaces = changed
        .filter(|(key, _)| question.rendered.objects.contains_key(*key))
        .filter_map(|(key, _)| key.namespace.clone());
    spaces.filter(|name| !missing.contains(name)).collect()
}
