//! Writes tokens in the one layout.

use super::super::lex::{Kind, Quoting, Token};
use super::{fence, quantity};

/// One level of indentation.
const INDENT: &str = "  ";
/// Levels by which a joined line is indented more.
const JOINED: usize = 2;
/// The widest block that stays on one line.
const INLINE_MAX: usize = 160;

/// The formatted text of tokens that form sound KDL.
pub(super) fn print(source: &str, tokens: &[Token]) -> String {
    let mut printer = Printer {
        source,
        tokens,
        out: String::with_capacity(source.len()),
        blocks: Vec::new(),
        fresh: true,
        line_ends: 0,
        opened: false,
        tight: true,
        breaks: false,
        joins: false,
        joined: false,
        started: false,
    };
    let mut at = 0;
    while at < tokens.len() {
        at += printer.token(at);
    }
    let mut out = printer.out;
    out.truncate(out.trim_end_matches('\n').len());
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an independent fact about the cursor"
)]
struct Printer<'s, 't> {
    source: &'s str,
    tokens: &'t [Token],
    out: String,
    /// Per open block whether it stays on one line.
    blocks: Vec<bool>,
    /// Whether nothing is on the current line yet.
    fresh: bool,
    /// Line ends since the last token.
    line_ends: usize,
    /// Whether the last token opened a block.
    opened: bool,
    /// Whether the next token touches the last one.
    tight: bool,
    /// Whether anything but a comment starts a new line.
    breaks: bool,
    /// Whether the next line end is joined by a `\`.
    joins: bool,
    /// Whether the current line continues the one before.
    joined: bool,
    /// Whether a node has begun.
    started: bool,
}

impl Printer<'_, '_> {
    /// Writes a token and what belongs to it; returns how many tokens that were.
    fn token(&mut self, at: usize) -> usize {
        let token = self.tokens[at];
        let text = token.text(self.source);
        match token.kind {
            Kind::Bom | Kind::Space | Kind::Junk => {}
            Kind::Newline => self.newline(),
            Kind::LineComment => self.comment(text.trim_end()),
            Kind::BlockComment => self.comment(&text.replace("\r\n", "\n")),
            Kind::Escline => self.escline(at),
            Kind::Slashdash => {
                self.lead();
                self.out.push_str(text);
                self.tight = true;
            }
            Kind::Open => self.open(at),
            Kind::Close => self.close(),
            Kind::Semicolon => self.semicolon(at),
            Kind::Equals | Kind::ParenClose => {
                if self.fresh {
                    self.lead();
                }
                self.out.push_str(text);
                self.tight = true;
            }
            Kind::ParenOpen => return self.paren_open(at),
            Kind::Word | Kind::Keyword => self.value(text),
            Kind::Quoted(quoting) => self.quoted(text, quoting),
        }
        1
    }

    fn depth(&self) -> usize {
        self.blocks.len() + if self.joined { JOINED } else { 0 }
    }

    /// Goes to where the next token belongs: a new line, its indentation, or a space.
    fn lead(&mut self) {
        if self.breaks && !self.fresh {
            self.end_line();
        }
        self.breaks = false;
        self.space();
    }

    fn space(&mut self) {
        if self.fresh {
            if self.line_ends > 1 && !self.out.is_empty() && !self.opened {
                self.out.push('\n');
            }
            self.out.push_str(&INDENT.repeat(self.depth()));
        } else if !self.tight {
            self.out.push(' ');
        }
        self.fresh = false;
        self.tight = false;
        self.opened = false;
        self.line_ends = 0;
    }

    fn end_line(&mut self) {
        self.out.push('\n');
        self.fresh = true;
        self.tight = true;
        self.line_ends = 1;
    }

    fn newline(&mut self) {
        if std::mem::take(&mut self.joins) {
            self.end_line();
            self.joined = true;
            return;
        }
        self.joined = false;
        if self.out.ends_with("/-") && !self.fresh && self.tight {
            return;
        }
        self.started = false;
        self.breaks = false;
        if self.fresh {
            self.line_ends += 1;
        } else {
            self.end_line();
        }
    }

    /// A comment stays on its line, whatever is due.
    fn comment(&mut self, text: &str) {
        if self.out.ends_with("/-") && !self.fresh {
            self.tight = false;
        }
        self.space();
        self.out.push_str(text);
    }

    fn value(&mut self, text: &str) {
        self.lead();
        self.out.push_str(text);
        self.started = true;
    }

    fn quoted(&mut self, text: &str, quoting: Quoting) {
        self.lead();
        let text = if quoting.multiline {
            fence::reindent(text, quoting, &INDENT.repeat(self.depth() + 1))
        } else {
            text.replace("\r\n", "\n")
        };
        self.out.push_str(&text);
        self.started = true;
    }

    fn paren_open(&mut self, at: usize) -> usize {
        if self.started
            && let Some((text, used)) = quantity::quoted(self.source, &self.tokens[at..])
        {
            self.value(&text);
            return used;
        }
        self.lead();
        self.out.push('(');
        self.tight = true;
        self.started = true;
        1
    }

    /// A `\` is kept where it joins something to a node, and dropped elsewhere.
    fn escline(&mut self, at: usize) {
        let ends = matches!(
            self.kind_after_spaces(at),
            None | Some(Kind::Newline | Kind::LineComment | Kind::Close | Kind::Semicolon)
        );
        if ends || !self.started {
            return;
        }
        self.space();
        self.out.push('\\');
        self.joins = true;
    }

    /// The kind of the next token behind spaces, comments and joined lines.
    fn kind_after_spaces(&self, from: usize) -> Option<Kind> {
        let mut joins = false;
        for token in &self.tokens[from..] {
            match token.kind {
                Kind::Space | Kind::BlockComment => {}
                Kind::Escline => joins = true,
                Kind::LineComment if joins => {}
                Kind::Newline if joins => joins = false,
                kind => return Some(kind),
            }
        }
        None
    }

    fn open(&mut self, at: usize) {
        self.lead();
        self.out.push('{');
        let inline = self.fits_inline(at);
        self.blocks.push(inline);
        self.breaks = !inline;
        self.opened = true;
        self.joined = false;
        self.started = false;
    }

    fn close(&mut self) {
        let inline = self.blocks.pop().unwrap_or_default();
        if inline {
            if !self.out.ends_with('{') {
                self.out.push(' ');
            }
        } else {
            if !self.fresh {
                self.end_line();
            }
            self.joined = false;
            self.line_ends = 0;
            self.space();
        }
        self.out.push('}');
        self.breaks = false;
        self.started = true;
        self.tight = false;
        self.fresh = false;
    }

    fn semicolon(&mut self, at: usize) {
        if !self.started {
            return;
        }
        self.started = false;
        self.joined = false;
        if self.blocks.last() == Some(&true) {
            let next = self.tokens[at + 1..].iter().find(|t| t.kind != Kind::Space);
            if next.is_some_and(|t| t.kind != Kind::Close) {
                self.out.push(';');
            }
        } else {
            self.breaks = true;
        }
    }

    /// Whether the block opened here is written on one line, and short.
    fn fits_inline(&self, at: usize) -> bool {
        let (mut width, mut depth) = (1, 1_usize);
        for token in &self.tokens[at + 1..] {
            let text = token.text(self.source);
            match token.kind {
                Kind::Space => continue,
                Kind::Newline | Kind::LineComment | Kind::Escline => return false,
                Kind::BlockComment | Kind::Quoted(_) if text.contains('\n') => return false,
                Kind::Open => depth += 1,
                Kind::Close => depth -= 1,
                _ => {}
            }
            width += 1 + text.chars().count();
            if depth == 0 || width > INLINE_MAX {
                return depth == 0;
            }
        }
        false
    }
}
