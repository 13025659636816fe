//! A mirror on a disk in trouble: nothing is taken for a commit that is not there whole, the error says what
//! is wrong, and what comes next heals it.

use std::fs;

use rlimit::Resource;

use super::{Bed, packs, remote};
use crate::alone::under;

#[test]
fn r_33_a_place_that_holds_no_mirror_is_told() {
    let bed = Bed::new();
    let commit = bed.commit("one", &[]);
    let taken = bed.directory.path().join("taken");
    fs::write(&taken, "a file").unwrap();
    let mut options = bed.options();
    options.mirrors.clone_from(&taken);
    let mirrored = remote(options);
    let error = bed.head(&mirrored).unwrap_err();
    assert!(
        error.to_string().contains("the mirror cannot be written"),
        "{error}"
    );
    fs::remove_file(&taken).unwrap();
    assert_eq!(bed.head(&mirrored).unwrap(), commit);
}

#[test]
fn r_33_a_full_disk_leaves_no_half_of_a_mirror() {
    // Without the trap the signal would end whoever writes too much.
    under(
        "trap '' XFSZ; exec \"$@\"",
        "remote::disk::r_33_a_full_disk_leaves_no_half_of_a_mirror",
        &[],
        || {
            let bed = Bed::new();
            let mut commit = bed.commit("one", &[]);
            let remote = bed.remote();
            let (_, most) = Resource::FSIZE.get().unwrap();
            let full = |yes: bool| {
                let bytes = if yes { 0 } else { most };
                Resource::FSIZE.set(bytes, most).unwrap();
            };
            // Before there is a mirror, and when there is one.
            for text in ["two", "three"] {
                full(true);
                let fetched = bed.head(&remote);
                full(false);
                assert!(fetched.is_err(), "{fetched:?}");
                assert_eq!(packs(remote.git_dir()).is_empty(), text == "two");
                assert_eq!(bed.head(&remote).unwrap(), commit);
                assert!(!bed.text(&remote, &commit).is_empty());
                commit = bed.commit(text, &[&commit]);
            }
        },
    );
}
