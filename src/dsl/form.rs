//! How a Rust type is written in KDL. The type of a field decides its form:
//!
//! | Rust | KDL |
//! |---|---|
//! | a value type, `bool`, a number | `field value` or `field=value` |
//! | a struct | `field arg … key=value { children }`; `x-kdl.args` names the positional ones |
//! | `Vec<T>` | `field a b c` |
//! | [`Repeated<T>`] | `field …` any number of times |
//! | [`Keyed<K, V>`] | `field NAME …` any number of times, one per name |
//! | [`Block<K, V>`] | `field { NAME …; NAME … }`, the names are the author's |
//! | [`Props<V>`] | `field NAME=value NAME=value`, repeatable |
//!
//! The forms reach the projection through the `x-kdl` keyword of the generated JSON Schema.

use std::borrow::Cow;
use std::ops::Deref;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A node that may be written several times, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Repeated<T>(pub Vec<T>);

impl<T> Default for Repeated<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Deref for Repeated<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: JsonSchema> JsonSchema for Repeated<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Repeated_{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let items = generator.subschema_for::<T>();
        json_schema!({ "type": "array", "items": items, "x-kdl": { "form": "repeated" } })
    }
}

macro_rules! map_form {
    ($(#[$doc:meta])* $name:ident, $form:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(transparent, bound(deserialize = "K: Deserialize<'de> + Eq + std::hash::Hash, V: Deserialize<'de>"))]
        pub struct $name<K: Eq + std::hash::Hash, V>(pub IndexMap<K, V>);

        impl<K: Eq + std::hash::Hash, V> Default for $name<K, V> {
            fn default() -> Self {
                Self(IndexMap::new())
            }
        }

        impl<K: Eq + std::hash::Hash, V> Deref for $name<K, V> {
            type Target = IndexMap<K, V>;
            fn deref(&self) -> &IndexMap<K, V> {
                &self.0
            }
        }

        impl<K: JsonSchema + Eq + std::hash::Hash, V: JsonSchema> JsonSchema for $name<K, V> {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                format!("{}_{}_{}", stringify!($name), K::schema_name(), V::schema_name()).into()
            }
            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                let names = generator.subschema_for::<K>();
                let values = generator.subschema_for::<V>();
                json_schema!({
                    "type": "object",
                    "propertyNames": names,
                    "additionalProperties": values,
                    "x-kdl": { "form": $form }
                })
            }
        }
    };
}

map_form! {
    /// A node that may be written several times, one per name: `port http 8080`.
    Keyed, "keyed"
}
map_form! {
    /// A block whose child nodes are named by the author: `env { LOG_LEVEL info }`.
    Block, "block"
}

/// A node whose properties are named by the author: `let domain="pay.bank"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Props<V>(pub IndexMap<String, V>);

impl<V> Default for Props<V> {
    fn default() -> Self {
        Self(IndexMap::new())
    }
}

impl<V> Deref for Props<V> {
    type Target = IndexMap<String, V>;
    fn deref(&self) -> &IndexMap<String, V> {
        &self.0
    }
}

impl<V: JsonSchema> JsonSchema for Props<V> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Props_{}", V::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let values = generator.subschema_for::<V>();
        json_schema!({ "type": "object", "additionalProperties": values, "x-kdl": { "form": "props" } })
    }
}
