//! One commit's tree as a `SourceTree`, and the difference of two.
//!
//! Sizes come from object headers and are checked before any blob is read; the number of entries is
//! bounded while trees are walked, so a tree that holds itself many times over ends at the limit.

use std::collections::BTreeMap;

use git2::{ObjectType, Oid};

use crate::source::intake::{Admitted, Listing, Loaded, MAX_DEPTH, is_skipped};
use crate::source::repository::{ChangedPaths, CommitId, RepositoryError};
use crate::source::{Content, PathError, RepoPath, SourceFile, SourceTree, TreeError};

use super::super::text::printable;
use super::{git_error, header, oid};

/// Largest commit object that is read.
const MAX_COMMIT_BYTES: u64 = 1024 * 1024;
/// Largest single tree object that is read.
const MAX_TREE_OBJECT_BYTES: u64 = 8 * 1024 * 1024;

/// Most bytes of all paths of a commit together, where two commits are merged.
const MAX_PATHS: usize = 16 * 1024 * 1024;
/// What an entry costs beside its path.
const ENTRY: usize = 64;

/// What an entry of a Git tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    File(Oid),
    Symlink(Oid),
    Submodule(Oid),
    TooDeep(Oid),
    Odd(Oid),
}

/// Looks up trees and remembers nothing.
struct Walk<'a> {
    repository: &'a git2::Repository,
    odb: git2::Odb<'a>,
}

pub(super) fn load(
    repository: &git2::Repository,
    commit: &CommitId,
    root: &str,
) -> Result<Loaded, RepositoryError> {
    let walk = Walk::new(repository)?;
    let listing = walk.list(walk.root_of(commit, root)?, true)?;
    let (admitted, refused) = listing.admit()?;
    let files: Result<Vec<_>, _> = admitted.into_iter().map(|found| walk.read(found)).collect();
    Ok(Loaded {
        revision: commit.revision(),
        tree: SourceTree::new(files?)?,
        refused,
    })
}

pub(super) fn changed_paths(
    repository: &git2::Repository,
    from: &CommitId,
    to: &CommitId,
) -> Result<ChangedPaths, RepositoryError> {
    let walk = Walk::new(repository)?;
    let (mut before, refused_before) = walk.entries(from)?;
    let (after, refused_after) = walk.entries(to)?;
    let mut changed = ChangedPaths::default();
    for (path, entry) in after {
        if before.remove(&path) != Some(entry) {
            changed.paths.insert(path);
        }
    }
    changed.paths.extend(before.into_keys());
    // Names that are no paths cannot be compared; a difference in their number is all that is known.
    changed.unnameable = refused_before.abs_diff(refused_after);
    Ok(changed)
}

/// Refuses a commit whose tree is too large to be merged, wherever in it that is.
pub(super) fn bounded(
    repository: &git2::Repository,
    commit: &CommitId,
) -> Result<(), RepositoryError> {
    let walk = Walk::new(repository)?;
    let mut left = MAX_PATHS;
    let mut pending = vec![(walk.root_of(commit, "")?, 0)];
    while let Some((id, directory)) = pending.pop() {
        for entry in &walk.tree(id)? {
            let path = directory + entry.name_bytes().len() + 1;
            left = left
                .checked_sub(path + ENTRY)
                .ok_or(TreeError::TooManyFiles)?;
            if entry.kind() == Some(ObjectType::Tree) {
                pending.push((entry.id(), path));
            }
        }
    }
    Ok(())
}

impl<'a> Walk<'a> {
    fn new(repository: &'a git2::Repository) -> Result<Self, RepositoryError> {
        let odb = repository.odb().map_err(|error| git_error(&error))?;
        Ok(Self { repository, odb })
    }

    fn root_of(&self, commit: &CommitId, root: &str) -> Result<Oid, RepositoryError> {
        let id = oid(commit)?;
        if header(&self.odb, id, ObjectType::Commit)? > MAX_COMMIT_BYTES {
            return Err(damaged(format!("commit {} is too large", commit.short())));
        }
        let found = self
            .repository
            .find_commit(id)
            .map_err(|error| git_error(&error))?;
        let mut tree = found.tree_id();
        for segment in root.split('/').filter(|segment| !segment.is_empty()) {
            let here = self.tree(tree)?;
            let entry = here
                .get_name(segment)
                .filter(|e| e.kind() == Some(ObjectType::Tree));
            tree = entry
                .map(|e| e.id())
                .ok_or_else(|| RepositoryError::NoSuchDirectory {
                    commit: commit.short().to_owned(),
                    root: printable(root),
                })?;
        }
        Ok(tree)
    }

    fn tree(&self, id: Oid) -> Result<git2::Tree<'a>, RepositoryError> {
        if header(&self.odb, id, ObjectType::Tree)? > MAX_TREE_OBJECT_BYTES {
            return Err(TreeError::TooManyFiles.into());
        }
        self.repository
            .find_tree(id)
            .map_err(|error| git_error(&error))
    }

    /// Walks depth-first without recursion. `sized` asks for the sizes of blobs.
    fn list(&self, root: Oid, sized: bool) -> Result<Listing<Entry>, RepositoryError> {
        let mut listing = Listing::default();
        let mut pending = vec![(root, String::new(), 0)];
        while let Some((id, directory, depth)) = pending.pop() {
            if depth > MAX_DEPTH {
                listing.add(&directory, 0, Entry::TooDeep(id))?;
                continue;
            }
            for entry in &self.tree(id)? {
                listing.count()?;
                let Ok(name) = entry.name() else {
                    let name = printable(&String::from_utf8_lossy(entry.name_bytes()));
                    let path = join(&directory, &name);
                    listing.refuse(PathError {
                        path,
                        reason: "its name is not UTF-8",
                    });
                    continue;
                };
                if name.contains('/') {
                    let path = join(&directory, &printable(name));
                    listing.refuse(PathError {
                        path,
                        reason: "its name contains a slash",
                    });
                } else if is_skipped(&directory, name) && entry.kind() == Some(ObjectType::Tree) {
                    // Left out in a working tree just the same.
                } else if entry.kind() == Some(ObjectType::Tree) {
                    pending.push((entry.id(), join(&directory, name), depth + 1));
                } else {
                    let found = classify(&entry);
                    let bytes = match found {
                        Entry::File(id) if sized => header(&self.odb, id, ObjectType::Blob)?,
                        _ => 0,
                    };
                    listing.add(&join(&directory, name), bytes, found)?;
                }
            }
        }
        Ok(listing)
    }

    fn entries(
        &self,
        commit: &CommitId,
    ) -> Result<(BTreeMap<RepoPath, Entry>, usize), RepositoryError> {
        let (admitted, refused) = self.list(self.root_of(commit, "")?, false)?.admit()?;
        let entries = admitted
            .into_iter()
            .map(|found| (found.path, found.handle))
            .collect();
        Ok((entries, refused.len()))
    }

    fn read(&self, found: Admitted<Entry>) -> Result<SourceFile, RepositoryError> {
        let Admitted {
            path,
            bytes,
            readable,
            handle,
        } = found;
        let unreadable = |reason: &str| Content::Unreadable {
            reason: reason.to_owned(),
        };
        let content = match handle {
            Entry::File(_) if !readable => Content::TooLarge { bytes },
            Entry::File(id) => {
                let object = self.odb.read(id).map_err(|error| git_error(&error))?;
                return Ok(SourceFile::from_bytes(path, object.data().to_vec()));
            }
            Entry::Symlink(_) => Content::Symlink,
            Entry::Submodule(_) => Content::Nested {
                reason: "it is a submodule, which is never fetched".to_owned(),
            },
            Entry::TooDeep(_) => Content::Hidden {
                reason: format!("it lies more than {MAX_DEPTH} directories deep"),
            },
            Entry::Odd(_) => unreadable("it is neither a file nor a directory"),
        };
        Ok(SourceFile::unread(path, content))
    }
}

fn classify(entry: &git2::TreeEntry<'_>) -> Entry {
    let id = entry.id();
    match (entry.kind(), entry.filemode()) {
        (Some(ObjectType::Commit), _) => Entry::Submodule(id),
        (Some(ObjectType::Blob), 0o120_000) => Entry::Symlink(id),
        (Some(ObjectType::Blob), _) => Entry::File(id),
        _ => Entry::Odd(id),
    }
}

fn damaged(reason: String) -> RepositoryError {
    RepositoryError::Damaged { reason }
}

fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() {
        name.to_owned()
    } else {
        format!("{directory}/{name}")
    }
}
