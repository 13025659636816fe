//! The one HTTP client for forges: conditional requests, bounded retries, bounded answers, pages.
//!
//! Errors carry the host and the forge's own words with the credential taken out, never an address.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, ETAG, IF_NONE_MATCH, LINK, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use reqwest::redirect;
use serde_json::Value;

use super::credential::Auth;
use super::kept::{Kept, Page, Shelf};
use crate::adapters::retry::{self, Ending, Hints, Next, Patience};
use crate::adapters::text::printable;
use crate::report::forge::ForgeError;

/// Most bytes of one answer.
const MAX_ANSWER: usize = 8 * 1024 * 1024;
/// Most characters of a forge's words in an error.
const MAX_REASON: usize = 200;

/// One request.
pub(super) struct Ask<'a> {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Option<&'a Value>,
    /// For errors, as in "write a status".
    pub(super) what: &'static str,
    /// Whether doing it twice is the same as once.
    pub(super) repeatable: bool,
}

impl<'a> Ask<'a> {
    pub(super) fn get(path: impl Into<String>, what: &'static str) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            body: None,
            what,
            repeatable: true,
        }
    }

    pub(super) fn send(
        method: Method,
        path: impl Into<String>,
        body: &'a Value,
        what: &'static str,
    ) -> Self {
        let repeatable = method != Method::POST;
        Self {
            method,
            path: path.into(),
            body: Some(body),
            what,
            repeatable,
        }
    }

    pub(super) fn delete(path: impl Into<String>, what: &'static str) -> Self {
        Self {
            method: Method::DELETE,
            path: path.into(),
            body: None,
            what,
            repeatable: true,
        }
    }

    /// Doing it twice does no harm.
    pub(super) fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }
}

/// A body that was answered with success.
pub(super) struct Answer {
    pub(super) body: Value,
    pub(super) page: Page,
}

/// A connection to one forge with one credential.
pub struct Link {
    http: reqwest::Client,
    base: url::Url,
    auth: Auth,
    patience: Patience,
    kept: Mutex<Shelf>,
}

impl Link {
    /// A connection to the API at this root. Plain HTTP is for this machine only: a credential on it
    /// could be read by everybody on the way. `roots` are trusted besides the system's certificates.
    pub fn new(
        api: &str,
        auth: Auth,
        patience: Patience,
        roots: Vec<reqwest::Certificate>,
    ) -> Result<Self, ForgeError> {
        let setup = |reason: String| ForgeError::Setup { reason };
        let shown = printable(api);
        let base = url::Url::parse(api)
            .map_err(|_| setup(format!("`{shown}` is not the address of an API")))?;
        let host = base.host_str().unwrap_or_default();
        let here = matches!(host, "127.0.0.1" | "localhost" | "[::1]");
        if base.scheme() != "https" && !(base.scheme() == "http" && here) {
            let why = "a forge is reached over https, or the token could be read on the way";
            return Err(setup(why.to_owned()));
        }
        if !base.username().is_empty() || base.password().is_some() || host.is_empty() {
            return Err(setup(
                "the address of a forge holds no user and no password".to_owned(),
            ));
        }
        // Another part of the program may have chosen already; then its choice stands.
        drop(rustls::crypto::ring::default_provider().install_default());
        let builder = reqwest::Client::builder()
            .user_agent(concat!("kubemate/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .timeout(patience.total)
            .referer(false);
        let http = roots
            .into_iter()
            .fold(builder, reqwest::ClientBuilder::add_root_certificate)
            .build()
            .map_err(|_| setup("no HTTP client could be made".to_owned()))?;
        Ok(Self {
            http,
            base,
            auth,
            patience,
            kept: Mutex::default(),
        })
    }

    pub(super) fn auth(&self) -> &Auth {
        &self.auth
    }

    pub(super) fn host(&self) -> String {
        printable(self.base.host_str().unwrap_or("the forge"))
    }

    /// An answer's JSON; `Null` where there is no body.
    pub(super) async fn call(&self, ask: &Ask<'_>) -> Result<Answer, ForgeError> {
        let header = self.credential().await?;
        let answer = self.call_as(ask, header).await;
        if let (Err(ForgeError::Denied { .. }), Auth::App(key)) = (&answer, &self.auth) {
            key.forget();
        }
        answer
    }

    /// An answer's JSON, or nothing where the forge says that there is nothing at that path.
    pub(super) async fn find(&self, ask: &Ask<'_>) -> Result<Option<Value>, ForgeError> {
        match self.call(ask).await {
            Ok(answer) => Ok(Some(answer.body)),
            Err(ForgeError::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn credential(&self) -> Result<(HeaderName, HeaderValue), ForgeError> {
        match &self.auth {
            Auth::Bearer(token) => {
                self.header(AUTHORIZATION, &format!("Bearer {}", token.expose()))
            }
            Auth::TokenWord(token) => {
                self.header(AUTHORIZATION, &format!("token {}", token.expose()))
            }
            Auth::PrivateToken(token) => {
                self.header(HeaderName::from_static("private-token"), token.expose())
            }
            Auth::App(key) => {
                let token = Box::pin(key.installation(self)).await?;
                self.header(AUTHORIZATION, &format!("Bearer {}", token.expose()))
            }
        }
    }

    pub(super) fn header(
        &self,
        name: HeaderName,
        value: &str,
    ) -> Result<(HeaderName, HeaderValue), ForgeError> {
        let mut value = HeaderValue::from_str(value).map_err(|_| ForgeError::Setup {
            reason: "the credential cannot stand in a header".to_owned(),
        })?;
        value.set_sensitive(true);
        Ok((name, value))
    }

    /// Like [`Self::call`] with a credential of its own.
    pub(super) async fn call_as(
        &self,
        ask: &Ask<'_>,
        credential: (HeaderName, HeaderValue),
    ) -> Result<Answer, ForgeError> {
        let started = Instant::now();
        let mut attempt = 1;
        loop {
            let (ending, error) = match self.once(ask, &credential).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            match retry::next(
                &self.patience,
                ending,
                ask.repeatable,
                attempt,
                started.elapsed(),
            ) {
                Next::Wait(wait) => tokio::time::sleep(wait).await,
                Next::GiveUp => return Err(error),
            }
            attempt += 1;
        }
    }

    async fn once(
        &self,
        ask: &Ask<'_>,
        credential: &(HeaderName, HeaderValue),
    ) -> Result<Answer, (Ending, ForgeError)> {
        let address = format!("{}{}", self.base.as_str().trim_end_matches('/'), ask.path);
        let kept = self.kept(ask);
        let mut request = self
            .http
            .request(ask.method.clone(), address)
            .header("accept", "application/json")
            .header(credential.0.clone(), credential.1.clone());
        if let Some(kept) = &kept {
            request = request.header(IF_NONE_MATCH, kept.etag.clone());
        }
        if let Some(body) = ask.body {
            request = request.json(body);
        }
        let broken =
            |error: &reqwest::Error| (Ending::Unknown, self.unreachable(ask, &cause(error)));
        let mut response = request.send().await.map_err(|e| broken(&e))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| broken(&e))? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err((
                    Ending::Final,
                    self.unreachable(ask, "the answer is too large"),
                ));
            }
            body.extend_from_slice(&chunk);
        }
        self.read(ask, status, headers, body.freeze(), kept)
    }

    fn read(
        &self,
        ask: &Ask<'_>,
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
        kept: Option<Kept>,
    ) -> Result<Answer, (Ending, ForgeError)> {
        if status == StatusCode::NOT_MODIFIED {
            return match kept {
                Some(kept) => self.answer(ask, kept.page.still(page(&headers)), &kept.body),
                // Nothing was kept, so nothing can be the same: an answer to somebody else.
                None => Err((
                    Ending::Unknown,
                    self.unreachable(ask, "it answered for another request"),
                )),
            };
        }
        if !status.is_success() {
            return Err(self.refused(ask, status, &headers, &body));
        }
        let page = page(&headers);
        let answer = self.answer(ask, page, &body);
        match (&answer, headers.get(ETAG).cloned()) {
            (Ok(_), Some(etag)) if ask.method == Method::GET => {
                self.shelf().put(&ask.path, Kept { etag, body, page });
            }
            // What makes no sense must not be taken from here again.
            _ => self.shelf().remove(&ask.path),
        }
        answer
    }

    fn answer(
        &self,
        ask: &Ask<'_>,
        page: Page,
        body: &Bytes,
    ) -> Result<Answer, (Ending, ForgeError)> {
        let value = if body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(body).map_err(|_| {
                (
                    Ending::Unknown,
                    self.unreachable(ask, "its answer is not JSON"),
                )
            })?
        };
        Ok(Answer { body: value, page })
    }

    fn refused(
        &self,
        ask: &Ask<'_>,
        status: StatusCode,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> (Ending, ForgeError) {
        let text = |name: &str| {
            headers
                .get(name)
                .and_then(|v| v.to_str().ok())
                .map(str::to_owned)
        };
        let either = |one: &str, other: &str| text(one).or_else(|| text(other));
        let reason = self.reason(body);
        let hints = Hints {
            status: status.as_u16(),
            retry_after: text(RETRY_AFTER.as_str()),
            remaining: either("x-ratelimit-remaining", "ratelimit-remaining"),
            reset: either("x-ratelimit-reset", "ratelimit-reset"),
            secondary: reason.to_ascii_lowercase().contains("secondary rate limit"),
        };
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let ending = hints.ending(now.as_secs());
        let (host, what, status) = (self.host(), ask.what, status.as_u16());
        let error = match (ending, status) {
            (Ending::Limited(_), _) => ForgeError::Limited {
                host,
                what,
                limit: self.patience.total.as_secs(),
            },
            (Ending::Unknown, _) => self.unreachable(ask, &format!("HTTP {status} {reason}")),
            (Ending::Final, 401 | 403) => ForgeError::Denied {
                host,
                what,
                status,
                reason,
            },
            (Ending::Final, 404 | 410) => ForgeError::Missing { host, what, status },
            (Ending::Final, 300..=399) => {
                self.unreachable(ask, "it moved; write its final address instead")
            }
            (Ending::Final, _) => ForgeError::Refused {
                host,
                what,
                status,
                reason,
            },
        };
        (ending, error)
    }

    pub(super) fn unreachable(&self, ask: &Ask<'_>, reason: &str) -> ForgeError {
        ForgeError::Unreachable {
            host: self.host(),
            what: ask.what,
            reason: self.redacted(reason),
        }
    }

    /// What a forge says about a refusal, short and without our credential.
    fn reason(&self, body: &Bytes) -> String {
        let value: Value = serde_json::from_slice(body).unwrap_or_default();
        let said = ["message", "error"].iter().find_map(|key| value.get(*key));
        let text = match said {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let more = value
            .get("errors")
            .map(Value::to_string)
            .unwrap_or_default();
        let text = self.redacted(format!("{text} {more}").trim());
        printable(&text).chars().take(MAX_REASON).collect()
    }

    fn redacted(&self, text: &str) -> String {
        match &self.auth {
            Auth::Bearer(token) | Auth::TokenWord(token) | Auth::PrivateToken(token) => {
                text.replace(token.expose(), "***")
            }
            Auth::App(key) => key.redacted(text),
        }
    }

    fn kept(&self, ask: &Ask<'_>) -> Option<Kept> {
        match ask.method == Method::GET {
            true => self.shelf().get(&ask.path),
            false => None,
        }
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was kept is not believed any more.
    pub(super) fn forget_all(&self) {
        self.shelf().clear();
    }
}

/// What the headers of an answer say of a list.
fn page(headers: &HeaderMap) -> Page {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    Page {
        last: text(LINK.as_str()).map(|link| !link.contains("rel=\"next\"")),
        total: text("x-total-count").and_then(|v| v.parse().ok()),
    }
}

/// The innermost reason of a failed request, without its URL.
fn cause(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(inner) = innermost.source() {
        innermost = inner;
    }
    match std::error::Error::source(error) {
        // Without a cause the outermost text names the URL.
        None => "the request failed".to_owned(),
        Some(_) => printable(&innermost.to_string()),
    }
}
