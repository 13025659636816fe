//! What our own templates write, read without a YAML parser: block mappings and lists of plain words,
//! whose values are JSON on one line. Whatever is anything else is left to the strict reader.
//!
//! It is a shortcut and never another opinion: debug builds read everything in both ways and compare.

use serde_json::{Map, Value};

/// Brackets that may be open at once; deeper values are left to the reader that has a limit.
const MAX_OPEN: usize = 32;
/// Words that YAML may take for something else than text.
const WORDS: [&str; 12] = [
    "true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf", "infinity",
];

/// The documents of a text, if all of it is of the simple form; empty ones are left out.
pub(super) fn documents(text: &str) -> Option<Vec<Value>> {
    let mut all = Vec::new();
    let mut lines = Vec::new();
    for text in text.split('\n').chain(["---"]) {
        if text == "---" {
            if !lines.is_empty() {
                all.push(document(std::mem::take(&mut lines))?);
            }
            continue;
        }
        let bare = text.trim_start_matches(' ');
        if !bare.is_empty() {
            let indent = text.len() - bare.len();
            lines.push(Line { indent, text: bare });
        }
    }
    Some(all)
}

/// A line that says something.
struct Line<'a> {
    indent: usize,
    text: &'a str,
}

fn document(lines: Vec<Line<'_>>) -> Option<Value> {
    let mut reader = Reader { lines, at: 0 };
    let first = reader.lines.first()?;
    if first.indent > 0 || first.text.starts_with("- ") {
        return None;
    }
    let map = reader.mapping(0)?;
    (reader.at == reader.lines.len()).then_some(map)
}

struct Reader<'a> {
    lines: Vec<Line<'a>>,
    at: usize,
}

impl Reader<'_> {
    /// What stands below a key at this depth; nothing below it is null.
    fn below(&mut self, indent: usize) -> Option<Value> {
        let Some(line) = self.lines.get(self.at) else {
            return Some(Value::Null);
        };
        let (deeper, item) = (line.indent, line.text.starts_with("- "));
        match (item, deeper > indent) {
            (true, _) if deeper >= indent => self.list(deeper),
            (false, true) => self.mapping(deeper),
            _ => Some(Value::Null),
        }
    }

    fn mapping(&mut self, indent: usize) -> Option<Value> {
        let mut map = Map::new();
        while let Some(line) = self.lines.get(self.at) {
            if line.indent < indent || (line.indent == indent && line.text.starts_with("- ")) {
                break;
            }
            if line.indent > indent {
                return None;
            }
            let (key, rest) = line.text.split_once(':')?;
            if !is_text(key) || map.contains_key(key) {
                return None;
            }
            self.at += 1;
            let value = match rest.strip_prefix(' ') {
                Some(text) => scalar(text)?,
                None if rest.is_empty() => self.below(indent)?,
                None => return None,
            };
            map.insert(key.to_owned(), value);
        }
        Some(Value::Object(map))
    }

    fn list(&mut self, indent: usize) -> Option<Value> {
        let mut items = Vec::new();
        while let Some(line) = self.lines.get_mut(self.at) {
            if line.indent < indent || (line.indent == indent && !line.text.starts_with("- ")) {
                break;
            }
            let text = line
                .text
                .strip_prefix("- ")
                .filter(|_| line.indent == indent)?;
            let key = text.split_once(':').is_some_and(|(key, _)| is_text(key));
            if key {
                // The rest of the line is the first of a mapping that goes on below it.
                (line.indent, line.text) = (indent + 2, text);
                items.push(self.mapping(indent + 2)?);
            } else {
                self.at += 1;
                items.push(scalar(text)?);
            }
        }
        Some(Value::Array(items))
    }
}

/// A value on one line: JSON, a number, or a word.
fn scalar(text: &str) -> Option<Value> {
    match text.bytes().next()? {
        b'"' | b'{' | b'[' if is_shallow(text) => serde_json::from_str(text).ok().filter(is_exact),
        b'-' | b'0'..=b'9' => number(text),
        _ => match text {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            "null" => Some(Value::Null),
            _ => is_text(text).then(|| text.into()),
        },
    }
}

/// A whole number as everybody writes it.
fn number(text: &str) -> Option<Value> {
    let read: i64 = text.parse().ok()?;
    (read.to_string() == text).then(|| read.into())
}

/// Whether there is no fraction in it, which the two readers may round differently.
fn is_exact(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.values().all(is_exact),
        Value::Array(items) => items.iter().all(is_exact),
        Value::Number(number) => !number.is_f64(),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

/// Whether YAML can only take it for text.
fn is_text(word: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/' | b'_' | b'-');
    word.starts_with(|c: char| c.is_ascii_alphabetic())
        && word.bytes().all(plain)
        && !WORDS.iter().any(|other| word.eq_ignore_ascii_case(other))
}

/// Whether few brackets are open at once; those within text count as well.
fn is_shallow(text: &str) -> bool {
    let mut open = 0_usize;
    text.bytes().all(|byte| {
        match byte {
            b'{' | b'[' => open += 1,
            b'}' | b']' => open = open.saturating_sub(1),
            _ => {}
        }
        open <= MAX_OPEN
    })
}

#[cfg(test)]
mod tests {
    use super::super::yaml;
    use super::documents;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn the_form_of_templates_is_read() {
        let text = "kind: A/v1\nspec:\n  count: -1\n  empty: {}\n  none: null\n  rules:\n    - a: \"x: y # z\"\n      b:\n        - port: 80\n        - true\n    - {\"c\": [\"\\u0041\"]}\n  last:\n---\n\n---\nkind: B\nlist:\n- x\n";
        let read = documents(text).unwrap();
        let first = json!({"kind": "A/v1", "spec": {"count": -1, "empty": {}, "none": null, "rules": [
            {"a": "x: y # z", "b": [{"port": 80}, true]}, {"c": ["A"]}], "last": null}});
        assert_eq!(read, [first, json!({"kind": "B", "list": ["x"]})]);
        assert_eq!(yaml::documents(text).unwrap(), read);
    }

    #[test]
    fn everything_else_is_left_to_the_strict_reader() {
        for text in [
            "a: 1\na: 2\n",
            "a: &x 1\n",
            "a: !t 1\n",
            "a: # b\n",
            "a: b # c\n",
            "a: |\n  b\n",
            "a: yes\n",
            "a: 0755\n",
            "a: 1e3\n",
            "a: 1.5\n",
            "a: -0\n",
            "a: [1.5]\n",
            "a: 'b'\n",
            "a: {b: 1}\n",
            "a: [1,\n  2]\n",
            "a:  b\n",
            "a:\tb\n",
            "a: b\r\n",
            "a:\n   b: 1\n  c: 2\n",
            "\"a\": 1\n",
            "on: 1\n",
            "- a\n",
            "a\n",
            "%YAML 1.2\n---\na: b\n",
            "\u{feff}a: b\n",
            "a: b\n...\n",
            &format!("a: {}1{}\n", "[".repeat(40), "]".repeat(40)),
        ] {
            assert_eq!(documents(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_it_reads_the_strict_reader_reads_alike(
            lines in proptest::collection::vec(
                (0_usize..4, prop_oneof!["a", "b: ", "c:", "d: e", "k: \"x\"", "- f", "- g: 1", "- h:", "---", "i: [1, {\"j\": null}]", "[a-z0-9.:~ #-]{0,6}"]),
                1..9,
            ),
        ) {
            let text: String = lines.iter().map(|(depth, line)| format!("{}{line}\n", "  ".repeat(*depth))).collect();
            if let Some(read) = documents(&text) {
                let strictly = yaml::documents(&text);
                prop_assert_eq!(strictly.as_ref().ok(), Some(&read), "{}", text);
            }
        }
    }
}
