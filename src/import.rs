//! Objects of a cluster as a project: the way back from Kubernetes to KDL.
//!
//! The kinds propose resources; here the proposals are judged and rendered like any other project, and
//! what they render is compared with what was found, field by field. So the list of what the project
//! does not say is not written by hand, where it could have gaps: it is the difference itself. What
//! cannot be said at all stays as it is, in a `manifests` resource.

mod compare;
mod defaults;
mod intake;
mod known;
mod normal;
mod project;
mod settle;
pub mod summary;
mod text;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::object::ObjectKey;
use crate::plan::diff::Shown;

/// One object as it was read, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// The file or the cluster, for messages.
    pub from: String,
    /// The object.
    pub body: Value,
}

/// What the objects alone do not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Name of the project.
    pub project: String,
    /// Tenant whose namespaces begin with its name; without one each namespace is a tenant.
    pub tenant: Option<String>,
    /// Namespace of objects that name none.
    pub namespace: Option<String>,
    /// The environment that they are of; without one what the namespaces say, else `prod`.
    pub environment: Option<String>,
    /// UID of the cluster, if it is known.
    pub uid: Option<String>,
    /// Store for secrets whose source is not known.
    pub store: String,
    /// Whether only what is rendered as it was becomes a resource.
    pub exact: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            project: "imported".into(),
            tenant: None,
            namespace: None,
            environment: None,
            uid: None,
            store: "vault".into(),
            exact: false,
        }
    }
}

/// A project that validates, and everything that it says otherwise than the objects did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Imported {
    /// The files by their paths.
    #[serde(skip)]
    pub files: BTreeMap<String, String>,
    /// Its resources, in the order of their paths.
    pub resources: Vec<Resource>,
    /// Objects that stay as they are, in `manifests`.
    pub kept: Vec<Told>,
    /// Objects that are not part of the project.
    pub left: Vec<Told>,
    /// Objects that were found and are the same in meaning.
    pub same: usize,
    /// Objects that were found and are rendered otherwise.
    pub changed: usize,
}

/// One resource and how it differs from what it was made of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Resource {
    /// Kind and name.
    pub resource: String,
    /// Its file.
    pub path: String,
    /// What its reader has to know or to do.
    pub notes: Vec<String>,
    /// Objects that get another name or form.
    pub renamed: Vec<String>,
    /// Objects that were not found and are rendered.
    pub added: Vec<String>,
    /// Fields that are not as they were.
    pub differences: Vec<Difference>,
}

/// One field that is not as it was.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The object.
    pub object: String,
    /// The field, list items by their key.
    pub path: String,
    /// What became of it.
    pub what: What,
    /// The value before; secrets are masked.
    pub before: Shown,
    /// The value after; secrets are masked.
    pub after: Shown,
}

/// What became of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// It is gone.
    Lost,
    /// It has another value.
    Changed,
    /// It was not there.
    Added,
    /// A safe default of the language took the place of an unsafe one, or of none.
    Safer,
}

/// An object, and why it is where it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Told {
    /// The object.
    pub object: String,
    /// Why.
    pub why: String,
}

/// Why nothing could be brought in.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// No object was found that could be part of a project.
    #[error("there is nothing to bring in: {0}")]
    Nothing(String),
    /// Objects name no namespace.
    #[error("{0} names no namespace, and none is given for it")]
    NoNamespace(String),
    /// The project that would hold everything is refused.
    #[error("the project cannot be made: {}", .0.join("; "))]
    Refused(Vec<String>),
    /// A file of it is too large, or has a name that no file has.
    #[error("the project cannot be made: {0}")]
    Tree(String),
}

/// Makes a project of objects.
///
/// # Errors
/// Only where no project at all can be made; single objects that cannot be part of it are listed.
pub fn import(read: Vec<Read>, options: &Options) -> Result<Imported, ImportError> {
    let intake = intake::intake(read, options)?;
    settle::settle(intake, options)
}

/// A short name of an object for people.
fn named(key: &ObjectKey) -> String {
    key.selector()
}
