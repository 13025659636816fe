//! The connection to one API server: one pool for all identities, bounded in every direction.
//!
//! Every call has a deadline over all its repetitions, and no call is made with an empty identity.
//! Nothing is sent twice that may have happened, except what is the same when it happens twice.

use std::collections::BTreeMap;
use std::error::Error;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, ConfigExt as _};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{Instrument as _, Span};

use crate::adapters::cluster::answer::Answer;
use crate::adapters::cluster::request::{Repeat, Request};
use crate::apply::cluster::Identity;
use crate::apply::problem::{Problem, ProblemKind};

/// Calls in flight at most, over all identities.
const IN_FLIGHT: usize = 64;
/// Calls of one tenant in flight at most, so that one whose own webhook hangs leaves room for the others.
const OF_A_TENANT: usize = 32;
/// Calls of all tenants in flight at most: our own, of which one renews the lead, never wait for webhooks of
/// several.
const OF_TENANTS: usize = 48;
/// Idle connections that are kept.
const IDLE_CONNECTIONS: usize = 32;
/// How often a request is sent at most.
const TRIES: u32 = 5;
/// For how long one sending may wait for its answer.
const ONE_TRY: Duration = Duration::from_secs(30);
/// The longest `Retry-After` that is waited for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(30);
/// The first pause between two tries; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest body that is read: a page of 500 large objects.
const MAX_BODY: usize = 256 * 1024 * 1024;
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Makes a client on the shared pool, which impersonates where a user is given.
type MakeClient = dyn Fn(Option<HeaderValue>) -> kube::Result<Client> + Send + Sync;

/// A pool of connections with the requests' common parts.
pub(super) struct Link {
    make: Box<MakeClient>,
    clients: Mutex<BTreeMap<Identity, Client>>,
    calls: Semaphore,
    tenants: Arc<Semaphore>,
    shares: Mutex<BTreeMap<Identity, Arc<Semaphore>>>,
}

/// The connection that a kubeconfig describes; without one, that of `KUBECONFIG`, of the home
/// folder, or of the pod this runs in.
pub(super) async fn config(path: Option<&Path>, context: Option<&str>) -> Result<Config, Problem> {
    let problem = |said: String| Problem::new(ProblemKind::NoCluster, "find the cluster", said);
    let options = KubeConfigOptions {
        context: context.map(str::to_owned),
        ..KubeConfigOptions::default()
    };
    match (path, context) {
        (Some(path), _) => {
            let file = Kubeconfig::read_from(path).map_err(|e| problem(chain(&e)))?;
            Config::from_custom_kubeconfig(file, &options)
                .await
                .map_err(|e| problem(chain(&e)))
        }
        (None, Some(_)) => Config::from_kubeconfig(&options)
            .await
            .map_err(|e| problem(chain(&e))),
        (None, None) => Config::infer().await.map_err(|e| problem(chain(&e))),
    }
}

impl Link {
    /// Prepares a pool. Nothing is sent yet.
    pub(super) fn new(config: Config) -> Result<Self, Problem> {
        let problem =
            |e: kube::Error| Problem::new(ProblemKind::NoCluster, "use the kubeconfig", chain(&e));
        // An error says that a provider is installed already, which is what is wanted.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(CONNECT_LIMIT));
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(Duration::from_secs(30)));
        let tls = config
            .rustls_https_connector_with_connector(tcp)
            .map_err(problem)?;
        let pool: hyper_util::client::legacy::Client<_, Body> =
            hyper_util::client::legacy::Client::builder(TokioExecutor::new())
                .pool_max_idle_per_host(IDLE_CONNECTIONS)
                .build(tls);
        let make = move |user: Option<HeaderValue>| {
            let own = if user.is_none() {
                Some(config.extra_headers_layer()?)
            } else {
                None
            };
            let user = user.map(|user| {
                let name = HeaderName::from_static("impersonate-user");
                tower_http::set_header::SetRequestHeaderLayer::overriding(name, user)
            });
            let service = tower::ServiceBuilder::new()
                .layer(config.base_uri_layer())
                .option_layer(config.auth_layer()?)
                .option_layer(own)
                .option_layer(user)
                .map_err(tower::BoxError::from)
                .service(pool.clone());
            Ok(Client::new(service, config.default_namespace.clone()))
        };
        Ok(Self {
            make: Box::new(make),
            clients: Mutex::default(),
            calls: Semaphore::new(IN_FLIGHT),
            tenants: Arc::new(Semaphore::new(OF_TENANTS)),
            shares: Mutex::default(),
        })
    }

    /// The client of an identity, on the shared pool.
    pub(super) fn client(&self, identity: &Identity, what: &str) -> Result<Client, Problem> {
        let user = match identity {
            Identity::Own => None,
            Identity::ServiceAccount { namespace, name } => Some(user(namespace, name, what)?),
        };
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(identity) {
            return Ok(client.clone());
        }
        let client = (self.make)(user)
            .map_err(|e| Problem::new(ProblemKind::Unauthorized, what, chain(&e)))?;
        clients.insert(identity.clone(), client.clone());
        Ok(client)
    }

    /// A new client of an identity, with credentials that are read anew.
    fn renewed(&self, identity: &Identity, what: &str) -> Result<Client, Problem> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.remove(identity);
        drop(clients);
        self.client(identity, what)
    }

    /// Sends a request and reads the whole answer, again where that is allowed and may help. What changes
    /// something is a span of its own, within the one that it belongs to.
    pub(super) async fn call(
        &self,
        identity: &Identity,
        request: &Request,
    ) -> Result<Answer, Problem> {
        let span = match Span::current().is_none() {
            true => Span::none(),
            false => request.span(),
        };
        let sent = self.answer(identity, request);
        let sent = sent.instrument(span.clone()).await;
        let (code, is_well) = match &sent {
            Ok(answer) => (answer.status.as_str(), answer.status.is_success()),
            Err(problem) => (problem.kind.word(), false),
        };
        span.record("code", code);
        if !is_well {
            span.record("otel.status_code", "ERROR");
        }
        sent
    }

    /// The answer to a request. A refusal of the credentials is met once with those that are valid now: a
    /// pod's token changes every hour.
    async fn answer(&self, identity: &Identity, request: &Request) -> Result<Answer, Problem> {
        let mut client = self.client(identity, &request.what)?;
        let deadline = Instant::now() + request.limit;
        let (mut pause, mut fresh) = (FIRST_PAUSE, false);
        for tried in 1.. {
            let sent = match self.turn(identity, deadline).await {
                Ok(_turn) => self.once(&client, request, deadline).await,
                Err(waited) => waited,
            };
            if sent.is_unauthorized() && !fresh {
                client = self.renewed(identity, &request.what)?;
                fresh = true;
                continue;
            }
            let wait = match judge(&sent, request) {
                Verdict::Final => return finish(sent, request),
                Verdict::Again(asked) => asked.unwrap_or_else(|| jitter(pause)),
            };
            if tried >= TRIES || wait > LONGEST_RETRY_AFTER || Instant::now() + wait >= deadline {
                return finish(sent, request);
            }
            sleep(wait).await;
            pause *= 2;
        }
        Err(Problem::new(
            ProblemKind::Timeout,
            &request.what,
            "it was tried too often",
        ))
    }

    /// A place among the calls of a tenant, and among those of all tenants; nobody else needs one.
    async fn turn(
        &self,
        identity: &Identity,
        deadline: Instant,
    ) -> Result<Option<[OwnedSemaphorePermit; 2]>, Sent> {
        let share = match identity {
            Identity::Own => return Ok(None),
            Identity::ServiceAccount { .. } => self.share(identity),
        };
        let all = Arc::clone(&self.tenants);
        let places = async move {
            Ok::<_, AcquireError>([share.acquire_owned().await?, all.acquire_owned().await?])
        };
        match timeout_at(deadline, places).await {
            Ok(Ok(turn)) => Ok(Some(turn)),
            Ok(Err(_)) | Err(_) => Err(Sent::Waited),
        }
    }

    fn share(&self, identity: &Identity) -> Arc<Semaphore> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = shares.get(identity) {
            return Arc::clone(share);
        }
        let share = Arc::new(Semaphore::new(OF_A_TENANT));
        shares.insert(identity.clone(), Arc::clone(&share));
        share
    }

    async fn once(&self, client: &Client, request: &Request, deadline: Instant) -> Sent {
        let Ok(Ok(permit)) = timeout_at(deadline, self.calls.acquire()).await else {
            return Sent::Waited;
        };
        let limit = deadline.min(Instant::now() + ONE_TRY);
        let sent = timeout_at(limit, exchange(client, request)).await;
        drop(permit);
        sent.unwrap_or(Sent::Silent)
    }
}

/// What became of one sending.
enum Sent {
    /// The server answered.
    Answered(Answer, Option<Duration>),
    /// There was no connection.
    Unreachable(String),
    /// The credentials could not be made.
    NoCredentials(String),
    /// The connection broke, or the answer was cut off.
    Broken(String),
    /// No answer in time.
    Silent,
    /// It was not sent at all for want of a free place.
    Waited,
}

impl Sent {
    fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Answered(answer, _) if answer.status == StatusCode::UNAUTHORIZED)
    }
}

enum Verdict {
    Final,
    Again(Option<Duration>),
}

async fn exchange(client: &Client, request: &Request) -> Sent {
    let built = http::Request::builder()
        .method(request.method.clone())
        .uri(request.uri())
        .header(header::ACCEPT, request.accept);
    let built = if request.content_type.is_empty() {
        built
    } else {
        built.header(header::CONTENT_TYPE, request.content_type)
    };
    let body = request.body.clone().map_or_else(Body::empty, Body::from);
    let built = match built.body(body) {
        Ok(built) => built,
        Err(error) => return Sent::Unreachable(error.to_string()),
    };
    let response = match client.send(built).await {
        Ok(response) => response,
        Err(error) => return failed(&error),
    };
    let status = response.status();
    let after = retry_after(response.headers());
    match Limited::new(response.into_body(), MAX_BODY).collect().await {
        Ok(body) => Sent::Answered(
            Answer {
                status,
                body: body.to_bytes().into(),
            },
            after,
        ),
        Err(error) => Sent::Broken(chain(error.as_ref())),
    }
}

fn failed(error: &kube::Error) -> Sent {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(at) = cause {
        let legacy = at.downcast_ref::<hyper_util::client::legacy::Error>();
        if legacy.is_some_and(hyper_util::client::legacy::Error::is_connect) {
            return Sent::Unreachable(chain(error));
        }
        cause = at.source();
    }
    match error {
        kube::Error::Auth(_) => Sent::NoCredentials(chain(error)),
        _ => Sent::Broken(chain(error)),
    }
}

/// Whether to send again: only what did not happen, or may happen twice.
fn judge(sent: &Sent, request: &Request) -> Verdict {
    let always = request.repeat == Repeat::Always;
    match sent {
        Sent::Answered(answer, after) => match answer.status {
            StatusCode::TOO_MANY_REQUESTS => Verdict::Again(*after),
            status if status.is_server_error() && always && !is_verdict(answer) => {
                Verdict::Again(*after)
            }
            _ => Verdict::Final,
        },
        Sent::Unreachable(_) => Verdict::Again(None),
        Sent::Broken(_) if always => Verdict::Again(None),
        Sent::Broken(_) | Sent::NoCredentials(_) | Sent::Silent | Sent::Waited => Verdict::Final,
    }
}

/// Errors that come again: what does not fit a schema, and webhooks, which have a time limit of
/// their own.
fn is_verdict(answer: &Answer) -> bool {
    let kind = answer.problem("", false).kind;
    matches!(kind, ProblemKind::Webhook | ProblemKind::Invalid)
}

fn finish(sent: Sent, request: &Request) -> Result<Answer, Problem> {
    let reads = request.method == http::Method::GET || request.is_dry_run();
    let problem = |kind, said: &str| Err(Problem::new(kind, &request.what, said));
    match sent {
        Sent::Answered(answer, _) => Ok(answer),
        Sent::Unreachable(said) => problem(ProblemKind::NoCluster, &said),
        Sent::NoCredentials(said) => problem(ProblemKind::Unauthorized, &said),
        Sent::Broken(said) if reads => problem(
            ProblemKind::BadAnswer,
            &format!("the answer broke off ({said})"),
        ),
        Sent::Broken(said) => problem(
            ProblemKind::Unknown,
            &format!("the connection broke before the answer ({said}); it may have happened"),
        ),
        Sent::Silent if reads => problem(
            ProblemKind::Timeout,
            "the API server did not answer in time",
        ),
        Sent::Silent => problem(
            ProblemKind::Unknown,
            "the API server did not answer in time; it may have happened",
        ),
        Sent::Waited => problem(ProblemKind::Timeout, "too many calls were in flight"),
    }
}

fn user(namespace: &str, name: &str, what: &str) -> Result<HeaderValue, Problem> {
    let refuse = |said: &str| Problem::new(ProblemKind::NoIdentity, what, said);
    if namespace.is_empty() || name.is_empty() {
        return Err(refuse("the ServiceAccount has no name or no namespace"));
    }
    let user = format!("system:serviceaccount:{namespace}:{name}");
    HeaderValue::from_str(&user).map_err(|_| refuse("the ServiceAccount's name cannot be sent"))
}

/// Seconds only; the API server sends no dates.
fn retry_after(headers: &http::HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

/// Between the whole pause and one and a half, so that many callers do not come back together.
fn jitter(pause: Duration) -> Duration {
    let drawn = RandomState::new().build_hasher().finish() % 1000;
    pause + pause.mul_f64(f64::from(u32::try_from(drawn).unwrap_or(0)) / 2000.0)
}

/// An error with its causes, each told once.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        cause = error.source();
    }
    words
}
