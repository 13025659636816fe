//! CRDs of objects that the API server cannot be asked about yet, so that they can be judged here. Nothing
//! depends on them: one that cannot be read is left out.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt as _;
use serde_json::Value;

use crate::adapters::cluster::KubeCluster;
use crate::adapters::cluster::discovery::Catalogue;
use crate::adapters::cluster::observe::AT_ONCE;
use crate::apply::cluster::{Cluster as _, Target};
use crate::object::{GroupKind, ObjectKey};
use crate::plan::normalize::is_built_in;
use crate::plan::observed::{DryRun, Observed};

/// The served CRDs of objects that are to be made and were not asked about.
pub(super) async fn of_unasked(
    cluster: &KubeCluster,
    catalogue: &Catalogue,
    objects: &BTreeMap<ObjectKey, Observed>,
) -> Vec<Value> {
    let unasked = objects.iter().filter(|(_, seen)| {
        matches!(
            seen,
            Observed::Absent {
                dry_run: DryRun::Unverified { .. }
            }
        )
    });
    let kinds: BTreeSet<&GroupKind> = unasked
        .map(|(key, _)| &key.group_kind)
        .filter(|kind| !is_built_in(kind))
        .collect();
    let names = kinds.into_iter().filter_map(|kind| {
        let plural = &catalogue.find(kind, None)?.plural;
        Some(format!("{plural}.{}", kind.group))
    });
    let names: Vec<String> = names.collect();
    let read = futures::stream::iter(names).map(|name| async move {
        let key = ObjectKey {
            group_kind: GroupKind::new("apiextensions.k8s.io", "CustomResourceDefinition"),
            namespace: None,
            name,
        };
        cluster.read(&Target::of(&key)).await.ok().flatten()
    });
    let read: Vec<_> = read.buffered(AT_ONCE).collect().await;
    read.into_iter().flatten().map(|live| live.body).collect()
}
