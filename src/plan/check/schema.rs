//! Objects of a kind that the same plan brings, against the schema of its CRD: nobody else can check them
//! before the CRD is there.
//!
//! The structural part of the schema is checked, unknown fields included. Rules in CEL are the API
//! server's alone; it is asked right before the object is written.

use jsonschema::error::ValidationErrorKind;
use serde_json::{Map, Value, json};

use crate::object::{Manifest, ObjectKey};
use crate::plan::check::Input;
use crate::plan::draft::Draft;
use crate::plan::managed::escape;
use crate::plan::{Finding, Level, Rule};

/// Problems of one object that are told at most.
const MOST: usize = 20;

/// What the CRD of the same plan would refuse.
pub(super) fn planned(input: Input<'_>) -> Vec<Finding> {
    let unsure = input
        .drafts
        .iter()
        .filter(|draft| draft.action.unverified().is_some());
    unsure
        .flat_map(|draft| refused(input, draft).unwrap_or_default())
        .collect()
}

fn refused(input: Input<'_>, draft: &Draft<'_>) -> Option<Vec<Finding>> {
    let manifest = &draft.desired?.manifest;
    let schema = planned_schema(input, &draft.key, manifest)?;
    // A schema that we cannot read says nothing; the API server will.
    let schema = jsonschema::draft202012::new(&root(&schema)).ok()?;
    let problems = schema.iter_errors(&manifest.body).take(MOST);
    let findings = problems.map(|problem| {
        let mut pointer = problem.instance_path().to_string();
        if let ValidationErrorKind::AdditionalProperties { unexpected } = problem.kind()
            && let Some(name) = unexpected.first()
        {
            pointer = format!("{pointer}/{}", escape(name));
        }
        let field = pointer.trim_start_matches('/').replace('/', ".");
        // Values are left out, for they may be secret.
        let message = format!(
            "its CRD, which this plan brings, refuses `{field}`: {}",
            problem.masked()
        );
        let finding = draft
            .finding(Level::Error, Rule::Refused, message)
            .help("correct the field, or the schema of the CRD");
        draft.about_field(finding, &pointer)
    });
    Some(findings.collect())
}

/// The schema of the version that an object speaks, from a CRD that Git wants.
fn planned_schema(input: Input<'_>, key: &ObjectKey, manifest: &Manifest) -> Option<Value> {
    let version = manifest.api_version.rsplit('/').next().unwrap_or_default();
    let wanted = input.context.rendered.objects.values();
    let crds = wanted.map(|desired| &desired.manifest.body);
    let text = |body: &Value, pointer: &str| {
        let found = body.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_default().to_owned()
    };
    let crd = crds.into_iter().find(|body| {
        text(body, "/kind") == "CustomResourceDefinition"
            && text(body, "/spec/group") == key.group_kind.group
            && text(body, "/spec/names/kind") == key.group_kind.kind
    })?;
    let versions = crd.pointer("/spec/versions")?.as_array()?;
    let found = versions.iter().find(|v| text(v, "/name") == version)?;
    found.pointer("/schema/openAPIV3Schema").cloned()
}

/// The schema of a whole object: what every object has is not the CRD's to describe.
fn root(schema: &Value) -> Value {
    let mut out = strict(schema);
    if let Some(map) = out.as_object_mut() {
        let fields = map.entry("properties").or_insert_with(|| json!({}));
        if let Some(fields) = fields.as_object_mut() {
            for name in ["apiVersion", "kind", "metadata"] {
                fields.insert(name.into(), json!(true));
            }
        }
    }
    out
}

/// A structural schema as JSON Schema, with unknown fields refused as the API server is told to.
fn strict(schema: &Value) -> Value {
    let Value::Object(map) = schema else {
        return schema.clone();
    };
    let on = |name: &str| map.get(name) == Some(&Value::Bool(true));
    let mut out = Map::new();
    for (name, value) in map {
        match (name.as_str(), value) {
            ("properties", Value::Object(fields)) => {
                let fields = fields.iter().map(|(n, s)| (n.clone(), strict(s)));
                out.insert(name.clone(), Value::Object(fields.collect()));
            }
            ("items" | "additionalProperties", below) => {
                out.insert(name.clone(), strict(below));
            }
            ("exclusiveMinimum" | "exclusiveMaximum", Value::Bool(true)) => {
                let bound = if name == "exclusiveMinimum" {
                    "minimum"
                } else {
                    "maximum"
                };
                out.extend(map.get(bound).map(|bound| (name.clone(), bound.clone())));
            }
            ("exclusiveMinimum" | "exclusiveMaximum", Value::Bool(false))
            | ("nullable" | "example" | "default" | "format", _) => {}
            (other, _) if other.starts_with("x-kubernetes-") => {}
            _ => drop(out.insert(name.clone(), value.clone())),
        }
    }
    if on("nullable")
        && let Some(kind) = out.get("type").cloned()
    {
        out.insert("type".into(), json!([kind, "null"]));
    }
    if on("x-kubernetes-int-or-string") {
        out.insert("type".into(), json!(["integer", "string"]));
    }
    let open = on("x-kubernetes-preserve-unknown-fields");
    if on("x-kubernetes-embedded-resource")
        && let Some(Value::Object(fields)) = out.get_mut("properties")
    {
        for name in ["apiVersion", "kind", "metadata"] {
            fields.insert(name.into(), json!(true));
        }
    }
    if out.contains_key("properties") && !open && !out.contains_key("additionalProperties") {
        out.insert("additionalProperties".into(), json!(false));
    }
    Value::Object(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(schema: &Value, body: &Value) -> Vec<String> {
        let schema = jsonschema::draft202012::new(&root(schema)).unwrap();
        let problems = schema.iter_errors(body);
        problems.map(|p| p.instance_path().to_string()).collect()
    }

    #[test]
    fn a_structural_schema_is_read_as_the_api_server_reads_it() {
        let schema = json!({"type": "object", "properties": {
            "metadata": {"type": "object"},
            "spec": {"type": "object", "required": ["size"], "properties": {
                "size": {"type": "integer", "minimum": 0, "exclusiveMinimum": true, "format": "int32"},
                "port": {"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}]},
                "note": {"type": "string", "nullable": true},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true,
                    "properties": {"known": {"type": "string"}}},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "mode": {"type": "string", "enum": ["a", "b"], "x-kubernetes-validations": [{"rule": "false"}]},
                "list": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}}}}}});
        let with = |spec: Value| {
            json!({"apiVersion": "x/v1", "kind": "X", "metadata": {"name": "a", "labels": {"a": "b"}},
                "spec": spec})
        };
        let good = json!({"size": 1, "port": "http", "note": null, "free": {"any": 1}, "labels": {"a": "b"},
            "mode": "a", "list": [{"n": 1}]});
        assert!(verdict(&schema, &with(good)).is_empty());
        for (spec, place) in [
            (json!({}), "/spec"),
            (json!({"size": 0}), "/spec/size"),
            (json!({"size": 1, "port": true}), "/spec/port"),
            (json!({"size": 1, "sice": 2}), "/spec"),
            (json!({"size": 1, "labels": {"a": 1}}), "/spec/labels/a"),
            (json!({"size": 1, "mode": "c"}), "/spec/mode"),
            (
                json!({"size": 1, "list": [{"n": 1}, {"m": 1}]}),
                "/spec/list/1",
            ),
        ] {
            let found = verdict(&schema, &with(spec.clone()));
            assert!(found.iter().any(|p| p == place), "{spec}: {found:?}");
        }
    }
}
