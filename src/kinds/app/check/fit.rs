//! Fields that only some workloads have, and names that become too long.

use crate::dsl::codes;
use crate::kinds::Findings;
use crate::kinds::app::{App, Workload};
use crate::kinds::pod::placement::Effect;
use crate::values::network;

use Workload::{CronJob, Daemon, Deployment, Job, Stateful};

/// The fields that not every workload has, and why not.
const FIELDS: &[(&str, &[Workload], &str)] = &[
    (
        "replicas",
        &[Deployment, Stateful],
        "the number of its pods is not yours to choose",
    ),
    (
        "autoscale",
        &[Deployment, Stateful],
        "the number of its pods is not yours to choose",
    ),
    (
        "disruption",
        &[Deployment, Stateful],
        "there is no number of pods to keep",
    ),
    (
        "rollout",
        &[Deployment, Stateful, Daemon],
        "its pods are never replaced while they run",
    ),
    (
        "expose",
        &[Deployment, Stateful, Daemon],
        "nothing is served by pods that end",
    ),
    (
        "before",
        &[Deployment, Stateful, Daemon],
        "it is a task itself",
    ),
    (
        "after",
        &[Deployment, Stateful, Daemon],
        "it is a task itself",
    ),
    ("schedule", &[CronJob], "it does not start on a schedule"),
    ("run", &[Job], "it is not started by a run key"),
    (
        "retries",
        &[Job, CronJob],
        "it never ends, so it is restarted for ever",
    ),
    ("timeout", &[Job, CronJob], "it never ends"),
    ("parallel", &[Job, CronJob], "it never ends: use `replicas`"),
    ("completions", &[Job, CronJob], "it never ends"),
];

pub(super) fn check(app: &App, out: &mut Findings<'_>) {
    let word = app.workload.word();
    for (field, fits, why) in FIELDS
        .iter()
        .filter(|(_, fits, _)| !fits.contains(&app.workload))
    {
        let at = format!("/{field}");
        if !out.written(&at) {
            continue;
        }
        let fits: Vec<String> = fits.iter().map(|w| format!("`{}`", w.word())).collect();
        let message = format!("`{field}` does not fit `workload={word}`: {why}");
        out.push(
            out.error_on_name(codes::UNFIT_FIELD, &at, message)
                .label("not for this workload")
                .help(format!("leave it out; it is for {}", fits.join(", "))),
        );
    }
    let missing = match app.workload {
        CronJob if app.schedule.is_none() => Some(("schedule", "schedule \"30 2 * * *\"")),
        Job if app.run.is_none() => Some(("run", "run \"2026-12-31\"")),
        _ => None,
    };
    if let Some((field, example)) = missing {
        let message = format!("`workload={word}` needs `{field}`");
        out.push(
            out.error(codes::MISSING_FIELD, "", message)
                .label(format!("`{field}` is missing"))
                .help(format!("write when it starts: `{example}`")),
        );
    }
    for port in app.expose.keys() {
        if !app.ports().any(|(_, name, _)| name == port) {
            let at = format!("/expose/{port}");
            let message = format!("there is no port `{port}` to expose");
            out.push(
                out.error_on_name(codes::UNKNOWN_PART, &at, message)
                    .label("not declared")
                    .help(format!("write `port {port} NUMBER`")),
            );
        }
    }
    node_ports(app, out);
    for (index, taint) in app.placement.tolerate.iter().enumerate() {
        if let Some(effect) = taint.effect.filter(|e| taint.lasting.is_some() && *e != Effect::NoExecute) {
            let at = format!("/placement/tolerate/{index}/for");
            let message = format!("a taint with the effect {} removes no pod, now or later", effect.name());
            let finding = out.error(codes::CONTRADICTION, &at, message);
            out.push(finding.help("leave out `for`, or write `effect=no-execute`"));
        }
    }
    names(app, out);
}

/// Numbers that the API server hands out on nodes unless it is told otherwise (its flag
/// `--service-node-port-range`). It judges them at the write only, not in a dry-run.
const NODE_PORTS: std::ops::RangeInclusive<u16> = 30_000..=32_767;

fn node_ports(app: &App, out: &mut Findings<'_>) {
    for (port, expose) in app.expose.iter() {
        let number = expose.node_port.map(network::Port::number);
        let Some(number) = number.filter(|number| !NODE_PORTS.contains(number)) else {
            continue;
        };
        let at = format!("/expose/{port}/node-port");
        let message = format!("no API server offers {number} on its nodes unless its range was changed");
        out.push(
            out.error(codes::NODE_PORT, &at, message)
                .warning()
                .label("outside 30000-32767")
                .help("choose one of 30000-32767, or leave it out: the cluster chooses"),
        );
    }
}

/// Names that are made of the app's and another one.
fn names(app: &App, out: &mut Findings<'_>) {
    let longest = if app.workload == CronJob { 52 } else { 63 };
    if app.name.as_str().len() > longest {
        let message = format!(
            "the name of a {} has at most {longest} characters",
            app.workload.word()
        );
        out.push(
            out.error(codes::NAME_TOO_LONG, "/name", message)
                .label("too long"),
        );
    }
    let mut parts: Vec<(String, String)> = Vec::new();
    let mut add = |at: String, suffix: String| parts.push((at, format!("{}-{suffix}", app.name)));
    app.config
        .keys()
        .for_each(|n| add(format!("/config/{n}"), n.to_string()));
    app.volume
        .keys()
        .for_each(|n| add(format!("/volume/{n}"), n.to_string()));
    for (when, tasks) in [("before", &app.before), ("after", &app.after)] {
        let names = tasks.values().flat_map(|t| t.task.keys());
        names.for_each(|n| add(format!("/{when}/deploy/task/{n}"), n.to_string()));
    }
    for (port, expose) in app.expose.iter() {
        add(format!("/expose/{port}"), expose.how.word().to_owned());
    }
    if app.workload == Stateful {
        add("/name".to_owned(), "pods".to_owned());
    }
    for (at, name) in parts.iter().filter(|(_, name)| name.len() > 63) {
        let message = format!(
            "`{name}` would have {} characters in the cluster, more than 63",
            name.len()
        );
        out.push(
            out.error_on_name(codes::NAME_TOO_LONG, at, message)
                .label("too long together with the app's name")
                .help("shorten one of the two names"),
        );
    }
}
