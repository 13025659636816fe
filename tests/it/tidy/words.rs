//! Texts that say a thing is unfinished, or that only mean something on one machine.
//!
//! The words are put together from halves, so that this file does not hold what it looks for.

use super::Source;

/// Files that may hold a word, as start of a path and the word, and why.
const EXCEPTIONS: [(&str, &str, &str); 0] = [];

/// What code and prose must not say anywhere.
const UNFINISHED: [&str; 5] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X:"),
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
];

/// Paths of one machine and hosts of package registries, which each machine configures for itself.
const LOCAL: [&str; 11] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
    concat!("/home/", "runner"),
    concat!("/tmp/ba", "sh_jobs"),
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("proxy.", "golang.org"),
    concat!("sum.", "golang.org"),
    concat!("pypi", ".org"),
    concat!("registry.", "npmjs.org"),
];

pub(super) fn unwanted(source: &Source) -> Vec<String> {
    let mut complaints = Vec::new();
    for (number, line) in source.text.lines().enumerate() {
        let found = UNFINISHED.iter().filter(|word| holds(line, word, true));
        let found = found.chain(LOCAL.iter().filter(|word| holds(line, word, false)));
        for word in found.filter(|word| !excused(&source.path, word)) {
            complaints.push(format!("{}:{}: `{word}`", source.path, number + 1));
        }
    }
    complaints
}

fn excused(path: &str, word: &str) -> bool {
    EXCEPTIONS
        .iter()
        .any(|(start, allowed, _)| path.starts_with(start) && *allowed == word)
}

/// Whether a line holds the word, not as the end of a longer one, nor, for `whole`, as its start.
fn holds(line: &str, word: &str, whole: bool) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '}');
        let before = line[..at].chars().next_back().is_some_and(part);
        let after = line[at + word.len()..].chars().next();
        let goes_on = whole
            && word.ends_with(char::is_alphanumeric)
            && after.is_some_and(|c| c.is_alphanumeric() || c == '_');
        !before && !goes_on
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unfinished_and_local_texts_are_found() {
        let count = |text: &str| unwanted(&Source::new("docs/a.md", text)).len();
        for word in UNFINISHED.iter().chain(&LOCAL) {
            assert_eq!(count(&format!("see {word} later")), 1, "{word}");
        }
        assert_eq!(
            count(&format!("{}S and {}", UNFINISHED[0], UNFINISHED[0])),
            1
        );
        assert_eq!(count(&format!("the path a{}x", LOCAL[0])), 0);
    }
}
