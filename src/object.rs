//! Kubernetes objects as plain data: identity, checked manifests and what one set renders to.
//!
//! Nothing here talks to a cluster. A [`Manifest`] exists only with a checked identity, so inner code
//! never asks whether there is a name.

pub mod along;
pub(crate) mod canonical;
pub mod keyed;
pub mod sealed;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::canonical::canonical;
use self::sealed::Sealed;
use crate::dsl::diagnostic::Span;

/// API group and kind, the unit of watches and of health rules. Two groups may share a kind name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GroupKind {
    /// The API group, empty for the core group.
    pub group: String,
    /// The kind, as in `Deployment`.
    pub kind: String,
}

impl GroupKind {
    /// A group and a kind.
    pub fn new(group: &str, kind: &str) -> Self {
        Self {
            group: group.into(),
            kind: kind.into(),
        }
    }
}

impl fmt::Display for GroupKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.group.as_str() {
            "" => f.write_str(&self.kind),
            group => write!(f, "{}.{group}", self.kind),
        }
    }
}

impl fmt::Debug for GroupKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The identity of one object in a cluster. The API version is not part of it: the same object is
/// served under several.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "Flat")]
pub struct ObjectKey {
    /// Group and kind.
    #[serde(flatten)]
    pub group_kind: GroupKind,
    /// The namespace, `None` for cluster-scoped objects.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

/// A key as it is written. Reading flattened fields sets each of them aside first, which costs more than
/// all the rest of a large inventory.
#[derive(Deserialize)]
struct Flat {
    group: String,
    kind: String,
    namespace: Option<String>,
    name: String,
}

impl From<Flat> for ObjectKey {
    fn from(flat: Flat) -> Self {
        let Flat {
            group,
            kind,
            namespace,
            name,
        } = flat;
        Self {
            group_kind: GroupKind { group, kind },
            namespace,
            name,
        }
    }
}

impl ObjectKey {
    /// The object as it is named on a command line: `KIND/NAME` or `KIND/NAMESPACE/NAME`, the kind with
    /// its group.
    pub fn selector(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{}/{namespace}/{}", self.group_kind, self.name),
            None => format!("{}/{}", self.group_kind, self.name),
        }
    }

    /// Whether a name from a command line means this object; the group of the kind may be left out.
    pub fn is_selected_by(&self, text: &str) -> bool {
        let (kind, rest) = text.split_once('/').unwrap_or((text, ""));
        let same = kind == self.group_kind.kind || kind == self.group_kind.to_string();
        same && self.selector().split_once('/').map(|(_, rest)| rest) == Some(rest)
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{}/{} in {namespace}", self.group_kind, self.name),
            None => write!(f, "{}/{}", self.group_kind, self.name),
        }
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a document is not an object that can be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Not a mapping.
    #[error("the document is not a mapping")]
    NotAMapping,
    /// A field that identifies it is missing or not text.
    #[error("`{0}` is missing or is not text")]
    Missing(&'static str),
    /// A field that the API server alone may decide.
    #[error("`{0}` must not be written: {1}")]
    Forbidden(&'static str, &'static str),
    /// `apiVersion` is not `version` or `group/version`.
    #[error("`{0}` is not an API version")]
    ApiVersion(String),
    /// A name or namespace the API server would refuse.
    #[error(
        "`{0}` is not a valid name of an object: lower-case letters, digits, `-` and `.`, at most 253 characters"
    )]
    Name(String),
}

/// A document with a checked identity, ready to be sent.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Which object.
    pub key: ObjectKey,
    /// `apiVersion` as rendered, as in `apps/v1`.
    pub api_version: String,
    /// The whole document, `apiVersion`, `kind` and `metadata` included.
    pub body: Value,
}

impl Manifest {
    /// Checks the identity of a document.
    pub fn new(body: Value) -> Result<Self, ManifestError> {
        let map = body.as_object().ok_or(ManifestError::NotAMapping)?;
        let text = |v: Option<&Value>, what| {
            v.and_then(Value::as_str)
                .filter(|s| !s.is_empty())
                .map(str::to_owned)
                .ok_or(ManifestError::Missing(what))
        };
        let api_version = text(map.get("apiVersion"), "apiVersion")?;
        let kind = text(map.get("kind"), "kind")?;
        let group = match api_version.split('/').collect::<Vec<_>>()[..] {
            [version] if !version.is_empty() => String::new(),
            [group, version] if !group.is_empty() && !version.is_empty() => group.to_owned(),
            _ => return Err(ManifestError::ApiVersion(api_version)),
        };
        let metadata = map.get("metadata").and_then(Value::as_object);
        let metadata = metadata.ok_or(ManifestError::Missing("metadata"))?;
        if metadata.contains_key("generateName") {
            let why = "an object without a fixed name cannot be kept";
            return Err(ManifestError::Forbidden("metadata.generateName", why));
        }
        let name = text(metadata.get("name"), "metadata.name")?;
        let namespace = match metadata.get("namespace") {
            None => None,
            some => Some(text(some, "metadata.namespace")?),
        };
        for name in [Some(&name), namespace.as_ref()].into_iter().flatten() {
            if !valid_name(name, &group) {
                return Err(ManifestError::Name(name.clone()));
            }
        }
        let key = ObjectKey {
            group_kind: GroupKind { group, kind },
            namespace,
            name,
        };
        Ok(Self {
            key,
            api_version,
            body,
        })
    }

    /// A field by JSON pointer.
    pub fn field(&self, pointer: &str) -> Option<&Value> {
        self.body.pointer(pointer)
    }
}

/// RBAC names may hold colons and upper case; everything else is a DNS subdomain.
fn valid_name(name: &str, group: &str) -> bool {
    let rbac = group == "rbac.authorization.k8s.io";
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    let loose = |c: char| rbac && (c == ':' || c.is_ascii_uppercase() || c == '_');
    name.len() <= 253
        && name.chars().all(|c| plain(c) || loose(c))
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric())
}

/// The document's identity only: bodies may hold what must not be printed.
impl fmt::Debug for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Manifest({} {})", self.api_version, self.key)
    }
}

/// Who a set belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Owner {
    /// The platform team: written by kubemate's own account.
    Platform,
    /// One tenant: every write carries the identity of the tenant's ServiceAccount.
    Tenant(String),
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Platform => f.write_str("platform"),
            Self::Tenant(name) => f.write_str(name),
        }
    }
}

/// The unit of plan, apply, inventory, identity and failure.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SetId {
    /// The project that renders it.
    pub project: String,
    /// The cluster's name in the project.
    pub cluster: String,
    /// Who owns it.
    pub owner: Owner,
    /// The environment.
    pub environment: String,
}

impl SetId {
    /// The value of the set label: `PROJECT.ENVIRONMENT.OWNER` where it fits into 63 characters and
    /// is unambiguous, else a digest. The cluster is not part of it, an object lives in one only.
    pub fn label(&self) -> String {
        let owner = match &self.owner {
            Owner::Platform => "platform".to_owned(),
            Owner::Tenant(name) => format!("t-{name}"),
        };
        let plain = format!("{}.{}.{owner}", self.project, self.environment);
        if plain.len() <= 63 && plain.matches('.').count() == 2 {
            return plain;
        }
        let hash = blake3::hash(plain.as_bytes()).to_hex();
        format!("s-{}", &hash[..40])
    }
}

impl fmt::Display for SetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.cluster, self.environment, self.owner)
    }
}

/// The label that marks every object of a set; on top-level metadata only, never on pod templates.
pub const SET_LABEL: &str = "kubemate.dev/set";
/// The field manager of every write of desired state.
pub const FIELD_MANAGER: &str = "kubemate";

/// Which KDL put a value into a rendered field. Pointers are into the manifest's body.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceMap {
    /// The resource's own node, for fields without an entry of their own.
    pub node: Option<Span>,
    /// Field to the places that decided it, the winning one first.
    pub fields: BTreeMap<String, Vec<Span>>,
}

impl SourceMap {
    /// The places for a field: its own, else those of its nearest ancestor, else of a descendant,
    /// else the node.
    pub fn find(&self, pointer: &str) -> Vec<Span> {
        let mut at = pointer;
        loop {
            if let Some(spans) = self.fields.get(at) {
                return spans.clone();
            }
            match at.rsplit_once('/') {
                Some((parent, _)) => at = parent,
                None => break,
            }
        }
        let below = format!("{pointer}/");
        let below = self
            .fields
            .range(below.clone()..)
            .next()
            .filter(|(k, _)| k.starts_with(&below));
        below
            .map(|(_, spans)| spans.clone())
            .or_else(|| self.node.map(|s| vec![s]))
            .unwrap_or_default()
    }
}

/// The platform resource that an object comes from, as in `app/checkout`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ResourceId {
    /// The kind's name in KDL.
    pub kind: String,
    /// The tenant, `None` for resources of the platform.
    pub tenant: Option<String>,
    /// The name.
    pub name: String,
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.tenant {
            Some(tenant) => write!(f, "{}/{tenant}/{}", self.kind, self.name),
            None => write!(f, "{}/{}", self.kind, self.name),
        }
    }
}

/// One object as a commit wants it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Desired {
    /// The object.
    pub manifest: Manifest,
    /// The resource it comes from.
    pub resource: ResourceId,
    /// KDL places per field.
    pub source: SourceMap,
    /// Objects that must be healthy before this one is written (`needs`, `before deploy`).
    pub needs: Vec<ObjectKey>,
    /// What may be done to the object beyond create and update.
    pub rules: ObjectRules,
}

/// Per-object permissions and promises, each off unless the KDL says so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ObjectRules {
    /// An existing object that no set owns may be taken over.
    pub adopt: bool,
    /// A change of an immutable field may delete and create the object again.
    pub replace: bool,
    /// Run to completion: never applied again while its run key stays the same.
    pub run_key: Option<String>,
    /// Fields left to another manager when that manager owns them (JSON pointers).
    pub yield_fields: Vec<String>,
    /// Fields whose values are never shown (JSON pointers), beyond the data of Secrets.
    pub secret_fields: Vec<String>,
    /// The object whose data this one takes over, when its name or namespace changed.
    pub moved_from: Option<ObjectKey>,
    /// The encrypted file that the data comes from, decrypted only in what is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sealed: Option<Box<Sealed>>,
}

/// Everything one set wants, in key order. An empty one says that nothing is wanted, and exists only
/// as the result of a complete, error-free render.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rendered {
    /// The set.
    pub set: SetId,
    /// Objects by key.
    #[serde(with = "keyed")]
    pub objects: BTreeMap<ObjectKey, Desired>,
}

impl Rendered {
    /// Digest over identity and content of all objects, independent of spans and commit.
    pub fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for (key, desired) in &self.objects {
            hasher.update(format!("{key:?}\0").as_bytes());
            hasher.update(canonical(&desired.manifest.body).as_bytes());
        }
        format!("b3:{}", hasher.finalize().to_hex())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn identity_is_checked() {
        let ok = json!({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a","namespace":"n"}});
        assert_eq!(
            Manifest::new(ok).unwrap().key.to_string(),
            "Deployment.apps/a in n"
        );
        for bad in [
            json!([]),
            json!({"apiVersion":"a/b/c","kind":"X","metadata":{"name":"a"}}),
            json!({"apiVersion":"v1","kind":"X","metadata":{}}),
            json!({"apiVersion":"v1","kind":"X","metadata":{"generateName":"a-","name":"a"}}),
            json!({"apiVersion":"v1","kind":"X","metadata":{"name":"A"}}),
            json!({"apiVersion":"v1","kind":"X","metadata":{"name":"a","namespace":"N"}}),
        ] {
            assert!(Manifest::new(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_key_is_read_as_it_is_written() {
        for (namespace, text) in [
            (
                Some("n"),
                r#"{"group":"apps","kind":"K","namespace":"n","name":"a"}"#,
            ),
            (
                None,
                r#"{"group":"apps","kind":"K","namespace":null,"name":"a"}"#,
            ),
        ] {
            let key = ObjectKey {
                group_kind: GroupKind::new("apps", "K"),
                namespace: namespace.map(str::to_owned),
                name: "a".into(),
            };
            assert_eq!(serde_json::to_string(&key).unwrap(), text);
            assert_eq!(serde_json::from_str::<ObjectKey>(text).unwrap(), key);
        }
        let other = r#"{"name":"a","later":[1],"kind":"K","group":""}"#;
        let key: ObjectKey = serde_json::from_str(other).unwrap();
        assert_eq!(key.to_string(), "K/a");
        for bad in [
            r#"{"group":"","kind":"K"}"#,
            r#"{"group":"","kind":"K","name":"a","name":"b"}"#,
        ] {
            assert!(serde_json::from_str::<ObjectKey>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn set_labels_are_valid_and_distinct() {
        let id = |owner| SetId {
            project: "bank".into(),
            cluster: "c".into(),
            owner,
            environment: "prod".into(),
        };
        assert_eq!(id(Owner::Platform).label(), "bank.prod.platform");
        assert_eq!(
            id(Owner::Tenant("platform".into())).label(),
            "bank.prod.t-platform"
        );
        assert!(id(Owner::Tenant("x".repeat(80))).label().len() <= 63);
    }

    #[test]
    fn canonical_text_does_not_depend_on_key_order() {
        assert_eq!(
            canonical(&json!({"b":[1,{"d":2,"c":3}],"a":"x"})),
            r#"{"a":"x","b":[1,{"c":3,"d":2}]}"#
        );
    }
}
