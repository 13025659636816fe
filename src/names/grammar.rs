//! What every type that is written as text has in common: a grammar, an error made for people, a format.
//!
//! A type implements [`Grammar`] and `Display`; [`crate::values`] derives reading, writing and the JSON
//! Schema from it, so that no type can read a text that the schema would refuse. A grammar must never
//! print a regular expression, and must never offer a fix that it would itself refuse.

use std::fmt;

/// Why a text is not the value it should be.
///
/// The message completes a sentence that starts with the text: "`30` is not a duration: …".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ValueError {
    /// What is wrong and what is allowed, without the text itself.
    pub message: String,
    /// The text that was most likely meant; it is always valid.
    pub fix: Option<String>,
}

impl ValueError {
    /// An error with the grammar's own hint: "is not WHAT: REASON; ALLOWED, for example …".
    pub fn refuse<T: Grammar>(reason: impl fmt::Display) -> Self {
        let (what, allowed, example) = (T::WHAT, T::ALLOWED, T::EXAMPLE);
        let message = format!("is not {what}: {reason}; {allowed}, for example \"{example}\"");
        Self { message, fix: None }
    }

    /// An error whose message says everything itself.
    pub fn plain(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            fix: None,
        }
    }
}

/// Whether a plain number may stand for the text, and in which range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// Text only.
    No,
    /// Whole numbers in a closed range.
    Whole(i64, i64),
    /// Whole numbers and fractions.
    Any,
}

/// A type that is read from one piece of text.
pub trait Grammar: Sized + fmt::Display {
    /// The name of the format in the JSON Schema.
    const FORMAT: &'static str;
    /// What it is, with its article.
    const WHAT: &'static str;
    /// What is allowed, as an instruction in lower case.
    const ALLOWED: &'static str;
    /// One valid text.
    const EXAMPLE: &'static str;
    /// Whether plain numbers are read too.
    const NUMBERS: Numbers = Numbers::No;
    /// The kind that the text refers to, if it is a reference.
    const REFERENCE: Option<&'static str> = None;

    /// Reads a text exactly, without guessing.
    fn read(text: &str) -> Result<Self, ValueError>;

    /// What the author of a refused text may have meant, best guess first. Guesses need not be valid.
    fn guess(_text: &str) -> Vec<String> {
        Vec::new()
    }

    /// The value as a plain number, where that is how it is written best.
    fn number(&self) -> Option<i64> {
        None
    }

    /// Reads a text; a refusal carries the first guess that is valid.
    fn parse(text: &str) -> Result<Self, ValueError> {
        Self::read(text).map_err(|error| {
            let valid = |guess: &String| guess != text && Self::read(guess).is_ok();
            let fix = Self::guess(text).into_iter().find(valid);
            ValueError { fix, ..error }
        })
    }
}

/// One format of names or values: a row of the table that validation and `explain` share.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// The name used as `format` in the JSON Schema.
    pub name: &'static str,
    /// What it is, with its article.
    pub what: &'static str,
    /// What is allowed, as an instruction in lower case.
    pub allowed: &'static str,
    /// One valid text.
    pub example: &'static str,
    /// Whether plain numbers are read too.
    pub numbers: Numbers,
    /// The kind that the text refers to, if it is a reference.
    pub reference: Option<&'static str>,
    /// Whether a text is valid.
    pub check: fn(&str) -> Result<(), ValueError>,
    /// The canonical form of a valid text.
    pub canonical: fn(&str) -> Result<String, ValueError>,
}

impl Format {
    /// The row of a type.
    pub const fn of<T: Grammar>() -> Self {
        Self {
            name: T::FORMAT,
            what: T::WHAT,
            allowed: T::ALLOWED,
            example: T::EXAMPLE,
            numbers: T::NUMBERS,
            reference: T::REFERENCE,
            check: |text| T::parse(text).map(drop),
            canonical: |text| T::parse(text).map(|value| value.to_string()),
        }
    }
}

/// A character as it may be shown inside a message: unprintable ones by their number.
pub(crate) fn shown(c: char) -> String {
    match c {
        ' ' => "a space".to_owned(),
        c if c.is_control() || c.is_whitespace() => format!("the character U+{:04X}", u32::from(c)),
        c if c.is_ascii_graphic() || c.is_alphanumeric() => format!("`{c}`"),
        c => format!("the character U+{:04X}", u32::from(c)),
    }
}

/// The first character that a predicate refuses, as a reason.
pub(crate) fn only(text: &str, allowed: impl Fn(char) -> bool) -> Result<(), String> {
    match text.chars().find(|&c| !allowed(c)) {
        Some(c) => Err(format!("{} is not allowed", shown(c))),
        None => Ok(()),
    }
}

/// Refuses an empty text and one over a number of characters.
pub(crate) fn length(text: &str, max: usize) -> Result<(), String> {
    match text.chars().count() {
        0 => Err("it is empty".to_owned()),
        n if n > max => Err(format!("it has {n} characters, {max} are allowed")),
        _ => Ok(()),
    }
}
