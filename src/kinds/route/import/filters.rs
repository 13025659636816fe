//! Filters of a rule and Middlewares of Traefik back into words.

use serde_json::{Value, json};

use super::target;
use crate::kinds::import::{Draft, Fields, Found, Place, duration, list, map, text};

const MIDDLEWARE: (&str, &str) = ("traefik.io", "Middleware");

/// Everything that a rule does to requests; none where one thing of it cannot be said at all.
pub(super) fn filters(
    found: &Found,
    (namespace, place): (&str, &Place),
    rule: &Value,
    drafts: &[Draft],
    out: &mut Fields,
) -> Option<()> {
    for filter in list(rule, "/filters") {
        match text(filter, "/type")? {
            "RequestRedirect" => out.put("redirect", redirect(filter.get("requestRedirect")?)),
            "URLRewrite" => out.put("rewrite", rewrite(filter.get("urlRewrite")?)),
            "RequestHeaderModifier" => out.put("request-headers", headers(filter.get("requestHeaderModifier")?)),
            "ResponseHeaderModifier" => out.put("response-headers", headers(filter.get("responseHeaderModifier")?)),
            "CORS" => out.put("cors", cors(filter.get("cors")?)),
            "RequestMirror" => out.put("mirror", mirror(filter.get("requestMirror")?, place, drafts)?),
            "ExtensionRef" => {
                let name = text(filter, "/extensionRef/name")?;
                let body = found.get(MIDDLEWARE, namespace, name)?;
                middleware(body, place, namespace, drafts, out)?;
            }
            _ => return None,
        }
    }
    Some(())
}

fn redirect(to: &Value) -> Value {
    let mut out = Fields::new();
    match text(to, "/hostname") {
        Some(host) => {
            let scheme = text(to, "/scheme").unwrap_or("https");
            let port = to.get("port").and_then(Value::as_u64).map(|port| format!(":{port}")).unwrap_or_default();
            out.put("to", format!("{scheme}://{host}{port}"));
        }
        None => out.may("scheme", text(to, "/scheme")),
    }
    replaced(to, &mut out);
    out.may("status", to.get("statusCode").filter(|s| **s != 302).cloned());
    out.into()
}

fn rewrite(to: &Value) -> Value {
    let mut out = Fields::new();
    replaced(to, &mut out);
    out.may("host", text(to, "/hostname"));
    out.into()
}

fn replaced(to: &Value, out: &mut Fields) {
    out.may("path", text(to, "/path/replaceFullPath"));
    out.may("prefix", text(to, "/path/replacePrefixMatch"));
}

fn headers(change: &Value) -> Value {
    let mut out = Fields::new();
    for field in ["set", "add"] {
        for header in list(change, &format!("/{field}")) {
            if let (Some(name), Some(value)) = (text(header, "/name"), header.get("value")) {
                out.entry(field, name, value.clone());
            }
        }
    }
    out.put("remove", list(change, "/remove").cloned().collect::<Vec<Value>>());
    out.into()
}

fn cors(cors: &Value) -> Value {
    let names = ["allowOrigins", "allowMethods", "allowHeaders", "exposeHeaders", "allowCredentials", "maxAge"];
    pages(cors, names)
}

/// Which pages may use it, by the names that its form has for the parts.
fn pages(body: &Value, [origins, methods, headers, expose, credentials, age]: [&str; 6]) -> Value {
    let mut out = Fields::new();
    let all = |field: &str| list(body, &format!("/{field}")).cloned().collect::<Vec<Value>>();
    match all(origins) {
        any if any == [json!("*")] => out.put("any-origin", true),
        some => out.put("origins", some),
    }
    out.put("methods", all(methods));
    out.put("headers", all(headers));
    out.put("expose", all(expose));
    out.may("credentials", body.get(credentials).filter(|c| **c == true).cloned());
    out.may("max-age", crate::kinds::import::seconds(body.get(age)));
    out.into()
}

fn mirror(mirror: &Value, place: &Place, drafts: &[Draft]) -> Option<Value> {
    let mut out = target(place, mirror.get("backendRef")?, drafts)?;
    if let Some(percent) = mirror.get("percent") {
        out.put("percent", format!("{percent}%"));
    }
    if let Some(share) = mirror.get("fraction") {
        let (part, whole) = (share.get("numerator")?.as_f64()?, share.get("denominator").and_then(Value::as_f64).unwrap_or(100.0));
        out.put("percent", percent(part / whole));
    }
    Some(out.into())
}

fn middleware(body: &Value, place: &Place, namespace: &str, drafts: &[Draft], out: &mut Fields) -> Option<()> {
    let spec = body.get("spec")?.as_object()?;
    for (what, how) in spec {
        match what.as_str() {
            "retry" => out.put("retry", retry(how)?),
            "rateLimit" => out.put("rate-limit", rate_limit(how)),
            "inFlightReq" => out.put("in-flight", in_flight(how)),
            "circuitBreaker" => out.put("circuit-breaker", breaker(how)?),
            "forwardAuth" => out.put("auth", auth(how, place, namespace, drafts)),
            "headers" => out.put("cors", allowed(how)?),
            "redirectScheme" => out.put("redirect", redirect_scheme(how)),
            "stripPrefix" => out.put("rewrite", json!({ "prefix": "/" })),
            _ => return None,
        }
    }
    Some(())
}

fn retry(how: &Value) -> Option<Value> {
    let mut out = Fields::new();
    // Traefik counts the first attempt too.
    out.put("times", how.get("attempts")?.as_u64()?.checked_sub(1)?);
    let pattern = |range: &str| match range.split_once('-') {
        Some((first, last)) => {
            let whole = first.ends_with("00") && last.ends_with("99") && first.get(..1) == last.get(..1);
            whole.then(|| format!("{}xx", first.get(..1).unwrap_or_default()))
        }
        None => Some(range.to_owned()),
    };
    let on: Option<Vec<Value>> = list(how, "/status").map(|s| s.as_str().and_then(pattern).map(Value::from)).collect();
    out.put("on", on?);
    out.may("idempotent", how.get("retryNonIdempotentMethod").filter(|i| **i == true).cloned());
    out.may("wait", how.get("initialInterval").and_then(span));
    Some(out.into())
}

fn rate_limit(how: &Value) -> Value {
    let mut out = Fields::new();
    out.may("requests", how.get("average").cloned());
    out.may("per", how.get("period").and_then(span));
    out.may("burst", how.get("burst").filter(|b| Some(*b) != how.get("average")).cloned());
    counted(how, "client-ip", &mut out);
    out.into()
}

fn in_flight(how: &Value) -> Value {
    let mut out = Fields::new();
    out.may("requests", how.get("amount").cloned());
    counted(how, "host", &mut out);
    out.into()
}

/// Whose requests are counted together.
fn counted(how: &Value, usual: &str, out: &mut Fields) {
    let Some(source) = how.get("sourceCriterion") else { return };
    let by = if source.get("requestHeaderName").is_some() {
        "header"
    } else if source.get("requestHost") == Some(&true.into()) {
        "host"
    } else {
        "client-ip"
    };
    if by != usual {
        out.put("by", by);
    }
    out.may("header", text(source, "/requestHeaderName"));
    out.may("behind", source.pointer("/ipStrategy/depth").filter(|d| **d != 0).cloned());
}

fn breaker(how: &Value) -> Option<Value> {
    let mut out = Fields::new();
    for condition in text(how, "/expression")?.split("||") {
        let (what, bound) = condition.split_once('>')?;
        let bound: f64 = bound.trim().parse().ok()?;
        match what.trim() {
            "ResponseCodeRatio(500, 600, 0, 600)" => out.put("error-rate", percent(bound)),
            "NetworkErrorRatio()" => out.put("network-errors", percent(bound)),
            "LatencyAtQuantileMS(50.0)" => out.put("latency", duration(&format!("{bound}ms"))?),
            _ => return None,
        }
    }
    for (field, ours) in [("checkPeriod", "over"), ("fallbackDuration", "open"), ("recoveryDuration", "recover")] {
        out.may(ours, how.get(field).and_then(span));
    }
    out.may("status", how.get("responseCode").cloned());
    Some(out.into())
}

fn auth(how: &Value, place: &Place, namespace: &str, drafts: &[Draft]) -> Value {
    let mut out = Fields::new();
    let address = text(how, "/address").unwrap_or_default();
    match asked(address, place, namespace, drafts) {
        Some((app, path)) => {
            let Value::Object(app) = Value::from(app) else { return Value::Null };
            app.into_iter().for_each(|(name, value)| out.put(&name, value));
            out.may("path", Some(path).filter(|path| path != "/"));
        }
        None => out.put("url", address),
    }
    out.put("ask-with", list(how, "/authRequestHeaders").cloned().collect::<Vec<Value>>());
    out.put("take-over", list(how, "/authResponseHeaders").cloned().collect::<Vec<Value>>());
    out.into()
}

/// The app behind an address such as `http://login.shop.svc:8080/check`, and the path.
fn asked(address: &str, place: &Place, namespace: &str, drafts: &[Draft]) -> Option<(Fields, String)> {
    let rest = address.strip_prefix("http://")?;
    let (host, path) = rest.split_once('/').map_or((rest, "/".to_owned()), |(host, path)| (host, format!("/{path}")));
    let (host, port) = host.split_once(':')?;
    let host = host.strip_suffix(".cluster.local").unwrap_or(host);
    let name = host.strip_suffix(&format!(".{namespace}.svc"))?;
    let backend = json!({ "name": name, "port": port.parse::<u64>().ok()? });
    Some((target(place, &backend, drafts)?, path))
}

/// CORS, which Traefik says among the headers.
fn allowed(how: &Value) -> Option<Value> {
    let known = |name: &String| name.starts_with("accessControl") || name == "addVaryHeader";
    if !map(how, "").all(|(name, _)| known(name)) {
        return None;
    }
    let names = [
        "accessControlAllowOriginList",
        "accessControlAllowMethods",
        "accessControlAllowHeaders",
        "accessControlExposeHeaders",
        "accessControlAllowCredentials",
        "accessControlMaxAge",
    ];
    Some(pages(how, names))
}

fn redirect_scheme(how: &Value) -> Value {
    let mut out = Fields::new();
    out.may("scheme", text(how, "/scheme"));
    if how.get("permanent") == Some(&true.into()) {
        out.put("status", 301);
    }
    out.into()
}

/// A duration of Traefik: text of Go, or seconds.
fn span(value: &Value) -> Option<Value> {
    match value {
        Value::String(text) => duration(text),
        other => crate::kinds::import::seconds(Some(other)),
    }
}

fn percent(ratio: f64) -> String {
    let rounded = (ratio * 100_000.0).round() / 1000.0;
    format!("{rounded}%")
}
