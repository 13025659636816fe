//! The laws of the formatter: it is stable, keeps data, comments and `/-`, and has one layout.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests say what is wrong by panicking"
)]

use kdl::{KdlDocument, KdlNode, KdlValue};
use kubemate::dsl::fmt::format;
use kubemate::dsl::lex::{Kind, lex};
use kubemate::dsl::parse::parse;
use kubemate::dsl::scan::scan;
use kubemate::source::FileId;
use proptest::prelude::*;

use crate::scan::corpus;
use crate::scan::soup::soup;

/// Data without layout; a number with a unit as its type counts as the quoted text.
#[derive(Debug, PartialEq)]
struct Node {
    ty: Option<String>,
    name: String,
    entries: Vec<(Option<String>, Option<String>, String)>,
    children: Option<Vec<Self>>,
}

fn data(text: &str) -> Vec<Node> {
    let chunks = scan(FileId(0), text).chunks;
    let parsed = chunks
        .into_iter()
        .map(|chunk| parse(FileId(0), text, chunk).unwrap());
    parsed.flat_map(|document| nodes(&document)).collect()
}

fn nodes(document: &KdlDocument) -> Vec<Node> {
    document.nodes().iter().map(node).collect()
}

fn node(node: &KdlNode) -> Node {
    let entry = |e: &kdl::KdlEntry| {
        let ty = e.ty().map(|t| t.value().to_owned());
        let name = e.name().map(|n| n.value().to_owned());
        let written = e.format().map(|f| f.value_repr.clone()).unwrap_or_default();
        let value = match e.value() {
            KdlValue::String(text) => format!("text {text:?}"),
            _ => format!("other {written}"),
        };
        match &ty {
            Some(unit) if is_quantity(unit, &written) => {
                (None, name, format!("text \"{written}{unit}\""))
            }
            _ => (ty, name, value),
        }
    };
    Node {
        ty: node.ty().map(|t| t.value().to_owned()),
        name: node.name().value().to_owned(),
        entries: node.entries().iter().map(entry).collect(),
        children: node.children().map(nodes),
    }
}

fn is_quantity(unit: &str, number: &str) -> bool {
    let known = [
        "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "k", "M", "G", "T", "P", "E", "m", "ms", "s", "h", "d",
        "w", "us", "ns", "%",
    ];
    known.contains(&unit)
        && number.starts_with(|c: char| c.is_ascii_digit())
        && number.chars().all(|c| c.is_ascii_digit() || c == '.')
}

/// What must survive: the comments in order, and the number of `/-`.
fn remarks(text: &str) -> (Vec<String>, usize) {
    let comment = |kind| matches!(kind, Kind::LineComment | Kind::BlockComment);
    let clean = |t: &str| t.trim_end().replace("\r\n", "\n");
    let comments = lex(text)
        .filter(|t| comment(t.kind))
        .map(|t| clean(t.text(text)))
        .collect();
    (
        comments,
        lex(text).filter(|t| t.kind == Kind::Slashdash).count(),
    )
}

fn check_laws(name: &str, text: &str) {
    let once = format(text).unwrap_or_else(|e| panic!("{name}: {e:#?}"));
    let twice = format(&once).unwrap_or_else(|e| panic!("{name}: {once:?} {e:#?}"));
    assert_eq!(once, twice, "{name} is not stable");
    assert_eq!(remarks(text), remarks(&once), "{name}: {once}");
    assert_eq!(data(text), data(&once), "{name}: {text:?} became {once:?}");
    assert!(
        once.is_empty() || (once.ends_with('\n') && !once.ends_with("\n\n")),
        "{name}"
    );
    let quoted = lex(&once).any(|t| matches!(t.kind, Kind::Quoted(_) | Kind::BlockComment));
    if !quoted {
        assert!(
            !once.contains("\n\n\n") && !once.contains('\r') && !once.contains(" \n"),
            "{once}"
        );
    }
}

#[test]
fn every_sound_file_keeps_its_data() {
    for (name, text) in corpus("valid") {
        check_laws(&name, &text);
    }
}

#[test]
fn a_broken_file_is_left_alone() {
    for (name, text) in corpus("invalid") {
        assert!(format(&text).is_err(), "{name}");
    }
}

#[track_caller]
fn becomes(text: &str, expected: &str) {
    let out = format(text).unwrap();
    assert_eq!(
        out, expected,
        "\n--- became ---\n{out}\n--- expected ---\n{expected}"
    );
}

#[test]
fn space_is_normal() {
    becomes(
        "\n\n a   1\tk = 2 ( t )3;b\n\n\n\nc{d}\n\n",
        "a 1 k=2 (t)3\nb\n\nc { d }\n",
    );
    becomes(
        "a{\n\n b 1 \n\n\n c {\n}\n\n}",
        "a {\n  b 1\n\n  c {\n  }\n}\n",
    );
    becomes("\u{feff}a\r\n", "a\n");
    becomes("", "");
}

#[test]
fn short_blocks_stay_on_their_line() {
    becomes("a { b 1;c 2; }\n", "a { b 1; c 2 }\n");
    becomes("a { b { c } }\n", "a { b { c } }\n");
    let wide = format!("a {{ b {{ {} }} }}\n", "c ".repeat(90).trim());
    assert!(format(&wide).unwrap().starts_with("a {\n  b {\n    c c "));
    becomes("a {}\n", "a {}\n");
    becomes("a { b\n}\n", "a {\n  b\n}\n");
}

#[test]
fn comments_stay_on_their_line() {
    becomes(
        "a {   // why\n b    // also\n   // last\n}",
        "a { // why\n  b // also\n  // last\n}\n",
    );
    becomes("a; // x\nb; /* y */ c", "a // x\nb /* y */\nc\n");
    becomes("a { /* x */ b\n}", "a { /* x */\n  b\n}\n");
    becomes("a \\ // why\n b", "a \\ // why\n    b\n");
}

#[test]
fn slashdash_touches_what_it_removes() {
    becomes("/- a 1\nb /- 1 /- { b }\n", "/-a 1\nb /-1 /-{ b }\n");
    becomes("a { /- b;c }", "a { /-b; c }\n");
    becomes("/-\na\nb", "/-a\nb\n");
}

#[test]
fn quantities_are_quoted() {
    becomes(
        "a (Mi)512 k=( m )250 (u8)1 (Mi)-1\n",
        "a \"512Mi\" k=\"250m\" (u8)1 (Mi)-1\n",
    );
    becomes("(remove)a (%)70", "(remove)a \"70%\"\n");
}

#[test]
fn spelling_of_values_is_kept() {
    becomes(
        "a 1_000 0xFF +1 1E3 \"b\" #\"c\"# d\n",
        "a 1_000 0xFF +1 1E3 \"b\" #\"c\"# d\n",
    );
}

#[test]
fn text_between_fences_moves_with_its_node() {
    becomes(
        "a {\nb \"\"\"\n\t\tone\n\t\t  two\n\n\t\tthree\n\t\t\"\"\"\n}\n",
        "a {\n  b \"\"\"\n    one\n      two\n\n    three\n    \"\"\"\n}\n",
    );
    becomes(
        "b \"\"\"\n one \\\n   two\n \"\"\"\n",
        "b \"\"\"\n one \\\n   two\n \"\"\"\n",
    );
}

#[test]
fn a_joined_line_is_kept_only_where_it_joins() {
    becomes("a 1 \\\n 2\n", "a 1 \\\n    2\n");
    becomes("a 1 \\\n\nb\n", "a 1\n\nb\n");
    becomes("a 1 \\\n // c\nb\n", "a 1\n// c\nb\n");
    becomes("a 1 \\\n ; b\n", "a 1\nb\n");
    becomes("a 1 \\", "a 1\n");
}

/// Space between the parts of a node.
const GAPS: [&str; 7] = [
    " ",
    "  ",
    "\t",
    " /* c */ ",
    " \\\n ",
    " \\ // j\n  ",
    "\u{3000}",
];
/// Ends of a node.
const ENDS: [&str; 9] = [
    "\n",
    "\r\n",
    "\n\n\n",
    " // end\n",
    ";",
    " ; ",
    "; // x\n",
    ";/* y */ ",
    " \\\n\n",
];
/// What stands before a node.
const LEADS: [&str; 8] = ["", "", "  ", "// lead\n", "/* l */ ", "\n\n", "/-", "/- "];
/// Values and properties.
const VALUES: [&str; 21] = [
    "a",
    "1",
    "0x1F",
    "\"q\"",
    "#\"r\"#",
    "#true",
    "(t)b",
    "( t ) \"c\"",
    "(Mi)512",
    "(s) 1.5",
    "k=1",
    "k = v",
    "k=(t)2",
    "k=(Mi)1",
    "/-x",
    "/- y",
    "/-k=1",
    "\"a \\\n  b\"",
    "\"\"\"\n  m\n    n\n\n  \"\"\"",
    "#\"\"\"\r\n\tm\r\n\t\"\"\"#",
    "\"\"\"\n  j \\\n  k\n  \"\"\"",
];
/// Names of nodes.
const NAMES: [&str; 5] = ["n", "node", "\"quoted name\"", "(t)n", "(remove)n"];
/// Ways to open a block.
const OPENS: [&str; 8] = [
    " {",
    "{",
    " { ",
    " {\n",
    " { // o\n",
    " {\r\n\n",
    " { /* o */ ",
    " /-{ d } {",
];
/// Ways to close one.
const CLOSES: [&str; 5] = ["}", " }", "\n}", "/* e */ }", "} /-{ z }"];

/// Sound KDL in a careless layout.
fn careless() -> impl Strategy<Value = String> {
    let gap = || prop::sample::select(&GAPS[..]);
    let end = || prop::sample::select(&ENDS[..]);
    let lead = || prop::sample::select(&LEADS[..]);
    let value = || prop::sample::select(&VALUES[..]);
    let name = || prop::sample::select(&NAMES[..]);
    let head =
        (name(), prop::collection::vec((gap(), value()), 0..4)).prop_map(|(name, values)| {
            values
                .iter()
                .fold(name.to_owned(), |out, (g, v)| out + g + v)
        });
    let simple = (lead(), head.clone(), end()).prop_map(|(l, h, e)| format!("{l}{h}{e}"));
    let simple = simple.boxed();
    let nested = simple.prop_recursive(3, 24, 4, move |inner| {
        let inside = prop::collection::vec(inner, 0..4).prop_map(|nodes| nodes.concat());
        let open = prop::sample::select(&OPENS[..]);
        let close = prop::sample::select(&CLOSES[..]);
        (head.clone(), open, inside, close, end())
            .prop_map(|(h, o, i, c, e)| format!("{h}{o}{i}{c}{e}"))
            .boxed()
    });
    prop::collection::vec(nested, 0..5).prop_map(|nodes| nodes.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_laws_hold_for_careless_files(text in careless()) {
        if format(&text).is_ok() {
            check_laws("careless", &text);
        }
    }

    #[test]
    fn the_laws_hold_for_whatever_passes(text in soup()) {
        if format(&text).is_ok() {
            check_laws("soup", &text);
        }
    }
}

#[test]
fn careless_files_mostly_pass() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = careless();
    let sound = (0..200).filter(|_| {
        let text = proptest::strategy::ValueTree::current(&strategy.new_tree(&mut runner).unwrap());
        format(&text).is_ok()
    });
    let count = sound.count();
    assert!(
        count > 60,
        "only {count} of 200 are sound, so the laws are hardly tested"
    );
}
