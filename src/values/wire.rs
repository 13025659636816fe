//! How values travel: as text, or as plain numbers where those are natural, and what the schema says.

use std::fmt;
use std::marker::PhantomData;

use schemars::Schema;
use serde::de::{Deserializer, Error, Visitor};
use serde::ser::Serializer;
use serde_json::json;

use super::{Format, Grammar, Numbers};

/// Writes the number if the value is one, else the canonical text.
pub(super) fn serialize<T: Grammar, S: Serializer>(value: &T, s: S) -> Result<S::Ok, S::Error> {
    match value.number() {
        Some(number) => s.serialize_i64(number),
        None => s.collect_str(value),
    }
}

/// Reads text, and numbers where the grammar has them.
pub(super) fn deserialize<'de, T: Grammar, D: Deserializer<'de>>(d: D) -> Result<T, D::Error> {
    match T::NUMBERS {
        Numbers::No => d.deserialize_str(Text(PhantomData)),
        Numbers::Whole(..) | Numbers::Any => d.deserialize_any(Text(PhantomData)),
    }
}

struct Text<T>(PhantomData<T>);

impl<T: Grammar> Text<T> {
    fn number<E: Error>(number: impl fmt::Display) -> Result<T, E> {
        match T::NUMBERS {
            Numbers::No => Err(E::custom(format!("`{number}` is a number: {}", T::ALLOWED))),
            Numbers::Whole(..) | Numbers::Any => Self::text(&number.to_string()),
        }
    }

    fn text<E: Error>(text: &str) -> Result<T, E> {
        T::parse(text).map_err(|error| E::custom(format!("`{}` {error}", text.escape_debug())))
    }
}

impl<T: Grammar> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::WHAT)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        Self::text(text)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        Self::number(number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        Self::number(number)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        Self::number(number)
    }
}

/// The schema of one field with the value. It is complete by itself; the field's own words replace
/// the description.
pub(super) fn schema(format: &Format) -> Schema {
    let types = match format.numbers {
        Numbers::No => json!("string"),
        Numbers::Whole(..) => json!(["string", "integer"]),
        Numbers::Any => json!(["string", "integer", "number"]),
    };
    let mut schema = schemars::json_schema!({
        "type": types,
        "format": format.name,
        "description": format!("{}: {}.", capital(format.what), format.allowed),
        "x-example": format.example,
    });
    if let Numbers::Whole(least, most) = format.numbers {
        schema.insert("minimum".to_owned(), json!(least));
        schema.insert("maximum".to_owned(), json!(most));
    }
    if let Some(kind) = format.reference {
        schema.insert("x-ref".to_owned(), json!(kind));
    }
    schema
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|c| c.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}
