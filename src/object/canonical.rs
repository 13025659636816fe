//! JSON text with sorted keys: the same value gives the same bytes, whoever wrote it.

use serde_json::Value;

/// JSON text with sorted keys, the form every digest is taken over.
pub fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write_canonical(value, &mut out);
    out
}

/// Appends the canonical text of a value.
pub(crate) fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut fields: Vec<(&String, &Value)> = map.iter().collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            write_fields(&fields, out, |value, out| write_canonical(value, out));
        }
        Value::Array(items) => {
            write_items(items, out, write_canonical);
        }
        Value::String(text) => write_text(text, out),
        scalar => out.push_str(&scalar.to_string()),
    }
}

/// Appends a map whose fields are in order.
pub(crate) fn write_fields<T>(
    fields: &[(&String, T)],
    out: &mut String,
    mut write: impl FnMut(&T, &mut String),
) {
    out.push('{');
    for (index, (name, value)) in fields.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_text(name, out);
        out.push(':');
        write(value, out);
    }
    out.push('}');
}

/// Appends a list.
pub(crate) fn write_items<T>(
    items: &[T],
    out: &mut String,
    mut write: impl FnMut(&T, &mut String),
) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(']');
}

/// Appends text as JSON; most of it needs no escape.
fn write_text(text: &str, out: &mut String) {
    let plain = |b: u8| b >= 0x20 && b != b'"' && b != b'\\';
    if text.bytes().all(plain) {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&Value::from(text).to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn canonical_text_is_json() {
        for text in [
            "",
            "a",
            "\"",
            "\\",
            "a\nb\u{1}",
            "\u{7f}ä€\u{2028}",
            "</script>",
        ] {
            let value = json!({ text: [text, null, true, 1.5, -3] });
            assert_eq!(canonical(&value), value.to_string());
        }
    }
}
