//! An API server in memory: objects with owners of fields, books, leases and one Sync. Each method is one
//! request at the moment of its effect.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;

use super::fields::{self, Manager, Paths, leaves};
use super::judge::{Caller, Judge, SCALED};
use crate::adapters::sync::{SyncSpec, SyncStatus};
use crate::apply::cluster::{Delete, Deletion, Expect, Patch, Write};
use crate::apply::problem::{Problem, ProblemKind};
use crate::object::{FIELD_MANAGER, ObjectKey, SET_LABEL, SetId};
use crate::plan::inventory::Inventory;
use crate::plan::observed::{ApiProblem, Conflict};

/// The kind whose objects an operator makes ready and takes away.
pub(super) const WIDGET: &str = "Widget";

/// A stored object, `managedFields` apart.
#[derive(Clone, PartialEq)]
pub(super) struct Object {
    pub(super) body: Value,
    managers: Vec<Manager>,
}

/// One change: the version, the object, and what it is now.
pub(super) type Change = (u64, ObjectKey, Option<Value>);

/// Everything that is stored.
pub(super) struct Server {
    version: u64,
    pub(super) objects: BTreeMap<ObjectKey, Object>,
    pub(super) books: BTreeMap<SetId, (u64, Inventory)>,
    pub(super) leases: BTreeMap<SetId, (String, u64)>,
    pub(super) spec: SyncSpec,
    pub(super) generation: i64,
    pub(super) status: SyncStatus,
    changes: Vec<Change>,
    pub(super) news: watch::Sender<u64>,
    pub(super) judge: Judge,
    /// Changes of objects and books by replicas.
    pub(super) writes: u64,
}

impl Object {
    fn uid(&self) -> &str {
        self.body["metadata"]["uid"].as_str().unwrap()
    }

    /// The object as it is answered.
    pub(super) fn whole(&self) -> Value {
        let mut body = self.body.clone();
        let version = body["apiVersion"].as_str().unwrap().to_owned();
        body["metadata"]["managedFields"] = fields::to_json(&self.managers, &version);
        body
    }

    pub(super) fn is_ours(&self) -> bool {
        self.managers.iter().any(Manager::is_ours)
    }

    /// Whether an autoscaler has the number of its pods.
    pub(super) fn is_scaled(&self) -> bool {
        let scales = |m: &Manager| m.subresource == "scale" && m.paths.contains(SCALED);
        self.managers.iter().any(scales)
    }

    fn is(&self, uid: &str, version: &str) -> bool {
        self.uid() == uid && self.body["metadata"]["resourceVersion"] == version
    }

    /// Fields of others that would get another value.
    fn conflicts(&self, wanted: &BTreeMap<String, Value>) -> Vec<(String, String)> {
        let mut out = Vec::new();
        for manager in self.managers.iter().filter(|m| !m.is_ours()) {
            for path in &manager.paths {
                let other = wanted.get(path);
                if other.is_some_and(|value| self.body.pointer(path) != Some(value)) {
                    out.push((path.clone(), manager.name.clone()));
                }
            }
        }
        out
    }

    /// A server-side apply of ours.
    fn apply(&mut self, wanted: &BTreeMap<String, Value>) {
        let ours = self.managers.iter().find(|m| m.is_ours());
        let before: Paths = ours.map(|m| m.paths.clone()).unwrap_or_default();
        self.managers.retain(|m| !m.is_ours());
        for (path, value) in wanted {
            if self.body.pointer(path) != Some(value) {
                for manager in &mut self.managers {
                    manager.paths.remove(path);
                }
                fields::put(&mut self.body, path, value.clone());
            }
        }
        for path in before.iter().filter(|path| !wanted.contains_key(*path)) {
            if !self.managers.iter().any(|m| m.paths.contains(path)) {
                fields::take(&mut self.body, path);
            }
        }
        let ours = Manager {
            name: FIELD_MANAGER.to_owned(),
            applies: true,
            subresource: String::new(),
            paths: wanted.keys().cloned().collect(),
        };
        self.managers.retain(|m| !m.paths.is_empty());
        self.managers.insert(0, ours);
    }

    /// An update by somebody else.
    fn update(&mut self, (name, subresource): (&str, &str), path: &str, value: Value) {
        if self.body.pointer(path) == Some(&value) {
            return;
        }
        for manager in &mut self.managers {
            manager.paths.remove(path);
        }
        fields::put(&mut self.body, path, value);
        let same = |m: &&mut Manager| m.name == name && m.subresource == subresource && !m.applies;
        match self.managers.iter_mut().find(same) {
            Some(manager) => {
                manager.paths.insert(path.to_owned());
            }
            None => self.managers.push(Manager {
                name: name.to_owned(),
                applies: false,
                subresource: subresource.to_owned(),
                paths: Paths::from([path.to_owned()]),
            }),
        }
        self.managers.retain(|m| !m.paths.is_empty());
    }

    fn has_finalizers(&self) -> bool {
        let list = self.body.pointer("/metadata/finalizers");
        list.and_then(Value::as_array)
            .is_some_and(|l| !l.is_empty())
    }

    fn is_going(&self) -> bool {
        self.body["metadata"].get("deletionTimestamp").is_some()
    }
}

fn stale(what: String) -> Problem {
    Problem::new(ProblemKind::Stale, what, "it is another one by now")
}

/// The answer 409 to fields of others.
fn conflict(what: String, taken: &[(String, String)]) -> Problem {
    let conflicts = taken.iter().map(|(path, manager)| Conflict {
        manager: manager.clone(),
        field: path.replace('/', "."),
    });
    let api = ApiProblem {
        status: 409,
        reason: "Conflict".to_owned(),
        message: "fields of others".to_owned(),
        causes: Vec::new(),
        conflicts: conflicts.collect(),
    };
    Problem {
        api: Some(Box::new(api)),
        ..Problem::new(ProblemKind::Conflict, what, "fields of others")
    }
}

impl Server {
    pub(super) fn new(spec: SyncSpec) -> Self {
        Self {
            version: 1,
            objects: BTreeMap::new(),
            books: BTreeMap::new(),
            leases: BTreeMap::new(),
            spec,
            generation: 1,
            status: SyncStatus::default(),
            changes: Vec::new(),
            news: watch::channel(1).0,
            judge: Judge::default(),
            writes: 0,
        }
    }

    /// The version of everything.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    fn next(&mut self) -> u64 {
        self.version += 1;
        self.version
    }

    /// Stores an object, in a new version, and tells.
    fn keep(&mut self, key: &ObjectKey, mut object: Object) -> Value {
        let version = self.next();
        object.body["metadata"]["resourceVersion"] = version.to_string().into();
        let whole = object.whole();
        self.objects.insert(key.clone(), object);
        self.tell(key, Some(whole.clone()));
        whole
    }

    fn forget(&mut self, key: &ObjectKey) {
        if self.objects.remove(key).is_some() {
            self.next();
            self.tell(key, None);
        }
    }

    fn tell(&mut self, key: &ObjectKey, now: Option<Value>) {
        self.changes.push((self.version, key.clone(), now));
        self.news.send_replace(self.version);
    }

    /// What changed after a version, of these objects.
    pub(super) fn since(&self, version: u64, of: impl Fn(&ObjectKey) -> bool) -> Vec<Change> {
        let at = self.changes.partition_point(|(at, ..)| *at <= version);
        let after = self.changes.iter().skip(at);
        after.filter(|(_, key, _)| of(key)).cloned().collect()
    }

    /// A server-side apply.
    pub(super) fn apply(&mut self, by: &Caller, write: &Write) -> Result<Value, Problem> {
        let (key, what) = (&write.target.key, format!("apply {}", write.target.key));
        let before = self.objects.get(key);
        let fits = match (&write.expect, before) {
            (Expect::Absent, before) => before.is_none(),
            (
                Expect::Unchanged {
                    uid,
                    resource_version,
                },
                Some(object),
            ) => object.is(uid, resource_version),
            (Expect::Same { uid }, Some(object)) => object.uid() == uid,
            (Expect::Unchanged { .. } | Expect::Same { .. }, None) => false,
        };
        if !fits {
            return Err(stale(what));
        }
        let before = before.cloned();
        let wanted = leaves(&write.body);
        let mut object = before.clone().unwrap_or_else(|| self.fresh(&write.body));
        let taken = object.conflicts(&wanted);
        if !taken.is_empty() && !write.force {
            return Err(conflict(what, &taken));
        }
        object.apply(&wanted);
        if write.dry_run {
            return Ok(object.whole());
        }
        let label = write.body["metadata"]["labels"][SET_LABEL].as_str();
        let label = label.unwrap_or_default().to_owned();
        let made = before.is_none();
        self.judge.written(by, (key, &label), made, &taken);
        if before.as_ref().is_some_and(|object| !object.is_ours()) {
            let said = format!("{}: {key} of somebody else is written", by.life);
            self.judge.wrong.push(said);
        }
        if before.as_ref() == Some(&object) {
            return Ok(object.whole());
        }
        self.writes += 1;
        if before.is_none_or(|before| before.body.get("spec") != object.body.get("spec")) {
            starts(&mut object, key);
        }
        Ok(self.keep(key, object))
    }

    /// An object that is made.
    fn fresh(&mut self, body: &Value) -> Object {
        let uid = format!("uid-{}", self.next());
        let from = &body["metadata"];
        let mut metadata = json!({"name": from["name"], "uid": uid, "generation": 0});
        if let Some(namespace) = from.get("namespace") {
            metadata["namespace"] = namespace.clone();
        }
        metadata["resourceVersion"] = "0".into();
        let body =
            json!({"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": metadata});
        Object {
            body,
            managers: Vec::new(),
        }
    }

    /// A merge patch of the owners of fields.
    pub(super) fn patch(&mut self, patch: &Patch) -> Result<Value, Problem> {
        let (key, what) = (&patch.target.key, format!("patch {}", patch.target.key));
        let Some(mut object) = self.objects.get(key).cloned() else {
            return Err(stale(what));
        };
        let asked = &patch.body["metadata"]["resourceVersion"];
        if object.body["metadata"]["resourceVersion"] != *asked {
            return Err(stale(what));
        }
        object.managers = fields::from_json(&patch.body);
        self.writes += 1;
        Ok(self.keep(key, object))
    }

    pub(super) fn delete(&mut self, delete: &Delete) -> Result<Deletion, Problem> {
        let (key, what) = (&delete.target.key, format!("delete {}", delete.target.key));
        let Some(object) = self.objects.get(key) else {
            return Ok(Deletion::Gone);
        };
        if !object.is(&delete.uid, &delete.resource_version) {
            return Err(stale(what));
        }
        self.writes += 1;
        Ok(self.remove(key))
    }

    /// A deletion, by whomever: an operator takes its objects away later.
    pub(super) fn remove(&mut self, key: &ObjectKey) -> Deletion {
        let Some(object) = self.objects.get(key) else {
            return Deletion::Gone;
        };
        if object.is_going() {
            return Deletion::Started;
        }
        if object.has_finalizers() || key.group_kind.kind == WIDGET {
            let mut object = object.clone();
            object.body["metadata"]["deletionTimestamp"] = "2026-05-01T12:00:00Z".into();
            drop(self.keep(key, object));
            return Deletion::Started;
        }
        self.forget(key);
        Deletion::Gone
    }

    /// What the operator of the cluster does: objects become ready, and what may go goes.
    pub(super) fn operate(&mut self, now: Duration) {
        let all: Vec<ObjectKey> = self.objects.keys().cloned().collect();
        for key in all {
            let Some(object) = self.objects.get(&key) else {
                continue;
            };
            if object.is_going() && !object.has_finalizers() {
                self.judge.touched(&key, now);
                self.forget(&key);
                continue;
            }
            let ready = object.body.pointer("/status/conditions/0/status");
            if ready.is_some_and(|ready| ready == "False") {
                let mut object = object.clone();
                let generation = object.body["metadata"]["generation"].clone();
                object.body["status"] = status(&generation, "True");
                drop(self.keep(&key, object));
            }
        }
    }

    /// Somebody else writes one field.
    pub(super) fn edit(&mut self, key: &ObjectKey, who: (&str, &str), path: &str, value: Value) {
        if let Some(before) = self.objects.get(key) {
            let mut object = before.clone();
            object.update(who, path, value);
            if object != *before {
                drop(self.keep(key, object));
            }
        }
    }

    /// Somebody else makes an object.
    pub(super) fn make(&mut self, key: &ObjectKey, body: &Value) {
        if self.objects.contains_key(key) {
            return;
        }
        let mut object = self.fresh(body);
        for (path, value) in leaves(body) {
            object.update(("helm", ""), &path, value);
        }
        drop(self.keep(key, object));
    }

    /// Takes or gives back a lease that stands at a version.
    pub(super) fn lease(
        &mut self,
        life: &str,
        (set, holder): (&SetId, &str),
        before: Option<u64>,
        now: Duration,
    ) -> Result<u64, Problem> {
        if self.leases.get(set).map(|(_, version)| *version) != before {
            return Err(stale(format!("take the lease of {set}")));
        }
        let version = self.next();
        self.leases
            .insert(set.clone(), (holder.to_owned(), version));
        if !holder.is_empty() {
            self.judge.leased(life, set, now);
        }
        Ok(version)
    }

    /// Replaces the books that stand at a version.
    pub(super) fn store(
        &mut self,
        before: Option<u64>,
        inventory: &Inventory,
    ) -> Result<u64, Problem> {
        let set = &inventory.set;
        if self.books.get(set).map(|(version, _)| *version) != before {
            return Err(stale(format!("write the inventory of {set}")));
        }
        let version = self.next();
        self.books.insert(set.clone(), (version, inventory.clone()));
        self.judge.books.insert(set.clone(), inventory.clone());
        self.writes += 1;
        Ok(version)
    }

    /// The status of the Sync; after a pass it must be true.
    pub(super) fn report(&mut self, life: &str, status: &SyncStatus, began: Option<Duration>) {
        if let (Some(commit), Some(began)) = (applied(status), began) {
            self.judge.applied(life, commit, &self.objects, began);
        }
        self.status = status.clone();
    }
}

/// The commit that a status says is applied.
pub(super) fn applied(status: &SyncStatus) -> Option<&str> {
    let mut conditions = status.conditions.iter();
    let says = conditions.any(|c| c.type_ == "Ready" && c.status == "True");
    status.last_applied.as_deref().filter(|_| says)
}

fn status(generation: &Value, ready: &str) -> Value {
    json!({"observedGeneration": generation, "conditions": [{"type": "Ready", "status": ready}]})
}

/// Another spec is another generation, which the operator has yet to make ready.
fn starts(object: &mut Object, key: &ObjectKey) {
    let generation = object.body["metadata"]["generation"].as_i64().unwrap() + 1;
    object.body["metadata"]["generation"] = generation.into();
    if key.group_kind.kind == WIDGET {
        object.body["status"] = status(&generation.into(), "False");
    }
}
