//! YAML read strictly: no duplicate keys, no tags that change a value, no anchors that grow it.

use serde_json::Value;
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy, NonFiniteFloatPolicy};

/// Most documents in one text.
const MAX_DOCUMENTS: usize = 20_000;
/// Deepest nesting.
const MAX_DEPTH: usize = 64;

/// Why a text is not YAML that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum YamlError {
    /// Not readable, or refused for what it does.
    #[error("{message}")]
    Refused {
        /// The reader's words, on one line.
        message: String,
        /// Line from 1, if known.
        line: Option<usize>,
    },
    /// A number that JSON cannot hold.
    #[error("a number is infinite or not a number")]
    NotFinite,
}

/// All documents of a text; empty ones are left out.
pub fn documents(text: &str) -> Result<Vec<Value>, YamlError> {
    let values: Vec<Value> =
        serde_saphyr::from_multiple_with_options(text, options()).map_err(|error| {
            let line = error
                .location()
                .map(|at| usize::try_from(at.line()).unwrap_or(usize::MAX));
            let message = in_words(&error.to_string());
            YamlError::Refused { message, line }
        })?;
    Ok(values.into_iter().filter(|v| !v.is_null()).collect())
}

/// All documents of what one of our templates wrote.
pub(super) fn written(text: &str) -> Result<Vec<Value>, YamlError> {
    let Some(read) = super::plain::documents(text) else {
        return documents(text);
    };
    debug_assert_eq!(documents(text).as_ref(), Ok(&read), "{text}");
    Ok(read)
}

/// The reader's message for people: one line, without its place and without the reader's own names.
fn in_words(message: &str) -> String {
    let line = message.lines().next().unwrap_or("unreadable");
    let line = line.split(" at line ").next().unwrap_or(line);
    if let Some(key) = line.strip_prefix("duplicate mapping key: ") {
        let key = key.split(", set ").next().unwrap_or(key);
        return format!("key `{key}` is there twice");
    }
    match line.strip_prefix("budget breached: ") {
        Some(what) if what.starts_with("Anchor") || what.starts_with("Alias") => {
            "anchors and aliases are not read".to_owned()
        }
        Some(_) => "it is too large or too deep".to_owned(),
        None => line.to_owned(),
    }
}

/// Values as YAML, one document after the other.
pub fn print(values: &[&Value]) -> Result<String, YamlError> {
    let mut out = String::new();
    for value in values {
        let text = serde_saphyr::to_string(value).map_err(|error| YamlError::Refused {
            message: error.to_string(),
            line: None,
        })?;
        out.push_str("---\n");
        out.push_str(&text);
        if !out.ends_with('\n') {
            out.push('\n');
        }
    }
    Ok(out)
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::Error,
        legacy_octal_numbers: true,
        reject_unsupported_tags: true,
        ignore_binary_tag_for_string: true,
        non_finite_float_policy: NonFiniteFloatPolicy::Reject,
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_documents: MAX_DOCUMENTS,
            max_depth: MAX_DEPTH,
            max_aliases: 0,
            max_anchors: 0,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn plain_documents_are_read() {
        let text = "a: 1\n---\n---\nb: [x, \"on\", 0755, 1e3]\n";
        assert_eq!(
            documents(text).unwrap(),
            [json!({"a": 1}), json!({"b": ["x", "on", 493, 1000.0]})]
        );
    }

    #[test]
    fn s_26_what_could_hide_something_is_refused() {
        for bad in [
            "a: 1\na: 2\n",
            "a: &x [1]\nb: *x\n",
            "a: !!python/object x\n",
            "a: .nan\n",
            "a: 1e400\n",
            "? [1, 2]\n: x\n",
            &"[".repeat(10_000),
            &format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000)),
            &format!("a: {}", "{b: ".repeat(10_000)),
            &format!("a: &a [x]\n{}", "b: [*a, *a, *a]\n".repeat(9)),
            "a: {b: 1, b: 2}\n",
            "a: 1\n\"a\": 2\n",
            "a: !mine {b: 1}\n",
            "<<: {a: 1}\n",
            "a: -.inf\n",
            "a: 1e999999\n",
            "a:\n\tb: 1\n",
            "%YAML 9.9\n---\na: &b\n",
            &"--- {a: 1}\n".repeat(100_000),
        ] {
            assert!(documents(bad).is_err(), "{bad:.40?}");
        }
    }

    #[test]
    fn s_26_the_limit_of_depth_is_ours() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(documents(&nested(MAX_DEPTH - 4)).unwrap().len(), 1);
        // Far below what the reader, and whoever takes the value apart, would bear.
        let error = documents(&nested(MAX_DEPTH + 4)).unwrap_err();
        assert!(error.to_string().contains("too deep"), "{error}");
    }

    #[test]
    fn s_26_marks_of_order_and_line_ends_change_nothing() {
        let plain = documents("a: 1\nb: [x]\n").unwrap();
        for text in [
            "\u{feff}a: 1\nb: [x]\n",
            "a: 1\r\nb: [x]\r\n",
            "a:\t1\nb:  [x]\n",
        ] {
            assert_eq!(documents(text).unwrap(), plain, "{text:?}");
        }
        // Nor does the one tag that would make another text of a text.
        assert_eq!(
            documents("a: !!binary aGk=\n").unwrap(),
            [json!({"a": "aGk="})]
        );
    }
}
