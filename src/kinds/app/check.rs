//! Rules across the fields of an app, and about what it refers to.

mod fit;
mod namespace;
mod order;
mod rollout;
mod scale;
mod triggers;

use super::job::Task;
use super::{App, views};
use crate::dsl::codes;
use crate::kinds::pod::check::{self as pod, PodParts};
use crate::kinds::{Findings, Scope};

pub(super) fn check(app: &App, scope: &Scope<'_>, out: &mut Findings<'_>) {
    namespace::check(app, scope, out);
    version(app, scope, out);
    containers(app, scope, out);
    fit::check(app, out);
    scale::check(app, out);
    triggers::check(app, scope, out);
    rollout::check(app, scope, out);
    order::check(app, scope, out);
    crate::kinds::tenant::usage::check(app, scope, out);
    crate::kinds::tenant::given::check(app, scope, out);
    crate::kinds::tenant::fits::check(app, scope, out);
}

fn version(app: &App, scope: &Scope<'_>, out: &mut Findings<'_>) {
    let version = app.version.as_ref();
    if version.is_none_or(|v| v.tag.is_none() && v.digest.is_none()) {
        let message = format!("app `{}` has no version here", app.name);
        out.push(
            out.error(codes::NO_VERSION, "", message)
                .label("which image shall run?")
                .help("write `version \"1.0.0\"` in the app, or in its `in ENVIRONMENT` block"),
        );
    }
    let node = scope.node(scope.id);
    let (Some(tag), Some(digest)) = (
        node.and_then(|n| n.at("/version/tag")),
        node.and_then(|n| n.at("/version/digest")),
    ) else {
        return;
    };
    let overridden = !tag.earlier.is_empty() && tag.place.layer != digest.place.layer;
    if overridden {
        out.push(
            out.error(
                codes::STALE_DIGEST,
                "/version/tag",
                "the digest belongs to another version",
            )
            .label("changed here, without its digest")
            .related(digest.place.value, "the digest that would win")
            .help("write the digest beside the version, or mark it `(replace)version …`"),
        );
    }
}

fn containers(app: &App, scope: &Scope<'_>, out: &mut Findings<'_>) {
    let parts = PodParts {
        config: &app.config,
        volume: &app.volume,
    };
    let mut all = vec![views::main(app)];
    all.extend(views::sidecars(app));
    all.extend(views::init(app));
    pod::containers(&all, parts, scope, out);
    for (when, tasks) in [("before", &app.before), ("after", &app.after)] {
        for (name, task) in tasks.values().flat_map(|t| t.task.iter()) {
            let at = format!("/{when}/deploy/task/{name}");
            let mut view = views::task(app, name.as_str(), task, &at);
            // What it has of the app was judged there.
            view.env.remove(0);
            view.env_from.remove(0);
            view.mounts.clear();
            pod::containers(&[view], parts, scope, out);
            command(task, &at, out);
            pod::seconds(task.timeout, &format!("{at}/timeout"), out);
        }
    }
    for name in app.init.keys() {
        let useless = [
            ("probe", codes::PROBE, "has no probes"),
            ("port", codes::CONTRADICTION, "serves nothing"),
        ];
        for (field, code, what) in useless {
            let at = format!("/init/{name}/{field}");
            if out.written(&at) {
                let message = format!("a container that runs to its end {what}");
                let help = format!("leave `{field}` out of `init`");
                out.push(out.error(code, &at, message).help(help));
            }
        }
    }
    scraped(app, out);
    pod::config(&app.config, scope, out);
    pod::volumes(&app.volume, scope, out);
    pod::security(&app.security, scope, out);
}

/// Annotations of a pod name one port that is read for metrics.
fn scraped(app: &App, out: &mut Findings<'_>) {
    let own = app.port.iter().map(|(name, port)| (String::new(), name, port));
    let beside = app.sidecar.iter().flat_map(|(sidecar, container)| {
        let at = format!("/sidecar/{sidecar}");
        let ports = container.port.iter();
        ports.map(move |(name, port)| (at.clone(), name, port))
    });
    let all = own.chain(beside).filter(|(.., port)| port.scrape.is_some());
    for (at, name, _) in all.skip(1) {
        let at = format!("{at}/port/{name}/scrape");
        let message = "metrics of a pod are read from one port";
        out.push(
            out.error(codes::CONTRADICTION, &at, message)
                .help("keep `scrape` on one port of the app and its sidecars"),
        );
    }
}

fn command(task: &Task, at: &str, out: &mut Findings<'_>) {
    if task.run.is_some() && !(task.command.is_empty() && task.args.is_empty()) {
        out.push(
            out.error(
                codes::CONTRADICTION,
                &format!("{at}/run"),
                "this task says two ways to start",
            )
            .help("keep `run` for a line of shell, or `command` and `args`"),
        );
    }
}
