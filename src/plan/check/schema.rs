//! Objects that the API server cannot be asked about yet, against the schema of their CRD: one that the
//! same plan brings, or one that is served while the object's namespace is still to be made.
//!
//! The structural part is checked with unknown fields included, and then the rules in CEL. The API
//! server has the last word right before the object is written.

use std::collections::BTreeMap;

use jsonschema::error::ValidationErrorKind;
use kube::core::cel::apply_defaults;
use serde_json::{Map, Value, json};

use crate::object::{GroupKind, Manifest};
use crate::plan::check::{Input, cel};
use crate::plan::draft::Draft;
use crate::plan::managed::escape;
use crate::plan::{Finding, Level, Rule};

/// Problems of one object that are told at most.
const MOST: usize = 20;

/// A kind in one version.
type Version<'a> = (&'a GroupKind, &'a str);

/// A schema as it stands in a CRD, and ready to judge whole objects.
struct Schema {
    text: Value,
    /// Whose it is, for messages.
    whose: &'static str,
    form: jsonschema::Validator,
}

/// What their CRDs would refuse.
pub(super) fn unasked(input: Input<'_>) -> Vec<Finding> {
    let mut schemas: BTreeMap<Version<'_>, Option<Schema>> = BTreeMap::new();
    let mut findings = Vec::new();
    for draft in input.drafts {
        let Some(desired) = draft
            .desired
            .filter(|_| draft.action.unverified().is_some())
        else {
            continue;
        };
        let manifest = &desired.manifest;
        let version = (&manifest.key.group_kind, version_of(manifest));
        let schema = schemas
            .entry(version)
            .or_insert_with(|| Schema::find(input, version));
        if let Some(schema) = schema {
            findings.extend(schema.refused(draft, manifest));
        }
    }
    findings
}

fn version_of(manifest: &Manifest) -> &str {
    manifest.api_version.rsplit('/').next().unwrap_or_default()
}

impl Schema {
    /// From a CRD that Git wants, else from one that is served. One that we cannot read says nothing.
    fn find(input: Input<'_>, version: Version<'_>) -> Option<Self> {
        let planned =
            planned(input, version).map(|text| (text, "its CRD, which this plan brings,"));
        let (text, whose) = planned.or_else(|| Some((served(input, version)?, "its CRD")))?;
        let form = jsonschema::draft202012::new(&root(&text)).ok()?;
        Some(Self { text, whose, form })
    }

    fn refused(&self, draft: &Draft<'_>, manifest: &Manifest) -> Vec<Finding> {
        let body = apply_defaults(&self.text, &manifest.body);
        let malformed = self.form.iter_errors(&body).take(MOST).map(|problem| {
            let mut pointer = problem.instance_path().to_string();
            if let ValidationErrorKind::AdditionalProperties { unexpected } = problem.kind()
                && let Some(name) = unexpected.first()
            {
                pointer = format!("{pointer}/{}", escape(name));
            }
            // Values are left out, for they may be secret.
            (pointer, problem.masked().to_string())
        });
        let mut problems: Vec<(String, String)> = malformed.collect();
        // Rules are written for objects of the right form.
        if problems.is_empty() {
            let broken = cel::broken(&self.text, manifest, &body);
            problems.extend(
                broken
                    .into_iter()
                    .take(MOST)
                    .map(|b| (b.pointer, b.message)),
            );
        }
        let finding = |(pointer, why): (String, String)| {
            let field = pointer.trim_start_matches('/').replace('/', ".");
            let what = match field.as_str() {
                "" => "it".to_owned(),
                field => format!("`{field}`"),
            };
            let message = format!("{} refuses {what}: {why}", self.whose);
            let finding = draft
                .finding(Level::Error, Rule::Refused, message)
                .help("correct the field, or the schema of the CRD");
            draft.about_field(finding, &pointer)
        };
        problems.into_iter().map(finding).collect()
    }
}

/// The schema of a version in a CRD that Git wants.
fn planned(input: Input<'_>, (group_kind, version): Version<'_>) -> Option<Value> {
    let wanted = input.context.rendered.objects.values();
    let mut crds = wanted.map(|desired| &desired.manifest.body);
    let crd = crds.find(|body| defines(body, group_kind))?;
    of_version(crd, version)
}

/// The schema of a version in a CRD that is served.
fn served(input: Input<'_>, (group_kind, version): Version<'_>) -> Option<Value> {
    let mut crds = input.context.world.definitions.iter();
    of_version(crds.find(|body| defines(body, group_kind))?, version)
}

fn defines(body: &Value, group_kind: &GroupKind) -> bool {
    let text = |pointer| body.pointer(pointer).and_then(Value::as_str);
    text("/kind") == Some("CustomResourceDefinition")
        && text("/spec/group") == Some(group_kind.group.as_str())
        && text("/spec/names/kind") == Some(group_kind.kind.as_str())
}

fn of_version(crd: &Value, version: &str) -> Option<Value> {
    let versions = crd.pointer("/spec/versions")?.as_array()?;
    let named = |v: &&Value| v.get("name").and_then(Value::as_str) == Some(version);
    versions
        .iter()
        .find(named)?
        .pointer("/schema/openAPIV3Schema")
        .cloned()
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
