//! What was seen in the cluster, as plain data. Everything the planner knows of the world is here.
//!
//! "Could not be read" is a value of its own and never looks like absence: [`Observed::Absent`] may be
//! built only from a GET by name that the API server answered with 404.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::object::{GroupKind, ObjectKey, SetId};
use crate::plan::managed::Managed;

/// Everything observed for one set before planning.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct World {
    /// The UID of the cluster's `kube-system` namespace.
    pub cluster_uid: String,
    /// One entry for every key that is desired or in the inventory. A key without an entry was not
    /// looked at and is treated as unreadable.
    #[serde(with = "crate::object::keyed")]
    pub objects: BTreeMap<ObjectKey, Observed>,
    /// No cluster was looked at: the world is another commit, as for an intent.
    #[serde(default)]
    pub offline: bool,
    /// What the API server serves.
    pub discovery: Discovery,
    /// What lives in the Namespaces, and which instances exist of the CRDs, that may be deleted.
    #[serde(with = "crate::object::keyed")]
    pub contents: BTreeMap<ObjectKey, Contents>,
    /// What other sets of the project say about keys that this set wants or owns.
    #[serde(with = "crate::object::keyed")]
    pub elsewhere: BTreeMap<ObjectKey, Elsewhere>,
    /// Objects with the set's marks that are neither wanted nor in the inventory; looked for only where
    /// the inventory is seen to be lost or old.
    #[serde(default)]
    pub left_behind: Vec<ObjectKey>,
    /// For Namespaces and CRDs of this set, what another set of the project wants that would go with them.
    #[serde(default, with = "crate::object::keyed")]
    pub needed: BTreeMap<ObjectKey, (ObjectKey, SetId)>,
    /// Quotas of the namespaces this set writes to.
    pub quotas: Vec<QuotaFact>,
    /// Hosts and paths that routes of other sets serve.
    pub routes: Vec<RouteFact>,
    /// Served CRDs of wanted objects that the server could not be asked about, as far as they could be
    /// read.
    #[serde(default)]
    pub definitions: Vec<Value>,
    /// Encrypted files that could not be opened where it was looked, by the object whose data they hold.
    #[serde(default, with = "crate::object::keyed")]
    pub unopened: BTreeMap<ObjectKey, Unopened>,
}

/// An encrypted file that could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unopened {
    /// The file.
    pub path: String,
    /// Why, in words.
    pub why: String,
    /// What to do about it.
    pub help: String,
}

/// One object as it was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Observed {
    /// It exists.
    Present(Box<Live>),
    /// It exists and stands at the very version at which it was in sync and healthy before, so nothing
    /// of it was read.
    Unchanged {
        /// Its UID.
        uid: String,
    },
    /// A GET by its name answered 404.
    Absent {
        /// What the server said to a dry-run of creating it, where it is desired.
        dry_run: DryRun,
    },
    /// Nothing is known about it.
    Unreadable {
        /// Why, in words.
        reason: String,
    },
}

/// An object that exists.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Live {
    /// Its UID.
    pub uid: String,
    /// The resourceVersion it was read at.
    pub resource_version: String,
    /// When its deletion began, if it did.
    pub deletion_timestamp: Option<String>,
    /// Who owns which field.
    pub managed: Managed,
    /// It was seen that nothing scales it any more, so that whoever did has no claim to the number of
    /// its pods. False where that is not known.
    #[serde(default)]
    pub unscaled: bool,
    /// The object as read, without `metadata.managedFields`.
    pub body: Value,
    /// The server's answer to a dry-run of our write.
    pub dry_run: DryRun,
    /// The server's answer to a dry-run of creating it anew under another name; asked only where a
    /// replacement is allowed and needed.
    pub recreate: Option<DryRun>,
}

/// The server's answer to a server-side apply with `dryRun=All`.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DryRun {
    /// Not asked: nothing is desired, or nothing may be written.
    NotNeeded,
    /// Not asked: [`crate::plan::digest::in_sync`] said that nothing changed since the last write.
    InSync,
    /// What the object would be.
    Predicted {
        /// The whole object as answered, `metadata.managedFields` included.
        object: Value,
        /// The conflicts of the unforced request, where only the forced one was accepted.
        conflicts: Vec<Conflict>,
    },
    /// It could not be asked: its namespace or CRD does not exist yet, or a webhook has no dry-run.
    Unverified {
        /// Why, in words.
        reason: String,
    },
    /// The server refused it.
    Refused(ApiProblem),
}

/// A field that another manager owns with another value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Conflict {
    /// The manager, as in `kubectl-edit`.
    pub manager: String,
    /// The field as the server writes it, as in `.spec.template.spec.containers[name="a"].image`.
    pub field: String,
}

/// A refusal of the API server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiProblem {
    /// The HTTP status.
    pub status: u16,
    /// The reason, as in `Invalid`.
    pub reason: String,
    /// The message; may quote values.
    pub message: String,
    /// One per field, where the server names fields.
    pub causes: Vec<Cause>,
    /// Conflicts with other managers, where that is the refusal.
    pub conflicts: Vec<Conflict>,
}

/// One field the server complains about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// The cause's type, as in `FieldValueForbidden`.
    pub reason: String,
    /// The field, as in `spec.template.spec.containers[0].image`.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

/// What the API server serves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discovery {
    /// Every group answered, and freshly. Only then does a missing kind say anything.
    pub complete: bool,
    /// Groups that did not answer.
    pub unreadable_groups: BTreeSet<String>,
    /// Served kinds.
    pub kinds: Vec<ServedKind>,
}

/// A kind the API server serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedKind {
    /// Group and kind.
    pub group_kind: GroupKind,
    /// Served versions, preferred first.
    pub versions: Vec<String>,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

impl Discovery {
    /// The kind, if it is served.
    pub fn find(&self, group_kind: &GroupKind) -> Option<&ServedKind> {
        self.kinds
            .iter()
            .find(|served| served.group_kind == *group_kind)
    }

    /// Whether "not found" may be believed for this kind: it is served, or discovery is complete.
    pub fn proves_absence(&self, group_kind: &GroupKind) -> bool {
        self.complete
            || (!self.unreadable_groups.contains(&group_kind.group)
                && self.find(group_kind).is_some())
    }
}

/// What would go together with a Namespace or a CRD.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contents {
    /// A complete listing.
    Counted {
        /// Objects by kind, without what Kubernetes itself puts into every namespace and without
        /// dependants of counted objects.
        kinds: Vec<(GroupKind, u64)>,
        /// How many of them no set of this project owns.
        unowned: u64,
        /// How many of them other sets of this project own.
        #[serde(default)]
        others: u64,
        /// The namespaces in which they live; one for a Namespace.
        namespaces: BTreeSet<String>,
    },
    /// A listing failed or was not complete.
    Unreadable {
        /// Why, in words.
        reason: String,
    },
}

/// What another set says about a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elsewhere {
    /// The other set.
    pub set: SetId,
    /// Its complete render wants the object.
    pub wants: bool,
    /// Its inventory owns the object with this UID.
    pub owns: Option<String>,
}

/// A ResourceQuota, desired or live, as numbers for arithmetic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QuotaFact {
    /// The namespace.
    pub namespace: String,
    /// The quota's name.
    pub name: String,
    /// `status.hard`, else `spec.hard`, as quantities in text.
    pub hard: BTreeMap<String, String>,
    /// `status.used` as quantities in text, empty for a quota that does not exist yet.
    pub used: BTreeMap<String, String>,
}

/// A host and path that a route of another set serves.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RouteFact {
    /// The host name, empty for any.
    pub host: String,
    /// The path prefix.
    pub path: String,
    /// The gateway it comes through, as `NAMESPACE/NAME/LISTENER`.
    pub gateway: String,
    /// The set that serves it.
    pub set: String,
    /// The route.
    pub route: String,
}

/// Why an answer is not an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LiveError {
    /// A field every stored object has is missing.
    #[error("the server's answer has no `{0}`")]
    Missing(&'static str),
}

impl Live {
    /// An object as the server returned it, `managedFields` included.
    pub fn new(mut body: Value) -> Result<Self, LiveError> {
        let managed = Managed::take(&mut body);
        Self::of(body, managed)
    }

    /// An object and who owns its fields, where the two were read apart.
    pub fn of(body: Value, managed: Managed) -> Result<Self, LiveError> {
        let metadata = body.get("metadata");
        let text = |name: &str| {
            let text = metadata?.get(name)?.as_str()?;
            (!text.is_empty()).then(|| text.to_owned())
        };
        let uid = text("uid").ok_or(LiveError::Missing("metadata.uid"))?;
        let resource_version = text("resourceVersion");
        let resource_version =
            resource_version.ok_or(LiveError::Missing("metadata.resourceVersion"))?;
        let deletion_timestamp = text("deletionTimestamp");
        let dry_run = DryRun::NotNeeded;
        Ok(Self {
            uid,
            resource_version,
            deletion_timestamp,
            managed,
            unscaled: false,
            body,
            dry_run,
            recreate: None,
        })
    }

    /// The same with the server's answer to our dry-run.
    #[must_use]
    pub fn with_dry_run(mut self, dry_run: DryRun) -> Self {
        self.dry_run = dry_run;
        self
    }

    /// A label of the object.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.body
            .get("metadata")?
            .get("labels")?
            .get(name)?
            .as_str()
    }

    /// An annotation of the object.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.body
            .get("metadata")?
            .get("annotations")?
            .get(name)?
            .as_str()
    }

    /// Finalizers that keep it while it is being deleted.
    pub fn finalizers(&self) -> Vec<&str> {
        let list = self
            .body
            .pointer("/metadata/finalizers")
            .and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }
}

/// Identity only: bodies may hold what must not be printed.
impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Live(uid {}, at {}, {:?})",
            self.uid, self.resource_version, self.dry_run
        )
    }
}

/// The verdict only: bodies may hold what must not be printed.
impl fmt::Debug for DryRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotNeeded => f.write_str("not asked"),
            Self::InSync => f.write_str("in sync"),
            Self::Predicted { conflicts, .. } => {
                write!(f, "accepted, {} conflicts", conflicts.len())
            }
            Self::Unverified { reason } => write!(f, "unverified: {reason}"),
            Self::Refused(problem) => write!(f, "refused: {} {}", problem.status, problem.reason),
        }
    }
}
