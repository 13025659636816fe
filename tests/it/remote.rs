//! Remotes are fetched from their own host, within limits, and leave nothing behind when they fail.

mod bombs;
mod disk;
mod names;
mod past;
mod squashed;
mod ssh;
mod tls;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use git2::{Oid, Signature, Time};
use kubemate::adapters::git::remote::{RemoteOptions, RemoteRepository};
use kubemate::adapters::git::{Credential, FetchLimits, SshOptions, http};
use kubemate::adapters::reach::Reach;
use kubemate::source::address::{AllowList, RemoteAddress};
use kubemate::source::repository::{CommitId, Repository, RepositoryError};

use crate::alone::{alone, peak_growth};
use crate::githost::{Host, Mood};

const MAIN: &str = "refs/heads/main";
const CANARY: &str = "CANARY-TOKEN";

/// A repository on a host, and the place for its mirror.
struct Bed {
    host: Host,
    served: git2::Repository,
    directory: tempfile::TempDir,
}

impl Bed {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let served =
            git2::Repository::init_bare(directory.path().join("served/org/r.git")).unwrap();
        let host = Host::start(&directory.path().join("served"));
        Self {
            host,
            served,
            directory,
        }
    }

    /// Points main to a new commit on top of these.
    fn commit(&self, text: &str, parents: &[&CommitId]) -> CommitId {
        let blob = self.served.blob(text.as_bytes()).unwrap();
        let mut tree = self.served.treebuilder(None).unwrap();
        tree.insert("kubemate.kdl", blob, 0o100_644).unwrap();
        let tree = self.served.find_tree(tree.write().unwrap()).unwrap();
        let parents: Vec<_> = parents
            .iter()
            .map(|id| {
                self.served
                    .find_commit(Oid::from_str(id.as_str()).unwrap())
                    .unwrap()
            })
            .collect();
        let who = Signature::new("a", "a@b", &Time::new(0, 0)).unwrap();
        let parents: Vec<_> = parents.iter().collect();
        let id = self
            .served
            .commit(None, &who, &who, text, &tree, &parents)
            .unwrap();
        self.served.reference(MAIN, id, true, "test").unwrap();
        CommitId::new(&id.to_string()).unwrap()
    }

    fn options(&self) -> RemoteOptions {
        let address = RemoteAddress::parse(&format!("{}/org/r.git", self.host.address)).unwrap();
        RemoteOptions {
            address,
            name: MAIN.to_owned(),
            mirrors: self.directory.path().join("mirrors"),
            credential: Some(Credential::Bearer(CANARY.into())),
            limits: FetchLimits {
                deadline: Duration::from_mins(1),
                ..FetchLimits::default()
            },
            ssh: SshOptions::default(),
        }
    }

    fn remote(&self) -> RemoteRepository {
        remote(self.options())
    }

    fn head(&self, remote: &RemoteRepository) -> Result<CommitId, RepositoryError> {
        let head = self.host.runtime.block_on(remote.head());
        if let Err(error) = &head {
            assert!(!format!("{error} {error:?}").contains(CANARY));
            assert!(
                leftovers(remote.git_dir()).is_empty(),
                "{:?}",
                leftovers(remote.git_dir())
            );
        }
        head
    }

    fn text(&self, remote: &RemoteRepository, commit: &CommitId) -> String {
        let loaded = self.host.runtime.block_on(remote.load(commit, "")).unwrap();
        loaded
            .tree
            .find("kubemate.kdl")
            .unwrap()
            .1
            .text()
            .unwrap()
            .to_owned()
    }
}

fn remote(options: RemoteOptions) -> RemoteRepository {
    let allowed = AllowList::parse([options.address.to_string().as_str()]).unwrap();
    RemoteRepository::new(
        options,
        &allowed,
        http::client(Vec::new(), Reach::Anywhere).unwrap(),
    )
    .unwrap()
}

fn packs(git_dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(git_dir.join("objects/pack")) else {
        return Vec::new();
    };
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn leftovers(git_dir: &Path) -> Vec<PathBuf> {
    let is_finished = |path: &PathBuf| {
        path.file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with("pack-")
    };
    packs(git_dir)
        .into_iter()
        .filter(|path| !is_finished(path))
        .collect()
}

#[test]
fn a_remote_is_fetched_followed_and_read() {
    let bed = Bed::new();
    let first = bed.commit("one", &[]);
    let remote = bed.remote();
    assert_eq!(bed.head(&remote).unwrap(), first);
    assert_eq!(bed.text(&remote, &first), "one");
    let second = bed.commit("two", &[&first]);
    assert_eq!(bed.head(&remote).unwrap(), second);
    assert_eq!(bed.text(&remote, &second), "two");
    let packs = bed.host.packs();
    assert_eq!(bed.head(&remote).unwrap(), second);
    assert_eq!(
        bed.host.packs(),
        packs,
        "nothing is transferred when nothing changed"
    );
    let run = |revision| bed.host.runtime.block_on(remote.resolve(revision));
    assert_eq!(run(MAIN).unwrap(), second);
    let changed = bed
        .host
        .runtime
        .block_on(remote.changed_paths(&first, &second))
        .unwrap();
    assert_eq!(changed.paths.len(), 1);
    assert!(
        bed.host
            .authorization()
            .iter()
            .all(|seen| seen == &format!("Bearer {CANARY}"))
    );
}

#[test]
fn only_the_tip_is_fetched_until_history_is_needed() {
    let bed = Bed::new();
    let root = bed.commit("root", &[]);
    let mut tip = root.clone();
    for round in 0..20 {
        tip = bed.commit(&round.to_string(), &[&tip]);
    }
    let remote = bed.remote();
    assert_eq!(bed.head(&remote).unwrap(), tip);
    assert!(
        git2::Repository::open_bare(remote.git_dir())
            .unwrap()
            .is_shallow()
    );
    let base = bed
        .host
        .runtime
        .block_on(remote.merge_base(&tip, &root))
        .unwrap();
    assert_eq!(base, Some(root.clone()));
    assert_eq!(bed.text(&remote, &root), "root");
    let unknown = CommitId::new(&"7".repeat(40)).unwrap();
    let error = bed
        .host
        .runtime
        .block_on(remote.load(&unknown, ""))
        .unwrap_err();
    assert_eq!(error.class(), "unknown-revision", "{error}");
}

#[test]
fn r_94_a_commit_outside_the_depth_is_deepened_to() {
    let bed = Bed::new();
    let root = bed.commit("root", &[]);
    let tip = bed.commit("tip", &[&root]);
    let remote = bed.remote();
    assert_eq!(bed.head(&remote).unwrap(), tip);
    assert_eq!(bed.text(&remote, &root), "root");
}

#[test]
fn r_91_rewritten_history_is_followed() {
    let bed = Bed::new();
    let old = bed.commit("old", &[]);
    let remote = bed.remote();
    assert_eq!(bed.head(&remote).unwrap(), old);
    let new = bed.commit("unrelated", &[]);
    assert_eq!(bed.head(&remote).unwrap(), new);
    assert_eq!(bed.text(&remote, &new), "unrelated");
    assert_eq!(
        bed.text(&remote, &old),
        "old",
        "what was applied before is still known"
    );
}

#[test]
fn r_93_a_ref_that_is_gone_says_so() {
    let bed = Bed::new();
    let commit = bed.commit("one", &[]);
    let remote = bed.remote();
    assert_eq!(bed.head(&remote).unwrap(), commit);
    bed.served.find_reference(MAIN).unwrap().delete().unwrap();
    let error = bed.head(&remote).unwrap_err();
    assert_eq!(error.to_string(), "127.0.0.1 has no ref `refs/heads/main`");
    assert_eq!(
        bed.head(&remote).unwrap_err().class(),
        "unknown-revision",
        "an empty repository too"
    );
    let back = bed.commit("back", &[]);
    assert_eq!(bed.head(&remote).unwrap(), back);
}

#[test]
fn s_11_s_14_a_credential_never_follows_a_redirect_to_another_host() {
    let bed = Bed::new();
    bed.commit("one", &[]);
    let other = Bed::new();
    let elsewhere = other.host.address.replace("127.0.0.1", "localhost");
    let basic = Credential::Basic {
        user: "ana".to_owned(),
        password: CANARY.into(),
    };
    for target in [elsewhere, other.host.address.clone()] {
        for credential in [Credential::Bearer(CANARY.into()), basic.clone()] {
            bed.host.set(Mood::Redirect(target.clone()));
            let mut options = bed.options();
            options.credential = Some(credential);
            let error = bed.head(&remote(options)).unwrap_err();
            assert_eq!(error.class(), "redirected", "{error}");
        }
    }
    assert!(other.host.authorization().is_empty());
    assert_eq!(other.host.packs(), 0);
}

#[test]
fn s_29_a_redirect_within_the_host_is_followed_and_a_circle_is_not() {
    let bed = Bed::new();
    let commit = bed.commit("one", &[]);
    let mut options = bed.options();
    options.address = RemoteAddress::parse(&format!("{}/old/r.git", bed.host.address)).unwrap();
    fs::create_dir(bed.directory.path().join("served/old")).unwrap();
    bed.host.set(Mood::Circle);
    let error = bed.head(&remote(options)).unwrap_err();
    assert_eq!(error.to_string(), "127.0.0.1: it redirects without end");
    bed.host.set(Mood::Honest);
    assert_eq!(bed.head(&bed.remote()).unwrap(), commit);
}

#[test]
fn refusals_are_told_apart() {
    let bed = Bed::new();
    let class = |mood: Mood| {
        bed.host.set(mood);
        bed.head(&bed.remote()).unwrap_err().class()
    };
    assert_eq!(class(Mood::Status(401)), "denied");
    assert_eq!(class(Mood::Status(403)), "denied");
    assert_eq!(class(Mood::Status(404)), "no-such-repository");
    assert_eq!(class(Mood::Status(503)), "unreachable");
    assert_eq!(class(Mood::Web), "unreachable");
    assert_eq!(
        class(Mood::Honest),
        "unknown-revision",
        "the repository is empty"
    );
    let mut options = bed.options();
    options.address = RemoteAddress::parse("http://127.0.0.1:1/org/r.git").unwrap();
    let error = bed.head(&remote(options)).unwrap_err();
    assert!(
        error.to_string().starts_with("127.0.0.1: no connection: "),
        "{error}"
    );
}

#[test]
fn s_29_a_slow_host_is_left_at_the_deadline() {
    let bed = Bed::new();
    bed.commit("one", &[]);
    bed.host.set(Mood::Slow);
    let mut options = bed.options();
    options.limits.deadline = Duration::from_secs(3);
    let started = Instant::now();
    let error = bed.head(&remote(options)).unwrap_err();
    assert_eq!(error.to_string(), "127.0.0.1 did not finish within 3 s");
    assert!(started.elapsed() < Duration::from_mins(2));
}

#[test]
fn s_29_an_endless_answer_ends_at_the_limit() {
    alone("remote::s_29_an_endless_answer_ends_at_the_limit", || {
        let bed = Bed::new();
        bed.commit("one", &[]);
        bed.host.set(Mood::Endless);
        let mut options = bed.options();
        options.limits.bytes = 64 * 1024 * 1024;
        let remote = remote(options);
        let (error, growth) = peak_growth(|| bed.head(&remote).unwrap_err());
        assert_eq!(error.class(), "transfer-too-large", "{error}");
        assert!(growth < 48 * 1024 * 1024, "grew by {growth}");
    });
}

#[test]
fn s_29_endless_headers_and_packed_zeros_end_at_a_limit() {
    alone(
        "remote::s_29_endless_headers_and_packed_zeros_end_at_a_limit",
        || {
            let bed = Bed::new();
            bed.commit("one", &[]);
            for mood in [Mood::Headers, Mood::Zeros] {
                bed.host.set(mood.clone());
                let remote = bed.remote();
                let started = Instant::now();
                let (error, growth) = peak_growth(|| bed.head(&remote).unwrap_err());
                assert!(!error.class().is_empty(), "{mood:?}: {error}");
                assert!(growth < 96 * 1024 * 1024, "{mood:?} grew by {growth}");
                assert!(started.elapsed() < Duration::from_mins(2));
            }
            bed.host.set(Mood::Honest);
            assert!(bed.head(&bed.remote()).is_ok());
        },
    );
}

#[test]
fn s_08_submodules_are_named_and_never_fetched() {
    let bed = Bed::new();
    let modules = "[submodule \"a\"]\n\tpath = a\n\turl = file:///etc\n\
        [submodule \"../../x\"]\n\tpath = b\n\turl = ext::sh -c touch% /tmp/x\n\
        [submodule \"c\"]\n\tpath = c\n\turl = -u./p\n\
        [submodule \"d\"]\n\tpath = d\n\turl = ../../other/r.git\n";
    let blob = |text: &str| bed.served.blob(text.as_bytes()).unwrap();
    let mut tree = bed.served.treebuilder(None).unwrap();
    tree.insert(".gitmodules", blob(modules), 0o100_644)
        .unwrap();
    tree.insert("kubemate.kdl", blob("one"), 0o100_644).unwrap();
    let gone = Oid::from_str(&"7".repeat(40)).unwrap();
    for name in ["a", "b", "c", "d"] {
        tree.insert(name, gone, 0o160_000).unwrap();
    }
    let tree = bed.served.find_tree(tree.write().unwrap()).unwrap();
    let who = Signature::new("a", "a@b", &Time::new(0, 0)).unwrap();
    let id = bed
        .served
        .commit(None, &who, &who, "c", &tree, &[])
        .unwrap();
    bed.served.reference(MAIN, id, true, "test").unwrap();
    let remote = bed.remote();
    let commit = bed.head(&remote).unwrap();
    let loaded = bed.host.runtime.block_on(remote.load(&commit, "")).unwrap();
    for name in ["a", "b", "c", "d"] {
        let content = &loaded.tree.find(name).unwrap().1.content;
        let said = format!("{content:?}");
        assert!(said.contains("submodule, which is never fetched"), "{said}");
    }
    let foreign: Vec<String> = bed
        .host
        .asked()
        .into_iter()
        .filter(|path| !path.starts_with("/org/r.git/"))
        .collect();
    assert!(foreign.is_empty(), "{foreign:?}");
}

#[test]
fn s_27_a_corrupt_pack_is_refused_and_leaves_nothing() {
    let bed = Bed::new();
    let commit = bed.commit("one", &[]);
    let remote = bed.remote();
    bed.host.set(Mood::Corrupt);
    let error = bed.head(&remote).unwrap_err();
    assert_eq!(error.class(), "damaged", "{error}");
    assert!(packs(remote.git_dir()).is_empty());
    bed.host.set(Mood::Honest);
    assert_eq!(bed.head(&remote).unwrap(), commit);
}

#[test]
fn r_92_a_damaged_mirror_is_fetched_again() {
    let bed = Bed::new();
    let commit = bed.commit(&"text ".repeat(1000), &[]);
    let remote = bed.remote();
    bed.head(&remote).unwrap();
    let damage = |ending: &str, harm: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        let hit = packs(remote.git_dir())
            .into_iter()
            .filter(|path| path.extension().unwrap() == ending);
        let mut count = 0;
        for path in hit {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            fs::write(&path, harm(fs::read(&path).unwrap())).unwrap();
            count += 1;
        }
        assert!(count > 0, "there is no {ending}");
    };
    let flip = |mut bytes: Vec<u8>| {
        bytes[14..].iter_mut().for_each(|byte| *byte ^= 0x55);
        bytes
    };
    damage("pack", &flip);
    assert_eq!(bed.text(&remote, &commit), "text ".repeat(1000));
    damage("idx", &|bytes| bytes[..bytes.len() / 2].to_vec());
    assert_eq!(bed.text(&remote, &commit), "text ".repeat(1000));
    fs::remove_dir_all(remote.git_dir()).unwrap();
    assert_eq!(bed.text(&remote, &commit), "text ".repeat(1000));
    fs::remove_dir_all(remote.git_dir().join("objects")).unwrap();
    assert_eq!(bed.head(&remote).unwrap(), commit);
}

#[test]
fn s_17_nothing_of_a_credential_reaches_the_disk() {
    let bed = Bed::new();
    bed.commit("one", &[]);
    let remote = bed.remote();
    bed.head(&remote).unwrap();
    let mut pending = vec![bed.directory.path().join("mirrors")];
    let mut files = 0;
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            pending.extend(
                fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else {
            let bytes = fs::read(&path).unwrap();
            let found = bytes
                .windows(CANARY.len())
                .any(|window| window == CANARY.as_bytes());
            assert!(!found, "{}", path.display());
            files += 1;
        }
    }
    assert!(files > 3);
}

#[test]
fn s_52_addresses_outside_the_list_start_nothing() {
    let bed = Bed::new();
    let client = http::client(Vec::new(), Reach::Anywhere).unwrap();
    let new = |allowed: &AllowList| RemoteRepository::new(bed.options(), allowed, client.clone());
    let other = AllowList::parse(["https://h.example/*"]).unwrap();
    for allowed in [AllowList::default(), other] {
        assert!(matches!(new(&allowed), Err(RepositoryError::Address(_))));
    }
    let mut options = bed.options();
    options.name = "main".to_owned();
    let allowed = AllowList::parse([options.address.to_string().as_str()]).unwrap();
    assert!(RemoteRepository::new(options, &allowed, client).is_err());
}
