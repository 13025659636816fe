//! Everything that stands in some namespaces, for bringing it in.

use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::Value;

use super::KubeCluster;
use super::discovery::Resource;
use super::observe::AT_ONCE;
use super::request::{Request, segment};
use crate::apply::cluster::Identity;
use crate::apply::problem::Problem;

/// Kinds that the cluster makes by itself, most of them in great numbers.
const MADE: [&str; 8] = [
    "ControllerRevision",
    "Endpoints",
    "EndpointSlice",
    "Event",
    "Lease",
    "PodMetrics",
    "ReplicaSet",
    "PodTemplate",
];

/// What was read, and what could not be.
#[derive(Debug, Default)]
pub struct Exported {
    /// The objects, with the namespaces themselves.
    pub objects: Vec<Value>,
    /// Kinds that could not be listed, and why.
    pub unread: Vec<(String, String)>,
}

impl KubeCluster {
    /// Reads everything in these namespaces but what the cluster makes by itself, and pods of workloads.
    ///
    /// # Errors
    /// The cluster cannot be reached, or has no such namespace. A kind that may not be listed is named
    /// in the answer instead.
    pub async fn export(&self, namespaces: &[String]) -> Result<Exported, Problem> {
        let catalogue = self.catalogue(false).await?;
        let mut out = Exported::default();
        if !catalogue.complete() {
            out.unread
                .push(("some kinds".into(), "not every API group answered".into()));
        }
        for namespace in namespaces {
            let path = format!("/api/v1/namespaces/{}", segment(namespace));
            let request = Request::get(path, format!("read Namespace/{namespace}"));
            out.objects.push(self.json(&Identity::Own, &request).await?);
            let kinds: Vec<Resource> = catalogue
                .namespaced()
                .filter(|kind| !MADE.contains(&kind.group_kind.kind.as_str()))
                .cloned()
                .collect();
            let lists = futures::stream::iter(kinds).map(|kind| async move {
                let listed = self.items(&kind.path(Some(namespace)), "", false).await;
                Ok::<_, Problem>((kind, listed))
            });
            let lists: Vec<_> = lists.buffered(AT_ONCE).try_collect().await?;
            for (kind, listed) in lists {
                match listed {
                    Ok(items) => out
                        .objects
                        .extend(items.into_iter().filter_map(|item| whole(item, &kind))),
                    Err(problem) => out.unread.push((
                        format!("{} in {namespace}", kind.group_kind),
                        problem.to_string(),
                    )),
                }
            }
        }
        Ok(out)
    }
}

/// An item of a list, which does not say what it is; none for pods that something else made.
fn whole(mut item: Value, kind: &Resource) -> Option<Value> {
    let made = item
        .pointer("/metadata/ownerReferences")
        .and_then(Value::as_array)
        .is_some_and(|owners| !owners.is_empty());
    if made && kind.group_kind.kind == "Pod" {
        return None;
    }
    let map = item.as_object_mut()?;
    map.insert("apiVersion".into(), kind.api_version().into());
    map.insert("kind".into(), kind.group_kind.kind.as_str().into());
    Some(item)
}
