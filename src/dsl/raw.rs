//! What was written, as a small tree with spans, before any schema looks at it.
//!
//! The tree depends on one file's bytes only, so it can be cached by blob digest and sent between
//! processes. Spans are byte offsets in that file; the file's id is added by the reader.

pub mod packed;

use kdl::{KdlDocument, KdlEntry, KdlNode, KdlValue};
use miette::SourceSpan;
use serde::{Deserialize, Serialize};

use super::diagnostic::Span;
use crate::source::FileId;

/// Byte offsets in one file.
pub type Range = (u32, u32);

/// A KDL value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Scalar {
    /// `#null`
    Null,
    /// `#true` or `#false`
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text, quoted or bare.
    Text(String),
}

impl Scalar {
    /// The text, if it is text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Float(_) => None,
        }
    }

    /// As a JSON value.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(b) => (*b).into(),
            Self::Int(i) => (*i).into(),
            Self::Float(f) => (*f).into(),
            Self::Text(s) => s.as_str().into(),
        }
    }
}

/// A positional value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RawArg {
    /// The value.
    pub value: Scalar,
    /// Where, quotes included.
    pub at: Range,
}

/// A `key=value`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RawProp {
    /// The key.
    pub key: String,
    /// Where the key is.
    pub key_at: Range,
    /// The value.
    pub value: Scalar,
    /// Where the value is.
    pub at: Range,
}

/// A node with everything below it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RawNode {
    /// Its name.
    pub name: String,
    /// Where the name is.
    pub name_at: Range,
    /// The type annotation, as in `(remove)autoscale`.
    pub mark: Option<String>,
    /// Where the whole node is, children included.
    pub at: Range,
    /// Positional values in order.
    pub args: Vec<RawArg>,
    /// Properties in order; the same key may stand there twice.
    pub props: Vec<RawProp>,
    /// Child nodes in order.
    pub children: Vec<Self>,
    /// Whether a `{ }` was written, even an empty one.
    pub block: bool,
}

impl RawNode {
    /// The nodes of a document whose first byte stands at `offset` of the file.
    pub fn from_document(document: &KdlDocument, offset: usize) -> Vec<Self> {
        document
            .nodes()
            .iter()
            .map(|node| Self::from_node(node, offset))
            .collect()
    }

    fn from_node(node: &KdlNode, offset: usize) -> Self {
        let at = |span: SourceSpan| range(span, offset);
        let mut args = Vec::new();
        let mut props = Vec::new();
        for entry in node.entries() {
            let value_at = value_range(entry, offset);
            let value = scalar(entry);
            match entry.name() {
                None => args.push(RawArg {
                    value,
                    at: value_at,
                }),
                Some(key) => props.push(RawProp {
                    key: key.value().to_owned(),
                    key_at: at(key.span()),
                    value,
                    at: value_at,
                }),
            }
        }
        Self {
            name: node.name().value().to_owned(),
            name_at: at(node.name().span()),
            mark: node.ty().map(|ty| ty.value().to_owned()),
            at: at(node.span()),
            args,
            props,
            children: node
                .iter_children()
                .map(|child| Self::from_node(child, offset))
                .collect(),
            block: node.children().is_some(),
        }
    }

    /// The first positional value as text: the node's identity.
    pub fn label(&self) -> Option<&str> {
        self.args.first().and_then(|arg| arg.value.as_text())
    }

    /// The value of a property, the last one where it is written twice.
    pub fn prop(&self, key: &str) -> Option<&RawProp> {
        self.props.iter().rev().find(|p| p.key == key)
    }
}

/// Offsets as a span in a file.
pub fn span(file: FileId, range: Range) -> Span {
    Span {
        file,
        start: range.0,
        end: range.1,
    }
}

fn range(span: SourceSpan, offset: usize) -> Range {
    let clip = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    (
        clip(offset + span.offset()),
        clip(offset + span.offset() + span.len()),
    )
}

/// The value's own range: `kdl` gives that of the whole entry, whose tail is the value.
fn value_range(entry: &KdlEntry, offset: usize) -> Range {
    let (start, end) = range(entry.span(), offset);
    let text = entry.format().map_or(0, |format| format.value_repr.len());
    match u32::try_from(text) {
        Ok(len) if len > 0 && len <= end - start => (end - len, end),
        _ => (start, end),
    }
}

/// `(Mi)512` means `"512Mi"`: the annotation is a unit wherever the value is a number.
fn scalar(entry: &KdlEntry) -> Scalar {
    let unit = entry.ty().map(|ty| ty.value());
    match (entry.value(), unit) {
        (KdlValue::Integer(i), Some(unit)) => Scalar::Text(format!("{i}{unit}")),
        (KdlValue::Float(f), Some(unit)) => Scalar::Text(format!("{f}{unit}")),
        (KdlValue::Integer(i), None) => match i64::try_from(*i) {
            Ok(i) => Scalar::Int(i),
            Err(_) => Scalar::Text(i.to_string()),
        },
        (KdlValue::Float(f), None) => Scalar::Float(*f),
        (KdlValue::String(s), _) => Scalar::Text(s.clone()),
        (KdlValue::Bool(b), _) => Scalar::Bool(*b),
        (KdlValue::Null, _) => Scalar::Null,
    }
}
