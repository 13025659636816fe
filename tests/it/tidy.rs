//! The house rules, checked on every file of the repository.
//!
//! Each rule is a function from a file to complaints, with the exceptions in a table beside it and a
//! test that shows it can fail. Nothing here is about what kubemate does.

mod guards;
mod image;
mod imports;
mod quoted;
mod shape;
mod sources;
mod supply;
mod words;

use sources::Source;

/// Fails with every complaint at once.
fn none(rule: &str, complaints: impl IntoIterator<Item = String>) {
    let complaints: Vec<String> = complaints.into_iter().collect();
    let list = complaints.join("\n  ");
    assert!(complaints.is_empty(), "{rule}:\n  {list}\n");
}

/// The complaints of one rule about all files that are Rust.
fn rust(check: impl Fn(&Source) -> Vec<String>) -> Vec<String> {
    sources::all()
        .iter()
        .filter(|s| s.is_rust())
        .flat_map(check)
        .collect()
}

#[test]
fn modules_import_from_their_left() {
    none(
        "a module imports only from its left",
        rust(imports::wrong_way),
    );
}

#[test]
fn only_the_edge_is_async() {
    none(
        "`async` stands only where the world is reached",
        rust(imports::misplaced_async),
    );
}

#[test]
fn attributes_keep_the_rules() {
    none("attributes", rust(imports::attributes));
}

#[test]
fn files_say_what_they_are_for() {
    none(
        "every file starts with a paragraph of `//!`",
        rust(shape::undocumented),
    );
}

#[test]
fn files_and_functions_stay_small() {
    let large = rust(shape::large);
    println!(
        "files above the aim of {} lines:\n  {}",
        shape::AIM,
        large.join("\n  ")
    );
    none("sizes", rust(shape::oversized));
}

#[test]
fn names_name_a_concept() {
    none("names", rust(shape::junk_drawer));
}

#[test]
fn unsafe_code_is_in_one_place() {
    none("`unsafe`", rust(shape::misplaced_unsafe));
}

#[test]
fn every_test_file_runs() {
    let all = sources::all();
    let listed = all.iter().find(|s| s.path == "tests/it/main.rs").unwrap();
    let listed = &listed.code;
    none(
        "listed in tests/it/main.rs",
        all.iter().flat_map(|s| shape::unlisted(s, listed)),
    );
}

#[test]
fn texts_are_finished_and_at_home_anywhere() {
    none("words", sources::all().iter().flat_map(words::unwanted));
}

#[test]
fn guards_name_tests_that_exist() {
    none("tests that are named", guards::complaints(&sources::all()));
}

#[test]
fn how_tos_quote_what_is_said() {
    none("what how-tos quote", quoted::complaints(&sources::all()));
}
