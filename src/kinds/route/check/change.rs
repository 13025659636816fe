//! Redirects, rewrites and changed headers.

use super::super::place::serves;
use super::super::rule::{Headers, PathMatch, Redirect};
use super::Here;
use crate::dsl::codes;
use crate::dsl::node::escape;
use crate::kinds::Findings;
use crate::kinds::tenant::gateway::ListenerProtocol;
use crate::values::host::HostName;

/// Most changes of one sort in a rule; a limit of the Gateway API.
const MAX_HEADERS: usize = 16;

pub(super) fn check(here: &Here<'_>, out: &mut Findings<'_>) {
    if let Some(redirect) = &here.rule.redirect {
        self::redirect(here, redirect, out);
    }
    rewrite(here, out);
    let both = [
        ("request-headers", &here.rule.request_headers),
        ("response-headers", &here.rule.response_headers),
    ];
    for (field, headers) in both {
        if let Some(headers) = headers {
            self::headers(headers, &here.field(field), out);
        }
    }
}

fn redirect(here: &Here<'_>, redirect: &Redirect, out: &mut Findings<'_>) {
    let at = here.field("redirect");
    let fail = |field: &str, message: &str, help: &str, out: &mut Findings<'_>| {
        let at = if field.is_empty() { at.clone() } else { format!("{at}/{field}") };
        let finding = out.error(codes::REWRITE, &at, message);
        out.push(finding.help(help));
    };
    let target = redirect.to.as_ref().and_then(|to| url::Url::parse(to.as_str()).ok());
    let has_path = target.as_ref().is_some_and(|url| url.path() != "/");
    if redirect.to.is_none() && redirect.scheme.is_none() && redirect.path.is_none() && redirect.prefix.is_none() {
        fail("", "this redirect leads to where the request already is", "write `redirect \"https://HOST\"` or `redirect scheme=https`", out);
    }
    if target.as_ref().is_some_and(|url| url.query().is_some() || url.fragment().is_some()) {
        fail("to", "a redirect keeps the query of the request, and has no other", "end it after the path", out);
    }
    if redirect.to.is_some() && redirect.scheme.is_some() {
        fail("scheme", "the address already says its scheme", "remove `scheme`", out);
    }
    let paths = [has_path, redirect.path.is_some(), redirect.prefix.is_some()];
    if paths.iter().filter(|has| **has).count() > 1 {
        fail("", "this redirect leads to two paths", "keep one: in the address, `path` or `prefix`", out);
    }
    if redirect.prefix.is_some() {
        prefix(here, "redirect", out);
    }
    if redirect.status.is_some_and(|status| !status.is_redirect()) {
        fail("status", "with this status code no client goes elsewhere", "write 301, 302, 303, 307 or 308", out);
    }
    let host = target.as_ref().and_then(|url| url.host_str()).map(str::to_owned);
    let elsewhere = paths.contains(&true);
    if !elsewhere && host.is_some_and(|host| loops(here, &host, target.as_ref())) {
        fail("to", "this redirect leads back to the same rule, again and again", "name another host or a path", out);
    }
}

/// Whether a request for the host comes back to where it was.
fn loops(here: &Here<'_>, host: &str, target: Option<&url::Url>) -> bool {
    let Ok(host) = host.parse::<HostName>() else {
        return false;
    };
    let Some((_, gateway)) = here.route.gateway(here.scope) else {
        return false;
    };
    let answers = here.route.hosts(gateway).unwrap_or_default();
    if !answers.iter().any(|(own, _)| own.covers(&host)) {
        return false;
    }
    let wanted = match target.map(url::Url::scheme) {
        Some("https") => ListenerProtocol::Https,
        _ => ListenerProtocol::Http,
    };
    let listeners = here.route.listeners(gateway);
    listeners.iter().any(|(_, l)| serves(l, &host) && l.speaks() == wanted)
}

/// Only a prefix that was matched can be replaced.
fn prefix(here: &Here<'_>, field: &str, out: &mut Findings<'_>) {
    if !matches!(here.rule.matched_path(), PathMatch::Prefix(_)) {
        let at = format!("{}/prefix", here.field(field));
        let finding = out.error(codes::REWRITE, &at, "this rule matches no prefix that could be replaced");
        out.push(finding.help("match `path=` instead, or replace the whole `path`"));
    }
}

fn rewrite(here: &Here<'_>, out: &mut Findings<'_>) {
    let Some(rewrite) = &here.rule.rewrite else {
        return;
    };
    let at = here.field("rewrite");
    let message = match (&rewrite.path, &rewrite.prefix, &rewrite.host) {
        (None, None, None) => "this rewrite changes nothing",
        (Some(_), Some(_), _) => "this rewrite leads to two paths",
        (_, _, Some(host)) if host.is_wildcard() => "the app needs the name of one host",
        _ => {
            if rewrite.prefix.is_some() {
                prefix(here, "rewrite", out);
            }
            return;
        }
    };
    let finding = out.error(codes::REWRITE, &at, message);
    out.push(finding.help("write `prefix=` or `path=`, and `host=` where the app needs it"));
}

fn headers(headers: &Headers, at: &str, out: &mut Findings<'_>) {
    let Headers { set, add, remove } = headers;
    if set.is_empty() && add.is_empty() && remove.is_empty() {
        let finding = out.error(codes::REWRITE, at, "no header is changed here");
        out.push(finding.help("write `set NAME \"VALUE\"`, `add NAME \"VALUE\"` or `remove NAME`"));
    }
    if [set.len(), add.len(), remove.len()].iter().any(|n| *n > MAX_HEADERS) {
        let message = format!("a rule sets, adds and removes at most {MAX_HEADERS} headers each");
        out.push(out.error(codes::ROUTE_TOO_LARGE, at, message));
    }
    let mut seen: Vec<(String, String)> = Vec::new();
    let written = set.keys().map(|n| ("set", n)).chain(add.keys().map(|n| ("add", n)));
    let written = written.map(|(word, n)| (format!("{at}/{word}/{}", escape(n.as_str())), n));
    let removed = remove.iter().enumerate().map(|(i, n)| (format!("{at}/remove/{i}"), n));
    for (here, name) in written.chain(removed) {
        let lower = name.as_str().to_ascii_lowercase();
        if let Some((_, first)) = seen.iter().find(|(other, _)| *other == lower) {
            let first = out.name(first);
            let finding = out.error(codes::REWRITE, &here, format!("header `{name}` is changed twice"));
            out.push(finding.related(first, "changed here first").help("keep one of the two"));
        }
        seen.push((lower, here));
    }
    for (word, values) in [("set", set), ("add", add)] {
        for (name, value) in values.iter() {
            if value.as_str().is_empty() || value.as_str().contains(|c: char| c.is_control()) {
                let at = format!("{at}/{word}/{}", escape(name.as_str()));
                let finding = out.error(codes::BAD_VALUE, &at, format!("header `{name}` needs a text of one line"));
                out.push(finding.help("write its value, or `remove` it"));
            }
        }
    }
}

