//! What would go together with a Namespace or a CRD, counted before anyone deletes it; and quotas.
//!
//! A listing that failed anywhere makes the whole answer unreadable: half a count is no count.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::Value;

use crate::adapters::cluster::KubeCluster;
use crate::adapters::cluster::discovery::{Catalogue, Resource};
use crate::adapters::cluster::observe::AT_ONCE;
use crate::apply::cluster::{Cluster as _, Question};
use crate::apply::problem::Problem;
use crate::object::{GroupKind, ObjectKey, SET_LABEL};
use crate::plan::observed::{Contents, Live, QuotaFact};

/// Objects that Kubernetes puts into every namespace, by kind and name.
const IN_EVERY_NAMESPACE: [(&str, &str); 2] = [
    ("ConfigMap", "kube-root-ca.crt"),
    ("ServiceAccount", "default"),
];
/// Kinds that only report on others.
pub(super) const REPORTS: [&str; 5] =
    ["Event", "Endpoints", "EndpointSlice", "PodMetrics", "Lease"];

/// Counts what lives in a Namespace or which instances a CRD has.
pub(super) async fn contents(
    cluster: &KubeCluster,
    catalogue: &Catalogue,
    question: Question<'_>,
    key: &ObjectKey,
    live: &Live,
) -> Contents {
    let counted = if key.group_kind.kind == "Namespace" {
        in_namespace(cluster, catalogue, question, &key.name).await
    } else {
        instances(cluster, question, live).await
    };
    match counted {
        Ok(counted) => counted.into_contents(),
        Err(reason) => Contents::Unreadable { reason },
    }
}

#[derive(Default)]
struct Counted {
    kinds: BTreeMap<GroupKind, u64>,
    unowned: u64,
    others: u64,
    namespaces: BTreeSet<String>,
}

impl Counted {
    fn into_contents(self) -> Contents {
        Contents::Counted {
            kinds: self.kinds.into_iter().collect(),
            unowned: self.unowned,
            others: self.others,
            namespaces: self.namespaces,
        }
    }

    fn add(&mut self, group_kind: &GroupKind, item: &Value, question: Question<'_>) {
        let text = |pointer| item.pointer(pointer).and_then(Value::as_str);
        let name = text("/metadata/name").unwrap_or_default();
        let owners = item
            .pointer("/metadata/ownerReferences")
            .and_then(Value::as_array);
        let dependant = owners.is_some_and(|list| !list.is_empty());
        let own = IN_EVERY_NAMESPACE.contains(&(group_kind.kind.as_str(), name));
        if dependant || own || REPORTS.contains(&group_kind.kind.as_str()) {
            return;
        }
        *self.kinds.entry(group_kind.clone()).or_default() += 1;
        self.namespaces
            .extend(text("/metadata/namespace").map(str::to_owned));
        let key = ObjectKey {
            group_kind: group_kind.clone(),
            namespace: text("/metadata/namespace").map(str::to_owned),
            name: name.to_owned(),
        };
        let tracked = question.inventory.entries.contains_key(&key);
        let labels = item
            .pointer("/metadata/labels")
            .and_then(|labels| labels.get(SET_LABEL));
        let project = format!("{}.", question.inventory.set.project);
        let ours = labels
            .and_then(Value::as_str)
            .is_some_and(|set| set.starts_with(&project));
        match (tracked, ours) {
            (true, _) => {}
            (false, true) => self.others += 1,
            (false, false) => self.unowned += 1,
        }
    }
}

async fn in_namespace(
    cluster: &KubeCluster,
    catalogue: &Catalogue,
    question: Question<'_>,
    namespace: &str,
) -> Result<Counted, String> {
    if !catalogue.complete() {
        return Err("not every API group answered".into());
    }
    let kinds: Vec<Resource> = catalogue.namespaced().cloned().collect();
    let lists = futures::stream::iter(kinds).map(|kind| async move {
        let path = kind.path(Some(namespace));
        let items = cluster
            .items(&path, "", true)
            .await
            .map_err(|p| p.to_string())?;
        Ok::<_, String>((kind.group_kind, items))
    });
    let lists: Vec<_> = lists.buffer_unordered(AT_ONCE).try_collect().await?;
    let mut counted = Counted::default();
    for (group_kind, items) in &lists {
        for item in items {
            counted.add(group_kind, item, question);
        }
    }
    Ok(counted)
}

async fn instances(
    cluster: &KubeCluster,
    question: Question<'_>,
    crd: &Live,
) -> Result<Counted, String> {
    let text = |pointer| {
        crd.body
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let group_kind = GroupKind::new(text("/spec/group"), text("/spec/names/kind"));
    let resource = cluster
        .resource(&group_kind, None)
        .await
        .map_err(|p| p.to_string())?;
    let items = cluster
        .items(&resource.path(None), "", true)
        .await
        .map_err(|p| p.to_string())?;
    let mut counted = Counted::default();
    for item in &items {
        counted.add(&group_kind, item, question);
    }
    Ok(counted)
}

/// The quotas of namespaces.
pub(super) async fn quotas(
    cluster: &KubeCluster,
    namespaces: BTreeSet<String>,
) -> Result<Vec<QuotaFact>, Problem> {
    let lists = futures::stream::iter(namespaces).map(|namespace| async move {
        let query = crate::apply::cluster::ListQuery {
            group_kind: GroupKind::new("", "ResourceQuota"),
            namespace: Some(namespace.clone()),
            labels: String::new(),
        };
        let items = cluster.list(&query).await?;
        Ok::<_, Problem>(
            items
                .iter()
                .map(|item| quota(item, &namespace))
                .collect::<Vec<_>>(),
        )
    });
    let mut all: Vec<QuotaFact> = lists.buffered(AT_ONCE).try_concat().await?;
    all.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    Ok(all)
}

fn quota(item: &Value, namespace: &str) -> QuotaFact {
    let map = |pointer| {
        let map = item.pointer(pointer).and_then(Value::as_object);
        let text =
            |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
        map.map(|map| map.iter().filter_map(text).collect::<BTreeMap<_, _>>())
    };
    QuotaFact {
        namespace: namespace.to_owned(),
        name: item
            .pointer("/metadata/name")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        hard: map("/status/hard")
            .or_else(|| map("/spec/hard"))
            .unwrap_or_default(),
        used: map("/status/used").unwrap_or_default(),
    }
}
