//! A Kubernetes cluster behind [`crate::apply::cluster::Cluster`]: reads, writes, watches and bookkeeping.
//!
//! Nothing here decides what should be: it sends what it is told and classifies what comes back. What
//! could not be read is never reported as absent.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use jiff::Timestamp;
use serde_json::Value;

use crate::adapters::cluster::answer::Answer;
use crate::adapters::cluster::client::Link;
use crate::adapters::cluster::discovery::{Catalogue, Resource};
use crate::adapters::cluster::request::Request;
use crate::adapters::sops::Keys;
use crate::apply::cluster::{
    Cluster, Delete, Deletion, Identity, Lease, ListQuery, Patch, Question, Seen, Stored, Target,
    Write,
};
use crate::apply::problem::{Problem, ProblemKind};
use crate::object::{GroupKind, ObjectKey, SetId};
use crate::plan::inventory::Inventory;
use crate::plan::observed::{Live, World};

mod answer;
mod client;
mod contents;
mod definitions;
mod discovery;
mod export;
pub mod follow;
mod found;
mod inventory;
mod item;
mod lease;
mod list;
mod missing;
mod observe;
mod request;
mod scalers;
mod sealed;
mod sightings;
mod strays;
mod trial;
mod warm;
mod watch;

use sightings::Sightings;

/// One cluster. Its clones are the same connection and know the same.
#[derive(Clone)]
pub struct KubeCluster {
    link: Arc<Link>,
    catalogue: Arc<Mutex<Option<Arc<Catalogue>>>>,
    reading: Arc<tokio::sync::Mutex<()>>,
    watches: Arc<watch::Watches>,
    sightings: Arc<Sightings>,
    followers: Arc<tokio::sync::Semaphore>,
    /// Inventories as they were last read, where sets are followed.
    read: Arc<Mutex<std::collections::BTreeMap<SetId, Stored>>>,
    keys: Keys,
}

impl KubeCluster {
    /// The cluster of a kubeconfig and context; without both, that of `KUBECONFIG`, of the home
    /// folder, or of the pod this runs in. Nothing is sent yet.
    pub async fn connect(
        kubeconfig: Option<&Path>,
        context: Option<&str>,
    ) -> Result<Self, Problem> {
        let link = Link::new(client::config(kubeconfig, context).await?)?;
        Ok(Self {
            link: Arc::new(link),
            catalogue: Arc::default(),
            reading: Arc::default(),
            watches: Arc::default(),
            sightings: Arc::default(),
            followers: Arc::new(tokio::sync::Semaphore::new(follow::MAX_FOLLOWED)),
            read: Arc::default(),
            keys: Keys::default(),
        })
    }

    /// The same with the keys of encrypted secrets.
    #[must_use]
    pub fn with_keys(self, keys: Keys) -> Self {
        Self { keys, ..self }
    }

    /// A client of kube on the same connections, for what is not about a set: the controller's own
    /// objects, events, watches.
    pub fn client(&self) -> Result<kube::Client, Problem> {
        self.link.client(&Identity::Own, "make a client")
    }

    /// Checks that this is the cluster that the KDL means, by the UID of kube-system.
    pub async fn verify(&self, name: &str, uid: &str) -> Result<(), Problem> {
        let found = self.uid().await?;
        if found == uid {
            Ok(())
        } else {
            Err(Problem::wrong_cluster(name, uid, &found))
        }
    }

    async fn json(&self, identity: &Identity, request: &Request) -> Result<Value, Problem> {
        let writes = request.method != http::Method::GET && !request.is_dry_run();
        self.link
            .call(identity, request)
            .await?
            .json(&request.what, writes)
    }

    fn known(&self) -> Option<Arc<Catalogue>> {
        self.catalogue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// What is served; read anew on demand, once for all who ask at the same time.
    async fn catalogue(&self, anew: bool) -> Result<Arc<Catalogue>, Problem> {
        let before = self.known();
        if let Some(known) = before.as_ref().filter(|_| !anew) {
            return Ok(Arc::clone(known));
        }
        let reading = self.reading.lock().await;
        let now = self.known();
        let newer = match (&before, &now) {
            (Some(before), Some(now)) => !Arc::ptr_eq(before, now),
            (None, now) => now.is_some(),
            (Some(_), None) => false,
        };
        if let Some(now) = now.filter(|_| newer) {
            return Ok(now);
        }
        let catalogue = Arc::new(self.read_catalogue().await?);
        let mut known = self
            .catalogue
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *known = Some(Arc::clone(&catalogue));
        drop(reading);
        Ok(catalogue)
    }

    async fn read_catalogue(&self) -> Result<Catalogue, Problem> {
        let (core, groups) = (Request::discovery("/api"), Request::discovery("/apis"));
        let (core, groups) = futures::try_join!(
            self.link.call(&Identity::Own, &core),
            self.link.call(&Identity::Own, &groups)
        )?;
        let what = "read what the API server serves";
        for answer in [&core, &groups] {
            if !answer.status.is_success() {
                return Err(answer.problem(what, false));
            }
        }
        Catalogue::read(&[&core.body, &groups.body])
            .map_err(|said| Problem::new(ProblemKind::BadAnswer, what, said))
    }

    /// The resource of a kind; discovery is read anew once if it is not known.
    async fn resource(
        &self,
        group_kind: &GroupKind,
        version: Option<&str>,
    ) -> Result<Resource, Problem> {
        for anew in [false, true] {
            let catalogue = self.catalogue(anew).await?;
            if let Some(found) = catalogue.find(group_kind, version) {
                return Ok(found.clone());
            }
        }
        let version = version.map(|v| format!(" in {v}")).unwrap_or_default();
        let said = format!("the API server does not serve {group_kind}{version}");
        Err(Problem::new(
            ProblemKind::NotServed,
            format!("find {group_kind}"),
            said,
        ))
    }

    /// The path of an object, if its kind and its namespace go together.
    async fn place(&self, target: &Target) -> Result<Resource, Problem> {
        let key = &target.key;
        let resource = self
            .resource(&key.group_kind, target.api_version.as_deref())
            .await?;
        if resource.namespaced == key.namespace.is_some() {
            return Ok(resource);
        }
        let said = if resource.namespaced {
            "it needs a namespace and has none"
        } else {
            "it has a namespace and its kind lives in none"
        };
        Err(Problem::new(
            ProblemKind::Invalid,
            format!("find {key}"),
            said,
        ))
    }

    async fn get(&self, resource: &Resource, key: &ObjectKey) -> Result<Option<Live>, Problem> {
        let what = format!("read {key}");
        let request = Request::get(resource.path_of(key), what.clone());
        let answer = self.link.call(&Identity::Own, &request).await?;
        if answer.proves_absence(key) {
            return Ok(None);
        }
        live(answer.json(&what, false)?, key, &what).map(Some)
    }

    /// Sends one object, which the answer must be.
    async fn sent(
        &self,
        identity: &Identity,
        request: Request,
        target: &Target,
    ) -> Result<Value, Problem> {
        let mut body = self.json(identity, &request).await?;
        let name = body.pointer("/metadata/name").and_then(Value::as_str);
        if name == Some(target.key.name.as_str()) {
            if let Some(sealed) = &target.sealed {
                self.keys.seal(&mut body, sealed);
            }
            return Ok(body);
        }
        let said = "the answer is not the object that was sent";
        Err(Problem::new(ProblemKind::BadAnswer, request.what, said))
    }
}

/// An answer as the object that was asked for, and no other.
fn live(body: Value, key: &ObjectKey, what: &str) -> Result<Live, Problem> {
    let text = |pointer| body.pointer(pointer).and_then(Value::as_str);
    let same = text("/kind") == Some(key.group_kind.kind.as_str())
        && text("/metadata/name") == Some(key.name.as_str())
        && text("/metadata/namespace") == key.namespace.as_deref();
    if !same {
        let said = "the answer is not the object that was asked for";
        return Err(Problem::new(ProblemKind::BadAnswer, what, said));
    }
    Live::new(body).map_err(|e| Problem::new(ProblemKind::BadAnswer, what, e.to_string()))
}

impl Cluster for KubeCluster {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn uid(&self) -> Result<String, Problem> {
        let what = "read the UID of the cluster (Namespace/kube-system)";
        let request = Request::get("/api/v1/namespaces/kube-system".into(), what.into());
        let body = self.json(&Identity::Own, &request).await?;
        let key = ObjectKey {
            group_kind: GroupKind::new("", "Namespace"),
            namespace: None,
            name: "kube-system".into(),
        };
        Ok(live(body, &key, what)?.uid)
    }

    async fn observe(&self, question: Question<'_>) -> Result<World, Problem> {
        observe::observe(self, question).await
    }

    async fn read(&self, target: &Target) -> Result<Option<Live>, Problem> {
        let resource = self.place(target).await?;
        let cover = |live| *self.covered(Box::new(live), target.sealed.as_deref());
        let found = self.get(&resource, &target.key).await;
        if !matches!(&found, Err(problem) if problem.kind == ProblemKind::NotServed) {
            return found.map(|live| live.map(cover));
        }
        // A version that was served before may be gone.
        self.catalogue(true).await?;
        let resource = self.place(target).await?;
        let found = self.get(&resource, &target.key).await;
        found.map(|live| live.map(cover))
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<Value>, Problem> {
        let resource = self.resource(&query.group_kind, None).await?;
        let path = resource.path(query.namespace.as_deref());
        let mut items = self.items(&path, &query.labels, false).await?;
        // Items of a list do not say what they are.
        for item in items.iter_mut().filter_map(Value::as_object_mut) {
            item.insert("apiVersion".into(), resource.api_version().into());
            item.insert("kind".into(), resource.group_kind.kind.as_str().into());
        }
        Ok(items)
    }

    async fn write(&self, identity: &Identity, write: &Write) -> Result<Value, Problem> {
        let resource = self.place(&write.target).await?;
        let request = match &write.target.sealed {
            None => Request::apply(&resource, write),
            Some(sealed) => {
                let mut opened = write.clone();
                self.keys
                    .unseal(&write.target.key, &mut opened.body, sealed)?;
                Request::apply(&resource, &opened)
            }
        };
        self.sent(identity, request, &write.target).await
    }

    async fn patch(&self, identity: &Identity, patch: &Patch) -> Result<Value, Problem> {
        let resource = self.place(&patch.target).await?;
        let request = match &patch.target.sealed {
            None => Request::merge(&resource, patch),
            Some(sealed) => {
                let mut opened = patch.clone();
                self.keys
                    .unseal(&patch.target.key, &mut opened.body, sealed)?;
                Request::merge(&resource, &opened)
            }
        };
        self.sent(identity, request, &patch.target).await
    }

    async fn delete(&self, identity: &Identity, delete: &Delete) -> Result<Deletion, Problem> {
        let resource = self.place(&delete.target).await?;
        let request = Request::delete(&resource, delete);
        let answer = self.link.call(identity, &request).await?;
        if answer.proves_absence(&delete.target.key) {
            return Ok(Deletion::Gone);
        }
        let body = answer.json(&request.what, true)?;
        // The server returns the object while it waits for something, and a Status when it is gone.
        let waits = body.pointer("/metadata/deletionTimestamp").is_some();
        Ok(if waits {
            Deletion::Started
        } else {
            Deletion::Gone
        })
    }

    fn watch(&self, target: &Target, seen: &Live) -> BoxStream<'static, Result<Seen, Problem>> {
        let key = target.key.clone();
        let known = self.known();
        let version = target.api_version.as_deref();
        let resource = known.and_then(|c| c.find(&key.group_kind, version).cloned());
        let Some(resource) = resource else {
            let said = "its kind is not known yet";
            let problem = Problem::new(ProblemKind::NotServed, format!("watch {key}"), said);
            return futures::stream::once(async { Err(problem) }).boxed();
        };
        watch::watch(&self.link, &self.watches, resource, key, seen)
    }

    async fn load(&self, set: &SetId) -> Result<Stored, Problem> {
        inventory::load(self, set).await
    }

    async fn store(&self, before: &Stored, inventory: &Inventory) -> Result<Stored, Problem> {
        inventory::store(self, before, inventory).await
    }

    async fn take_lease(
        &self,
        set: &SetId,
        holder: &str,
        wait: Duration,
    ) -> Result<Lease, Problem> {
        lease::take(self, set, holder, wait).await
    }

    async fn renew_lease(&self, lease: &Lease) -> Result<Lease, Problem> {
        lease::renew(self, lease).await
    }

    async fn release_lease(&self, lease: &Lease) -> Result<(), Problem> {
        lease::release(self, lease).await
    }
}

/// Whether a refusal is about a namespace that does not exist.
fn lacks_namespace(problem: &Problem) -> bool {
    Answer::lacks_namespace(problem)
}
