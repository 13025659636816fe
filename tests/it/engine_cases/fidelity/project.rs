//! Random projects of a few kinds, edits of them, and people who change the cluster meanwhile.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kubemate::object::ObjectKey;
use serde_json::{Value, json};

use crate::bed;
use crate::engine::{Engine, deployment};

/// A seeded sequence (SplitMix64).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d).wrapping_add(1))
    }

    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 33).unwrap() % bound
    }

    pub(super) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// Some of these, each with a value of one digit.
    fn some(&mut self, names: &[&str]) -> BTreeMap<String, String> {
        let mut out = BTreeMap::new();
        for name in names {
            if !self.one_in(3) {
                out.insert((*name).to_owned(), self.below(10).to_string());
            }
        }
        out
    }
}

/// What Git wants, by name of the object.
#[derive(Clone)]
pub(super) struct Project {
    objects: BTreeMap<&'static str, Value>,
}

const NAMES: [&str; 6] = ["one", "two", "three", "web", "svc", "secret"];

fn make(name: &'static str, random: &mut Random) -> Value {
    let labels = random.some(&["team", "tier"]);
    let mut body = match name {
        "web" => workload(random),
        "svc" => service(random),
        "secret" => {
            let text = random.some(&["user", "pass.word"]);
            json!({"apiVersion": "v1", "kind": "Secret", "stringData": text})
        }
        _ => {
            let mut data = random.some(&["a", "b", "e.f"]);
            data.insert("always".into(), random.below(3).to_string());
            json!({"apiVersion": "v1", "kind": "ConfigMap", "data": data})
        }
    };
    body["metadata"]["name"] = name.into();
    body["metadata"]["labels"] = json!(labels);
    body["metadata"]["annotations"] = json!(random.some(&["bank.example/note", "plain"]));
    body
}

fn workload(random: &mut Random) -> Value {
    let mut body = deployment("web", 0);
    body["spec"]["replicas"] = random.below(3).into();
    let template = &mut body["spec"]["template"]["spec"];
    let container = &mut template["containers"][0];
    container["image"] = format!("registry.local/app:{}", random.below(4)).into();
    let env = random.some(&["A", "B", "C"]);
    container["env"] = env
        .iter()
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    if random.one_in(2) {
        container["resources"] = json!({"requests": {"cpu": "250m", "memory": "64Mi"}});
    }
    if random.one_in(3) {
        container["ports"] = json!([{"containerPort": 8080}, {"containerPort": 9090, "name": "m"}]);
    }
    if random.one_in(3) {
        container["args"] = json!(["--level", random.below(5).to_string()]);
    }
    if random.one_in(3) {
        let side = json!({"name": "side", "image": "registry.local/side:1"});
        template["containers"].as_array_mut().unwrap().push(side);
    }
    body
}

fn service(random: &mut Random) -> Value {
    let mut ports = vec![json!({"name": "http", "port": 80, "targetPort": 8080})];
    for (name, port) in [("admin", 90), ("metrics", 91)] {
        if random.one_in(2) {
            ports.push(json!({"name": name, "port": port, "targetPort": 8000 + random.below(9)}));
        }
    }
    json!({"apiVersion": "v1", "kind": "Service", "spec": {"selector": {"app": "web"}, "ports": ports}})
}

impl Project {
    pub(super) fn new(random: &mut Random) -> Self {
        let mut objects = BTreeMap::new();
        for name in NAMES {
            if !random.one_in(5) {
                objects.insert(name, make(name, random));
            }
        }
        Self { objects }
    }

    /// Keys of everything that any project may have.
    pub(super) fn all_keys(&self, engine: &mut Engine) -> Vec<ObjectKey> {
        let mut any = Random::new(0);
        let keys = NAMES.map(|name| engine.want(make(name, &mut any)));
        engine.rendered.objects.clear();
        keys.to_vec()
    }

    pub(super) fn want(&self, engine: &mut Engine) {
        engine.rendered.objects.clear();
        for body in self.objects.values() {
            engine.want(body.clone());
        }
    }

    /// Changes, adds or removes some objects; not the one that was disturbed in a way that only an
    /// unchanged Git can undo.
    pub(super) fn edit(&mut self, random: &mut Random, quiet: Option<&str>) {
        let before = self.objects.clone();
        while self.objects == before {
            self.try_edit(random, quiet);
        }
    }

    fn try_edit(&mut self, random: &mut Random, quiet: Option<&str>) {
        for name in NAMES {
            if quiet == Some(name) || !random.one_in(2) {
                continue;
            }
            if random.one_in(5) {
                self.objects.remove(name);
            } else {
                self.objects.insert(name, make(name, random));
            }
        }
    }

    /// A person changes one to three objects; which of them in a way that only an unchanged Git undoes.
    pub(super) async fn disturb(
        &self,
        engine: &Engine,
        random: &mut Random,
    ) -> Option<&'static str> {
        let client = bed::cluster().client().await;
        let (mut quiet, mut done) = (None, 0);
        let wanted = 1 + random.below(3);
        for _ in 0..30 {
            if done == wanted {
                break;
            }
            let name = NAMES[random.below(NAMES.len())];
            if !self.objects.contains_key(name) {
                continue;
            }
            if let Some(by_key) = touch(&client, &engine.namespace, name, random).await {
                quiet = quiet.or(by_key.then_some(name));
                done += 1;
            }
        }
        quiet
    }
}

/// Changes or deletes an object by hand, if it is there; whether the key of an entry changed.
async fn touch(
    client: &kube::Client,
    namespace: &str,
    name: &'static str,
    random: &mut Random,
) -> Option<bool> {
    let (kind, group) = match name {
        "web" => ("Deployment", "apps"),
        "svc" => ("Service", ""),
        "secret" => ("Secret", ""),
        _ => ("ConfigMap", ""),
    };
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, "v1", kind));
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
    if random.one_in(6) {
        let gone = api.delete(name, &DeleteParams::default()).await.is_ok();
        return gone.then_some(false);
    }
    let (patch, by_key) = change(name, random);
    let params = PatchParams {
        field_manager: Some("kubectl-edit".into()),
        ..PatchParams::default()
    };
    match api.patch(name, &params, &Patch::Strategic(patch)).await {
        Ok(_) => Some(by_key),
        // It is not there, or the server lets nobody do this to it.
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 422) => None,
        Err(error) => panic!("{name}: {error}"),
    }
}

/// What a person does to an object, and whether it changes the key of an entry.
fn change(name: &str, random: &mut Random) -> (Value, bool) {
    let theirs = format!("theirs-{}", random.below(3));
    let by_any = [
        json!({"metadata": {"labels": {"team": theirs}}}),
        json!({"metadata": {"annotations": {"plain": null, "hand": theirs}}}),
    ];
    let pick = random.below(5);
    if let Some(patch) = by_any.get(pick) {
        return (patch.clone(), false);
    }
    let containers =
        |container: Value| json!({"spec": {"template": {"spec": {"containers": [container]}}}});
    match (name, pick) {
        ("svc", 2) => (
            json!({"spec": {"ports": [{"$patch": "delete", "port": 80},
            {"name": "http", "port": 9000, "protocol": "TCP", "targetPort": 8080}]}}),
            true,
        ),
        ("svc", _) => (
            json!({"spec": {"ports": [{"port": 80, "targetPort": 7000}]}}),
            false,
        ),
        ("web", 2) => (json!({"spec": {"replicas": 3}}), false),
        ("web", 3) => (
            containers(json!({"name": "main", "image": "registry.local/app:hand"})),
            false,
        ),
        ("web", _) => (
            containers(json!({"name": "main", "env": [{"name": "HAND", "value": "1"}]})),
            false,
        ),
        ("secret", _) => (json!({"data": {"user": "aGFuZA=="}}), false),
        (_, 2) => (json!({"data": {"always": theirs}}), false),
        (_, 3) => (json!({"data": {"a": null}}), false),
        _ => (json!({"data": {"hand": theirs}}), false),
    }
}

/// An admission policy that annotates ConfigMaps with how much they hold; deleted with this.
pub(super) struct Policy {
    pub(super) name: String,
}

const KINDS: [&str; 2] = ["mutatingadmissionpolicybinding", "mutatingadmissionpolicy"];
const GROUP: &str = "admissionregistration.k8s.io/v1";

impl Policy {
    pub(super) async fn install() -> Self {
        let name = bed::unique_name("fidelity");
        let expression = r#"Object{metadata: Object.metadata{annotations: {"policy.example/size": "n" + string(size(object.data))}}}"#;
        let rule = json!({"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
            "resources": ["configmaps"]});
        let policy = json!({"apiVersion": GROUP, "kind": "MutatingAdmissionPolicy",
            "metadata": {"name": name}, "spec": {
                "matchConstraints": {"resourceRules": [rule],
                    "namespaceSelector": {"matchLabels": {"bank.example/policy": name}}},
                "failurePolicy": "Fail", "reinvocationPolicy": "Never",
                "mutations": [{"patchType": "ApplyConfiguration",
                    "applyConfiguration": {"expression": expression}}]}});
        let binding = json!({"apiVersion": GROUP, "kind": "MutatingAdmissionPolicyBinding",
            "metadata": {"name": name}, "spec": {"policyName": name}});
        for object in [policy, binding] {
            bed::cluster().kubectl_with(&["create", "-f", "-"], &object.to_string());
        }
        let installed = Self { name };
        let namespace = bed::cluster().unique_namespace().await;
        installed.cover(&namespace).await;
        installed
    }

    /// Until the API server applies it to a namespace: it learns of policies and labels a little later.
    async fn wait(&self, namespace: &str) {
        let client = bed::cluster().client().await;
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", "ConfigMap"));
        let api: Api<DynamicObject> = Api::namespaced_with(client, namespace, &resource);
        let object: DynamicObject = serde_json::from_value(json!({"apiVersion": "v1",
            "kind": "ConfigMap", "metadata": {"name": "probe"}, "data": {"a": "1"}}))
        .unwrap();
        let params = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        let until = Instant::now() + bed::PATIENCE;
        loop {
            let made = api.create(&params, &object).await;
            let noted = made
                .as_ref()
                .ok()
                .and_then(|m| m.metadata.annotations.as_ref());
            if noted.is_some_and(|a| a.contains_key("policy.example/size")) {
                return;
            }
            assert!(
                Instant::now() < until,
                "the policy never came into force: {made:?}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Brings a namespace under the policy, and returns when that holds.
    pub(super) async fn cover(&self, namespace: &str) {
        let client = bed::cluster().client().await;
        let api: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(client);
        let patch = json!({"metadata": {"labels": {"bank.example/policy": self.name}}});
        let done = api
            .patch(namespace, &PatchParams::default(), &Patch::Merge(patch))
            .await;
        drop(done.expect("a label"));
        self.wait(namespace).await;
    }
}

impl Drop for Policy {
    fn drop(&mut self) {
        for kind in KINDS {
            bed::cluster().kubectl(&["delete", kind, &self.name, "--wait=false"]);
        }
    }
}
