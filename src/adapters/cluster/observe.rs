//! Reads everything a plan needs to know about one set.
//!
//! A label selects what is probably ours; what it does not show is read by name, and only a 404 for that
//! name says "absent". The server is asked for a dry-run only where the digests say that something
//! changed. What cannot be known is reported as unreadable or unverified, object by object.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt as _;
use futures::future::Either;
use rayon::prelude::*;

use crate::adapters::cluster::discovery::Catalogue;
use crate::adapters::cluster::item::Item;
use crate::adapters::cluster::missing::{
    changed_namespaces, missing_namespaces, namespace, unserved,
};
use crate::adapters::cluster::sightings::Verdicts;
use crate::adapters::cluster::trial::{
    cannot_change, claimed, defines, recreate, refusal, target, trial,
};
use crate::adapters::cluster::warm::{verdicts, warm};
use crate::adapters::cluster::{KubeCluster, contents, definitions, scalers, sealed, strays};
use crate::apply::cluster::{Cluster as _, Expect, Question, Target};
use crate::apply::problem::{Problem, ProblemKind};
use crate::object::along::Along;
use crate::object::{Desired, GroupKind, ObjectKey, Owner, SET_LABEL};
use crate::plan::claim;
use crate::plan::digest;
use crate::plan::inventory::Entry;
use crate::plan::mask::Mask;
use crate::plan::observed::{DryRun, Live, Observed, World};
use crate::plan::payload::payload;

/// Calls of one observation at once.
pub(super) const AT_ONCE: usize = 32;
/// How often an object that changed between the look and the question is looked at again.
const REPEATS: usize = 3;
/// From how many objects of a kind on they are listed first.
const LIST_FROM: usize = 6;

/// A kind in the version in which its objects are read.
type Version = (GroupKind, Option<String>);

/// What one object was found to be, before dry-runs; an error is the reason why nothing is known.
pub(super) type Found = Result<Option<Box<Live>>, String>;
/// What was found, by key.
pub(super) type Founds = BTreeMap<ObjectKey, Found>;

/// Reads the world of one set.
pub(super) async fn observe(
    cluster: &KubeCluster,
    question: Question<'_>,
) -> Result<World, Problem> {
    question.identity.check(&question.rendered.set)?;
    let cluster_uid = cluster.uid().await?;
    let catalogue = fresh_catalogue(cluster, question).await?;
    let warm = warm(cluster, question);
    let mut found = read_all(cluster, &catalogue, question, &warm).await;
    let missing = missing_namespaces(cluster, question, &found).await?;
    let unscaled = scalers::unscaled(cluster, &catalogue, question, &mut found).await;
    let asked = Asked {
        cluster,
        unscaled: &unscaled,
        catalogue: &catalogue,
        question,
        missing: &missing,
    };
    let (mut objects, open) = asked.sort_out(found);
    let judged: Vec<(ObjectKey, Observed)> = futures::stream::iter(open)
        .map(|(key, found)| asked.judge(key, found))
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    objects.extend(judged);
    let (mut verdicts, mut warm) = (verdicts(cluster, question, &objects), warm);
    let unread = warm.iter().map(|(key, verdict)| {
        let uid = verdict.uid.clone();
        (key.clone(), Observed::Unchanged { uid })
    });
    objects.append(&mut unread.collect());
    verdicts.append(&mut warm);
    cluster.sightings.remember(&question.rendered.set, verdicts);
    let quotas =
        contents::quotas(cluster, changed_namespaces(question, &objects, &missing)).await?;
    let contents = asked.contents(&objects).await;
    let definitions = definitions::of_unasked(cluster, &catalogue, &objects).await;
    let left_behind = strays::strays(cluster, &catalogue, question, &objects).await;
    let unopened = sealed::unopened(cluster, question, &objects);
    Ok(World {
        cluster_uid,
        definitions,
        objects,
        left_behind,
        unopened,
        discovery: catalogue.to_data(),
        contents,
        quotas,
        ..World::default()
    })
}

/// What is served, read anew if a kind of ours is missing, nobody vouched for all of it, or everything
/// in a namespace is to be found.
async fn fresh_catalogue(
    cluster: &KubeCluster,
    question: Question<'_>,
) -> Result<std::sync::Arc<Catalogue>, Problem> {
    let known = cluster.catalogue(false).await?;
    let mut last = None;
    let mut kinds = keys(question).map(|key| &key.group_kind);
    let missing =
        kinds.any(|kind| last.replace(kind) != Some(kind) && known.find(kind, None).is_none());
    // What falls with a namespace may be of a kind that is served since a moment ago.
    let mut tracked = question.inventory.entries.keys();
    let counted = tracked.any(|key| falls_with_all(question, key));
    if missing || counted || !known.complete() {
        cluster.catalogue(true).await
    } else {
        Ok(known)
    }
}

/// Everything wanted or tracked.
fn keys(question: Question<'_>) -> impl Iterator<Item = &ObjectKey> {
    let wanted = question.rendered.objects.keys();
    wanted.chain(gone(question))
}

/// Everything that is tracked and not wanted any more.
fn gone(question: Question<'_>) -> impl Iterator<Item = &ObjectKey> {
    let mut wanted = Along::new(&question.rendered.objects);
    let tracked = question.inventory.entries.keys();
    tracked.filter(move |key| wanted.find(key).is_none())
}

async fn read_all(
    cluster: &KubeCluster,
    catalogue: &Catalogue,
    question: Question<'_>,
    warm: &Verdicts,
) -> Founds {
    let mut kinds: BTreeMap<Version, Vec<ObjectKey>> = BTreeMap::new();
    let mut known = Along::new(warm);
    let wanted = question.rendered.objects.iter();
    let wanted = wanted.map(|(key, desired)| (key, Some(desired)));
    let unknown = wanted.filter(|(key, _)| known.find(key).is_none());
    // What is not wanted any more is never believed to be as it was.
    for (key, desired) in unknown.chain(gone(question).map(|key| (key, None))) {
        let version = desired.map(|d| d.manifest.api_version.clone());
        // A version that is not served any more says nothing about the object.
        let version = version.filter(|v| catalogue.find(&key.group_kind, Some(v)).is_some());
        kinds
            .entry((key.group_kind.clone(), version))
            .or_default()
            .push(key.clone());
    }
    let label = format!("{SET_LABEL}={}", question.rendered.set.label());
    let asked = (catalogue, question, label.as_str());
    let read = kinds
        .into_iter()
        .map(|(kind, keys)| read_kind(cluster, asked, kind, keys));
    let read: Vec<Vec<(ObjectKey, Found)>> = futures::stream::iter(read)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    read.into_iter().flatten().collect()
}

async fn read_kind(
    cluster: &KubeCluster,
    (catalogue, question, label): (&Catalogue, Question<'_>, &str),
    (group_kind, version): Version,
    keys: Vec<ObjectKey>,
) -> Vec<(ObjectKey, Found)> {
    if catalogue.find(&group_kind, None).is_none() {
        let found = unserved(cluster, catalogue, question, &group_kind).await;
        return keys
            .into_iter()
            .map(|key| (key, found.clone().map(|()| None)))
            .collect();
    }
    let mut listed = BTreeMap::new();
    if keys.len() >= LIST_FROM {
        // A list that fails costs time only: every key is then read by its name.
        listed = list_kind(cluster, (&group_kind, version.as_deref()), label)
            .await
            .unwrap_or_default();
    }
    let read = keys.into_iter().map(|key| {
        let live = listed.remove(&key);
        let sealed = sealed::of(question, &key).cloned().map(Box::new);
        let target = Target {
            key: key.clone(),
            api_version: version.clone(),
            sealed,
        };
        async move {
            let found = match live {
                Some(live) => Ok(Some(cluster.covered(live, target.sealed.as_deref()))),
                None => read_one(cluster, &target).await,
            };
            (key, found)
        }
    });
    let read: Vec<_> = read.collect();
    futures::stream::iter(read)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await
}

async fn read_one(cluster: &KubeCluster, target: &Target) -> Found {
    match cluster.read(target).await {
        Ok(live) => Ok(live.map(Box::new)),
        Err(problem) => Err(problem.to_string()),
    }
}

async fn list_kind(
    cluster: &KubeCluster,
    (group_kind, version): (&GroupKind, Option<&str>),
    label: &str,
) -> Result<BTreeMap<ObjectKey, Box<Live>>, Problem> {
    let resource = cluster.resource(group_kind, version).await?;
    let (api_version, kind) = (resource.api_version(), group_kind.clone());
    let read = move |Item { mut body, managed }: Item| {
        // In the order in which single objects are answered.
        body.shift_insert(0, "apiVersion".into(), api_version.as_str().into());
        body.shift_insert(1, "kind".into(), kind.kind.as_str().into());
        let text = |name| Some(body.get("metadata")?.get(name)?.as_str()?.to_owned());
        let key = ObjectKey {
            group_kind: kind.clone(),
            namespace: text("namespace"),
            name: text("name")?,
        };
        let live = Live::of(body.into(), managed);
        live.ok().map(|live| (key, Box::new(live)))
    };
    let path = resource.path(None);
    let items = cluster.items_as(&path, label, false, std::sync::Arc::new(read));
    Ok(items.await?.into_iter().collect())
}

/// What all objects' questions have in common.
struct Asked<'a> {
    cluster: &'a KubeCluster,
    catalogue: &'a Catalogue,
    question: Question<'a>,
    missing: &'a BTreeSet<String>,
    /// What nothing scales any more.
    unscaled: &'a BTreeSet<ObjectKey>,
}

impl Asked<'_> {
    /// What is known without asking the server anything more, worked out on all cores, and the rest.
    fn sort_out(&self, found: Founds) -> (BTreeMap<ObjectKey, Observed>, Vec<(ObjectKey, Found)>) {
        let wanted = |key: &ObjectKey| self.question.rendered.objects.get(key);
        let sorted: Vec<_> = found
            .into_par_iter()
            .map(|(key, found)| match (found, wanted(&key)) {
                (Ok(Some(live)), Some(desired)) => match self.standing(&live, desired) {
                    Some(dry_run) => {
                        Either::Left((key, Observed::Present(Box::new(live.with_dry_run(dry_run)))))
                    }
                    None => Either::Right((key, Ok(Some(live)))),
                },
                (found, _) => Either::Right((key, found)),
            })
            .collect();
        let (mut known, mut open) = (BTreeMap::new(), Vec::new());
        for one in sorted {
            match one {
                Either::Left((key, seen)) => drop(known.insert(key, seen)),
                Either::Right(found) => open.push(found),
            }
        }
        (known, open)
    }

    /// What stands in for a dry-run, unless the digests leave a question that only the server can
    /// answer.
    fn standing(&self, live: &Live, desired: &Desired) -> Option<DryRun> {
        let Question {
            rendered,
            inventory,
            policy,
            ..
        } = self.question;
        if live.deletion_timestamp.is_some() {
            return Some(DryRun::NotNeeded);
        }
        let entry = inventory.entries.get(&desired.manifest.key);
        let payload = payload(desired, &rendered.set, Some(live), policy);
        if digest::in_sync(&payload, live, entry) {
            return Some(DryRun::InSync);
        }
        let owned = entry.and_then(Entry::uid) == Some(live.uid.as_str());
        (owned && same_run(desired, entry)).then_some(DryRun::NotNeeded)
    }

    async fn judge(&self, key: ObjectKey, found: Found) -> (ObjectKey, Observed) {
        let desired = self.question.rendered.objects.get(&key);
        let seen = match (found, desired) {
            (Err(reason), _) => Ok(Observed::Unreadable { reason }),
            (Ok(None), None) => Ok(Observed::Absent {
                dry_run: DryRun::NotNeeded,
            }),
            (Ok(Some(live)), None) => Ok(Observed::Present(live)),
            (Ok(found), Some(desired)) => self.wanted(found, desired).await,
        };
        let seen = seen.unwrap_or_else(|problem: Problem| {
            let mask = Mask::new(&key.group_kind, desired.map(|desired| &desired.rules));
            let reason = problem.masked(&mask).to_string();
            Observed::Unreadable { reason }
        });
        (key, seen)
    }

    /// An object with what the server says to its write, both of one state: where it changes between
    /// the look and the question, it is looked at again, for an answer about another state would show
    /// the changes of others as ours. Where only its status moves, as in a rollout, the question is not
    /// bound to a version, and the answer holds if the rest is the same before and after it.
    async fn wanted(
        &self,
        mut found: Option<Box<Live>>,
        desired: &Desired,
    ) -> Result<Observed, Problem> {
        let (mut why, mut bound) = (String::new(), true);
        for _ in 0..=REPEATS {
            let before = found.as_deref().map(state);
            let content = found.as_deref().map(digest::mark);
            let answer = match found {
                Some(live) => self.present(live, desired, bound).await,
                None => self.absent(desired).await.map(absent),
            };
            let stale = matches!(&answer, Err(problem) if problem.kind == ProblemKind::Stale);
            if bound && !stale {
                return answer;
            }
            found = self.cluster.read(&target(desired)).await?.map(Box::new);
            let same = found.as_deref().map(digest::mark) == content;
            match answer {
                Err(problem) if stale => {
                    why = problem.to_string();
                    if found.as_deref().map(state) == before {
                        return Ok(answered(found, refusal(problem, desired)?));
                    }
                }
                answer if same => return answer,
                _ => {}
            }
            bound = !same;
        }
        let reason = format!("it changes all the time ({why})");
        Ok(answered(found, DryRun::Unverified { reason }))
    }

    async fn absent(&self, desired: &Desired) -> Result<DryRun, Problem> {
        let Question {
            rendered,
            policy,
            identity,
            inventory,
        } = self.question;
        let key = &desired.manifest.key;
        if same_run(desired, inventory.entries.get(key)) {
            return Ok(DryRun::NotNeeded);
        }
        if let Some(reason) = self.not_yet(desired) {
            return Ok(DryRun::Unverified { reason });
        }
        if let Some(reason) = sealed::closed(self.cluster, desired) {
            return Ok(DryRun::Unverified { reason });
        }
        let payload = payload(desired, &rendered.set, None, policy);
        trial(self.cluster, identity, desired, &payload, Expect::Absent).await
    }

    /// Why the server cannot be asked before the plan is carried out.
    fn not_yet(&self, desired: &Desired) -> Option<String> {
        let rendered = self.question.rendered;
        let key = &desired.manifest.key;
        if self.catalogue.find(&key.group_kind, None).is_none() {
            let GroupKind { group, kind } = &key.group_kind;
            let mut wanted = rendered.objects.values();
            let made = wanted.any(|other| defines(&other.manifest.body, group, kind));
            return Some(if made {
                "its CRD is created by this plan".into()
            } else {
                format!("the API server does not serve {}", key.group_kind)
            });
        }
        let name = key
            .namespace
            .as_ref()
            .filter(|name| self.missing.contains(*name))?;
        if rendered.objects.contains_key(&namespace(name)) {
            return Some("its namespace is created by this plan".into());
        }
        match rendered.set.owner {
            Owner::Tenant(_) => Some(format!("its namespace `{name}` does not exist yet")),
            Owner::Platform => None,
        }
    }

    async fn present(
        &self,
        mut live: Box<Live>,
        desired: &Desired,
        bound: bool,
    ) -> Result<Observed, Problem> {
        let Question {
            rendered,
            inventory,
            policy,
            identity,
        } = self.question;
        live.unscaled = self.unscaled.contains(&desired.manifest.key);
        if let Some(dry_run) = self.standing(&live, desired) {
            return Ok(answered(Some(live), dry_run));
        }
        if let Some(reason) = sealed::closed(self.cluster, desired) {
            return Ok(answered(Some(live), DryRun::Unverified { reason }));
        }
        let entry = inventory.entries.get(&desired.manifest.key);
        let payload = payload(desired, &rendered.set, Some(&live), policy);
        let claims = claim::claims(desired, &payload, &live, entry);
        let uid = live.uid.clone();
        let expect = match bound {
            true => Expect::unchanged(&live),
            false => Expect::Same { uid },
        };
        let dry_run = if claims.is_empty() {
            trial(self.cluster, identity, desired, &payload, expect).await?
        } else {
            let what = (desired, &payload);
            claimed(self.cluster, identity, what, (&live, expect), &claims).await?
        };
        if desired.rules.replace && cannot_change(&dry_run) {
            live.recreate = Some(recreate(self.cluster, identity, desired, &payload).await?);
        }
        Ok(answered(Some(live), dry_run))
    }

    /// What would go with the Namespaces and CRDs that are tracked and not wanted any more.
    async fn contents(
        &self,
        objects: &BTreeMap<ObjectKey, Observed>,
    ) -> BTreeMap<ObjectKey, crate::plan::observed::Contents> {
        let mut out = BTreeMap::new();
        for (key, seen) in objects {
            let Observed::Present(live) = seen else {
                continue;
            };
            if falls_with_all(self.question, key) {
                let (cluster, catalogue) = (self.cluster, self.catalogue);
                let found = contents::contents(cluster, catalogue, self.question, key, live).await;
                out.insert(key.clone(), found);
            }
        }
        out
    }
}

/// Whether an object that is not wanted any more takes others with it.
fn falls_with_all(question: Question<'_>, key: &ObjectKey) -> bool {
    let GroupKind { group, kind } = &key.group_kind;
    let holds = (kind == "Namespace" && group.is_empty())
        || (kind == "CustomResourceDefinition" && group == "apiextensions.k8s.io");
    holds && !question.rendered.objects.contains_key(key)
}

fn absent(dry_run: DryRun) -> Observed {
    Observed::Absent { dry_run }
}

/// Which object it is, in which state.
fn state(live: &Live) -> (String, String) {
    (live.uid.clone(), live.resource_version.clone())
}

/// What was found, with an answer.
fn answered(found: Option<Box<Live>>, dry_run: DryRun) -> Observed {
    match found {
        Some(live) => Observed::Present(Box::new(live.with_dry_run(dry_run))),
        None => absent(dry_run),
    }
}

/// Whether this run of something that runs to completion was started before.
fn same_run(desired: &Desired, entry: Option<&Entry>) -> bool {
    let key = desired.rules.run_key.as_ref();
    let before = entry
        .and_then(Entry::record)
        .and_then(|record| record.run_key.as_ref());
    key.is_some() && key == before
}
