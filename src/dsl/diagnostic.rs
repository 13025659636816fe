//! What is wrong, where, why, and how to fix it: the one shape of every message about a repository.
//!
//! A [`Diagnostic`] is data. Printers for terminal, JSON, SARIF and forges take it as it is; none of
//! them decides anything. Texts hold user input unescaped: each printer escapes for its medium.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::names::conceal::concealed;
use crate::source::FileId;

/// A stable error code, printed as `KM0201`. The catalogue is in [`super::codes`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Code(pub u16);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KM{:04}", self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A range of bytes in one file of the tree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// A span from byte offsets; offsets over 4 GiB cannot occur below the file limit.
    pub fn new(file: FileId, range: std::ops::Range<usize>) -> Self {
        let clip = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self {
            file,
            start: clip(range.start),
            end: clip(range.end),
        }
    }

    /// The bytes as a range.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Whether `other` lies inside.
    pub fn covers(&self, other: &Self) -> bool {
        self.file == other.file && self.start <= other.start && other.end <= self.end
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}..{}", self.file.0, self.start, self.end)
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The commit cannot be used.
    Error,
    /// It works today and should be changed.
    Warning,
}

/// A place with a few words about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// The words, lower case, no full stop.
    pub text: String,
}

/// A change of text that mends the problem.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fix {
    /// What is replaced; empty to insert.
    pub span: Span,
    /// What stands there afterwards.
    pub text: String,
    /// What the fix does, as an imperative or a question.
    pub title: String,
    /// Whether `--fix` may apply it unasked.
    pub safe: bool,
}

/// One problem of a repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Diagnostic {
    /// Where it is seen. `None` only for problems of the tree as a whole.
    pub primary: Option<Label>,
    /// Stable code.
    pub code: Code,
    /// How bad.
    pub severity: Severity,
    /// One sentence without full stop: what is wrong and why.
    pub message: String,
    /// Other places that explain it: where it was first set, what it clashes with.
    pub related: Vec<Label>,
    /// How to mend it, in words.
    pub help: Vec<String>,
    /// How to mend it, as edits.
    pub fixes: Vec<Fix>,
    /// The environments in which it shows, where it does not show in all; empty means everywhere.
    pub environments: Vec<String>,
    /// Whether the text at the primary span is a secret, which no output may show.
    pub secret: bool,
}

impl Diagnostic {
    /// An error at a span.
    pub fn error(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            primary: Some(Label {
                span,
                text: String::new(),
            }),
            code,
            severity: Severity::Error,
            message: told(message),
            related: Vec::new(),
            help: Vec::new(),
            fixes: Vec::new(),
            environments: Vec::new(),
            secret: false,
        }
    }

    /// An error about the tree as a whole.
    pub fn global(code: Code, message: impl Into<String>) -> Self {
        Self {
            primary: None,
            ..Self::error(code, Span::new(FileId(0), 0..0), message)
        }
    }

    /// Turns it into a warning.
    #[must_use]
    pub fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// The words at the primary span.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        if let Some(primary) = &mut self.primary {
            primary.text = told(text);
        }
        self
    }

    /// Keeps the text at the primary span out of every output.
    #[must_use]
    pub fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Another place that explains it.
    #[must_use]
    pub fn related(mut self, span: Span, text: impl Into<String>) -> Self {
        self.related.push(Label {
            span,
            text: told(text),
        });
        self
    }

    /// A sentence on how to mend it.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(told(text));
        self
    }

    /// An edit that surely says what the author meant.
    #[must_use]
    pub fn fix(mut self, span: Span, text: impl Into<String>, title: impl Into<String>) -> Self {
        self.fixes.push(Fix {
            span,
            text: text.into(),
            title: title.into(),
            safe: true,
        });
        self
    }

    /// An edit that a person should look at first.
    #[must_use]
    pub fn suggestion(
        mut self,
        span: Span,
        text: impl Into<String>,
        title: impl Into<String>,
    ) -> Self {
        self.fixes.push(Fix {
            span,
            text: text.into(),
            title: title.into(),
            safe: false,
        });
        self
    }
}

/// Words for people, without the passwords that they quote.
fn told(text: impl Into<String>) -> String {
    let text = text.into();
    match concealed(&text) {
        Cow::Owned(text) => text,
        Cow::Borrowed(_) => text,
    }
}

/// Problems in the order people read them: by file, then by place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    /// How many were left out per file, after [`Diagnostics::finish`].
    pub left_out: std::collections::BTreeMap<FileId, usize>,
}

impl Diagnostics {
    /// Most diagnostics shown per file.
    pub const CAP_PER_FILE: usize = 50;

    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    /// Adds all of another list.
    pub fn append(&mut self, mut other: Self) {
        self.list.append(&mut other.list);
        for (file, count) in other.left_out {
            *self.left_out.entry(file).or_default() += count;
        }
    }

    /// All of them, in the order of the last [`Diagnostics::finish`].
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// Changes each of them.
    pub fn map(mut self, change: impl FnMut(Diagnostic) -> Diagnostic) -> Self {
        self.list = self.list.into_iter().map(change).collect();
        self
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|d| d.severity == Severity::Error)
    }

    /// Sorts, joins what is the same problem seen in several environments, and caps per file.
    pub fn finish(mut self) -> Self {
        self.list.sort_by(|a, b| {
            (&a.primary, a.code, &a.message, &a.environments).cmp(&(
                &b.primary,
                b.code,
                &b.message,
                &b.environments,
            ))
        });
        let mut out: Vec<Diagnostic> = Vec::with_capacity(self.list.len());
        for next in self.list {
            match out.last_mut() {
                Some(last) if same_problem(last, &next) => join(last, next),
                _ => out.push(next),
            }
        }
        let mut shown = std::collections::BTreeMap::<FileId, usize>::new();
        let left_out = &mut self.left_out;
        out.retain(|d| {
            let Some(primary) = &d.primary else {
                return true;
            };
            let count = shown.entry(primary.span.file).or_default();
            *count += 1;
            let keep = *count <= Self::CAP_PER_FILE;
            if !keep {
                *left_out.entry(primary.span.file).or_default() += 1;
            }
            keep
        });
        Self {
            list: out,
            left_out: self.left_out,
        }
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

fn same_problem(a: &Diagnostic, b: &Diagnostic) -> bool {
    a.code == b.code && a.primary == b.primary && a.message == b.message
}

/// Seen everywhere wins over seen in some environments.
fn join(kept: &mut Diagnostic, again: Diagnostic) {
    if kept.environments.is_empty() || again.environments.is_empty() {
        kept.environments.clear();
        return;
    }
    kept.environments.extend(again.environments);
    kept.environments.sort();
    kept.environments.dedup();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: usize) -> Diagnostic {
        Diagnostic::error(Code(201), Span::new(FileId(0), start..start + 1), "x")
    }

    #[test]
    fn the_same_problem_in_two_environments_is_one() {
        let mut all = Diagnostics::default();
        for env in ["prod", "dev"] {
            let mut d = at(3);
            d.environments = vec![env.into()];
            all.push(d);
        }
        all.push(at(1));
        let all = all.finish();
        assert_eq!(all.len(), 2);
        assert_eq!(all.iter().nth(1).unwrap().environments, ["dev", "prod"]);
    }

    #[test]
    fn a_file_with_many_problems_is_capped_and_says_so() {
        let mut all = Diagnostics::default();
        (0..70).for_each(|i| all.push(at(i)));
        let all = all.finish();
        assert_eq!(all.len(), Diagnostics::CAP_PER_FILE);
        assert_eq!(all.left_out[&FileId(0)], 20);
    }
}
