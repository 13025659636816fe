//! The text level against a corpus of small files: what is sound passes, what is broken is refused
//! with a place and a way out.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests read their corpus and say what is wrong"
)]

mod bombs;
pub(crate) mod soup;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use kubemate::dsl::codes;
use kubemate::dsl::diagnostic::{Code, Diagnostic};
use kubemate::dsl::parse::parse;
use kubemate::dsl::scan::{MAX_STRING_BYTES, Scan, scan};
use kubemate::source::FileId;

const FILE: FileId = FileId(7);

/// Files of the corpus that hold more than one mistake.
const MANY: [&str; 1] = ["keyword-inf"];

/// The files of a part of the corpus, by name.
pub(crate) fn corpus(part: &str) -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/corpus/kdl")
        .join(part);
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "kdl"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect()
}

fn look(text: &str) -> Scan {
    scan(FILE, text)
}

fn only(text: &str) -> Diagnostic {
    let found: Vec<_> = look(text).diagnostics.into_iter().collect();
    assert_eq!(found.len(), 1, "{text}\n{found:#?}");
    found.into_iter().next().unwrap()
}

fn found(text: &str) -> Vec<(Code, &str)> {
    let all = look(text).diagnostics;
    all.iter()
        .map(|d| (d.code, &text[d.primary.as_ref().unwrap().span.range()]))
        .collect()
}

/// The text after the first fix of the only diagnostic.
fn fixed(text: &str) -> String {
    let found = only(text);
    let fix = found
        .fixes
        .first()
        .unwrap_or_else(|| panic!("no fix: {found:?}"));
    let mut out = text.to_owned();
    out.replace_range(fix.span.range(), &fix.text);
    out
}

#[test]
fn sound_files_pass_and_parse() {
    for (name, text) in corpus("valid") {
        let scan = look(&text);
        assert!(
            scan.diagnostics.is_empty(),
            "{name}: {:#?}",
            scan.diagnostics
        );
        assert!(scan.broken.is_empty(), "{name}");
        for chunk in scan.chunks {
            let document = parse(FILE, &text, chunk.clone());
            let document = document.unwrap_or_else(|e| panic!("{name} {chunk:?}: {e:#?}"));
            assert!(document.nodes().len() <= 1, "{name}: a chunk is one node");
        }
    }
}

#[test]
fn broken_files_are_refused_with_a_place_and_a_way_out() {
    for (name, text) in corpus("invalid") {
        let scan = look(&text);
        assert!(scan.diagnostics.has_errors(), "{name} passes");
        let most = if MANY.contains(&name.as_str()) { 3 } else { 1 };
        for d in scan.diagnostics.iter() {
            let place = d.primary.as_ref().unwrap().span.range();
            assert!(
                text.get(place.clone()).is_some(),
                "{name}: {place:?} is outside of the text"
            );
            assert!(
                !d.help.is_empty() || !d.fixes.is_empty() || !d.related.is_empty(),
                "{name}: {d:?}"
            );
            assert!(
                !d.message.ends_with('.') && !d.message.contains("Expected"),
                "{name}: {d:?}"
            );
        }
        assert!(
            scan.diagnostics.len() <= most,
            "{name} needs fewer messages: {:#?}",
            scan.diagnostics
        );
        assert!(parse(FILE, &text, 0..text.len()).is_err(), "{name} parses");
    }
}

/// What people read about every broken file, for people to read.
#[test]
fn the_messages_are_the_agreed_ones() {
    let mut out = String::new();
    for (name, text) in corpus("invalid") {
        writeln!(out, "## {name}").unwrap();
        for d in look(&text).diagnostics {
            let label = d.primary.as_ref().unwrap();
            let place = text[label.span.range()].escape_debug().to_string();
            writeln!(out, "{} at `{place}`: {}", d.code, d.message).unwrap();
            let related = d.related.iter().map(|l| format!("  related: {}\n", l.text));
            let help = d.help.iter().map(|h| format!("  help: {h}\n"));
            let fixes = d.fixes.iter().map(|f| {
                let kind = if f.safe { "fix" } else { "suggestion" };
                format!("  {kind}: {} -> `{}`\n", f.title, f.text.escape_debug())
            });
            out.extend(related.chain(help).chain(fixes));
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/kdl/messages.md");
    let agreed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        agreed == out,
        "the messages changed; messages.md would be:\n{out}"
    );
}

#[test]
fn a_safe_fix_makes_the_file_sound() {
    for (name, text) in corpus("invalid") {
        let found: Vec<_> = look(&text).diagnostics.into_iter().collect();
        let [d] = &found[..] else { continue };
        let Some(fix) = d.fixes.first().filter(|fix| fix.safe) else {
            continue;
        };
        let mut out = text.clone();
        out.replace_range(fix.span.range(), &fix.text);
        let again = look(&out).diagnostics;
        assert!(again.is_empty(), "{name}: {out:?} {again:#?}");
    }
}

#[test]
fn every_code_of_the_text_level_is_raised() {
    let mut seen: Vec<u16> = corpus("invalid")
        .values()
        .flat_map(|text| look(text).diagnostics.into_iter().map(|d| d.code.0))
        .collect();
    let long = format!("a \"{}\"\n", "x".repeat(MAX_STRING_BYTES));
    seen.extend(look(&long).diagnostics.iter().map(|d| d.code.0));
    for code in [2, 4, 5].into_iter().chain(10..=29) {
        assert!(seen.contains(&code), "no file raises KM{code:04}");
    }
}

#[test]
fn what_people_bring_from_elsewhere_is_mended() {
    for (text, mended) in [
        ("a memory=512Mi", "a memory=\"512Mi\""),
        ("a every=30s", "a every=\"30s\""),
        ("a target=70%", "a target=\"70%\""),
        ("a ephemeral=true", "a ephemeral=#true"),
        ("a path=/healthz", "a path=\"/healthz\""),
        ("a image=${registry}/app:1", "a image=\"${registry}/app:1\""),
        ("a https://x.test/y?z=1", "a \"https://x.test/y?z=1\""),
        ("a app.test/name=web", "a \"app.test/name\"=web"),
        ("a docs/**/*.md", "a \"docs/**/*.md\""),
        ("a C:\\temp", "a #\"C:\\temp\"#"),
        ("a [80, 443]", "a 80 443"),
        ("a x, y", "a x y"),
        ("image: x", "image x"),
        ("a 'b c'", "a \"b c\""),
        ("a \u{201c}b c\u{201d}", "a \"b c\""),
        ("# why\na", "// why\na"),
        ("a r\"\\d+\"", "a #\"\\d+\"#"),
        ("a r#\"\\d+\"#", "a #\"\\d+\"#"),
        ("a \"\"\"b\"\"\"", "a \"b\""),
        ("a \"b", "a \"b\""),
        ("a { b \"c }", "a { b \"c\" }"),
        ("a b\"", "a \"b\""),
        ("a\n{\n}", "a {\n}"),
        ("a .5", "a 0.5"),
        ("a 0XAB", "a 0xAB"),
        ("a #True", "a #true"),
        ("a \"\\d\"", "a \"\\\\d\""),
        ("a;; b", "a; b"),
        ("a \"b\"\"c\"", "a \"b\" \"c\""),
    ] {
        assert_eq!(fixed(text), mended);
        assert!(look(mended).diagnostics.is_empty(), "{mended}");
    }
}

#[test]
fn an_unclosed_block_is_named_by_its_indentation() {
    let text = "app a {\n  env {\n    X y\n  image i\n}\n\napp b {\n  c\n}\n";
    let d = only(text);
    assert_eq!(d.code, codes::OPEN_BLOCK);
    assert_eq!(d.message, "the block of `env` is never closed");
    assert_eq!(d.primary.as_ref().unwrap().span.start, 14);
    assert_eq!(fixed(text), text.replace("  image", "  }\n  image"));
    let scan = look(text);
    assert_eq!(scan.chunks.len(), 1, "the neighbour is sound");
    assert_eq!(text[scan.chunks[0].clone()].trim(), "app b {\n  c\n}");
}

#[test]
fn an_unclosed_node_does_not_eat_the_next() {
    let text = "app a {\n  b\n\n// about c\napp c {\n  d\n}\napp e {\n  f {\n}\napp g\n";
    assert_eq!(
        found(text),
        [(codes::OPEN_BLOCK, "{"), (codes::OPEN_BLOCK, "{")]
    );
    let scan = look(text);
    let sound: Vec<_> = scan.chunks.iter().map(|c| text[c.clone()].trim()).collect();
    assert_eq!(sound, ["// about c\napp c {\n  d\n}", "app g"]);
}

#[test]
fn a_file_without_indentation_is_fine_as_long_as_its_braces_match() {
    let text = "app a {\nb {\nc\n}\n}\napp d {\n  e\nf\n}\n";
    assert_eq!(look(text).chunks.len(), 2);
    assert!(look(text).diagnostics.is_empty());
}

#[test]
fn a_stray_brace_points_to_the_one_that_closed_too_early() {
    let text = "app a {\n  b {\n    c\n  }\n  }\n  d\n}\napp e\n";
    let d = only(text);
    assert_eq!(d.code, codes::STRAY_CLOSE);
    assert_eq!(d.primary.as_ref().unwrap().span.start, 32);
    assert_eq!(d.related.len(), 1);
    assert_eq!(d.related[0].span.start, 26);
    let scan = look(text);
    assert_eq!(scan.chunks.len(), 1, "{scan:?}");
    assert_eq!(text[scan.chunks[0].clone()].trim(), "app e");
}

#[test]
fn an_unclosed_string_is_one_message_and_keeps_its_neighbours() {
    for text in [
        "app a {\n  image \"x\n  b\n}\napp c\n",
        "app a {\n  b \"\"\"\n    x\n}\napp c\n",
        "app a {\n  b \"\"\"\n    x\n}\napp c\napp d {\n  e \"\"\"\n    y\n    \"\"\"\n}\n",
        "app a {\n  /* b\n}\napp c\n",
        "app a {\n  b #\"x\n}\napp c\n",
        "app a {\n  b \"x {\n    d\n  }\n}\napp c\n",
        "app a {\n  b { c \"x }\n}\napp c\n",
    ] {
        let scan = look(text);
        assert_eq!(scan.diagnostics.len(), 1, "{text}{:#?}", scan.diagnostics);
        assert!(
            scan.chunks
                .iter()
                .any(|c| text[c.clone()].trim() == "app c"),
            "{text}{scan:#?}"
        );
    }
}

#[test]
fn spans_of_a_chunk_count_from_the_file() {
    let text = "good 1\n/* c */ bad memory=512Mi\n";
    assert_eq!(found(text), [(codes::BARE_UNIT, "512Mi")]);
    let errors = parse(FILE, text, 7..text.len()).unwrap_err();
    let span = errors.iter().next().unwrap().primary.as_ref().unwrap().span;
    assert_eq!((span.file, &text[span.range()]), (FILE, "512Mi"));
    assert_eq!(look(text).chunks, vec![0..7]);
    assert_eq!(look(text).broken, vec![7..text.len()]);
}

#[test]
fn places_never_cut_a_character() {
    let long = format!("a {}\n", "\u{e4}".repeat(MAX_STRING_BYTES));
    assert_eq!(found(&long), [(codes::STRING_TOO_LONG, "\u{e4}")]);
    let dedent = "a \"\"\"\n\u{e4}\n \"\"\"\n";
    assert_eq!(found(dedent), [(codes::BAD_FENCE, "\u{e4}")]);
}

#[test]
fn what_slashdash_removes_is_not_in_the_document() {
    let text = "a /-1 2 /-k=3 { /-b; c } /-{ d }\n";
    let document = parse(FILE, text, 0..text.len()).unwrap();
    let node = &document.nodes()[0];
    assert_eq!(node.entries().len(), 1);
    let children: Vec<_> = node.iter_children().map(|c| c.name().value()).collect();
    assert_eq!(children, ["c"]);
    assert_eq!(node.iter_children().next().unwrap().span().offset(), 21);
}
