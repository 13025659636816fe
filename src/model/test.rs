//! `test` nodes read and judged like resources, and the comparison of a value with what is expected.

use serde_json::Value;

use super::index::{self, Names};
use super::job::ParsedFile;
use crate::dsl::check::{Extent, check};
use crate::dsl::codes;
use crate::dsl::compose::Written;
use crate::dsl::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::dsl::node::{Layer, Node};
use crate::dsl::project::Projector;
use crate::dsl::raw::{self, RawNode};
use crate::kinds::project::LetValue;
use crate::kinds::test::{Expect, Test, schema};
use crate::object::ResourceId;
use crate::values::duration::Duration;
use crate::values::quantity::Quantity;

/// A test that was read.
pub struct Read<'a> {
    /// What it says.
    pub test: Test,
    /// Its values with their places.
    pub node: Node,
    /// Its node, for the resources of `reject`.
    pub written: Written<'a>,
}

impl Read<'_> {
    /// The `reject` nodes, each with why.
    pub fn rejects(&self) -> impl Iterator<Item = (&RawNode, &str)> {
        let nodes = self
            .written
            .raw
            .children
            .iter()
            .filter(|c| c.name == "reject");
        nodes.filter_map(|node| Some((node, node.label()?)))
    }

    /// Where an expectation stands.
    pub fn place(&self, index: usize) -> Span {
        self.node.nearest(&format!("/expect/{index}")).place.value
    }
}

/// The test nodes of a file.
pub fn nodes(file: &ParsedFile) -> impl Iterator<Item = Written<'_>> {
    let tests = file.nodes.iter().filter(|n| n.name == "test");
    tests.map(|raw| Written { file: file.id, raw })
}

/// Reads a test; what is wrong with it goes to `out`.
pub fn read<'a>(
    written: Written<'a>,
    names: Option<&Names>,
    out: &mut Diagnostics,
) -> Option<Read<'a>> {
    let schema = schema()?;
    let record = schema.shape.record()?;
    let mut found = Diagnostics::default();
    let node = Projector::new(written.file, Layer::Resource, &mut found).record(
        written.raw,
        record,
        &["reject"],
    );
    check(&node, schema, Extent::Whole)
        .into_iter()
        .for_each(|d| found.push(d));
    if let Some(names) = names {
        let id = ResourceId {
            kind: "test".into(),
            tenant: None,
            name: String::new(),
        };
        let mut dangling = Vec::new();
        index::resolve(&node, schema, &id, names, &mut dangling);
        // A tenant that is not in sight is a test of nothing, which running it says.
        let known = |d: &Diagnostic| !d.message.contains("no tenant");
        dangling
            .into_iter()
            .filter(known)
            .for_each(|d| found.push(d));
    }
    for reject in written
        .raw
        .children
        .iter()
        .filter(|c| c.name == "reject" && c.label().is_none())
    {
        let at = raw::span(written.file, reject.name_at);
        let help = "write it behind the word: `reject \"why\" { … }`";
        found.push(Diagnostic::error(codes::NEEDS_VALUE, at, "`reject` needs a reason").help(help));
    }
    let broken = found.has_errors();
    out.append(found);
    if broken {
        return None;
    }
    let test: Test = serde_json::from_value(node.to_json()).ok()?;
    let read = Read {
        test,
        node,
        written,
    };
    for (index, expect) in read.test.expect.iter().enumerate() {
        if let Some(message) = malformed(expect) {
            let help = "write as in `expect app=checkout field=autoscale.min at-least=3`";
            out.push(Diagnostic::error(codes::EXPECTATION, read.place(index), message).help(help));
        }
    }
    Some(read)
}

fn malformed(expect: &Expect) -> Option<&'static str> {
    let named = expect.subject.len() + usize::from(expect.object.is_some());
    let subjects = named.max(usize::from(expect.tenant.is_some()));
    let asked = [
        expect.equals.is_some(),
        expect.at_least.is_some(),
        expect.at_most.is_some(),
        expect.contains.is_some(),
        expect.absent,
    ];
    match (subjects, asked.iter().filter(|a| **a).count()) {
        (1, 1) => None,
        (0, _) => Some("this looks at nothing: name a resource or an object"),
        (1, 0) => Some("this asks nothing: say what the value must be"),
        (1, _) => Some("this asks two things: write an `expect` for each"),
        _ => Some("this looks at two things: write an `expect` for each"),
    }
}

/// The value at a path such as `spec.hostnames[0]`.
pub fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    let mut here = value;
    for part in path.split('.').filter(|p| !p.is_empty()) {
        let (name, mut rest) = part.split_at(part.find('[').unwrap_or(part.len()));
        if !name.is_empty() {
            here = here.get(name)?;
        }
        while let Some((index, after)) = rest.strip_prefix('[').and_then(|r| r.split_once(']')) {
            here = match index.parse::<usize>() {
                Ok(index) => here.get(index)?,
                Err(_) => here.get(index.trim_matches('"'))?,
            };
            rest = after;
        }
    }
    (!here.is_null()).then_some(here)
}

/// Why a value is not as expected; `None` if it is.
pub fn differs(expect: &Expect, value: Option<&Value>) -> Option<String> {
    let Some(value) = value else {
        return (!expect.absent).then(|| "it is not there".to_owned());
    };
    if expect.absent {
        return Some(format!("it is there: {}", brief(value)));
    }
    let is = || format!("it is {}", brief(value));
    if let Some(wanted) = &expect.equals {
        return (plain(value) != text(wanted)).then(is);
    }
    if let Some(wanted) = &expect.contains {
        return (!contains(value, &text(wanted))).then(is);
    }
    let (wanted, least) = match (&expect.at_least, &expect.at_most) {
        (Some(wanted), _) => (wanted, true),
        (None, Some(wanted)) => (wanted, false),
        (None, None) => return None,
    };
    match compare(&plain(value), &text(wanted)) {
        None => Some(format!(
            "{} and {} cannot be compared",
            brief(value),
            text(wanted)
        )),
        Some(order) => {
            let holds = if least { order.is_ge() } else { order.is_le() };
            (!holds).then(is)
        }
    }
}

fn contains(value: &Value, wanted: &str) -> bool {
    match value {
        Value::Array(list) => list.iter().any(|v| plain(v) == wanted),
        Value::Object(map) => map.contains_key(wanted),
        other => plain(other).contains(wanted),
    }
}

/// Numbers, amounts and times by what they mean.
fn compare(a: &str, b: &str) -> Option<std::cmp::Ordering> {
    let percent = |s: &str| s.strip_suffix('%').and_then(|n| n.parse::<f64>().ok());
    if let (Ok(a), Ok(b)) = (a.parse::<f64>(), b.parse::<f64>()) {
        return a.partial_cmp(&b);
    }
    if let (Some(a), Some(b)) = (percent(a), percent(b)) {
        return a.partial_cmp(&b);
    }
    if let (Ok(a), Ok(b)) = (a.parse::<Duration>(), b.parse::<Duration>()) {
        return a.partial_cmp(&b);
    }
    match (a.parse::<Quantity>(), b.parse::<Quantity>()) {
        (Ok(a), Ok(b)) => a.partial_cmp(&b),
        _ => None,
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The text of a value as written.
pub fn text(value: &LetValue) -> String {
    match value {
        LetValue::Bool(flag) => flag.to_string(),
        LetValue::Int(number) => number.to_string(),
        LetValue::Float(number) => number.to_string(),
        LetValue::Text(text) => text.clone(),
    }
}

fn brief(value: &Value) -> String {
    match value {
        Value::Array(_) | Value::Object(_) => {
            let text = value.to_string();
            match text.char_indices().nth(120) {
                Some((end, _)) => format!("{}…", &text[..end]),
                None => text,
            }
        }
        other => format!("`{}`", plain(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn expect(text: serde_json::Value) -> Expect {
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn paths_lead_into_lists_and_maps() {
        let value = json!({ "spec": { "hostnames": ["a", "b"], "x": { "a.b/c": 1 } } });
        assert_eq!(at(&value, "spec.hostnames[1]"), Some(&json!("b")));
        assert_eq!(at(&value, "spec.hostnames[2]"), None);
        assert_eq!(at(&json!({ "a": null }), "a"), None);
        assert_eq!(at(&value, ""), Some(&value));
    }

    #[test]
    fn amounts_and_times_are_compared_by_what_they_mean() {
        let holds = |how: &str, wanted: serde_json::Value, value: serde_json::Value| {
            differs(&expect(json!({ "app": "x", how: wanted })), Some(&value)).is_none()
        };
        assert!(holds("at-least", json!(3), json!(3)));
        assert!(!holds("at-least", json!(4), json!(3)));
        assert!(holds("at-most", json!("1Gi"), json!("512Mi")));
        assert!(!holds("at-most", json!("30s"), json!("1m")));
        assert!(holds("equals", json!("3"), json!(3)));
        assert!(holds("contains", json!("b"), json!(["a", "b"])));
        assert!(!holds("contains", json!("c"), json!("ab")));
        assert!(!holds("at-least", json!("red"), json!("blue")));
    }

    #[test]
    fn absence_is_expected_or_a_failure() {
        let absent = expect(json!({ "app": "x", "absent": true }));
        assert_eq!(differs(&absent, None), None);
        assert!(differs(&absent, Some(&json!(1))).is_some());
        let equals = expect(json!({ "app": "x", "equals": 1 }));
        assert!(differs(&equals, None).is_some());
    }

    #[test]
    fn an_expectation_asks_one_thing_of_one_thing() {
        let flaw = |value| malformed(&expect(value)).is_some();
        assert!(!flaw(json!({ "app": "x", "equals": 1 })));
        assert!(flaw(json!({ "equals": 1 })));
        assert!(flaw(json!({ "app": "x" })));
        assert!(flaw(json!({ "app": "x", "object": "A/b", "equals": 1 })));
        assert!(flaw(json!({ "app": "x", "absent": true, "equals": 1 })));
    }
}
