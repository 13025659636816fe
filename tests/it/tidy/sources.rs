//! The files the rules look at, and their code without comments and texts.

use std::path::Path;

/// One file of the repository.
#[derive(Debug)]
pub(super) struct Source {
    /// Path from the root, `/`-separated.
    pub(super) path: String,
    /// What it says.
    pub(super) text: String,
    /// The same lines with comments and the content of literals blanked; empty for other languages.
    pub(super) code: String,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        let code = if is_rust(path) {
            code(text)
        } else {
            String::new()
        };
        Self {
            path: path.into(),
            text: text.into(),
            code,
        }
    }

    pub(super) fn is_rust(&self) -> bool {
        is_rust(&self.path)
    }

    /// Whether it belongs to the product and is not a file of tests.
    pub(super) fn is_product(&self) -> bool {
        let test = self.path.ends_with("/tests.rs") || self.path.contains("/tests/");
        self.path.starts_with("src/") && !test
    }

    /// The module path: `src/a/b.rs` is `["a", "b"]`.
    pub(super) fn module(&self) -> Vec<String> {
        let path = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let path = path.strip_suffix(".rs").unwrap_or(path);
        let parts: Vec<String> = path.split('/').map(str::to_owned).collect();
        if parts == ["lib"] { Vec::new() } else { parts }
    }
}

fn is_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|end| end == "rs")
}

/// Every text file that is not ignored by Git.
pub(super) fn all() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    walk(root, root, &ignored(root), &mut found);
    assert!(
        found.iter().any(|s| s.path == "src/lib.rs"),
        "the walk found nothing"
    );
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Top-level names that are not part of the repository.
#[expect(clippy::disallowed_methods, reason = "the rules are about files")]
fn ignored(root: &Path) -> Vec<String> {
    let list = std::fs::read_to_string(root.join(".gitignore")).unwrap();
    let names = list.lines().map(|line| line.trim_matches('/').to_owned());
    names
        .filter(|name| !name.is_empty())
        .chain([".git".into()])
        .collect()
}

#[expect(clippy::disallowed_methods, reason = "the rules are about files")]
fn walk(root: &Path, dir: &Path, ignored: &[String], found: &mut Vec<Source>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let kind = entry.file_type().unwrap();
        if ignored.contains(&name) {
            continue;
        }
        if kind.is_dir() {
            walk(root, &entry.path(), ignored, found);
        } else if kind.is_file() {
            let bytes = std::fs::read(entry.path()).unwrap();
            let path = entry
                .path()
                .strip_prefix(root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            if let Ok(text) = String::from_utf8(bytes) {
                found.push(Source::new(&path, &text));
            }
        }
    }
}

/// Rust code with comments and the content of literals replaced by spaces; lines stay.
fn code(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let previous = out.chars().next_back();
        let (length, keep) = token(rest, c, previous);
        let (taken, next) = rest.split_at(length);
        if keep {
            out.push_str(taken);
        } else {
            out.extend(taken.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        }
        rest = next;
    }
    out
}

/// The length of what starts here, and whether it is code.
fn token(rest: &str, c: char, previous: Option<char>) -> (usize, bool) {
    let in_word = previous.is_some_and(|p| p.is_alphanumeric() || p == '_');
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), false);
    }
    if rest.starts_with("/*") {
        return (comment(rest), false);
    }
    if !in_word && let Some(length) = raw(rest) {
        return (length, false);
    }
    match c {
        '"' => (quoted(rest, '"'), false),
        '\'' if rest[1..].starts_with('\\') => (quoted(rest, '\''), false),
        '\'' => match rest[1..].char_indices().nth(1) {
            Some((at, '\'')) => (at + 2, false),
            _ => (1, true),
        },
        c => (c.len_utf8(), true),
    }
}

fn comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        let here = &rest[at..];
        if here.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with("*/") {
            depth -= 1;
            at += 2;
        } else {
            at += here.chars().next().map_or(1, char::len_utf8);
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// A raw string with any prefix and number of hashes.
fn raw(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix("br").or_else(|| rest.strip_prefix("cr"));
    let body = body.or_else(|| rest.strip_prefix('r'))?;
    let hashes = body.len() - body.trim_start_matches('#').len();
    let inner = body[hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let end = inner.find(&close).unwrap_or(inner.len());
    Some((rest.len() - inner.len() + end + close.len()).min(rest.len()))
}

fn quoted(rest: &str, close: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == close => return at + c.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

#[test]
fn code_is_left_alone_and_texts_are_blanked() {
    let text = "let a = \"x // {\\\" y\"; // c {\nlet b = r#\"q\"{\"#; /* { /* } */ */ 'l: '{' '\\'' b\"{\"";
    let code = code(text);
    assert_eq!(code.lines().count(), 2);
    assert_eq!(code.matches('{').count(), 0, "{code}");
    assert!(code.contains("'l: "), "{code}");
    assert!(code.contains("let b ="), "{code}");
}

#[test]
fn modules_follow_from_paths() {
    let module = |path: &str| Source::new(path, "").module().join("::");
    assert_eq!(module("src/dsl/scan/words.rs"), "dsl::scan::words");
    assert_eq!(module("src/lib.rs"), "");
    assert!(!Source::new("src/dsl/scan/tests.rs", "").is_product());
}
