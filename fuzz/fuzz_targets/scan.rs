//! Any text is scanned without a panic, and every chunk that passes parses, quickly.
//!
//! `cargo fuzz run scan fuzz/corpus/scan tests/corpus/kdl/valid tests/corpus/kdl/invalid`
#![no_main]

use std::time::{Duration, Instant};

use kubemate::dsl::parse::parse;
use kubemate::dsl::scan::scan;
use kubemate::source::FileId;
use libfuzzer_sys::fuzz_target;

const FILE: FileId = FileId(0);
/// What the parser may take for a small chunk.
const LIMIT: Duration = Duration::from_millis(50);

fuzz_target!(|text: &str| {
    for chunk in scan(FILE, text).chunks {
        let small = chunk.len() <= 4096;
        let start = Instant::now();
        let parsed = parse(FILE, text, chunk);
        assert!(
            parsed.is_ok(),
            "the scan passes what the parser refuses: {parsed:?}"
        );
        assert!(
            !small || start.elapsed() < LIMIT,
            "the parser takes too long"
        );
    }
});
