//! What a rule matches and where it leads.

use std::collections::BTreeMap;

use super::super::place::{Dialect, NoService};
use super::super::render::split;
use super::super::rule::{Backend, TextMatch};
use super::super::{Protocol, Route};
use super::Here;
use crate::dsl::check::closest;
use crate::dsl::codes;
use crate::dsl::node::escape;
use crate::kinds::Findings;
use crate::kinds::app::App;
use crate::names::PortName;
use crate::names::reference::AppRef;

/// Limits of the Gateway API for one object.
const MAX_RULES: usize = 16;
const MAX_MATCHES: usize = 64;
const MAX_ALL_MATCHES: usize = 127;
const MAX_BACKENDS: usize = 16;
const MAX_CONDITIONS: usize = 16;

/// Everything that only an open protocol can have.
const OPEN: &[&str] = &[
    "path", "path-exact", "path-regex", "methods", "header", "query", "call", "redirect", "rewrite",
    "request-headers", "response-headers", "retry", "timeout", "rate-limit", "in-flight",
    "circuit-breaker", "auth", "cors", "mirror",
];
/// What only HTTP can have.
const HTTP: &[&str] = &[
    "path", "path-exact", "path-regex", "methods", "query", "redirect", "rewrite", "retry", "timeout",
    "cors",
];
/// What nothing reaches behind a redirect.
const NEEDS_APP: &[&str] =
    &["rewrite", "request-headers", "retry", "timeout", "circuit-breaker", "mirror"];

pub(super) fn check(here: &Here<'_>, out: &mut Findings<'_>) {
    unfit(here, out);
    ignored(here, out);
    matched(here, out);
    leads(here, out);
    for (index, backend) in here.rule.to.iter().enumerate() {
        self::backend(here, index, backend, out);
        super::split::check(here, index, backend, out);
    }
    if let Some(mirror) = &here.rule.mirror {
        port(here, &mirror.app, mirror.port.as_ref(), &here.field("mirror"), out);
    }
}

/// Fields that mean nothing in the protocol.
fn unfit(here: &Here<'_>, out: &mut Findings<'_>) {
    let protocol = here.route.protocol;
    let (fields, why, help) = match protocol {
        Protocol::Http => (
            &["call"][..],
            "http has no calls",
            "match the `path`, or write `protocol=grpc` at the route",
        ),
        Protocol::Grpc => (
            HTTP,
            "gRPC has its own calls, all sent by POST and all answered with 200",
            "match a `call`; let the client of gRPC repeat and give up",
        ),
        Protocol::Tls => (OPEN, "TLS is passed on unopened", "end TLS at a listener with a certificate, and use http"),
        Protocol::Tcp => (OPEN, "nothing can be told about bytes", "use http, grpc or tls"),
    };
    for field in fields {
        let at = here.field(field);
        if out.written(&at) {
            let message = format!("`{field}` means nothing on a route of {}: {why}", protocol.word());
            out.push(out.error_on_name(codes::UNFIT_PROTOCOL, &at, message).help(help));
        }
    }
}

/// Fields that the gateway would accept and ignore.
fn ignored(here: &Here<'_>, out: &mut Findings<'_>) {
    let traefik = [
        ("timeout", "Traefik has no time limit for a route of a gateway", "limit the time in the app"),
        ("mirror", "Traefik copies no requests for a route of a gateway", "use a gateway of another class"),
    ];
    let grpc = [(
        "response-headers",
        "Traefik changes no headers of answers of gRPC",
        "set them in the app",
    )];
    let only = "only Traefik can do it, through a Middleware of its own";
    let other = "use a gateway whose class starts with `traefik`";
    let portable =
        ["retry", "rate-limit", "in-flight", "circuit-breaker", "auth"].map(|f| (f, only, other));
    let fields: Vec<(&str, &str, &str)> = match (here.dialect, here.route.protocol) {
        (Some(Dialect::Traefik), Protocol::Grpc) => [&traefik[1..], &grpc].concat(),
        (Some(Dialect::Traefik), Protocol::Http) => traefik.to_vec(),
        (Some(Dialect::Portable), Protocol::Http | Protocol::Grpc) => portable.to_vec(),
        (_, Protocol::Tls | Protocol::Tcp) | (None, _) => Vec::new(),
    };
    for (field, why, help) in fields {
        let at = here.field(field);
        if out.written(&at) {
            let message = format!("`{field}` would be ignored: {why}");
            out.push(out.error_on_name(codes::GATEWAY_IGNORES, &at, message).help(help));
        }
    }
}

fn matched(here: &Here<'_>, out: &mut Findings<'_>) {
    let written = ["path", "path-exact", "path-regex"].map(|field| here.field(field));
    let mut written = written.iter().filter(|at| out.written(at));
    if let (Some(first), Some(second)) = (written.next(), written.next()) {
        let related = out.name(first);
        let finding = out.error_on_name(codes::ROUTE_RULE, second, "a rule matches one path");
        out.push(finding.related(related, "matched here").help("write a rule for each of the two"));
    }
    let fields = [("header", &here.rule.header), ("query", &here.rule.query)];
    for (field, matches) in fields {
        if matches.len() > MAX_CONDITIONS {
            let message = format!("a rule has at most {MAX_CONDITIONS} conditions on a {field}");
            out.push(out.error(codes::ROUTE_TOO_LARGE, &here.field(field), message));
        }
        for (name, text) in matches.iter() {
            let at = format!("{}/{}", here.field(field), escape(name.as_str()));
            one_text(field, text, &at, out);
        }
    }
    let empty = here.rule.call.as_ref().is_some_and(|c| c.service.is_none() && c.method.is_none());
    if empty {
        let finding = out.error(codes::ROUTE_RULE, &here.field("call"), "this call says nothing");
        out.push(finding.help("write `service=` or `method=`, or leave it out for all calls"));
    }
    for (index, method) in here.rule.methods.iter().enumerate() {
        if here.rule.methods[..index].contains(method) {
            let at = format!("{}/{index}", here.field("methods"));
            let message = format!("`{method}` is named twice");
            out.push(out.error(codes::SAME_MATCH, &at, message).help("remove one of the two"));
        }
    }
}

fn one_text(field: &str, text: &TextMatch, at: &str, out: &mut Findings<'_>) {
    let message = match (&text.value, &text.regex) {
        (None, None) => "it has neither a value nor a pattern",
        (Some(_), Some(_)) => "it has a value and a pattern",
        (Some(value), None) if value.as_str().is_empty() => "its value is empty",
        _ => return,
    };
    let finding = out.error(codes::ROUTE_RULE, at, format!("this {field} cannot be matched: {message}"));
    out.push(finding.help(format!("write `{field} NAME \"VALUE\"` or `{field} NAME regex=\"PATTERN\"`")));
}

/// Somewhere, and to one thing.
fn leads(here: &Here<'_>, out: &mut Findings<'_>) {
    let rule = here.rule;
    match (&rule.redirect, rule.to.is_empty()) {
        (None, true) => out.push(
            out.error(codes::ROUTE_RULE, &here.at, "this rule leads nowhere")
                .help("add `to APP port=NAME`, or a `redirect`"),
        ),
        (Some(_), false) => {
            let to = out.name(&here.field("to"));
            let at = here.field("redirect");
            let message = "a request goes to an app or is redirected, not both";
            let finding = out.error_on_name(codes::ROUTE_RULE, &at, message);
            out.push(finding.related(to, "goes to an app").help("keep one of the two"));
        }
        (Some(_), true) => {
            for field in NEEDS_APP.iter().filter(|field| out.written(&here.field(field))).copied().collect::<Vec<_>>() {
                let message = format!("`{field}` does nothing here: a redirected request reaches no app");
                let finding = out.error_on_name(codes::ROUTE_RULE, &here.field(field), message);
                out.push(finding.help("remove it"));
            }
        }
        (None, false) => weights(here, out),
    }
}

fn weights(here: &Here<'_>, out: &mut Findings<'_>) {
    let at = here.field("to");
    if here.rule.to.iter().all(|to| to.weight == Some(0)) {
        let finding = out.error(codes::ROUTE_RULE, &at, "no app of this rule gets a request: every weight is 0");
        out.push(finding.help("give one of them a weight"));
    }
    if here.rule.to.len() > MAX_BACKENDS {
        let message = format!("a rule leads to at most {MAX_BACKENDS} apps");
        out.push(out.error(codes::ROUTE_TOO_LARGE, &at, message));
    }
}

fn backend(here: &Here<'_>, index: usize, backend: &Backend, out: &mut Findings<'_>) {
    let at = format!("{}/{index}", here.field("to"));
    let before = &here.rule.to[..index];
    let same = |other: &Backend| other.app == backend.app && other.port == backend.port;
    if let Some(first) = before.iter().position(same) {
        let first = out.value(&format!("{}/{first}", here.field("to")));
        let finding = out.error(codes::ROUTE_RULE, &at, format!("app `{}` gets requests twice", backend.app));
        out.push(finding.related(first, "here first").help("add their weights in one `to`"));
    }
    port(here, &backend.app, backend.port.as_ref(), &at, out);
    let namespace = here.route.namespace(here.scope);
    if let Ok(service) = backend.service(here.scope)
        && service.namespace != namespace
    {
        let message = format!(
            "app `{}` runs in `{}`, and the route stands in `{namespace}`: a route leads to its own namespace only",
            backend.app, service.namespace
        );
        let finding = out.error(codes::BACKEND, &format!("{at}/app"), message).label("out of reach");
        out.push(finding.help("write a second route for it: routes of a tenant may share a host"));
    }
}

/// An app that takes traffic on the port.
fn port(here: &Here<'_>, app: &AppRef, port: Option<&PortName>, at: &str, out: &mut Findings<'_>) {
    if app.tenant().is_some_and(|tenant| tenant != here.route.tenant.name()) {
        let message = format!("app `{app}` belongs to another tenant: a route leads to its own tenant's apps");
        let finding = out.error(codes::BACKEND, &format!("{at}/app"), message).label("out of reach");
        out.push(finding.help("let that tenant write a route of its own"));
        return;
    }
    let on_app = |message: String| out.error(codes::BACKEND, &format!("{at}/app"), message);
    let on_port = |message: String| out.error(codes::BACKEND, &format!("{at}/port"), message);
    let finding = match super::super::place::service(app, port, here.scope) {
        Ok(_) => return datagrams(here, app, port, at, out),
        Err(NoService::Unknown) => return,
        Err(NoService::Ends) => on_app(format!("app `{app}` is a job: it takes no requests")),
        Err(NoService::NoPorts) => on_app(format!("app `{app}` listens on no port"))
            .help(format!("add one to it, as in `port http 8080` in `app {app}`")),
        Err(NoService::Which(ports)) => on_app(format!("app `{app}` listens on several ports"))
            .label("which one?")
            .help(format!("write `port=` with one of {}", ports.join(", "))),
        Err(NoService::NoSuch(ports)) => {
            let wanted = port.map(PortName::as_str).unwrap_or_default();
            let finding = on_port(format!("app `{app}` has no port `{wanted}`")).label("not declared");
            let span = out.value(&format!("{at}/port"));
            match closest(wanted, ports.iter().map(String::as_str)) {
                Some(meant) => {
                    let meant = meant.to_owned();
                    finding.suggestion(span, meant.clone(), format!("did you mean `{meant}`?"))
                }
                None => finding.help(format!("known: {}", ports.join(", "))),
            }
        }
    };
    out.push(finding);
}

/// What flows on a route is a connection.
fn datagrams(here: &Here<'_>, app: &AppRef, port: Option<&PortName>, at: &str, out: &mut Findings<'_>) {
    let Some(found) = here.scope.find::<App>(&app.to_string()) else {
        return;
    };
    let meant = |name: &PortName| port.is_none_or(|wanted| wanted == name);
    let udp = found.ports().find(|(_, name, p)| meant(name) && p.protocol.name() != "TCP");
    if let Some((_, name, port)) = udp {
        let word = port.protocol.name();
        let message = format!("port `{name}` of app `{app}` takes {word}, and a route carries TCP");
        let finding = out.error(codes::BACKEND, &format!("{at}/port"), message);
        out.push(finding.help("name another port, or `expose` this one at the app"));
    }
}

/// Rules that exclude each other, and how many fit into one object.
pub(super) fn together(route: &Route, out: &mut Findings<'_>) {
    if route.rule.is_empty() {
        let message = format!("route `{}` leads nowhere", route.name);
        let finding = out.error(codes::MISSING_FIELD, "", message).label("no rule");
        out.push(finding.help("add `rule path=\"/\" { to APP port=NAME }`"));
    }
    if !route.protocol.is_open() && route.rule.len() > 1 {
        let message = format!("a route of {} has one rule: nothing tells requests apart", route.protocol.word());
        let finding = out.error(codes::UNFIT_PROTOCOL, "/rule/1", message).label("one too many");
        out.push(finding.help("name all apps in one rule, with weights"));
        return;
    }
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (index, rule) in route.rule.iter().enumerate() {
        let mut clashes = rule.matches().into_iter().filter_map(|matched| {
            let first = seen.get(&matched).copied().filter(|first| *first != index);
            seen.entry(matched.clone()).or_insert(index);
            Some((first?, matched))
        });
        let clash = clashes.next();
        clashes.for_each(drop);
        if let Some((first, matched)) = clash {
            let message = format!("two rules match `{matched}`: the second one is never used");
            let related = out.name(&format!("/rule/{first}"));
            let finding = out.error_on_name(codes::SAME_MATCH, &format!("/rule/{index}"), message);
            out.push(finding.label("never used").related(related, "matches it first").help(
                "tell them apart by `methods`, `header` or `query`, or make them one rule with weights",
            ));
        }
    }
    size(route, out);
}

fn size(route: &Route, out: &mut Findings<'_>) {
    let parts: Vec<usize> = route.rule.iter().flat_map(split).map(|part| part.methods.len().max(1)).collect();
    let all: usize = parts.iter().sum();
    let widest = parts.iter().max().copied().unwrap_or_default();
    if parts.len() > MAX_RULES || all > MAX_ALL_MATCHES || widest > MAX_MATCHES {
        let message = format!(
            "this route has {} rules; the cluster takes {MAX_RULES}, where a `retry` without `methods` counts twice, and each method of a rule that replaces a prefix",
            parts.len()
        );
        let finding = out.error(codes::ROUTE_TOO_LARGE, "/rule", message);
        out.push(finding.help("write a second route: routes of a tenant may share a host"));
    }
}
