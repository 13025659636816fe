//! A squashed pull request: its own commits lie in another mirror than what became of it.

use git2::Oid;
use kubemate::adapters::git::Merge;
use kubemate::adapters::git::remote::RemoteOptions;
use kubemate::source::repository::CommitId;

use super::{Bed, remote};

const PULL: &str = "refs/pull/7/head";

fn lines(first: &str, last: &str) -> String {
    format!("{first}\n2\n3\n4\n5\n6\n7\n8\n{last}\n")
}

#[test]
fn what_became_of_a_squashed_pull_request_is_compared_across_mirrors() {
    let bed = Bed::new();
    let base = bed.commit(&lines("1", "9"), &[]);
    let head = bed.commit(&lines("1", "nine"), &[&base]);
    let id = Oid::from_str(head.as_str()).unwrap();
    bed.served.reference(PULL, id, true, "test").unwrap();
    let before = bed.commit(&lines("one", "9"), &[&base]);
    let plain = bed.commit(&lines("one", "nine"), &[&before]);
    let tracked = bed.remote();
    let pull = remote(RemoteOptions {
        name: PULL.to_owned(),
        mirrors: bed.directory.path().join("pulls"),
        ..bed.options()
    });
    assert_eq!(bed.head(&pull).unwrap(), head);
    let asked = |commit: &CommitId| {
        assert_eq!(&bed.head(&tracked).unwrap(), commit);
        let merge = Merge {
            commit: commit.clone(),
            before: before.clone(),
            base: base.clone(),
            head: head.clone(),
        };
        let asked = tracked.is_plain(merge, &pull);
        bed.host.runtime.block_on(asked)
    };
    // Only the tips are there at first.
    assert_eq!(asked(&plain), Ok(true));
    let more = bed.commit(&lines("one and more", "nine"), &[&before]);
    assert_eq!(asked(&more), Ok(false));
}
