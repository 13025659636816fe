//! Checks that tokens form nodes: names, values, properties, types, blocks, `/-`.
//!
//! It is stricter than KDL where text that KDL accepts surely means something else to its author.
//! What passes has a shape that the parser takes without error. Nothing here recurses.

mod entries;

use std::ops::Range;

use super::super::diagnostic::{Code, Diagnostic};
use super::super::lex::{Kind, Token};
use super::report::Report;
use super::{codes, numbers};

/// Checks the tokens of one node, or of several. Returns what means nothing: the comments and all
/// that `/-` removes, as ranges of bytes.
pub(crate) fn check(report: &mut Report<'_>, tokens: &[Token]) -> Vec<Range<usize>> {
    let comment = |t: &&Token| matches!(t.kind, Kind::LineComment | Kind::BlockComment);
    let nothing = tokens.iter().filter(comment).map(|t| t.range()).collect();
    let mut grammar = Grammar {
        report,
        tokens,
        at: 0,
        place: Place::Node,
        blocks: Vec::new(),
        node_slash: None,
        pending: None,
        removals: 0,
        continued: false,
        has_block: false,
        nothing,
    };
    while let Some(token) = grammar.peek() {
        grammar.step(token);
    }
    grammar.end_node(None);
    grammar.nothing
}

/// Where in a node the cursor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the name of a node.
    Node,
    /// Behind the name or a value.
    Entries,
    /// Behind a block.
    AfterBlock,
}

/// An open block, and what must be known again after it.
#[derive(Debug)]
struct Block {
    /// Where the `/-` that removes it starts.
    slash: Option<usize>,
    /// Where the `/-` that removes its node starts.
    node_slash: Option<usize>,
    /// Whether its node had a block before, not counting removed ones.
    second: bool,
}

struct Grammar<'r, 't, 'a> {
    report: &'r mut Report<'a>,
    tokens: &'t [Token],
    at: usize,
    place: Place,
    blocks: Vec<Block>,
    /// Start of the `/-` before the current node.
    node_slash: Option<usize>,
    /// The `/-` before the next entry or block.
    pending: Option<Token>,
    /// How many `/-` are in force.
    removals: usize,
    continued: bool,
    /// Whether the current node has a block that counts.
    has_block: bool,
    nothing: Vec<Range<usize>>,
}

impl Grammar<'_, '_, '_> {
    fn peek(&self) -> Option<Token> {
        self.tokens.get(self.at).copied()
    }

    fn step(&mut self, token: Token) {
        match token.kind {
            Kind::Bom | Kind::Space | Kind::LineComment | Kind::BlockComment | Kind::Junk => {
                self.at += 1;
            }
            Kind::Escline => self.escline(token),
            Kind::Newline => self.newline(token),
            Kind::Slashdash => self.slashdash(token),
            Kind::Semicolon => self.semicolon(token),
            Kind::Open => self.open(token),
            Kind::Close => self.close(token),
            Kind::ParenClose => {
                let help = "`( )` holds a type; as part of a text it stands in quotes";
                self.complain(codes::SYNTAX, token, "this `)` closes nothing", help);
            }
            Kind::Equals => self.stray_equals(token),
            Kind::ParenOpen | Kind::Word | Kind::Keyword | Kind::Quoted(_) => match self.place {
                Place::Node => self.name(token),
                Place::Entries => self.entry(token),
                Place::AfterBlock => self.after_block(token),
            },
        }
    }

    fn newline(&mut self, token: Token) {
        self.at += 1;
        if std::mem::take(&mut self.continued) || self.place == Place::Node {
            return;
        }
        self.end_node(Some(token.start));
    }

    fn semicolon(&mut self, token: Token) {
        if self.place == Place::Node {
            let found = self
                .error(codes::SYNTAX, token, "this `;` ends nothing")
                .help("a `;` stands behind a node, where another follows on the same line")
                .fix(self.report.span(token.range()), "", "remove it");
            self.report.push(found);
        }
        self.at += 1;
        self.end_node(Some(token.end));
    }

    /// Ends the node before a byte, or at the end of the text.
    fn end_node(&mut self, end: Option<usize>) {
        let end = end.unwrap_or_else(|| self.tokens.last().map_or(0, |t| t.end));
        self.nothing_behind_slash();
        if let Some(start) = self.node_slash.take() {
            if self.place == Place::Node {
                self.removes_nothing(start..start + 2);
            }
            self.nothing.push(start..end);
            self.removals = self.removals.saturating_sub(1);
        }
        self.place = Place::Node;
        self.continued = false;
        self.has_block = false;
    }

    fn nothing_behind_slash(&mut self) {
        if let Some(slash) = self.pending.take() {
            self.removals = self.removals.saturating_sub(1);
            self.removes_nothing(slash.range());
        }
    }

    fn removes_nothing(&mut self, slash: Range<usize>) {
        let found = self
            .report
            .error(codes::SYNTAX, slash, "this `/-` removes nothing")
            .help("`/-` stands right before the node, value, property or block that it removes");
        self.report.push(found);
    }

    fn slashdash(&mut self, token: Token) {
        self.at += 1;
        if self.removals > 0 {
            let found = self
                .error(
                    codes::NESTED_SLASHDASH,
                    token,
                    "this `/-` is inside a part that `/-` removes already",
                )
                .help("one `/-` removes all that follows it, with its whole block")
                .suggestion(self.report.span(token.range()), "", "remove the inner `/-`");
            self.report.push(found);
            return;
        }
        if self.place != Place::Node && self.is_glued(self.at - 1) {
            let found = self
                .error(
                    codes::MISSING_SPACE,
                    token,
                    "a space is missing before this `/-`",
                )
                .suggestion(
                    self.report.span(token.start..token.start),
                    " ",
                    "put a space here",
                );
            self.report.push(found);
        }
        self.removals += 1;
        match self.place {
            Place::Node => self.node_slash = Some(token.start),
            Place::Entries | Place::AfterBlock => self.pending = Some(token),
        }
    }

    fn escline(&mut self, token: Token) {
        self.at += 1;
        let rest = &self.tokens[self.at..];
        let blank = |t: &Token| matches!(t.kind, Kind::Space | Kind::BlockComment);
        let next = rest.iter().find(|t| !blank(t));
        if next.is_none_or(|t| matches!(t.kind, Kind::Newline | Kind::LineComment)) {
            self.continued = next.is_some();
            return;
        }
        let found = self
            .error(
                codes::SYNTAX,
                token,
                "this `\\` is not at the end of its line",
            )
            .help(
                "outside of quotes, `\\` joins the next line and must be the last sign of its own",
            );
        self.report.push(found);
        self.skip_line();
    }

    fn open(&mut self, token: Token) {
        self.at += 1;
        if self.place == Place::Node {
            self.nameless_block(token);
        } else if self.has_block && self.pending.is_none() {
            let found = self
                .error(codes::SYNTAX, token, "this node has a block already")
                .help("put both contents into one block, or give the second one a node name");
            self.report.push(found);
        }
        let slash = self.pending.take().map(|t| t.start);
        let second = std::mem::take(&mut self.has_block);
        self.blocks.push(Block {
            slash,
            node_slash: self.node_slash.take(),
            second,
        });
        self.place = Place::Node;
        self.continued = false;
    }

    fn nameless_block(&mut self, token: Token) {
        let found = self
            .error(codes::SYNTAX, token, "this block has no node before it")
            .label("a node name is missing");
        let before = self.report.text[..token.start].trim_end();
        let line = before.rsplit('\n').next().unwrap_or_default();
        let is_node = !line.contains("//") && !line.ends_with(['{', '}', ';', '/']);
        let found = if is_node && !line.is_empty() {
            found
                .help("`{` stands on the same line as its node: `app checkout {`")
                .fix(
                    self.report.span(before.len()..token.end),
                    " {",
                    "move it up to its node",
                )
        } else {
            found.help("every block belongs to a node: `limits { … }`")
        };
        self.report.push(found);
    }

    fn close(&mut self, token: Token) {
        self.at += 1;
        self.end_node(Some(token.start));
        let Some(block) = self.blocks.pop() else {
            return;
        };
        self.node_slash = block.node_slash;
        self.place = Place::AfterBlock;
        self.has_block = block.second || block.slash.is_none();
        if let Some(start) = block.slash {
            self.removals = self.removals.saturating_sub(1);
            self.nothing.push(start..token.end);
        }
    }

    /// A value behind a block: a new node that lacks its line end.
    fn after_block(&mut self, token: Token) {
        let text = self.report.quote(token.range());
        let message = format!("`{text}` stands behind a block");
        let mut found = self
            .error(codes::SYNTAX, token, message)
            .help("values come before the block; a new node starts on a new line or behind `;`");
        if let Some(close) = self.tokens[..self.at]
            .iter()
            .rev()
            .find(|t| t.kind == Kind::Close)
        {
            let end = self.report.span(close.end..close.end);
            found = found.suggestion(end, ";", "start a new node with `;`");
        }
        self.report.push(found);
        self.pending = None;
        self.end_node(Some(token.start));
    }

    fn stray_equals(&mut self, token: Token) {
        let before = self
            .before(self.at)
            .filter(|_| self.place == Place::Entries);
        let (message, help) = match before {
            Some(key)
                if key.kind == Kind::Word && numbers::looks_like(key.text(self.report.text)) =>
            {
                (
                    "a number cannot name a property",
                    "write the name in quotes: `\"1\"=…`",
                )
            }
            Some(key) if key.kind == Kind::Keyword => (
                "a keyword cannot name a property",
                "write the name in quotes: `\"true\"=…`",
            ),
            _ => (
                "this `=` has no name before it",
                "a property is written `name=value`; text that holds a `=` stands in quotes",
            ),
        };
        self.complain(codes::SYNTAX, token, message, help);
    }

    /// The last significant token before an index.
    fn before(&self, at: usize) -> Option<Token> {
        self.tokens[..at]
            .iter()
            .rev()
            .find(|t| t.is_significant())
            .copied()
    }

    /// Whether a token touches a value before it.
    fn is_glued(&self, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|at| self.tokens.get(at));
        before
            .is_some_and(|t| t.is_significant() && !matches!(t.kind, Kind::Slashdash | Kind::Open))
    }

    fn error(&self, code: Code, token: Token, message: impl Into<String>) -> Diagnostic {
        self.report.error(code, token.range(), message)
    }

    /// Reports and leaves the rest of the line alone: it would only repeat the same problem.
    fn complain(&mut self, code: Code, token: Token, message: &str, help: &str) {
        let found = self.error(code, token, message).help(help);
        self.report.push(found);
        self.at += 1;
        self.skip_line();
    }

    fn skip_line(&mut self) {
        let stop = |t: &Token| {
            matches!(
                t.kind,
                Kind::Newline | Kind::Open | Kind::Close | Kind::Semicolon
            )
        };
        let rest = &self.tokens[self.at..];
        self.at += rest.iter().position(stop).unwrap_or(rest.len());
        if self.place == Place::Node {
            self.place = Place::Entries;
        }
    }
}
