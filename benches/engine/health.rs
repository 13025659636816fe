//! Apps from nothing until all of them are healthy.

use std::time::{Duration, Instant};

use crate::bed::{Bed, runtime};
use crate::table::{median, over, ratios, seconds};
use crate::{objects, plan, raw, timed};

/// Apps of four objects each.
const APPS: usize = 1_000;
/// What it may take, as a multiple of a client that applies and waits.
const LIMIT: f64 = 1.15;

pub(crate) fn rows(rounds: usize) -> bool {
    let (mut bare, mut ours, mut with_plan) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        bare.push(runtime().block_on(bare_run()));
        let (planned, applied) = runtime().block_on(our_run());
        ours.push(applied);
        with_plan.push(planned + applied);
    }
    let (low, middle, high) = ratios(&ours, &bare);
    let kept = middle <= LIMIT;
    println!(
        "{APPS} × (Deployment, Service, ConfigMap, ServiceAccount) on an empty control plane, medians of {rounds}\n"
    );
    println!("| what | time | of the raw client's |");
    println!("|---|---|---|");
    println!(
        "| raw client that applies and waits | {} | 1 |",
        seconds(median(bare.clone()))
    );
    println!(
        "| apply until all are healthy | {} | {middle:.2}, from {low:.2} to {high:.2} (at most {LIMIT}){} |",
        seconds(median(ours)),
        over(kept)
    );
    let (_, middle, _) = ratios(&with_plan, &bare);
    println!(
        "| the same with its plan | {} | {middle:.2} |",
        seconds(median(with_plan))
    );
    kept
}

async fn bare_run() -> Duration {
    let bed = Bed::start();
    let client = bed.client().await;
    raw::namespaces(&client).await;
    raw::apply_and_wait(&client, &objects::apps(APPS, 1)).await
}

async fn our_run() -> (Duration, Duration) {
    let bed = Bed::start();
    raw::namespaces(&bed.client().await).await;
    let (cluster, rendered) = (bed.cluster().await, objects::apps(APPS, 1));
    let began = Instant::now();
    let plan = plan::plan(&cluster, &rendered).await;
    let planned = began.elapsed();
    let made = timed::apply(&cluster, &rendered, &plan).await;
    assert!(made.report.complete() && made.report.healthy());
    (planned, made.whole)
}
