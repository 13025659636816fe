//! Reads everything a plan needs to know about one set.
//!
//! The server is asked for a dry-run only where the digests say that something changed. What cannot be
//! known is reported as unreadable or unverified, object by object.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt as _;
use futures::future::Either;
use rayon::prelude::*;

use crate::adapters::cluster::discovery::Catalogue;
use crate::adapters::cluster::found::{About, Found, Founds, gone, read_all};
use crate::adapters::cluster::missing::{changed_namespaces, missing_namespaces, namespace};
use crate::adapters::cluster::trial::{
    cannot_change, claimed, defines, recreate, refusal, target, trial,
};
use crate::adapters::cluster::warm::{verdicts, warm};
use crate::adapters::cluster::{KubeCluster, contents, definitions, scalers, sealed, strays};
use crate::apply::cluster::{Cluster as _, Expect, Question};
use crate::apply::problem::{Problem, ProblemKind};
use crate::object::{Desired, GroupKind, ObjectKey, Owner};
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
    let missing = missing_namespaces(cluster, &found).await?;
    let unscaled = scalers::unscaled(cluster, &catalogue, &mut found).await;
    let asked = Asked {
        cluster,
        unscaled: &unscaled,
        catalogue: &catalogue,
        question,
        missing: &missing,
    };
    let (mut objects, open) = asked.sort_out(found);
    let open = open.into_iter();
    let open: Vec<_> = open
        .map(|(about, found)| asked.judge(about, found))
        .collect();
    let judged: Vec<(ObjectKey, Observed)> = futures::stream::iter(open)
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
    wanted.chain(gone(question).map(|about| about.key))
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
    fn sort_out<'q>(&self, found: Founds<'q>) -> (BTreeMap<ObjectKey, Observed>, Founds<'q>) {
        let sorted: Vec<_> = found
            .into_par_iter()
            .map(|(about, found)| match (found, about.desired) {
                (Ok(Some(live)), Some(desired)) => match self.standing(&live, desired, about.entry)
                {
                    Some(dry_run) => {
                        Either::Left((about.key.clone(), answered(Some(live), dry_run)))
                    }
                    None => Either::Right((about, Ok(Some(live)))),
                },
                (found, _) => Either::Right((about, found)),
            })
            .collect();
        let (mut known, mut open) = (Vec::with_capacity(sorted.len()), Vec::new());
        for one in sorted {
            match one {
                Either::Left(seen) => known.push(seen),
                Either::Right(found) => open.push(found),
            }
        }
        (known.into_iter().collect(), open)
    }

    /// What stands in for a dry-run, unless the digests leave a question that only the server can
    /// answer.
    fn standing(&self, live: &Live, desired: &Desired, entry: Option<&Entry>) -> Option<DryRun> {
        let Question {
            rendered, policy, ..
        } = self.question;
        if live.deletion_timestamp.is_some() {
            return Some(DryRun::NotNeeded);
        }
        let payload = payload(desired, &rendered.set, Some(live), policy);
        if digest::in_sync(&payload, live, entry) {
            return Some(DryRun::InSync);
        }
        let owned = entry.and_then(Entry::uid) == Some(live.uid.as_str());
        (owned && same_run(desired, entry)).then_some(DryRun::NotNeeded)
    }

    async fn judge(&self, about: About<'_>, found: Found) -> (ObjectKey, Observed) {
        let About { key, desired, .. } = about;
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
        (key.clone(), seen)
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
        let entry = inventory.entries.get(&desired.manifest.key);
        if let Some(dry_run) = self.standing(&live, desired, entry) {
            return Ok(answered(Some(live), dry_run));
        }
        if let Some(reason) = sealed::closed(self.cluster, desired) {
            return Ok(answered(Some(live), DryRun::Unverified { reason }));
        }
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
        Some(mut live) => {
            live.dry_run = dry_run;
            Observed::Present(live)
        }
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
