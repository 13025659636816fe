//! What is there of a set's objects: most are shown by lists, the rest is read by name, and only a 404 for
//! that name says "absent".
//!
//! Everything goes in the order of keys, so that ten thousand objects are put together by walking along
//! sorted lists and no key is ever looked up.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::sync::Arc;

use futures::StreamExt as _;

use crate::adapters::cluster::KubeCluster;
use crate::adapters::cluster::discovery::Catalogue;
use crate::adapters::cluster::item::Item;
use crate::adapters::cluster::missing::unserved;
use crate::adapters::cluster::observe::AT_ONCE;
use crate::adapters::cluster::sightings::Verdicts;
use crate::apply::cluster::{Cluster as _, Question, Target};
use crate::apply::problem::Problem;
use crate::object::along::Along;
use crate::object::sealed::Sealed;
use crate::object::{Desired, GroupKind, ObjectKey, SET_LABEL};
use crate::plan::inventory::Entry;
use crate::plan::observed::Live;

/// From how many objects of a kind on they are listed first.
const LIST_FROM: usize = 6;

/// An object to look at, and what Git and the inventory say of it.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) key: &'a ObjectKey,
    pub(super) desired: Option<&'a Desired>,
    pub(super) entry: Option<&'a Entry>,
}

/// What one object was found to be, before dry-runs; an error is the reason why nothing is known.
pub(super) type Found = Result<Option<Box<Live>>, String>;
/// What was found, in the order of keys.
pub(super) type Founds<'a> = Vec<(About<'a>, Found)>;

/// A kind in the version in which its objects are read.
type Version<'a> = (&'a GroupKind, Option<&'a str>);
/// Namespace and name: by these the objects of one kind differ.
type Place = (Option<String>, String);

impl<'a> About<'a> {
    /// The encrypted file of a wanted object, if it has one.
    fn sealed(&self) -> Option<&'a Sealed> {
        self.desired?.rules.sealed.as_deref()
    }
}

/// Everything that is wanted.
fn wanted(question: Question<'_>) -> impl Iterator<Item = About<'_>> {
    let mut entries = Along::new(&question.inventory.entries);
    let wanted = question.rendered.objects.iter();
    wanted.map(move |(key, desired)| About {
        key,
        desired: Some(desired),
        entry: entries.find(key),
    })
}

/// Everything that is tracked and not wanted any more.
pub(super) fn gone(question: Question<'_>) -> impl Iterator<Item = About<'_>> {
    let mut wanted = Along::new(&question.rendered.objects);
    let tracked = question.inventory.entries.iter();
    let gone = tracked.filter(move |(key, _)| wanted.find(key).is_none());
    gone.map(|(key, entry)| About {
        key,
        desired: None,
        entry: Some(entry),
    })
}

/// Reads everything that is wanted or tracked, but what is known to be as it was.
pub(super) async fn read_all<'a>(
    cluster: &KubeCluster,
    catalogue: &Catalogue,
    question: Question<'a>,
    warm: &Verdicts,
) -> Founds<'a> {
    let kinds = unread(catalogue, question, warm);
    let label = format!("{SET_LABEL}={}", question.rendered.set.label());
    let asked = (catalogue, question, label.as_str());
    let read = kinds
        .into_iter()
        .map(|(kind, abouts)| read_kind(cluster, asked, kind, abouts));
    let read: Vec<_> = read.collect();
    let read: Vec<Founds<'a>> = futures::stream::iter(read)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let mut found: Founds<'a> = read.into_iter().flatten().collect();
    found.sort_by_key(|(about, _)| about.key);
    found
}

/// What is to be read, by kind.
fn unread<'a>(
    catalogue: &Catalogue,
    question: Question<'a>,
    warm: &Verdicts,
) -> BTreeMap<Version<'a>, Vec<About<'a>>> {
    let mut kinds: BTreeMap<Version<'a>, Vec<About<'a>>> = BTreeMap::new();
    let mut known = Along::new(warm);
    let unknown = wanted(question).filter(|about| known.find(about.key).is_none());
    let mut served = None;
    // What is not wanted any more is never believed to be as it was.
    for about in unknown.chain(gone(question)) {
        let version = about.desired.map(|d| d.manifest.api_version.as_str());
        let asked: Version<'a> = (&about.key.group_kind, version);
        // Objects of one kind follow each other.
        let kind = match served {
            Some((last, kind)) if last == asked => kind,
            _ => readable(catalogue, asked),
        };
        served = Some((asked, kind));
        kinds.entry(kind).or_default().push(about);
    }
    kinds
}

/// A version that is not served any more says nothing about an object.
fn readable<'a>(catalogue: &Catalogue, (kind, version): Version<'a>) -> Version<'a> {
    let served = |version: &&str| catalogue.find(kind, Some(version)).is_some();
    (kind, version.filter(served))
}

async fn read_kind<'a>(
    cluster: &KubeCluster,
    (catalogue, question, label): (&Catalogue, Question<'a>, &str),
    kind: Version<'a>,
    mut abouts: Vec<About<'a>>,
) -> Founds<'a> {
    if catalogue.find(kind.0, None).is_none() {
        let found = unserved(cluster, catalogue, question, kind.0).await;
        return abouts
            .into_iter()
            .map(|about| (about, found.clone().map(|()| None)))
            .collect();
    }
    let mut listed = Vec::new();
    if abouts.len() >= LIST_FROM {
        // A list that fails costs time only: every key is then read by its name.
        listed = list_kind(cluster, kind, label).await.unwrap_or_default();
    }
    abouts.sort_by_key(|about| about.key);
    let mut listed = Listed::new(listed);
    let (mut found, mut open) = (Vec::with_capacity(abouts.len()), Vec::new());
    for about in abouts {
        match listed.take(about.key) {
            Some(live) => found.push((about, Ok(Some(cluster.covered(live, about.sealed()))))),
            None => open.push(read_one(cluster, about, kind.1)),
        }
    }
    let read: Founds<'a> = futures::stream::iter(open)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    found.extend(read);
    found
}

async fn read_one<'a>(
    cluster: &KubeCluster,
    about: About<'a>,
    version: Option<&str>,
) -> (About<'a>, Found) {
    let target = Target {
        key: about.key.clone(),
        api_version: version.map(str::to_owned),
        sealed: about.sealed().cloned().map(Box::new),
    };
    let found = match cluster.read(&target).await {
        Ok(live) => Ok(live.map(Box::new)),
        Err(problem) => Err(problem.to_string()),
    };
    (about, found)
}

async fn list_kind(
    cluster: &KubeCluster,
    (group_kind, version): Version<'_>,
    label: &str,
) -> Result<Vec<(Place, Box<Live>)>, Problem> {
    let resource = cluster.resource(group_kind, version).await?;
    let (api_version, kind) = (resource.api_version(), group_kind.kind.clone());
    let read = move |Item { mut body, managed }: Item| {
        // In the order in which single objects are answered.
        body.shift_insert(0, "apiVersion".into(), api_version.as_str().into());
        body.shift_insert(1, "kind".into(), kind.as_str().into());
        let text = |name| Some(body.get("metadata")?.get(name)?.as_str()?.to_owned());
        let place: Place = (text("namespace"), text("name")?);
        let live = Live::of(body.into(), managed);
        live.ok().map(|live| (place, Box::new(live)))
    };
    let path = resource.path(None);
    cluster.items_as(&path, label, false, Arc::new(read)).await
}

/// What a list shows of one kind, handed out in the order of keys.
struct Listed<T> {
    rest: Peekable<std::vec::IntoIter<(Place, T)>>,
}

impl<T> Listed<T> {
    fn new(mut items: Vec<(Place, T)>) -> Self {
        items.sort_by(|(one, _), (other, _)| one.cmp(other));
        Self {
            rest: items.into_iter().peekable(),
        }
    }

    /// What is at the place of a key. Keys are asked for in ascending order, each of them once.
    fn take(&mut self, key: &ObjectKey) -> Option<T> {
        let wanted = (key.namespace.as_deref(), key.name.as_str());
        let mut found = None;
        while let Some((place, item)) = self.rest.next_if(|(place, _)| at(place) <= wanted) {
            // Of what is shown twice, the last is the latest.
            if at(&place) == wanted {
                found = Some(item);
            }
        }
        found
    }
}

fn at((namespace, name): &Place) -> (Option<&str>, &str) {
    (namespace.as_deref(), name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_from_a_list_is_what_a_map_has() {
        let places = [
            (None, "b"),
            (Some("a"), "a"),
            (Some("a"), "b"),
            (Some("a-b"), "a"),
        ];
        let key = |(namespace, name): (Option<&str>, &str)| ObjectKey {
            group_kind: GroupKind::new("", "K"),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        };
        // Each place may be shown and asked for, in the order of the server or not, and twice.
        for bits in 0_u32..1 << 9 {
            let of = |shift: usize| (0..4_usize).filter(move |at| bits >> (shift + at) & 1 == 1);
            let mut shown: Vec<(ObjectKey, u32)> = of(0)
                .chain(of(0))
                .zip(0..)
                .map(|(place, number)| (key(places[place]), number))
                .collect();
            if bits >> 8 == 1 {
                shown.reverse();
            }
            let items = shown
                .iter()
                .map(|(key, number)| ((key.namespace.clone(), key.name.clone()), *number));
            let mut listed = Listed::new(items.collect());
            let map: BTreeMap<ObjectKey, u32> = shown.iter().cloned().collect();
            for place in of(4) {
                let key = key(places[place]);
                assert_eq!(listed.take(&key), map.get(&key).copied(), "{bits:b}");
            }
        }
    }
}
