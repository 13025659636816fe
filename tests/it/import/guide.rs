//! The guide shows what the program prints.
#![expect(
    clippy::disallowed_methods,
    reason = "the test runs the program on the guide's own files"
)]

use std::path::Path;
use std::process::Command;

/// The blocks of the guide: what stands behind the fence, and the text.
fn blocks(text: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        match (line.strip_prefix("```"), open.take()) {
            (Some(_), Some(block)) => out.push(block),
            (Some(info), None) => open = Some((info.to_owned(), String::new())),
            (None, Some((info, body))) => open = Some((info, body + line + "\n")),
            (None, None) => {}
        }
    }
    out
}

#[test]
fn the_guide_shows_what_happens() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/how-to/import.md");
    let guide = std::fs::read_to_string(&path).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut current = guide.clone();
    let mut ran = 0;
    for (info, body) in blocks(&guide) {
        if info == "yaml" {
            let name = body.lines().next().unwrap().trim_start_matches("# ");
            std::fs::write(dir.path().join(name), &body).unwrap();
        }
        let mut lines = body.lines();
        let Some(command) = lines
            .next()
            .and_then(|line| line.strip_prefix("$ "))
            .filter(|_| info == "text")
        else {
            continue;
        };
        let script = command.replacen("kubemate", env!("CARGO_BIN_EXE_kubemate"), 1);
        let output = Command::new("sh")
            .args(["-c", &script])
            .current_dir(dir.path())
            .env("NO_COLOR", "1")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{command}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let printed = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        current = current.replace(&body, &format!("$ {command}\n{printed}"));
        ran += 1;
    }
    assert!(ran >= 3, "only {ran} sessions were found");
    if std::env::var("KUBEMATE_BLESS").is_ok() {
        std::fs::write(&path, &current).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), current);
}
