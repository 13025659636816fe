//! The filters of a rule, outermost first: what answers by itself, what refuses, what changes a
//! request, what sends it again.

use serde_json::{Map, Value, json};

use super::super::place::{self, Dialect};
use super::super::policy::Cors;
use super::super::rule::{Headers, Redirect, Rewrite};
use super::{Here, Part, middleware};
use crate::dsl::form::Keyed;
use crate::kinds::pod::Plain;
use crate::kinds::pod::render::Traced;
use crate::values::header::HeaderName;

/// Where the Middlewares stand in the order of filters: before the request is changed, or after.
const OUTER: &[&str] = &["cors", "rate-limit", "in-flight", "auth"];

pub(super) fn all(here: &Here<'_>, part: &Part) -> Traced {
    let rule = here.rule;
    let mut out = Traced::list();
    let own: Vec<&str> = match here.frame.dialect {
        Dialect::Traefik => middleware::wanted(rule),
        Dialect::Portable => Vec::new(),
    };
    let (outer, inner): (Vec<&str>, Vec<&str>) = own.iter().partition(|name| OUTER.contains(name));
    if let (Some(cors), Dialect::Portable) = (&rule.cors, here.frame.dialect) {
        push(&mut out, "CORS", "cors", self::cors(cors), &here.field("cors"));
    }
    if let Some(headers) = &rule.response_headers {
        let at = here.field("response-headers");
        push(&mut out, "ResponseHeaderModifier", "responseHeaderModifier", changed(headers), &at);
    }
    outer.iter().for_each(|name| extension(&mut out, here, name));
    if let Some(redirect) = &rule.redirect {
        let at = here.field("redirect");
        push(&mut out, "RequestRedirect", "requestRedirect", self::redirect(redirect), &at);
    }
    if let Some(headers) = &rule.request_headers {
        let at = here.field("request-headers");
        push(&mut out, "RequestHeaderModifier", "requestHeaderModifier", changed(headers), &at);
    }
    if let Some(rewrite) = &rule.rewrite {
        push(&mut out, "URLRewrite", "urlRewrite", self::rewrite(rewrite), &here.field("rewrite"));
    }
    let inner = inner.into_iter().filter(|name| part.retry || *name != "retry");
    inner.for_each(|name| extension(&mut out, here, name));
    mirror(&mut out, here);
    out
}

fn push(out: &mut Traced, kind: &str, field: &str, value: Value, origin: &str) {
    let mut filter = Map::new();
    filter.insert("type".into(), kind.into());
    filter.insert(field.into(), value);
    out.push_from(Value::Object(filter), origin);
}

fn extension(out: &mut Traced, here: &Here<'_>, name: &str) {
    let target = json!({ "group": "traefik.io", "kind": "Middleware", "name": here.named(name) });
    push(out, "ExtensionRef", "extensionRef", target, &here.field(name));
}

fn mirror(out: &mut Traced, here: &Here<'_>) {
    let Some(mirror) = here.rule.mirror.as_ref().filter(|_| here.frame.dialect == Dialect::Portable) else {
        return;
    };
    let Ok(service) = place::service(&mirror.app, mirror.port.as_ref(), here.frame.scope) else {
        return;
    };
    let fraction = mirror.percent.map(|percent| match percent.whole() {
        Some(whole) => ("percent", json!(whole)),
        None => ("fraction", json!({ "numerator": percent.thousandths(), "denominator": 100_000 })),
    });
    let mut value = json!({
        "backendRef": {
            "group": "",
            "kind": "Service",
            "name": service.name,
            "namespace": service.namespace,
            "port": service.port,
        }
    });
    if let (Some((key, share)), Some(map)) = (fraction, value.as_object_mut()) {
        map.insert(key.into(), share);
    }
    push(out, "RequestMirror", "requestMirror", value, &here.field("mirror"));
}

fn changed(headers: &Headers) -> Value {
    let pairs = |map: &Keyed<HeaderName, Plain>| match map.is_empty() {
        true => Value::Null,
        false => map.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect(),
    };
    let remove = Some(&headers.remove).filter(|names| !names.is_empty());
    json!({ "set": pairs(&headers.set), "add": pairs(&headers.add), "remove": remove })
}

fn redirect(redirect: &Redirect) -> Value {
    let to = redirect.to.as_ref().and_then(|to| url::Url::parse(to.as_str()).ok());
    let path = to.as_ref().map(url::Url::path).filter(|path| *path != "/");
    let path = redirect.path.as_ref().map(|path| path.as_str()).or(path);
    let scheme = to.as_ref().map(|url| url.scheme().to_owned());
    json!({
        "scheme": scheme.or_else(|| redirect.scheme.map(|s| s.word().to_owned())),
        "hostname": to.as_ref().and_then(|url| url.host_str()),
        "port": to.as_ref().and_then(url::Url::port),
        "path": replaced(path, redirect.prefix.as_ref().map(|prefix| prefix.as_str())),
        "statusCode": redirect.status.map_or(302, |status| status.number()),
    })
}

fn rewrite(rewrite: &Rewrite) -> Value {
    let path = rewrite.path.as_ref().map(|path| path.as_str());
    let prefix = rewrite.prefix.as_ref().map(|prefix| prefix.as_str());
    json!({ "hostname": rewrite.host, "path": replaced(path, prefix) })
}

fn replaced(path: Option<&str>, prefix: Option<&str>) -> Value {
    match (path, prefix) {
        (Some(path), _) => json!({ "type": "ReplaceFullPath", "replaceFullPath": path }),
        (None, Some(prefix)) => json!({ "type": "ReplacePrefixMatch", "replacePrefixMatch": prefix }),
        (None, None) => Value::Null,
    }
}

fn cors(cors: &Cors) -> Value {
    let some = |list: Value| Some(list).filter(|l| l.as_array().is_some_and(|l| !l.is_empty()));
    json!({
        "allowOrigins": middleware::origins(cors),
        "allowMethods": some(json!(cors.methods)),
        "allowHeaders": some(json!(cors.headers)),
        "exposeHeaders": some(json!(cors.expose)),
        "allowCredentials": Some(true).filter(|_| cors.credentials),
        "maxAge": cors.max_age.map(|age| age.to_seconds()),
    })
}
