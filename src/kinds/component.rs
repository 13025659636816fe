//! Something that must be installed in the clusters before kinds that build on it work. Renders
//! nothing: what it is made of comes from `manifests`, or from outside.

mod check;
pub mod needed;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Findings, Kind, Objects, Scope};
use crate::dsl::schema::Home;
use crate::names::Name;
use crate::names::reference::ComponentRef;
use crate::values::version::ComponentVersion;

/// Something that must be installed in the clusters, such as an operator. It renders nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["name"]}))]
pub struct Component {
    /// Name of the component.
    pub name: Name,
    /// Version that is installed; decides what may be rendered for it.
    pub version: ComponentVersion,
    /// Whether somebody else installs it.
    #[serde(default)]
    pub external: bool,
    /// Components that must be there first.
    #[serde(default)]
    pub needs: Vec<ComponentRef>,
}

impl Kind for Component {
    const NAME: &'static str = "component";
    const HOME: Home = Home::Platform;

    fn check(&self, scope: &Scope<'_>, out: &mut Findings<'_>) {
        check::check(self, scope, out);
    }

    fn render(&self, _scope: &Scope<'_>, _out: &mut Objects) {}
}
