//! Checks that hold for every type of the table, and the helpers of the tables beside each type.

use std::collections::BTreeSet;
use std::fmt::{Debug, Write as _};
use std::hash::Hash;

use proptest::prelude::*;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

mod amounts;
mod places;
mod times;
mod words;

use super::{FORMATS, Format, Grammar, Numbers, for_every_type, format};

/// All that a type of the table must be able to do.
pub(crate) trait Value:
    Grammar + Clone + Ord + Hash + Debug + Serialize + DeserializeOwned + JsonSchema
{
}

impl<T: Grammar + Clone + Ord + Hash + Debug + Serialize + DeserializeOwned + JsonSchema> Value
    for T
{
}

/// A check that is run on every type.
pub(crate) trait Check {
    fn run<T: Value>(&mut self);
}

/// Every text is valid and is printed as its partner.
pub(crate) fn good<T: Value>(table: &[(&str, &str)]) {
    for (text, canonical) in table {
        let value = T::parse(text).unwrap_or_else(|error| panic!("`{text}` {error}"));
        assert_eq!(value.to_string(), *canonical, "of `{text}`");
        assert_eq!(T::parse(canonical).as_ref(), Ok(&value), "of `{text}`");
    }
}

/// One line for each text: what is said about it, and the fix.
pub(crate) fn bad<T: Value>(texts: &[&str]) -> String {
    let mut lines = String::new();
    for text in texts {
        let error = T::parse(text)
            .map(|value| format!("accepted as {value:?}"))
            .unwrap_err();
        let message = error.message;
        let fix = error
            .fix
            .map(|fix| format!(" => {fix}"))
            .unwrap_or_default();
        writeln!(lines, "`{}` {message}{fix}", text.escape_debug()).unwrap();
    }
    lines
}

/// What a type accepts it prints so that it reads the same value again, as text and as JSON.
pub(crate) fn round_trip<T: Value>(texts: &str) {
    let config = ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let valid = texts.prop_filter_map("not valid", |text| T::parse(&text).ok());
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let result = runner.run(&valid, |value| {
        let text = value.to_string();
        let again = T::parse(&text);
        prop_assert_eq!(again.as_ref(), Ok(&value));
        prop_assert_eq!(again.map(|again| again.to_string()).ok(), Some(text));
        let json = serde_json::to_string(&value).unwrap();
        prop_assert_eq!(serde_json::from_str::<T>(&json).unwrap(), value);
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{}: {error}", T::FORMAT));
}

struct Agrees(BTreeSet<&'static str>);

impl Check for Agrees {
    fn run<T: Value>(&mut self) {
        let row = format(T::FORMAT).unwrap_or_else(|| panic!("{} is missing", T::FORMAT));
        assert!(self.0.insert(T::FORMAT), "{} is there twice", T::FORMAT);
        let example = T::parse(T::EXAMPLE).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(example.to_string(), T::EXAMPLE, "an example is canonical");
        assert_eq!((row.canonical)(T::EXAMPLE), Ok(example.to_string()));
        let schema = schemars::generate::SchemaGenerator::default().subschema_for::<T>();
        let schema = schema.as_value();
        assert_eq!(schema["format"], T::FORMAT, "the schema is inline");
        assert_eq!(schema["x-example"], T::EXAMPLE);
        assert_eq!(schema.get("x-ref").and_then(|v| v.as_str()), T::REFERENCE);
        assert_eq!(schema["type"].is_array(), T::NUMBERS != Numbers::No);
        let json = serde_json::to_value(&example).unwrap();
        assert_eq!(serde_json::from_value::<T>(json).unwrap(), example);
        assert!(serde_json::from_str::<T>("true").is_err());
    }
}

#[test]
fn the_table_and_the_types_agree() {
    let mut agrees = Agrees(BTreeSet::new());
    for_every_type(&mut agrees);
    assert_eq!(agrees.0.len(), FORMATS.len());
    assert!(format("duration").is_some() && format("no-such-format").is_none());
}

#[test]
fn words_of_the_table_are_for_people() {
    for Format {
        name,
        what,
        allowed,
        ..
    } in FORMATS
    {
        assert!(
            what.starts_with("a ") || what.starts_with("an ") || what.starts_with("the "),
            "{what}"
        );
        assert!(
            !allowed.ends_with('.') && allowed.starts_with(char::is_lowercase),
            "{allowed}"
        );
        assert!(
            ![what, allowed]
                .iter()
                .any(|words| words.contains(['^', '$'])),
            "{name}"
        );
    }
}

/// What an author may have done to a valid text.
fn damaged(example: &str) -> Vec<String> {
    let half = example.len() / 2;
    let half = (0..=half)
        .rev()
        .find(|&at| example.is_char_boundary(at))
        .unwrap_or(0);
    let (front, back) = example.split_at(half);
    let mut texts = vec![
        String::new(),
        front.to_owned(),
        back.to_owned(),
        example.to_uppercase(),
        example.to_lowercase(),
        format!("{back}{front}"),
        example.repeat(40),
        "9".repeat(400),
        "é".repeat(300),
    ];
    for piece in [
        "", " ", "\n", "\0", "/", "..", "-", "_", ":", "*", "%", "é", "٣", "$", "{", "[", "@", "0",
    ] {
        texts.extend([
            format!("{piece}{example}"),
            format!("{example}{piece}"),
            format!("{front}{piece}{back}"),
            piece.repeat(3),
        ]);
    }
    texts
}

fn examine(format: &Format, text: &str) {
    match (format.canonical)(text) {
        Ok(canonical) => {
            assert_eq!(
                (format.canonical)(&canonical),
                Ok(canonical.clone()),
                "{}: {text:?}",
                format.name
            );
            assert!((format.check)(text).is_ok());
        }
        Err(error) => {
            let Some(fix) = &error.fix else { return };
            assert!(
                (format.check)(fix).is_ok(),
                "{}: {text:?} => {fix:?}",
                format.name
            );
            assert_ne!(fix, text, "{}", format.name);
            assert!(error.message.len() < 400, "{}", error.message);
        }
    }
}

#[test]
fn damaged_examples_never_panic_and_every_fix_is_valid() {
    for format in FORMATS {
        for text in damaged(format.example) {
            examine(format, &text);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_accepted_or_refused_properly(text in "\\PC{0,40}|[ -~]{0,24}|[0-9a-z:/.*,-]{0,24}") {
        for format in FORMATS {
            examine(format, &text);
        }
    }
}
