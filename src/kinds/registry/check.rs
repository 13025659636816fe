//! Hosts of registries are told apart, and a registry mirrors others, each once.

use super::Registry;
use crate::dsl::codes;
use crate::kinds::{Findings, Scope};

pub(super) fn check(registry: &Registry, scope: &Scope<'_>, out: &mut Findings<'_>) {
    // Of two registries the one later in the alphabet is told, so that one mistake is one message.
    let before = scope.all::<Registry>().filter(|(_, other)| other.name < registry.name);
    for (id, other) in before {
        let place = |field: &str| scope.node(id).map(|node| node.nearest(field).place.value);
        if other.host == registry.host {
            let message = format!("registry `{}` has the same host `{}`", other.name, other.host);
            let mut finding = out.error(codes::HOST_TWICE, "/host", message).label("taken");
            if let Some(at) = place("/host") {
                finding = finding.related(at, "first taken here");
            }
            out.push(finding.help("make them one registry"));
        }
        for (index, mirror) in registry.mirror.iter().enumerate() {
            if other.mirror.contains(mirror) {
                let message = format!("registry `{}` mirrors `{mirror}` already", other.name);
                let mut finding = out.error(codes::HOST_TWICE, &format!("/mirror/{index}"), message);
                if let Some(at) = place("/mirror") {
                    finding = finding.related(at, "mirrored here first");
                }
                out.push(finding.help("an image is looked up in one place; remove one of the two"));
            }
        }
    }
    for (index, mirror) in registry.mirror.iter().enumerate() {
        let pointer = format!("/mirror/{index}");
        if *mirror == registry.host {
            let message = "a registry is no mirror of itself";
            out.push(out.error(codes::HOST_TWICE, &pointer, message).help("name the host whose images it copies"));
        } else if registry.mirror[..index].contains(mirror) {
            let message = format!("`{mirror}` is mirrored twice");
            out.push(out.error(codes::HOST_TWICE, &pointer, message).help("remove one of the two"));
        }
    }
}
