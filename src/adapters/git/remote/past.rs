//! What is asked about a commit before its files are read: the bytes that may be signed, and whether it
//! comes after another one.

use git2::{ErrorCode, ObjectType, Oid};

use super::{Depth, RemoteRepository, blocking};
use crate::adapters::git::{LocalRepository, git_error, header, oid};
use crate::source::repository::{CommitId, RepositoryError};

/// Largest commit or tag that is read.
const MAX_BYTES: u64 = 1024 * 1024;

impl RemoteRepository {
    /// A commit, byte by byte as Git keeps it.
    pub async fn commit_bytes(&self, commit: &CommitId) -> Result<Vec<u8>, RepositoryError> {
        let commit = commit.clone();
        self.on_mirror(move |local| {
            local.resolve(commit.as_str())?;
            local.reading(|git| bytes(git, oid(&commit)?, ObjectType::Commit))
        })
        .await
    }

    /// The tag that the tracked ref is, byte by byte; `None` if it leads to a commit without one.
    pub async fn tag_bytes(&self) -> Result<Option<Vec<u8>>, RepositoryError> {
        let tracking = self.tracking();
        self.on_mirror(move |local| local.reading(|git| tag_bytes(git, &tracking)))
            .await
    }

    /// Whether one commit is another one or came before it, by all of the history of the tracked ref. A
    /// commit that is nowhere in it came before nothing.
    pub async fn leads_to(&self, from: &CommitId, to: &CommitId) -> Result<bool, RepositoryError> {
        let (from, to) = (from.clone(), to.clone());
        let (this, runtime) = (self.clone(), tokio::runtime::Handle::current());
        blocking(move || {
            let known = |local: LocalRepository| local.leads_to(&from, &to);
            match LocalRepository::at(&this.git_dir).and_then(known) {
                Ok(true) => return Ok(true),
                Ok(false) if !this.is_shallow() => return Ok(false),
                Ok(false) | Err(_) => {}
            }
            this.fetch(&runtime, Depth::Whole)?;
            LocalRepository::at(&this.git_dir).and_then(known)
        })
        .await
    }
}

impl LocalRepository {
    /// Whether one commit is another one or came before it, as far as history is known here.
    fn leads_to(&self, from: &CommitId, to: &CommitId) -> Result<bool, RepositoryError> {
        let is_there = |commit: &CommitId| {
            self.reading(|git| match git.find_commit(oid(commit)?) {
                Ok(_) => Ok(true),
                Err(error) if error.code() == ErrorCode::NotFound => Ok(false),
                Err(error) => Err(git_error(&error)),
            })
        };
        if !is_there(to)? {
            let reason = format!("commit {} is not there", to.short());
            return Err(RepositoryError::Damaged { reason });
        }
        if self.is_parent(from, to)? {
            return Ok(true);
        }
        if !is_there(from)? {
            return Ok(false);
        }
        Ok(self.merge_base(from, to)?.as_ref() == Some(from))
    }

    /// Whether one commit is what another one came on top of, also where history ends in between here.
    fn is_parent(&self, from: &CommitId, to: &CommitId) -> Result<bool, RepositoryError> {
        let object = self.reading(|git| bytes(git, oid(to)?, ObjectType::Commit))?;
        // Behind the tree, and before all else: what looks like one elsewhere is none.
        let lines = object.split(|byte| *byte == b'\n').skip(1);
        let mut parents = lines.map_while(|line| line.strip_prefix(b"parent "));
        Ok(parents.any(|id| id == from.as_str().as_bytes()))
    }
}

fn tag_bytes(git: &git2::Repository, tracking: &str) -> Result<Option<Vec<u8>>, RepositoryError> {
    let id = git.refname_to_id(tracking).map_err(|e| git_error(&e))?;
    let odb = git.odb().map_err(|e| git_error(&e))?;
    let (_, kind) = odb.read_header(id).map_err(|e| git_error(&e))?;
    match kind {
        ObjectType::Tag => bytes(git, id, ObjectType::Tag).map(Some),
        _ => Ok(None),
    }
}

fn bytes(git: &git2::Repository, id: Oid, kind: ObjectType) -> Result<Vec<u8>, RepositoryError> {
    let odb = git.odb().map_err(|e| git_error(&e))?;
    if header(&odb, id, kind)? > MAX_BYTES {
        let reason = format!("the {} {id} is too large", kind.str());
        return Err(RepositoryError::Git { reason });
    }
    let object = odb.read(id).map_err(|e| git_error(&e))?;
    Ok(object.data().to_vec())
}
