//! The catalogue of codes: whole, and true to what the language says.

use std::collections::BTreeMap;

use kubemate::dsl::codes::{self, Entry, Example, Files};
use kubemate::dsl::diagnostic::Diagnostics;

use crate::language::{judge, tree};

/// The files of an example, laid over the project of all examples.
pub(crate) fn with_project<'a>(files: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut all: BTreeMap<&str, &str> = codes::PROJECT.iter().copied().collect();
    all.extend(files.iter().copied());
    all.into_iter().collect()
}

/// The codes that files are refused with, each once.
pub(crate) fn found(diagnostics: &Diagnostics) -> Vec<String> {
    let mut found: Vec<String> = diagnostics.iter().map(|d| d.code.to_string()).collect();
    found.sort();
    found.dedup();
    found
}

fn judged(files: Files) -> Diagnostics {
    judge(&tree(&with_project(files)))
}

fn complaint(entry: &Entry, which: &str, diagnostics: &Diagnostics) -> String {
    let list: Vec<String> = diagnostics
        .iter()
        .map(|d| format!("  {} {}", d.code, d.message))
        .collect();
    let said = if list.is_empty() {
        "  nothing".to_owned()
    } else {
        list.join("\n")
    };
    format!("{} ({}), {which} example:\n{said}", entry.code, entry.name)
}

#[test]
fn bad_examples_show_their_code_alone_and_good_ones_nothing() {
    let mut complaints = Vec::new();
    for entry in codes::entries() {
        let Example::Shown { bad, good } = entry.example else {
            continue;
        };
        let refused = judged(bad);
        if found(&refused) != [entry.code.to_string()] {
            complaints.push(complaint(entry, "bad", &refused));
        }
        let accepted = judged(good);
        if !accepted.is_empty() {
            complaints.push(complaint(entry, "good", &accepted));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn every_code_is_explained_once() {
    let mut seen = BTreeMap::new();
    for entry in codes::entries() {
        if let Some(first) = seen.insert(entry.code, entry.name) {
            panic!("{} is both {first} and {}", entry.code, entry.name);
        }
        assert!(entry.about.len() > 60, "{} says too little", entry.name);
        assert!(
            !entry.title.ends_with('.'),
            "{}: a title has no full stop",
            entry.name
        );
        assert!(entry.about.ends_with('.'), "{}: sentences end", entry.name);
        if let Example::Unshown(why) = entry.example {
            assert!(
                !why.is_empty(),
                "{} needs a reason or an example",
                entry.name
            );
        }
        assert_eq!(
            codes::find(&entry.code.to_string()).unwrap().name,
            entry.name
        );
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the rule is about files")]
fn constants_are_defined_by_their_entries_alone() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/src/dsl");
    let mut stray = Vec::new();
    let mut files = vec![format!("{root}/codes.rs")];
    for file in std::fs::read_dir(format!("{root}/codes")).unwrap() {
        files.push(file.unwrap().path().display().to_string());
    }
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let plain = text.lines().filter_map(|line| {
            let (name, rest) = line
                .trim()
                .strip_prefix("pub const ")?
                .split_once(": Code")?;
            (!name.starts_with('$') && rest.contains("Code(")).then(|| name.to_owned())
        });
        stray.extend(plain);
    }
    assert!(
        stray.is_empty(),
        "give these codes an entry in src/dsl/codes/, which defines them: {}",
        stray.join(", ")
    );
}
