//! Differences field by field, with secrets masked before anyone can print them.

use serde::{Deserialize, Serialize};

/// One changed field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldChange {
    /// Where, as a JSON pointer into the later object, or into the earlier one for what goes.
    pub pointer: String,
    /// Where, for people: list items by their key, as in `spec.containers[name=app].image`.
    pub path: String,
    /// The value before.
    pub before: Shown,
    /// The value after.
    pub after: Shown,
    /// The places in KDL that decide it.
    pub spans: Vec<crate::dsl::diagnostic::Span>,
}

/// A value as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shown {
    /// There is none.
    Absent,
    /// Its JSON.
    Plain(serde_json::Value),
    /// A secret: neither its content nor its length is kept.
    Masked,
}
