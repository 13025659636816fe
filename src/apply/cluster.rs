//! The border to a cluster: what apply asks of it. Only data crosses it.
//!
//! An implementation decides nothing: it sends what it is told and reports what came back. "Not there"
//! is said only after the API server answered 404 for that very object.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::BoxStream;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::apply::problem::{Problem, ProblemKind};
use crate::object::{GroupKind, ObjectKey, Owner, Rendered, SetId};
use crate::plan::Policy;
use crate::plan::inventory::Inventory;
use crate::plan::observed::{Live, World};

/// In whose name a call is made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// kubemate's own account: reads, bookkeeping and the platform's sets.
    Own,
    /// A tenant's ServiceAccount, impersonated.
    ServiceAccount {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

impl Identity {
    /// Checks that a set may be written with this identity: a tenant's never with our own, and never
    /// with an empty one.
    pub fn check(&self, set: &SetId) -> Result<(), Problem> {
        let refuse = |said: String| {
            Err(Problem::new(
                ProblemKind::NoIdentity,
                format!("write the set {set}"),
                said,
            ))
        };
        match (self, &set.owner) {
            (Self::Own, Owner::Platform) => Ok(()),
            (Self::Own, Owner::Tenant(tenant)) => refuse(format!(
                "no ServiceAccount is known for the tenant `{tenant}`"
            )),
            (Self::ServiceAccount { namespace, name }, _) => {
                if namespace.is_empty() || name.is_empty() {
                    return refuse("the ServiceAccount has no name or no namespace".into());
                }
                Ok(())
            }
        }
    }
}

/// One object and the API version to speak about it in; `None` is the version the server prefers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// The object.
    pub key: ObjectKey,
    /// As in `apps/v1`.
    pub api_version: Option<String>,
}

impl Target {
    /// An object in the version the server prefers.
    pub fn of(key: &ObjectKey) -> Self {
        Self {
            key: key.clone(),
            api_version: None,
        }
    }
}

/// What must be true of the object when a write arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// It does not exist.
    Absent,
    /// It is this object, and nothing changed since it was read.
    Unchanged {
        /// Its UID.
        uid: String,
        /// The resourceVersion it was read at.
        resource_version: String,
    },
    /// It is this object, in whatever state. Only for questions: no write is bound to what was read.
    Same {
        /// Its UID.
        uid: String,
    },
}

impl Expect {
    /// The object as it was read. A write that expects it neither meets another state nor makes anew
    /// what was deleted meanwhile.
    pub fn unchanged(live: &Live) -> Self {
        Self::Unchanged {
            uid: live.uid.clone(),
            resource_version: live.resource_version.clone(),
        }
    }
}

/// A server-side apply.
#[derive(Clone)]
pub struct Write {
    /// The object.
    pub target: Target,
    /// What is sent.
    pub body: Value,
    /// What must be true when it arrives.
    pub expect: Expect,
    /// Take fields from other managers.
    pub force: bool,
    /// Only say what would be.
    pub dry_run: bool,
}

/// A JSON merge patch: for what server-side apply cannot say, which is who owns a field.
#[derive(Clone)]
pub struct Patch {
    /// The object.
    pub target: Target,
    /// What is sent. With `metadata.resourceVersion` it is bound to that version.
    pub body: Value,
    /// Only say what would be.
    pub dry_run: bool,
}

/// A delete, bound to one object's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delete {
    /// The object.
    pub target: Target,
    /// Its UID.
    pub uid: String,
    /// The resourceVersion it was judged at.
    pub resource_version: String,
    /// Whether its dependants go first.
    pub foreground: bool,
}

/// What a delete led to so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// The object is gone.
    Gone,
    /// It is being deleted and waits for finalizers, dependants or its grace period.
    Started,
}

/// A change of a watched object.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// It is so now.
    Present(Arc<Live>),
    /// The watch saw it go; only a read proves it.
    Gone,
}

/// Which objects a list is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListQuery {
    /// Their kind.
    pub group_kind: GroupKind,
    /// Their namespace, `None` for all.
    pub namespace: Option<String>,
    /// A label selector, empty for all.
    pub labels: String,
}

/// An inventory as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// The content; without entries where nothing is stored.
    pub inventory: Inventory,
    /// The version that the next write replaces; `None` where nothing is stored.
    pub version: Option<String>,
    /// Names of the parts it consists of besides its head.
    pub parts: Vec<String>,
}

/// A lease on a set that we hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The set.
    pub set: SetId,
    /// Who we are.
    pub holder: String,
    /// The version that the next renewal replaces.
    pub version: String,
    /// For how long it is good without a renewal.
    pub valid: Duration,
}

/// Everything to look at for one set.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// What is wanted.
    pub rendered: &'a Rendered,
    /// What is owned.
    pub inventory: &'a Inventory,
    /// What may be left to others, which decides what is sent.
    pub policy: &'a Policy,
    /// Who will write.
    pub identity: &'a Identity,
}

/// A cluster, as far as apply needs one.
pub trait Cluster: Send + Sync {
    /// The time, for judging health.
    fn now(&self) -> Timestamp;

    /// The UID of the cluster's kube-system namespace, read anew.
    fn uid(&self) -> impl Future<Output = Result<String, Problem>> + Send;

    /// Reads everything about a set and asks for dry-runs of what changed.
    fn observe(
        &self,
        question: Question<'_>,
    ) -> impl Future<Output = Result<World, Problem>> + Send;

    /// Reads one object; `None` only where the API server answered 404 for it.
    fn read(&self, target: &Target) -> impl Future<Output = Result<Option<Live>, Problem>> + Send;

    /// All objects that fit, or an error; never a part of them.
    fn list(&self, query: &ListQuery) -> impl Future<Output = Result<Vec<Value>, Problem>> + Send;

    /// Applies one object, and returns it as the server answered, `managedFields` included.
    fn write(
        &self,
        identity: &Identity,
        write: &Write,
    ) -> impl Future<Output = Result<Value, Problem>> + Send;

    /// Patches one object, and returns it as the server answered, `managedFields` included.
    fn patch(
        &self,
        identity: &Identity,
        patch: &Patch,
    ) -> impl Future<Output = Result<Value, Problem>> + Send;

    /// Deletes one object.
    fn delete(
        &self,
        identity: &Identity,
        delete: &Delete,
    ) -> impl Future<Output = Result<Deletion, Problem>> + Send;

    /// Changes of one object since it was seen; only the latest of several is told. Ends at any time;
    /// an error says that the object must be read again.
    fn watch(&self, target: &Target, seen: &Live) -> BoxStream<'static, Result<Seen, Problem>>;

    /// The stored inventory of a set. Anything damaged or incomplete is an error.
    fn load(&self, set: &SetId) -> impl Future<Output = Result<Stored, Problem>> + Send;

    /// Replaces exactly the stored state that `before` describes; else [`ProblemKind::Stale`].
    fn store(
        &self,
        before: &Stored,
        inventory: &Inventory,
    ) -> impl Future<Output = Result<Stored, Problem>> + Send;

    /// Takes the lease of a set, waiting at most so long for its present holder.
    fn take_lease(
        &self,
        set: &SetId,
        holder: &str,
        wait: Duration,
    ) -> impl Future<Output = Result<Lease, Problem>> + Send;

    /// Prolongs a lease that we hold.
    fn renew_lease(&self, lease: &Lease) -> impl Future<Output = Result<Lease, Problem>> + Send;

    /// Gives a lease back.
    fn release_lease(&self, lease: &Lease) -> impl Future<Output = Result<(), Problem>> + Send;
}
