//! Files made to cost much: each is refused by the limit it breaks, or is cheap.

use std::time::Duration;

use kubemate::dsl::codes;
use kubemate::dsl::diagnostic::Code;
use kubemate::dsl::fmt::format;
use kubemate::dsl::parse::parse;
use kubemate::dsl::scan::Scan;

use super::{FILE, look};
use crate::alone::processor_time;

/// Pieces that cost much when repeated, if anything is looked at more than once.
const UNITS: [&str; 72] = [
    "\"",
    "\"\n",
    "a \"\n",
    "\"\"\"\n",
    "a \"\"\"\n",
    "a \"\"\"b\n",
    "/*",
    "a /*\n",
    "/* ",
    "*/",
    "#\"",
    "#\"a\"# ",
    "##\"\n",
    "a #\"\"\"\n",
    "/-",
    "/- ",
    "a /-\n",
    "a /-1 ",
    "{",
    "}",
    "a {\n",
    "a {\n  b\n",
    "}\n",
    "a {\n  b {\n}\n",
    "(",
    "(a)",
    "[",
    "[ ",
    "]",
    "\u{2018} ",
    "' ",
    "`",
    "\\",
    "\\\n",
    "\\ ",
    "=",
    "a=",
    ";",
    "a;",
    "\n",
    " ",
    "\r",
    "\u{2028}",
    "\u{feff}",
    "\u{202e}",
    "a\u{200b}",
    "p\u{430} ",
    "r#",
    "r\"",
    "${",
    "${a}/",
    "//",
    "// x\n",
    "a//b ",
    "1",
    "1 ",
    "0x",
    "-",
    "#",
    "# ",
    "#a ",
    "a,",
    "a:",
    ":",
    "\"\\u{",
    "\"\\\n",
    "\"a\"",
    "a\"b\" ",
    "/**/",
    "/**/ ",
    "* /",
    "a /*b*/ ",
];

/// Everything that is done with an unknown file, in bounded time.
fn survives(name: &str, text: &str) -> Scan {
    let start = processor_time();
    let scan = look(text);
    for chunk in &scan.chunks {
        drop(parse(FILE, text, chunk.clone()));
    }
    drop(format(text));
    let spent = processor_time() - start;
    assert!(spent < Duration::from_secs(5), "{name} took {spent:?}");
    scan
}

fn codes_of(scan: &Scan) -> Vec<Code> {
    scan.diagnostics.iter().map(|d| d.code).collect()
}

#[test]
fn s_20_s_22_bombs_are_refused_by_the_limit_they_break() {
    let nested = |n: usize| format!("{}{}", "a /-{".repeat(n), "}".repeat(n));
    for n in [16, 100, 1000, 10_000] {
        let scan = survives("slashdash", &nested(n));
        assert!(
            codes_of(&scan).contains(&codes::NESTED_SLASHDASH),
            "{n}: {:?}",
            codes_of(&scan)
        );
        assert!(scan.chunks.is_empty());
    }
    for n in [50, 100, 1000, 100_000] {
        let closed = format!("{}{}", "a{".repeat(n), "}".repeat(n));
        assert!(
            codes_of(&survives("closed", &closed)).contains(&codes::TOO_DEEP),
            "{n}"
        );
        let open = "a {\n".repeat(n);
        assert!(
            codes_of(&survives("open", &open)).contains(&codes::TOO_DEEP),
            "{n}"
        );
    }
    let huge = "a 1\n".repeat(50 * 1024 * 1024 / 4);
    assert_eq!(codes_of(&survives("huge", &huge)), [codes::FILE_TOO_LARGE]);
    let text = format!("a \"{}\"", "x".repeat(1_000_000));
    assert_eq!(
        codes_of(&survives("string", &text)),
        [codes::STRING_TOO_LONG]
    );
    let nodes = "a\n".repeat(1_000_000);
    assert_eq!(
        codes_of(&survives("nodes", &nodes)),
        [codes::FILE_TOO_LARGE]
    );
    let nodes = "a\n".repeat(500_000);
    assert_eq!(
        codes_of(&survives("nodes", &nodes)),
        [codes::TOO_MANY_TOKENS]
    );
}

#[test]
fn repetition_costs_linear_time() {
    let repeat = |unit: &str| unit.repeat(1_000_000 / unit.len());
    for unit in UNITS {
        let start = processor_time();
        let text = repeat(unit);
        let scan = look(&text);
        drop(format(&text));
        let spent = processor_time() - start;
        assert!(
            spent < Duration::from_secs(5),
            "{unit:?} took {spent:?}, {:?}",
            codes_of(&scan)
        );
    }
}

#[test]
fn what_passes_is_cheap_to_parse() {
    let comment = format!("a /* {} */ 1\n", "* / ".repeat(20_000));
    let dashes = format!("a {} x\n", "/-1 ".repeat(2_000));
    let spread = format!("{}a{}\n", "a /-x {\n".repeat(31), "\n}".repeat(31));
    let removed = format!("a /-{{ {} }} b\n", "c { d 1; e 2 }\n".repeat(500));
    let removed = removed.replace("} b\n", "}\n");
    for text in [comment, dashes, spread, removed] {
        let scan = look(&text);
        assert!(scan.diagnostics.is_empty(), "{:#?}", scan.diagnostics);
        let start = processor_time();
        for chunk in &scan.chunks {
            parse(FILE, &text, chunk.clone()).unwrap();
        }
        let spent = processor_time() - start;
        assert!(spent < Duration::from_secs(2), "{spent:?} for {text:.40}");
    }
}

#[test]
fn a_bad_file_cannot_flood_the_reader() {
    let scan = survives("quotes", &"a \"\n".repeat(10_000));
    assert_eq!(scan.diagnostics.len(), 50);
    assert_eq!(scan.diagnostics.left_out[&FILE], 9_950);
}
