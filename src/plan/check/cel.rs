//! The CEL rules of a CRD, evaluated here where no API server can do it yet.
//!
//! Only a rule that was evaluated and came out false says anything. Whatever cannot be evaluated, or
//! could cost too much, is left to the API server, which is asked right before the object is written.

use std::panic::{AssertUnwindSafe, catch_unwind};

use kube::core::cel::{ErrorKind, RootContext, Validator};
use serde_json::{Map, Value};

use crate::object::Manifest;

/// Where a schema keeps its rules.
const RULES: &str = "x-kubernetes-validations";
/// Longest rule that is looked at, in bytes; a parser goes down one level for each bracket.
const MAX_LENGTH: usize = 4096;
/// Deepest brackets of a rule that is looked at.
const MAX_BRACKETS: usize = 32;
/// Steps that the rules of one object may take together, by the estimate of [`cost`].
const MAX_STEPS: u128 = 20_000_000;
/// Macros that go through a list or a map.
const LOOPS: [&str; 6] = ["all", "exists", "exists_one", "existsOne", "map", "filter"];
/// Functions whose result may be much larger than what they are given.
const GROWING: [&str; 6] = ["range", "replace", "join", "format", "sortBy", "flatten"];

/// A rule that an object breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broken {
    /// The field, as a JSON pointer.
    pub pointer: String,
    /// The rule's own words, or the rule itself; values are never part of it.
    pub message: String,
}

/// The rules of a schema that an object breaks. The object has its defaults already.
pub(super) fn broken(schema: &Value, manifest: &Manifest, body: &Value) -> Vec<Broken> {
    let mut steps = MAX_STEPS;
    let Some(schema) = affordable(schema, &[body], &mut steps) else {
        return Vec::new();
    };
    let root = RootContext {
        api_version: manifest.api_version.clone(),
        api_group: manifest.key.group_kind.group.clone(),
        kind: manifest.key.group_kind.kind.clone(),
    };
    let judge = || Validator::new().validate_with_context(&schema, body, None, Some(&root));
    // A rule that brings the interpreter down is one that cannot be evaluated.
    let Ok(Err(errors)) = catch_unwind(AssertUnwindSafe(judge)) else {
        return Vec::new();
    };
    let failed = errors
        .into_iter()
        .filter(|error| error.kind == ErrorKind::ValidationFailure);
    let broken = failed.map(|error| Broken {
        pointer: pointer(&error.field_path),
        message: error.message,
    });
    broken.collect()
}

/// The part of a schema whose rules are about something in these values and cost little enough; `None`
/// where no rule is left.
fn affordable(schema: &Value, values: &[&Value], steps: &mut u128) -> Option<Value> {
    if values.is_empty() {
        return None;
    }
    let schema = schema.as_object()?;
    let mut out = Map::new();
    let rules = schema.get(RULES).and_then(Value::as_array);
    let kept: Vec<Value> = rules
        .into_iter()
        .flatten()
        .filter_map(|rule| worth(rule, values, steps))
        .collect();
    let mut found = !kept.is_empty();
    if found {
        out.insert(RULES.into(), kept.into());
    }
    if let Some(fields) = schema.get("properties").and_then(Value::as_object) {
        let below = fields.iter().filter_map(|(name, below)| {
            let values: Vec<&Value> = values.iter().filter_map(|v| v.get(name)).collect();
            Some((name.clone(), affordable(below, &values, steps)?))
        });
        let below: Map<String, Value> = below.collect();
        found |= !below.is_empty();
        // Every name stays, so that it is clear what else is there.
        let all = fields.iter().map(|(name, shape)| {
            let kept = below.get(name).cloned();
            (name.clone(), kept.unwrap_or_else(|| bare(shape)))
        });
        out.insert("properties".into(), Value::Object(all.collect()));
    }
    let each: [(&str, fn(&Value) -> Vec<&Value>); 2] = [
        ("items", |v| v.as_array().into_iter().flatten().collect()),
        ("additionalProperties", |v| {
            v.as_object().into_iter().flat_map(Map::values).collect()
        }),
    ];
    for (name, parts) in each {
        let Some(below) = schema.get(name) else {
            continue;
        };
        let values: Vec<&Value> = values.iter().flat_map(|v| parts(v)).collect();
        let kept = affordable(below, &values, steps);
        found |= kept.is_some();
        out.insert(name.into(), kept.unwrap_or_else(|| bare(below)));
    }
    for (name, value) in schema {
        // Branches hold no rules of their own.
        if !["allOf", "anyOf", "oneOf", "not", RULES].contains(&name.as_str()) {
            out.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    found.then_some(Value::Object(out))
}

/// A schema without any rule, for its forms alone.
fn bare(schema: &Value) -> Value {
    match schema {
        Value::Object(map) => {
            let kept = map.iter().filter(|(name, _)| name.as_str() != RULES);
            Value::Object(kept.map(|(name, v)| (name.clone(), bare(v))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(bare).collect()),
        other => other.clone(),
    }
}

/// A rule as it may be evaluated on these values: without a message that would quote them.
fn worth(rule: &Value, values: &[&Value], steps: &mut u128) -> Option<Value> {
    let text = rule.get("rule")?.as_str()?;
    let first = rule.get("optionalOldSelf") == Some(&Value::Bool(true));
    if text.contains("oldSelf") && !first {
        return None;
    }
    let (loops, brackets) = shape(text);
    if text.len() > MAX_LENGTH || brackets > MAX_BRACKETS {
        return None;
    }
    let cost = values
        .iter()
        .map(|value| cost(value, loops, text.len()))
        .fold(0, u128::saturating_add);
    *steps = steps.checked_sub(cost)?;
    let mut rule = rule.clone();
    if let Some(map) = rule.as_object_mut() {
        map.shift_remove("messageExpression");
    }
    Some(rule)
}

/// An estimate of the steps that a rule takes on a value: each loop may go through all of it.
fn cost(value: &Value, loops: u32, length: usize) -> u128 {
    let size = u128::try_from(size(value)).unwrap_or(u128::MAX);
    let length = u128::try_from(length / 8 + 1).unwrap_or(u128::MAX);
    size.saturating_pow(loops.max(1)).saturating_mul(length)
}

fn size(value: &Value) -> usize {
    match value {
        Value::Object(map) => map.iter().map(|(k, v)| 1 + k.len() / 16 + size(v)).sum(),
        Value::Array(items) => items.iter().map(|v| 1 + size(v)).sum(),
        Value::String(text) => 1 + text.len() / 16,
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
    }
}

/// How many loops of a rule stand inside each other at most, functions whose results grow counted in,
/// and how deep its brackets go.
fn shape(rule: &str) -> (u32, usize) {
    let (mut open, mut deepest, mut most) = (Vec::new(), 0, 0);
    let (mut word, mut quote, mut growing) = (String::new(), None, 0);
    let mut characters = rule.chars();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (Some(_), '\\') => drop(characters.next()),
            (Some(mark), c) if c == mark => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '(' | '[' | '{') => {
                open.push(c == '(' && LOOPS.contains(&word.as_str()));
                growing += u32::from(GROWING.contains(&word.as_str()));
                deepest = deepest.max(open.len());
                let loops = open.iter().filter(|is_loop| **is_loop).count();
                most = most.max(u32::try_from(loops).unwrap_or(u32::MAX));
            }
            (None, ')' | ']' | '}') => drop(open.pop()),
            (None, _) => {}
        }
        match c.is_alphanumeric() || c == '_' {
            true => word.push(c),
            false => word.clear(),
        }
    }
    (most.saturating_add(growing), deepest)
}

/// `spec.rules[0].name` as a JSON pointer.
fn pointer(path: &str) -> String {
    let steps = path.split(['.', '[', ']']).filter(|s| !s.is_empty());
    let step = |s: &str| format!("/{}", crate::plan::managed::escape(s.trim_matches('\'')));
    steps.map(step).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(schema: &Value, spec: Value) -> Vec<(String, String)> {
        let body =
            json!({"apiVersion": "x.io/v1", "kind": "X", "metadata": {"name": "a"}, "spec": spec});
        let manifest = Manifest::new(body.clone()).unwrap();
        let broken = broken(schema, &manifest, &body).into_iter();
        broken.map(|b| (b.pointer, b.message)).collect()
    }

    fn with(rule: Value) -> Value {
        json!({"type": "object", "properties": {"spec": {"type": "object",
            "x-kubernetes-validations": [rule], "properties": {
                "min": {"type": "integer"}, "max": {"type": "integer"}, "name": {"type": "string"},
                "list": {"type": "array", "items": {"type": "object",
                    "properties": {"n": {"type": "integer"}}}}}}}})
    }

    #[test]
    fn a_rule_that_is_false_is_told_at_its_field_without_values() {
        let schema = with(
            json!({"rule": "self.min <= self.max", "message": "min is above max",
            "messageExpression": "'it is ' + self.name", "fieldPath": ".min"}),
        );
        let told = said(&schema, json!({"min": 2, "max": 1, "name": "canary"}));
        assert_eq!(told, [("/spec/min".into(), "min is above max".into())]);
        assert!(said(&schema, json!({"min": 1, "max": 1})).is_empty());
    }

    #[test]
    fn what_cannot_be_evaluated_says_nothing() {
        for rule in [
            "self.nothing == 1",
            "self.min +",
            "nobody.knows(self)",
            "self.min",
            "self.min / 0 > 1",
            "self.min > oldSelf.min",
            &format!("{}false{}", "(".repeat(100), ")".repeat(100)),
            &format!("false{}", " || false".repeat(1000)),
        ] {
            let told = said(&with(json!({"rule": rule})), json!({"min": 1}));
            assert!(told.is_empty(), "{rule:.40}: {told:?}");
        }
    }

    #[test]
    fn what_would_cost_too_much_is_not_begun() {
        let list: Vec<Value> = (0..2000).map(|n| json!({"n": n})).collect();
        let nested = "self.list.all(a, self.list.all(b, self.list.all(c, a.n + b.n + c.n < 0)))";
        for rule in [nested, "lists.range(1000000000).all(n, n < 0)"] {
            let schema = with(json!({"rule": rule}));
            assert!(
                said(&schema, json!({"list": list.clone()})).is_empty(),
                "{rule}"
            );
        }
        let flat = with(json!({"rule": "self.list.all(a, a.n < 1000)"}));
        assert_eq!(said(&flat, json!({"list": list})).len(), 1);
    }

    #[test]
    fn loops_are_counted_where_they_stand_inside_each_other() {
        for (rule, expected) in [
            ("self.a == 1", (0, 0)),
            ("self.all(x, x) && self.exists(y, y)", (1, 1)),
            ("self.all(x, self.exists(y, (x == y)))", (2, 3)),
            ("self == '.all(' && self.map(x, x)", (1, 1)),
            ("self.small(x)", (0, 1)),
            ("self.a.replace('a', self.a).size() > 1", (1, 1)),
        ] {
            assert_eq!(shape(rule), expected, "{rule}");
        }
    }
}
