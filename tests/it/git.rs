//! Commits become trees straight from the object database.

use std::path::Path;
use std::time::Duration;

use git2::{ObjectType, Oid};
use kubemate::adapters::disk;
use kubemate::adapters::git::{LocalRepository, Merge};
use kubemate::source::intake::MAX_DEPTH;
use kubemate::source::repository::{CommitId, RepositoryError};
use kubemate::source::{Content, TreeError};

use crate::alone::{alone, peak_growth, processor_time};

const MIB: u64 = 1024 * 1024;
const BLOB: i32 = 0o100_644;
const TREE: i32 = 0o040_000;

/// A bare repository whose objects are written byte by byte, whatever Git would say to them.
struct Bed {
    directory: tempfile::TempDir,
    git: git2::Repository,
}

impl Bed {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let git = git2::Repository::init_bare(directory.path()).unwrap();
        Self { directory, git }
    }

    fn blob(&self, bytes: &[u8]) -> Oid {
        self.git
            .odb()
            .unwrap()
            .write(ObjectType::Blob, bytes)
            .unwrap()
    }

    fn tree(&self, entries: &[(i32, &[u8], Oid)]) -> Oid {
        let mut bytes = Vec::new();
        for (mode, name, id) in entries {
            bytes.extend(format!("{mode:o} ").into_bytes());
            bytes.extend_from_slice(name);
            bytes.push(0);
            bytes.extend_from_slice(id.as_bytes());
        }
        self.git
            .odb()
            .unwrap()
            .write(ObjectType::Tree, &bytes)
            .unwrap()
    }

    fn commit(&self, tree: Oid, parents: &[&CommitId]) -> CommitId {
        let mut text = format!("tree {tree}\n");
        for parent in parents {
            text.push_str(&format!("parent {parent}\n"));
        }
        text.push_str("author a <a@b> 0 +0000\ncommitter a <a@b> 0 +0000\n\nx\n");
        let id = self
            .git
            .odb()
            .unwrap()
            .write(ObjectType::Commit, text.as_bytes())
            .unwrap();
        CommitId::new(&id.to_string()).unwrap()
    }

    fn files(&self, files: &[(&str, &[u8])]) -> CommitId {
        let entries: Vec<_> = files
            .iter()
            .map(|(name, bytes)| (BLOB, name.as_bytes(), self.blob(bytes)))
            .collect();
        self.commit(self.tree(&entries), &[])
    }

    fn point(&self, name: &str, commit: &CommitId) {
        let id = Oid::from_str(commit.as_str()).unwrap();
        self.git.reference(name, id, true, "test").unwrap();
    }

    fn local(&self) -> LocalRepository {
        LocalRepository::at(self.git.path()).unwrap()
    }
}

#[test]
fn a_commit_reads_as_the_directory_it_was_made_from() {
    let here = tempfile::tempdir().unwrap();
    let git = git2::Repository::init(here.path()).unwrap();
    let write = |path: &str, text: &str| {
        let path = here.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("kubemate.kdl", "project");
    write("tenants/a/app.kdl", "app");
    write("target/built", "no");
    std::os::unix::fs::symlink("kubemate.kdl", here.path().join("link")).unwrap();
    let mut index = git.index().unwrap();
    index
        .add_all(["*"], git2::IndexAddOption::FORCE, None)
        .unwrap();
    let tree = git.find_tree(index.write_tree().unwrap()).unwrap();
    let who = git2::Signature::new("a", "a@b", &git2::Time::new(0, 0)).unwrap();
    let commit = git
        .commit(Some("HEAD"), &who, &who, "x", &tree, &[])
        .unwrap();

    let local = LocalRepository::discover(&here.path().join("tenants")).unwrap();
    assert_eq!(local.root(), "tenants");
    let head = local.resolve("HEAD").unwrap();
    assert_eq!(head.as_str(), commit.to_string());
    let loaded = local.load(&head, "").unwrap();
    assert_eq!(loaded.tree, disk::load(here.path()).unwrap().tree);
    assert_eq!(loaded.tree.files().len(), 3);
    let part = local.load(&head, "tenants/a").unwrap();
    assert_eq!(part.tree.find("app.kdl").unwrap().1.text(), Some("app"));
    let missing = local.load(&head, "tenants/b").unwrap_err();
    assert!(
        missing
            .to_string()
            .ends_with("has no directory `tenants/b`"),
        "{missing}"
    );
}

#[test]
fn s_02_s_08_links_submodules_and_foreign_modes_are_named() {
    let bed = Bed::new();
    let blob = bed.blob(b"../../etc/passwd");
    let sub = Oid::from_str(&"1".repeat(40)).unwrap();
    let tree = bed.tree(&[
        (0o160_000, b"sub", sub),
        (0o120_000, b"v.kdl", blob),
        (0o100_755, b"x.sh", blob),
    ]);
    let loaded = bed.local().load(&bed.commit(tree, &[]), "").unwrap();
    let content = |path| &loaded.tree.find(path).unwrap().1.content;
    assert_eq!(content("v.kdl"), &Content::Symlink);
    let reason = "it is a submodule, which is never fetched".to_owned();
    assert_eq!(content("sub"), &Content::Nested { reason });
    assert!(matches!(content("x.sh"), Content::Text(_)));
}

#[test]
fn s_01_names_that_would_leave_the_tree_are_refused() {
    let bed = Bed::new();
    let blob = bed.blob(b"");
    let inner = bed.tree(&[(BLOB, b"config", blob)]);
    let tree = bed.tree(&[
        (BLOB, b"..", blob),
        (BLOB, b"../x", blob),
        (BLOB, b"/etc/passwd", blob),
        (BLOB, b".git", blob),
        (TREE, b".GIT", inner),
        (BLOB, b"a\\b", blob),
        (BLOB, b"\xff", blob),
        (BLOB, b"esc\x1b", blob),
        (BLOB, b"good", blob),
    ]);
    let loaded = bed.local().load(&bed.commit(tree, &[]), "").unwrap();
    let paths: Vec<_> = loaded
        .tree
        .files()
        .iter()
        .map(|f| f.path.as_str())
        .collect();
    assert_eq!(paths, ["good"]);
    assert_eq!(loaded.refused.len(), 8, "{:?}", loaded.refused);
}

#[test]
fn a_large_blob_is_seen_and_not_read() {
    alone("git::a_large_blob_is_seen_and_not_read", || {
        let bed = Bed::new();
        let commit = bed.files(&[("big", &vec![b'x'; 50 * 1024 * 1024]), ("small", b"s")]);
        let local = bed.local();
        drop(bed.git);
        let (loaded, growth) = peak_growth(|| local.load(&commit, "").unwrap());
        let big = loaded.tree.find("big").unwrap().1;
        assert_eq!(big.content, Content::TooLarge { bytes: 50 * MIB });
        assert_eq!(loaded.tree.find("small").unwrap().1.text(), Some("s"));
        assert!(growth < 16 * MIB, "grew by {growth}");
        drop(bed.directory);
    });
}

#[test]
fn s_22_a_tree_that_holds_itself_many_times_ends_at_the_limit() {
    alone(
        "git::s_22_a_tree_that_holds_itself_many_times_ends_at_the_limit",
        || {
            let bed = Bed::new();
            let blob = bed.blob(b"x");
            for leaf in [bed.tree(&[(BLOB, b"f", blob)]), bed.tree(&[])] {
                let mut tree = leaf;
                for _ in 0..12 {
                    let names: Vec<_> = (b'a'..=b'j').map(|name| [name]).collect();
                    let entries: Vec<_> =
                        names.iter().map(|name| (TREE, &name[..], tree)).collect();
                    tree = bed.tree(&entries);
                }
                let commit = bed.commit(tree, &[]);
                let started = processor_time();
                let (refused, growth) = peak_growth(|| bed.local().load(&commit, "").unwrap_err());
                assert_eq!(refused, RepositoryError::Tree(TreeError::TooManyFiles));
                let refused = bed.local().changed_paths(&commit, &commit).unwrap_err();
                assert_eq!(refused, RepositoryError::Tree(TreeError::TooManyFiles));
                let spent = processor_time() - started;
                // Without the limit it would take days.
                assert!(spent < Duration::from_secs(60), "{spent:?}");
                assert!(growth < 64 * MIB, "grew by {growth}");
            }
        },
    );
}

#[test]
fn s_22_sixty_four_mebibytes_are_refused_by_their_headers() {
    alone(
        "git::s_22_sixty_four_mebibytes_are_refused_by_their_headers",
        || {
            let bed = Bed::new();
            let blob = bed.blob(&vec![b'x'; 1024 * 1024]);
            let names: Vec<_> = (0..65).map(|i| format!("f{i:02}")).collect();
            let entries: Vec<_> = names.iter().map(|n| (BLOB, n.as_bytes(), blob)).collect();
            let commit = bed.commit(bed.tree(&entries), &[]);
            let (refused, growth) = peak_growth(|| bed.local().load(&commit, "").unwrap_err());
            assert!(matches!(
                refused,
                RepositoryError::Tree(TreeError::TooManyBytes { .. })
            ));
            assert!(growth < 16 * MIB, "grew by {growth}");
        },
    );
}

#[test]
fn bottomless_trees_are_named() {
    let bed = Bed::new();
    let mut tree = bed.tree(&[(BLOB, b"f", bed.blob(b""))]);
    for _ in 0..1000 {
        tree = bed.tree(&[(TREE, b"d", tree)]);
    }
    let loaded = bed.local().load(&bed.commit(tree, &[]), "").unwrap();
    let end = ["d"; MAX_DEPTH + 1].join("/");
    assert!(matches!(
        loaded.tree.find(&end).unwrap().1.content,
        Content::Hidden { .. }
    ));
}

#[test]
fn revisions_are_full_names_or_ids() {
    let bed = Bed::new();
    let commit = bed.files(&[("a", b"")]);
    bed.point("refs/heads/main", &commit);
    let local = bed.local();
    assert_eq!(local.resolve("refs/heads/main").unwrap(), commit);
    assert_eq!(local.resolve(commit.as_str()).unwrap(), commit);
    assert_eq!(local.resolve(commit.short()).unwrap(), commit);
    let said = |revision: &str| local.resolve(revision).unwrap_err().to_string();
    assert_eq!(
        said("main"),
        "revision `main` was not found; refs are named in full: write `refs/heads/main`"
    );
    assert_eq!(
        said("refs/heads/x"),
        "revision `refs/heads/x` was not found"
    );
    assert_eq!(said("main@{0}\n"), "revision `main@{0}\\n` was not found");
    assert!(said(&"0".repeat(40)).ends_with("was not found"));
    assert!(said("--upload-pack=x").contains("write `HEAD`"));
    let tree = bed
        .git
        .find_commit(Oid::from_str(commit.as_str()).unwrap())
        .unwrap()
        .tree_id();
    assert!(said(&tree.to_string()).ends_with("is not a commit"));
    let nothing = LocalRepository::discover(Path::new("/")).unwrap_err();
    assert_eq!(nothing.to_string(), "`/` is not inside a Git repository");
}

#[test]
fn what_two_commits_differ_in() {
    let bed = Bed::new();
    let base = bed.files(&[("gone", b"1"), ("kept", b"2"), ("other", b"3")]);
    let entries = [
        (BLOB, &b"kept"[..], bed.blob(b"2")),
        (BLOB, b"new", bed.blob(b"4")),
        (BLOB, b"other", bed.blob(b"5")),
    ];
    let ours = bed.commit(bed.tree(&entries), &[&base]);
    let theirs = bed.commit(bed.tree(&entries[..1]), &[&base]);
    let foreign = bed.commit(bed.tree(&[]), &[]);
    let local = bed.local();
    let changed = local.changed_paths(&base, &ours).unwrap();
    let paths: Vec<_> = changed.paths.iter().map(|path| path.as_str()).collect();
    assert_eq!(paths, ["gone", "new", "other"]);
    assert_eq!(
        local.merge_base(&ours, &theirs).unwrap(),
        Some(base.clone())
    );
    assert_eq!(local.merge_base(&ours, &foreign).unwrap(), None);
}

#[test]
fn missing_objects_are_damage_and_never_absence() {
    let bed = Bed::new();
    let missing = Oid::from_str(&"2".repeat(40)).unwrap();
    for entry in [(BLOB, &b"f"[..], missing), (TREE, b"d", missing)] {
        let commit = bed.commit(bed.tree(&[entry]), &[]);
        let error = bed.local().load(&commit, "").unwrap_err();
        assert_eq!(error.class(), "damaged", "{error}");
    }
    let blob_as_tree = bed.commit(bed.tree(&[(TREE, b"d", bed.blob(b"x"))]), &[]);
    assert_eq!(
        bed.local().load(&blob_as_tree, "").unwrap_err().class(),
        "damaged"
    );
}

/// A commit of two files, of which one has nine lines.
fn nine_lines(bed: &Bed, (first, last): (&str, &str), other: &str) -> CommitId {
    let text = format!("{first}\n2\n3\n4\n5\n6\n7\n8\n{last}\n");
    bed.files(&[("a.kdl", text.as_bytes()), ("b.kdl", other.as_bytes())])
}

#[test]
fn a_merge_that_holds_more_than_git_makes_of_its_sides_is_not_plain() {
    let (main, pull) = (Bed::new(), Bed::new());
    let base = nine_lines(&main, ("1", "9"), "b");
    let before = nine_lines(&main, ("one", "9"), "b");
    // What a squashed pull request was lies in its own mirror only.
    let head = nine_lines(&pull, ("1", "nine"), "b");
    let both_changed = nine_lines(&pull, ("uno", "9"), "b");
    let merged = |lines, other: &str| nine_lines(&main, lines, other);
    let cases = [
        (merged(("one", "nine"), "b"), &before, &head, true),
        (merged(("one", "nine"), "more"), &before, &head, false),
        (merged(("one", "9"), "b"), &before, &head, false),
        (merged(("1", "nine"), "b"), &before, &head, false),
        (merged(("1", "nine"), "b"), &base, &head, true),
        (merged(("one", "9"), "b"), &before, &both_changed, false),
    ];
    let count = || {
        let mut count = 0;
        let odb = main.git.odb().unwrap();
        odb.foreach(|_| {
            count += 1;
            true
        })
        .unwrap();
        count
    };
    let objects = count();
    let local = LocalRepository::at(main.directory.path()).unwrap();
    for (number, (commit, before, head, plain)) in cases.into_iter().enumerate() {
        let merge = Merge {
            commit,
            before: before.clone(),
            base: base.clone(),
            head: head.clone(),
        };
        let found = local.is_plain(&merge, pull.directory.path());
        assert_eq!(found, Ok(plain), "case {number}");
    }
    assert_eq!(count(), objects, "nothing is written");
}

#[test]
fn what_is_merged_is_bounded_and_what_is_missing_is_no_damage() {
    let (main, pull) = (Bed::new(), Bed::new());
    let base = nine_lines(&main, ("1", "9"), "b");
    let mut tree = main.tree(&[(BLOB, b"f", main.blob(b"f"))]);
    for _ in 0..40 {
        tree = main.tree(&[(TREE, b"a", tree), (TREE, b"b", tree)]);
    }
    let huge = main.commit(tree, &[]);
    let lost = nine_lines(&Bed::new(), ("lost", "9"), "b");
    let local = LocalRepository::at(main.directory.path()).unwrap();
    let asked = |head: &CommitId| {
        let merge = Merge {
            commit: base.clone(),
            before: base.clone(),
            base: base.clone(),
            head: head.clone(),
        };
        local.is_plain(&merge, pull.directory.path())
    };
    let too_large = RepositoryError::Tree(TreeError::TooManyFiles);
    assert_eq!(asked(&huge), Err(too_large));
    assert!(matches!(asked(&lost), Err(RepositoryError::Git { .. })));
}
