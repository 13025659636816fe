//! One place in a kind's schema: what it is, how it is written, and the fields below it.

use serde_json::Value;

use super::wrap::{indented, wrapped};
use super::{WIDTH, kdl};
use crate::dsl::schema::KindSchema;
use crate::dsl::shape::{describe, first_sentence, is_type, resolve};

/// A place in a schema, with its path in words.
#[derive(Clone)]
pub(super) struct Place<'a> {
    root: &'a Value,
    schema: &'a Value,
    path: Vec<&'a str>,
    required: bool,
}

/// Most fields of a node that are shown in the line of its form.
const SHOWN: usize = 3;

impl<'a> Place<'a> {
    /// The kind itself.
    pub(super) fn root(kind: &'a KindSchema) -> Self {
        Self {
            root: &kind.json,
            schema: &kind.json,
            path: vec![kind.name],
            required: false,
        }
    }

    /// As in `app.autoscale`.
    pub(super) fn path(&self) -> String {
        self.path.join(".")
    }

    /// The field of that name, of this place or of each of its entries.
    pub(super) fn step(&self, name: &str) -> Option<Self> {
        let item = self.item();
        let (name, schema) = item.get("properties")?.as_object()?.get_key_value(name)?;
        let mut path = self.path.clone();
        path.push(name);
        let required = list(item.get("required")).any(|r| r == name);
        Some(Self {
            root: self.root,
            schema,
            path,
            required,
        })
    }

    /// Names of the fields below.
    pub(super) fn field_names(&self) -> Vec<&'a str> {
        let fields = self.item().get("properties").and_then(Value::as_object);
        fields
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .collect()
    }

    fn resolved(&self) -> &'a Value {
        resolve(self.root, self.schema)
    }

    fn form(&self) -> Option<&'a str> {
        self.resolved()
            .pointer("/x-kdl/form")
            .and_then(Value::as_str)
    }

    /// The schema of one entry, where there may be several.
    fn item(&self) -> &'a Value {
        let schema = self.resolved();
        let below = match self.form() {
            Some("keyed" | "block" | "props") => schema.get("additionalProperties"),
            Some("repeated") => schema.get("items"),
            _ if is_type(schema, "array") => schema.get("items"),
            _ => None,
        };
        below.map_or(schema, |below| resolve(self.root, below))
    }

    fn name(&self) -> &'a str {
        self.path.last().copied().unwrap_or_default()
    }

    /// Everything about the place.
    pub(super) fn text(&self, kind: &KindSchema) -> String {
        let mut out = format!(
            "{}\n\n{}",
            self.path(),
            wrapped(describe(self.root, self.schema), WIDTH)
        );
        if self.path.len() == 1 {
            out.push_str(&format!("{}\n", super::home(kind)));
        } else {
            out.push_str(&format!("\n{}\n", self.facts()));
        }
        out.push_str(&format!("\nWritten as\n\n{}", indented(&self.written(), 4)));
        let words = words(self.resolved()).or_else(|| words(self.item()));
        let names = self.resolved().get("propertyNames").and_then(words_of);
        for (title, words) in [("One of", words), ("Names", names)] {
            if let Some(words) = words {
                out.push_str(&format!("\n{title}\n\n{}", table(&words)));
            }
        }
        let fields: Vec<(String, String)> = self
            .field_names()
            .into_iter()
            .filter_map(|name| self.row(name))
            .collect();
        if !fields.is_empty() {
            out.push_str(&format!("\nFields\n\n{}", table(&fields)));
        }
        out
    }

    /// All fields below, each with its path, its type and a sentence.
    pub(super) fn all(&self, depth: usize, out: &mut Vec<(String, String, String)>) {
        for name in self.field_names() {
            let Some(field) = self.step(name) else {
                continue;
            };
            let about = describe(field.root, field.schema).replace('\n', " ");
            out.push((field.path(), field.brief(), about));
            if depth > 0 {
                field.all(depth - 1, out);
            }
        }
    }

    fn row(&self, name: &str) -> Option<(String, String)> {
        let field = self.step(name)?;
        let about = first_sentence(describe(field.root, field.schema));
        Some((name.to_owned(), format!("{about} ({})", field.brief())))
    }

    /// Type, whether it is required, default and example in a few words.
    pub(super) fn brief(&self) -> String {
        let mut parts = vec![self.type_words()];
        if self.required {
            parts.push("required".into());
        }
        if let Some(default) = self.default() {
            parts.push(format!("default {default}"));
        }
        parts.join(", ")
    }

    fn facts(&self) -> String {
        let mut lines = vec![format!("Type:     {}", self.type_words())];
        lines.push(format!(
            "Required: {}",
            if self.required { "yes" } else { "no" }
        ));
        if let Some(default) = self.default() {
            lines.push(format!("Default:  {default}"));
        }
        if let Some(example) = self.example() {
            lines.push(format!("Example:  {}", kdl(example)));
        }
        let schema = self.resolved();
        for (keyword, word) in [("minimum", "Least"), ("maximum", "Most")] {
            if let Some(limit) = schema.get(keyword).filter(|l| l.as_f64() != Some(0.0)) {
                lines.push(format!("{word:<9} {limit}").replacen(' ', ":", 1));
            }
        }
        lines.join("\n")
    }

    fn default(&self) -> Option<String> {
        let default = self.schema.get("default")?;
        let empty = match default {
            Value::Object(map) => map.values().all(|v| v.is_null() || is_empty(v)),
            other => is_empty(other),
        };
        (!empty && !default.is_object()).then(|| kdl(default))
    }

    fn example(&self) -> Option<&'a Value> {
        self.schema
            .get("x-example")
            .or_else(|| self.resolved().get("x-example"))
    }

    fn type_words(&self) -> String {
        let schema = self.resolved();
        match self.form() {
            Some("keyed") => return "nodes with a name each, any number".into(),
            Some("block") => return "block of names and values".into(),
            Some("props") => return "names and values".into(),
            Some("repeated") => return "nodes, any number".into(),
            _ => {}
        }
        if is_type(schema, "array") {
            let item = schema
                .get("items")
                .map_or(schema, |i| resolve(self.root, i));
            return format!("list of {}", scalar_words(item));
        }
        if is_type(schema, "object") {
            "block".into()
        } else {
            scalar_words_of(self.schema, schema)
        }
    }

    /// How the place is written in KDL, one line per way.
    fn written(&self) -> String {
        let name = self.name();
        let value = self.value_word();
        let item = self.item();
        let body = self.body(item);
        if self.path.len() == 1 {
            return format!("{name}{body}");
        }
        match self.form() {
            Some("keyed") => format!("{name} NAME{body}"),
            Some("block") => format!("{name} {{\n  NAME{}\n}}", self.body(item)),
            Some("props") => format!("{name} NAME=VALUE NAME=VALUE"),
            Some("repeated") => format!("{name}{body}"),
            _ if is_type(self.resolved(), "array") => format!("{name} {value} …"),
            _ if is_type(self.resolved(), "object") => format!("{name}{body}"),
            _ if is_type(self.resolved(), "boolean") => format!("{name} #true\n{name}=#true"),
            _ => format!("{name} {value}\n{name}={value}"),
        }
    }

    fn value_word(&self) -> String {
        self.example().map_or_else(|| "VALUE".into(), kdl)
    }

    /// What stands behind the name of a node that holds such a value.
    fn body(&self, item: &Value) -> String {
        let Some(fields) = item.get("properties").and_then(Value::as_object) else {
            return " VALUE".into();
        };
        let args: Vec<&str> = list(item.pointer("/x-kdl/args")).collect();
        let rest = item.pointer("/x-kdl/rest").and_then(Value::as_str);
        let required: Vec<&str> = list(item.get("required")).collect();
        let mut out: String = args
            .iter()
            .map(|a| format!(" {}", a.to_uppercase()))
            .collect();
        if let Some(rest) = rest {
            out.push_str(&format!(" {} …", rest.to_uppercase()));
        }
        let other = |name: &&String| !args.contains(&name.as_str()) && rest != Some(name.as_str());
        let named: Vec<&String> = fields.keys().filter(other).collect();
        let simple = |name: &&&String| {
            let schema = resolve(self.root, &fields[name.as_str()]);
            !is_type(schema, "object") && !is_type(schema, "array")
        };
        let needed = named
            .iter()
            .filter(|n| required.contains(&n.as_str()))
            .filter(simple);
        let optional = named
            .iter()
            .filter(|n| !required.contains(&n.as_str()))
            .filter(simple);
        for name in needed.clone() {
            out.push_str(&format!(" {name}=…"));
        }
        for name in optional.take(SHOWN.saturating_sub(needed.count())) {
            out.push_str(&format!(" [{name}=…]"));
        }
        if !named.is_empty() {
            out.push_str(" { … }");
        }
        out
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn list(value: Option<&Value>) -> impl Iterator<Item = &str> {
    value
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

fn scalar_words(schema: &Value) -> String {
    scalar_words_of(schema, schema)
}

fn scalar_words_of(outer: &Value, schema: &Value) -> String {
    let keyword = |name| {
        outer
            .get(name)
            .or_else(|| schema.get(name))
            .and_then(Value::as_str)
    };
    if let Some(kind) = keyword("x-ref") {
        return format!("name of a {kind}");
    }
    if schema.get("enum").is_some() {
        return format!(
            "one of {}",
            list(schema.get("enum")).collect::<Vec<_>>().join(", ")
        );
    }
    if let Some(format) = keyword("format").filter(|f| crate::values::format(f).is_some()) {
        return format.replace('-', " ");
    }
    let types = [
        ("string", "text"),
        ("integer", "whole number"),
        ("number", "number"),
        ("boolean", "flag"),
        ("object", "block"),
    ];
    let words: Vec<&str> = types
        .iter()
        .filter(|(t, _)| is_type(schema, t))
        .map(|(_, word)| *word)
        .collect();
    if words.is_empty() {
        "value".into()
    } else {
        words.join(" or ")
    }
}

/// The words of an enum with what each means.
fn words(schema: &Value) -> Option<Vec<(String, String)>> {
    words_of(schema)
}

fn words_of(schema: &Value) -> Option<Vec<(String, String)>> {
    let docs = schema.get("x-enum-docs");
    let about = |word: &str| {
        docs.and_then(|d| d.get(word))
            .and_then(Value::as_str)
            .unwrap_or("")
    };
    let words: Vec<(String, String)> = list(schema.get("enum"))
        .map(|word| (word.to_owned(), about(word).replace('\n', " ")))
        .collect();
    (!words.is_empty()).then_some(words)
}

/// Two columns, the second wrapped.
fn table(rows: &[(String, String)]) -> String {
    let width = rows
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    let mut out = String::new();
    for (name, about) in rows {
        let text = wrapped(about, WIDTH.saturating_sub(width + 4));
        for (index, line) in text.lines().enumerate() {
            let name = if index == 0 { name.as_str() } else { "" };
            out.push_str(format!("  {name:width$}  {line}").trim_end());
            out.push('\n');
        }
        if text.trim().is_empty() {
            out.push_str(&format!("  {name}\n"));
        }
    }
    out
}
