//! Matches braces and cuts the file into one region per top-level node.
//!
//! Where braces do not match, the indentation tells which one is missing, and the next node at the
//! left margin starts afresh. A file whose braces match is never second-guessed, however it is
//! indented.

mod culprit;

use std::ops::Range;

use super::super::lex::{Flaw, Kind, Token};
use super::report::Report;
use super::{MAX_DEPTH, codes};
use culprit::Opened;

/// A top-level node with the comments before it.
#[derive(Debug, Clone)]
pub(crate) struct Region {
    /// Its tokens.
    pub(super) tokens: Range<usize>,
    /// Whether its braces match.
    pub(super) closed: bool,
}

impl Region {
    /// Its bytes.
    pub(super) fn bytes(&self, tokens: &[Token]) -> Range<usize> {
        let slice = &tokens[self.tokens.clone()];
        slice.first().map_or(0, |t| t.start)..slice.last().map_or(0, |t| t.end)
    }
}

/// Cuts a file into regions and reports braces that do not match.
pub(crate) fn split(report: &mut Report<'_>, tokens: &[Token]) -> Vec<Region> {
    let mut splitter = Splitter::new(report, tokens);
    for at in 0..tokens.len() {
        splitter.step(at);
    }
    splitter.finish()
}

fn braces_match(tokens: &[Token]) -> bool {
    let mut depth = 0_usize;
    for token in tokens {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close if depth == 0 => return false,
            Kind::Close => depth -= 1,
            _ => {}
        }
    }
    depth == 0
}

/// The state of the walk over the tokens.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an independent fact about the cursor"
)]
struct Splitter<'r, 't, 'a> {
    report: &'r mut Report<'a>,
    tokens: &'t [Token],
    regions: Vec<Region>,
    matched: bool,
    stack: Vec<Opened>,
    /// First token of the region.
    start: usize,
    /// First token of the line after the last significant one.
    rest: usize,
    /// The first region since the last node at the left margin.
    margin: usize,
    /// Whether lines inside the outermost block are indented, once one was seen.
    indented: Option<bool>,
    /// A `}` that is not indented like its `{`.
    odd_close: Option<(Token, Opened)>,
    /// Whether something that is never closed hides braces since the last node at the left margin:
    /// then nothing can be said about them.
    hidden: bool,
    indent: usize,
    line_start: bool,
    node_seen: bool,
    slashed: bool,
    continued: bool,
    too_deep: bool,
}

impl<'r, 't, 'a> Splitter<'r, 't, 'a> {
    fn new(report: &'r mut Report<'a>, tokens: &'t [Token]) -> Self {
        Self {
            report,
            tokens,
            regions: Vec::new(),
            matched: braces_match(tokens),
            stack: Vec::new(),
            start: 0,
            rest: 0,
            margin: 0,
            indented: None,
            odd_close: None,
            hidden: false,
            indent: 0,
            line_start: true,
            node_seen: false,
            slashed: false,
            continued: false,
            too_deep: false,
        }
    }

    fn step(&mut self, at: usize) {
        let token = self.tokens[at];
        match token.kind {
            Kind::Space if self.line_start => self.indent = token.end - token.start,
            Kind::Newline => self.newline(at),
            Kind::Space | Kind::Bom => {}
            Kind::LineComment | Kind::BlockComment => self.comment(),
            _ => self.significant(at, token),
        }
        if matches!(token.flaw, Some(Flaw::OpenString | Flaw::OpenComment)) {
            self.never_closed(at, token);
        }
    }

    fn never_closed(&mut self, at: usize, token: Token) {
        let text = token.text(self.report.text);
        self.hidden |= text.contains(['{', '}']);
        if text.ends_with('\n') {
            self.rest = at + 1;
            self.newline(at);
        }
    }

    fn comment(&mut self) {
        let first = std::mem::take(&mut self.line_start);
        if first && self.indent > 0 && !self.stack.is_empty() {
            self.indented.get_or_insert(true);
        }
    }

    fn newline(&mut self, at: usize) {
        if self.rest == usize::MAX {
            self.rest = at + 1;
        }
        self.line_start = true;
        self.indent = 0;
        let joined = std::mem::take(&mut self.continued) || self.slashed;
        if self.stack.is_empty() && self.node_seen && !joined {
            self.end_region(at + 1, true);
        }
    }

    fn significant(&mut self, at: usize, token: Token) {
        let first = std::mem::take(&mut self.line_start);
        if first {
            self.line_begins(at, token);
        }
        self.rest = usize::MAX;
        match token.kind {
            Kind::Escline => self.continued = true,
            Kind::Slashdash => {
                self.slashed = true;
                self.node_seen = true;
                return;
            }
            Kind::Open => self.open(at, token),
            Kind::Close => self.close(at, token, first),
            Kind::Semicolon => {
                if self.stack.is_empty() && self.node_seen {
                    self.end_region(at + 1, true);
                }
            }
            _ => self.node_seen = true,
        }
        self.slashed = false;
    }

    /// In a file whose braces do not match, a node at the left margin ends what is still open.
    fn line_begins(&mut self, at: usize, token: Token) {
        let at_margin = self.indent == 0 && matches!(token.kind, Kind::Word | Kind::ParenOpen);
        if self.stack.is_empty() {
            if at_margin && !self.node_seen {
                self.at_margin();
            }
            return;
        }
        if !self.matched && at_margin && self.indented == Some(true) {
            let cut = if self.rest == usize::MAX {
                at
            } else {
                self.rest
            };
            self.unclosed(cut);
            self.at_margin();
        } else if self.indented.is_none() && token.kind != Kind::Close {
            self.indented = Some(self.indent > 0);
        }
    }

    fn at_margin(&mut self) {
        self.margin = self.regions.len();
        self.odd_close = None;
        self.hidden = false;
    }

    fn open(&mut self, at: usize, token: Token) {
        self.node_seen = true;
        self.stack.push(Opened {
            token: at,
            indent: self.indent,
        });
        if self.stack.len() > MAX_DEPTH && !self.too_deep {
            self.too_deep = true;
            self.report.too_deep(token);
        }
    }

    fn close(&mut self, at: usize, token: Token, first: bool) {
        match self.stack.pop() {
            Some(opened) => {
                if first && opened.indent != self.indent && self.odd_close.is_none() {
                    self.odd_close = Some((token, opened));
                }
            }
            None => self.stray(at, token),
        }
    }

    fn stray(&mut self, at: usize, token: Token) {
        let odd = self.odd_close.take();
        if odd.is_some() || self.hidden {
            for region in &mut self.regions[self.margin..] {
                region.closed = false;
            }
        }
        if !self.hidden {
            self.report_stray(token, odd);
        }
        self.end_region(at + 1, false);
    }

    fn report_stray(&mut self, token: Token, odd: Option<(Token, Opened)>) {
        let found = self
            .report
            .error(codes::STRAY_CLOSE, token.range(), "this `}` closes nothing")
            .label("no block is open here");
        let found = match odd {
            Some((close, opened)) => {
                let name = culprit::name_of(self.report, self.tokens, opened.token);
                let text =
                    format!("this one already closed {name}, though it is indented differently");
                found
                    .related(self.report.span(close.range()), text)
                    .help("one of the two `}` is too much")
            }
            None => found.suggestion(self.report.span(token.range()), "", "remove it"),
        };
        self.report.push(found);
    }

    fn end_region(&mut self, end: usize, closed: bool) {
        self.regions.push(Region {
            tokens: self.start..end,
            closed,
        });
        self.start = end;
        self.stack.clear();
        self.indented = None;
        self.node_seen = false;
        self.slashed = false;
        self.too_deep = false;
    }

    fn unclosed(&mut self, end: usize) {
        if !self.hidden {
            culprit::report(self.report, self.tokens, self.start..end);
        }
        self.end_region(end, false);
        self.odd_close = None;
    }

    fn finish(mut self) -> Vec<Region> {
        let end = self.tokens.len();
        if !self.stack.is_empty() {
            self.unclosed(end);
        } else if self.node_seen {
            self.end_region(end, true);
        }
        self.regions
    }
}
