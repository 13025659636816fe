//! Which images may run. Renders nothing: every image of a plan is judged by it.

mod check;
pub mod judge;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Findings, Kind, Objects, Scope};
use crate::dsl::schema::Home;
use crate::names::Name;
use crate::names::reference::{EnvironmentRef, RegistryRef, TenantRef};
use crate::values::image::Version;

/// Which images may run. It renders nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["name"]}))]
pub struct ImagePolicy {
    /// Name of the policy.
    pub name: Name,
    /// Environments that it holds for. Default: all.
    #[serde(default)]
    pub env: Vec<EnvironmentRef>,
    /// Tenants that it holds for. Default: everybody.
    #[serde(default)]
    pub tenant: Vec<TenantRef>,
    /// Registries that images may come from. Default: any.
    #[serde(default)]
    pub only: Vec<RegistryRef>,
    /// What every image must have.
    #[serde(default)]
    pub require: Vec<Requirement>,
    /// Tags that no image may have.
    #[serde(default)]
    pub deny_tag: Vec<Version>,
}

/// What an image must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Requirement {
    /// A digest, so that the tag cannot be moved to other content.
    Digest,
}

impl Kind for ImagePolicy {
    const NAME: &'static str = "image-policy";
    const HOME: Home = Home::Platform;

    fn check(&self, _scope: &Scope<'_>, out: &mut Findings<'_>) {
        check::check(self, out);
    }

    fn render(&self, _scope: &Scope<'_>, _out: &mut Objects) {}
}
