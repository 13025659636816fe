//! What the tree of a commit becomes with some of its files changed. Nothing is written; what Git makes
//! stays in memory.

use git2::FileMode;
use git2::build::TreeUpdateBuilder;

use super::{LocalRepository, git_error};
use crate::report::forge::proposal::FileChange;
use crate::source::repository::{CommitId, RepositoryError};

impl LocalRepository {
    /// The id of the tree of a commit with these files as they are to be.
    pub fn tree_with(
        &self,
        base: &CommitId,
        files: &[FileChange],
    ) -> Result<String, RepositoryError> {
        self.reading(|repository| made(repository, base, files).map_err(|e| git_error(&e)))
    }
}

fn made(
    repository: &git2::Repository,
    base: &CommitId,
    files: &[FileChange],
) -> Result<String, git2::Error> {
    let odb = repository.odb()?;
    // Comes before everything else that could be written to.
    odb.add_new_mempack_backend(1000)?;
    let base = git2::Oid::from_str(base.as_str())?;
    let base = repository.find_commit(base)?.tree()?;
    let mut updates = TreeUpdateBuilder::new();
    for file in files {
        let mode = match file.executable {
            true => FileMode::BlobExecutable,
            false => FileMode::Blob,
        };
        match &file.after {
            Some(bytes) => updates.upsert(file.path.as_str(), repository.blob(bytes)?, mode),
            None => updates.remove(file.path.as_str()),
        };
    }
    Ok(updates.create_updated(repository, &base)?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_that_of_the_commit_and_nothing_of_it_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let repository = git2::Repository::init(directory.path()).unwrap();
        let who = git2::Signature::new("ann", "ann@shop.example", &git2::Time::new(1, 0)).unwrap();
        let commit = |files: &[(&str, &str, u32)]| {
            let mut index = git2::Index::new().unwrap();
            for (path, text, mode) in files {
                let id = repository.blob(text.as_bytes()).unwrap();
                let time = git2::IndexTime::new(0, 0);
                let entry = git2::IndexEntry {
                    ctime: time,
                    mtime: time,
                    dev: 0,
                    ino: 0,
                    mode: *mode,
                    uid: 0,
                    gid: 0,
                    file_size: 0,
                    id,
                    flags: 0,
                    flags_extended: 0,
                    path: path.as_bytes().to_vec(),
                };
                index.add(&entry).unwrap();
            }
            let tree = index.write_tree_to(&repository).unwrap();
            let tree = repository.find_tree(tree).unwrap();
            let id = repository.commit(None, &who, &who, "x", &tree, &[]);
            (id.unwrap().to_string(), tree.id().to_string())
        };
        let (base, _) = commit(&[
            ("a/b", "old", 0o100_755),
            ("c/d", "gone", 0o100_644),
            ("e", "stays", 0o100_644),
        ]);
        let file = |path: &str, after: Option<&str>, executable| FileChange {
            path: path.to_owned(),
            before: None,
            after: after.map(|text| text.as_bytes().to_vec()),
            executable,
        };
        let files = [
            file("a/b", Some("new"), true),
            file("c/d", None, false),
            file("f/g", Some("more"), false),
        ];
        let local = LocalRepository::at(repository.path()).unwrap();
        let base = CommitId::new(&base).unwrap();
        let made = local.tree_with(&base, &files).unwrap();
        let id = git2::Oid::from_str(&made).unwrap();
        assert!(repository.find_tree(id).is_err());
        let (_, expected) = commit(&[
            ("a/b", "new", 0o100_755),
            ("e", "stays", 0o100_644),
            ("f/g", "more", 0o100_644),
        ]);
        assert_eq!(made, expected);
    }
}
