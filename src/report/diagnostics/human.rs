//! Problems for people, in the shape that cargo made familiar: code, place, source, marks, help,
//! patches, and one line at the end that counts them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{
    Annotation, AnnotationKind, Group, Level, Origin, Patch, Renderer, Snippet,
};

use super::Style;
use super::escape;
use super::excerpt::{self, Excerpt};
use super::places::{Lines, Places};
use crate::dsl::diagnostic::{Diagnostic, Diagnostics, Fix, Label, Severity};
use crate::names::conceal::concealed;
use crate::source::{FileId, SourceTree};

/// Longest replacement drawn as a patch; the title says enough about a longer one.
const MAX_PATCH: usize = 1000;

/// The problems as text for a terminal or a log; empty where there are none.
pub fn human(diagnostics: &Diagnostics, tree: &SourceTree, style: Style) -> String {
    if diagnostics.is_empty() {
        return String::new();
    }
    let places = Places::new(diagnostics, tree);
    let renderer = if style.color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let renderer = renderer
        .decor_style(DecorStyle::Ascii)
        .term_width(style.width.clamp(40, 400));
    let mut out = String::new();
    for diagnostic in diagnostics.iter() {
        let mut drawing = Drawing {
            places: &places,
            headers: Vec::new(),
        };
        let groups = drawing.groups(diagnostic);
        out.push_str(&drawing.with_headers(&renderer.render(&groups)));
        out.push_str("\n\n");
    }
    for (file, count) in &diagnostics.left_out {
        let path = places.path(*file);
        line(
            &mut out,
            format_args!("and {count} more in {}", escape::line(&path)),
        );
    }
    if !diagnostics.left_out.is_empty() {
        out.push('\n');
    }
    let bold = if style.color {
        anstyle::Style::new().bold()
    } else {
        anstyle::Style::new()
    };
    line(
        &mut out,
        format_args!("{bold}{}{bold:#}", summary(diagnostics)),
    );
    let fixable = diagnostics
        .iter()
        .filter(|d| d.fixes.iter().any(|f| f.safe))
        .count();
    if fixable > 0 {
        line(
            &mut out,
            format_args!("`kubemate validate --fix` mends {fixable} of them"),
        );
    }
    out
}

/// Writing to a String cannot fail.
fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _: Result<(), std::fmt::Error> = writeln!(out, "{text}");
}

/// As in "3 errors, 1 warning in 2 files".
fn summary(diagnostics: &Diagnostics) -> String {
    let count = |severity| {
        diagnostics
            .iter()
            .filter(|d| d.severity == severity)
            .count()
    };
    let many = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let counts = [
        (count(Severity::Error), "error"),
        (count(Severity::Warning), "warning"),
    ];
    let counts: Vec<_> = counts
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, w)| many(*n, w))
        .collect();
    let files: BTreeSet<FileId> = diagnostics
        .iter()
        .filter_map(|d| d.primary.as_ref())
        .map(|l| l.span.file)
        .collect();
    let left_out: usize = diagnostics.left_out.values().sum();
    let mut text = counts.join(", ");
    if !files.is_empty() {
        text = format!("{text} in {}", many(files.len(), "file"));
    }
    if left_out > 0 {
        text = format!("{text}, {left_out} more not shown");
    }
    text
}

/// Where a problem shows, if not everywhere: "only in dev and prod".
pub(super) fn only_in(environments: &[String]) -> Option<String> {
    let (last, rest) = environments.split_last()?;
    let last = escape::line(last);
    if rest.is_empty() {
        return Some(format!("only in {last}"));
    }
    Some(format!(
        "only in {} and {last}",
        escape::line(&rest.join(", "))
    ))
}

/// One problem being drawn.
///
/// The library computes the column in a header from the text it draws, which is not the file's where
/// characters were written out or a line was cut. So headers carry a private-use mark (which no
/// escaped text can hold) and get their place afterwards.
struct Drawing<'a> {
    places: &'a Places<'a>,
    headers: Vec<String>,
}

const OPEN: char = '\u{e000}';
const CLOSE: char = '\u{e001}';

impl Drawing<'_> {
    fn groups(&mut self, diagnostic: &Diagnostic) -> Vec<Group<'static>> {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let message = escape::line(&diagnostic.message).into_owned();
        let title = level.primary_title(message).id(diagnostic.code.to_string());
        let mut main = self.sources(Group::with_title(title), diagnostic);
        if let Some(only) = only_in(&diagnostic.environments) {
            main = main.element(Level::NOTE.message(only));
        }
        for help in &diagnostic.help {
            main = main.element(Level::HELP.message(escape::line(help).into_owned()));
        }
        let file = diagnostic.primary.as_ref().map(|label| label.span.file);
        let mut groups = vec![main];
        groups.extend(diagnostic.fixes.iter().map(|fix| self.patch(fix, file)));
        groups
    }

    /// The primary label's file first, then the others.
    fn sources(&mut self, mut group: Group<'static>, diagnostic: &Diagnostic) -> Group<'static> {
        let labels: Vec<&Label> = diagnostic
            .primary
            .iter()
            .chain(&diagnostic.related)
            .collect();
        let mut files: Vec<FileId> = Vec::new();
        for label in &labels {
            if !files.contains(&label.span.file) {
                files.push(label.span.file);
            }
        }
        let primary = diagnostic.primary.as_ref();
        for file in files {
            let here: Vec<&Label> = labels
                .iter()
                .copied()
                .filter(|l| l.span.file == file)
                .collect();
            group = match self.places.lines(file) {
                Some(lines) => self.excerpts(group, lines, &here, primary),
                None => self.textless(group, file, &here),
            };
        }
        group
    }

    fn excerpts(
        &mut self,
        mut group: Group<'static>,
        lines: &Lines<'_>,
        labels: &[&Label],
        primary: Option<&Label>,
    ) -> Group<'static> {
        let is_primary = |label: &Label| primary.is_some_and(|p| std::ptr::eq(p, label));
        let spans: Vec<_> = labels
            .iter()
            .map(|l| excerpt::fit(lines, l.span.range()))
            .collect();
        let mut clusters = excerpt::clusters(lines, &spans);
        clusters.sort_by_key(|cluster| !cluster.iter().any(|&i| is_primary(labels[i])));
        for cluster in clusters {
            let here: Vec<_> = cluster.iter().map(|&i| spans[i].clone()).collect();
            let excerpt = Excerpt::new(lines, &here);
            let first = cluster
                .iter()
                .copied()
                .min_by_key(|&i| !is_primary(labels[i]));
            let header = self.header(labels[first.unwrap_or(0)]);
            let marks = cluster.iter().map(|&i| {
                mark(
                    is_primary(labels[i]),
                    excerpt.place(&spans[i]),
                    &labels[i].text,
                )
            });
            let snippet = Snippet::source(excerpt.text.clone()).line_start(excerpt.first_line);
            group = group.element(snippet.path(Some(header)).annotations(marks));
        }
        group
    }

    /// A file that could not be read has no lines to show; its labels become notes.
    fn textless(
        &mut self,
        mut group: Group<'static>,
        file: FileId,
        labels: &[&Label],
    ) -> Group<'static> {
        self.headers
            .push(escape::line(&self.places.path(file)).into_owned());
        group = group.element(Origin::path(self.mark_of_last()));
        for label in labels.iter().filter(|label| !label.text.is_empty()) {
            group = group.element(Level::NOTE.message(escape::line(&label.text).into_owned()));
        }
        group
    }

    /// A fix as a patch, or as words alone where it is too large to read as one.
    fn patch(&mut self, fix: &Fix, primary: Option<FileId>) -> Group<'static> {
        let title = Level::HELP.secondary_title(escape::line(&fix.title).into_owned());
        let Some(lines) = self.places.lines(fix.span.file) else {
            return Group::with_title(title);
        };
        let span = lines.clamp(fix.span.range());
        let height = lines.line_at(span.end) - lines.line_at(span.start);
        if height >= excerpt::MAX_SPAN_LINES || fix.text.len() > MAX_PATCH {
            return Group::with_title(title);
        }
        let excerpt = Excerpt::new(lines, std::slice::from_ref(&span));
        let path = if primary == Some(fix.span.file) && !self.headers.is_empty() {
            format!("{OPEN}0{CLOSE}")
        } else {
            self.header(&Label {
                span: fix.span,
                text: String::new(),
            })
        };
        let change = Patch::new(excerpt.place(&span), escape::block(&concealed(&fix.text)));
        let snippet = Snippet::source(excerpt.text.clone()).line_start(excerpt.first_line);
        title.element(snippet.path(Some(path)).patch(change))
    }

    /// Notes the place of a label and gives the mark that stands for it.
    fn header(&mut self, label: &Label) -> String {
        let path = self.places.path(label.span.file);
        let path = escape::line(&path);
        let text = match self.places.ends(label.span) {
            Some((start, _)) => format!("{path}:{}:{}", start.line, start.column),
            None => path.into_owned(),
        };
        self.headers.push(text);
        self.mark_of_last()
    }

    fn mark_of_last(&self) -> String {
        format!("{OPEN}{}{CLOSE}", self.headers.len() - 1)
    }

    /// Puts the true places where the marks are, and drops the line and column behind each.
    fn with_headers(&self, drawn: &str) -> String {
        let mut parts = drawn.split(OPEN);
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (index, rest) = part.split_once(CLOSE).unwrap_or(("", part));
            let header = index
                .parse::<usize>()
                .ok()
                .and_then(|i| self.headers.get(i));
            out.push_str(header.map_or("", String::as_str));
            let end = rest
                .find(|c: char| c != ':' && !c.is_ascii_digit())
                .unwrap_or(rest.len());
            out.push_str(&rest[end..]);
        }
        out
    }
}

fn mark(primary: bool, place: std::ops::Range<usize>, text: &str) -> Annotation<'static> {
    let kind = if primary {
        AnnotationKind::Primary
    } else {
        AnnotationKind::Context
    };
    let words = (!text.is_empty()).then(|| escape::line(text).into_owned());
    kind.span(place).label(words)
}
