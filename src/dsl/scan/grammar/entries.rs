//! Names, values and properties of one node.

use super::super::super::lex::{Flaw, Kind, Token};
use super::{Grammar, Place, codes, numbers};

impl Grammar<'_, '_, '_> {
    /// The name of a node, with its type.
    pub(super) fn name(&mut self, token: Token) {
        let open = token;
        let token = if token.kind == Kind::ParenOpen {
            if !self.annotation() {
                return;
            }
            self.at = self.after_spaces(self.at);
            match self.peek() {
                Some(token) => token,
                None => return self.lacks_name(open),
            }
        } else {
            token
        };
        let text = token.text(self.report.text);
        match token.kind {
            Kind::Word if numbers::looks_like(text) && token.flaw.is_none() => {
                let message = format!("a node cannot be named `{text}`: it reads as a number");
                let fix = format!("\"{text}\"");
                let found = self.error(codes::SYNTAX, token, message);
                let found = found.suggestion(
                    self.report.span(token.range()),
                    fix,
                    "write the name in quotes",
                );
                self.report.push(found);
            }
            Kind::Word | Kind::Quoted(_) => {}
            Kind::Keyword => {
                let message = format!("a node cannot be named `{text}`: it is a keyword");
                let found = self.error(codes::SYNTAX, token, message).help(
                    "a line starts with the name of a node; values stand behind it: `ephemeral #true`",
                );
                self.report.push(found);
            }
            _ => return self.lacks_name(open),
        }
        self.at += 1;
        self.place = Place::Entries;
    }

    fn lacks_name(&mut self, token: Token) {
        let found = self
            .error(
                codes::SYNTAX,
                token,
                "a node name is missing behind the type in `( )`",
            )
            .help("a type stands before the name of its node: `(remove)autoscale`");
        self.report.push(found);
        self.skip_line();
    }

    /// A value or a property.
    pub(super) fn entry(&mut self, token: Token) {
        if self.is_glued(self.at) && self.glued(token) {
            return;
        }
        let typed = token.kind == Kind::ParenOpen;
        if typed {
            if !self.annotation() {
                return;
            }
            self.at = self.after_spaces(self.at);
        }
        let Some(value) = self.value(if typed {
            "behind the type in `( )`"
        } else {
            "here"
        }) else {
            return;
        };
        let next = self.after_spaces(self.at);
        if self
            .tokens
            .get(next)
            .is_some_and(|t| t.kind == Kind::Equals)
        {
            if typed {
                self.at = next;
                let equals = self.tokens[next];
                return self.complain(
                    codes::SYNTAX,
                    equals,
                    "the type of a property stands before its value, not before its name",
                    "write `name=(type)value`",
                );
            }
            if !self.property(value, next) {
                return;
            }
        }
        if let Some(slash) = self.pending.take() {
            let end = self.tokens[self.at - 1].end;
            self.nothing.push(slash.start..end);
            self.removals = self.removals.saturating_sub(1);
        }
    }

    /// The `=` and the value behind a name.
    fn property(&mut self, name: Token, equals: usize) -> bool {
        let text = name.text(self.report.text);
        if name.kind == Kind::Keyword || (name.kind == Kind::Word && numbers::looks_like(text)) {
            self.at = equals;
            self.stray_equals(self.tokens[equals]);
            return false;
        }
        self.at = self.after_spaces(equals + 1);
        let place = format!("behind `{}=`", self.report.quote(name.range()));
        if self.peek().is_some_and(|t| t.kind == Kind::ParenOpen) {
            if !self.annotation() {
                return false;
            }
            self.at = self.after_spaces(self.at);
        }
        self.value(&place).is_some()
    }

    /// One value at the cursor, which moves behind it.
    fn value(&mut self, place: &str) -> Option<Token> {
        let here = self.peek();
        if let Some(token) = here
            && matches!(
                token.kind,
                Kind::Word | Kind::Keyword | Kind::Quoted(_) | Kind::Junk
            )
        {
            self.at += 1;
            return Some(token);
        }
        let last = self.tokens[self.at - 1];
        let last = self.before(self.at).unwrap_or(last);
        let found = self
            .error(codes::SYNTAX, last, format!("a value is missing {place}"))
            .help("a value is a word, a number, a keyword like `#true`, or text in quotes");
        self.report.push(found);
        self.pending = None;
        self.skip_line();
        None
    }

    /// `(type)`, with the cursor on the `(`.
    fn annotation(&mut self) -> bool {
        let open = self.tokens[self.at];
        let name = self.after_spaces(self.at + 1);
        let close = self.after_spaces(name + 1);
        let kind = |at: usize| self.tokens.get(at).map(|t| t.kind);
        let named = match self.tokens.get(name) {
            Some(t) if t.kind == Kind::Word => !numbers::looks_like(t.text(self.report.text)),
            Some(t) => matches!(t.kind, Kind::Quoted(_)),
            None => false,
        };
        if named && kind(close) == Some(Kind::ParenClose) {
            self.at = close + 1;
            return true;
        }
        let (message, help) = if named {
            (
                "this `(` is never closed",
                "a type holds one word: `(Mi)512`",
            )
        } else {
            (
                "`( )` holds no type here",
                "a type is one word: `(remove)autoscale`, `(Mi)512`",
            )
        };
        self.pending = None;
        self.complain(codes::SYNTAX, open, message, help);
        false
    }

    /// Reports a value that touches the one before it. False where it may.
    fn glued(&mut self, token: Token) -> bool {
        let before = self.tokens[self.at - 1];
        if matches!(before.kind, Kind::Escline | Kind::Junk) {
            return false;
        }
        let (first, second) = (before.text(self.report.text), token.text(self.report.text));
        let is_string = matches!(token.kind, Kind::Quoted(_));
        if first == "r" && is_string && before.kind == Kind::Word {
            self.old_raw_string(before, token);
        } else if second.starts_with(':') && matches!(before.kind, Kind::Quoted(_)) {
            let found = self
                .error(
                    codes::FOREIGN_PUNCTUATION,
                    token,
                    "KDL puts no colon between name and value",
                )
                .help("a node is written `name value`, a property `name=value`");
            self.report.push(found);
        } else if second.starts_with(',') {
            let comma = token.start..token.start + 1;
            let found = self
                .report
                .error(
                    codes::FOREIGN_PUNCTUATION,
                    comma.clone(),
                    "KDL separates values with spaces, not with commas",
                )
                .fix(
                    self.report.span(comma),
                    if second == "," { "" } else { " " },
                    "use a space",
                );
            self.report.push(found);
        } else {
            let (a, b) = (
                self.report.quote(before.range()),
                self.report.quote(token.range()),
            );
            let message = format!("a space is missing between `{a}` and `{b}`");
            let mut found = self.error(codes::MISSING_SPACE, token, message);
            let at = self.report.span(token.start..token.start);
            if token.flaw != Some(Flaw::OpenString) {
                found = found.suggestion(at, " ", "put a space here");
            }
            self.report.push(found);
        }
        self.pending = None;
        self.skip_line();
        true
    }

    fn old_raw_string(&mut self, letter: Token, string: Token) {
        let text = string.text(self.report.text);
        let span = self.report.span(letter.start..string.end);
        let fixed = if text.starts_with('#') {
            text.to_owned()
        } else {
            format!("#{text}#")
        };
        let range = letter.start..string.end;
        let found = self
            .report
            .error(
                codes::KDL1_RAW_STRING,
                range,
                "KDL 2 writes a raw string without the `r`",
            )
            .help("a raw string is `#\"…\"#`, with as many `#` as its text needs")
            .fix(span, fixed, "write it as KDL 2 does");
        self.report.push(found);
    }

    /// The next index that is not a space, a comment or a joined line.
    fn after_spaces(&self, mut at: usize) -> usize {
        let mut joined = false;
        while let Some(token) = self.tokens.get(at) {
            match token.kind {
                Kind::Space | Kind::BlockComment => {}
                Kind::Escline => joined = true,
                Kind::LineComment if joined => {}
                Kind::Newline if joined => joined = false,
                _ => break,
            }
            at += 1;
        }
        at
    }
}
