//! One Sync of a project of many objects: drift, pushes, a restart, and a long time at rest.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::counting::Counting;
use super::place::{Controller, Place};
use super::{Sizes, row};
use crate::project::{self, Project};
use crate::table::{ms, seconds};

/// Objects that come of one app, about.
const EACH: usize = 4;
/// What undoing drift may take in the middle and at worst.
const DRIFT: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));
/// From a push that is called out to the change on the cluster.
const PUSH: Duration = Duration::from_secs(2);
/// From the start of a process until it has looked at everything.
const RESTART: Duration = Duration::from_secs(10);
/// What share of a core is used at rest.
const REST: f64 = 0.01;

pub(super) async fn rows(sizes: Sizes) -> bool {
    let place = Place::start().await;
    let directory = place.directory.path().join("project");
    let project = Project::write(directory, (sizes.objects / EACH).max(project::TENANTS));
    let uid = place.uid().await;
    let mut commit = place.commit(files(&project, &uid));
    place.sync("bench", "", ("dev", "1m")).await;
    let mut controller = Controller::start(&place, place.bed.kubeconfig());
    let began = Instant::now();
    place.ready(1, Some(&commit)).await;
    let objects = objects(&place).await;
    let cold = format!("{}, {objects} objects", seconds(began.elapsed()));
    let mut good = row("the first apply until all is healthy", &cold, "", true);
    println!(
        "| memory after it, now and at its highest | {} | |",
        memory(&controller)
    );
    tokio::time::sleep(Duration::from_secs(10)).await;

    good &= drift(&place, &project, sizes.changes).await;
    let mut times = Vec::new();
    for round in 0..sizes.pushes {
        project.change(round);
        let app = (round * 37) % project.apps;
        let files = files(&project, &uid);
        let began = Instant::now();
        commit = place.commit(files);
        controller.call();
        applied(&place, app, round).await;
        times.push(began.elapsed());
        place.ready(1, Some(&commit)).await;
    }
    good &= pushes(times);
    drop(controller);
    good & still(&place, sizes).await
}

/// The files of a project on disk, as they mean this cluster; no pod runs.
fn files(project: &Project, uid: &str) -> Vec<(String, Vec<u8>)> {
    let root = &project.root;
    let one = |path: &std::path::PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        let text = text.replace("10000000-0000-4000-8000-000000000000", uid);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        for line in lines.iter_mut().filter(|line| line.starts_with("app ")) {
            let (start, _) = line.split_once(" replicas=").unwrap();
            *line = format!("{start} replicas=0 {{");
        }
        let name = path.strip_prefix(root).unwrap().to_str().unwrap();
        (name.to_owned(), (lines.join("\n") + "\n").into_bytes())
    };
    project::files(root).iter().map(one).collect()
}

async fn sync(place: &Place) -> Value {
    let path = "/apis/kubemate.dev/v1alpha1/namespaces/kubemate-system/syncs/bench";
    place.get(path).await["status"].clone()
}

/// How many objects the Sync keeps.
async fn objects(place: &Place) -> u64 {
    let status = sync(place).await;
    let sets = status["sets"].as_object().unwrap().values();
    sets.map(|set| set["objects"].as_u64().unwrap()).sum()
}

fn memory(controller: &Controller) -> String {
    let (now, highest) = controller.memory();
    format!("{} MiB, {} MiB", now / 1024, highest / 1024)
}

/// Where the objects of an app are, by the name that project gives it.
fn path(app: usize, group: &str, kind: &str) -> String {
    let team = format!("team-{:02}", app % project::TENANTS);
    format!("{group}/namespaces/{team}/{kind}/app-{app:05}")
}

/// Changes one object after the other by hand, and waits for each until it is as before.
async fn drift(place: &Place, project: &Project, changes: usize) -> bool {
    let mut times = Vec::new();
    for change in 0..changes {
        let app = (change * 7) % project.apps;
        let (path, at, body) = match change % 2 {
            0 => (
                path(app, "/api/v1", "serviceaccounts"),
                "/automountServiceAccountToken",
                json!({ "automountServiceAccountToken": true }),
            ),
            _ => (
                path(app, "/apis/apps/v1", "deployments"),
                "/metadata/labels/app.kubernetes.io~1managed-by",
                json!({ "metadata": { "labels": { "app.kubernetes.io/managed-by": "hand" } } }),
            ),
        };
        let before = place.get(&path).await.pointer(at).cloned();
        let changed = place.send("PATCH", &path, &body).await;
        assert_ne!(changed.pointer(at).cloned(), before, "{path}");
        let began = Instant::now();
        while place.get(&path).await.pointer(at).cloned() != before {
            assert!(
                began.elapsed() < Duration::from_mins(1),
                "{path} stays changed"
            );
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        times.push(began.elapsed());
    }
    times.sort();
    let (middle, worst) = (times[times.len() / 2], times[(times.len() - 1) * 99 / 100]);
    let asked = format!("≤ {}, ≤ {}", ms(DRIFT.0), ms(DRIFT.1));
    let figure = format!("{}, {}", ms(middle), ms(worst));
    let what = format!("drift of one object until it is undone, {changes} times: median, p99");
    row(
        &what,
        &figure,
        &asked,
        middle <= DRIFT.0 && worst <= DRIFT.1,
    )
}

/// Waits until the version of an app is live that a round wrote.
async fn applied(place: &Place, app: usize, round: usize) {
    let path = path(app, "/apis/apps/v1", "deployments");
    let wanted = format!(":1.4.{}", app % 7 + (round + 1) * 7);
    let began = Instant::now();
    loop {
        let live = place.get(&path).await;
        let image = &live["spec"]["template"]["spec"]["containers"][0]["image"];
        if image.as_str().unwrap().ends_with(&wanted) {
            return;
        }
        let late = began.elapsed() > Duration::from_mins(5);
        assert!(!late, "{image} is not {wanted}: {}", sync(place).await);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn pushes(mut times: Vec<Duration>) -> bool {
    times.sort();
    let (middle, worst) = (times[times.len() / 2], times[times.len() - 1]);
    let what = format!(
        "a push of one line until it is live, {} times: median, worst",
        times.len()
    );
    let figure = format!("{}, {}", ms(middle), ms(worst));
    row(
        &what,
        &figure,
        &format!("< {}", seconds(PUSH)),
        middle < PUSH,
    )
}

/// A new process that finds everything as it should be, and what it asks for at rest.
async fn still(place: &Place, sizes: Sizes) -> bool {
    let counting = Counting::start(place.client.clone()).await;
    let controller = Controller::start(place, counting.kubeconfig());
    let began = Instant::now();
    while controller.passes("settled") == 0 {
        assert!(
            began.elapsed() < Duration::from_mins(5),
            "it does not settle"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let took = began.elapsed();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let calls = counting.taken();
    let writes: Vec<_> = calls.iter().filter(|(method, _)| method != "GET").collect();
    let (what, figure) = ("a restart until all was looked at", seconds(took));
    let mut good = row(
        what,
        &figure,
        &format!("< {}", seconds(RESTART)),
        took < RESTART,
    );
    let reads = calls.len() - writes.len();
    let figure = format!("{} writes, {reads} reads", writes.len());
    good &= row(
        "what it asks for meanwhile",
        &figure,
        "0 writes",
        writes.is_empty(),
    );
    writes.iter().take(5).for_each(|call| eprintln!("{call:?}"));
    good & at_rest((place, &counting), &controller, sizes.seconds).await
}

async fn at_rest(
    (place, counting): (&Place, &Counting),
    controller: &Controller,
    time: usize,
) -> bool {
    tokio::time::sleep(Duration::from_secs(15)).await;
    drop(counting.taken());
    let (cpu, asked) = (controller.cpu(), place.host.asked().len());
    let began = Instant::now();
    tokio::time::sleep(Duration::from_secs(time.try_into().unwrap())).await;
    let share = (controller.cpu() - cpu).as_secs_f64() / began.elapsed().as_secs_f64();
    let (calls, asked) = (counting.taken(), place.host.asked().len() - asked);
    calls.iter().take(5).for_each(|call| eprintln!("{call:?}"));
    let what = format!("API requests in {time} s at rest, but for watches and Leases");
    let mut good = row(&what, &calls.len().to_string(), "0", calls.is_empty());
    let most = time / 60 + 1;
    let limit = format!("≤ {most}, one each minute");
    good &= row(
        "requests to the Git host meanwhile",
        &asked.to_string(),
        &limit,
        asked <= most,
    );
    let figure = format!("{:.2} %", share * 100.0);
    good &= row(
        "processor time meanwhile, of one core",
        &figure,
        "< 1 %",
        share < REST,
    );
    println!(
        "| memory then, now and at its highest | {} | |",
        memory(controller)
    );
    good
}
