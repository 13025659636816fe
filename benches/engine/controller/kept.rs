//! One Sync of a project of many objects: drift, pushes, a restart, another program, and a long time at
//! rest.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::counting::{self, Counting};
use super::place::Place;
use super::running::Controller;
use super::{Sizes, argument, asked, memory, middle_and_p99, row};
use crate::project::{self, Project};
use crate::table::{ms, seconds};

/// Objects that come of one app.
const EACH: usize = 3;
/// What undoing drift may take in the middle and at worst.
const DRIFT: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));
/// From a push that is called out to the change on the cluster.
const PUSH: Duration = Duration::from_secs(2);
/// A controller takes calls of one Sync no closer together than this.
const BETWEEN: Duration = Duration::from_secs(3);
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
    row(
        "memory after it, now and at its highest",
        &memory(&controller),
        "",
        true,
    );
    tokio::time::sleep(Duration::from_secs(10)).await;

    if asked("drift") {
        good &= drift(&place, &project, sizes.changes).await;
    }
    let mut times = Vec::new();
    for round in 0..sizes.pushes * usize::from(asked("push")) {
        tokio::time::sleep(BETWEEN).await;
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
    if !times.is_empty() {
        good &= pushes(times);
    }
    drop(controller);
    if asked("restart") || asked("idle") {
        good &= still(&place, sizes).await;
    }
    if asked("template") {
        good &= another(&place).await;
    }
    good
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

/// Where the objects of an app are, by the name that project gives it.
fn path(app: usize, group: &str, kind: &str) -> String {
    let team = format!("team-{:02}", app % project::TENANTS);
    format!("{group}/namespaces/{team}-dev/{kind}/app-{app:05}")
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
        times.push(place.disturb(&path, at, &body).await);
    }
    let (middle, worst) = middle_and_p99(times);
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
    let took = settled(&controller).await;
    let limit = format!("< {}", seconds(RESTART));
    let what = "a restart until all was looked at";
    let mut good = row(what, &seconds(took), &limit, took < RESTART);
    let what = "what it asks for meanwhile";
    good &= no_writes(what, &counting, ("0 writes", &[])).await;
    if asked("idle") {
        good &= at_rest((place, &counting), &controller, sizes.idle).await;
    }
    good
}

/// Waits until a process has looked at everything and found it as it should be; how long it took.
async fn settled(controller: &Controller) -> Duration {
    let began = Instant::now();
    while controller.passes("settled") == 0 {
        let late = began.elapsed() > Duration::from_mins(5);
        assert!(!late, "it does not settle");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    began.elapsed()
}

/// What was asked for until now and for a while longer; nothing of it may change anything but Leases and what
/// has these words in its path.
async fn no_writes(what: &str, counting: &Counting, (asked, but): (&str, &[&str])) -> bool {
    tokio::time::sleep(Duration::from_secs(5)).await;
    let calls = counting.taken();
    let other = |path: &str| !but.iter().any(|word| path.contains(word));
    let writes: Vec<_> = calls
        .iter()
        .filter(|call| counting::changes(call) && other(&call.1))
        .collect();
    writes.iter().take(5).for_each(|call| eprintln!("{call:?}"));
    let figure = format!("{} writes; {}", writes.len(), told(&calls));
    row(what, &figure, asked, writes.is_empty())
}

/// Calls by method and resource, in words.
fn told(calls: &[counting::Call]) -> String {
    let counts = counting::by_kind(calls);
    let counts: Vec<String> = counts
        .iter()
        .map(|(kind, n)| format!("{n} {kind}"))
        .collect();
    counts.join(", ")
}

/// Another program, whose templates make other bytes of the same commit: it says so, and writes nothing else.
async fn another(place: &Place) -> bool {
    let what = "a program with a changed template, until it says that it waits";
    let asked = "0 writes but its status and events";
    let Some(program) = argument("--other=") else {
        let told = "not measured: name one with `--other=PATH`";
        return row(what, told, asked, true);
    };
    let counting = Counting::start(place.client.clone()).await;
    let _controller = Controller::of(Path::new(&program), place, counting.kubeconfig());
    let began = Instant::now();
    while !sync(place).await.to_string().contains("UpgradePending") {
        let late = began.elapsed() > Duration::from_mins(5);
        assert!(!late, "it renders the same: {}", sync(place).await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let but = ["/syncs/bench/status", "/events"];
    no_writes(what, &counting, (asked, &but)).await
}

async fn at_rest(
    (place, counting): (&Place, &Counting),
    controller: &Controller,
    time: Duration,
) -> bool {
    tokio::time::sleep(Duration::from_secs(15)).await;
    drop(counting.taken());
    let (cpu, before) = (controller.cpu(), place.host.asked().len());
    let began = Instant::now();
    tokio::time::sleep(time).await;
    let share = (controller.cpu() - cpu).as_secs_f64() / began.elapsed().as_secs_f64();
    let (calls, asked) = (counting.taken(), place.host.asked().len() - before);
    let time = time.as_secs();
    let what = format!("API requests in {time} s at rest, but for watches and Leases");
    let figure = format!("{} {}", calls.len(), told(&calls));
    let mut good = row(&what, figure.trim_end(), "0", calls.is_empty());
    let most = usize::try_from(time / 60 + 1).unwrap();
    let limit = format!("≤ {most}, one each minute");
    let what = "requests to the Git host meanwhile";
    good &= row(what, &asked.to_string(), &limit, asked <= most);
    let figure = format!("{:.2} %", share * 100.0);
    let what = "processor time meanwhile, of one core";
    good &= row(what, &figure, "< 1 %", share < REST);
    let what = "memory then, now and at its highest";
    good & row(what, &memory(controller), "", true)
}
