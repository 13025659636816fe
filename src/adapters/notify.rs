//! Sends notices: reads the Secret of a receiver, calls its URL within bounds, and judges the answer; or
//! hands a letter to a mail server.
//!
//! The URL of a receiver is a credential. It goes to its own host and nowhere else, no redirect is
//! followed, and neither it nor a key stands in an error. Whether an address may be called is judged as
//! for repositories.

mod lanes;
mod letterbox;
mod mail;
mod target;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use reqwest::redirect;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use self::lanes::Lanes;
use super::reach::Reach;
use super::retry::{self, Ending, Hints, Next};
use super::sync::NAMESPACE;
use crate::report::notify::answer::{Answer, answer};
use crate::report::notify::body::{Notice, body};
use crate::report::notify::{NotifyError, Receiver, Service, sign};
use crate::source::address::AllowList;

pub use self::letterbox::{Letterbox, Post};
pub use self::target::{Target, hosts};
pub use super::retry::Patience;

/// How long one is willing to try to tell one notice.
pub const PATIENCE: Patience = Patience {
    attempts: 4,
    total: Duration::from_secs(30),
    first_wait: Duration::from_secs(1),
};
/// For how long one call may take, its connection included.
const ONE_TRY: Duration = Duration::from_secs(10);
const CONNECT: Duration = Duration::from_secs(5);
/// For how long a Secret is waited for.
const READ: Duration = Duration::from_secs(10);
/// What is said where no place became free in time.
const CROWDED: &str = "too many other notices wait for it";
/// Most bytes of an answer.
const MAX_ANSWER: usize = 64 * 1024;

/// Sends notices.
pub struct Notifier {
    http: reqwest::Client,
    allowed: AllowList,
    patience: Patience,
    lanes: Lanes,
}

impl Notifier {
    /// One that may call what `allowed` covers. `roots` are trusted besides the system's certificates.
    pub fn new(
        allowed: AllowList,
        patience: Patience,
        roots: Vec<reqwest::Certificate>,
    ) -> Result<Self, NotifyError> {
        // Another part of the program may have chosen already; then its choice stands.
        drop(rustls::crypto::ring::default_provider().install_default());
        let builder = reqwest::Client::builder()
            .user_agent(concat!("kubemate/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT)
            .timeout(ONE_TRY)
            .pool_max_idle_per_host(1)
            .no_gzip()
            .referer(false);
        // A proxy looks names up itself and would reach what we must not: it is for hosts that are named.
        let builder = match Reach::of(&allowed).direct() {
            Some(resolver) => builder.no_proxy().dns_resolver(resolver),
            None => builder,
        };
        let http = roots
            .into_iter()
            .fold(builder, reqwest::ClientBuilder::add_root_certificate)
            .build()
            .map_err(|_| NotifyError::Client)?;
        Ok(Self {
            http,
            allowed,
            patience,
            lanes: Lanes::default(),
        })
    }

    /// Tells a receiver of a Sync, whose Secret is read anew each time.
    pub async fn tell(
        &self,
        client: &kube::Client,
        receiver: &Receiver,
        notice: &Notice,
    ) -> Result<(), NotifyError> {
        let data = secret(client, receiver).await?;
        let text = |key: &str| {
            let text = std::str::from_utf8(&data.get(key)?.0).ok()?.trim();
            (!text.is_empty()).then_some(text)
        };
        let need =
            |key: &str| text(key).ok_or_else(|| unfit(receiver, format!("it has no key `{key}`")));
        if receiver.service != Service::Email {
            let target = Target::new(need("url")?, text("secret"), &self.allowed)?;
            return self.send(receiver.service, &target, notice).await;
        }
        let login = match text("user") {
            Some(user) => Some((user, need("password")?)),
            None => None,
        };
        let post = Post {
            url: need("url")?,
            from: need("from")?,
            to: need("to")?,
            login,
        };
        let letterbox = Letterbox::new(post, &self.allowed)?;
        self.post(&letterbox, notice).await
    }

    /// Tells whoever reads a letterbox.
    pub async fn post(&self, letterbox: &Letterbox, notice: &Notice) -> Result<(), NotifyError> {
        let reach = Reach::of(&self.allowed);
        let once = || async {
            let Some(_place) = self.place(&letterbox.place()).await else {
                return Err((Ending::Unknown, letterbox.unreachable(CROWDED)));
            };
            Box::pin(mail::hand_over(letterbox, notice, reach)).await
        };
        self.patiently(once).await
    }

    /// Tells whoever is behind a target.
    pub async fn send(
        &self,
        service: Service,
        target: &Target,
        notice: &Notice,
    ) -> Result<(), NotifyError> {
        self.patiently(|| self.once(service, target, notice)).await
    }

    /// Does it again as long as that can help.
    async fn patiently<F>(&self, once: impl Fn() -> F) -> Result<(), NotifyError>
    where
        F: Future<Output = Result<(), (Ending, NotifyError)>>,
    {
        let (started, mut attempt) = (Instant::now(), 1);
        loop {
            let (ending, error) = match once().await {
                Ok(()) => return Ok(()),
                Err(failed) => failed,
            };
            // Hearing something twice is better than never; the identity of a notice stays the same.
            match retry::next(&self.patience, ending, true, attempt, started.elapsed()) {
                Next::Wait(wait) => tokio::time::sleep(wait).await,
                Next::GiveUp => return Err(error),
            }
            attempt += 1;
        }
    }

    async fn once(
        &self,
        service: Service,
        target: &Target,
        notice: &Notice,
    ) -> Result<(), (Ending, NotifyError)> {
        let Some(_place) = self.place(&target.place()).await else {
            return Err((Ending::Unknown, target.unreachable(CROWDED)));
        };
        let request = self
            .request(service, target, notice)
            .ok_or_else(|| (Ending::Final, target.no_key()))?;
        let broken = |error: reqwest::Error| {
            let said = cause(&error.without_url());
            (Ending::Unknown, target.unreachable(&said))
        };
        let mut response = request.send().await.map_err(broken)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut bytes = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if bytes.len() + chunk.len() > MAX_ANSWER {
                return Err((Ending::Final, target.unreachable("its answer is too large")));
            }
            bytes.extend_from_slice(&chunk);
        }
        self.judge(service, target, (status, &headers, &bytes[..]))
    }

    /// A place among the calls of a host. It is held for one call, never while waiting for the next.
    async fn place(&self, host: &str) -> Option<OwnedSemaphorePermit> {
        let place = self.lanes.of(host).acquire_owned();
        timeout(self.patience.total, place).await.ok()?.ok()
    }

    /// A call as the service wants it, signed for now; nothing if the key cannot be one.
    fn request(
        &self,
        service: Service,
        target: &Target,
        notice: &Notice,
    ) -> Option<reqwest::RequestBuilder> {
        let now = Timestamp::now();
        let (mut url, mut value) = (target.url(), body(service, notice));
        match (service, target.key()) {
            (Service::Dingtalk, Some(key)) => {
                let (at, sum) = sign::dingtalk(key, now)?;
                url.query_pairs_mut()
                    .append_pair("timestamp", &at)
                    .append_pair("sign", &sum);
            }
            (Service::Feishu, Some(key)) => {
                let (at, sum) = sign::feishu(key, now)?;
                value["timestamp"] = at.into();
                value["sign"] = sum.into();
            }
            (Service::Dingtalk | Service::Feishu, None)
            | (Service::Webhook | Service::Slack | Service::Wecom | Service::Email, _) => {}
        }
        let bytes = serde_json::to_vec(&value).ok()?;
        let mut request = self
            .http
            .post(url)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/json");
        if service == Service::Webhook {
            request = request
                .header("webhook-id", &notice.id)
                .header("webhook-timestamp", now.as_second().to_string());
            if let Some(key) = target.key() {
                let sum = sign::webhook(key, &notice.id, now, &bytes)?;
                request = request.header("webhook-signature", sum);
            }
        }
        Some(request.body(bytes))
    }

    fn judge(
        &self,
        service: Service,
        target: &Target,
        (status, headers, body): (StatusCode, &HeaderMap, &[u8]),
    ) -> Result<(), (Ending, NotifyError)> {
        let limited = || NotifyError::Limited {
            host: target.host(),
            limit: self.patience.total.as_secs(),
        };
        if status.is_success() {
            return match answer(service, body) {
                Answer::Taken => Ok(()),
                Answer::Limited => Err((Ending::Limited(None), limited())),
                Answer::Busy => Err((Ending::Unknown, target.unreachable("it is busy"))),
                Answer::Refused(words) => Err((Ending::Final, target.refused(&words))),
                Answer::Strange => {
                    let said = "its answer is not that of such a service";
                    Err((Ending::Final, target.unreachable(said)))
                }
            };
        }
        let text = |name: &str| headers.get(name)?.to_str().ok().map(str::to_owned);
        let hints = Hints {
            status: status.as_u16(),
            retry_after: text(RETRY_AFTER.as_str()),
            ..Hints::default()
        };
        let words = format!("HTTP {} {}", status.as_u16(), String::from_utf8_lossy(body));
        let ending = hints.ending(0);
        let error = match ending {
            Ending::Limited(_) => limited(),
            Ending::Unknown => target.unreachable(&words),
            Ending::Final if status.is_redirection() => {
                target.unreachable("it moved; write its final address instead")
            }
            Ending::Final => target.refused(&words),
        };
        Err((ending, error))
    }
}

/// What the Secret of a receiver holds. What kube says of an answer that it cannot read may hold parts of
/// it, and is not told.
async fn secret(
    client: &kube::Client,
    receiver: &Receiver,
) -> Result<BTreeMap<String, ByteString>, NotifyError> {
    let name = &receiver.secret;
    let wrong = |reason: &str| unfit(receiver, reason.to_owned());
    if !receiver.names_a_secret() {
        return Err(wrong("this is no name of an object"));
    }
    let api: Api<Secret> = Api::namespaced(client.clone(), NAMESPACE);
    let found = match timeout(READ, api.get_opt(name)).await {
        Ok(Ok(found)) => found,
        Ok(Err(kube::Error::Api(status))) if status.code == 403 => {
            return Err(wrong(&format!(
                "it may not be read; `kubemate install --notify-secret {name}` gives that right"
            )));
        }
        Ok(Err(_)) | Err(_) => return Err(wrong("it could not be read")),
    };
    let secret = found.ok_or_else(|| wrong(&format!("there is none in {NAMESPACE}")))?;
    Ok(secret.data.unwrap_or_default())
}

fn unfit(receiver: &Receiver, reason: String) -> NotifyError {
    NotifyError::Secret {
        secret: receiver.secret.chars().take(253).collect(),
        reason,
    }
}

/// The innermost reason of a failed call, whose URL was taken out before.
fn cause(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(inner) = innermost.source() {
        innermost = inner;
    }
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    innermost.to_string()
}
