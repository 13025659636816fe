//! What is written about these kinds is true: the full examples together, and every block of the guides.

#![expect(
    clippy::disallowed_methods,
    reason = "examples and guides are files on the disk"
)]

use std::path::Path;

use super::{rendered, said};
use crate::dsl::schema::Home;
use crate::dsl::shape::Shape;
use crate::kinds;

/// Kinds whose examples need a project of their own; their own tests look at them.
const APART: [&str; 3] = ["app", "route", "manifests"];

/// Kind, example, guide.
fn documents() -> Vec<(&'static str, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |folder: &str, kind: &str, ending: &str| {
        let file = root.join(folder).join(format!("{kind}.{ending}"));
        std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    };
    let together = kinds::NAMES.iter().filter(|kind| !APART.contains(kind));
    let document = |kind: &&'static str| {
        let (example, guide) = (
            read("examples/kinds", kind, "kdl"),
            read("docs/kinds", kind, "md"),
        );
        (*kind, example, guide)
    };
    together.map(document).collect()
}

fn path(kind: &str, suffix: &str) -> String {
    let home = kinds::schema(kind).unwrap().home;
    let folder = if home == Home::Tenant {
        "tenants/payments"
    } else {
        "platform"
    };
    format!("{folder}/{kind}{suffix}.kdl")
}

fn examples() -> Vec<(String, String)> {
    let example = |(kind, example, _)| (path(kind, ""), example);
    let encrypted = include_str!("../../../examples/files/ledger.enc.yaml");
    let mut files: Vec<(String, String)> = documents().into_iter().map(example).collect();
    files.push((
        "tenants/payments/files/ledger.enc.yaml".to_owned(),
        encrypted.to_owned(),
    ));
    files
}

fn borrowed(files: &[(String, String)]) -> Vec<(&str, &str)> {
    files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect()
}

#[test]
fn the_examples_are_a_sound_project() {
    assert_eq!(said(&borrowed(&examples())), Vec::<String>::new());
}

#[test]
fn the_examples_render() {
    for environment in ["dev", "prod"] {
        let objects = rendered(&borrowed(&examples()), environment);
        assert!(objects.len() > 60, "{}", objects.len());
    }
}

#[test]
fn every_field_is_in_an_example() {
    let mut missing = Vec::new();
    for (kind, example, _) in documents() {
        let shape = &kinds::schema(kind).unwrap().shape;
        fields(kind, shape, &mut |path, name, positional| {
            let word = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
            if !positional && !example.split(word).any(|w| w == name) {
                missing.push(path.to_owned());
            }
        });
    }
    assert_eq!(missing, Vec::<String>::new());
}

/// Every field with its path, and whether it is written without its name.
fn fields(path: &str, shape: &Shape, visit: &mut impl FnMut(&str, &str, bool)) {
    match shape {
        Shape::Record(record) => {
            for (name, field) in &record.fields {
                let path = format!("{path}/{name}");
                let positional = record.args.contains(name) || record.rest.as_ref() == Some(name);
                visit(&path, name, positional);
                fields(&path, &field.shape, visit);
            }
        }
        Shape::Block(item)
        | Shape::Keyed(item)
        | Shape::Repeated(item)
        | Shape::Props(item)
        | Shape::Args(item) => fields(path, item, visit),
        Shape::Scalar(_) => {}
    }
}

#[test]
fn every_block_of_the_guides_is_accepted() {
    for (kind, _, guide) in documents() {
        let blocks = guide.split("```kdl\n").skip(1);
        let blocks: Vec<&str> = blocks
            .filter_map(|rest| Some(rest.split_once("```")?.0))
            .collect();
        assert!(!blocks.is_empty(), "{kind}");
        for block in blocks {
            let mut files = examples();
            files.push((path(kind, "-guide"), block.to_owned()));
            let mut found = said(&borrowed(&files));
            // The certificate of the tenant in the guide would stand in that tenant's own files.
            found.retain(|s| !s.contains("tenant `portal` has no certificate"));
            assert_eq!(found, Vec::<String>::new(), "{kind}: {block}");
        }
    }
}
