//! A route as objects: one route of the Gateway API, and beside it a Middleware of Traefik for each
//! thing that its Gateway provider cannot say.

mod filters;
mod middleware;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::place::Dialect;
use super::rule::{PathMatch, Rule, TextMatch};
use super::{Protocol, Route};
use crate::dsl::form::Keyed;
use crate::kinds::pod::render::Traced;
use crate::kinds::{ObjectRequest, Objects, Scope};
use crate::names::Name;
use crate::object::{GroupKind, ObjectKey};
use crate::values::header::HeaderName;
use crate::values::host::HostName;
use crate::values::http::HttpMethod;

pub(super) fn render(route: &Route, scope: &Scope<'_>, out: &mut Objects) {
    let Some((tenant, gateway)) = route.gateway(scope) else {
        return;
    };
    let frame = Frame {
        route,
        scope,
        namespace: route.namespace(scope),
        dialect: Dialect::of(gateway),
    };
    let mut request = ObjectRequest::new(template(route.protocol));
    let mut rules = Traced::list();
    for (index, rule) in route.rule.iter().enumerate() {
        let here = Here { frame: &frame, rule, index };
        for (suffix, middleware) in middleware::all(&here) {
            request = request.needs(here.middleware(suffix));
            out.push(middleware);
        }
        let services = rule.to.iter().filter_map(|to| to.service(scope).ok());
        for canary in services.filter_map(|service| service.made_by) {
            request = request.needs(canary);
        }
        for part in split(rule) {
            rules.push(here.view(&part));
        }
    }
    let listeners: Vec<&Name> = route.listeners(gateway).into_iter().map(|(name, _)| name).collect();
    let mut request = rules.into_request("rules", request);
    // A listener that answers to all is refused before: nothing is rendered that would do the same.
    let Some(answers) = route.hosts(gateway) else {
        out.refuse("", "it names no host, and one of its listeners answers to any");
        return;
    };
    for (index, (_, pointer)) in answers.iter().enumerate() {
        request.origins.insert(format!("/hosts/{index}"), pointer.clone());
    }
    let hosts: Vec<&HostName> = answers.iter().map(|(host, _)| *host).collect();
    out.push(
        request
            .with("name", &route.name, "/name")
            .set("hosts", &hosts)
            .with("gateway", &route.gateway.name(), "/gateway")
            .set("gateway_namespace", &tenant.namespace_of(gateway.namespace.as_ref(), scope))
            .set("listeners", &listeners)
            .set("namespace", &frame.namespace)
            .set("labels", &frame.labels()),
    );
}

const fn template(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Http => "route/http.yaml.j2",
        Protocol::Grpc => "route/grpc.yaml.j2",
        Protocol::Tls => "route/tls.yaml.j2",
        Protocol::Tcp => "route/tcp.yaml.j2",
    }
}

/// A part of a rule that is rendered as one rule.
pub(super) struct Part {
    /// Methods that it matches; empty for all.
    pub(super) methods: Vec<HttpMethod>,
    /// Whether failed requests are sent again.
    pub(super) retry: bool,
}

/// The parts of a rule. Where a prefix is replaced, each method has a part of its own: the Gateway API
/// allows one match there.
pub(super) fn split(rule: &Rule) -> Vec<Part> {
    let rewritten = rule.rewrite.as_ref().is_some_and(|r| r.prefix.is_some());
    let redirected = rule.redirect.as_ref().is_some_and(|r| r.prefix.is_some());
    let alone = |part: Part| -> Vec<Part> {
        let retry = part.retry;
        match part.methods.len() {
            0 | 1 => vec![part],
            _ => part.methods.into_iter().map(|method| Part { methods: vec![method], retry }).collect(),
        }
    };
    let parts = by_retry(rule);
    match rewritten || redirected {
        true => parts.into_iter().flat_map(alone).collect(),
        false => parts,
    }
}

/// Where nobody says that requests may be repeated, only those are that change nothing: they become a
/// part of their own.
fn by_retry(rule: &Rule) -> Vec<Part> {
    let harmless = vec![HttpMethod::Get, HttpMethod::Head, HttpMethod::Options];
    match &rule.retry {
        Some(retry) if rule.methods.is_empty() && !retry.idempotent => vec![
            Part { methods: harmless, retry: true },
            Part { methods: Vec::new(), retry: false },
        ],
        retry => vec![Part {
            methods: rule.methods.clone(),
            retry: retry.is_some(),
        }],
    }
}

/// What all objects of a route have in common.
struct Frame<'a> {
    route: &'a Route,
    scope: &'a Scope<'a>,
    namespace: String,
    dialect: Dialect,
}

impl Frame<'_> {
    fn labels(&self) -> BTreeMap<&'static str, &str> {
        BTreeMap::from([("app.kubernetes.io/part-of", self.route.tenant.name())])
    }
}

/// One rule and everything around it.
struct Here<'a> {
    frame: &'a Frame<'a>,
    rule: &'a Rule,
    index: usize,
}

impl Here<'_> {
    /// Pointer to a field of the rule.
    fn field(&self, name: &str) -> String {
        format!("/rule/{}/{name}", self.index)
    }

    /// Name of a Middleware of this rule.
    fn named(&self, suffix: &str) -> String {
        format!("{}-{}-{suffix}", self.frame.route.name, self.index + 1)
    }

    fn middleware(&self, suffix: &str) -> ObjectKey {
        ObjectKey {
            group_kind: GroupKind::new("traefik.io", "Middleware"),
            namespace: Some(self.frame.namespace.clone()),
            name: self.named(suffix),
        }
    }

    /// One rule of the object.
    fn view(&self, part: &Part) -> Traced {
        let mut view = Traced::object();
        let matches = match self.frame.route.protocol {
            Protocol::Http => self.http_matches(part),
            Protocol::Grpc => self.grpc_matches(),
            Protocol::Tls | Protocol::Tcp => Value::Null,
        };
        let path = ["path", "path-exact", "path-regex"];
        let written = match self.rule.matched_path() {
            PathMatch::Prefix(_) => path[0],
            PathMatch::Exact(_) => path[1],
            PathMatch::Regex(_) => path[2],
        };
        let count = matches.as_array().map_or(0, Vec::len);
        put(&mut view, "matches", matches);
        for index in 0..count {
            let at = format!("/matches/{index}/path/value");
            view.origins.push((at, self.field(written)));
        }
        let filters = filters::all(self, part);
        view.nest("filters", filters);
        put(&mut view, "filters", Value::Null);
        let portable = self.frame.dialect == Dialect::Portable;
        let timeout = self.rule.timeout.filter(|_| portable);
        view.put("timeout", json!(timeout.map(|t| t.go_duration())), &self.field("timeout"));
        put(&mut view, "timeout", Value::Null);
        view.nest("backends", self.backends());
        put(&mut view, "backends", Value::Null);
        view
    }

    fn backends(&self) -> Traced {
        let mut list = Traced::list();
        for (index, backend) in self.rule.to.iter().enumerate() {
            // A broken reference never gets here: its owner has errors.
            let Ok(service) = backend.service(self.frame.scope) else {
                continue;
            };
            let at = format!("{}/{index}", self.field("to"));
            let mut one = Traced::object();
            one.put("name", json!(service.name), &format!("{at}/app"));
            one.set("split", json!(service.split));
            one.put("port", json!(service.port), &format!("{at}/port"));
            one.put("weight", json!(backend.weight.unwrap_or(1)), &format!("{at}/weight"));
            list.push(one);
        }
        list
    }

    fn http_matches(&self, part: &Part) -> Value {
        let (kind, value) = match self.rule.matched_path() {
            PathMatch::Prefix(path) => ("PathPrefix", path),
            PathMatch::Exact(path) => ("Exact", path),
            PathMatch::Regex(path) => ("RegularExpression", path),
        };
        let one = |method: Option<&HttpMethod>| {
            json!({
                "path": { "type": kind, "value": value },
                "method": method.map(|m| m.as_str()),
                "headers": conditions(&self.rule.header),
                "queryParams": conditions(&self.rule.query),
            })
        };
        match &part.methods[..] {
            [] => json!([one(None)]),
            methods => methods.iter().map(|m| one(Some(m))).collect(),
        }
    }

    fn grpc_matches(&self) -> Value {
        let method = self.rule.call.as_ref().map(|call| {
            json!({ "type": "Exact", "service": call.service, "method": call.method })
        });
        let headers = conditions(&self.rule.header);
        match (&method, headers.is_null()) {
            (None, true) => Value::Null,
            _ => json!([{ "method": method, "headers": headers }]),
        }
    }
}

/// Sets a field that is not there yet.
fn put(view: &mut Traced, key: &str, value: Value) {
    if let Some(map) = view.value.as_object_mut() {
        map.entry(key).or_insert(value);
    }
}

fn conditions(matches: &Keyed<HeaderName, TextMatch>) -> Value {
    let one = |(name, text): (&HeaderName, &TextMatch)| match (&text.value, &text.regex) {
        (Some(value), _) => json!({ "type": "Exact", "name": name, "value": value }),
        (None, regex) => json!({ "type": "RegularExpression", "name": name, "value": regex }),
    };
    match matches.is_empty() {
        true => Value::Null,
        false => matches.iter().map(one).collect(),
    }
}
