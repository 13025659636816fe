//! The tutorial, followed to the letter: its commands are run, its files are written, and after each file
//! the project is as sound as the page claims.
#![expect(
    clippy::disallowed_methods,
    reason = "the tests make directories and run the program"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

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
