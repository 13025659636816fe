//! The image of `Containerfile`: from named bases in pinned versions, run by nobody, with the compiler that
//! `Cargo.toml` asks for.

use std::collections::BTreeMap;

const FILE: &str = include_str!("../../../Containerfile");
const MANIFEST: &str = include_str!("../../../Cargo.toml");
/// Who it runs as: nobody on every system.
const USER: &str = "65534:65534";

/// The defaults of arguments.
fn arguments(text: &str) -> BTreeMap<&str, &str> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("ARG "));
    lines.filter_map(|line| line.split_once('=')).collect()
}

/// Whether a base is that version of Rust, or a patch or variant of it.
fn is_rust(name: &str, version: &str) -> bool {
    let rest = name.strip_prefix("rust:");
    let rest = rest.and_then(|tag| tag.strip_prefix(version));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
}

/// What is wrong with a base by its name.
fn base(name: &str) -> Option<String> {
    if name == "scratch" || name.contains("@sha256:") {
        return None;
    }
    let tag = name.split_once(':').map(|(_, tag)| tag);
    let pinned = tag.is_some_and(|tag| tag.starts_with(|c: char| c.is_ascii_digit()));
    let here = name
        .split_once('/')
        .is_none_or(|(host, _)| !host.contains(['.', ':']));
    match (pinned, here) {
        (true, true) => None,
        (false, _) => Some(format!("`{name}` has no version")),
        (_, false) => Some(format!(
            "`{name}` names a registry, which each place has its own of"
        )),
    }
}

/// What stands behind a word at the beginning of a line.
fn values<'a>(stage: &'a str, word: &str) -> Vec<&'a str> {
    let lines = stage.lines();
    lines
        .filter_map(|line| line.strip_prefix(word))
        .map(str::trim)
        .collect()
}

/// What is wrong with a file, given the version of Rust that the project asks for.
fn wrong(text: &str, rust: &str) -> Vec<String> {
    let known = arguments(text);
    let mut complaints = Vec::new();
    for from in text.lines().filter_map(|line| line.strip_prefix("FROM ")) {
        let name = from.split(' ').next().unwrap_or_default();
        let argument = name
            .strip_prefix("${")
            .and_then(|name| name.strip_suffix('}'));
        match argument.and_then(|name| known.get(name)) {
            Some(value) => complaints.extend(base(value)),
            None => complaints.push(format!("`{name}` is no argument with a default")),
        }
    }
    if !known.values().any(|value| is_rust(value, rust)) {
        complaints.push(format!("it is not built by Rust {rust}"));
    }
    let last = text.rsplit("\nFROM ").next().unwrap_or_default();
    if values(last, "USER ") != [USER] {
        complaints.push(format!("it is not run by {USER}"));
    }
    if values(last, "ENTRYPOINT ") != ["[\"/kubemate\"]"] || !values(last, "CMD ").is_empty() {
        complaints.push("it starts something else than /kubemate, or by a shell".to_owned());
    }
    if !values(last, "RUN ").is_empty() || text.lines().any(|line| line.starts_with("ADD ")) {
        complaints.push("it holds more than what was built".to_owned());
    }
    complaints
}

fn asked() -> &'static str {
    let line = MANIFEST
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = "));
    line.unwrap().trim_matches('"')
}

#[test]
fn s_95_the_image_is_pinned_holds_one_program_and_runs_as_nobody() {
    super::none("Containerfile", wrong(FILE, asked()));
    assert!(MANIFEST.contains("\n[profile.dist]\n") && FILE.contains("--profile dist "));
    assert!(
        FILE.contains("cargo build --locked "),
        "what was tested is built"
    );
}

#[test]
fn each_rule_about_images_can_fail() {
    let good = "ARG A=rust:1.95-alpine\nARG B=scratch\nFROM ${A} AS build\nRUN x\nFROM ${B}\n\
                COPY --from=build /a /a\nUSER 65534:65534\nENTRYPOINT [\"/kubemate\"]\n";
    assert_eq!(wrong(good, "1.95"), Vec::<String>::new());
    for (old, new) in [
        ("rust:1.95", "rust:1.94"),
        ("rust:1.95", "rust:1.955"),
        ("B=scratch", "B=alpine:latest"),
        ("B=scratch", "B=alpine"),
        ("B=scratch", "B=registry.bank.example/alpine:3"),
        ("FROM ${A} AS", "FROM rust:1.95 AS"),
        ("ARG B=scratch\n", ""),
        ("65534:65534", "0"),
        ("USER 65534:65534\n", ""),
        ("USER 65534:65534\n", "USER 65534:65534\nUSER root\n"),
        ("[\"/kubemate\"]", "/kubemate"),
        ("COPY --from=build /a /a", "RUN apk add curl"),
        ("RUN x\n", "ADD https://host.example/x /x\n"),
    ] {
        assert_eq!(wrong(&good.replace(old, new), "1.95").len(), 1, "{new}");
    }
}
