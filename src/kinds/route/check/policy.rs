//! Retries, limits, circuit breakers, authentication and CORS that say one thing, and a safe one.

use super::super::policy::{Auth, By, CircuitBreaker, Cors, Retry};
use super::super::place::{self, NoService};
use super::Here;
use crate::dsl::codes;
use crate::kinds::Findings;
use crate::kinds::tenant::Tenant;
use crate::names::{PortName, reference::AppRef};
use crate::values::header::HeaderName;
use crate::values::http::HttpMethod;
use crate::values::url::Url;

pub(super) fn check(here: &Here<'_>, out: &mut Findings<'_>) {
    let rule = here.rule;
    if let Some(retry) = &rule.retry {
        self::retry(here, retry, out);
    }
    if let Some(limit) = &rule.rate_limit {
        let by = limit.by.unwrap_or(By::ClientIp);
        counted("rate-limit", (by, limit.header.as_ref(), limit.behind), here, out);
        if limit.per.is_some_and(|per| per.to_millis() == 0) {
            let at = format!("{}/per", here.field("rate-limit"));
            out.push(out.error(codes::POLICY, &at, "no request comes in no time").help("write a time such as \"1s\""));
        }
    }
    if let Some(limit) = &rule.in_flight {
        let by = limit.by.unwrap_or(By::Host);
        counted("in-flight", (by, limit.header.as_ref(), limit.behind), here, out);
    }
    if let Some(breaker) = &rule.circuit_breaker {
        self::breaker(here, breaker, out);
    }
    if let Some(auth) = &rule.auth {
        self::auth(here, auth, out);
    }
    if let Some(cors) = &rule.cors {
        self::cors(here, cors, out);
    }
}

/// A request that was half done is not done again.
fn retry(here: &Here<'_>, retry: &Retry, out: &mut Findings<'_>) {
    let unsafe_ones = |m: &&HttpMethod| matches!(m, HttpMethod::Post | HttpMethod::Patch | HttpMethod::Connect);
    if retry.idempotent {
        return;
    }
    if let Some(method) = here.rule.methods.iter().find(unsafe_ones) {
        let methods = out.name(&here.field("methods"));
        let message = format!("a {method} that failed may have been done: sent again, it is done twice");
        let finding = out.error_on_name(codes::RETRY, &here.field("retry"), message).label("sends it again");
        out.push(finding.related(methods, format!("{method} among them")).help(
            "write `idempotent=#true` if the app takes a repetition without harm, or a rule for the other methods",
        ));
    }
}

fn counted(field: &str, (by, header, behind): (By, Option<&HeaderName>, u32), here: &Here<'_>, out: &mut Findings<'_>) {
    let at = here.field(field);
    match (by, header) {
        (By::Header, None) => out.push(
            out.error(codes::POLICY, &format!("{at}/by"), "which header tells the requests apart?")
                .help("write `header=NAME`"),
        ),
        (By::ClientIp | By::Host, Some(_)) => out.push(
            out.error(codes::POLICY, &format!("{at}/header"), "this header is not looked at")
                .help("write `by=header` as well, or remove it"),
        ),
        (By::Header, Some(_)) | (By::ClientIp | By::Host, None) => {}
    }
    if behind > 0 && by != By::ClientIp {
        let message = "proxies in front matter only where clients are told apart by their address";
        let finding = out.error(codes::POLICY, &format!("{at}/behind"), message);
        out.push(finding.help("write `by=client-ip`, or remove it"));
    }
}

fn breaker(here: &Here<'_>, breaker: &CircuitBreaker, out: &mut Findings<'_>) {
    let at = here.field("circuit-breaker");
    if breaker.error_rate.is_none() && breaker.network_errors.is_none() && breaker.latency.is_none() {
        let finding = out.error(codes::POLICY, &at, "this circuit breaker never opens");
        out.push(finding.help("write `error-rate=\"30%\"`, `network-errors=` or `latency=`"));
    }
    let rates = [("error-rate", breaker.error_rate), ("network-errors", breaker.network_errors)];
    for (field, rate) in rates {
        if rate.is_some_and(|rate| rate.whole() == Some(100)) {
            let message = "no more than all requests can fail: it never opens";
            let finding = out.error(codes::POLICY, &format!("{at}/{field}"), message);
            out.push(finding.help("write less than 100%"));
        }
    }
}

fn auth(here: &Here<'_>, auth: &Auth, out: &mut Findings<'_>) {
    let at = here.field("auth");
    match (&auth.app, &auth.url) {
        (None, None) => out.push(
            out.error(codes::POLICY, &at, "nobody is asked")
                .help("write `app=NAME`, or `url=\"https://HOST/PATH\"`"),
        ),
        (Some(_), Some(_)) => out.push(
            out.error(codes::POLICY, &format!("{at}/url"), "one is asked, not two")
                .help("keep `app` or `url`"),
        ),
        (None, Some(url)) => {
            if !url.is_encrypted() {
                let message = "cookies and passwords of every request go there unencrypted";
                let finding = out.error(codes::POLICY, &format!("{at}/url"), message);
                out.push(finding.help("write an address that starts with `https://`"));
            }
            if auth.port.is_some() || auth.path.is_some() {
                let finding = out.error(codes::POLICY, &at, "`port` and `path` are those of an app");
                out.push(finding.help("write them into `url`"));
            }
            named(here, url, &at, out);
        }
        (Some(app), None) => asked(here, app, auth.port.as_ref(), &at, out),
    }
}

/// Whoever is asked sees every request, and is asked by the proxy, which reaches more than the tenant does.
fn named(here: &Here<'_>, url: &Url, at: &str, out: &mut Findings<'_>) {
    let tenant = here.scope.find::<Tenant>(here.route.tenant.name());
    let Some(tenant) = tenant.filter(|tenant| !tenant.may_reach(url.as_str(), here.scope)) else {
        return;
    };
    let message = format!("`{url}` is no host of the outside, and no Service of tenant `{}`", tenant.name);
    let finding = out.error(codes::NOT_GIVEN, &format!("{at}/url"), message).label("somebody else's");
    out.push(finding.help("write `app=NAME` for an app of the tenant, or the name by which a host is known outside"));
}

fn asked(here: &Here<'_>, app: &AppRef, port: Option<&PortName>, at: &str, out: &mut Findings<'_>) {
    if app.tenant().is_some_and(|tenant| tenant != here.route.tenant.name()) {
        let message = format!("app `{app}` belongs to another tenant: a route asks its own tenant's apps");
        let finding = out.error(codes::BACKEND, &format!("{at}/app"), message).label("out of reach");
        out.push(finding.help("write `url=` with an address that tenant gives to you"));
        return;
    }
    let (field, message) = match place::service(app, port, here.scope) {
        Ok(_) | Err(NoService::Unknown) => return,
        Err(NoService::Ends | NoService::NoPorts) => ("app", format!("app `{app}` cannot be asked: it listens on no port")),
        Err(NoService::Which(ports)) => ("app", format!("app `{app}` listens on several ports: write `port=` with one of {}", ports.join(", "))),
        Err(NoService::NoSuch(ports)) => ("port", format!("app `{app}` has no such port, only {}", ports.join(", "))),
    };
    out.push(out.error(codes::BACKEND, &format!("{at}/{field}"), message));
}

fn cors(here: &Here<'_>, cors: &Cors, out: &mut Findings<'_>) {
    let at = here.field("cors");
    match (cors.origins.is_empty(), cors.any_origin) {
        (true, false) => out.push(
            out.error(codes::POLICY, &at, "no page of another host is allowed by this")
                .help("write `origins \"https://HOST\"`, or `any-origin #true`"),
        ),
        (false, true) => out.push(
            out.error(codes::POLICY, &format!("{at}/any-origin"), "any page is allowed, so the others need not be named")
                .help("keep one of the two"),
        ),
        (true, true) | (false, false) => {}
    }
    if cors.any_origin && cors.credentials {
        let message = "any page could act in the name of whoever looks at it";
        let finding = out.error(codes::POLICY, &format!("{at}/credentials"), message);
        out.push(finding.help("name the `origins` that are trusted"));
    }
    for (index, origin) in cors.origins.iter().enumerate() {
        if url::Url::parse(origin.as_str()).is_ok_and(|url| url.path() != "/" || url.query().is_some()) {
            let finding = out.error(codes::POLICY, &format!("{at}/origins/{index}"), "an origin has no path");
            out.push(finding.help("write the scheme and the host only"));
        }
    }
}
