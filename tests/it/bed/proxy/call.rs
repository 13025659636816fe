//! What is recorded of a call, and what a Kubernetes path means.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use http::request::Parts;

/// What a call does, in the words of RBAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verb {
    /// One object by name.
    Get,
    /// A collection.
    List,
    /// A stream of changes.
    Watch,
    /// A POST to a collection.
    Create,
    /// A server-side apply.
    Apply,
    /// Any other PATCH.
    Patch,
    /// A PUT.
    Update,
    /// A DELETE of one object.
    Delete,
    /// A DELETE of a collection.
    DeleteCollection,
    /// Anything that is not about objects: discovery, OpenAPI, health.
    Other,
}

impl Verb {
    /// Whether the call can change something.
    pub(crate) fn writes(self) -> bool {
        match self {
            Self::Get | Self::List | Self::Watch | Self::Other => false,
            Self::Create
            | Self::Apply
            | Self::Patch
            | Self::Update
            | Self::Delete
            | Self::DeleteCollection => true,
        }
    }
}

/// The object or collection that a path names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Target {
    /// API group, empty for the core group.
    pub(crate) group: String,
    /// API version.
    pub(crate) version: String,
    /// Plural resource name, empty for paths that name no resource.
    pub(crate) resource: String,
    /// Namespace, where the path has one.
    pub(crate) namespace: Option<String>,
    /// Object name, where the path has one.
    pub(crate) name: Option<String>,
    /// Subresource, such as `status`.
    pub(crate) subresource: Option<String>,
}

/// One recorded call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Number of the call since the proxy started or forgot, from 0.
    pub(crate) index: usize,
    /// When it arrived.
    pub(crate) at: Instant,
    /// How long it took until the head of the reply was there, once it is.
    pub(crate) took: Option<Duration>,
    /// HTTP method.
    pub(crate) method: Method,
    /// Path without the query.
    pub(crate) path: String,
    /// Decoded query pairs in their order.
    pub(crate) query: Vec<(String, String)>,
    /// What the call does.
    pub(crate) verb: Verb,
    /// What it is about.
    pub(crate) target: Target,
    /// `Impersonate-*` headers, in their order.
    pub(crate) impersonation: Vec<(String, String)>,
    /// `User-Agent`, where sent.
    pub(crate) user_agent: Option<String>,
    /// The request's body.
    pub(crate) body: Bytes,
    /// The status of the server, where the call reached it.
    pub(crate) upstream_status: Option<u16>,
    /// The status that the client got; none where it got no reply.
    pub(crate) status: Option<u16>,
    /// The faults that hit the call, by the names of their variants.
    pub(crate) faults: Vec<&'static str>,
}

impl Call {
    /// Describes a request that just arrived.
    pub(super) fn of(parts: &Parts, body: Bytes) -> Self {
        let query: Vec<(String, String)> =
            url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
                .into_owned()
                .collect();
        let path = parts.uri.path().to_owned();
        let target = target(&path);
        let text =
            |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let impersonation = parts
            .headers
            .iter()
            .filter(|(name, _)| name.as_str().starts_with("impersonate-"))
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect();
        Self {
            index: 0,
            at: Instant::now(),
            took: None,
            verb: verb(parts, &target, &query),
            method: parts.method.clone(),
            path,
            query,
            target,
            impersonation,
            user_agent: parts.headers.get(http::header::USER_AGENT).map(text),
            body,
            upstream_status: None,
            status: None,
            faults: Vec::new(),
        }
    }

    /// Whether the server was asked to change nothing.
    pub(crate) fn dry_run(&self) -> bool {
        self.query("dryRun").is_some()
    }

    /// A value of the query.
    pub(crate) fn query(&self, key: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    /// The user that the call was made for, where it impersonates one.
    pub(crate) fn impersonated(&self) -> Option<&str> {
        let user = self
            .impersonation
            .iter()
            .find(|(name, _)| name == "impersonate-user");
        user.map(|(_, value)| value.as_str())
    }

    /// The body as JSON, or null.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Reads what a path names.
fn target(path: &str) -> Target {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let (group, version, rest) = match parts.as_slice() {
        ["api", version, rest @ ..] => ("", *version, rest),
        ["apis", group, version, rest @ ..] => (*group, *version, rest),
        ["apis", group] => (*group, "", [].as_slice()),
        _ => return Target::default(),
    };
    let (namespace, rest) = match rest {
        ["namespaces", namespace, rest @ ..] if !matches!(rest, [] | ["status" | "finalize"]) => {
            (Some(*namespace), rest)
        }
        rest => (None, rest),
    };
    let own = |at: usize| rest.get(at).map(ToString::to_string);
    Target {
        group: group.to_owned(),
        version: version.to_owned(),
        resource: own(0).unwrap_or_default(),
        namespace: namespace.map(ToOwned::to_owned),
        name: own(1),
        subresource: own(2),
    }
}

fn verb(parts: &Parts, target: &Target, query: &[(String, String)]) -> Verb {
    if target.resource.is_empty() {
        return Verb::Other;
    }
    let watch = query
        .iter()
        .any(|(key, value)| key == "watch" && (value == "1" || value == "true"));
    let applied = parts
        .headers
        .get(http::header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/apply-patch"));
    match (parts.method.as_str(), target.name.is_some()) {
        ("GET", _) if watch => Verb::Watch,
        ("GET", true) => Verb::Get,
        ("GET", false) => Verb::List,
        ("POST", _) => Verb::Create,
        ("PATCH", _) if applied => Verb::Apply,
        ("PATCH", _) => Verb::Patch,
        ("PUT", _) => Verb::Update,
        ("DELETE", true) => Verb::Delete,
        ("DELETE", false) => Verb::DeleteCollection,
        _ => Verb::Other,
    }
}
