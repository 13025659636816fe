//! Middlewares of Traefik, one object for each thing that a rule wants of it.

use serde_json::{Value, json};

use super::super::place::{self, Dialect};
use super::super::policy::{Auth, By, CircuitBreaker, Cors, InFlight, RateLimit, Retry};
use super::super::rule::Rule;
use super::Here;
use crate::kinds::ObjectRequest;
use crate::values::duration::Duration;
use crate::values::header::HeaderName;

/// The Middlewares that a rule needs, outermost first.
pub(super) fn wanted(rule: &Rule) -> Vec<&'static str> {
    let all = [
        ("cors", rule.cors.is_some()),
        ("rate-limit", rule.rate_limit.is_some()),
        ("in-flight", rule.in_flight.is_some()),
        ("auth", rule.auth.is_some()),
        ("circuit-breaker", rule.circuit_breaker.is_some()),
        ("retry", rule.retry.is_some()),
    ];
    all.into_iter().filter(|(_, wanted)| *wanted).map(|(name, _)| name).collect()
}

/// The objects, with the part of their name that tells them apart.
pub(super) fn all(here: &Here<'_>) -> Vec<(&'static str, ObjectRequest)> {
    if here.frame.dialect != Dialect::Traefik {
        return Vec::new();
    }
    let rule = here.rule;
    let mut out = Vec::new();
    let mut push = |name: &'static str, request: Option<ObjectRequest>| {
        out.extend(request.map(|request| (name, named(here, name, request))));
    };
    push("cors", rule.cors.as_ref().map(|cors| self::cors(here, cors)));
    push("rate-limit", rule.rate_limit.as_ref().map(|limit| rate_limit(here, limit)));
    push("in-flight", rule.in_flight.as_ref().map(|limit| in_flight(here, limit)));
    push("auth", rule.auth.as_ref().map(|auth| self::auth(here, auth)));
    push("circuit-breaker", rule.circuit_breaker.as_ref().map(|b| breaker(here, b)));
    push("retry", rule.retry.as_ref().map(|retry| self::retry(here, retry)));
    out
}

fn named(here: &Here<'_>, name: &str, request: ObjectRequest) -> ObjectRequest {
    request
        .set("name", &here.named(name))
        .set("namespace", &here.frame.namespace)
        .set("labels", &here.frame.labels())
}

fn go(duration: Option<Duration>) -> Option<String> {
    duration.map(Duration::go_duration)
}

/// Adds a list, or null where it is empty.
fn list(request: ObjectRequest, name: &str, values: &[HeaderName], origin: &str) -> ObjectRequest {
    request.with(name, &Some(values).filter(|v| !v.is_empty()), origin)
}

fn retry(here: &Here<'_>, retry: &Retry) -> ObjectRequest {
    let at = here.field("retry");
    let range = |(first, last): (u16, u16)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    };
    let on: Vec<String> = retry.on.iter().map(|pattern| range(pattern.range())).collect();
    ObjectRequest::new("route/retry.yaml.j2")
        .with("retry", retry, &at)
        .with("status", &Some(on).filter(|on| !on.is_empty()), &format!("{at}/on"))
        .with("wait", &go(retry.wait), &format!("{at}/wait"))
}

fn rate_limit(here: &Here<'_>, limit: &RateLimit) -> ObjectRequest {
    let at = here.field("rate-limit");
    let by = limit.by.unwrap_or(By::ClientIp);
    let per = limit.per.unwrap_or(Duration::from_secs(1));
    ObjectRequest::new("route/rate-limit.yaml.j2")
        .with("limit", limit, &at)
        .with("period", &per.go_duration(), &format!("{at}/per"))
        .with("burst", &limit.burst.unwrap_or(limit.requests), &format!("{at}/burst"))
        .with("source", &source(by, limit.header.as_ref(), limit.behind), &format!("{at}/by"))
}

fn in_flight(here: &Here<'_>, limit: &InFlight) -> ObjectRequest {
    let at = here.field("in-flight");
    let by = limit.by.unwrap_or(By::Host);
    ObjectRequest::new("route/in-flight.yaml.j2")
        .with("limit", limit, &at)
        .with("source", &source(by, limit.header.as_ref(), limit.behind), &format!("{at}/by"))
}

fn source(by: By, header: Option<&HeaderName>, behind: u32) -> Value {
    match by {
        By::ClientIp => json!({ "ipStrategy": { "depth": behind } }),
        By::Host => json!({ "requestHost": true }),
        By::Header => json!({ "requestHeaderName": header }),
    }
}

fn breaker(here: &Here<'_>, breaker: &CircuitBreaker) -> ObjectRequest {
    let at = here.field("circuit-breaker");
    let conditions = [
        breaker.error_rate.map(|rate| format!("ResponseCodeRatio(500, 600, 0, 600) > {}", rate.ratio())),
        breaker.network_errors.map(|rate| format!("NetworkErrorRatio() > {}", rate.ratio())),
        breaker.latency.map(|time| format!("LatencyAtQuantileMS(50.0) > {}", time.to_millis())),
    ];
    let expression: Vec<String> = conditions.into_iter().flatten().collect();
    ObjectRequest::new("route/circuit-breaker.yaml.j2")
        .with("breaker", breaker, &at)
        .with("expression", &expression.join(" || "), &at)
        .with("over", &go(breaker.over), &format!("{at}/over"))
        .with("open", &go(breaker.open), &format!("{at}/open"))
        .with("recover", &go(breaker.recover), &format!("{at}/recover"))
}

fn auth(here: &Here<'_>, auth: &Auth) -> ObjectRequest {
    let at = here.field("auth");
    let asked = auth.app.as_ref().and_then(|app| {
        let service = place::service(app, auth.port.as_ref(), here.frame.scope).ok()?;
        let path = auth.path.as_ref().map_or("/", |path| path.as_str());
        let place::Service { name, namespace, port, made_by: _, split: _ } = service;
        Some(format!("http://{name}.{namespace}.svc:{port}{path}"))
    });
    let address = asked.or_else(|| auth.url.as_ref().map(ToString::to_string));
    let request = ObjectRequest::new("route/auth.yaml.j2").with("address", &address, &at);
    let request = list(request, "ask_with", &auth.ask_with, &format!("{at}/ask-with"));
    list(request, "take_over", &auth.take_over, &format!("{at}/take-over"))
}

fn cors(here: &Here<'_>, cors: &Cors) -> ObjectRequest {
    let at = here.field("cors");
    let methods = Some(&cors.methods).filter(|methods| !methods.is_empty());
    let request = ObjectRequest::new("route/cors.yaml.j2")
        .with("origins", &origins(cors), &format!("{at}/origins"))
        .with("methods", &methods, &format!("{at}/methods"))
        .with("credentials", &cors.credentials, &format!("{at}/credentials"))
        .with("max_age", &cors.max_age.map(Duration::to_seconds), &format!("{at}/max-age"));
    let request = list(request, "headers", &cors.headers, &format!("{at}/headers"));
    list(request, "expose", &cors.expose, &format!("{at}/expose"))
}

/// The pages that are allowed, as the answer names them.
pub(super) fn origins(cors: &Cors) -> Vec<String> {
    match cors.any_origin {
        true => vec!["*".to_owned()],
        false => cors.origins.iter().map(|o| o.as_str().trim_end_matches('/').to_owned()).collect(),
    }
}
