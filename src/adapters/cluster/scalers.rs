//! Which objects nothing scales any more, though the number of their pods still bears the name of what
//! did: the server keeps that name when an autoscaler goes.

use std::collections::BTreeSet;

use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::Value;

use crate::adapters::cluster::KubeCluster;
use crate::adapters::cluster::discovery::Catalogue;
use crate::adapters::cluster::found::{About, Found};
use crate::adapters::cluster::observe::AT_ONCE;
use crate::apply::problem::Problem;
use crate::object::{GroupKind, ObjectKey};
use crate::plan::payload::{SCALERS, is_scaled};

/// Namespace, kind and name of what is scaled.
type Scaled = (String, String, String);

/// The wanted objects that something seems to scale, of which it was seen that nothing does. Empty where
/// that cannot be known. What was found of them says so, too.
pub(super) async fn unscaled(
    cluster: &KubeCluster,
    catalogue: &Catalogue,
    found: &mut [(About<'_>, Found)],
) -> BTreeSet<ObjectKey> {
    let scaled = found.iter().filter(|(about, found)| seems(about, found));
    let mut open: BTreeSet<ObjectKey> = scaled.map(|(about, _)| about.key.clone()).collect();
    let known = SCALERS.iter().all(|(group, ..)| catalogue.knows(group));
    if open.is_empty() || !known {
        return BTreeSet::new();
    }
    let spaces = open.iter().filter_map(|key| key.namespace.clone());
    let spaces: BTreeSet<String> = spaces.collect();
    let served = SCALERS.iter().filter_map(|(group, kind, target)| {
        let kind = GroupKind::new(group, kind);
        catalogue
            .find(&kind, None)
            .is_some()
            .then_some((kind, *target))
    });
    let served: Vec<(GroupKind, &str)> = served.collect();
    let asked = spaces.iter().flat_map(|space| {
        served
            .iter()
            .map(move |(kind, target)| (space, kind, *target))
    });
    let asked = asked.map(|(space, kind, target)| scaled_in(cluster, space, kind, target));
    let asked: Vec<_> = asked.collect();
    let scaled: Result<Vec<BTreeSet<Scaled>>, Problem> = futures::stream::iter(asked)
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await;
    match scaled {
        Ok(scaled) => {
            let scaled: BTreeSet<Scaled> = scaled.into_iter().flatten().collect();
            open.retain(|key| {
                let space = key.namespace.clone().unwrap_or_default();
                let kind = key.group_kind.kind.clone();
                !scaled.contains(&(space, kind, key.name.clone()))
            });
            for (about, found) in found {
                if let Ok(Some(live)) = found {
                    live.unscaled |= open.contains(about.key);
                }
            }
            open
        }
        Err(_) => BTreeSet::new(),
    }
}

/// Whether something seems to scale a wanted object.
fn seems(about: &About<'_>, found: &Found) -> bool {
    let live = found.as_ref().ok().and_then(Option::as_deref);
    let both = about.desired.zip(live);
    both.is_some_and(|(desired, live)| is_scaled(desired, live))
}

/// What is scaled in a namespace by objects of one kind.
async fn scaled_in(
    cluster: &KubeCluster,
    space: &str,
    kind: &GroupKind,
    target: &str,
) -> Result<BTreeSet<Scaled>, Problem> {
    let resource = cluster.resource(kind, None).await?;
    let items = cluster
        .items(&resource.path(Some(space)), "", false)
        .await?;
    let of = |item: &Value| {
        let target = item.pointer(target)?;
        let text = |name| target.get(name).and_then(Value::as_str);
        // KEDA's word for nothing said.
        let kind = text("kind").unwrap_or("Deployment").to_owned();
        Some((space.to_owned(), kind, text("name")?.to_owned()))
    };
    Ok(items.iter().filter_map(of).collect())
}
