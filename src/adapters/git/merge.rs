//! What Git itself makes of two commits: a merge that holds anything else was changed by somebody. Nothing
//! is written; what Git makes stays in memory.

use std::path::Path;

use super::{LocalRepository, git_error, oid, tree};
use crate::source::repository::{CommitId, RepositoryError};

/// A pull request that came into a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// What it became there: a merge, or the last of its own commits.
    pub commit: CommitId,
    /// What that came on top of.
    pub before: CommitId,
    /// From where the pull request went its own way.
    pub base: CommitId,
    /// Its last commit.
    pub head: CommitId,
}

impl LocalRepository {
    /// Whether a merge holds exactly what Git makes of its two sides by itself. `beside` is the Git
    /// directory of another mirror, in which the last commit of the pull request may lie.
    pub fn is_plain(&self, merge: &Merge, beside: &Path) -> Result<bool, RepositoryError> {
        for known in [&merge.commit, &merge.before, &merge.base] {
            self.resolve(known.as_str())?;
        }
        self.reading(|repository| made(repository, merge, beside))
            .map_err(|error| match error {
                // It may be the other mirror that lacks something, and this one is not to be thrown away for it.
                RepositoryError::Damaged { reason } => RepositoryError::Git { reason },
                other => other,
            })
    }
}

fn made(
    repository: &git2::Repository,
    merge: &Merge,
    beside: &Path,
) -> Result<bool, RepositoryError> {
    let git = |error: git2::Error| git_error(&error);
    let odb = repository.odb().map_err(git)?;
    let objects = beside.join("objects");
    let objects = objects.to_str().ok_or_else(|| RepositoryError::Git {
        reason: "the path of a mirror is not UTF-8".to_owned(),
    })?;
    odb.add_disk_alternate(objects).map_err(git)?;
    // Comes before everything else that could be written to.
    odb.add_new_mempack_backend(1000).map_err(git)?;
    for side in [&merge.base, &merge.before, &merge.head] {
        tree::bounded(repository, side)?;
    }
    let index = repository.merge_trees(
        &tree_of(repository, &merge.base)?,
        &tree_of(repository, &merge.before)?,
        &tree_of(repository, &merge.head)?,
        None,
    );
    let mut index = index.map_err(git)?;
    if index.has_conflicts() {
        return Ok(false);
    }
    let plain = index.write_tree_to(repository).map_err(git)?;
    Ok(plain == tree_of(repository, &merge.commit)?.id())
}

fn tree_of<'r>(
    repository: &'r git2::Repository,
    commit: &CommitId,
) -> Result<git2::Tree<'r>, RepositoryError> {
    let found = repository.find_commit(oid(commit)?);
    found
        .and_then(|commit| commit.tree())
        .map_err(|error| git_error(&error))
}
