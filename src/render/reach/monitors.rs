//! What a monitor may not tell Prometheus: to read the targets of others, to log in with files of its own, or that
//! a series is somebody else's.

use serde_json::Value;

use super::{Bounds, foreign, inner, list, text};

/// Fields of a monitor that name a file where Prometheus runs.
const FILES: &[&str] = &[
    "/bearerTokenFile",
    "/tlsConfig/caFile",
    "/tlsConfig/certFile",
    "/tlsConfig/keyFile",
];
/// Through whom it has its targets read, and who gives it a token for that.
const THROUGH: &[&str] = &["/proxyUrl", "/oauth2/tokenUrl", "/oauth2/proxyUrl"];
/// Where a probe changes the labels of its targets.
const PROBED: &[&str] = &[
    "/spec/targets/staticConfig/relabelingConfigs",
    "/spec/targets/ingress/relabelingConfigs",
];
/// The label of a series that says whose it is.
const WHOSE: &str = "namespace";

/// The part of a monitor, or of a probe, that leads out of the tenant.
pub(super) fn leads_out(body: &Value, probe: bool, bounds: &Bounds) -> Option<String> {
    let targets = list(body, "/spec/targets/staticConfig/static").filter_map(Value::as_str);
    let through =
        scrapes(body).flat_map(|scrape| THROUGH.iter().filter_map(move |at| text(scrape, at)));
    let through = through.chain(text(body, "/spec/prober/proxyUrl"));
    monitor(body, bounds)
        .or_else(|| files(body))
        .or_else(|| prober(body))
        .or_else(|| relabelled(body, probe))
        .or_else(|| renamed(body))
        .or_else(|| inner(targets.chain(through), bounds))
}

/// What it says about each sort of target; a probe says it once.
fn scrapes(body: &Value) -> impl Iterator<Item = &Value> {
    let listed = list(body, "/spec/endpoints").chain(list(body, "/spec/podMetricsEndpoints"));
    listed.chain(body.get("spec"))
}

/// How it changes the labels of its targets before they are read.
fn changes(body: &Value) -> impl Iterator<Item = &Value> {
    let each = scrapes(body).flat_map(|scrape| list(scrape, "/relabelings"));
    each.chain(PROBED.iter().flat_map(move |at| list(body, at)))
}

/// Namespaces that a monitor looks into.
fn monitor(body: &Value, bounds: &Bounds) -> Option<String> {
    let at = [
        "/spec/namespaceSelector",
        "/spec/targets/ingress/namespaceSelector",
    ];
    let selectors: Vec<&Value> = at.iter().filter_map(|at| body.pointer(at)).collect();
    if selectors
        .iter()
        .any(|all| all.get("any") == Some(&Value::Bool(true)))
    {
        return Some("it selects in all namespaces".to_owned());
    }
    let names = selectors.iter().flat_map(|one| list(one, "/matchNames"));
    foreign(names.filter_map(Value::as_str), bounds)
}

/// A file of Prometheus that a monitor would send or log in with.
fn files(body: &Value) -> Option<String> {
    let found = scrapes(body).find_map(|scrape| {
        let named = |at: &&&str| text(scrape, at).is_some_and(|file| !file.is_empty());
        FILES.iter().find(named)
    })?;
    Some(format!(
        "`{}` is a file of Prometheus",
        found.replace('/', ".").trim_start_matches('.')
    ))
}

/// Whom a probe asks, where that could be anybody with metrics.
fn prober(body: &Value) -> Option<String> {
    let path = text(body, "/spec/prober/path").filter(|path| !["", "/probe"].contains(path))?;
    Some(format!(
        "`{path}` is not where a prober answers, which is /probe"
    ))
}

/// A change of labels after which Prometheus may read another target than the one that was selected.
fn relabelled(body: &Value, probe: bool) -> Option<String> {
    let found = changes(body).find(|change| moves(change, probe))?;
    let what = text(found, "/targetLabel").or_else(|| text(found, "/regex"));
    let what = what.unwrap_or("labelmap");
    Some(format!(
        "relabeling by `{what}` may lead to the targets of others"
    ))
}

/// What sets the label by which it is known whose a series is: alerts go to whom it names.
fn renamed(body: &Value) -> Option<String> {
    let mut honored = scrapes(body).map(|scrape| scrape.get("honorLabels"));
    if honored.any(|honored| honored == Some(&Value::Bool(true))) {
        return Some("with `honorLabels` a target says itself whose its series are".to_owned());
    }
    let copied = ["/spec/podTargetLabels", "/spec/targetLabels"];
    let copied = copied
        .iter()
        .any(|at| list(body, at).any(|label| label == WHOSE));
    let fixed = body.pointer("/spec/targets/staticConfig/labels/namespace");
    let mut after = scrapes(body).flat_map(|scrape| list(scrape, "/metricRelabelings"));
    let target = |change: &Value| text(change, "/targetLabel").unwrap_or_default().to_owned();
    let mapped = |change: &Value| {
        text(change, "/action").is_some_and(|action| action.eq_ignore_ascii_case("labelmap"))
    };
    let set = copied
        || fixed.is_some()
        || changes(body).any(|change| target(change) == WHOSE)
        || after.any(|c| mapped(c) || target(c) == WHOSE || target(c).contains('$'));
    set.then(|| format!("the label `{WHOSE}` says whose a series is, and Prometheus sets it"))
}

/// Whether a change of labels may be one of an address.
fn moves(change: &Value, probe: bool) -> bool {
    let word = |at: &str| text(change, at).unwrap_or_default();
    if word("/action").eq_ignore_ascii_case("labelmap") {
        let as_it_is = matches!(text(change, "/replacement"), None | Some("$1" | "${1}"));
        return !as_it_is || !is_of_kubernetes(word("/regex"));
    }
    let target = word("/targetLabel");
    let address = match probe {
        true => target.starts_with("__") && !target.starts_with("__tmp"),
        false => target == "__address__",
    };
    // Only Prometheus knows which label a `$` makes of it.
    address || target.contains('$')
}

/// Whether a pattern takes labels or annotations of Kubernetes by their whole keys, which do not begin with `_`.
fn is_of_kubernetes(regex: &str) -> bool {
    let ends = |rest: &str| rest.ends_with("_(.+)") || rest.ends_with("_(.*)");
    let rest = regex.strip_prefix("__meta_kubernetes_");
    let rest = rest.filter(|rest| ends(rest));
    let rest = rest.and_then(|rest| rest.get(..rest.len() - "_(.+)".len()));
    let parts = rest.and_then(|rest| rest.split_once('_'));
    parts.is_some_and(|(of, what)| {
        let plain = !of.is_empty() && of.bytes().all(|byte| byte.is_ascii_lowercase());
        let kinds = ["annotation", "annotationpresent", "label", "labelpresent"];
        plain && kinds.contains(&what)
    })
}
