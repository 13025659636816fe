//! Methods and status codes of HTTP.

use std::fmt;

use crate::names::grammar::{Grammar, Numbers, ValueError};

/// A method of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "a method is its own name")]
pub enum HttpMethod {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
    Connect,
    Trace,
}

impl HttpMethod {
    /// Every method.
    pub const ALL: [Self; 9] = [
        Self::Get,
        Self::Head,
        Self::Post,
        Self::Put,
        Self::Patch,
        Self::Delete,
        Self::Options,
        Self::Connect,
        Self::Trace,
    ];

    /// The text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
            Self::Connect => "CONNECT",
            Self::Trace => "TRACE",
        }
    }

    /// Whether it changes nothing, so that it may be sent twice.
    pub const fn is_safe(self) -> bool {
        matches!(self, Self::Get | Self::Head | Self::Options | Self::Trace)
    }
}

impl Grammar for HttpMethod {
    const FORMAT: &'static str = "http-method";
    const WHAT: &'static str = "a method of HTTP";
    const ALLOWED: &'static str =
        "write GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, CONNECT or TRACE";
    const EXAMPLE: &'static str = "GET";

    fn read(text: &str) -> Result<Self, ValueError> {
        let found = Self::ALL.into_iter().find(|method| method.as_str() == text);
        found.ok_or_else(|| ValueError::refuse::<Self>("there is no such method"))
    }

    fn guess(text: &str) -> Vec<String> {
        let upper = text.trim().to_ascii_uppercase();
        let near = |method: &Self| strsim::damerau_levenshtein(&upper, method.as_str()) == 1;
        let near = Self::ALL
            .into_iter()
            .find(near)
            .map(|method| method.as_str().to_owned());
        [upper.clone()].into_iter().chain(near).collect()
    }
}

impl fmt::Display for HttpMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A status code of HTTP, from 100 to 599.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatusCode(u16);

impl StatusCode {
    /// The number.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Whether it tells the client to go elsewhere.
    pub const fn is_redirect(self) -> bool {
        matches!(self.0, 301 | 302 | 303 | 307 | 308)
    }
}

fn status(text: &str) -> Result<u16, &'static str> {
    match text.parse() {
        Ok(code @ 100..=599) if text.len() == 3 => Ok(code),
        Ok(_) => Err("it is outside the range"),
        Err(_) => Err("it is not a whole number"),
    }
}

impl Grammar for StatusCode {
    const FORMAT: &'static str = "status-code";
    const WHAT: &'static str = "a status code";
    const ALLOWED: &'static str = "write a number from 100 to 599";
    const EXAMPLE: &'static str = "302";
    const NUMBERS: Numbers = Numbers::Whole(100, 599);

    fn read(text: &str) -> Result<Self, ValueError> {
        status(text).map(Self).map_err(ValueError::refuse::<Self>)
    }

    fn guess(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).take(3).collect()
    }

    fn number(&self) -> Option<i64> {
        Some(self.0.into())
    }
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One status code or a class of them: "503", "5xx".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StatusPattern {
    /// One code.
    Code(StatusCode),
    /// All codes that start with a digit.
    Class(u16),
}

impl StatusPattern {
    /// The first and the last code.
    pub const fn range(self) -> (u16, u16) {
        match self {
            Self::Code(code) => (code.0, code.0),
            Self::Class(digit) => (digit * 100, digit * 100 + 99),
        }
    }
}

impl Grammar for StatusPattern {
    const FORMAT: &'static str = "status-pattern";
    const WHAT: &'static str = "a status code or a class of them";
    const ALLOWED: &'static str = "write a number from 100 to 599, or a digit and `xx`";
    const EXAMPLE: &'static str = "5xx";
    const NUMBERS: Numbers = Numbers::Whole(100, 599);

    fn read(text: &str) -> Result<Self, ValueError> {
        match text.strip_suffix("xx").map(str::parse) {
            Some(Ok(digit @ 1..=5)) if text.len() == 3 => Ok(Self::Class(digit)),
            Some(_) => Err(ValueError::refuse::<Self>("there is no such class")),
            None => {
                let code = status(text).map_err(ValueError::refuse::<Self>)?;
                Ok(Self::Code(StatusCode(code)))
            }
        }
    }

    fn guess(text: &str) -> Vec<String> {
        vec![text.trim().to_ascii_lowercase()]
    }

    fn number(&self) -> Option<i64> {
        match self {
            Self::Code(code) => Some(code.0.into()),
            Self::Class(_) => None,
        }
    }
}

impl fmt::Display for StatusPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => code.fmt(f),
            Self::Class(digit) => write!(f, "{digit}xx"),
        }
    }
}
