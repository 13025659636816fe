//! What is asked of a commit before its files are read: its bytes, those of its tag, and what it comes
//! after.

use std::fs;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use git2::{ObjectType, Oid, Signature, Time};
use kubemate::source::repository::{CommitId, RepositoryError};

use super::{Bed, remote};
use crate::githost::Mood;

#[test]
fn r_91_what_a_commit_comes_after_is_told_by_all_of_history() {
    let bed = Bed::new();
    let root = bed.commit("root", &[]);
    let mut tip = root.clone();
    for round in 0..5 {
        tip = bed.commit(&round.to_string(), &[&tip]);
    }
    let side = bed.commit("side", &[&root]);
    let merge = bed.commit("merge", &[&tip, &side]);
    let remote = bed.remote();
    assert_eq!(bed.head(&remote).unwrap(), merge);
    let leads =
        |from: &CommitId, to: &CommitId| bed.host.runtime.block_on(remote.leads_to(from, to));
    let packs = bed.host.packs();
    assert_eq!(leads(&side, &merge), Ok(true));
    assert_eq!(bed.host.packs(), packs, "the commit itself says so");
    for before in [&root, &tip, &side, &merge] {
        assert_eq!(leads(before, &merge), Ok(true), "{before}");
    }
    assert_eq!(leads(&merge, &root), Ok(false));
    assert_eq!(leads(&tip, &side), Ok(false));
    let nowhere = CommitId::new(&"7".repeat(40)).unwrap();
    assert_eq!(leads(&nowhere, &merge), Ok(false));
    // Another root: what was there before is known here, and leads nowhere.
    let other = bed.commit("other", &[]);
    assert_eq!(bed.head(&remote).unwrap(), other);
    assert_eq!(leads(&merge, &other), Ok(false));
    let next = bed.commit("next", &[&other]);
    assert_eq!(bed.head(&remote).unwrap(), next);
    assert_eq!(leads(&other, &next), Ok(true));
}

#[test]
fn r_91_what_cannot_be_found_out_is_not_told() {
    let bed = Bed::new();
    let root = bed.commit("root", &[]);
    let middle = bed.commit("middle", &[&root]);
    let tip = bed.commit("tip", &[&middle]);
    let remote = bed.remote();
    assert_eq!(bed.head(&remote).unwrap(), tip);
    bed.host.set(Mood::Status(503));
    let leads = || bed.host.runtime.block_on(remote.leads_to(&root, &tip));
    let error: RepositoryError = leads().unwrap_err();
    assert_eq!(error.class(), "unreachable", "{error}");
    bed.host.set(Mood::Honest);
    assert_eq!(leads(), Ok(true));
}

#[test]
fn s_90_what_was_signed_is_read_byte_by_byte() {
    let bed = Bed::new();
    let commit = bed.commit("one", &[]);
    let odb = bed.served.odb().unwrap();
    let raw = |id: &str| {
        odb.read(Oid::from_str(id).unwrap())
            .unwrap()
            .data()
            .to_vec()
    };
    let who = Signature::new("a", "a@b", &Time::new(0, 0)).unwrap();
    let target = bed
        .served
        .find_object(Oid::from_str(commit.as_str()).unwrap(), None)
        .unwrap();
    let tag = bed.served.tag("v1", &target, &who, "text", false).unwrap();
    let mut options = bed.options();
    options.name = "refs/tags/v1".to_owned();
    let tagged = remote(options);
    assert_eq!(bed.head(&tagged).unwrap(), commit);
    let read = bed.host.runtime.block_on(tagged.commit_bytes(&commit));
    assert_eq!(read, Ok(raw(commit.as_str())));
    let read = bed.host.runtime.block_on(tagged.tag_bytes());
    assert_eq!(read, Ok(Some(raw(&tag.to_string()))));
    assert_eq!(odb.read_header(tag).unwrap().1, ObjectType::Tag);
    // A branch is no tag.
    let branch = bed.remote();
    assert_eq!(bed.head(&branch).unwrap(), commit);
    let read = bed.host.runtime.block_on(branch.tag_bytes());
    assert_eq!(read, Ok(None));
}

#[test]
fn s_90_a_commit_that_is_not_what_its_id_says_is_fetched_anew() {
    let bed = Bed::new();
    let commit = bed.commit("one", &[]);
    let remote = bed.remote();
    assert_eq!(bed.head(&remote).unwrap(), commit);
    let read = || bed.host.runtime.block_on(remote.commit_bytes(&commit));
    let honest = read().unwrap();
    let objects = remote.git_dir().join("objects");
    fs::remove_dir_all(objects.join("pack")).unwrap();
    let (first, rest) = commit.as_str().split_at(2);
    fs::create_dir_all(objects.join(first)).unwrap();
    let text = String::from_utf8(honest.clone()).unwrap();
    let text = text.replace("one", "two");
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
    write!(packed, "commit {}\0{text}", text.len()).unwrap();
    fs::write(objects.join(first).join(rest), packed.finish().unwrap()).unwrap();
    assert_eq!(read(), Ok(honest));
}
