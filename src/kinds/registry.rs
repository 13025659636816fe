//! A registry of images: where it is, how pods log in, what it mirrors. Renders nothing itself: image
//! policies and image lists read it.

mod check;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Findings, Kind, Objects, Scope};
use crate::dsl::form::Repeated;
use crate::dsl::schema::Home;
use crate::names::{Name, ObjectName};
use crate::values::host::HostPort;

/// A registry of images. It renders nothing itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["name"]}))]
pub struct Registry {
    /// Name of the registry, used in `image-policy`.
    pub name: Name,
    /// Host, and port if it is not usual.
    pub host: HostPort,
    /// Secret of type `registry` with which pods log in; it is looked up in the namespace of the pod.
    #[serde(default)]
    pub pull_secret: Option<ObjectName>,
    /// Registry whose images it holds too.
    #[serde(default)]
    pub mirror: Repeated<HostPort>,
}

impl Kind for Registry {
    const NAME: &'static str = "registry";
    const HOME: Home = Home::Platform;

    fn check(&self, scope: &Scope<'_>, out: &mut Findings<'_>) {
        check::check(self, scope, out);
    }

    fn render(&self, _scope: &Scope<'_>, _out: &mut Objects) {}
}
