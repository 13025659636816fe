//! The formatter is stable and loses no comment and no `/-`.
//!
//! `cargo fuzz run fmt fuzz/corpus/fmt tests/corpus/kdl/valid`
#![no_main]

use kubemate::dsl::fmt::format;
use kubemate::dsl::lex::{Kind, lex};
use libfuzzer_sys::fuzz_target;

fn remarks(text: &str) -> usize {
    let remark = |kind| {
        matches!(
            kind,
            Kind::LineComment | Kind::BlockComment | Kind::Slashdash
        )
    };
    lex(text).filter(|token| remark(token.kind)).count()
}

fuzz_target!(|text: &str| {
    let Ok(once) = format(text) else { return };
    let twice = format(&once);
    assert_eq!(twice.as_ref(), Ok(&once), "formatting twice differs");
    assert_eq!(remarks(text), remarks(&once), "a comment or `/-` is lost");
});
