//! What tells one request from another: names of headers, and patterns of paths and values.

use std::sync::Arc;

use regex::bytes::RegexBuilder;

use crate::names::grammar::{Grammar, ValueError, length, shown};
use crate::names::text;

/// The largest number of characters of a name.
const MAX_NAME: usize = 256;
/// The largest number of characters of a pattern.
const MAX_PATTERN: usize = 1024;
/// The most memory that a compiled pattern may need.
const MAX_COMPILED: usize = 1024 * 1024;

/// The name of a header or of a query parameter: "X-Request-Id".
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HeaderName(Arc<str>);

text!(HeaderName);

impl HeaderName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Grammar for HeaderName {
    const FORMAT: &'static str = "header-name";
    const WHAT: &'static str = "the name of a header";
    const ALLOWED: &'static str = "use letters, digits and `-`, at most 256 characters";
    const EXAMPLE: &'static str = "X-Request-Id";

    fn read(text: &str) -> Result<Self, ValueError> {
        length(text, MAX_NAME).map_err(ValueError::refuse::<Self>)?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        match text.chars().find(|c| !allowed(*c)) {
            Some(c) => {
                let reason = format!("{} is not allowed", shown(c));
                Err(ValueError::refuse::<Self>(reason))
            }
            None => Ok(Self(text.into())),
        }
    }

    fn guess(text: &str) -> Vec<String> {
        let text = text.trim().trim_end_matches(':');
        vec![text.to_owned(), text.replace(' ', "-")]
    }
}

/// A regular expression, as gateways read it: "/v[0-9]+/.*".
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern(Arc<str>);

text!(Pattern);

impl Pattern {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Grammar for Pattern {
    const FORMAT: &'static str = "pattern";
    const WHAT: &'static str = "a regular expression";
    const ALLOWED: &'static str = "write it without look-around and back-references";
    const EXAMPLE: &'static str = "/v[0-9]+/.*";

    fn read(text: &str) -> Result<Self, ValueError> {
        length(text, MAX_PATTERN).map_err(ValueError::refuse::<Self>)?;
        let compiled = RegexBuilder::new(text)
            .unicode(false)
            .size_limit(MAX_COMPILED)
            .build();
        match compiled {
            Ok(_) => Ok(Self(text.into())),
            Err(regex::Error::CompiledTooBig(_)) => {
                Err(ValueError::refuse::<Self>("it needs too much memory"))
            }
            Err(_) => Err(ValueError::refuse::<Self>(
                "a bracket is not closed, or something in it is not known",
            )),
        }
    }

    fn guess(text: &str) -> Vec<String> {
        vec![text.trim().to_owned()]
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{bad, good};
    use super::*;

    #[test]
    fn headers_and_patterns_are_read() {
        good::<HeaderName>(&[("X-Request-Id", "X-Request-Id"), ("host", "host")]);
        good::<Pattern>(&[("/v[0-9]+/.*", "/v[0-9]+/.*"), (r"\d+\.json", r"\d+\.json")]);
        insta::assert_snapshot!(bad::<HeaderName>(&["", "X Id", "Host:", "Ü"]));
        insta::assert_snapshot!(bad::<Pattern>(&[
            "",
            "(a",
            "(?=a)",
            r"(a)\1",
            "((a{99}){99}){99}"
        ]));
    }
}
