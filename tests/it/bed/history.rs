//! Commits that are written object by object: no worktree, no filters, no configuration.

use git2::{Index, IndexEntry, IndexTime, Repository, Signature, Time};

/// Points a ref, if one is named, to a commit of exactly these files, on top of what it pointed to.
pub(crate) fn commit<P: AsRef<[u8]>, T: AsRef<[u8]>>(
    git: &Repository,
    reference: Option<&str>,
    files: impl IntoIterator<Item = (P, T)>,
) -> String {
    let mut index = Index::new().unwrap();
    let zero = IndexTime::new(0, 0);
    for (path, content) in files {
        let entry = IndexEntry {
            ctime: zero,
            mtime: zero,
            dev: 0,
            ino: 0,
            mode: 0o100_644,
            uid: 0,
            gid: 0,
            file_size: 0,
            id: git.blob(content.as_ref()).unwrap(),
            flags: 0,
            flags_extended: 0,
            path: path.as_ref().to_vec(),
        };
        index.add(&entry).unwrap();
    }
    let tree = git.find_tree(index.write_tree_to(git).unwrap()).unwrap();
    let who = Signature::new("Ada", "ada@bank.example", &Time::new(1, 0)).unwrap();
    let parent = reference.and_then(|name| git.refname_to_id(name).ok());
    let parent = parent.map(|id| git.find_commit(id).unwrap());
    let parents: Vec<_> = parent.iter().collect();
    let id = git.commit(reference, &who, &who, "change", &tree, &parents);
    id.unwrap().to_string()
}
