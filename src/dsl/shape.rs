//! The form of a kind in KDL, compiled once from its JSON Schema: which argument, property or child
//! feeds which field. Projection walks shapes; `explain` and completion read them too.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

/// How a field is written and what it becomes.
#[derive(Debug, Clone)]
pub enum Shape {
    /// One value.
    Scalar(Scalar),
    /// All positional values of one node.
    Args(Arc<Self>),
    /// A node with named fields.
    Record(Arc<Record>),
    /// A block of nodes named by the author.
    Block(Arc<Self>),
    /// Nodes of the same name, each with its own label.
    Keyed(Arc<Self>),
    /// Nodes of the same name, in order.
    Repeated(Arc<Self>),
    /// Properties named by the author.
    Props(Arc<Self>),
}

/// What a single value may be.
#[derive(Debug, Clone, Default)]
pub struct Scalar {
    /// Whether a bare node without a value means `#true`.
    pub flag: bool,
    /// Whether `${…}` is replaced.
    pub interpolate: bool,
    /// The kind that the value names.
    pub reference: Option<String>,
}

/// A node with named fields.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// Fields fed by positional values, in order.
    pub args: Vec<String>,
    /// The list field that takes all further positional values.
    pub rest: Option<String>,
    /// All fields.
    pub fields: BTreeMap<String, Field>,
}

/// A field of a [`Record`].
#[derive(Debug, Clone)]
pub struct Field {
    /// How it is written.
    pub shape: Shape,
    /// Its names in earlier versions of the language.
    pub renamed_from: Vec<String>,
    /// One sentence: what it is.
    pub about: String,
    /// Whether a value must be given.
    pub required: bool,
}

impl Shape {
    /// Compiles a root schema as `schemars` generates it.
    pub fn compile(root: &Value) -> Self {
        compile(root, root, 0)
    }

    /// The record below, if this is one.
    pub fn record(&self) -> Option<&Record> {
        match self {
            Self::Record(record) => Some(record),
            _ => None,
        }
    }

    /// What a node of this name holds once, where it may stand several times.
    pub fn item(&self) -> &Self {
        match self {
            Self::Keyed(item) | Self::Repeated(item) | Self::Args(item) => item,
            other => other,
        }
    }
}

/// Deeper than any kind; a schema that refers to itself ends as a plain value.
const MAX_DEPTH: usize = 32;

fn compile(root: &Value, schema: &Value, depth: usize) -> Shape {
    let keywords = schema;
    let schema = resolve(root, schema);
    if depth > MAX_DEPTH {
        return Shape::Scalar(Scalar::default());
    }
    let below = |s: &Value| Arc::new(compile(root, s, depth + 1));
    let form = schema.pointer("/x-kdl/form").and_then(Value::as_str);
    let any = &Value::Bool(true);
    let values = schema.get("additionalProperties").unwrap_or(any);
    match form {
        Some("repeated") => Shape::Repeated(below(schema.get("items").unwrap_or(any))),
        Some("keyed") => Shape::Keyed(below(values)),
        Some("block") => Shape::Block(below(values)),
        Some("props") => Shape::Props(below(values)),
        _ if is_type(schema, "object") => Shape::Record(Arc::new(record(root, schema, depth))),
        _ if is_type(schema, "array") => Shape::Args(below(schema.get("items").unwrap_or(any))),
        _ => Shape::Scalar(scalar(keywords, schema)),
    }
}

fn record(root: &Value, schema: &Value, depth: usize) -> Record {
    let names = |value: Option<&Value>| -> Vec<String> {
        let list = value.and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    let required = names(schema.get("required"));
    let properties = schema.get("properties").and_then(Value::as_object);
    let fields = properties.into_iter().flatten().map(|(name, sub)| {
        let field = Field {
            shape: compile(root, sub, depth + 1),
            renamed_from: names(sub.get("x-renamed-from")),
            about: first_sentence(describe(root, sub)),
            required: required.contains(name),
        };
        (name.clone(), field)
    });
    Record {
        fields: fields.collect(),
        args: names(schema.pointer("/x-kdl/args")),
        rest: schema
            .pointer("/x-kdl/rest")
            .and_then(Value::as_str)
            .map(str::to_owned),
    }
}

fn scalar(outer: &Value, schema: &Value) -> Scalar {
    let keyword = |name| outer.get(name).or_else(|| schema.get(name));
    Scalar {
        flag: is_type(schema, "boolean"),
        interpolate: keyword("x-interpolate")
            .and_then(Value::as_bool)
            .unwrap_or(true),
        reference: keyword("x-ref").and_then(Value::as_str).map(str::to_owned),
    }
}

/// Follows `$ref` within the root schema.
pub fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let mut at = schema;
    for _ in 0..MAX_DEPTH {
        let Some(target) = at.get("$ref").and_then(Value::as_str) else {
            break;
        };
        match target
            .strip_prefix('#')
            .and_then(|pointer| root.pointer(pointer))
        {
            Some(next) => at = next,
            None => break,
        }
    }
    at
}

/// The description nearest to the use: the field's own, else that of its type.
pub fn describe<'a>(root: &'a Value, schema: &'a Value) -> &'a str {
    let own = schema.get("description");
    own.or_else(|| resolve(root, schema).get("description"))
        .and_then(Value::as_str)
        .unwrap_or("")
}

/// Up to the first full stop that ends a sentence.
pub fn first_sentence(text: &str) -> String {
    let line: String = text.split("\n\n").next().unwrap_or("").replace('\n', " ");
    match line.find(". ") {
        Some(end) => line[..=end].to_owned(),
        None => line,
    }
}

/// Whether a schema allows a JSON type.
pub fn is_type(schema: &Value, wanted: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(one)) => one == wanted,
        Some(Value::Array(several)) => several.iter().any(|t| t == wanted),
        _ => false,
    }
}
