//! Plans that somebody let go by a command in a comment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A plan that may be carried out in the mode `manual`, once, because somebody asked for it in a comment. What
/// rules hold of it stays held.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Release {
    /// The digest of the plan.
    pub plan: String,
    /// Who asked for it, as the forge calls them.
    pub by: String,
    /// The number of the pull request on which it was asked for.
    pub pull: String,
}
