//! Where a rule leads: to apps that take requests, in the route's own namespace, or elsewhere.

use super::super::place::{NoService, service};
use super::super::rule::Backend;
use super::Here;
use crate::dsl::check::closest;
use crate::dsl::codes;
use crate::kinds::Findings;
use crate::kinds::app::App;
use crate::names::PortName;
use crate::names::reference::AppRef;

/// Most apps of one rule; a limit of the Gateway API.
const MAX_BACKENDS: usize = 16;

/// What nothing reaches behind a redirect.
const NEEDS_APP: &[&str] = &[
    "rewrite",
    "request-headers",
    "retry",
    "timeout",
    "circuit-breaker",
    "mirror",
];

pub(super) fn check(here: &Here<'_>, out: &mut Findings<'_>) {
    leads(here, out);
    for (index, backend) in here.rule.to.iter().enumerate() {
        self::backend(here, index, backend, out);
    }
    if let Some(mirror) = &here.rule.mirror {
        port(
            here,
            &mirror.app,
            mirror.port.as_ref(),
            &here.field("mirror"),
            out,
        );
    }
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
            out.push(
                finding
                    .related(to, "goes to an app")
                    .help("keep one of the two"),
            );
        }
        (Some(_), true) => {
            for field in NEEDS_APP
                .iter()
                .filter(|field| out.written(&here.field(field)))
                .copied()
                .collect::<Vec<_>>()
            {
                let message =
                    format!("`{field}` does nothing here: a redirected request reaches no app");
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
        let finding = out.error(
            codes::ROUTE_RULE,
            &at,
            "no app of this rule gets a request: every weight is 0",
        );
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
        let finding = out.error(
            codes::ROUTE_RULE,
            &at,
            format!("app `{}` gets requests twice", backend.app),
        );
        out.push(
            finding
                .related(first, "here first")
                .help("add their weights in one `to`"),
        );
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
        let finding = out
            .error(codes::BACKEND, &format!("{at}/app"), message)
            .label("out of reach");
        out.push(finding.help("write a second route for it: routes of a tenant may share a host"));
    }
}

/// An app that takes traffic on the port.
fn port(here: &Here<'_>, app: &AppRef, port: Option<&PortName>, at: &str, out: &mut Findings<'_>) {
    if app
        .tenant()
        .is_some_and(|tenant| tenant != here.route.tenant.name())
    {
        let message = format!(
            "app `{app}` belongs to another tenant: a route leads to its own tenant's apps"
        );
        let finding = out
            .error(codes::BACKEND, &format!("{at}/app"), message)
            .label("out of reach");
        out.push(finding.help("let that tenant write a route of its own"));
        return;
    }
    let on_app = |message: String| out.error(codes::BACKEND, &format!("{at}/app"), message);
    let on_port = |message: String| out.error(codes::BACKEND, &format!("{at}/port"), message);
    let finding = match service(app, port, here.scope) {
        Ok(_) => return datagrams(here, app, port, at, out),
        Err(NoService::Unknown) => return,
        Err(NoService::Ends) => on_app(format!("app `{app}` is a job: it takes no requests")),
        Err(NoService::NoPorts) => on_app(format!("app `{app}` listens on no port")).help(format!(
            "add one to it, as in `port http 8080` in `app {app}`"
        )),
        Err(NoService::Which(ports)) => on_app(format!("app `{app}` listens on several ports"))
            .label("which one?")
            .help(format!("write `port=` with one of {}", ports.join(", "))),
        Err(NoService::NoSuch(ports)) => {
            let wanted = port.map(PortName::as_str).unwrap_or_default();
            let finding =
                on_port(format!("app `{app}` has no port `{wanted}`")).label("not declared");
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
fn datagrams(
    here: &Here<'_>,
    app: &AppRef,
    port: Option<&PortName>,
    at: &str,
    out: &mut Findings<'_>,
) {
    let Some(found) = here.scope.find::<App>(&app.to_string()) else {
        return;
    };
    let meant = |name: &PortName| port.is_none_or(|wanted| wanted == name);
    let udp = found
        .ports()
        .find(|(_, name, p)| meant(name) && p.protocol.name() != "TCP");
    if let Some((_, name, port)) = udp {
        let word = port.protocol.name();
        let message = format!("port `{name}` of app `{app}` takes {word}, and a route carries TCP");
        let finding = out.error(codes::BACKEND, &format!("{at}/port"), message);
        out.push(finding.help("name another port, or `expose` this one at the app"));
    }
}
