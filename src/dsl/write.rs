//! Values back into KDL: the mirror image of projection, by the same [`Shape`]s. What it writes is read
//! again as exactly the value that was given, whatever the texts in it hold.

use serde_json::{Map, Value};

use super::schema::KindSchema;
use super::shape::{Field, Record, Scalar, Shape};

/// Fields that stand on the first line of a resource, since they say what it is and not what it does.
const HEADLINE: &[&str] = &[
    "tenant",
    "namespace",
    "workload",
    "gateway",
    "protocol",
    "from",
    "issuer",
    "issuer-kind",
    "provider",
    "server",
    "host",
    "version",
    "external",
    "pull-secret",
    "schema",
    "render",
];
/// A text longer than this stands on a line of its own.
const LONG: usize = 60;
/// Words that mean something else without quotes, to KDL or to people.
const LOADED: &[&str] = &[
    "true", "false", "null", "inf", "nan", "on", "off", "yes", "no",
];

/// One resource as a node, laid out as `kubemate fmt` does it once that ran over it.
pub fn resource(kind: &KindSchema, value: &Value) -> String {
    let mut out = String::new();
    let mut writer = Writer { out: &mut out };
    if let (Some(record), Some(map)) = (kind.shape.record(), value.as_object()) {
        let at = At {
            depth: 0,
            head: kind.name.to_owned(),
        };
        writer.record(at, record, map);
    }
    out
}

/// Where a node is written, and what its line begins with.
struct At {
    depth: usize,
    head: String,
}

impl At {
    fn below(&self, head: String) -> Self {
        Self {
            depth: self.depth + 1,
            head,
        }
    }
}

struct Writer<'o> {
    out: &'o mut String,
}

impl Writer<'_> {
    fn record(&mut self, at: At, record: &Record, map: &Map<String, Value>) {
        let mut line = at.head.clone();
        let mut taken: Vec<&str> = Vec::new();
        for name in &record.args {
            let Some(value) = map.get(name).filter(|v| !v.is_null()) else {
                break;
            };
            line.push(' ');
            line.push_str(&scalar(value, shape_of(record, name)));
            taken.push(name);
        }
        if let Some(rest) = &record.rest {
            for value in map
                .get(rest)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                line.push(' ');
                line.push_str(&scalar(value, shape_of(record, rest)));
            }
            taken.push(rest);
        }
        let mut below = Vec::new();
        for (name, value) in map
            .iter()
            .filter(|(n, v)| !taken.contains(&n.as_str()) && said(v))
        {
            let Some(field) = record.fields.get(name) else {
                continue;
            };
            match property(at.depth, name, value, field) {
                Some(text) => {
                    line.push_str(&format!(" {name}={text}"));
                }
                None => below.push((name, value, field)),
            }
        }
        self.open(&at, &line, below.is_empty());
        for (name, value, field) in &below {
            self.field(&at, name, value, &field.shape);
        }
        self.close(&at, below.is_empty());
    }

    /// Everything that a field is written as: one node, or one for each of its parts.
    fn field(&mut self, parent: &At, name: &str, value: &Value, shape: &Shape) {
        match (shape, value) {
            (Shape::Keyed(item), Value::Object(map)) => {
                for (key, value) in map {
                    self.node(
                        parent.below(format!("{name} {}", quoted(key, false))),
                        value,
                        item,
                    );
                }
            }
            (Shape::Repeated(item), Value::Array(list)) => {
                for value in list {
                    self.node(parent.below(name.to_owned()), value, item);
                }
            }
            (Shape::Props(item), Value::Object(map)) => {
                let props = map.iter().map(|(key, value)| {
                    format!(" {}={}", quoted(key, false), scalar(value, Some(item)))
                });
                let line = format!("{name}{}", props.collect::<String>());
                self.open(&parent.below(String::new()), &line, true);
            }
            _ => self.node(parent.below(name.to_owned()), value, shape),
        }
    }

    fn node(&mut self, at: At, value: &Value, shape: &Shape) {
        match (shape, value) {
            (Shape::Record(record), Value::Object(map)) => self.record(at, record, map),
            (Shape::Record(record), plain) => {
                let first = record.args.first().and_then(|name| shape_of(record, name));
                self.open(&at, &format!("{} {}", at.head, scalar(plain, first)), true);
            }
            (Shape::Block(item), Value::Object(map)) => {
                self.open(&at, &at.head, map.is_empty());
                for (key, value) in map {
                    self.node(at.below(quoted(key, false)), value, item);
                }
                self.close(&at, map.is_empty());
            }
            (Shape::Args(item), Value::Array(list)) => {
                let words = list
                    .iter()
                    .map(|value| format!(" {}", scalar(value, Some(item))));
                self.open(
                    &at,
                    &format!("{}{}", at.head, words.collect::<String>()),
                    true,
                );
            }
            (shape, value) => {
                self.open(
                    &at,
                    &format!("{} {}", at.head, scalar(value, Some(shape))),
                    true,
                );
            }
        }
    }

    fn open(&mut self, at: &At, line: &str, whole: bool) {
        // A text over several lines ends at the left margin, which is why nothing is indented there.
        let indent = if line.contains('\n') { 0 } else { at.depth * 2 };
        self.out.push_str(&" ".repeat(indent));
        self.out.push_str(line);
        self.out.push_str(if whole { "\n" } else { " {\n" });
    }

    fn close(&mut self, at: &At, whole: bool) {
        if !whole {
            self.out.push_str(&" ".repeat(at.depth * 2));
            self.out.push_str("}\n");
        }
    }
}

/// Whether a value says anything: absent and empty are the same.
fn said(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => true,
    }
}

fn shape_of<'r>(record: &'r Record, name: &str) -> Option<&'r Shape> {
    record.fields.get(name).map(|field| field.shape.item())
}

/// A field as a property of its node's line, where that reads well.
fn property(depth: usize, name: &str, value: &Value, field: &Field) -> Option<String> {
    let Shape::Scalar(_) = field.shape else {
        return None;
    };
    let text = scalar(value, Some(&field.shape));
    let short = !text.contains('\n') && text.len() <= LONG;
    let fits = if depth == 0 {
        HEADLINE.contains(&name)
    } else {
        short
    };
    (fits && short).then_some(text)
}

fn scalar(value: &Value, shape: Option<&Shape>) -> String {
    let interpolated = match shape {
        Some(Shape::Scalar(Scalar { interpolate, .. })) => *interpolate,
        _ => true,
    };
    match value {
        Value::String(text) => quoted(text, interpolated),
        Value::Bool(flag) => format!("#{flag}"),
        Value::Null => "#null".to_owned(),
        other => other.to_string(),
    }
}

/// A text as KDL: bare where that is safe, over several lines where it has several, else in quotes.
fn quoted(text: &str, interpolated: bool) -> String {
    let text = if interpolated {
        text.replace("${", "$${")
    } else {
        text.to_owned()
    };
    if is_bare(&text) {
        return text;
    }
    if text.contains('\n') && is_plain_block(&text) {
        return block(&text);
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if needs_escape(c) => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn is_bare(text: &str) -> bool {
    let mut chars = text.chars();
    let first = chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    first
        && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
        && !LOADED.contains(&text.to_ascii_lowercase().as_str())
}

/// Characters that a text may not hold as they are, or that nobody would see in it.
fn needs_escape(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a text survives as it is between the quotes of several lines: there a line of blanks loses
/// them.
fn is_plain_block(text: &str) -> bool {
    let blank = |line: &str| !line.is_empty() && line.trim().is_empty();
    !text.split('\n').any(blank)
        && !text
            .chars()
            .any(|c| c != '\n' && c != '\t' && needs_escape(c))
}

fn block(text: &str) -> String {
    let mut hashes = "#".to_owned();
    while text.contains(&format!("\"\"\"{hashes}")) {
        hashes.push('#');
    }
    format!("{hashes}\"\"\"\n{text}\n\"\"\"{hashes}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        let source = format!("a {text}\n");
        let document: kdl::KdlDocument = source
            .parse()
            .unwrap_or_else(|e| panic!("{source:?}: {e:?}"));
        document.nodes()[0].entries()[0]
            .value()
            .as_string()
            .unwrap()
            .to_owned()
    }

    #[test]
    fn every_text_is_read_as_it_was_written() {
        let texts = [
            "",
            "a",
            "a b",
            "true",
            "null",
            "10Gi",
            "5",
            "-1",
            "a\"b",
            "a\\b",
            "a\nb",
            "a\nb\n",
            "\n",
            " \n a",
            "x\n\ny",
            "x\n  \ny",
            "\"\"\"#\nb",
            "\"\"\"\nb",
            "tab\there",
            "tab\n\tthere",
            "\r\n",
            "a\u{2028}b",
            "a\u{200b}b",
            "#!/bin/sh\nset -e\n",
            "key: |\n  a\n  b\n",
            "ends in space \n",
            "\u{7f}",
            "é",
            "…",
            "~x",
            "a=b",
            "a/b",
            "{",
            ";",
        ];
        for text in texts {
            assert_eq!(read(&quoted(text, false)), text, "{}", quoted(text, false));
        }
        assert_eq!(quoted("a ${b} $c", true), "\"a $${b} $c\"");
    }
}
