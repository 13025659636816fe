//! From a render in memory to a plan of objects that are as they should be.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use kubemate::adapters::cluster::KubeCluster;
use kubemate::adapters::cluster::follow::Followed;
use kubemate::apply::cluster::Identity;
use kubemate::apply::prepare::look;
use kubemate::object::{GroupKind, Rendered, SET_LABEL};
use kubemate::plan::{Neighbours, Plan, Policy};

use crate::bed::{Bed, runtime};
use crate::table::{median, ms, over, ratios};
use crate::{objects, raw, timed};

/// Apps of four objects each.
const APPS: usize = 2_500;
/// What a plan may take, as a multiple of a paged LIST of the same objects.
const COLD: f64 = 1.5;
/// The same where watches say that nothing changed since the last plan.
const WARM: f64 = 0.2;

pub(crate) fn rows(rounds: usize) -> bool {
    runtime().block_on(compare(rounds))
}

async fn compare(rounds: usize) -> bool {
    let bed = Bed::start();
    let rendered = objects::apps(APPS, 0);
    raw::namespaces(&bed.client().await).await;
    let cluster = bed.cluster().await;
    let made = timed::apply(&cluster, &rendered, &plan(&cluster, &rendered).await).await;
    assert!(made.report.complete(), "not everything was applied");
    // What the controllers still have to do for new objects is over soon.
    tokio::time::sleep(Duration::from_secs(20)).await;
    let followed = followed(&bed, &rendered).await;
    let (mut times, mut size) = (Times::default(), (0, 0));
    for _ in 0..=rounds {
        let client = bed.client().await;
        let began = Instant::now();
        let (bytes, _) = raw::list(&client, &rendered, false).await;
        times.bare.push(began.elapsed());
        let client = bed.client().await;
        let began = Instant::now();
        let (_, items) = raw::list(&client, &rendered, true).await;
        times.read.push(began.elapsed());
        assert!(items >= rendered.objects.len(), "all objects are listed");
        let cluster = bed.cluster().await;
        times.cold.push(planned(&cluster, &rendered).await);
        times.warm.push(planned(&followed, &rendered).await);
        size = (bytes, items);
    }
    println!(
        "{} objects, {} KiB as JSON, medians of {rounds}\n",
        size.1,
        size.0 / 1024
    );
    times.judge()
}

/// What each way took, round by round.
#[derive(Default)]
struct Times {
    bare: Vec<Duration>,
    read: Vec<Duration>,
    cold: Vec<Duration>,
    warm: Vec<Duration>,
}

impl Times {
    fn judge(mut self) -> bool {
        // The first round warms the machine up.
        for times in [
            &mut self.bare,
            &mut self.read,
            &mut self.cold,
            &mut self.warm,
        ] {
            times.drain(..1);
        }
        println!("| what | time | of the LIST |");
        println!("|---|---|---|");
        println!(
            "| the bytes of a paged LIST | {} | |",
            ms(median(self.bare))
        );
        let read = ms(median(self.read.clone()));
        println!("| a paged LIST, read | {read} | 1 |");
        let row = |name: &str, times: Vec<Duration>, limit: f64| {
            let (low, middle, high) = ratios(&times, &self.read);
            let kept = middle <= limit;
            println!(
                "| {name} | {} | {middle:.2}, from {low:.2} to {high:.2} (at most {limit}){} |",
                ms(median(times)),
                over(kept)
            );
            kept
        };
        let cold = row("a plan, nothing known", self.cold, COLD);
        row("a plan with warm watches", self.warm, WARM) && cold
    }
}

/// How long a plan takes that has nothing to do.
async fn planned(cluster: &KubeCluster, rendered: &Rendered) -> Duration {
    let began = Instant::now();
    let plan = plan(cluster, rendered).await;
    let took = began.elapsed();
    assert!(plan.is_empty(), "nothing was changed");
    took
}

/// A connection that follows all kinds of a set, as the controller does, and has looked once.
async fn followed(bed: &Bed, rendered: &Rendered) -> KubeCluster {
    let cluster = bed.cluster().await;
    let kinds: BTreeSet<(GroupKind, String)> = rendered
        .objects
        .values()
        .map(|o| {
            (
                o.manifest.key.group_kind.clone(),
                o.manifest.api_version.clone(),
            )
        })
        .collect();
    for (kind, api_version) in kinds {
        let labels = format!("{SET_LABEL}={}", rendered.set.label());
        let cluster = cluster.clone();
        // Ends with the runtime.
        drop(tokio::spawn(async move {
            let followed = Followed {
                kind: &kind,
                api_version: &api_version,
                labels: &labels,
                keep: std::sync::Arc::new(|_| ()),
            };
            cluster.follow(followed, &mut |_| {}).await
        }));
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    let plan = plan(&cluster, rendered).await;
    assert!(plan.is_empty(), "nothing was changed");
    cluster
}

/// Loads what is owned, looks at everything, plans.
pub(crate) async fn plan(cluster: &KubeCluster, rendered: &Rendered) -> Plan {
    let beside = Neighbours::of([rendered]);
    let prepared = look(
        cluster,
        rendered,
        &Identity::Own,
        &Policy::default(),
        &beside,
    )
    .await;
    prepared.unwrap().plan
}
