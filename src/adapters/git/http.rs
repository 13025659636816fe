//! Git's smart HTTP over our own client: one TLS stack, one deadline, one host.
//!
//! A credential goes to the host it is for and nowhere else. A redirect within the host is followed
//! where Git itself follows one, when the refs are asked for; any other is refused. Only a session that may push does.

use std::io::{self, Read, Write};
use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use git2::transport::{Service, SmartSubtransport, SmartSubtransportStream};
use reqwest::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use reqwest::{Response, StatusCode, redirect};
use secrecy::ExposeSecret;

use super::guard::Guard;
use super::session::{Credential, Session};
use crate::adapters::reach::Reach;
use crate::adapters::text::printable;
use crate::source::address::RemoteAddress;
use crate::source::repository::RepositoryError;

/// How often a host may move the repository on itself.
const MAX_REDIRECTS: usize = 3;
/// Largest request: what we have and want, a few dozen bytes a commit.
const MAX_REQUEST: usize = 16 * 1024 * 1024;

/// What is asked of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Asked {
    /// Git's name of the service: `git-upload-pack` gives, `git-receive-pack` takes.
    service: &'static str,
    /// Whether the service itself is asked, or only what refs there are.
    post: bool,
}

impl Asked {
    fn refs(self) -> String {
        format!("/info/refs?service={}", self.service)
    }

    fn pack(self) -> String {
        format!("/{}", self.service)
    }

    fn content(self, what: &str) -> String {
        format!("application/x-{}-{what}", self.service)
    }

    /// Whether packs come back.
    fn gives(self) -> bool {
        self.service == "git-upload-pack"
    }
}

/// The client for Git: follows nothing and unpacks nothing by itself. `roots` are trusted besides the
/// system's certificates; `reach` says where names of hosts may lead.
pub fn client(
    roots: Vec<reqwest::Certificate>,
    reach: Reach,
) -> Result<reqwest::Client, RepositoryError> {
    // Another part of the program may have chosen already; then its choice stands.
    drop(rustls::crypto::ring::default_provider().install_default());
    let builder = reqwest::Client::builder()
        .user_agent(concat!("git/2.0 kubemate/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .connect_timeout(std::time::Duration::from_secs(10))
        .no_gzip()
        .referer(false);
    let builder = match reach.resolver() {
        Some(resolver) => builder.dns_resolver(resolver),
        None => builder,
    };
    roots
        .into_iter()
        .fold(builder, reqwest::ClientBuilder::add_root_certificate)
        .build()
        .map_err(|error| RepositoryError::Git {
            reason: cause(&error),
        })
}

/// libgit2's view of a remote over HTTP.
pub(super) struct Http(pub(super) Arc<Session>);

impl SmartSubtransport for Http {
    fn action(
        &self,
        _url: &str,
        service: Service,
    ) -> Result<Box<dyn SmartSubtransportStream>, git2::Error> {
        let (service, post) = match service {
            Service::UploadPackLs => ("git-upload-pack", false),
            Service::UploadPack => ("git-upload-pack", true),
            Service::ReceivePackLs | Service::ReceivePack if !self.0.may_push => {
                return Err(git2::Error::from_str("nothing is pushed here"));
            }
            Service::ReceivePackLs => ("git-receive-pack", false),
            Service::ReceivePack => ("git-receive-pack", true),
        };
        let asked = Asked { service, post };
        let (session, guard) = (Arc::clone(&self.0), self.0.guard());
        Ok(Box::new(Exchange {
            session,
            asked,
            request: Vec::new(),
            response: None,
            left: Bytes::new(),
            guard,
        }))
    }

    fn close(&self) -> Result<(), git2::Error> {
        Ok(())
    }
}

/// One request and its answer, which is read as it arrives.
struct Exchange {
    session: Arc<Session>,
    asked: Asked,
    request: Vec<u8>,
    response: Option<Response>,
    left: Bytes,
    guard: Guard,
}

impl Write for Exchange {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.request.len() + bytes.len() > MAX_REQUEST {
            return Err(io::Error::other("the request is too large"));
        }
        self.request.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Exchange {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let session = Arc::clone(&self.session);
        if self.response.is_none() {
            let request = std::mem::take(&mut self.request);
            let answer = within(&session, ask(&session, self.asked, request));
            self.response = Some(answer.map_err(|error| session.fail(error))?);
        }
        while self.left.is_empty() {
            let Some(response) = self.response.as_mut() else {
                return Ok(0);
            };
            let next = within(&session, async {
                response
                    .chunk()
                    .await
                    .map_err(|error| session.unreachable(cause(&error)))
            });
            match next.map_err(|error| session.fail(error))? {
                Some(chunk) => self.left = chunk,
                None => return Ok(0),
            }
            let guard = self.asked.gives().then_some(&mut self.guard);
            session.receive(&self.left, guard)?;
        }
        let count = into.len().min(self.left.len());
        into[..count].copy_from_slice(&self.left.split_to(count));
        Ok(count)
    }
}

/// Runs a future to its end or to the deadline of the session.
fn within<T>(
    session: &Session,
    work: impl Future<Output = Result<T, RepositoryError>>,
) -> Result<T, RepositoryError> {
    session.runtime.block_on(async {
        let until = tokio::time::Instant::from_std(session.until);
        tokio::time::timeout_at(until, work)
            .await
            .unwrap_or_else(|_| Err(session.timed_out()))
    })
}

async fn ask(session: &Session, asked: Asked, body: Vec<u8>) -> Result<Response, RepositoryError> {
    for _ in 0..=MAX_REDIRECTS {
        let base = session
            .base
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let response = send(session, &base, asked, &body).await?;
        if !response.status().is_redirection() {
            return accepted(session, asked, response);
        }
        let moved = new_base(session, &base, asked, &response)?;
        *session.base.lock().unwrap_or_else(PoisonError::into_inner) = moved;
    }
    Err(session.unreachable("it redirects without end"))
}

async fn send(
    session: &Session,
    base: &str,
    asked: Asked,
    body: &[u8],
) -> Result<Response, RepositoryError> {
    let request = if asked.post {
        session
            .client
            .post(format!("{base}{}", asked.pack()))
            .header(CONTENT_TYPE, asked.content("request"))
            .header(ACCEPT, asked.content("result"))
            .body(body.to_vec())
    } else {
        session.client.get(format!("{base}{}", asked.refs()))
    };
    let request = match &session.credential {
        Some(Credential::Basic { user, password }) => {
            request.basic_auth(user, Some(password.expose_secret()))
        }
        Some(Credential::Bearer(token)) => request.bearer_auth(token.expose_secret()),
        None => request,
    };
    request
        .send()
        .await
        .map_err(|error| session.unreachable(cause(&error)))
}

fn accepted(
    session: &Session,
    asked: Asked,
    response: Response,
) -> Result<Response, RepositoryError> {
    let host = session.host();
    match response.status() {
        StatusCode::OK => {}
        status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            return Err(RepositoryError::Denied {
                host,
                status: status.as_u16(),
            });
        }
        StatusCode::NOT_FOUND | StatusCode::GONE => {
            return Err(RepositoryError::NoSuchRepository { host });
        }
        status => return Err(session.unreachable(format!("it answered HTTP {}", status.as_u16()))),
    }
    let expected = asked.content(if asked.post {
        "result"
    } else {
        "advertisement"
    });
    let given = response
        .headers()
        .get(CONTENT_TYPE)
        .map(reqwest::header::HeaderValue::as_bytes);
    if given == Some(expected.as_bytes()) {
        Ok(response)
    } else {
        Err(session.unreachable("it does not speak Git's smart protocol at this address"))
    }
}

/// The repository's new address, if it lies on the same host and only the path has changed.
fn new_base(
    session: &Session,
    base: &str,
    asked: Asked,
    response: &Response,
) -> Result<String, RepositoryError> {
    let vague = || session.unreachable("it redirects to an address that is none");
    let location = response
        .headers()
        .get(LOCATION)
        .and_then(|value| value.to_str().ok());
    let from = url::Url::parse(base).map_err(|_| vague())?;
    let to = from
        .join(location.ok_or_else(vague)?)
        .map_err(|_| vague())?;
    if (from.scheme(), from.host(), from.port()) != (to.scheme(), to.host(), to.port()) {
        let target = printable(to.host_str().unwrap_or("another host"));
        return Err(RepositoryError::Redirected {
            host: session.host(),
            target,
        });
    }
    if asked.post {
        return Err(session.unreachable("it redirects in the middle of a transfer"));
    }
    let moved = to.as_str().strip_suffix(&asked.refs()).ok_or_else(vague)?;
    RemoteAddress::parse(moved)
        .map(|address| address.to_string())
        .map_err(RepositoryError::from)
}

/// The innermost reason of a failed request, without its URL.
fn cause(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(inner) = innermost.source() {
        innermost = inner;
    }
    let class = if error.is_connect() {
        "no connection: "
    } else if error.is_body() || error.is_decode() {
        "the answer broke off: "
    } else {
        ""
    };
    // Without a cause the outermost text names the URL.
    if std::error::Error::source(error).is_none() {
        return format!("{class}the request failed");
    }
    format!("{class}{}", printable(&innermost.to_string()))
}
