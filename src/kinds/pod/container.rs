//! A container beside the main one: the same words, without what belongs to the whole pod.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{EnvFrom, EnvValue, Mount, Plain, Port, Probe, ProbeName, Resources};
use crate::dsl::form::{Block, Keyed, Repeated};
use crate::names::{EnvVarName, Name, PortName};
use crate::values::image::{Digest, ImageRepository, Version};

/// The version of an image: `version "2.14.0" digest="sha256:…"`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["tag"]}))]
pub struct Release {
    /// Tag of the image. Quote fractions: `1.10` without quotes would be 1.1.
    #[serde(default)]
    pub tag: Option<Version>,
    /// Digest of the image. It wins over the tag, so what runs cannot change.
    #[serde(default)]
    pub digest: Option<Digest>,
}

impl Release {
    /// The whole reference of an image of this version.
    pub fn of(&self, image: &ImageRepository) -> String {
        let mut reference = image.to_string();
        if let Some(tag) = &self.tag {
            reference.push(':');
            reference.push_str(tag.as_str());
        }
        if let Some(digest) = &self.digest {
            reference.push('@');
            reference.push_str(digest.as_str());
        }
        reference
    }
}

/// A container beside the main one, in the same pod.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Container {
    /// Repository of the image, without its tag.
    pub image: ImageRepository,
    /// Version of the image.
    #[serde(default)]
    pub version: Option<Release>,
    /// Program to run. Default: the image's entry point.
    #[serde(default)]
    pub command: Vec<Plain>,
    /// Arguments of the program. Default: those of the image.
    #[serde(default)]
    pub args: Vec<Plain>,
    /// Environment variables.
    #[serde(default)]
    pub env: Block<EnvVarName, EnvValue>,
    /// All keys of a secret or a configuration as environment variables.
    #[serde(default)]
    pub env_from: Repeated<EnvFrom>,
    /// Port that it listens on. Names and numbers are unique in the pod. Not for `init`.
    #[serde(default)]
    pub port: Keyed<PortName, Port>,
    /// Probe of the container. Not for `init`.
    #[serde(default)]
    pub probe: Keyed<ProbeName, Probe>,
    /// CPU, memory and devices.
    #[serde(default)]
    pub resources: Resources,
    /// Volume or configuration of the same resource that it mounts: `mount data "/data"`.
    #[serde(default)]
    pub mount: Keyed<Name, Mount>,
    /// Whether its own file system is read-only. Default: it is.
    #[serde(default = "on")]
    pub read_only_root: bool,
}

fn on() -> bool {
    true
}
