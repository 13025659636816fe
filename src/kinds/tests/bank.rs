//! The example bank is a tour of the language: it uses every field of every kind, but for those that the
//! kind's `fields.txt` calls unused, each with its reason.
#![expect(
    clippy::disallowed_methods,
    reason = "the example is a folder on the disk"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::outcomes;
use crate::dsl::compose::Target;
use crate::dsl::node::unescape;
use crate::dsl::shape::Shape;
use crate::kinds;
use crate::model::job::Want;
use crate::source::{RepoPath, SourceFile, SourceTree};

/// Fields that this bank does not use, with all below them, as the kinds' own lists of fields have them.
fn unused() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/kinds");
    let of_kind = |kind: &&str| {
        let file = root.join(kind.replace('-', "_")).join("fields.txt");
        std::fs::read_to_string(file).unwrap_or_default()
    };
    let all: String = kinds::NAMES.iter().map(of_kind).collect();
    let field = |line: &str| Some(line.strip_prefix("unused ")?.split_once(':')?.0.to_owned());
    all.lines().filter_map(field).collect()
}

fn files(folder: &Path, below: &Path, found: &mut Vec<SourceFile>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        if path.is_dir() {
            files(&path, below, found);
            continue;
        }
        let name = path.strip_prefix(below).unwrap().to_str().unwrap();
        found.push(SourceFile::from_bytes(
            RepoPath::new(name).unwrap(),
            std::fs::read(&path).unwrap(),
        ));
    }
}

/// Kind and name of every resource of the bank.
fn resources(tree: &SourceTree) -> BTreeSet<(&str, &str)> {
    let text = tree
        .files()
        .iter()
        .filter(|file| file.path.as_str().ends_with(".kdl"))
        .filter_map(SourceFile::text);
    let nodes = text.flat_map(str::lines).filter_map(|line| {
        let mut words = line.split(' ');
        let kind = kinds::NAMES
            .iter()
            .find(|kind| Some(**kind) == words.clone().next());
        words.next();
        Some((*kind?, words.next()?))
    });
    nodes.collect()
}

/// Every field of a kind, as its path below the kind; names and numbers of the author are left out.
fn fields(path: &str, shape: &Shape, all: &mut BTreeSet<String>) {
    match shape {
        Shape::Record(record) => {
            for (name, field) in &record.fields {
                let path = format!("{path}/{name}");
                fields(&path, &field.shape, all);
                all.insert(path);
            }
        }
        Shape::Block(item)
        | Shape::Keyed(item)
        | Shape::Repeated(item)
        | Shape::Props(item)
        | Shape::Args(item) => {
            fields(path, item, all);
        }
        Shape::Scalar(_) => {}
    }
}

/// The fields on the way to what stands at a pointer of a resource.
fn used(kind: &str, shape: &Shape, pointer: &str, all: &mut BTreeSet<String>) {
    let (mut shape, mut path) = (shape, kind.to_owned());
    for segment in pointer.split('/').skip(1).map(unescape) {
        shape = match shape {
            Shape::Record(record) => {
                let Some(field) = record.fields.get(&*segment) else {
                    return;
                };
                path = format!("{path}/{segment}");
                all.insert(path.clone());
                &field.shape
            }
            Shape::Block(item)
            | Shape::Keyed(item)
            | Shape::Repeated(item)
            | Shape::Props(item)
            | Shape::Args(item) => item,
            Shape::Scalar(_) => return,
        };
    }
}

/// The fields that a resource says in its environments.
fn shown(tree: &SourceTree, kind: &str, name: &str) -> BTreeSet<String> {
    let mut shown = BTreeSet::new();
    for environment in ["dev", "prod"] {
        let target = Target {
            environment: environment.to_owned(),
            cluster: "hq".to_owned(),
        };
        let want = Want::Show {
            kind: kind.to_owned(),
            name: name.to_owned(),
            target,
        };
        let resources = outcomes(tree, &want)
            .into_iter()
            .flat_map(|outcome| outcome.shown);
        for resource in resources {
            let fields = resource.fields.into_iter();
            let said = fields.filter(|field| field.origin.is_some());
            shown.extend(said.map(|field| field.pointer));
        }
    }
    shown
}

#[test]
fn the_bank_uses_every_field() {
    let bank = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/bank");
    let mut found = Vec::new();
    files(&bank, &bank, &mut found);
    let tree = SourceTree::new(found).unwrap();
    let mut written = BTreeSet::new();
    for (kind, name) in resources(&tree) {
        let shape = &kinds::schema(kind).unwrap().shape;
        let shown = shown(&tree, kind, name);
        assert!(!shown.is_empty(), "{kind} {name}");
        for pointer in &shown {
            used(kind, shape, pointer, &mut written);
        }
    }
    let mut all = BTreeSet::new();
    for kind in kinds::NAMES {
        fields(kind, &kinds::schema(kind).unwrap().shape, &mut all);
    }
    let below = |field: &str, path: &str| {
        field == path
            || field
                .strip_prefix(path)
                .is_some_and(|rest| rest.starts_with('/'))
    };
    let excuses = unused();
    let excused = |field: &&str| excuses.iter().any(|path| below(field, path));
    let mut unused: Vec<&str> = all.difference(&written).map(String::as_str).collect();
    unused.retain(|field| !excused(field));
    assert_eq!(
        unused,
        Vec::<&str>::new(),
        "use these fields in the bank, or say why not in the `fields.txt` of the kind"
    );
    let used: Vec<&str> = written.iter().map(String::as_str).filter(excused).collect();
    assert_eq!(
        used,
        Vec::<&str>::new(),
        "these are used: take them out of the list"
    );
    let gone = excuses
        .iter()
        .filter(|path| !all.iter().any(|field| below(field, path)));
    assert_eq!(
        gone.count(),
        0,
        "the list speaks of fields that there are not"
    );
}
