//! What a Sync demands of a commit before anything of it is read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most texts in `verify.signers`.
const MAX_SIGNERS: usize = 64;
/// Most characters of each.
const MAX_TEXT: usize = 16_384;

/// Whose signature is demanded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verify {
    /// What has to be signed.
    #[serde(default)]
    pub signed: Signed,
    /// Whose keys count, as lines of a file of allowed signers.
    #[schemars(length(min = 1, max = MAX_SIGNERS), inner(length(max = MAX_TEXT)))]
    pub signers: Vec<String>,
}

/// What has to be signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Signed {
    /// The commit that the tracked ref leads to.
    #[default]
    Commit,
    /// The tag that the tracked ref is.
    Tag,
}

/// What happens when the tracked ref no longer comes after the commit in force.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum History {
    /// It is followed, and told.
    #[default]
    Follow,
    /// The commit in force stays until a person says yes.
    Hold,
}
