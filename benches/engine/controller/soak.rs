//! Some Syncs for a long time, while one of twenty calls breaks, objects are changed by hand and commits
//! come: what the process has must not grow.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use super::counting::Counting;
use super::place::Place;
use super::running::{Controller, WRITTEN};
use super::{Sizes, many, row};
use crate::table::ms;

/// Syncs of four objects each.
const SYNCS: usize = 20;
/// Of so many calls one is broken.
const BREAKS: usize = 20;
/// How often something is changed by hand.
const BEAT: Duration = Duration::from_secs(2);
/// How often it is looked at the process.
const LOOK: Duration = Duration::from_secs(60);
/// After so many looks there is a new commit.
const COMMIT: usize = 5;
/// Looks without which nothing is said: two for each third.
const FEWEST: usize = 6;
/// What the last third may have on average, of the second one.
const TIMES: f64 = 1.1;

/// What a process has.
type Look = [u64; 4];
/// What that is.
const WHAT: [&str; 4] = ["memory, KiB", "open files", "threads", "disk, KiB"];

pub(super) async fn rows(sizes: Sizes) -> bool {
    let place = Place::start().await;
    let uid = place.uid().await;
    let counting = Counting::breaking(place.client.clone(), BREAKS).await;
    drop(place.commit(files(&uid, 0)));
    for n in 0..SYNCS {
        place
            .sync(&many::name(n), &many::name(n), ("dev", "30s"))
            .await;
    }
    let controller = Controller::start(&place, counting.kubeconfig());
    place.ready(SYNCS, None).await;
    println!(
        "\n| minute | {} | calls | undone | slowest |",
        WHAT.join(" | ")
    );
    println!("|{}", "---|".repeat(WHAT.len() + 4));
    let mut looks = Vec::new();
    for minute in 1..=sizes.minutes.max(FEWEST) {
        let (undone, slowest) = one_minute(&place, minute).await;
        let look = look(&place, &controller);
        let told = look.map(|figure| figure.to_string()).join(" | ");
        let calls = counting.all().len();
        println!(
            "| {minute} | {told} | {calls} | {undone} | {} |",
            ms(slowest)
        );
        looks.push(look);
        if minute % COMMIT == 0 {
            drop(place.commit(files(&uid, minute)));
        }
    }
    println!("\n| what | figure | asked |\n|---|---|---|");
    WHAT.iter().enumerate().fold(true, |good, (at, what)| {
        let part = looks.len() / 3;
        let (second, last) = (&looks[part..2 * part], &looks[2 * part..]);
        let (second, last) = (mean(second, at), mean(last, at));
        let what = format!(
            "{what} in the last third of {} min, beside the second",
            looks.len()
        );
        let limit = format!("≤ {TIMES} of it");
        good & row(
            &what,
            &format!("{last:.0} beside {second:.0}"),
            &limit,
            last <= second * TIMES,
        )
    })
}

/// The files of all projects, and one that only makes the commit another one.
fn files(uid: &str, round: usize) -> Vec<(String, Vec<u8>)> {
    let all = (0..SYNCS).flat_map(|n| many::files(n, uid));
    let note = ("round".to_owned(), round.to_string().into_bytes());
    all.chain([note]).collect()
}

/// Changes objects by hand for a while; how often that was undone, and the longest time it took.
async fn one_minute(place: &Place, minute: usize) -> (usize, Duration) {
    let (began, mut undone, mut slowest) = (Instant::now(), 0, Duration::ZERO);
    while began.elapsed() < LOOK {
        let space = many::name((minute + undone) % SYNCS);
        let path = format!("/api/v1/namespaces/{space}/configmaps/config-1");
        let body = json!({ "data": { "n": "by hand" } });
        slowest = slowest.max(place.disturb(&path, "/data/n", &body).await);
        undone += 1;
        tokio::time::sleep(BEAT).await;
    }
    (undone, slowest)
}

fn look(place: &Place, controller: &Controller) -> Look {
    let directory = place.directory.path();
    let disk: u64 = WRITTEN.iter().map(|name| size(&directory.join(name))).sum();
    let (memory, _) = controller.memory();
    [
        memory,
        controller.files(),
        controller.threads(),
        disk / 1024,
    ]
}

/// What lies below a directory; what goes meanwhile counts for nothing.
fn size(directory: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(directory) else {
        return 0;
    };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(about) if about.is_dir() => size(&entry.path()),
        Ok(about) => about.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

fn mean(looks: &[Look], at: usize) -> f64 {
    let sum: u64 = looks.iter().map(|look| look[at]).sum();
    let count = u32::try_from(looks.len()).unwrap();
    f64::from(u32::try_from(sum).unwrap()) / f64::from(count)
}
