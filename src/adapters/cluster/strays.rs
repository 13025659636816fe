//! Objects with the marks of a set that its inventory does not have: looked for where the inventory is
//! seen to be lost or old, that is, where an object that we made and still want is missing in it.
//!
//! Nothing is decided by this, it is only told. So a kind that cannot be listed is passed over.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use serde_json::Value;

use crate::adapters::cluster::KubeCluster;
use crate::adapters::cluster::contents::REPORTS;
use crate::adapters::cluster::discovery::{Catalogue, Resource};
use crate::adapters::cluster::observe::AT_ONCE;
use crate::apply::cluster::Question;
use crate::object::along::Along;
use crate::object::{ObjectKey, SET_LABEL};
use crate::plan::managed::Managed;
use crate::plan::observed::{Live, Observed};

/// Objects at most that are told.
const MOST: usize = 1000;

/// What bears the set's marks and is neither wanted nor in the inventory; empty where the inventory
/// gives no reason to look.
pub(super) async fn strays(
    cluster: &KubeCluster,
    catalogue: &Catalogue,
    question: Question<'_>,
    objects: &BTreeMap<ObjectKey, Observed>,
) -> Vec<ObjectKey> {
    let label = question.rendered.set.label();
    let mut entries = Along::new(&question.inventory.entries);
    let forgotten = |(key, seen): (&ObjectKey, &Observed)| match seen {
        Observed::Present(live) => entries.find(key).is_none() && is_ours(live, &label),
        Observed::Absent { .. } | Observed::Unreadable { .. } | Observed::Unchanged { .. } => false,
    };
    if !objects.iter().any(forgotten) {
        return Vec::new();
    }
    let selector = format!("{SET_LABEL}={label}");
    let kinds: Vec<Resource> = catalogue.listable().cloned().collect();
    let lists = futures::stream::iter(kinds).map(|kind| {
        let selector = &selector;
        async move {
            let items = cluster.items(&kind.path(None), selector, true).await;
            (kind, items.unwrap_or_default())
        }
    });
    let lists: Vec<_> = lists.buffer_unordered(AT_ONCE).collect().await;
    let keys = lists
        .iter()
        .flat_map(|(kind, items)| items.iter().filter_map(|item| made(kind, item)));
    let mut left: Vec<ObjectKey> = keys.filter(|key| !objects.contains_key(key)).collect();
    left.sort();
    left.truncate(MOST);
    left
}

fn is_ours(live: &Live, label: &str) -> bool {
    live.label(SET_LABEL) == Some(label) && live.managed.has_our_apply()
}

/// The key of an object that we applied; labels alone are copied by controllers.
fn made(kind: &Resource, item: &Value) -> Option<ObjectKey> {
    let text = |pointer| item.pointer(pointer).and_then(Value::as_str);
    let reports = REPORTS.contains(&kind.group_kind.kind.as_str());
    if reports || !Managed::of(item).has_our_apply() {
        return None;
    }
    Some(ObjectKey {
        group_kind: kind.group_kind.clone(),
        namespace: text("/metadata/namespace").map(str::to_owned),
        name: text("/metadata/name")?.to_owned(),
    })
}
