//! A person at the cluster: any field of any object is changed, added or taken away, through another
//! field manager, if the API server lets it.

use http::Request;
use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject};
use kube::core::{ApiResource, GroupVersionKind};
use kubemate::object::{Desired, ObjectKey};
use serde_json::{Value, json};

use super::project::Random;

/// Kinds that nobody deletes in passing, because everything else would go with them.
const STAY: [&str; 1] = ["Namespace"];
/// Fields whose change says that it is another object, or is no change of a field.
const IDENTITY: [&str; 5] = [
    "/apiVersion",
    "/kind",
    "/metadata/name",
    "/metadata/namespace",
    "/metadata/labels/kubemate.dev~1set",
];

/// Fields by which lists tell their entries apart.
const KEYS: [&str; 8] = [
    "name",
    "port",
    "containerPort",
    "protocol",
    "mountPath",
    "topologyKey",
    "whenUnsatisfiable",
    "type",
];

/// What was done to which object.
pub(super) struct Done {
    pub(super) key: ObjectKey,
    pub(super) what: String,
    /// Whether it may have changed what tells an entry of a list apart.
    pub(super) by_key: bool,
}

fn api(client: &Client, desired: &Desired) -> Api<DynamicObject> {
    let key = &desired.manifest.key;
    let version = desired.manifest.api_version.rsplit('/').next().unwrap();
    let kind = GroupVersionKind::gvk(&key.group_kind.group, version, &key.group_kind.kind);
    let resource = ApiResource::from_gvk(&kind);
    match &key.namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    }
}

/// Tries changes until the API server takes one, some times at most; what it took.
pub(super) async fn disturb(
    client: &Client,
    objects: &[&Desired],
    random: &mut Random,
) -> Option<Done> {
    for _ in 0..20 {
        let desired = objects[random.below(objects.len())];
        let key = desired.manifest.key.clone();
        let api = api(client, desired);
        if random.one_in(8) && !STAY.contains(&key.group_kind.kind.as_str()) {
            if api
                .delete(&key.name, &DeleteParams::default())
                .await
                .is_ok()
            {
                gone(&api, &key.name).await;
                let (what, by_key) = ("deleted".to_owned(), false);
                return Some(Done { key, what, by_key });
            }
            continue;
        }
        let (at, patch) = change(&desired.manifest.body, random);
        let path = format!(
            "{}/{}?fieldManager=kubectl-edit",
            api.resource_url(),
            key.name
        );
        let request = Request::patch(path)
            .header("content-type", "application/json-patch+json")
            .body(patch.to_string().into_bytes())
            .unwrap();
        if client.request::<Value>(request).await.is_ok() {
            let what = patch.to_string();
            let by_key = is_key(&at);
            return Some(Done { key, what, by_key });
        }
    }
    None
}

/// Until a deleted object is gone.
async fn gone(api: &Api<DynamicObject>, name: &str) {
    for _ in 0..6000 {
        if api.get_opt(name).await.expect("a read").is_none() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{name} does not go");
}

/// Whether a pointer may lead to the key of an entry.
fn is_key(at: &str) -> bool {
    let mut parts = at.rsplit('/');
    let last = parts.next().unwrap_or_default();
    let in_list = parts.next().is_some_and(|p| p.parse::<usize>().is_ok());
    in_list && KEYS.contains(&last)
}

/// One change: of a declared value, of a label or an annotation, or one that takes a value away. The
/// field comes with it.
fn change(body: &Value, random: &mut Random) -> (String, Value) {
    let digit = random.below(10).to_string();
    let mut leaves = Vec::new();
    collect(body, "", &mut leaves);
    leaves.retain(|(at, _)| !IDENTITY.contains(&at.as_str()));
    let way = random.below(6);
    if way < 2 || leaves.is_empty() {
        let at = ["/metadata/annotations/theirs", "/metadata/labels/theirs"][way % 2];
        let patch = json!([{"op": "add", "path": at, "value": format!("t{digit}")}]);
        return (at.to_owned(), patch);
    }
    let (at, value) = &leaves[random.below(leaves.len())];
    let patch = if way == 2 {
        json!([{"op": "remove", "path": at}])
    } else {
        json!([{"op": "replace", "path": at, "value": other(value, &digit)}])
    };
    (at.clone(), patch)
}

fn collect(value: &Value, at: &str, out: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(map) => {
            for (name, below) in map {
                let name = name.replace('~', "~0").replace('/', "~1");
                collect(below, &format!("{at}/{name}"), out);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(item, &format!("{at}/{index}"), out);
            }
        }
        leaf => out.push((at.to_owned(), leaf.clone())),
    }
}

/// Another value of the same type; of a number in text another number.
fn other(value: &Value, digit: &str) -> Value {
    match value {
        Value::Bool(yes) => json!(!yes),
        Value::Number(n) => {
            json!(n.as_i64().unwrap_or_default() + 1 + digit.parse::<i64>().unwrap())
        }
        Value::String(text) => {
            let grown: String = text
                .chars()
                .map(|c| {
                    if c.is_ascii_digit() {
                        digit.chars().next().unwrap()
                    } else {
                        c
                    }
                })
                .collect();
            json!(if grown == *text {
                format!("{text}{digit}")
            } else {
                grown
            })
        }
        other => other.clone(),
    }
}
