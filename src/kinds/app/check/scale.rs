//! How many pods there are: one word on it, bounds in order, metrics that can be computed, volumes
//! that so many pods can use.

use crate::dsl::codes;
use crate::kinds::Findings;
use crate::kinds::app::scale::{Autoscale, Metric, Scaling};
use crate::kinds::app::{App, Workload};
use crate::kinds::pod::check::seconds;

pub(super) fn check(app: &App, out: &mut Findings<'_>) {
    if let Some(autoscale) = &app.autoscale {
        if app.replicas.is_some() {
            let first = out.name("/replicas");
            out.push(
                out.error_on_name(
                    codes::REPLICAS_AND_AUTOSCALE,
                    "/autoscale",
                    "`replicas` and `autoscale` both decide the number of pods",
                )
                .label("decides it by load")
                .related(first, "decides it once and for all")
                .help("keep one; in an `in` block write `(remove)autoscale` or `(remove)replicas`"),
            );
        }
        bounds(autoscale, out);
        for (name, metric) in autoscale.metric.iter() {
            self::metric(app, name.as_str(), metric, out);
        }
        if autoscale.metric.is_empty() && !autoscale.by_keda() && app.resources.requests.cpu.is_none() {
            no_request("cpu", "/autoscale", out);
        }
    }
    one_node(app, out);
    budget(app, out);
}

fn bounds(autoscale: &Autoscale, out: &mut Findings<'_>) {
    if autoscale.min > autoscale.max {
        let message = format!(
            "`min` {} is more than `max` {}",
            autoscale.min, autoscale.max
        );
        let most = out.value("/autoscale/max");
        out.push(
            out.error(codes::AUTOSCALE_BOUNDS, "/autoscale/min", message)
                .label("more than the most")
                .related(most, "the most")
                .help("swap them, or raise `max`"),
        );
    }
    for (field, scaling) in [
        ("scale-down", autoscale.scale_down),
        ("scale-up", autoscale.scale_up),
    ] {
        let Some(Scaling { over, every, by }) = scaling else {
            continue;
        };
        let at = format!("/autoscale/{field}");
        if over.is_some_and(|d| d.to_seconds() > 3600) {
            out.push(
                out.error(
                    codes::AUTOSCALE_BOUNDS,
                    &format!("{at}/over"),
                    "the cluster looks back one hour at most",
                )
                .help("write at most \"1h\""),
            );
        }
        if every.is_some_and(|d| d.to_seconds() > 1800) {
            out.push(
                out.error(
                    codes::AUTOSCALE_BOUNDS,
                    &format!("{at}/every"),
                    "a period has 30 minutes at most",
                )
                .help("write at most \"30m\""),
            );
        }
        seconds(every, &format!("{at}/every"), out);
        if every.is_some() && by.is_none() {
            out.push(
                out.error(
                    codes::AUTOSCALE_BOUNDS,
                    &format!("{at}/every"),
                    "`every` is the period of `by`, and there is none",
                )
                .help("write `by=1` or `by=\"25%\"` beside it"),
            );
        }
    }
}

fn metric(app: &App, name: &str, metric: &Metric, out: &mut Findings<'_>) {
    let at = format!("/autoscale/metric/{name}");
    let of_pods = matches!(name, "cpu" | "memory");
    match (metric.target, metric.average) {
        (Some(_), None) if of_pods => {
            let requests = app.resources.requests;
            let known = if name == "cpu" { requests.cpu.is_some() } else { requests.memory.is_some() };
            if !known {
                no_request(name, &format!("{at}/target"), out);
            }
        }
        (Some(_), None) => out.push(
            out.error(codes::METRIC, &format!("{at}/target"), format!("`{name}` has no request to be a share of"))
                .label("a share of nothing")
                .help("write the value to hold per pod: `average=100`"),
        ),
        (None, Some(_)) => {}
        _ => out.push(
            out.error(codes::METRIC, &at, format!("metric `{name}` needs exactly one of `target` and `average`"))
                .help("write `target=\"70%\"` for a share of the request, or `average=100` for a value per pod"),
        ),
    }
    if of_pods && (metric.external || !metric.labels.is_empty()) {
        let message = format!("`{name}` is measured by the cluster itself");
        out.push(
            out.error(codes::METRIC, &at, message)
                .help("leave `external` and `labels` out"),
        );
    }
}

fn no_request(what: &str, at: &str, out: &mut Findings<'_>) {
    let message = format!("a share of requested {what} needs a request, and the app makes none");
    out.push(
        out.error(codes::METRIC, at, message)
            .label("a share of nothing")
            .help(format!("write `resources {{ requests {what}=… }}`")),
    );
}

/// Pods on several nodes cannot share a volume of one node.
fn one_node(app: &App, out: &mut Findings<'_>) {
    let several = match app.workload {
        Workload::Deployment | Workload::Stateful => {
            app.at_least() > 1 || app.autoscale.as_ref().is_some_and(|a| a.max > 1)
        }
        Workload::Daemon => true,
        Workload::Job | Workload::CronJob => app.parallel.is_some_and(|n| n > 1),
    };
    if let (true, Some(volume)) = (several, app.exclusive_volume()) {
        let at = format!("/volume/{volume}");
        let message =
            format!("volume `{volume}` can be used on one node, and the app runs several pods");
        out.push(
            out.error_on_name(codes::VOLUME_OF_ONE_NODE, &at, message)
                .label("shared by all pods")
                .help(
                    "write `per-replica=#true` for one each, or `access=many` if the storage can",
                ),
        );
    }
}

fn budget(app: &App, out: &mut Findings<'_>) {
    let Some(budget) = &app.disruption else {
        return;
    };
    if budget.max_unavailable.is_some() == budget.min_available.is_some() {
        out.push(
            out.error(
                codes::CONTRADICTION,
                "/disruption",
                "`disruption` takes exactly one of `max-unavailable` and `min-available`",
            )
            .help("write `disruption max-unavailable=1`"),
        );
    }
}
