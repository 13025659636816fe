//! Configuration that is no secret: files and values in a ConfigMap. A change of its content rolls
//! the pods that read it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Verbatim;
use crate::dsl::form::Keyed;
use crate::names::ConfigKey;
use crate::values::path::{AbsolutePath, RelativePath};

/// Files and values for the program to read. Not for secrets.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// Directory in which every key is a file. Without it the keys can only be used in `env`.
    #[serde(default)]
    pub mount: Option<AbsolutePath>,
    /// File, from the repository or written in place.
    #[serde(default)]
    pub file: Keyed<ConfigKey, ConfigFile>,
    /// Single value.
    #[serde(default)]
    pub value: Keyed<ConfigKey, Verbatim>,
    /// Whether values are ciphertext that the program opens itself; they are masked in every output.
    #[serde(default)]
    pub opaque: bool,
}

/// A file's content: in place or from the repository. `${…}` in it is left alone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["content"]}))]
pub struct ConfigFile {
    /// Content, written in place.
    #[serde(default)]
    pub content: Option<Verbatim>,
    /// File of the repository, relative to the directory of the KDL file that names it.
    #[serde(default)]
    pub from: Option<RelativePath>,
}
