//! Git through libgit2: commits and trees straight from the object database.
//!
//! There is never a checkout, so links, `..` and file modes have nowhere to act; hooks, filters and
//! submodules are never looked at, and the user's Git configuration is not read. Every call blocks and
//! belongs on a blocking thread; the [`Repository`] trait does that.

pub mod http;
pub mod remote;
pub mod transport;

mod edit;
mod guard;
mod history;
mod merge;
mod session;
mod ssh;
mod tree;

use std::path::{Path, PathBuf};

use git2::{ErrorCode, ObjectType, Oid, RepositoryOpenFlags};

use crate::source::intake::Loaded;
use crate::source::repository::{ChangedPaths, CommitId, Repository, RepositoryError};

use super::text::printable;

pub use history::{Commit, FileBytes};
pub use merge::Merge;
pub use session::{Credential, FetchLimits, SshOptions};

/// Fewest digits of a shortened commit id.
const SHORTEST_ID: usize = 7;

/// A repository on this machine, read and never written.
#[derive(Debug, Clone)]
pub struct LocalRepository {
    git_dir: PathBuf,
    root: String,
}

impl LocalRepository {
    /// Finds the repository that `directory` is in. Bare ones are found at their own path only.
    pub fn discover(directory: &Path) -> Result<Self, RepositoryError> {
        transport::prepare()?;
        let missing = || RepositoryError::NotARepository {
            path: printable(&directory.to_string_lossy()),
        };
        let repository = git2::Repository::discover(directory).map_err(|error| {
            if error.code() == ErrorCode::NotFound {
                missing()
            } else {
                git_error(&error)
            }
        })?;
        let root = match (repository.workdir(), directory.canonicalize()) {
            (Some(top), Ok(here)) => below(top, &here).unwrap_or_default(),
            _ => String::new(),
        };
        Ok(Self {
            git_dir: repository.path().to_owned(),
            root,
        })
    }

    /// The repository whose Git directory this is.
    pub fn at(git_dir: &Path) -> Result<Self, RepositoryError> {
        transport::prepare()?;
        let local = Self {
            git_dir: git_dir.to_owned(),
            root: String::new(),
        };
        local.open().map(|_| local)
    }

    /// Where the directory that was given lies in the repository; empty at its top.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The commit that `HEAD`, a full ref name or a commit id means.
    pub fn resolve(&self, revision: &str) -> Result<CommitId, RepositoryError> {
        let repository = self.open()?;
        let unknown = |hint| RepositoryError::UnknownRevision {
            revision: printable(revision),
            hint,
        };
        if revision.chars().any(char::is_control) {
            return Err(unknown(None));
        }
        let is_hex = revision.bytes().all(|b| b.is_ascii_hexdigit());
        let found = if revision == "HEAD" || revision.starts_with("refs/") {
            repository.refname_to_id(revision)
        } else if is_hex && (SHORTEST_ID..=40).contains(&revision.len()) {
            find_id(&repository, revision)
        } else {
            return Err(unknown(Some(full_name(&repository, revision))));
        };
        let id = found.map_err(|error| match error.code() {
            ErrorCode::NotFound => unknown(shallow_hint(&repository)),
            ErrorCode::Ambiguous => unknown(Some(
                "several objects begin so; write more digits".to_owned(),
            )),
            _ => git_error(&error),
        })?;
        let object = repository
            .find_object(id, None)
            .map_err(|error| match error.code() {
                ErrorCode::NotFound => unknown(shallow_hint(&repository)),
                _ => git_error(&error),
            })?;
        let commit = object
            .peel_to_commit()
            .map_err(|_| RepositoryError::NotACommit {
                revision: printable(revision),
            })?;
        commit_id(commit.id())
    }

    /// The files of a commit below `root`, which is empty for all of them.
    pub fn load(&self, commit: &CommitId, root: &str) -> Result<Loaded, RepositoryError> {
        tree::load(&self.open()?, commit, root)
    }

    /// The files in which two commits differ.
    pub fn changed_paths(
        &self,
        from: &CommitId,
        to: &CommitId,
    ) -> Result<ChangedPaths, RepositoryError> {
        tree::changed_paths(&self.open()?, from, to)
    }

    /// The best common ancestor of two commits, as far as history is known here.
    pub fn merge_base(
        &self,
        one: &CommitId,
        other: &CommitId,
    ) -> Result<Option<CommitId>, RepositoryError> {
        let repository = self.open()?;
        match repository.merge_base(oid(one)?, oid(other)?) {
            Ok(id) => commit_id(id).map(Some),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(git_error(&error)),
        }
    }

    /// The commits after one up to another, the oldest first, each with what it came on top of,
    /// following first parents only. `None` if the one is not behind the other, or more than `most`
    /// lie between them.
    pub fn since(
        &self,
        from: &CommitId,
        to: &CommitId,
        most: usize,
    ) -> Result<Option<Vec<(CommitId, CommitId)>>, RepositoryError> {
        let repository = self.open()?;
        let (first, mut at) = (oid(from)?, oid(to)?);
        let mut steps = Vec::new();
        while at != first {
            if steps.len() == most {
                return Ok(None);
            }
            let commit = repository.find_commit(at).map_err(|e| git_error(&e))?;
            let Ok(parent) = commit.parent_id(0) else {
                return match shallow_hint(&repository) {
                    None => Ok(None),
                    hint => Err(RepositoryError::UnknownRevision {
                        revision: from.to_string(),
                        hint,
                    }),
                };
            };
            steps.push((commit_id(at)?, commit_id(parent)?));
            at = parent;
        }
        steps.reverse();
        Ok(Some(steps))
    }

    fn open(&self) -> Result<git2::Repository, RepositoryError> {
        let flags = RepositoryOpenFlags::NO_SEARCH | RepositoryOpenFlags::NO_DOTGIT;
        let nowhere: [&Path; 0] = [];
        git2::Repository::open_ext(&self.git_dir, flags, nowhere).map_err(|error| {
            if error.code() == ErrorCode::NotFound {
                let path = printable(&self.git_dir.to_string_lossy());
                RepositoryError::NotARepository { path }
            } else {
                git_error(&error)
            }
        })
    }
}

impl Repository for LocalRepository {
    async fn head(&self) -> Result<CommitId, RepositoryError> {
        let local = self.clone();
        blocking(move || local.resolve("HEAD")).await
    }

    async fn resolve(&self, revision: &str) -> Result<CommitId, RepositoryError> {
        let (local, revision) = (self.clone(), revision.to_owned());
        blocking(move || Self::resolve(&local, &revision)).await
    }

    async fn load(&self, commit: &CommitId, root: &str) -> Result<Loaded, RepositoryError> {
        let (local, commit, root) = (self.clone(), commit.clone(), root.to_owned());
        blocking(move || Self::load(&local, &commit, &root)).await
    }

    async fn changed_paths(
        &self,
        from: &CommitId,
        to: &CommitId,
    ) -> Result<ChangedPaths, RepositoryError> {
        let (local, from, to) = (self.clone(), from.clone(), to.clone());
        blocking(move || Self::changed_paths(&local, &from, &to)).await
    }

    async fn merge_base(
        &self,
        one: &CommitId,
        other: &CommitId,
    ) -> Result<Option<CommitId>, RepositoryError> {
        let (local, one, other) = (self.clone(), one.clone(), other.clone());
        blocking(move || Self::merge_base(&local, &one, &other)).await
    }
}

/// Runs a blocking call off the async threads; a panic in it is an error of this call alone.
async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, RepositoryError> + Send + 'static,
) -> Result<T, RepositoryError> {
    tokio::task::spawn_blocking(call).await.unwrap_or_else(|_| {
        Err(RepositoryError::Git {
            reason: "reading the repository was interrupted".to_owned(),
        })
    })
}

fn find_id(repository: &git2::Repository, digits: &str) -> Result<Oid, git2::Error> {
    let id = Oid::from_str(digits)?;
    if digits.len() == 40 {
        Ok(id)
    } else {
        repository.odb()?.exists_prefix(id, digits.len())
    }
}

/// What to write instead of a short name that a ref ends in.
fn full_name(repository: &git2::Repository, short: &str) -> String {
    let exists = |name: &String| repository.refname_to_id(name).is_ok();
    let names = ["heads", "tags", "remotes"].map(|space| format!("refs/{space}/{short}"));
    match names.into_iter().find(exists) {
        Some(name) => format!("refs are named in full: write `{name}`"),
        None => "write `HEAD`, a full ref name such as refs/heads/main, or a commit id".to_owned(),
    }
}

fn shallow_hint(repository: &git2::Repository) -> Option<String> {
    repository.is_shallow().then(|| {
        "this clone is shallow: fetch more history (`git fetch --unshallow`) and try again"
            .to_owned()
    })
}

fn below(top: &Path, here: &Path) -> Option<String> {
    let inside = here.strip_prefix(top.canonicalize().ok()?).ok()?;
    Some(inside.to_str()?.to_owned())
}

fn oid(commit: &CommitId) -> Result<Oid, RepositoryError> {
    Oid::from_str(commit.as_str()).map_err(|error| git_error(&error))
}

fn commit_id(id: Oid) -> Result<CommitId, RepositoryError> {
    CommitId::new(&id.to_string()).ok_or_else(|| RepositoryError::Git {
        reason: "the repository does not use SHA-1 object ids, which is not supported".to_owned(),
    })
}

/// What libgit2 said, as one of ours.
fn git_error(error: &git2::Error) -> RepositoryError {
    let reason = printable(error.message());
    let damaged = error.code() == ErrorCode::NotFound
        || matches!(
            error.class(),
            git2::ErrorClass::Odb | git2::ErrorClass::Zlib
        );
    if damaged {
        RepositoryError::Damaged { reason }
    } else {
        RepositoryError::Git { reason }
    }
}

/// The size of an object, checked to be of this kind, without reading it.
fn header(odb: &git2::Odb<'_>, id: Oid, kind: ObjectType) -> Result<u64, RepositoryError> {
    let (size, found) = odb.read_header(id).map_err(|error| git_error(&error))?;
    if found == kind {
        Ok(size as u64)
    } else {
        Err(RepositoryError::Damaged {
            reason: format!("object {id} is not a {}", kind.str()),
        })
    }
}
