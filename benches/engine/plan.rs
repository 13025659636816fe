//! From a render in memory to a plan of objects that are as they should be.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use kubemate::adapters::cluster::{KubeCluster, follow};
use kubemate::apply::cluster::Identity;
use kubemate::apply::prepare::look;
use kubemate::object::{Rendered, SET_LABEL};
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
    let (mut bare, mut read, mut cold) = (Vec::new(), Vec::new(), Vec::new());
    let (mut warm, mut size) = (Vec::new(), (0, 0));
    let followed = followed(&bed, &rendered).await;
    for _ in 0..=rounds {
        let client = bed.client().await;
        let began = Instant::now();
        let (bytes, _) = raw::list(&client, &rendered, false).await;
        bare.push(began.elapsed());
        let client = bed.client().await;
        let began = Instant::now();
        let (_, items) = raw::list(&client, &rendered, true).await;
        read.push(began.elapsed());
        let cluster = bed.cluster().await;
        let began = Instant::now();
        let plan = plan(&cluster, &rendered).await;
        cold.push(began.elapsed());
        assert!(plan.is_empty(), "nothing was changed");
        let began = Instant::now();
        let plan = self::plan(&followed, &rendered).await;
        warm.push(began.elapsed());
        assert!(plan.is_empty(), "nothing was changed");
        assert!(items >= rendered.objects.len(), "all objects are listed");
        size = (bytes, items);
    }
    // The first round warms the machine up.
    for times in [&mut bare, &mut read, &mut cold, &mut warm] {
        times.drain(..1);
    }
    let (bytes, items) = size;
    println!(
        "{items} objects, {} KiB as JSON, medians of {rounds}\n",
        bytes / 1024
    );
    println!("| what | time | of the LIST |");
    println!("|---|---|---|");
    println!(
        "| the bytes of a paged LIST | {} | |",
        ms(median(bare.clone()))
    );
    println!("| a paged LIST, read | {} | 1 |", ms(median(read.clone())));
    let (low, middle, high) = ratios(&cold, &read);
    let kept = middle <= COLD;
    println!(
        "| a plan, nothing known | {} | {middle:.2}, from {low:.2} to {high:.2} (at most {COLD}){} |",
        ms(median(cold)),
        over(kept)
    );
    let (low, middle, high) = ratios(&warm, &read);
    let warm_kept = middle <= WARM;
    println!(
        "| a plan with warm watches | {} | {middle:.2}, from {low:.2} to {high:.2} (at most {WARM}){} |",
        ms(median(warm)),
        over(warm_kept)
    );
    kept && warm_kept
}

/// A connection that follows all kinds of a set, as the controller does, and has looked once.
async fn followed(bed: &Bed, rendered: &Rendered) -> KubeCluster {
    let cluster = bed.cluster().await;
    let (tell, _) = tokio::sync::mpsc::channel(1);
    let kinds: BTreeSet<(String, String)> = rendered
        .objects
        .values()
        .map(|o| {
            (
                o.manifest.api_version.clone(),
                o.manifest.key.group_kind.kind.clone(),
            )
        })
        .collect();
    for (api_version, kind) in kinds {
        let labels = format!("{SET_LABEL} in ({})", rendered.set.label());
        let watched = (api_version, kind, labels);
        let client = cluster.client().unwrap();
        // Ends with the runtime.
        drop(tokio::spawn(follow(
            client,
            cluster.sightings(),
            watched,
            tell.clone(),
        )));
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
