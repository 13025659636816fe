//! The first apply of many objects, from the first call that changes something to the last.

use std::time::Duration;

use crate::bed::{Bed, runtime};
use crate::table::{median, over, rate, ratios, seconds};
use crate::{objects, plan, raw, timed};

const OBJECTS: usize = 5_000;
/// What share of the raw client's objects per second is asked for.
const SHARE: f64 = 0.9;

pub(crate) fn rows(rounds: usize) -> bool {
    let (mut bare, mut ours, mut calls) = (Vec::new(), Vec::new(), 0);
    for _ in 0..rounds {
        bare.push(runtime().block_on(bare_run()));
        let (took, made) = runtime().block_on(our_run());
        ours.push(took);
        calls = made;
    }
    let (low, middle, high) = ratios(&bare, &ours);
    let kept = middle >= SHARE;
    println!(
        "{OBJECTS} new ConfigMaps in 20 namespaces on an empty control plane, medians of {rounds}\n"
    );
    println!("| what | time | objects per second | of the raw client's |");
    println!("|---|---|---|---|");
    let (bare, ours) = (median(bare), median(ours));
    println!(
        "| raw client, 32 in flight | {} | {:.0} | 1 |",
        seconds(bare),
        rate(OBJECTS, bare)
    );
    println!(
        "| apply | {} | {:.0} | {middle:.2}, from {low:.2} to {high:.2} (at least {SHARE}){} |",
        seconds(ours),
        rate(OBJECTS, ours),
        over(kept)
    );
    println!("\n{calls} calls that change something, bookkeeping and lease included.");
    kept
}

async fn bare_run() -> Duration {
    let bed = Bed::start();
    let client = bed.client().await;
    raw::namespaces(&client).await;
    raw::apply(&client, objects::first_writes(&objects::configs(OBJECTS))).await
}

async fn our_run() -> (Duration, usize) {
    let bed = Bed::start();
    raw::namespaces(&bed.client().await).await;
    let (cluster, rendered) = (bed.cluster().await, objects::configs(OBJECTS));
    let plan = plan::plan(&cluster, &rendered).await;
    let made = timed::apply(&cluster, &rendered, &plan).await;
    assert!(made.report.complete() && made.report.healthy());
    (made.writing, made.calls)
}
