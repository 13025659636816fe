//! One rule of a route: what it matches, where it leads, and what it changes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::policy::{Auth, CircuitBreaker, Cors, InFlight, Mirror, RateLimit, Retry};
use crate::dsl::form::{Keyed, Repeated};
use crate::kinds::pod::Plain;
use crate::names::PortName;
use crate::names::reference::AppRef;
use crate::values::duration::Duration;
use crate::values::header::{HeaderName, Pattern};
use crate::values::host::HostName;
use crate::values::http::{HttpMethod, StatusCode};
use crate::values::path::UrlPath;
use crate::values::url::Url;

/// Requests that are treated alike.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rule {
    /// Path that requests start with, by whole segments. Default: any path.
    #[serde(default)]
    pub path: Option<UrlPath>,
    /// Path that requests have, no more and no less.
    #[serde(default)]
    pub path_exact: Option<UrlPath>,
    /// Regular expression that the whole path matches.
    #[serde(default)]
    pub path_regex: Option<Pattern>,
    /// Methods of the requests. Default: all.
    #[serde(default)]
    pub methods: Vec<HttpMethod>,
    /// Header that requests must have: `header X-Version "2"`.
    #[serde(default)]
    pub header: Keyed<HeaderName, TextMatch>,
    /// Query parameter that requests must have: `query beta "1"`.
    #[serde(default)]
    pub query: Keyed<HeaderName, TextMatch>,
    /// Call of gRPC that is meant. Default: all calls.
    #[serde(default)]
    pub call: Option<Call>,

    /// App that gets the requests. Several share them by their weights.
    #[serde(default)]
    pub to: Repeated<Backend>,
    /// Sends the client elsewhere instead.
    #[serde(default)]
    pub redirect: Option<Redirect>,
    /// Changes the address before the app sees it.
    #[serde(default)]
    pub rewrite: Option<Rewrite>,
    /// Changes the headers that the app gets.
    #[serde(default)]
    pub request_headers: Option<Headers>,
    /// Changes the headers that the client gets.
    #[serde(default)]
    pub response_headers: Option<Headers>,

    /// Sends failed requests again.
    #[serde(default)]
    pub retry: Option<Retry>,
    /// Time after which a request is given up. Default: none.
    #[serde(default)]
    pub timeout: Option<Duration>,
    /// How many requests may come in a time.
    #[serde(default)]
    pub rate_limit: Option<RateLimit>,
    /// How many requests may be under way at once.
    #[serde(default)]
    pub in_flight: Option<InFlight>,
    /// Stops sending requests to apps that fail.
    #[serde(default)]
    pub circuit_breaker: Option<CircuitBreaker>,
    /// Asks somebody whether a request may pass.
    #[serde(default)]
    pub auth: Option<Auth>,
    /// Which pages of other hosts may use it in a browser.
    #[serde(default)]
    pub cors: Option<Cors>,
    /// Sends a copy of the requests to another app.
    #[serde(default)]
    pub mirror: Option<Mirror>,
}

/// A text as it must be, or a pattern of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["value"]}))]
pub struct TextMatch {
    /// The text.
    #[serde(default)]
    pub value: Option<Plain>,
    /// Regular expression that the whole text matches.
    #[serde(default)]
    pub regex: Option<Pattern>,
}

/// A call of gRPC.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Call {
    /// Full name of the service, such as pay.v1.Checkout. Default: any.
    #[serde(default)]
    #[schemars(length(min = 1, max = 1024))]
    pub service: Option<String>,
    /// Name of the method, such as Pay. Default: any.
    #[serde(default)]
    #[schemars(length(min = 1, max = 1024))]
    pub method: Option<String>,
}

/// An app that gets requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["app"]}))]
pub struct Backend {
    /// App of the same tenant.
    pub app: AppRef,
    /// Name of the app's port. Default: its only one.
    #[serde(default)]
    pub port: Option<PortName>,
    /// Share of the requests, relative to the other apps of the rule. Default: 1.
    #[serde(default)]
    #[schemars(range(max = 1_000_000))]
    pub weight: Option<u32>,
}

/// Where a client is sent instead.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["to"]}))]
pub struct Redirect {
    /// Scheme and host, also with a port and a path. Without a path the request's own is kept.
    #[serde(default)]
    pub to: Option<Url>,
    /// Scheme to use instead.
    #[serde(default)]
    pub scheme: Option<Scheme>,
    /// Path to use instead.
    #[serde(default)]
    pub path: Option<UrlPath>,
    /// Path to put in place of the one that the rule matches; what follows is kept.
    #[serde(default)]
    pub prefix: Option<UrlPath>,
    /// Status code of the answer: 301, 302, 303, 307 or 308. Default: 302.
    #[serde(default)]
    pub status: Option<StatusCode>,
}

/// The scheme of a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

impl Scheme {
    /// The word of the language, which is that of URLs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// An address that the app sees instead.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rewrite {
    /// Path to use instead.
    #[serde(default)]
    pub path: Option<UrlPath>,
    /// Path to put in place of the one that the rule matches; what follows is kept.
    #[serde(default)]
    pub prefix: Option<UrlPath>,
    /// Host name to use instead.
    #[serde(default)]
    pub host: Option<HostName>,
}

/// Changes of headers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Headers {
    /// Header with one value, whatever it was: `set X-Env "prod"`.
    #[serde(default)]
    pub set: Keyed<HeaderName, Plain>,
    /// Value that a header gets beside those it has: `add X-Via "edge"`.
    #[serde(default)]
    pub add: Keyed<HeaderName, Plain>,
    /// Headers to take away.
    #[serde(default)]
    pub remove: Vec<HeaderName>,
}

/// The path that a rule matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathMatch<'a> {
    /// Starts with it, by whole segments.
    Prefix(&'a str),
    /// Is it.
    Exact(&'a str),
    /// Matches it.
    Regex(&'a str),
}

impl Rule {
    /// The path that it matches.
    pub fn matched_path(&self) -> PathMatch<'_> {
        match (&self.path_exact, &self.path_regex, &self.path) {
            (Some(exact), _, _) => PathMatch::Exact(exact.as_str()),
            (_, Some(regex), _) => PathMatch::Regex(regex.as_str()),
            (_, _, Some(prefix)) => PathMatch::Prefix(prefix.as_str()),
            (None, None, None) => PathMatch::Prefix("/"),
        }
    }

    /// What it matches, in words that are equal for equal matches: one per method.
    pub fn matches(&self) -> Vec<String> {
        let path = match self.matched_path() {
            PathMatch::Prefix(path) => match path.trim_end_matches('/') {
                "" => "/".to_owned(),
                path => path.to_owned(),
            },
            PathMatch::Exact(path) => format!("{path} exactly"),
            PathMatch::Regex(regex) => format!("{regex} as a pattern"),
        };
        let mut conditions: Vec<String> = Vec::new();
        let told = |(what, (name, text)): (&str, (&HeaderName, &TextMatch))| {
            let value = text.value.as_ref().map(|value| format!("={value}"));
            let regex = text.regex.as_ref().map(|regex| format!("~{regex}"));
            let name = name.as_str().to_ascii_lowercase();
            format!(" {what} {name}{}", value.or(regex).unwrap_or_default())
        };
        conditions.extend(self.header.iter().map(|one| told(("header", one))));
        conditions.extend(self.query.iter().map(|one| told(("query", one))));
        conditions.extend(self.call.iter().map(|call| {
            let word = |part: &Option<String>| part.clone().unwrap_or_else(|| "*".to_owned());
            format!(" call {}/{}", word(&call.service), word(&call.method))
        }));
        conditions.sort();
        let tail = conditions.concat();
        match self.methods.is_empty() {
            true => vec![format!("{path}{tail}")],
            false => self.methods.iter().map(|m| format!("{path} {m}{tail}")).collect(),
        }
    }
}
