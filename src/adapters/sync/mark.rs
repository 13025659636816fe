//! What was rendered for a commit, in two digests.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was rendered for the commit that was applied last. A kubemate that renders other bytes for that commit
/// writes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Mark {
    /// A digest of those parts of the spec that say what is rendered.
    pub spec: String,
    /// A digest of what was rendered.
    pub bytes: String,
}
