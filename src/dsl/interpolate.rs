//! `${name}` inside text: replaced by what `let`, profile parameters and the built-in names say.
//!
//! A text that is only `${name}` keeps the value's type; `$${` writes a literal `${`. There are no
//! expressions; the length of a result and the number of replacements are capped.

use std::collections::BTreeMap;

use super::diagnostic::Span;
use super::node::{Data, Node};
use super::raw::Scalar;

/// Longest text that a replacement may make, in bytes.
pub const MAX_TEXT: usize = 64 * 1024;
/// How many times a value may itself be made of other values.
const MAX_DEPTH: usize = 8;
/// Most replacements in one resource's layer: what is replaced by nothing never makes a text too long.
const MAX_REPLACEMENTS: usize = 50_000;

/// A named value and where it was set, if anywhere in a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// The value; text may hold `${…}` of its own.
    pub value: Scalar,
    /// Where it was set.
    pub at: Option<Span>,
}

/// Named values of one scope.
pub type Variables = BTreeMap<String, Variable>;

/// Scopes from the most specific to the most general.
#[derive(Clone, Copy)]
pub struct Scopes<'a>(pub &'a [&'a Variables]);

impl Scopes<'_> {
    fn find(&self, name: &str) -> Option<&Variable> {
        self.0.iter().find_map(|scope| scope.get(name))
    }

    /// All names that can be used, for suggestions.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .flat_map(|scope| scope.keys().map(String::as_str))
    }
}

/// Why a text cannot be completed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// No scope knows the name.
    #[error("`${{{0}}}` is not defined")]
    Unknown(String),
    /// `${` without `}`.
    #[error("`${{` is never closed: write `}}` after the name, or `$${{` for a literal `${{`")]
    Open,
    /// The values of a `let` refer to each other in a circle, or through too many steps.
    #[error("`${{{0}}}` is made of itself or of more than {MAX_DEPTH} values in a row")]
    TooDeep(String),
    /// More than [`MAX_REPLACEMENTS`] were needed.
    #[error(
        "the resource is made of more than {MAX_REPLACEMENTS} values: names that hold names multiply"
    )]
    TooMany,
    /// The result is over [`MAX_TEXT`].
    #[error("the text is longer than {} KiB after `${{…}}` is replaced", MAX_TEXT / 1024)]
    TooLong,
}

/// Replaces `${…}` in every marked text of a tree; problems go to `out` with the text's place.
pub fn complete(node: &mut Node, scopes: Scopes<'_>, out: &mut Vec<(Span, Problem)>) {
    let mut replacer = Replacer::new(scopes);
    replacer.complete(node, out);
}

/// One walk, which counts what it replaces.
struct Replacer<'a> {
    scopes: Scopes<'a>,
    left: usize,
}

impl<'a> Replacer<'a> {
    fn new(scopes: Scopes<'a>) -> Self {
        Self {
            scopes,
            left: MAX_REPLACEMENTS,
        }
    }

    fn complete(&mut self, node: &mut Node, out: &mut Vec<(Span, Problem)>) {
        if node.template {
            if let Data::Text(text) = &node.data {
                match self.replace(text, 0) {
                    Ok(data) => {
                        node.data = data;
                        node.template = false;
                    }
                    Err(problem) => out.push((node.place.value, problem)),
                }
            }
            return;
        }
        match &mut node.data {
            Data::List(list) => list.iter_mut().for_each(|n| self.complete(n, out)),
            Data::Map(map) => map.values_mut().for_each(|n| self.complete(n, out)),
            _ => {}
        }
    }

    fn replace(&mut self, text: &str, depth: usize) -> Result<Data, Problem> {
        if let Some(name) = text
            .strip_prefix("${")
            .and_then(|rest| rest.strip_suffix('}'))
            && !name.contains(['$', '{', '}'])
        {
            return self.value_of(name, depth);
        }
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            if rest[..at].ends_with('$') {
                out.push_str(&rest[..at - 1]);
                out.push_str("${");
                rest = &rest[at + 2..];
                continue;
            }
            out.push_str(&rest[..at]);
            let end = rest[at..].find('}').ok_or(Problem::Open)?;
            push(&mut out, &self.value_of(&rest[at + 2..at + end], depth)?);
            rest = &rest[at + end + 1..];
            if out.len() > MAX_TEXT {
                return Err(Problem::TooLong);
            }
        }
        out.push_str(rest);
        if out.len() > MAX_TEXT {
            Err(Problem::TooLong)
        } else {
            Ok(Data::Text(out))
        }
    }

    fn value_of(&mut self, name: &str, depth: usize) -> Result<Data, Problem> {
        let name = name.trim();
        if depth >= MAX_DEPTH {
            return Err(Problem::TooDeep(name.to_owned()));
        }
        self.left = self.left.checked_sub(1).ok_or(Problem::TooMany)?;
        let variable = self
            .scopes
            .find(name)
            .ok_or_else(|| Problem::Unknown(name.to_owned()))?;
        Ok(match &variable.value {
            Scalar::Null => Data::Null,
            Scalar::Bool(b) => Data::Bool(*b),
            Scalar::Int(i) => Data::Int(*i),
            Scalar::Float(f) => Data::Float(*f),
            Scalar::Text(text) if text.contains("${") => {
                let text = text.clone();
                self.replace(&text, depth + 1)?
            }
            Scalar::Text(text) => Data::Text(text.clone()),
        })
    }
}

fn push(out: &mut String, data: &Data) {
    use std::fmt::Write as _;
    // Writing to a string cannot fail.
    let _ = match data {
        Data::Text(text) => out.write_str(text),
        Data::Bool(b) => write!(out, "{b}"),
        Data::Int(i) => write!(out, "{i}"),
        Data::Float(f) => write!(out, "{f}"),
        Data::Null | Data::List(_) | Data::Map(_) => Ok(()),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(pairs: &[(&str, Scalar)]) -> Variables {
        let one = |(k, v): &(&str, Scalar)| {
            (
                (*k).to_owned(),
                Variable {
                    value: v.clone(),
                    at: None,
                },
            )
        };
        pairs.iter().map(one).collect()
    }

    fn text(s: &str) -> Scalar {
        Scalar::Text(s.into())
    }

    #[test]
    fn values_keep_their_type_when_alone() {
        let vars = scope(&[("port", Scalar::Int(80)), ("host", text("pay.bank"))]);
        let scopes = [&vars];
        let go = |t| Replacer::new(Scopes(&scopes)).replace(t, 0);
        assert_eq!(go("${port}"), Ok(Data::Int(80)));
        assert_eq!(
            go("a-${port}.${host}"),
            Ok(Data::Text("a-80.pay.bank".into()))
        );
        assert_eq!(go("$${port} ${port}"), Ok(Data::Text("${port} 80".into())));
        assert_eq!(go("${prt}"), Err(Problem::Unknown("prt".into())));
        assert_eq!(go("${port"), Err(Problem::Open));
    }

    #[test]
    fn circles_and_doubling_end() {
        let mut pairs = vec![("a".to_owned(), text("${a}"))];
        pairs.push(("x0".into(), text(&"y".repeat(1024))));
        for i in 1..40 {
            pairs.push((
                format!("x{i}"),
                text(&format!("${{x{}}}${{x{}}}", i - 1, i - 1)),
            ));
        }
        let vars = pairs
            .into_iter()
            .map(|(k, value)| (k, Variable { value, at: None }))
            .collect();
        let scopes = [&vars];
        let go = |t| Replacer::new(Scopes(&scopes)).replace(t, 0);
        assert!(matches!(go("${a}"), Err(Problem::TooDeep(_))));
        assert_eq!(go("${x7}"), Err(Problem::TooLong));
        assert!(matches!(go("${x39}"), Err(Problem::TooDeep(_))));
    }

    #[test]
    fn many_replacements_by_nothing_end() {
        let mut pairs = vec![("x0".to_owned(), text(""))];
        for i in 1..7 {
            let many = format!("${{x{}}}", i - 1).repeat(1_000);
            pairs.push((format!("x{i}"), text(&many)));
        }
        let vars = pairs
            .into_iter()
            .map(|(k, value)| (k, Variable { value, at: None }))
            .collect();
        let scopes = [&vars];
        let go = |t| Replacer::new(Scopes(&scopes)).replace(t, 0);
        assert_eq!(go("${x1}"), Ok(Data::Text(String::new())));
        assert_eq!(go("${x6}"), Err(Problem::TooMany));
    }
}
