//! Any bytes are judged as a commit and as a tag without a panic, and never taken for signed.
//!
//! `cargo fuzz run signed fuzz/corpus/signed`
#![no_main]

use kubemate::source::repository::CommitId;
use kubemate::source::signed::{self, Signers};
use libfuzzer_sys::fuzz_target;

const LINE: &str =
    "ana ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKsToCVjaXEytTjAqaHIabziYMmIoNbtpFLBkrQFiZUV";

fuzz_target!(|object: &[u8]| {
    let signers = Signers::parse([LINE]).expect("a line");
    let id = CommitId::new(&"7".repeat(40)).expect("an id");
    assert!(signed::commit(object, &signers, None).is_err());
    assert!(signed::tag(object, ("v1", &id), &signers, None).is_err());
    if let Ok(text) = std::str::from_utf8(object) {
        drop(Signers::parse([text]));
    }
});
