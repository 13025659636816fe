//! What a repository on this machine tells of its past: commits in order, and files byte by byte.

use std::path::Path;

use git2::{ObjectType, Oid};

use super::{LocalRepository, commit_id, git_error, header, oid};
use crate::source::MAX_FILE_BYTES;
use crate::source::repository::{CommitId, RepositoryError};

use super::super::text::printable;

/// One commit as people speak of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its id.
    pub id: CommitId,
    /// What it came on top of, of several the first; `None` for the first of all. Where a shallow
    /// clone ends it is not there.
    pub parent: Option<CommitId>,
    /// Who wrote it, without control characters.
    pub author: String,
    /// When it was committed, in seconds since 1970.
    pub time: i64,
    /// Its first line, without control characters.
    pub subject: String,
}

/// A file as a commit has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileBytes {
    /// What it holds.
    pub bytes: Vec<u8>,
    /// Whether it may be executed.
    pub executable: bool,
}

impl LocalRepository {
    /// The commits up to one, the newest first, following first parents only; at most so many.
    pub fn log(&self, from: &CommitId, most: usize) -> Result<Vec<Commit>, RepositoryError> {
        let repository = self.open()?;
        let (mut at, mut found) = (Some(oid(from)?), Vec::new());
        while let Some(id) = at.filter(|_| found.len() < most) {
            let commit = repository.find_commit(id).map_err(|e| git_error(&e))?;
            // The last commit of a shallow clone names a parent that is not there; libgit2 says it has none.
            let named = commit.header_field_bytes("parent").ok();
            let named = named
                .as_ref()
                .and_then(|name| std::str::from_utf8(name).ok());
            let parent = named.and_then(|name| Oid::from_str(name).ok());
            let subject = commit.summary_bytes().unwrap_or_default();
            found.push(Commit {
                id: commit_id(id)?,
                parent: parent.map(commit_id).transpose()?,
                author: printable(&String::from_utf8_lossy(commit.author().name_bytes())),
                time: commit.time().seconds(),
                subject: printable(&String::from_utf8_lossy(subject)),
            });
            at = parent.filter(|id| repository.find_commit(*id).is_ok());
        }
        Ok(found)
    }

    /// A file of a commit, by its path from the top of the repository; `None` if there is none, or what
    /// is there is no plain file of a size that is read.
    pub fn file(
        &self,
        commit: &CommitId,
        path: &str,
    ) -> Result<Option<FileBytes>, RepositoryError> {
        let repository = self.open()?;
        let found = repository.find_commit(oid(commit)?);
        let tree = found
            .and_then(|commit| commit.tree())
            .map_err(|e| git_error(&e))?;
        let Ok(entry) = tree.get_path(Path::new(path)) else {
            return Ok(None);
        };
        let plain = matches!(entry.filemode(), 0o100_644 | 0o100_755 | 0o100_664);
        if !plain || entry.kind() != Some(ObjectType::Blob) {
            return Ok(None);
        }
        let odb = repository.odb().map_err(|e| git_error(&e))?;
        if header(&odb, entry.id(), ObjectType::Blob)? > MAX_FILE_BYTES as u64 {
            return Ok(None);
        }
        let object = odb.read(entry.id()).map_err(|e| git_error(&e))?;
        Ok(Some(FileBytes {
            bytes: object.data().to_vec(),
            executable: entry.filemode() == 0o100_755,
        }))
    }

    /// Reads something else from the repository, on this thread.
    pub(in crate::adapters) fn reading<T>(
        &self,
        read: impl FnOnce(&git2::Repository) -> Result<T, RepositoryError>,
    ) -> Result<T, RepositoryError> {
        read(&self.open()?)
    }

    /// Where this clone came from, as its own configuration says.
    pub fn origin(&self) -> Result<Option<String>, RepositoryError> {
        let repository = self.open()?;
        let remote = repository.find_remote("origin").ok();
        Ok(remote.and_then(|remote| remote.url().ok().map(str::to_owned)))
    }
}
