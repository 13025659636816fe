//! A few lines of a file made safe to draw: hidden characters written out, long lines cut, and every
//! offset translated.
//!
//! The drawing library panics on offsets outside its text and shows what it is given. So it never
//! gets a file: it gets an excerpt, and spans that lie inside it by construction.

use std::ops::Range;

use super::escape;
use super::places::Lines;
use crate::names::conceal::MARK;

/// Longest line shown, in bytes of the source.
const MAX_LINE: usize = 240;
/// What is kept before the first marked place of a cut line.
const BEFORE: usize = 80;
/// Most lines one mark is drawn across; a longer one is marked on its first line only.
pub(super) const MAX_SPAN_LINES: usize = 6;
/// Marks further apart than this are shown as separate excerpts.
const MAX_GAP_LINES: usize = 20;

/// Safe text with the way from offsets of the file to offsets of the text.
#[derive(Debug)]
pub(super) struct Excerpt {
    /// The text to draw; never ends in an empty line.
    pub(super) text: String,
    /// Number of its first line in the file, from 1.
    pub(super) first_line: usize,
    /// Offsets (file, text) in ascending order.
    map: Vec<(usize, usize)>,
}

impl Excerpt {
    /// The lines from the first to the last span, which come from [`fit`].
    pub(super) fn new(lines: &Lines<'_>, spans: &[Range<usize>]) -> Self {
        let start = spans.iter().map(|s| s.start).min().unwrap_or(0);
        let end = spans.iter().map(|s| s.end).max().unwrap_or(0);
        let (first, last) = (lines.line_at(start), lines.line_at(end));
        let mut excerpt = Self {
            text: String::new(),
            first_line: first + 1,
            map: Vec::new(),
        };
        for line in first..=last {
            if line > first {
                excerpt.text.push('\n');
            }
            excerpt.line(lines, lines.range(line), spans);
        }
        if excerpt.text.is_empty() || excerpt.text.ends_with('\n') {
            excerpt.text.push(' ');
        }
        excerpt
    }

    fn line(&mut self, lines: &Lines<'_>, line: Range<usize>, spans: &[Range<usize>]) {
        let shown = window(lines, &line, spans);
        let secrets = lines.secrets(&line);
        self.map.push((line.start, self.text.len()));
        if shown.start > line.start {
            self.text.push('…');
        }
        for (at, c) in lines.text[shown.clone()].char_indices() {
            let at = shown.start + at;
            self.map.push((at, self.text.len()));
            match c {
                '\u{feff}' if at == 0 => {}
                _ if secrets.iter().any(|secret| secret.contains(&at)) => self.text.push(MARK),
                '\t' => self.text.push('\t'),
                c => escape::push(&mut self.text, c),
            }
        }
        self.map.push((shown.end, self.text.len()));
        if shown.end < line.end {
            self.text.push('…');
            self.map.push((line.end, self.text.len()));
        }
    }

    /// Where a span of the file lies in the text.
    pub(super) fn place(&self, span: &Range<usize>) -> Range<usize> {
        let before = self.map.partition_point(|(file, _)| *file <= span.start);
        let start = before.checked_sub(1).map_or(0, |i| self.map[i].1);
        let after = self.map.partition_point(|(file, _)| *file < span.end);
        let end = self
            .map
            .get(after)
            .map_or(self.text.len(), |(_, text)| *text);
        start..end.max(start)
    }
}

/// The part of a line that is shown.
fn window(lines: &Lines<'_>, line: &Range<usize>, spans: &[Range<usize>]) -> Range<usize> {
    if line.len() <= MAX_LINE {
        return line.clone();
    }
    let touching = spans
        .iter()
        .filter(|s| s.start <= line.end && s.end >= line.start);
    let mark = touching
        .map(|s| s.start.max(line.start))
        .min()
        .unwrap_or(line.start);
    let start = lines
        .text
        .floor_char_boundary(mark.saturating_sub(BEFORE).max(line.start));
    let end = lines
        .text
        .floor_char_boundary((start + MAX_LINE).min(line.end));
    start..end
}

/// A span as it is drawn: inside the file, without trailing line breaks, not over many lines.
pub(super) fn fit(lines: &Lines<'_>, span: Range<usize>) -> Range<usize> {
    let span = lines.clamp(span);
    let kept = lines.text[span.clone()]
        .trim_end_matches(['\n', '\r'])
        .len();
    let end = if kept == 0 {
        span.start
    } else {
        span.start + kept
    };
    let first = lines.line_at(span.start);
    if lines.line_at(end) - first < MAX_SPAN_LINES {
        return span.start..end;
    }
    span.start..lines.range(first).end.max(span.start)
}

/// Groups spans that are near enough to share an excerpt; the indices of each group.
pub(super) fn clusters(lines: &Lines<'_>, spans: &[Range<usize>]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..spans.len()).collect();
    order.sort_by_key(|&i| (spans[i].start, spans[i].end));
    let mut groups: Vec<(usize, Vec<usize>)> = Vec::new();
    for i in order {
        let (first, last) = (lines.line_at(spans[i].start), lines.line_at(spans[i].end));
        match groups.last_mut() {
            Some((end, group)) if first <= *end + MAX_GAP_LINES => {
                *end = last.max(*end);
                group.push(i);
            }
            _ => groups.push((last, vec![i])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, span: Range<usize>) -> (String, String) {
        let lines = Lines::new(text);
        let span = fit(&lines, span);
        let excerpt = Excerpt::new(&lines, std::slice::from_ref(&span));
        let marked = excerpt.text[excerpt.place(&span)].to_owned();
        (excerpt.text, marked)
    }

    #[test]
    fn marks_follow_what_is_written_out() {
        let text = "a \u{202e}b\u{1b} c\r\n";
        assert_eq!(
            shown(text, 5..7),
            ("a \\u{202e}b\\u{1b} c".into(), "b\\u{1b}".into())
        );
        assert_eq!(shown("\u{feff}app", 0..6), ("app".into(), "app".into()));
    }

    #[test]
    fn passwords_are_not_shown() {
        let text = "repository \"https://ana:pw@bank\"\n";
        let masked = "https://ana:••@bank";
        assert_eq!(
            shown(text, 12..31),
            (format!("repository \"{masked}\""), masked.into())
        );
    }

    #[test]
    fn ends_of_files_have_a_place() {
        assert_eq!(shown("", 0..0), (" ".into(), String::new()));
        assert_eq!(shown("a\n", 2..2), (" ".into(), String::new()));
        assert_eq!(shown("a\n", 0..2), ("a".into(), "a".into()));
        assert_eq!(shown("\r\n\r\nx", 0..4), (" ".into(), String::new()));
    }

    #[test]
    fn long_lines_are_cut_around_the_mark() {
        let text = format!("{}here{}", "é".repeat(5000), "x".repeat(5000));
        let (line, marked) = shown(&text, 10_000..10_004);
        assert_eq!(marked, "here");
        assert!(
            line.starts_with("…é") && line.ends_with("x…") && line.len() < 300,
            "{line}"
        );
    }

    #[test]
    fn long_blocks_are_marked_on_their_first_line() {
        let text = "{\n".repeat(30);
        assert_eq!(shown(&text, 0..60).0, "{");
        let lines = Lines::new(&text);
        assert_eq!(
            clusters(&lines, &[0..1, 58..59, 2..3]),
            [vec![0, 2], vec![1]]
        );
    }
}
