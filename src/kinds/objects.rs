//! What a kind asks to be rendered: a template with its data, per object. Plain values; the renderer
//! runs the templates and checks what comes out.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::object::{ObjectKey, ObjectRules};
use crate::source::FileId;

/// One object, or a small group from one template.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectRequest {
    /// The template's path below `templates/`, as in `app/deployment.yaml.j2`.
    pub template: &'static str,
    /// What the template sees.
    pub data: Map<String, Value>,
    /// Which field of the resource a part of the data comes from: pointer in `data` to pointer in
    /// the resource. Parts below a listed one map below it.
    pub origins: BTreeMap<String, String>,
    /// Objects that must be healthy before this one is written.
    pub needs: Vec<ObjectKey>,
    /// What may be done to the object beyond create and update.
    pub rules: ObjectRules,
}

impl ObjectRequest {
    /// A template without data.
    pub fn new(template: &'static str) -> Self {
        Self {
            template,
            data: Map::new(),
            origins: BTreeMap::new(),
            needs: Vec::new(),
            rules: ObjectRules::default(),
        }
    }

    /// Adds data that comes from the resource's field at `origin` (`""` for the whole resource).
    /// What cannot be JSON is left out; the template's strict undefined then names it.
    #[must_use]
    pub fn with(mut self, name: &str, value: &impl Serialize, origin: &str) -> Self {
        if let Ok(value) = serde_json::to_value(value) {
            self.data.insert(name.to_owned(), value);
            self.origins.insert(format!("/{name}"), origin.to_owned());
        }
        self
    }

    /// Adds data that no single field decides.
    #[must_use]
    pub fn set(mut self, name: &str, value: &impl Serialize) -> Self {
        if let Ok(value) = serde_json::to_value(value) {
            self.data.insert(name.to_owned(), value);
        }
        self
    }

    /// Adds an object that must be healthy first.
    #[must_use]
    pub fn needs(mut self, key: ObjectKey) -> Self {
        self.needs.push(key);
        self
    }

    /// Sets what may be done beyond create and update.
    #[must_use]
    pub fn rules(mut self, rules: ObjectRules) -> Self {
        self.rules = rules;
        self
    }
}

/// A file whose objects are wanted as they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verbatim {
    /// Where it is.
    pub path: String,
    /// Its id in the tree.
    pub file: FileId,
    /// What it says.
    pub text: String,
    /// Kinds that may occur in it.
    pub kinds: Vec<String>,
}

/// Collects the requests of one resource.
#[derive(Debug, Default)]
pub struct Objects {
    /// In the order of asking; output order is that of object keys.
    pub requests: Vec<ObjectRequest>,
    /// Files of objects as they are written.
    pub verbatim: Vec<Verbatim>,
    /// Problems that only rendering can find; each on the field at the pointer.
    pub problems: Vec<(String, String)>,
}

impl Objects {
    /// Asks for an object.
    pub fn push(&mut self, request: ObjectRequest) {
        self.requests.push(request);
    }

    /// Asks for the objects of a file.
    pub fn verbatim(&mut self, file: Verbatim) {
        self.verbatim.push(file);
    }

    /// Says that the field at `pointer` cannot be rendered, and why.
    pub fn refuse(&mut self, pointer: &str, why: impl Into<String>) {
        self.problems.push((pointer.to_owned(), why.into()));
    }
}
