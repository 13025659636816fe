//! Random text: nothing in the text level panics on it, and what the scan passes, parses.

use std::time::Duration;

use kubemate::dsl::parse::parse;
use proptest::prelude::*;

use super::{FILE, look};
use crate::alone::processor_time;

/// Pieces that make most of the shapes of KDL, sound and broken.
const PIECES: [&str; 58] = [
    "a",
    "node",
    "1",
    "-0.5",
    "0x",
    "512Mi",
    "true",
    "#true",
    "#",
    "##",
    "\"",
    "\"\"\"",
    "\"b\"",
    "#\"",
    "\"#",
    "#\"c\"#",
    "\"\"\"\n",
    "\n\"\"\"",
    "\\",
    "\\n",
    "\\u{41}",
    "\\\n",
    "/-",
    "//",
    "/*",
    "*/",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "=",
    ";",
    ",",
    ":",
    "/",
    "$",
    "${",
    "'",
    "r",
    " ",
    "  ",
    "\t",
    "\n",
    "\r\n",
    "\r",
    "k=",
    "(t)",
    "(Mi)",
    "\u{feff}",
    "\u{2028}",
    "\u{200b}",
    "\u{202e}",
    "\u{430}",
    "\u{1f600}",
    "\u{3000}",
    "\0",
];

/// Text of such pieces.
pub(crate) fn soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(&PIECES[..]).prop_map(str::to_owned),
        "[ -~\n]{0,6}",
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_scanned_and_what_passes_parses(text in soup()) {
        let start = processor_time();
        let scan = look(&text);
        let mut at = 0;
        for chunk in scan.chunks.iter().chain(&scan.broken) {
            prop_assert!(text.get(chunk.clone()).is_some(), "chunk {chunk:?} cuts a character");
        }
        for chunk in scan.chunks {
            prop_assert!(chunk.start >= at);
            at = chunk.end;
            let parsed = parse(FILE, &text, chunk.clone());
            prop_assert!(parsed.is_ok(), "{:?}: {:#?}", &text[chunk], parsed);
        }
        for d in scan.diagnostics.iter() {
            let range = d.primary.as_ref().unwrap().span.range();
            prop_assert!(text.get(range).is_some(), "{d:?}");
            for fix in &d.fixes {
                prop_assert!(text.get(fix.span.range()).is_some(), "{fix:?}");
            }
        }
        prop_assert!(processor_time() - start < Duration::from_secs(2));
    }

    #[test]
    fn any_text_as_a_chunk_parses_or_says_why(text in soup()) {
        if let Err(errors) = parse(FILE, &text, 0..text.len()) {
            prop_assert!(!errors.is_empty());
        }
    }
}
