//! How large things may be, what they may be called, and what must stand at their top.

use super::Source;

/// What files should stay below.
pub(super) const AIM: usize = 300;
const MAX_FILE: usize = 500;
const MAX_FUNCTION: usize = 60;

/// Files and functions above their limit: path or `path::function`, and why.
const LARGE: [(&str, &str); 1] = [(
    "src/controller/status/tests.rs::each_pass_has_its_conditions_and_its_ending",
    "one table of cases",
)];

/// Where `unsafe` may stand, and why.
const UNSAFE: [(&str, &str); 1] = [(
    "src/adapters/git/transport.rs",
    "libgit2 hands out transports through raw pointers",
)];

/// Starts of names that name no concept.
const JUNK: [&str; 4] = ["util", "misc", "common", "helper"];

pub(super) fn undocumented(source: &Source) -> Vec<String> {
    let words = source
        .text
        .lines()
        .map_while(|line| line.strip_prefix("//!"));
    let words: usize = words.map(|line| line.split_whitespace().count()).sum();
    if words >= 4 {
        return Vec::new();
    }
    vec![format!(
        "{}: say in `//!` at the top what it does and what it must never do",
        source.path
    )]
}

pub(super) fn large(source: &Source) -> Vec<String> {
    let lines = source.text.lines().count();
    (lines > AIM)
        .then(|| format!("{lines:>4} {}", source.path))
        .into_iter()
        .collect()
}

pub(super) fn oversized(source: &Source) -> Vec<String> {
    let excused = |what: &str| LARGE.iter().any(|(name, _)| *name == what);
    let mut complaints = Vec::new();
    let lines = source.text.lines().count();
    if lines > MAX_FILE && !excused(&source.path) {
        complaints.push(format!(
            "{}: {lines} lines, at most {MAX_FILE}",
            source.path
        ));
    }
    for (name, lines) in functions(&source.code) {
        if lines > MAX_FUNCTION && !excused(&format!("{}::{name}", source.path)) {
            complaints.push(format!(
                "{}: fn {name} has {lines} lines, at most {MAX_FUNCTION}",
                source.path
            ));
        }
    }
    complaints
}

pub(super) fn junk_drawer(source: &Source) -> Vec<String> {
    let stems = source
        .path
        .split('/')
        .map(|part| part.split('.').next().unwrap_or(part));
    let junk = stems.filter(|stem| JUNK.iter().any(|junk| stem.starts_with(junk)));
    junk.map(|stem| format!("{}: `{stem}` names no concept", source.path))
        .collect()
}

pub(super) fn misplaced_unsafe(source: &Source) -> Vec<String> {
    let found = words(&source.code).any(|(_, word)| word == "unsafe");
    let allowed = UNSAFE.iter().any(|(path, _)| *path == source.path);
    (found && !allowed)
        .then(|| source.path.clone())
        .into_iter()
        .collect()
}

pub(super) fn unlisted(source: &Source, listed: &str) -> Vec<String> {
    let name = source
        .path
        .strip_prefix("tests/it/")
        .and_then(|p| p.strip_suffix(".rs"));
    let Some(name) = name.filter(|name| *name != "main") else {
        let stray = source.path.starts_with("tests/")
            && source.path.matches('/').count() == 1
            && source.is_rust();
        let complaint = format!("{}: tests live in tests/it, in one binary", source.path);
        return stray.then_some(complaint).into_iter().collect();
    };
    if name.contains('/')
        || listed
            .lines()
            .any(|line| line.trim() == format!("mod {name};"))
    {
        return Vec::new();
    }
    vec![source.path.clone()]
}

/// Identifiers and keywords with the offset after them.
fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + code[at..].find(is_word)?;
        let end = start
            + code[start..]
                .find(|c| !is_word(c))
                .unwrap_or(code.len() - start);
        at = end;
        Some((end, &code[start..end]))
    })
}

/// Each function with a body, and how many lines of it are not blank.
fn functions(code: &str) -> Vec<(&str, usize)> {
    let mut found = Vec::new();
    let mut words = words(code).peekable();
    while let Some((end, word)) = words.next() {
        let Some(&(after, name)) = words.peek() else {
            break;
        };
        let is_item = word == "fn" && code[end..after].trim() == name;
        if is_item && let Some(body) = body(&code[after..]) {
            found.push((
                name,
                body.lines().filter(|line| !line.trim().is_empty()).count(),
            ));
        }
    }
    found
}

/// From the signature to the closing brace; nothing for a declaration.
fn body(code: &str) -> Option<&str> {
    let (mut nested, mut braces) = (0usize, 0usize);
    for (at, c) in code.char_indices() {
        match c {
            '(' | '[' => nested += 1,
            ')' | ']' => nested = nested.saturating_sub(1),
            '{' => braces += 1,
            '}' if braces == 1 => return Some(&code[..=at]),
            '}' => braces = braces.saturating_sub(1),
            ';' if nested == 0 && braces == 0 => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_without_a_purpose_are_found() {
        assert_eq!(
            undocumented(&Source::new("src/a.rs", "//! x\nfn f() {}")).len(),
            1
        );
        assert_eq!(
            undocumented(&Source::new("src/a.rs", "// A comment is not enough.")).len(),
            1
        );
        assert!(undocumented(&Source::new("src/a.rs", "//! Does one thing\n//! well.")).is_empty());
    }

    #[test]
    fn what_is_too_large_is_found() {
        let lines = |n: usize| "    let a = 1;\n".repeat(n);
        let found = |text: &str| oversized(&Source::new("src/a.rs", text)).len();
        let long = format!(
            "fn f<'a, B>(x: [u8; 2]) -> T<C = D> where A: B {{\n{}}}",
            lines(60)
        );
        assert_eq!(found(&format!("type F = fn(u8) -> u8;\n{long}")), 1);
        assert_eq!(
            found(&format!(
                "impl A {{ fn g();\n fn f(&self) {{\n{}}} }}",
                lines(60)
            )),
            1
        );
        assert_eq!(found(&format!("fn f() {{\n{}}}", lines(20).repeat(2))), 0);
        assert_eq!(
            found(&format!("fn f() {{\n{}}}", "// a comment\n".repeat(80))),
            0
        );
        assert_eq!(found(&"\n".repeat(501)), 1);
        assert_eq!(large(&Source::new("src/a.rs", &"\n".repeat(301))).len(), 1);
    }

    #[test]
    fn junk_drawers_are_found() {
        for path in [
            "src/plan/utils.rs",
            "src/misc/x.rs",
            "tests/it/common.rs",
            "src/helpers.rs",
        ] {
            assert_eq!(junk_drawer(&Source::new(path, "")).len(), 1, "{path}");
        }
        assert!(junk_drawer(&Source::new("src/plan/diff.rs", "")).is_empty());
    }

    #[test]
    fn unsafe_is_found_in_code_only() {
        let count = |path: &str, text: &str| misplaced_unsafe(&Source::new(path, text)).len();
        assert_eq!(count("src/a.rs", "fn f() { unsafe { g() } }"), 1);
        assert_eq!(
            count(
                "src/a.rs",
                "#![deny(unsafe_code)] // unsafe\nconst A: &str = \"unsafe\";"
            ),
            0
        );
        assert_eq!(
            count("src/adapters/git/transport.rs", "unsafe impl A for B {}"),
            0
        );
    }

    #[test]
    fn tests_that_would_not_run_are_found() {
        let count = |path: &str| unlisted(&Source::new(path, ""), "mod tidy;\n").len();
        assert_eq!(count("tests/it/other.rs"), 1);
        assert_eq!(count("tests/alone.rs"), 1);
        assert_eq!(count("tests/it/tidy.rs"), 0);
        assert_eq!(count("tests/it/tidy/shape.rs"), 0);
    }
}
