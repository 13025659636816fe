//! One kind's JSON Schema in every form the language needs: the committed text, the shape for
//! projection, and two validators, one for whole resources and one for fragments.

use std::collections::BTreeMap;

use jsonschema::{PatternOptions, Validator};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::shape::Shape;
use crate::values;

/// Who may write resources of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// Only on platform paths, without `tenant=`.
    Platform,
    /// Belongs to a tenant, which `tenant=` names.
    Tenant,
    /// A tenant's with `tenant=`, the platform's without.
    Either,
    /// The project file only, exactly once.
    Project,
}

/// A kind as data.
pub struct KindSchema {
    /// The node name, as in `app`.
    pub name: &'static str,
    /// Who may write it.
    pub home: Home,
    /// Names that its fields declare: kind of the name and JSON pointer to the map that holds them.
    pub names: &'static [(&'static str, &'static str)],
    /// The schema as committed.
    pub json: Value,
    /// The form in KDL.
    pub shape: Shape,
    full: Validator,
    fragment: Validator,
}

impl KindSchema {
    /// Compiles everything for one kind.
    ///
    /// # Errors
    /// A schema that no validator accepts: a fault of the kind's types, caught by its tests.
    pub fn compile<T: JsonSchema>(
        name: &'static str,
        home: Home,
        names: &'static [(&'static str, &'static str)],
    ) -> Result<Self, SchemaError> {
        let json = generate::<T>();
        let mut open = json.clone();
        drop_required(&mut open);
        let validator =
            |schema: &Value| build(schema).map_err(|reason| SchemaError { kind: name, reason });
        let (full, fragment) = (validator(&json)?, validator(&open)?);
        Ok(Self {
            name,
            home,
            names,
            shape: Shape::compile(&json),
            json,
            full,
            fragment,
        })
    }

    /// The validator for whole resources.
    pub fn full(&self) -> &Validator {
        &self.full
    }

    /// The validator for parts of a resource: nothing is required.
    pub fn fragment(&self) -> &Validator {
        &self.fragment
    }

    /// The schema of the value at an instance path, `$ref`s followed.
    pub fn schema_at(&self, pointer: &str) -> Option<&Value> {
        let start = super::shape::resolve(&self.json, &self.json);
        pointer
            .split('/')
            .skip(1)
            .try_fold(start, |schema, segment| {
                let key = super::node::unescape(segment);
                let property = schema.get("properties").and_then(|p| p.get(&key));
                let next = property
                    .or_else(|| schema.get("additionalProperties").filter(|s| s.is_object()))
                    .or_else(|| schema.get("items"))?;
                Some(super::shape::resolve(&self.json, next))
            })
    }
}

/// A schema that cannot be compiled.
#[derive(Debug, thiserror::Error)]
#[error("the schema of `{kind}` does not compile: {reason}")]
pub struct SchemaError {
    /// The kind.
    pub kind: &'static str,
    /// What the validator said.
    pub reason: String,
}

/// All kinds by name.
pub type Kinds = BTreeMap<&'static str, KindSchema>;

fn build(schema: &Value) -> Result<Validator, String> {
    let mut options = jsonschema::draft202012::options()
        .offline()
        .with_pattern_options(PatternOptions::regex())
        .should_validate_formats(true);
    for format in values::FORMATS {
        options = options.with_format(format.name, move |text: &str| (format.check)(text).is_ok());
    }
    options.build(schema).map_err(|error| error.to_string())
}

/// The schema of a type, in the plain form that people and tools read best.
pub fn generate<T: JsonSchema>() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut json = generator.into_root_schema_for::<T>().to_value();
    simplify(&mut json);
    json
}

/// An absent field is absent, never null; documented enums are enums.
fn simplify(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            unwrap_option(map);
            plain_enum(map);
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|t| t != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    map.insert("type".into(), only);
                }
            }
            if map.get("default").is_some_and(Value::is_null) {
                map.remove("default");
            }
            map.values_mut().for_each(simplify);
        }
        Value::Array(items) => items.iter_mut().for_each(simplify),
        _ => {}
    }
}

fn unwrap_option(map: &mut Map<String, Value>) {
    let Some(Value::Array(branches)) = map.get("anyOf") else {
        return;
    };
    let mut rest = branches
        .iter()
        .filter(|b| b.get("type").is_none_or(|t| t != "null"));
    let (Some(Value::Object(only)), None) = (rest.next().cloned(), rest.next()) else {
        return;
    };
    map.remove("anyOf");
    for (key, value) in only {
        map.entry(key).or_insert(value);
    }
}

fn plain_enum(map: &mut Map<String, Value>) {
    let Some(Value::Array(branches)) = map.get("oneOf") else {
        return;
    };
    let mut values = Vec::new();
    let mut docs = Map::new();
    for branch in branches {
        let about = branch.get("description").cloned();
        match (branch.get("const"), branch.get("enum")) {
            (Some(value), _) => {
                if let (Some(about), Some(name)) = (about, value.as_str()) {
                    docs.insert(name.to_owned(), about);
                }
                values.push(value.clone());
            }
            (None, Some(Value::Array(several))) => values.extend(several.iter().cloned()),
            _ => return,
        }
    }
    map.remove("oneOf");
    map.insert("type".into(), "string".into());
    map.insert("enum".into(), values.into());
    map.insert("x-enum-docs".into(), docs.into());
}

fn drop_required(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if map.get("required").is_some_and(Value::is_array) {
                map.remove("required");
            }
            map.values_mut().for_each(drop_required);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_required),
        _ => {}
    }
}
