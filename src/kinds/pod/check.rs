//! Rules about the parts of a pod, for every kind that has one. Each is reported on its own field.

mod container;
mod image;
mod volumes;

use std::collections::BTreeMap;

pub(crate) use self::container::{known_key, sounds_secret};
pub(crate) use self::volumes::{config, volumes};
use super::render::ContainerView;
use super::{Config, Security, Volume};
use crate::dsl::codes;
use crate::dsl::form::Keyed;
use crate::kinds::{Findings, Scope};
use crate::names::Name;
use crate::values::duration::Duration;

/// What containers of one pod may refer to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PodParts<'a> {
    /// Configurations.
    pub(crate) config: &'a Keyed<Name, Config>,
    /// Volumes.
    pub(crate) volume: &'a Keyed<Name, Volume>,
}

/// Everything about containers of one pod: each by itself, then names and ports between them.
pub(crate) fn containers(
    all: &[ContainerView<'_>],
    parts: PodParts<'_>,
    scope: &Scope<'_>,
    out: &mut Findings<'_>,
) {
    for view in all {
        container::check(view, parts, scope, out);
        image::check(view, scope, out);
    }
    let mut called: BTreeMap<&str, &str> = BTreeMap::new();
    let mut numbered: BTreeMap<String, String> = BTreeMap::new();
    for view in all {
        if let Some(first) = called.insert(view.name, &view.at) {
            let message = format!("there are two containers `{}` in the pod", view.name);
            let diagnostic = out.error_on_name(codes::SAME_IN_POD, &view.at, message);
            out.push(
                diagnostic
                    .label("the same name again")
                    .related(out.name(first), "the first one")
                    .help("give one of them another name"),
            );
        }
        for (name, port) in view.port.iter().flat_map(|p| p.iter()) {
            let at = format!("{}/port/{name}", view.at);
            let number = format!("{} {}", port.number, port.protocol.name());
            for key in [format!("port `{name}`"), format!("number {number}")] {
                let Some(first) = numbered.insert(key.clone(), at.clone()) else {
                    continue;
                };
                let message = format!("{key} is there twice in the pod");
                let diagnostic = out.error_on_name(codes::SAME_IN_POD, &at, message);
                out.push(
                    diagnostic
                        .label("again here")
                        .related(out.name(&first), "first here")
                        .help(
                            "containers of one pod share its address: names and numbers are unique",
                        ),
                );
            }
        }
    }
}

/// What only the platform may open, on a path of a tenant.
pub(crate) fn security(security: &Security, scope: &Scope<'_>, out: &mut Findings<'_>) {
    if scope.world.sources.are_platforms() {
        return;
    }
    let safe = [super::security::Capability::NetBindService];
    let more = security.capabilities.iter().any(|c| !safe.contains(c));
    let opened = [
        (
            security.privileged,
            "privileged",
            "a privileged container owns its node",
        ),
        (
            security.root,
            "root",
            "a process that runs as root is one mistake away from its node",
        ),
        (
            !security.host.is_empty(),
            "host",
            "a pod in a namespace of the node sees other tenants",
        ),
        (
            more,
            "capabilities",
            "these capabilities reach beyond the container",
        ),
    ];
    for (_, field, why) in opened.iter().filter(|(on, ..)| *on) {
        let at = format!("/security/{field}");
        out.push(
            out.error(
                codes::OPENS_NODE,
                &at,
                format!("a tenant may not set `{field}`: {why}"),
            )
            .label("only on a path of the platform")
            .help("leave it out, or ask the platform team to keep this resource on its own path"),
        );
    }
}

/// A time that the cluster counts in whole seconds.
pub(crate) fn seconds(time: Option<Duration>, at: &str, out: &mut Findings<'_>) {
    let Some(time) = time else { return };
    if !time.is_whole_seconds() || time.to_seconds() == 0 {
        out.push(
            out.error(
                codes::NOT_SECONDS,
                at,
                format!("`{time}` is not a number of whole seconds"),
            )
            .label("the cluster counts in seconds")
            .help("write at least \"1s\""),
        );
    }
}
