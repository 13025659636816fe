//! A test of the platform's description: what must hold once everything is composed, and what must be
//! refused. It is written like a resource and becomes nothing.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::project::LetValue;
use crate::dsl::form::Repeated;
use crate::dsl::schema::{Home, KindSchema, SchemaError};
use crate::names::reference::{EnvironmentRef, TenantRef};

/// What must hold in the description of the platform, checked by `kubemate test` without a cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["name"]}))]
pub struct Test {
    /// What is tested, as a sentence.
    pub name: String,
    /// Environments that it is run for. Default: all.
    #[serde(default)]
    pub env: Vec<EnvironmentRef>,
    /// Something that must hold.
    #[serde(default)]
    pub expect: Repeated<Expect>,
    /// Resources that must be refused, with the reason: `reject "why" { … }`.
    #[serde(default)]
    pub reject: Repeated<Reject>,
}

/// One value that must be so: of a resource, `app=NAME`, or of an object that it becomes,
/// `object="KIND/NAME"`; one of `equals`, `at-least`, `at-most`, `contains` and `absent`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(transform = subjects)]
pub struct Expect {
    /// Object as rendered, as in `"Deployment/checkout"`.
    #[serde(default)]
    pub object: Option<String>,
    /// Tenant of the resource, or the tenant itself where nothing else is named.
    #[serde(default)]
    pub tenant: Option<TenantRef>,
    /// Path of the field, as in `autoscale.min` or `spec.hostnames[0]`. Default: the whole thing.
    #[serde(default)]
    pub field: Option<String>,
    /// The value is this.
    #[serde(default)]
    pub equals: Option<LetValue>,
    /// The number, amount or time is this or more.
    #[serde(default)]
    pub at_least: Option<LetValue>,
    /// The number, amount or time is this or less.
    #[serde(default)]
    pub at_most: Option<LetValue>,
    /// The text has this part, or the list this element, or the map this key.
    #[serde(default)]
    pub contains: Option<LetValue>,
    /// There is no such field, resource or object.
    #[serde(default)]
    pub absent: bool,
    /// The resource, by its kind.
    #[serde(flatten)]
    pub subject: BTreeMap<String, String>,
}

/// Resources that must be refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["why"]}))]
pub struct Reject {
    /// Why they must be refused.
    pub why: String,
}

impl Expect {
    /// Kind and name of the resource that is looked at.
    pub fn resource(&self) -> Option<(&str, &str)> {
        let named = self
            .subject
            .iter()
            .next()
            .map(|(kind, name)| (kind.as_str(), name.as_str()));
        let tenant = self.tenant.as_ref().filter(|_| self.object.is_none());
        named.or_else(|| Some(("tenant", tenant?.name())))
    }
}

/// Every kind is a field: `app=checkout`.
fn subjects(schema: &mut schemars::Schema) {
    schema.insert("additionalProperties".into(), Value::Bool(false));
    let Some(Value::Object(fields)) = schema.get_mut("properties") else {
        return;
    };
    for kind in super::NAMES.iter().filter(|kind| **kind != "tenant") {
        let about = format!("Name of the {kind} that is looked at.");
        fields.insert(
            (*kind).to_owned(),
            json!({ "type": "string", "description": about }),
        );
    }
}

/// The schema of test nodes, compiled on first use.
pub fn schema() -> Option<&'static KindSchema> {
    static COMPILED: LazyLock<Result<KindSchema, SchemaError>> =
        LazyLock::new(|| KindSchema::compile::<Test>("test", Home::Either, &[]));
    COMPILED.as_ref().ok()
}
