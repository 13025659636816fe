//! Which values must never be shown, decided on the object's real kind, on both sides of a change.

use serde_json::Value;

use crate::object::{GroupKind, ObjectRules};
use crate::plan::diff::Shown;
use crate::plan::observed::ApiProblem;

/// What stands in place of a secret wherever a value is printed inside another one.
pub const MASK: &str = "••••••••";

/// Words in the name of an environment variable that make its literal value a secret.
const SECRET_WORDS: [&str; 9] = [
    "password",
    "passwd",
    "secret",
    "token",
    "apikey",
    "api_key",
    "private_key",
    "credential",
    "access_key",
];

/// The masking rules for one object.
#[derive(Debug, Clone)]
pub struct Mask {
    secret_kind: bool,
    fields: Vec<String>,
}

impl Mask {
    /// For an object of a kind with these rules.
    pub fn new(group_kind: &GroupKind, rules: Option<&ObjectRules>) -> Self {
        let secret_kind = *group_kind == GroupKind::new("", "Secret");
        Self {
            secret_kind,
            fields: rules.map(|r| r.secret_fields.clone()).unwrap_or_default(),
        }
    }

    /// Whether a field, or everything below it, is secret.
    pub fn hides(&self, pointer: &str) -> bool {
        let below = |field: &str| {
            pointer == field
                || pointer
                    .strip_prefix(field)
                    .is_some_and(|r| r.starts_with('/'))
        };
        let secret = self.secret_kind && ["/data", "/stringData"].iter().any(|f| below(f));
        let last_applied = pointer.contains("/annotations/kubectl.kubernetes.io~1last-applied");
        secret || last_applied || self.fields.iter().any(|field| below(field))
    }

    /// A value as it may be shown at a field.
    pub fn shown(&self, pointer: &str, value: Option<&Value>) -> Shown {
        match value {
            None => Shown::Absent,
            Some(_) if self.hides(pointer) => Shown::Masked,
            Some(value) => Shown::Plain(self.inside(pointer, value)),
        }
    }

    /// A value with every secret inside replaced.
    fn inside(&self, pointer: &str, value: &Value) -> Value {
        if self.hides(pointer) {
            return MASK.into();
        }
        match value {
            Value::Object(map) => {
                let secret = is_secret_variable(value);
                let one = |(name, below): (&String, &Value)| {
                    let at = format!("{pointer}/{}", crate::plan::managed::escape(name));
                    let hide = secret && name == "value";
                    (
                        name.clone(),
                        if hide {
                            MASK.into()
                        } else {
                            self.inside(&at, below)
                        },
                    )
                };
                Value::Object(map.iter().map(one).collect())
            }
            Value::Array(items) => {
                let one = |(i, item)| self.inside(&format!("{pointer}/{i}"), item);
                Value::Array(items.iter().enumerate().map(one).collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
        }
    }

    /// The server's words about the object: those that may quote a secret are left out.
    pub fn words(&self, problem: &ApiProblem) -> String {
        if !self.secret_kind && self.fields.is_empty() {
            return problem.message.clone();
        }
        let fields: Vec<&str> = problem
            .causes
            .iter()
            .map(|cause| cause.field.as_str())
            .collect();
        match fields.as_slice() {
            [] => format!(
                "{} (the message is withheld, the object holds secrets)",
                problem.reason
            ),
            fields => format!("{}: {}", problem.reason, fields.join(", ")),
        }
    }
}

/// Whether a map is an environment variable whose name says that its value is a secret.
pub fn is_secret_variable(value: &Value) -> bool {
    let name = value
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_ascii_lowercase();
    value.get("value").is_some_and(Value::is_string)
        && SECRET_WORDS.iter().any(|word| name.contains(word))
}
