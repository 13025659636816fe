//! Files made of real lines in a wrong order: whatever a person pastes together is judged without a
//! panic, every place lies in its file, and what is called sound is stable under the formatter.

use std::fs;
use std::path::Path;

use kubemate::dsl::diagnostic::{Diagnostic, Span};
use kubemate::dsl::fmt::format;
use kubemate::source::SourceTree;
use proptest::prelude::*;

use crate::codes::with_project;
use crate::language::{judge, tree};

const FILE: &str = "tenants/web/soup.kdl";

/// Every line of the examples of all kinds.
fn lines() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/kinds");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let mut lines: Vec<String> = files
        .iter()
        .flat_map(|path| {
            let text = fs::read_to_string(path).unwrap();
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    lines.sort();
    lines.dedup();
    lines
}

/// Some lines, now and then closed or opened at a place where nobody would.
fn soup() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        8 => prop::sample::select(lines()),
        1 => Just("}".to_owned()),
        1 => Just("app a tenant=web {".to_owned()),
        1 => Just("in prod {".to_owned()),
    ];
    prop::collection::vec(line, 1..40).prop_map(|lines| {
        // As many closing braces as it takes, so that most soups get past the scan.
        let text = lines.join("\n");
        let missing = text
            .matches('{')
            .count()
            .saturating_sub(text.matches('}').count());
        format!("{text}\n{}", "}\n".repeat(missing))
    })
}

fn lies_in_its_file(tree: &SourceTree, span: Span) -> bool {
    let text = tree.get(span.file).and_then(|file| file.text());
    text.is_some_and(|text| text.get(span.range()).is_some())
}

fn places(diagnostic: &Diagnostic) -> impl Iterator<Item = Span> + '_ {
    let labels = diagnostic.primary.iter().chain(&diagnostic.related);
    labels
        .map(|label| label.span)
        .chain(diagnostic.fixes.iter().map(|fix| fix.span))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn real_lines_in_any_order_are_judged(text in soup()) {
        let files = with_project(&[(FILE, &text)]);
        let tree = tree(&files);
        let found = judge(&tree);
        for diagnostic in found.iter() {
            for span in places(diagnostic) {
                prop_assert!(lies_in_its_file(&tree, span), "{diagnostic:?}");
            }
        }
        if let (true, Ok(formatted)) = (found.is_empty(), format(&text)) {
            let again = judge(&self::tree(&with_project(&[(FILE, &formatted)])));
            prop_assert!(again.is_empty(), "{again:?}");
        }
    }
}
