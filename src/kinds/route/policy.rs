//! What protects the apps behind a rule: retries, limits, circuit breakers, authentication, CORS.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::names::PortName;
use crate::names::reference::AppRef;
use crate::values::duration::Duration;
use crate::values::header::HeaderName;
use crate::values::http::{HttpMethod, StatusCode, StatusPattern};
use crate::values::path::UrlPath;
use crate::values::percent::Percent;
use crate::values::url::Url;

/// Sends failed requests again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["times"]}))]
pub struct Retry {
    /// How often a request is sent again at most.
    #[schemars(range(min = 1, max = 10))]
    pub times: u32,
    /// Answers that count as failed, such as 503 or 5xx. Default: only lost connections.
    #[serde(default)]
    pub on: Vec<StatusPattern>,
    /// The requests may be done twice without harm. Needed for POST and PATCH; without it and without
    /// `methods` only GET, HEAD and OPTIONS are sent again.
    #[serde(default)]
    pub idempotent: bool,
    /// Pause before the first repetition; it grows with every further one. Default: none.
    #[serde(default)]
    pub wait: Option<Duration>,
}

/// Whose requests are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// Those from one address.
    ClientIp,
    /// Those for one host name.
    Host,
    /// Those with one value of a header.
    Header,
}

/// How many requests may come in a time. Each replica of the gateway, and each method of the rule,
/// counts by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["requests"]}))]
pub struct RateLimit {
    /// Number of requests.
    #[schemars(range(min = 1))]
    pub requests: u32,
    /// The time that they may come in. Default: 1s.
    #[serde(default)]
    pub per: Option<Duration>,
    /// How many may come at once. Default: as many as in the time.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub burst: Option<u32>,
    /// Whose requests are counted together. Default: client-ip.
    #[serde(default)]
    pub by: Option<By>,
    /// The header, for `by=header`.
    #[serde(default)]
    pub header: Option<HeaderName>,
    /// Proxies in front of the gateway whose addresses are not the client's. Default: 0.
    #[serde(default)]
    #[schemars(range(max = 16))]
    pub behind: u32,
}

/// How many requests may be under way at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["requests"]}))]
pub struct InFlight {
    /// Number of requests.
    #[schemars(range(min = 1))]
    pub requests: u32,
    /// Whose requests are counted together. Default: host.
    #[serde(default)]
    pub by: Option<By>,
    /// The header, for `by=header`.
    #[serde(default)]
    pub header: Option<HeaderName>,
    /// Proxies in front of the gateway whose addresses are not the client's. Default: 0.
    #[serde(default)]
    #[schemars(range(max = 16))]
    pub behind: u32,
}

/// Stops sending requests to apps that fail, and tries again after a while.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CircuitBreaker {
    /// Share of answers 5xx from which it opens.
    #[serde(default)]
    pub error_rate: Option<Percent>,
    /// Share of lost connections from which it opens.
    #[serde(default)]
    pub network_errors: Option<Percent>,
    /// Median time of an answer from which it opens.
    #[serde(default)]
    pub latency: Option<Duration>,
    /// Look-back. Traefik judges once in this time, by its last ten seconds. Default: 100ms.
    #[serde(default)]
    pub over: Option<Duration>,
    /// How long it lets nothing through. Default: 10s.
    #[serde(default)]
    pub open: Option<Duration>,
    /// How long it then lets more and more through. Default: 10s.
    #[serde(default)]
    pub recover: Option<Duration>,
    /// Status code of the answer while it is open. Default: 503.
    #[serde(default)]
    pub status: Option<StatusCode>,
}

/// Asks somebody whether a request may pass: an answer 2xx lets it through, any other goes to the
/// client.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Auth {
    /// App of the same tenant that is asked.
    #[serde(default)]
    pub app: Option<AppRef>,
    /// Name of the app's port. Default: its only one.
    #[serde(default)]
    pub port: Option<PortName>,
    /// Path that the app is asked at. Default: /.
    #[serde(default)]
    pub path: Option<UrlPath>,
    /// Address that is asked, where it is no app.
    #[serde(default)]
    pub url: Option<Url>,
    /// Headers of the request that are passed on to it. Default: all.
    #[serde(default)]
    pub ask_with: Vec<HeaderName>,
    /// Headers of its answer that the app behind gets.
    #[serde(default)]
    pub take_over: Vec<HeaderName>,
}

/// Which pages of other hosts may use the app in a browser.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Cors {
    /// Scheme and host of the pages, such as https://bank.
    #[serde(default)]
    pub origins: Vec<Url>,
    /// Any page may.
    #[serde(default)]
    pub any_origin: bool,
    /// Methods that they may use.
    #[serde(default)]
    pub methods: Vec<HttpMethod>,
    /// Headers that they may send.
    #[serde(default)]
    pub headers: Vec<HeaderName>,
    /// Headers of the answer that they may read.
    #[serde(default)]
    pub expose: Vec<HeaderName>,
    /// Whether cookies and passwords go along.
    #[serde(default)]
    pub credentials: bool,
    /// How long a browser may remember this. Default: the browser decides.
    #[serde(default)]
    pub max_age: Option<Duration>,
}

/// Sends a copy of the requests to another app; its answers are dropped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["app"]}))]
pub struct Mirror {
    /// App of the same tenant.
    pub app: AppRef,
    /// Name of the app's port. Default: its only one.
    #[serde(default)]
    pub port: Option<PortName>,
    /// Share of the requests that is copied. Default: all.
    #[serde(default)]
    pub percent: Option<Percent>,
}
