//! Environment variables: a value, a key of a secret, or a fact about the pod.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Plain;
use crate::names::reference::SecretRef;
use crate::names::{ConfigKey, EnvVarName, Name};

/// Annotation of pods: names of variables whose value is no secret, although they sound like one.
pub const PUBLIC: &str = "kubemate.dev/public";

/// Where an environment variable gets its value: one of `value`, `secret`, `config` and `fact`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["value"]}))]
pub struct EnvValue {
    /// The value itself.
    #[serde(default)]
    pub value: Option<Plain>,
    /// Secret that holds the value.
    #[serde(default)]
    pub secret: Option<SecretRef>,
    /// Configuration of the same resource that holds the value.
    #[serde(default)]
    pub config: Option<Name>,
    /// Key in the secret or the configuration.
    #[serde(default)]
    pub key: Option<ConfigKey>,
    /// Fact about the running pod.
    #[serde(default)]
    pub fact: Option<Fact>,
    /// Whether the pod starts without the secret's key. Default: it does not.
    #[serde(default)]
    pub optional: bool,
    /// Says that a literal is no secret, although the variable's name sounds like one.
    #[serde(default)]
    pub public: bool,
}

/// A fact about the running pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fact {
    /// Name of the pod.
    PodName,
    /// Address of the pod.
    PodIp,
    /// UID of the pod.
    PodUid,
    /// Namespace of the pod.
    Namespace,
    /// Name of the node.
    NodeName,
    /// Address of the node.
    NodeIp,
}

impl Fact {
    /// The field of the pod.
    pub const fn field(self) -> &'static str {
        match self {
            Self::PodName => "metadata.name",
            Self::PodIp => "status.podIP",
            Self::PodUid => "metadata.uid",
            Self::Namespace => "metadata.namespace",
            Self::NodeName => "spec.nodeName",
            Self::NodeIp => "status.hostIP",
        }
    }
}

/// All keys of a secret or of a configuration as environment variables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EnvFrom {
    /// Secret whose keys become variables.
    #[serde(default)]
    pub secret: Option<SecretRef>,
    /// Configuration of the same resource whose keys become variables.
    #[serde(default)]
    pub config: Option<Name>,
    /// Put in front of every key.
    #[serde(default)]
    pub prefix: Option<EnvVarName>,
}
