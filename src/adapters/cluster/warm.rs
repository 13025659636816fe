//! Which objects need not be read, and which will need not the next time. Where in doubt, they are read.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::adapters::cluster::KubeCluster;
use crate::adapters::cluster::sealed;
use crate::adapters::cluster::sightings::{self, Verdict, Verdicts};
use crate::apply::cluster::{Cluster as _, Question};
use crate::health::health;
use crate::object::ObjectKey;
use crate::object::along::Along;
use crate::plan::observed::{DryRun, Observed};
use crate::plan::payload::is_scaled;

/// Objects that need not be read: they stand where they were when they were last judged, and neither
/// Git nor our records say anything else about them than then.
pub(super) fn warm(cluster: &KubeCluster, question: Question<'_>) -> Verdicts {
    let standing = cluster.sightings.warm(&question.rendered.set);
    let policy = sightings::print_of_policy(question.policy);
    let mut desired = Along::new(&question.rendered.objects);
    let mut entries = Along::new(&question.inventory.entries);
    let known = standing.into_iter().filter_map(|(key, verdict)| {
        let both = desired.find(&key).zip(entries.find(&key))?;
        Some((key, verdict, both))
    });
    let known: Vec<_> = known.collect();
    let same = known
        .into_par_iter()
        .filter(|(_, verdict, (desired, entry))| {
            entry.uid() == Some(verdict.uid.as_str())
                && sightings::print(desired, entry, &policy) == verdict.print
        });
    let same: Vec<_> = same.map(|(key, verdict, _)| (key, verdict)).collect();
    same.into_iter().collect()
}

/// What need not be read the next time, if it is followed.
pub(super) fn verdicts(
    cluster: &KubeCluster,
    question: Question<'_>,
    objects: &BTreeMap<ObjectKey, Observed>,
) -> Verdicts {
    if !cluster.sightings.any() {
        return Verdicts::new();
    }
    let (policy, now) = (sightings::print_of_policy(question.policy), cluster.now());
    let verdict = |key: &ObjectKey, seen: &Observed| {
        let Observed::Present(live) = seen else {
            return None;
        };
        // Arithmetic with quotas needs to know what is used.
        let needed = key.group_kind.kind == "ResourceQuota";
        if needed || live.dry_run != DryRun::InSync || !health(&live.body, now).is_settled() {
            return None;
        }
        let desired = question.rendered.objects.get(key)?;
        // What cannot be opened was not compared: with a key, the next look sees more.
        if sealed::closed(cluster, desired).is_some() {
            return None;
        }
        // What scales it may go without a trace in it.
        if is_scaled(desired, live) {
            return None;
        }
        let entry = question.inventory.entries.get(key)?;
        Some(Verdict {
            uid: live.uid.clone(),
            version: live.resource_version.clone(),
            print: sightings::print(desired, entry, &policy),
        })
    };
    let known = objects
        .par_iter()
        .filter_map(|(key, seen)| Some((key.clone(), verdict(key, seen)?)));
    let known: Vec<_> = known.collect();
    known.into_iter().collect()
}
