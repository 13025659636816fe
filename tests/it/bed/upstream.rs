//! Files of upstream projects, read where their Go modules lie: examples and snapshots that nobody
//! here wrote. Modules are pinned, and fetched when they are first asked for; nothing of them is kept
//! in the repository.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use kubemate::render::yaml;
use serde_json::Value;

use super::{control_plane, run};

/// The folder of a project's module, by the group name of its CRDs. Without it the test fails and says
/// what to install.
pub(crate) fn folder(project: &str) -> PathBuf {
    static FOUND: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(folder) = found.get(project) {
        return folder.clone();
    }
    let folder = fetched(project).unwrap_or_else(|why| {
        panic!(
            "this test reads the files of {project} from its Go module, which is not there: {why}"
        )
    });
    found.insert(project.to_owned(), folder.clone());
    folder
}

fn fetched(project: &str) -> Result<PathBuf, String> {
    let mut command = Command::new(control_plane::binary()?);
    command.args(["module", project]);
    let (fine, out, err) = run(command, "");
    if fine {
        return Ok(PathBuf::from(out.trim_end()));
    }
    Err(format!(
        "{err}\nGo fetches it once, where GOPROXY can be reached"
    ))
}

/// The objects of one file, in their order: a file of YAML, or the manifests in a page, a script or a
/// program. What stands between `{{` and `}}` is a word that the reader is told. Manifests that cannot
/// be read then are left out.
pub(crate) fn objects(project: &str, file: &str, words: &[(&str, &str)]) -> Vec<Value> {
    let path = folder(project).join(file);
    let mut text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    for (word, meant) in words {
        assert!(text.contains(word), "{file} does not say {word}");
        text = text.replace(word, meant);
    }
    let parts = match file.rsplit_once('.') {
        Some((_, "yaml" | "yml")) => text.split("\n---").map(plain).collect(),
        _ => blocks(&text),
    };
    let read = parts.iter().filter_map(|part| yaml::documents(part).ok());
    read.flatten()
        .filter(|object| object["kind"].is_string())
        .collect()
}

/// A document without the marks of the program that builds a site of it.
fn plain(document: &str) -> String {
    let lines = document
        .lines()
        .filter(|line| !line.trim_start().starts_with("{%"));
    lines.map(|line| format!("{line}\n")).collect()
}

/// The manifests in a text of another kind: from a line with an API version to the end of its block.
fn blocks(text: &str) -> Vec<String> {
    let text = text.replace("`apiVersion:", "\napiVersion:");
    let mut out: Vec<String> = Vec::new();
    let mut open: Option<usize> = None;
    for line in text.lines() {
        let inner = line.trim_start();
        let indent = line.len() - inner.len();
        let ends = ["---", "```", "EOF", "`"]
            .iter()
            .any(|end| inner.starts_with(end));
        let begins =
            inner.starts_with("apiVersion:") && open.is_none_or(|indents| indent <= indents);
        match open {
            _ if begins => {
                open = Some(indent);
                out.push(String::new());
            }
            Some(indents) if ends || (indent < indents && !inner.is_empty()) => open = None,
            _ => {}
        }
        if let (Some(indents), Some(block)) = (open, out.last_mut()) {
            let (rest, closed) = match line.get(indents..).unwrap_or_default() {
                rest if rest.ends_with('`') => (rest.trim_end_matches('`'), true),
                rest => (rest, false),
            };
            block.push_str(rest);
            block.push('\n');
            open = open.filter(|_| !closed);
        }
    }
    out
}

#[test]
fn manifests_are_found_in_pages_scripts_and_programs() {
    let text = "Do:\n   ```yaml\n   apiVersion: v1\n   kind: A\n   data:\n     a: b\n   ```\nThen:\ncat <<EOF | kubectl apply\napiVersion: v1\nkind: B\n---\napiVersion: v1\nkind: C\nEOF\necho `date`\nx = `apiVersion: v1\nkind: D\ndata: {e: f}`\ny = `z`\n";
    let found = blocks(text)
        .into_iter()
        .flat_map(|block| yaml::documents(&block).unwrap());
    let kinds: Vec<String> = found.map(|object| object["kind"].to_string()).collect();
    assert_eq!(kinds, ["\"A\"", "\"B\"", "\"C\"", "\"D\""]);
}
