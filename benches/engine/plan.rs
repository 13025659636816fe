//! From a render in memory to a plan of objects that are as they should be.

use std::time::{Duration, Instant};

use kubemate::adapters::cluster::KubeCluster;
use kubemate::apply::cluster::Identity;
use kubemate::apply::prepare::look;
use kubemate::object::Rendered;
use kubemate::plan::{Neighbours, Plan, Policy};

use crate::bed::{Bed, runtime};
use crate::table::{median, ms, over, ratios};
use crate::{objects, raw, timed};

/// Apps of four objects each.
const APPS: usize = 2_500;
/// What a plan may take, as a multiple of a paged LIST of the same objects.
const COLD: f64 = 1.5;

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
    let mut size = (0, 0);
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
        assert!(items >= rendered.objects.len(), "all objects are listed");
        size = (bytes, items);
    }
    // The first round warms the machine up.
    for times in [&mut bare, &mut read, &mut cold] {
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
    kept
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
