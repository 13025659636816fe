//! A repository full of mistakes: every one is reported, once, on its line, in one pass.
#![expect(clippy::disallowed_methods, reason = "the repository lies on the disk")]

use std::collections::BTreeMap;
use std::path::Path;

use kubemate::dsl::diagnostic::Diagnostics;
use kubemate::report::diagnostics::{Format, Style, print};
use kubemate::source::{Content, RepoPath, SourceFile, SourceTree};

use crate::language::judge;

/// All files below a directory of the tests.
pub(crate) fn read(directory: &Path) -> SourceTree {
    fn walk(root: &Path, directory: &Path, found: &mut Vec<SourceFile>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, found);
                continue;
            }
            let name = path.strip_prefix(root).unwrap().to_str().unwrap();
            let bytes = std::fs::read(&path).unwrap();
            found.push(SourceFile::from_bytes(RepoPath::new(name).unwrap(), bytes));
        }
    }
    let mut found = Vec::new();
    walk(directory, directory, &mut found);
    SourceTree::new(found).unwrap()
}

fn repository() -> SourceTree {
    read(Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/golden/broken"
    )))
}

type Planted = BTreeMap<(String, usize, String), usize>;

/// `// !! KM0201` announces the mistake of the next line.
fn planted(tree: &SourceTree) -> Planted {
    let mut marks = Planted::new();
    for file in tree.files() {
        for (index, line) in file.text().unwrap().lines().enumerate() {
            if let Some(code) = line.trim().strip_prefix("// !! ") {
                *marks
                    .entry((file.path.to_string(), index + 2, code.into()))
                    .or_default() += 1;
            }
        }
    }
    marks
}

fn reported(tree: &SourceTree, diagnostics: &Diagnostics) -> Planted {
    let mut found = Planted::new();
    for diagnostic in diagnostics.iter() {
        let span = diagnostic.primary.as_ref().unwrap().span;
        let file = tree.get(span.file).unwrap();
        let line = file.text().unwrap()[..span.start as usize]
            .matches('\n')
            .count()
            + 1;
        let key = (file.path.to_string(), line, diagnostic.code.to_string());
        *found.entry(key).or_default() += 1;
    }
    found
}

#[test]
fn every_planted_mistake_is_reported_once_on_its_line() {
    let tree = repository();
    let planted = planted(&tree);
    assert!(tree.files().len() >= 12, "{} files", tree.files().len());
    assert!(planted.len() >= 40, "{} mistakes", planted.len());
    let found = reported(&tree, &judge(&tree));
    let missing: Vec<_> = planted
        .iter()
        .filter(|(k, n)| found.get(*k) != Some(n))
        .collect();
    let extra: Vec<_> = found
        .iter()
        .filter(|(k, n)| planted.get(*k) != Some(n))
        .collect();
    assert!(
        missing.is_empty() && extra.is_empty(),
        "planted and not found once: {missing:#?}\nfound and not planted: {extra:#?}"
    );
}

#[test]
fn the_whole_report_reads_well() {
    let tree = repository();
    let text = print(Format::Human, &judge(&tree), &tree, Style::PLAIN);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/broken.txt");
    if std::env::var("KUBEMATE_BLESS").is_ok() {
        std::fs::write(file, &text).unwrap();
    }
    let golden = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        golden == text,
        "tests/golden/broken.txt is stale; `KUBEMATE_BLESS=1 cargo test --test it broken::` renews it"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_with_the_reason() {
    let mut files = vec![SourceFile::unread(
        RepoPath::new("platform/locked.kdl").unwrap(),
        Content::Unreadable {
            reason: "permission denied".into(),
        },
    )];
    let sound = kubemate::dsl::codes::PROJECT.iter();
    files.extend(sound.map(|(path, text)| {
        SourceFile::from_bytes(RepoPath::new(path).unwrap(), text.as_bytes().to_vec())
    }));
    let tree = SourceTree::new(files).unwrap();
    let text = print(Format::Human, &judge(&tree), &tree, Style::PLAIN);
    assert!(
        text.contains("`platform/locked.kdl` cannot be read: permission denied"),
        "{text}"
    );
}

/// What is said about a project of which some places are no text.
fn said_with(places: Vec<(&str, Content)>) -> String {
    let project = r#"
project bank schema=1 render=1 {
  cluster hq uid="5b9d3a52-0c1e-4b0f-9c42-3f4d5f0a9d11"
  environment dev { cluster hq }
  include "platform/**/*.kdl" "tenants/*/apps/*.kdl"
}
"#;
    let manifests = "manifests base {\n  from \"vendor/*/all-*.yaml\"\n  kinds ConfigMap\n}\n";
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: default}\n";
    let texts = [
        ("kubemate.kdl", project),
        ("platform/base.kdl", manifests),
        ("platform/vendor/one/all-a.yaml", map),
    ];
    let path = |path: &str| RepoPath::new(path).unwrap();
    let texts = texts.map(|(at, text)| SourceFile::from_bytes(path(at), text.as_bytes().to_vec()));
    let mut files = Vec::from(texts);
    files.extend(
        places
            .into_iter()
            .map(|(at, content)| SourceFile::unread(path(at), content)),
    );
    let tree = SourceTree::new(files).unwrap();
    print(Format::Human, &judge(&tree), &tree, Style::PLAIN)
}

const MORE: &str = "platform/vendor/one/all-b.yaml";

fn broken() -> String {
    "input/output error".to_owned()
}

fn hidden() -> Content {
    Content::Hidden { reason: broken() }
}

fn unreadable() -> Content {
    Content::Unreadable { reason: broken() }
}

#[test]
fn nobody_goes_on_without_what_a_pattern_means_and_cannot_be_read() {
    let sound = said_with(Vec::new());
    assert!(!sound.contains("error"), "{sound}");
    let large = Content::TooLarge { bytes: 2_000_000 };
    for (at, content, words) in [
        (
            MORE,
            unreadable(),
            "all-b.yaml` cannot be read: input/output error",
        ),
        (MORE, large, "has 2000000 bytes"),
        (MORE, Content::NotUtf8 { valid_up_to: 3 }, "is not UTF-8"),
        (
            "platform/vendor/two",
            hidden(),
            "two` cannot be looked into: input/output error",
        ),
        (
            "platform/vendor",
            hidden(),
            "`platform/vendor` cannot be looked into",
        ),
        ("platform", hidden(), "`platform` cannot be looked into"),
        (
            "tenants/pay/apps",
            hidden(),
            "`tenants/pay/apps` cannot be looked into",
        ),
        (
            "tenants/pay",
            hidden(),
            "`tenants/pay` cannot be looked into",
        ),
    ] {
        let text = said_with(vec![(at, content)]);
        let told = text.contains("error[") && text.contains(words);
        assert!(told, "{at}: {text}");
    }
}

#[test]
fn what_may_hold_files_below_an_include_and_is_passed_by_is_told() {
    let nested = || Content::Nested {
        reason: "it is a submodule, which is never fetched".to_owned(),
    };
    for (at, content, words) in [
        (
            "platform/more",
            Content::Symlink,
            "more` is a symbolic link",
        ),
        ("tenants/pay", Content::Symlink, "pay` is a symbolic link"),
        ("platform/lib.git", nested(), "it is a submodule"),
    ] {
        let text = said_with(vec![(at, content)]);
        let told = text.contains(words) && text.contains("what lies behind it");
        assert!(told && !text.contains("error["), "{at}: {text}");
    }
    // A pattern says so, too, for what is not read would be deleted.
    for content in [Content::Symlink, nested()] {
        let text = said_with(vec![("platform/vendor/two", content)]);
        let told = text.contains("platform/base.kdl:2") && text.contains("narrow the pattern");
        assert!(told && !text.contains("error["), "{text}");
    }
    let sound = said_with(Vec::new());
    for (at, content) in [
        ("docs", Content::Symlink),
        ("platform/README.md", Content::Symlink),
        ("tenants/pay/lib", nested()),
    ] {
        assert_eq!(said_with(vec![(at, content)]), sound, "{at}");
    }
}

#[test]
fn what_nothing_means_is_nobodys_business() {
    let picture = Content::NotUtf8 { valid_up_to: 0 };
    for (at, content) in [
        ("platform/vendor/one/logo.png", picture),
        ("platform/vendor/one/docs", unreadable()),
        ("tenants/pay/files", hidden()),
        ("lost+found", hidden()),
    ] {
        let text = said_with(vec![(at, content)]);
        assert!(!text.contains("error["), "{at}: {text}");
    }
}
