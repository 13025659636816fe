//! Where commits come from: the [`Repository`] trait, implemented by `adapters::git`.
//!
//! The pipeline asks for commits and trees and never learns what a remote, a cache or a credential is.
//! No error of this module holds a credential or a URL with user information.

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::intake::Loaded;
use super::{RepoPath, Revision, TreeError};

/// The full id of a commit, in lower-case hex.
///
/// ```
/// use kubemate::source::repository::CommitId;
/// let id = CommitId::new("0123456789abcdef0123456789ABCDEF01234567").unwrap();
/// assert_eq!(id.short(), "0123456789ab");
/// assert!(CommitId::new("main").is_none());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommitId(String);

impl CommitId {
    /// The id, if `text` is forty hex digits.
    pub fn new(text: &str) -> Option<Self> {
        let is_id = text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit());
        is_id.then(|| Self(text.to_ascii_lowercase()))
    }

    /// All forty digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first twelve digits, for people.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }

    /// The revision that this commit is.
    pub fn revision(&self) -> Revision {
        Revision::Commit(self.0.clone())
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for CommitId {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text).ok_or("a commit id is forty hex digits")
    }
}

impl From<CommitId> for String {
    fn from(id: CommitId) -> Self {
        id.0
    }
}

/// The paths in which two commits differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangedPaths {
    /// Added, removed or changed files.
    pub paths: BTreeSet<RepoPath>,
    /// How many more changed under names that cannot be paths.
    pub unnameable: usize,
}

/// Why a repository could not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RepositoryError {
    /// No Git repository there.
    #[error("`{path}` is not inside a Git repository")]
    NotARepository {
        /// The directory that was tried.
        path: String,
    },
    /// Nothing has this name.
    #[error("revision `{revision}` was not found{}", hint.as_ref().map(|h| format!("; {h}")).unwrap_or_default())]
    UnknownRevision {
        /// What was asked for, control characters escaped.
        revision: String,
        /// What to write instead.
        hint: Option<String>,
    },
    /// The name leads to something that is no commit.
    #[error("revision `{revision}` is not a commit")]
    NotACommit {
        /// What was asked for.
        revision: String,
    },
    /// The commit has no such directory.
    #[error("commit {commit} has no directory `{root}`")]
    NoSuchDirectory {
        /// The commit, shortened.
        commit: String,
        /// The directory that was asked for.
        root: String,
    },
    /// The tree is over the limits.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The remote's address is not allowed.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The host did not answer as a Git host does.
    #[error("{host}: {reason}")]
    Unreachable {
        /// The host, never with user information.
        host: String,
        /// What happened.
        reason: String,
    },
    /// The host refused our credentials, or wants some.
    #[error(
        "{host} refused access to the repository (HTTP {status}); check that the credential exists, has not expired and may read this repository"
    )]
    Denied {
        /// The host.
        host: String,
        /// The status it answered with.
        status: u16,
    },
    /// The host has no such repository, or hides it.
    #[error("{host} has no repository at this address, or the credential may not see it")]
    NoSuchRepository {
        /// The host.
        host: String,
    },
    /// The host sent us elsewhere.
    #[error(
        "{host} redirects to {target}; redirects to another host are refused, write the final address into the project instead"
    )]
    Redirected {
        /// The host that was asked.
        host: String,
        /// The host it named.
        target: String,
    },
    /// The remote has no such ref.
    #[error("{host} has no ref `{name}`")]
    NoSuchRef {
        /// The host.
        host: String,
        /// The full name of the ref.
        name: String,
    },
    /// The transfer took too long.
    #[error("{host} did not finish within {} s", after.as_secs())]
    TimedOut {
        /// The host.
        host: String,
        /// The limit.
        after: Duration,
    },
    /// The transfer was too large.
    #[error("the repository at {host} is larger than {} MiB, the limit for one fetch", limit / 1024 / 1024)]
    TooLarge {
        /// The host.
        host: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// One object was too large.
    #[error("the repository at {host} holds an object of {} MiB, over the limit of {} MiB; large files do not belong into a repository of configuration", bytes / 1024 / 1024, limit / 1024 / 1024)]
    ObjectTooLarge {
        /// The host.
        host: String,
        /// Its size.
        bytes: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// Objects are missing or broken.
    #[error("the Git objects are damaged: {reason}")]
    Damaged {
        /// What Git says.
        reason: String,
    },
    /// Anything else that Git refused.
    #[error("Git: {reason}")]
    Git {
        /// What Git says.
        reason: String,
    },
}

impl RepositoryError {
    /// A word for metrics and events; the same for all errors of one sort.
    pub fn class(&self) -> &'static str {
        match self {
            Self::NotARepository { .. } => "not-a-repository",
            Self::UnknownRevision { .. } | Self::NotACommit { .. } | Self::NoSuchRef { .. } => {
                "unknown-revision"
            }
            Self::NoSuchDirectory { .. } => "no-such-directory",
            Self::Tree(_) => "too-large",
            Self::Address(_) => "address-refused",
            Self::Unreachable { .. } => "unreachable",
            Self::Denied { .. } => "denied",
            Self::NoSuchRepository { .. } => "no-such-repository",
            Self::Redirected { .. } => "redirected",
            Self::TimedOut { .. } => "timed-out",
            Self::TooLarge { .. } | Self::ObjectTooLarge { .. } => "transfer-too-large",
            Self::Damaged { .. } => "damaged",
            Self::Git { .. } => "git",
        }
    }

    /// Whether the same request may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::TimedOut { .. } | Self::Damaged { .. }
        )
    }
}

/// Why the address of a remote is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("repository address refused: {reason}")]
pub struct AddressError {
    /// What is wrong and what to write instead; never holds user information.
    pub reason: String,
}

/// One Git repository, local or remote.
pub trait Repository: Send + Sync {
    /// Brings the tracked ref up to date and says where it is.
    fn head(&self) -> impl Future<Output = Result<CommitId, RepositoryError>> + Send;

    /// The commit that a full ref name or a commit id means.
    fn resolve(
        &self,
        revision: &str,
    ) -> impl Future<Output = Result<CommitId, RepositoryError>> + Send;

    /// The files of a commit below `root`, which is empty for all of them.
    fn load(
        &self,
        commit: &CommitId,
        root: &str,
    ) -> impl Future<Output = Result<Loaded, RepositoryError>> + Send;

    /// The files in which two commits differ.
    fn changed_paths(
        &self,
        from: &CommitId,
        to: &CommitId,
    ) -> impl Future<Output = Result<ChangedPaths, RepositoryError>> + Send;

    /// The best common ancestor, `None` where the histories have none that is known here.
    fn merge_base(
        &self,
        one: &CommitId,
        other: &CommitId,
    ) -> impl Future<Output = Result<Option<CommitId>, RepositoryError>> + Send;
}
