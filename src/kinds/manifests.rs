//! Manifests: objects that are taken as they are written in YAML, such as an operator that somebody
//! else ships. They go through the same checks as everything that is rendered.

mod check;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Findings, Kind, Objects, Scope, Verbatim};
use crate::dsl::schema::Home;
use crate::names::Name;
use crate::names::reference::TenantRef;
use crate::source::FileId;
use crate::values::objects::KindName;
use crate::values::path::RelativeGlob;

/// Objects that are taken as they are written in YAML.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["name"]}))]
pub struct Manifests {
    /// Name of the resource.
    pub name: Name,
    /// Tenant that they belong to. Default: the platform.
    #[serde(default)]
    pub tenant: Option<TenantRef>,
    /// Files of YAML, as patterns that start at the directory of this file.
    #[schemars(length(min = 1), extend("x-interpolate" = false))]
    pub from: Vec<RelativeGlob>,
    /// Kinds of objects that may occur in them. Any other is refused, so that an update of the files
    /// cannot bring in what nobody expects.
    #[schemars(length(min = 1))]
    pub kinds: Vec<KindName>,
}

impl Kind for Manifests {
    const NAME: &'static str = "manifests";
    const HOME: Home = Home::Either;

    fn check(&self, scope: &Scope<'_>, out: &mut Findings<'_>) {
        check::check(self, scope, out);
    }

    fn render(&self, scope: &Scope<'_>, out: &mut Objects) {
        let mut files: Vec<Verbatim> = Vec::new();
        for (index, pattern) in self.from.iter().enumerate() {
            let Some(named_in) = named_in(scope, index) else {
                continue;
            };
            for (path, file, text) in scope.world.sources.matching(named_in, pattern) {
                files.push(Verbatim {
                    path: path.to_owned(),
                    file,
                    text: text.to_owned(),
                    kinds: self.kinds.iter().map(ToString::to_string).collect(),
                });
            }
        }
        // Two patterns may mean the same file.
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files.dedup_by(|a, b| a.file == b.file);
        files.into_iter().for_each(|file| out.verbatim(file));
    }
}

/// The KDL file that a pattern is written in: an `in` block may stand elsewhere.
fn named_in(scope: &Scope<'_>, index: usize) -> Option<FileId> {
    let node = scope.node(scope.id)?;
    Some(node.nearest(&format!("/from/{index}")).place.value.file)
}
