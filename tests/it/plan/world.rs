//! A model of the API server, just enough to make worlds: server-side apply of one manager with keyed
//! lists, server metadata, and the answers to dry-runs.

use std::collections::BTreeMap;

use kubemate::dsl::diagnostic::Span;
use kubemate::object::{
    Desired, Manifest, ObjectKey, ObjectRules, Owner, Rendered, ResourceId, SetId, SourceMap,
};
use kubemate::plan::inventory::{Entry, Inventory};
use kubemate::plan::observed::{Conflict, Discovery, DryRun, Live, Observed, World};
use kubemate::plan::payload::payload;
use kubemate::plan::{Policy, digest};
use kubemate::source::FileId;
use serde_json::{Value, json};

/// The set of all tests.
pub(crate) fn set() -> SetId {
    let owner = Owner::Tenant("payments".into());
    SetId {
        project: "bank".into(),
        cluster: "sh-a".into(),
        owner,
        environment: "prod".into(),
    }
}

/// A desired object of the resource `app/payments/NAME`.
pub(crate) fn desired(name: &str, body: Value) -> Desired {
    let resource = ResourceId {
        kind: "app".into(),
        tenant: Some("payments".into()),
        name: name.into(),
    };
    let source = SourceMap {
        node: Some(Span::new(FileId(0), 10..20)),
        fields: BTreeMap::new(),
    };
    let manifest = Manifest::new(body).unwrap();
    Desired {
        manifest,
        resource,
        source,
        needs: Vec::new(),
        rules: ObjectRules::default(),
    }
}

/// Everything a set wants.
pub(crate) fn rendered(objects: Vec<Desired>) -> Rendered {
    let objects = objects
        .into_iter()
        .map(|d| (d.manifest.key.clone(), d))
        .collect();
    Rendered {
        set: set(),
        objects,
    }
}

/// A namespaced object.
pub(crate) fn object(version: &str, kind: &str, name: &str, rest: Value) -> Value {
    let mut body = json!({ "apiVersion": version, "kind": kind, "metadata": { "name": name, "namespace": "payments" } });
    let map = body.as_object_mut().unwrap();
    for (field, value) in rest.as_object().unwrap() {
        map.insert(field.clone(), value.clone());
    }
    body
}

/// A Deployment with one container.
pub(crate) fn deployment(name: &str, image: &str, replicas: u32) -> Value {
    let labels = json!({ "app": name });
    object(
        "apps/v1",
        "Deployment",
        name,
        json!({ "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": { "containers": [{ "name": "app", "image": image, "ports": [{ "containerPort": 8080 }] }] },
            },
        }}),
    )
}

/// A ConfigMap.
pub(crate) fn config(name: &str, data: Value) -> Value {
    object("v1", "ConfigMap", name, json!({ "data": data }))
}

/// What a manager that applied `body` owns.
pub(crate) fn fields(body: &Value) -> Value {
    let mut tree = fields_below(body);
    let map = tree.as_object_mut().unwrap();
    for identity in ["f:apiVersion", "f:kind"] {
        map.shift_remove(identity);
    }
    if let Some(metadata) = map.get_mut("f:metadata").and_then(Value::as_object_mut) {
        for identity in ["f:name", "f:namespace"] {
            metadata.shift_remove(identity);
        }
    }
    tree
}

fn fields_below(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(k, v)| (format!("f:{k}"), fields_below(v)))
                .collect(),
        ),
        Value::Array(items) if items.iter().all(|i| keys(i).is_some()) && !items.is_empty() => {
            let one = |item: &Value| {
                let mut below = fields_below(item);
                below.as_object_mut().unwrap().insert(".".into(), json!({}));
                (format!("k:{}", keys(item).unwrap()), below)
            };
            Value::Object(items.iter().map(one).collect())
        }
        _ => json!({}),
    }
}

/// The keys of an item, for the keyed lists the model knows.
fn keys(item: &Value) -> Option<Value> {
    if let Some(port) = item.get("containerPort") {
        return Some(json!({ "containerPort": port, "protocol": item.get("protocol")? }));
    }
    Some(json!({ "name": item.get("name").filter(|_| item.get("image").is_some())? }))
}

/// The object as stored: what was applied, the server's own fields, and one default.
pub(crate) fn stored(body: &Value, uid: &str) -> Value {
    let mut object = body.clone();
    if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
        spec.entry("revisionHistoryLimit").or_insert(json!(10));
    }
    let metadata = object["metadata"].as_object_mut().unwrap();
    metadata.insert("uid".into(), uid.into());
    metadata.insert("resourceVersion".into(), "7".into());
    metadata.insert("generation".into(), json!(1));
    metadata.insert(
        "managedFields".into(),
        json!([entry("kubemate", "Apply", &fields(body))]),
    );
    object
}

/// One entry of `managedFields`.
pub(crate) fn entry(manager: &str, operation: &str, fields: &Value) -> Value {
    json!({ "manager": manager, "operation": operation, "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": fields })
}

/// A cluster in memory.
pub(crate) struct Model {
    /// What was seen.
    pub(crate) world: World,
    /// What the set owns.
    pub(crate) inventory: Inventory,
}

impl Model {
    /// A cluster without objects, whose discovery is complete and knows nothing in particular.
    pub(crate) fn new() -> Self {
        let kinds = Vec::new();
        let discovery = Discovery {
            complete: false,
            unreadable_groups: std::collections::BTreeSet::new(),
            kinds,
        };
        let world = World {
            cluster_uid: "kube-system-uid".into(),
            discovery,
            ..World::default()
        };
        let mut model = Self {
            world,
            inventory: Inventory::new(set()),
        };
        for (group, kind) in [
            ("", "ConfigMap"),
            ("", "Secret"),
            ("", "ServiceAccount"),
            ("", "Service"),
            ("", "PersistentVolumeClaim"),
            ("apps", "Deployment"),
            ("apps", "StatefulSet"),
            ("batch", "Job"),
            ("rbac.authorization.k8s.io", "Role"),
            ("rbac.authorization.k8s.io", "RoleBinding"),
            ("gateway.networking.k8s.io", "HTTPRoute"),
        ] {
            model.serve(group, kind, true);
        }
        model.serve("", "Namespace", false);
        model.serve("apiextensions.k8s.io", "CustomResourceDefinition", false);
        model.world.discovery.complete = true;
        model
    }

    fn serve(&mut self, group: &str, kind: &str, namespaced: bool) {
        let group_kind = kubemate::object::GroupKind::new(group, kind);
        let versions = vec!["v1".to_owned()];
        let served = kubemate::plan::observed::ServedKind {
            group_kind,
            versions,
            namespaced,
        };
        self.world.discovery.kinds.push(served);
    }

    /// As if `desired` had been applied by us, with its record.
    pub(crate) fn applied(mut self, desired: &Desired, uid: &str) -> Self {
        let payload = payload(desired, &set(), None, &Policy::default());
        let live = Live::new(stored(&payload.body, uid)).unwrap();
        let key = desired.manifest.key.clone();
        self.inventory
            .entries
            .insert(key.clone(), digest::entry_after(desired, &payload, &live));
        self.world
            .objects
            .insert(key, Observed::Present(Box::new(live)));
        self
    }

    /// All of a render, applied.
    pub(crate) fn all_applied(rendered: &Rendered) -> Self {
        let numbered = rendered.objects.values().enumerate();
        numbered.fold(Self::new(), |model, (i, desired)| {
            model.applied(desired, &format!("uid-{i}"))
        })
    }

    /// Asks the model for dry-runs of everything desired that is not in sync, as an observer does.
    pub(crate) fn observe(mut self, rendered: &Rendered) -> Self {
        for (key, desired) in &rendered.objects {
            let entry = self.inventory.entries.get(key);
            let seen = self.world.objects.remove(key);
            let next = match seen {
                Some(Observed::Present(live)) => {
                    let payload = payload(desired, &set(), Some(&live), &Policy::default());
                    if digest::in_sync(&payload, &live, entry) {
                        Observed::Present(Box::new(live.with_dry_run(DryRun::InSync)))
                    } else {
                        let dry_run = predict(&payload.body, &live);
                        Observed::Present(Box::new(live.with_dry_run(dry_run)))
                    }
                }
                Some(other @ (Observed::Unreadable { .. } | Observed::Unchanged { .. })) => other,
                Some(Observed::Absent { .. }) | None => {
                    let body = payload(desired, &set(), None, &Policy::default()).body;
                    let object = stored(&body, "dry-run");
                    Observed::Absent {
                        dry_run: DryRun::Predicted {
                            object,
                            conflicts: Vec::new(),
                        },
                    }
                }
            };
            self.world.objects.insert(key.clone(), next);
        }
        self
    }

    /// Changes a live object in place.
    pub(crate) fn edit(mut self, key: &ObjectKey, edit: impl FnOnce(&mut Live)) -> Self {
        match self.world.objects.get_mut(key) {
            Some(Observed::Present(live)) => edit(live),
            _ => panic!("{key} is not live"),
        }
        self
    }

    /// Puts something else in the place of what was seen.
    pub(crate) fn see(mut self, key: &ObjectKey, seen: Observed) -> Self {
        self.world.objects.insert(key.clone(), seen);
        self
    }
}

/// A 404.
pub(crate) fn absent() -> Observed {
    Observed::Absent {
        dry_run: DryRun::NotNeeded,
    }
}

/// What a forced apply would make of a live object.
fn predict(body: &Value, live: &Live) -> DryRun {
    let ours = live.managed.ours();
    let mut object = live.body.clone();
    for pointer in ours.leaves(&live.body) {
        let shared = !live.managed.owners_of(&pointer, &live.body).is_empty();
        if body.pointer(&pointer).is_none() && !shared && !pointer.contains("/containers/") {
            remove(&mut object, &pointer);
        }
    }
    let mut conflicts = Vec::new();
    merge(&mut object, body);
    for path in digest::declared_paths(body, &live.managed.shape()) {
        for owner in live.managed.owners_of(&path, body) {
            if live.body.pointer(&path) != body.pointer(&path) {
                let field = path.replace('/', ".");
                conflicts.push(Conflict {
                    manager: owner.manager.clone(),
                    field,
                });
            }
        }
    }
    object["metadata"]["managedFields"] = json!([entry("kubemate", "Apply", &fields(body))]);
    DryRun::Predicted { object, conflicts }
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (Value::Array(into), Value::Array(from)) if from.iter().all(|i| keys(i).is_some()) => {
            for item in from {
                match into.iter_mut().find(|other| keys(other) == keys(item)) {
                    Some(other) => merge(other, item),
                    None => into.push(item.clone()),
                }
            }
        }
        (into, from) => *into = from.clone(),
    }
}

fn remove(object: &mut Value, pointer: &str) {
    let Some((parent, name)) = pointer.rsplit_once('/') else {
        return;
    };
    if let Some(map) = object.pointer_mut(parent).and_then(Value::as_object_mut) {
        let name = name.replace("~1", "/").replace("~0", "~");
        map.shift_remove(&name);
    }
}

/// The entry of a key.
pub(crate) fn owned<'a>(inventory: &'a Inventory, key: &ObjectKey) -> &'a Entry {
    &inventory.entries[key]
}
