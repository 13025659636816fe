//! Many Syncs of four objects each from nothing, beside a raw client that makes as many calls that
//! change something.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};

use super::counting::{self, Counting};
use super::place::Place;
use super::running::Controller;
use super::{Sizes, row};
use crate::bed::Bed;
use crate::table::seconds;

/// Objects of each Sync: a namespace with three ConfigMaps.
const EACH: usize = 4;
/// Calls of the raw client in flight.
const IN_FLIGHT: usize = 32;
/// What it may take, of the raw client's time.
const TIMES: f64 = 1.25;
/// Calls that change something for each object.
const CALLS: f64 = 2.5;
/// Memory at its highest, in MiB.
const MEMORY: u64 = 150;

pub(super) async fn rows(sizes: Sizes) -> bool {
    let count = sizes.syncs;
    let place = Place::start().await;
    let uid = place.uid().await;
    place.commit((0..count).flat_map(|n| files(n, &uid)).collect());
    for n in 0..count {
        place.sync(&name(n), &name(n), ("dev", "10m")).await;
    }
    let counting = Counting::start(place.client.clone()).await;
    let controller = Controller::start(&place, counting.kubeconfig());
    let began = Instant::now();
    place.ready(count, None).await;
    let took = began.elapsed();
    let all = counting.all();
    let asked = place.host.asked().len();
    let (_, highest) = controller.memory();
    drop((controller, counting, place));
    for (kind, calls) in counting::by_kind(&all) {
        let each = share(calls, count);
        row(
            &format!("calls for each Sync: {kind}"),
            &format!("{each:.2}"),
            "",
            true,
        );
    }
    // The ref is asked for once an interval, at the start once more for those that came during the first
    // question, and its commit is fetched once.
    let most = took.as_secs() / 600 + 5;
    let few = u64::try_from(asked).unwrap() <= most;
    let what = "requests to the Git host";
    let mut good = row(what, &asked.to_string(), &format!("≤ {most}"), few);
    let calls = all.iter().filter(|call| counting::changes(call)).count();
    let each = share(calls, count * EACH);
    let what = "calls that change something for each object";
    good &= row(
        what,
        &format!("{each:.2}"),
        &format!("≤ {CALLS}"),
        each <= CALLS,
    );
    let figure = format!("{} MiB", highest / 1024);
    let limit = format!("≤ {MEMORY} MiB");
    good &= row(
        "memory at its highest",
        &figure,
        &limit,
        highest / 1024 <= MEMORY,
    );

    let raw = raw_run(count, calls).await;
    let ratio = took.as_secs_f64() / raw.as_secs_f64();
    let what = format!("{count} Syncs of {EACH} objects from nothing until all are ready");
    let figure = format!("{} beside {}: {ratio:.2}", seconds(took), seconds(raw));
    let asked = format!("≤ {TIMES} of a raw client with as many calls");
    good & row(&what, &figure, &asked, ratio <= TIMES)
}

fn share(one: usize, other: usize) -> f64 {
    let number = |n: usize| f64::from(u32::try_from(n).unwrap());
    number(one) / number(other)
}

/// The name of a Sync, of its directory and of its namespace.
pub(super) fn name(n: usize) -> String {
    format!("p{n:04}")
}

/// The bodies of one project's objects.
fn bodies(n: usize) -> Vec<Value> {
    let space = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name(n)}});
    let config = |k: usize| {
        json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": format!("config-{k}"), "namespace": name(n)},
            "data": {"n": n.to_string(), "app.yaml": "listen: 8080\ntimeouts:\n  read: 5s\n"},
        })
    };
    std::iter::once(space)
        .chain((1..EACH).map(config))
        .collect()
}

/// A project in a directory of its own.
pub(super) fn files(n: usize, uid: &str) -> Vec<(String, Vec<u8>)> {
    let name = name(n);
    let project = format!(
        "project {name} schema=1 render=1 {{\n  cluster near uid=\"{uid}\" kubernetes=\"1.33\"\n  \
         environment dev {{ cluster near }}\n  include \"*.kdl\"\n  ownership {{\n    \
         path \"**\" owner=platform\n  }}\n}}\n"
    );
    let base = "manifests base {\n  from \"files/*.yaml\"\n  kinds ConfigMap Namespace\n}\n";
    // JSON is YAML.
    let all: Vec<String> = bodies(n).iter().map(Value::to_string).collect();
    let file = |path: &str, text: String| (format!("{name}/{path}"), text.into_bytes());
    vec![
        file("kubemate.kdl", project),
        file("base.kdl", base.to_owned()),
        file("files/all.yaml", all.join("\n---\n")),
    ]
}

/// The same objects and as many calls by a client that thinks nothing, through a counter as well.
async fn raw_run(count: usize, calls: usize) -> Duration {
    let bed = Bed::start();
    let counting = Counting::start(bed.client().await).await;
    let file = Kubeconfig::read_from(counting.kubeconfig()).unwrap();
    let config = kube::Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await;
    let client = Client::try_from(config.unwrap()).unwrap();
    let began = Instant::now();
    // Namespaces first, and what is not an object of the project is a change of one that is.
    let all: Vec<Value> = (0..count).flat_map(bodies).collect();
    let (spaces, configs): (Vec<Value>, Vec<Value>) = all
        .into_iter()
        .partition(|body| body["kind"] == "Namespace");
    let more = calls.saturating_sub(count * EACH);
    let again: Vec<Value> = (0..more)
        .map(|k| {
            let mut body = configs[k % configs.len()].clone();
            body["data"]["again"] = k.to_string().into();
            body
        })
        .collect();
    for part in [spaces, configs, again] {
        let all = part.iter().map(|body| apply(&client, body));
        futures::stream::iter(all)
            .buffer_unordered(IN_FLIGHT)
            .collect::<()>()
            .await;
    }
    began.elapsed()
}

async fn apply(client: &Client, body: &Value) {
    let at = |pointer: &str| {
        body.pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let (space, name) = (at("/metadata/namespace"), at("/metadata/name"));
    let path = match body["kind"] == "Namespace" {
        true => format!("/api/v1/namespaces/{name}"),
        false => format!("/api/v1/namespaces/{space}/configmaps/{name}"),
    };
    let request = http::Request::patch(format!("{path}?fieldManager=raw&force=true"))
        .header("content-type", "application/apply-patch+yaml")
        .body(kube::client::Body::from(body.to_string().into_bytes()))
        .unwrap();
    let response = client.send(request).await.unwrap();
    assert!(
        response.status().is_success(),
        "{path}: {}",
        response.status()
    );
}
