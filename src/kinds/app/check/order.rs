//! What is waited for: apps that need each other, and the end of a pod.

use std::collections::BTreeSet;

use crate::dsl::codes;
use crate::kinds::app::App;
use crate::kinds::pod::check::seconds;
use crate::kinds::{Findings, Scope};
use crate::values::duration::Duration;

pub(super) fn check(app: &App, scope: &Scope<'_>, out: &mut Findings<'_>) {
    for (index, need) in app.needs.iter().enumerate() {
        let at = format!("/needs/{index}/app");
        if need.app.tenant().is_some_and(|t| t != app.tenant.name()) {
            let message = format!(
                "`{}` belongs to another tenant, whose state you cannot see",
                need.app
            );
            out.push(
                out.error(codes::CONTRADICTION, &at, message)
                    .help("let the program itself wait until it answers"),
            );
            continue;
        }
        if let Some(path) = cycle(app, need.app.name(), scope) {
            let message = format!("these apps wait for each other: {}", path.join(" → "));
            out.push(
                out.error(codes::NEEDS_CYCLE, &at, message)
                    .label("none of them could ever start")
                    .help("drop one of the `needs`"),
            );
        }
    }
    shutdown(app, scope, out);
    seconds(app.timeout, "/timeout", out);
}

/// The way from an app over what it needs back to itself.
fn cycle(app: &App, first: &str, scope: &Scope<'_>) -> Option<Vec<String>> {
    let own = app.name.to_string();
    let mut paths = vec![vec![own.clone(), first.to_owned()]];
    let mut seen: BTreeSet<String> = BTreeSet::new();
    while let Some(path) = paths.pop() {
        let last = path.last()?.clone();
        if last == own {
            return Some(path);
        }
        if !seen.insert(last.clone()) {
            continue;
        }
        let Some(next) = scope.find::<App>(&last) else {
            continue;
        };
        let same =
            |n: &&crate::kinds::app::Need| n.app.tenant().is_none_or(|t| t == app.tenant.name());
        for need in next.needs.iter().filter(same) {
            let mut longer = path.clone();
            longer.push(need.app.name().to_owned());
            paths.push(longer);
        }
    }
    None
}

fn shutdown(app: &App, scope: &Scope<'_>, out: &mut Findings<'_>) {
    let shutdown = &app.shutdown;
    seconds(shutdown.grace, "/shutdown/grace", out);
    seconds(shutdown.drain, "/shutdown/drain", out);
    let Some(drain) = shutdown.drain else { return };
    let grace = shutdown.grace.unwrap_or(Duration::from_secs(30));
    if drain >= grace {
        let message = format!("draining for {drain} leaves no time to end within {grace}");
        out.push(
            out.error(codes::CONTRADICTION, "/shutdown/drain", message)
                .help("raise `grace`, or drain for a shorter time"),
        );
    }
    if !shutdown.exec.is_empty() {
        out.push(
            out.error(
                codes::CONTRADICTION,
                "/shutdown/exec",
                "`exec` and `drain` both come before the end",
            )
            .help("keep one of the two"),
        );
    }
    let cluster = scope
        .project
        .cluster
        .iter()
        .find(|(name, _)| name.as_str() == scope.target.cluster);
    let version = cluster.and_then(|(_, c)| c.kubernetes.as_ref());
    if let Some(version) = version.filter(|v| v.minor() < 30) {
        let message = format!(
            "cluster `{}` serves Kubernetes {version}, and `drain` needs 1.30",
            scope.target.cluster
        );
        out.push(
            out.error(codes::CONTRADICTION, "/shutdown/drain", message)
                .help("write `shutdown { exec sleep \"5\" }` if the image has such a program"),
        );
    }
}
