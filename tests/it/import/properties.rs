//! Whatever fields of the language are put together: what they render comes back as the same objects.

use kubemate::import::Options;

use super::{differences, of, valid};
use crate::served::variants;

/// What is rendered of generated texts comes back without a difference, and nothing of it is kept as it is.
fn comes_back(path: &str, one: fn(u64) -> String, beside: &str) {
    let objects = variants::of(path, one, beside);
    let count = objects.len();
    let options = Options {
        project: "bank".into(),
        ..Options::default()
    };
    let imported = of(objects, &options);
    valid(&imported);
    assert_eq!(differences(&imported), Vec::<String>::new());
    assert!(
        imported.kept.is_empty() && imported.left.is_empty(),
        "{:#?}{:#?}",
        imported.kept,
        imported.left
    );
    assert_eq!(imported.same, count);
}

#[test]
fn any_app_comes_back() {
    comes_back("tenants/payments/apps.kdl", variants::app, "");
}

#[test]
fn any_route_comes_back() {
    comes_back(
        "tenants/payments/routes.kdl",
        variants::route,
        variants::APPS,
    );
}

#[test]
fn any_tenant_comes_back() {
    comes_back("platform/more.kdl", variants::tenant, "");
}
