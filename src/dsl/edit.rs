//! Applies the fixes of diagnostics to text by span; every other byte stays as it was.
//!
//! The fixes of one diagnostic belong together: all of them are applied or none, because half of a
//! mend can be worse than none. Fixes that would touch the same bytes are never merged: the first
//! diagnostic wins and the others are reported, to be tried again on the new text.

use std::collections::BTreeMap;

use super::diagnostic::{Diagnostic, Diagnostics, Fix};
use crate::source::{FileId, SourceTree};

/// What fixing made of a tree.
#[derive(Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Mended<'a> {
    /// The new text of each file that changed.
    pub files: BTreeMap<FileId, String>,
    /// How many diagnostics were mended.
    pub applied: usize,
    /// Diagnostics whose fixes touch what another fix changed, or lie outside their file's text.
    pub skipped: Vec<&'a Diagnostic>,
}

/// Applies every safe fix. The caller checks the new text and repeats until nothing changes.
pub fn mend<'a>(tree: &SourceTree, diagnostics: &'a Diagnostics) -> Mended<'a> {
    let mut mended = Mended::default();
    let mut accepted = BTreeMap::<FileId, Vec<&Fix>>::new();
    for diagnostic in diagnostics.iter() {
        let fixes: Vec<&Fix> = diagnostic.fixes.iter().filter(|fix| fix.safe).collect();
        if fixes.is_empty() {
            continue;
        }
        if accept(tree, &mut accepted, &fixes) {
            mended.applied += 1;
        } else {
            mended.skipped.push(diagnostic);
        }
    }
    for (file, mut fixes) in accepted {
        if let Some(text) = tree.get(file).and_then(|f| f.text()) {
            fixes.sort_by_key(|fix| (fix.span.start, fix.span.end));
            mended.files.insert(file, replace(text, &fixes));
        }
    }
    mended
}

/// Takes all fixes of one diagnostic, or none.
fn accept<'a>(
    tree: &SourceTree,
    accepted: &mut BTreeMap<FileId, Vec<&'a Fix>>,
    fixes: &[&'a Fix],
) -> bool {
    let mut fresh: Vec<&Fix> = Vec::new();
    for fix in fixes {
        let text = tree.get(fix.span.file).and_then(|f| f.text());
        if text.and_then(|text| text.get(fix.span.range())).is_none() {
            return false;
        }
        let before = accepted.get(&fix.span.file).into_iter().flatten();
        if before.clone().any(|other| same_edit(other, fix)) {
            continue;
        }
        if before.chain(&fresh).any(|other| clash(other, fix)) {
            return false;
        }
        fresh.push(fix);
    }
    for fix in fresh {
        accepted.entry(fix.span.file).or_default().push(fix);
    }
    true
}

/// Two diagnostics often ask for the same change of the same place.
fn same_edit(a: &Fix, b: &Fix) -> bool {
    a.span == b.span && a.text == b.text
}

/// Whether applying both would depend on their order.
fn clash(a: &Fix, b: &Fix) -> bool {
    let overlap = a.span.start < b.span.end && b.span.start < a.span.end;
    let inserts = a.span.start == a.span.end || b.span.start == b.span.end;
    a.span.file == b.span.file && (overlap || (inserts && a.span.start == b.span.start))
}

/// Replaces sorted ranges that do not overlap and lie on character boundaries.
fn replace(text: &str, fixes: &[&Fix]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for fix in fixes {
        let range = fix.span.range();
        out.push_str(text.get(done..range.start).unwrap_or_default());
        out.push_str(&fix.text);
        done = range.end;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsl::diagnostic::{Code, Span};
    use crate::source::{RepoPath, SourceFile};

    fn tree(text: &str) -> SourceTree {
        let path = RepoPath::new("a.kdl").unwrap();
        SourceTree::new(vec![SourceFile::from_bytes(path, text.into())]).unwrap()
    }

    fn at(range: std::ops::Range<usize>) -> Span {
        Span::new(FileId(0), range)
    }

    fn problem(edits: &[(std::ops::Range<usize>, &str)]) -> Diagnostic {
        let base = Diagnostic::error(Code(21), at(0..0), "x");
        edits.iter().fold(base, |d, (range, text)| {
            d.fix(at(range.clone()), *text, "do it")
        })
    }

    fn mended(text: &str, problems: Vec<Diagnostic>) -> (String, usize, usize) {
        let mut all = Diagnostics::default();
        for problem in problems {
            all.push(problem);
        }
        let tree = tree(text);
        let result = mend(&tree, &all);
        let text = result.files.get(&FileId(0)).map_or(text, String::as_str);
        (text.to_owned(), result.applied, result.skipped.len())
    }

    #[test]
    fn edits_keep_every_other_byte() {
        let text = "\u{feff}app  a\r\n\tmem 1Mi // ü\r\n";
        let (start, end) = (text.find("1Mi").unwrap(), text.find(" //").unwrap());
        let problems = vec![problem(&[(start..start, "\""), (end..end, "\"")])];
        let expected = "\u{feff}app  a\r\n\tmem \"1Mi\" // ü\r\n".to_owned();
        assert_eq!(mended(text, problems), (expected, 1, 0));
    }

    #[test]
    fn the_first_wins_and_the_rest_is_reported_whole() {
        let first = problem(&[(1..3, "X")]);
        let overlapping = problem(&[(5..6, "Y"), (2..4, "Z")]);
        let adjacent = problem(&[(3..4, "!")]);
        let result = mended("abcdef", vec![first, overlapping, adjacent]);
        assert_eq!(
            result,
            ("aX!ef".into(), 2, 1),
            "no half of a mend is applied"
        );
    }

    #[test]
    fn the_same_change_asked_for_twice_is_made_once() {
        let problems = vec![problem(&[(1..1, "-")]), problem(&[(1..1, "-")])];
        assert_eq!(mended("ab", problems), ("a-b".into(), 2, 0));
        let problems = vec![problem(&[(1..1, "-")]), problem(&[(1..1, "+")])];
        assert_eq!(mended("ab", problems), ("a-b".into(), 1, 1));
    }

    #[test]
    fn suggestions_and_impossible_spans_change_nothing() {
        let suggestion = Diagnostic::error(Code(21), at(0..1), "x").suggestion(at(0..1), "b", "?");
        assert_eq!(mended("a", vec![suggestion]), ("a".into(), 0, 0));
        assert_eq!(
            mended("é", vec![problem(&[(1..2, "")])]),
            ("é".into(), 0, 1)
        );
        assert_eq!(
            mended("a", vec![problem(&[(0..9, "")])]),
            ("a".into(), 0, 1)
        );
    }
}
