//! What is written about routes is true: the full example and every block of the guide.

use super::{APPS, LOGIN, PLATFORM};
use crate::dsl::shape::Shape;
use crate::kinds::tests as trial;

const EXAMPLE: &str = include_str!("../../../../examples/kinds/route.kdl");
const GUIDE: &str = include_str!("../../../../docs/kinds/route.md");

#[test]
fn the_example_is_accepted_and_has_every_field() {
    let found = trial::said(&[
        ("platform/tenants.kdl", PLATFORM),
        ("tenants/payments/all.kdl", EXAMPLE),
    ]);
    assert_eq!(found, Vec::<String>::new());
    let schema = crate::kinds::schema("route").unwrap();
    let mut missing = Vec::new();
    fields("", &schema.shape, &mut |path, name| {
        let apart = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        if !EXAMPLE.split(apart).any(|word| word == name) {
            missing.push(path.to_owned());
        }
    });
    // Written as the value right after the node.
    let unwritten = ["/name", "/requests", "/times", "/value"];
    missing.retain(|path| !unwritten.iter().any(|end| path.ends_with(end)));
    assert_eq!(missing, Vec::<String>::new());
}

/// Every named field of a kind with its path.
fn fields(path: &str, shape: &Shape, visit: &mut impl FnMut(&str, &str)) {
    match shape {
        Shape::Record(record) => {
            for (name, field) in &record.fields {
                let path = format!("{path}/{name}");
                visit(&path, name);
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
fn every_block_of_the_guide_is_accepted() {
    let blocks = GUIDE.split("```kdl\n").skip(1);
    let blocks: Vec<&str> = blocks.filter_map(|rest| Some(rest.split_once("```")?.0)).collect();
    assert!(blocks.len() >= 5);
    for block in blocks {
        let found = trial::said(&[
            ("platform/tenants.kdl", PLATFORM),
            ("tenants/identity/apps.kdl", LOGIN),
            ("tenants/payments/apps.kdl", APPS),
            ("tenants/payments/routes.kdl", block),
        ]);
        assert_eq!(found, Vec::<String>::new(), "{block}");
    }
}
