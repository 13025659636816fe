//! A registry of images: where it is, how pods log in, what it mirrors. Renders nothing itself: image
//! policies read it, and pods get its pull secret.

mod check;
mod import;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::import::{Drafts, Found};
use super::{Findings, Kind, Objects, Scope};
use crate::dsl::form::Repeated;
use crate::dsl::schema::Home;
use crate::names::{Name, ObjectName};
use crate::values::host::HostPort;
use crate::values::image::ImageRepository;

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

/// The host that images without one come from.
const DEFAULT_HOST: &str = "docker.io";

/// The host of an image's registry with its port; the one of container runtimes where none is written.
pub fn host_of(image: &ImageRepository) -> &str {
    match image.registry() {
        None | Some("index.docker.io") => DEFAULT_HOST,
        Some(host) => host,
    }
}

/// The secrets with which pods log in to the registries of these images, in order of name. An image
/// without a `registry` of its host needs none.
pub fn pull_secrets<'i>(
    images: impl Iterator<Item = &'i ImageRepository>,
    scope: &Scope<'_>,
) -> Vec<String> {
    let hosts: BTreeSet<&str> = images.map(host_of).collect();
    let named = scope
        .platforms::<Registry>()
        .filter(|(_, registry)| hosts.contains(registry.host.to_string().as_str()))
        .filter_map(|(_, registry)| registry.pull_secret.as_ref());
    let names: BTreeSet<String> = named.map(ToString::to_string).collect();
    names.into_iter().collect()
}

impl Kind for Registry {
    const NAME: &'static str = "registry";
    const HOME: Home = Home::Platform;

    fn check(&self, scope: &Scope<'_>, out: &mut Findings<'_>) {
        check::check(self, scope, out);
    }

    fn render(&self, _scope: &Scope<'_>, _out: &mut Objects) {}

    fn import(found: &Found, drafts: &mut Drafts) {
        import::import(found, drafts);
    }
}
