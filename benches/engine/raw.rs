//! The least one can do: the same bytes by the same identity, 32 calls in flight, no limit of its own,
//! and not a thought about the answers.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures::{StreamExt as _, TryStreamExt as _};
use http_body_util::BodyExt as _;
use k8s_openapi::api::apps::v1::Deployment;
use kube::Client;
use kube::api::{Api, DynamicObject, ObjectList};
use kube::client::Body;
use kube::runtime::watcher;
use kubemate::object::{Rendered, SET_LABEL};

use crate::objects;

/// Calls in flight.
const IN_FLIGHT: usize = 32;
/// For how long anything is waited for.
const PATIENCE: Duration = Duration::from_mins(5);

/// Makes the namespaces that a set lives in.
pub(crate) async fn namespaces(client: &Client) {
    for name in objects::namespaces() {
        let body = serde_json::json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        let request = http::Request::post("/api/v1/namespaces")
            .header("content-type", "application/json")
            .body(Body::from(body.to_string().into_bytes()))
            .unwrap();
        drop(answer(client, request).await);
    }
    // Their default accounts are made meanwhile; what comes now would only meet that work.
    tokio::time::sleep(Duration::from_secs(2)).await;
}

/// A paged LIST of everything in a set, its kinds at once; how many bytes and objects there are.
pub(crate) async fn list(client: &Client, rendered: &Rendered, decode: bool) -> (usize, usize) {
    let kinds: BTreeSet<&str> = rendered
        .objects
        .keys()
        .map(|key| key.group_kind.kind.as_str())
        .collect();
    let label = rendered.set.label();
    let lists = kinds
        .into_iter()
        .map(|kind| list_kind(client, objects::collection(kind, None), &label, decode));
    let counts = futures::future::join_all(lists).await;
    counts
        .into_iter()
        .fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1))
}

async fn list_kind(client: &Client, path: String, label: &str, decode: bool) -> (usize, usize) {
    let (mut bytes, mut items, mut token) = (0, 0, String::new());
    loop {
        let uri = format!("{path}?limit=500&labelSelector={SET_LABEL}%3D{label}&continue={token}");
        let page = http::Request::get(uri).body(Body::empty()).unwrap();
        let page = answer(client, page).await;
        bytes += page.len();
        token = if decode {
            let page: ObjectList<DynamicObject> = serde_json::from_slice(&page).unwrap();
            items += page.items.len();
            page.metadata.continue_.unwrap_or_default()
        } else {
            token_of(&page)
        };
        if token.is_empty() {
            return (bytes, items);
        }
    }
}

/// The place where the next page begins, found without reading the page.
fn token_of(page: &[u8]) -> String {
    let head = String::from_utf8_lossy(&page[..page.len().min(2_000)]);
    let rest = head.split_once("\"continue\":\"").map(|(_, rest)| rest);
    let token = rest.and_then(|rest| rest.split_once('"'));
    token.map(|(token, _)| token.to_owned()).unwrap_or_default()
}

/// Applies what is not there yet; from the first call to the last answer.
pub(crate) async fn apply(client: &Client, writes: Vec<(String, Vec<u8>)>) -> Duration {
    let began = Instant::now();
    let calls = writes.into_iter().map(|(path, body)| async move {
        let uri = format!("{path}?fieldManager=kubemate&fieldValidation=Strict");
        let request = http::Request::patch(uri)
            .header("content-type", "application/apply-patch+yaml")
            .header("accept", "application/json")
            .body(Body::from(body))
            .unwrap();
        drop(answer(client, request).await);
    });
    futures::stream::iter(calls)
        .buffer_unordered(IN_FLIGHT)
        .collect::<()>()
        .await;
    began.elapsed()
}

/// Applies and waits until every Deployment has what it wants, seen by one watch.
pub(crate) async fn apply_and_wait(client: &Client, rendered: &Rendered) -> Duration {
    let writes = objects::first_writes(rendered);
    let wanted = rendered
        .objects
        .keys()
        .filter(|key| key.group_kind.kind == "Deployment");
    let (wanted, label) = (wanted.count(), rendered.set.label());
    let began = Instant::now();
    let both = async {
        tokio::join!(
            apply(client, writes),
            all_available(client.clone(), wanted, &label)
        )
    };
    tokio::time::timeout(PATIENCE, both).await.unwrap();
    began.elapsed()
}

async fn all_available(client: Client, wanted: usize, label: &str) {
    let config = watcher::Config::default().labels(&format!("{SET_LABEL}={label}"));
    let events = watcher::watcher(Api::<Deployment>::all(client), config);
    let mut events = std::pin::pin!(events);
    let mut available = BTreeSet::new();
    while available.len() < wanted {
        let event = events.try_next().await.unwrap();
        if let Some(watcher::Event::Apply(one) | watcher::Event::InitApply(one)) = event
            && is_available(&one)
        {
            available.insert((one.metadata.namespace, one.metadata.name));
        }
    }
}

fn is_available(deployment: &Deployment) -> bool {
    let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas);
    let status = deployment.status.as_ref();
    let current = status.and_then(|s| s.observed_generation) >= deployment.metadata.generation;
    current && wanted.is_some() && status.and_then(|s| s.available_replicas) >= wanted
}

async fn answer(client: &Client, request: http::Request<Body>) -> Vec<u8> {
    let response = client.send(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(
        status.is_success(),
        "{status}: {}",
        String::from_utf8_lossy(&body)
    );
    body.to_vec()
}
