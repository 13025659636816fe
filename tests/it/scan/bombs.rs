//! Files made to cost much: each is refused by the limit it breaks, or is cheap.

use kubemate::dsl::codes;
use kubemate::dsl::diagnostic::Code;
use kubemate::dsl::fmt::format;
use kubemate::dsl::parse::parse;
use kubemate::dsl::scan::Scan;

use super::{FILE, look};
use crate::alone::{cost, grows_linearly};

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

/// Everything that is done with an unknown file.
fn survives(text: &str) -> Scan {
    let scan = look(text);
    for chunk in &scan.chunks {
        drop(parse(FILE, text, chunk.clone()));
    }
    drop(format(text));
    scan
}

/// The same for so many pieces, and that their cost grows no faster than they do.
fn survives_each(name: &str, n: usize, text: impl Fn(usize) -> String) -> Scan {
    grows_linearly(name, n, |n| {
        let text = text(n);
        cost(|| drop(survives(&text)))
    });
    survives(&text(n))
}

fn codes_of(scan: &Scan) -> Vec<Code> {
    scan.diagnostics.iter().map(|d| d.code).collect()
}

#[test]
fn s_20_s_22_bombs_are_refused_by_the_limit_they_break() {
    let nested = |n: usize| format!("{}{}", "a /-{".repeat(n), "}".repeat(n));
    for n in [16, 100, 1000, 10_000] {
        let scan = survives_each("slashdash", n, nested);
        assert!(
            codes_of(&scan).contains(&codes::NESTED_SLASHDASH),
            "{n}: {:?}",
            codes_of(&scan)
        );
        assert!(scan.chunks.is_empty());
    }
    let closed = |n: usize| format!("{}{}", "a{".repeat(n), "}".repeat(n));
    let open = |n: usize| "a {\n".repeat(n);
    for n in [50, 100, 1000, 100_000] {
        for scan in [
            survives_each("closed", n, closed),
            survives_each("open", n, open),
        ] {
            assert!(codes_of(&scan).contains(&codes::TOO_DEEP), "{n}");
        }
    }
    let assigned = |n: usize| "a 1\n".repeat(n);
    let huge = survives_each("huge", 50 * 1024 * 1024 / 4, assigned);
    assert_eq!(codes_of(&huge), [codes::FILE_TOO_LARGE]);
    let long = |n: usize| format!("a \"{}\"", "x".repeat(n));
    let string = survives_each("string", 1_000_000, long);
    assert_eq!(codes_of(&string), [codes::STRING_TOO_LONG]);
    let nodes = |n: usize| "a\n".repeat(n);
    let many = survives_each("nodes", 1_000_000, nodes);
    assert_eq!(codes_of(&many), [codes::FILE_TOO_LARGE]);
    let fewer = survives_each("nodes", 500_000, nodes);
    assert_eq!(codes_of(&fewer), [codes::TOO_MANY_TOKENS]);
}

#[test]
fn repetition_costs_linear_time() {
    for unit in UNITS {
        grows_linearly(unit, 1_000_000 / unit.len(), |n| {
            let text = unit.repeat(n);
            cost(|| {
                drop(look(&text));
                drop(format(&text));
            })
        });
    }
}

#[test]
fn what_passes_is_cheap_to_parse() {
    let comment = |n: usize| format!("a /* {} */ 1\n", "* / ".repeat(n));
    let dashes = |n: usize| format!("a {} x\n", "/-1 ".repeat(n));
    let spread = |n: usize| format!("{}a{}\n", "a /-x {\n".repeat(n), "\n}".repeat(n));
    let removed = |n: usize| format!("a /-{{ {} }}\n", "c { d 1; e 2 }\n".repeat(n));
    let cases: [(usize, &dyn Fn(usize) -> String); 4] = [
        (20_000, &comment),
        (2_000, &dashes),
        (31, &spread),
        (500, &removed),
    ];
    for (n, text) in cases {
        let shown = text(n);
        grows_linearly(&format!("{shown:.40}"), n, |n| {
            let text = text(n);
            let scan = look(&text);
            assert!(scan.diagnostics.is_empty(), "{:#?}", scan.diagnostics);
            cost(|| {
                for chunk in &scan.chunks {
                    parse(FILE, &text, chunk.clone()).unwrap();
                }
            })
        });
    }
}

#[test]
fn a_bad_file_cannot_flood_the_reader() {
    let scan = survives_each("quotes", 10_000, |n| "a \"\n".repeat(n));
    assert_eq!(scan.diagnostics.len(), 50);
    assert_eq!(scan.diagnostics.left_out[&FILE], 9_950);
}
