//! The tutorial, followed to the letter: its commands are run, its files are written, and after each file
//! the project is as sound as the page claims.
#![expect(
    clippy::disallowed_methods,
    reason = "the tests make directories and run the program"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::bed::history::commit;
use crate::docs::blocks;

fn run(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kubemate"))
        .args(args)
        .current_dir(dir)
        .env("XDG_CACHE_HOME", dir.join(".cache"))
        .env("NO_COLOR", "1")
        .output()
        .unwrap()
}

/// What the program said, for people.
fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

#[test]
fn the_tutorial_can_be_followed() {
    let dir = tempfile::tempdir().unwrap();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tutorial.md");
    let (mut commands, mut files) = (0, 0);
    for block in blocks(&page) {
        let Some(path) = block.word("file=") else {
            assert_eq!(
                block.info, "text",
                "{}: nobody knows where it goes",
                block.place
            );
            for line in block.text.lines() {
                // The directory is there already.
                let Some(args) = line.strip_prefix("kubemate ") else {
                    assert_eq!(line, "mkdir shop && cd shop", "{}", block.place);
                    continue;
                };
                let output = run(dir.path(), &args.split(' ').collect::<Vec<_>>());
                assert!(
                    output.status.success(),
                    "{}: {}",
                    block.place,
                    said(&output)
                );
                commands += 1;
            }
            continue;
        };
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &block.text).unwrap();
        let output = run(dir.path(), &["validate"]);
        let sound = block.fails().is_empty();
        assert_eq!(
            output.status.success(),
            sound,
            "{}: {}",
            block.place,
            said(&output)
        );
        for code in block.fails() {
            assert!(
                said(&output).contains(code),
                "{}: {}",
                block.place,
                said(&output)
            );
        }
        files += 1;
    }
    assert!(
        commands >= 5 && files >= 7,
        "{commands} commands, {files} files"
    );
}

#[test]
fn the_mistake_in_the_readme_is_told_as_it_says() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let sample = blocks(&page)
        .into_iter()
        .find(|b| b.text.starts_with("error["));
    let sample = sample.expect("a mistake").text;
    let dir = tempfile::tempdir().unwrap();
    let line = sample.lines().find_map(|line| line.strip_prefix("1 | "));
    let store = format!("{}\n}}\n", line.expect("the line of the mistake"));
    let project = "project bank schema=1 {\n  cluster lab uid=\"5b9d3a52-0c1e-4b0f-9c42-3f4d5f0a9d11\"\n  environment dev { cluster lab }\n}\n";
    fs::write(dir.path().join("kubemate.kdl"), project).unwrap();
    fs::write(dir.path().join("stores.kdl"), store).unwrap();
    let told = said(&run(dir.path(), &["validate"]));
    assert!(told.starts_with(&sample), "{told}");
}

/// The files of a directory and of all below it, by their paths from `root`.
fn files_below(root: &Path, dir: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(root, &path, found);
            continue;
        }
        let name = path.strip_prefix(root).unwrap().to_str().unwrap();
        found.push((name.to_owned(), fs::read(&path).unwrap()));
    }
}

#[test]
fn the_plan_in_the_readme_is_told_as_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sample = blocks(&root.join("README.md"))
        .into_iter()
        .find(|b| b.text.starts_with("notice "));
    let sample = sample.expect("a plan").text;
    let (bank, mut files) = (root.join("examples/bank"), Vec::new());
    files_below(&bank, &bank, &mut files);
    let dir = tempfile::tempdir().unwrap();
    let git = git2::Repository::init(dir.path()).unwrap();
    let base = commit(
        &git,
        Some("HEAD"),
        files
            .iter()
            .map(|(name, bytes)| (name.as_str(), bytes.as_slice())),
    );
    for (name, bytes) in &files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let app = dir.path().join("tenants/payments/checkout.kdl");
    let before = fs::read_to_string(&app).unwrap();
    let after = before.replace("2.15.0-rc1", "2.15.0");
    assert_ne!(before, after);
    fs::write(app, after).unwrap();
    let plan = ["plan", "--offline", "--base", &base, "--env", "dev"];
    let told = said(&run(dir.path(), &plan));
    assert!(told.contains(&sample), "{told}");
}
