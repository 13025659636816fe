//! Calls of forges: a push that is signed makes the Syncs of its repository look at once, and a comment
//! may hold a command.
//!
//! The signature is checked before anything else of a call is read, and a call never does more than ask
//! for a look, or pass a command on to where its author is looked up. Connections, bodies, memory and
//! looks are bounded, whoever calls and however often.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::ControllerError;
use super::commands::Call;
use super::credentials::Credentials;
use super::serve::Vitals;
use crate::report::forge::webhook::{
    Deliveries, Delivery, Event, Headers, MAX_BODY, Refusal, receive,
};

mod few;

/// Bodies that are read at the same time.
const AT_ONCE: usize = 32;
/// For how long one is read, and waited for before that.
const READ: Duration = Duration::from_secs(10);
/// The shortest time between two looks that one name asks for.
const BEAT: Duration = Duration::from_secs(2);

/// What a call is answered.
type Answer = (StatusCode, &'static str);

/// Where calls come in.
pub struct Door {
    credentials: Credentials,
    vitals: Arc<Vitals>,
    calls: mpsc::Sender<String>,
    commands: Option<mpsc::Sender<Call>>,
    known: Mutex<Deliveries>,
    beats: Mutex<BTreeMap<String, bool>>,
    places: Semaphore,
}

impl Door {
    /// A door whose secrets are the files `NAME.hook-secret` among the credentials. Names whose
    /// repository is to be looked at come out of `calls`, and commands of comments, where they are
    /// followed, out of `commands`.
    pub fn new(
        credentials: Credentials,
        vitals: Arc<Vitals>,
        calls: mpsc::Sender<String>,
        commands: Option<mpsc::Sender<Call>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            credentials,
            vitals,
            calls,
            commands,
            known: Mutex::default(),
            beats: Mutex::default(),
            places: Semaphore::new(AT_ONCE),
        })
    }

    async fn answer(self: &Arc<Self>, name: &str, request: Request) -> Answer {
        let secret = is_name(name).then(|| self.credentials.text(&format!("{name}.hook-secret")));
        let Some(secret) = secret.flatten() else {
            return refused(Refusal::Unsigned);
        };
        if length(request.headers()).is_some_and(|length| length > MAX_BODY) {
            return refused(Refusal::TooLarge);
        }
        let Ok(Ok(_place)) = timeout(READ, self.places.acquire()).await else {
            return (StatusCode::SERVICE_UNAVAILABLE, "busy\n");
        };
        let (parts, body) = request.into_parts();
        let body = match timeout(READ, to_bytes(body, MAX_BODY)).await {
            Ok(Ok(body)) => body,
            Ok(Err(_)) => return refused(Refusal::TooLarge),
            Err(_) => return (StatusCode::REQUEST_TIMEOUT, "too slow\n"),
        };
        match receive(&Given(&parts.headers), &body, secret.as_bytes(), now()) {
            Ok(delivery) => self.heard(name, delivery),
            Err(refusal) => refused(refusal),
        }
    }

    /// Only who leads can look; the forge may try again, and the interval comes anyway.
    fn heard(self: &Arc<Self>, name: &str, delivery: Delivery) -> Answer {
        if !self.vitals.is_leading() {
            return (StatusCode::SERVICE_UNAVAILABLE, "not leading\n");
        }
        // One forge's numbers say nothing about another's.
        let id = delivery.id.map(|id| format!("{name} {id}"));
        let delivery = Delivery { id, ..delivery };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let new = known.is_new(&delivery);
        drop(known);
        if new && matches!(delivery.event, Event::Push { .. }) {
            self.beat(name);
        }
        if new
            && let Some(commands) = &self.commands
            && let Some(call) = Call::of(name, &delivery.event)
            && let Err(full) = commands.try_send(call)
        {
            let call = full.into_inner();
            tracing::warn!(
                sync = name,
                comment = call.comment,
                "too many commands wait"
            );
        }
        (StatusCode::ACCEPTED, "taken\n")
    }

    /// Passes a name on at once, and what comes during the next seconds as one more.
    fn beat(self: &Arc<Self>, name: &str) {
        let mut beats = self.beats.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(again) = beats.get_mut(name) {
            *again = true;
            return;
        }
        beats.insert(name.to_owned(), false);
        let (door, name) = (Arc::clone(self), name.to_owned());
        drop(tokio::spawn(async move {
            loop {
                // A queue that is full holds enough looks already.
                drop(door.calls.try_send(name.clone()));
                sleep(BEAT).await;
                if !door.is_asked_again(&name) {
                    return;
                }
            }
        }));
    }

    fn is_asked_again(&self, name: &str) -> bool {
        let mut beats = self.beats.lock().unwrap_or_else(PoisonError::into_inner);
        match beats.get_mut(name) {
            Some(again) if *again => {
                *again = false;
                true
            }
            _ => {
                beats.remove(name);
                false
            }
        }
    }
}

/// Whether this can be the name of a Sync, and so of a file.
fn is_name(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.');
    (1..=253).contains(&text.len()) && !text.starts_with('.') && text.bytes().all(plain)
}

fn length(headers: &HeaderMap) -> Option<usize> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

fn refused(refusal: Refusal) -> Answer {
    match refusal {
        Refusal::Unsigned => (StatusCode::UNAUTHORIZED, "not signed\n"),
        Refusal::Stale => (StatusCode::UNAUTHORIZED, "too old\n"),
        Refusal::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too large\n"),
        Refusal::Malformed => (StatusCode::BAD_REQUEST, "not understood\n"),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the time of a call, for its replay window"
)]
fn now() -> Timestamp {
    Timestamp::now()
}

struct Given<'a>(&'a HeaderMap);

impl Headers for Given<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        let mut all = self.0.get_all(name).iter();
        let one = all.next().filter(|_| all.next().is_none())?;
        one.to_str().ok()
    }
}

/// Takes calls until it is told to stop; says where.
pub async fn serve(
    address: SocketAddr,
    door: Arc<Door>,
    stop: CancellationToken,
) -> Result<(SocketAddr, JoinHandle<()>), ControllerError> {
    let failed = |error: std::io::Error| ControllerError::Listen {
        address,
        reason: error.to_string(),
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    tracing::info!(%address, "calls of forges are taken");
    let app = Router::new()
        .route("/hooks/{name}", post(take))
        .with_state(door);
    let server = axum::serve(few::Few::new(listener), app);
    let work = async move {
        tokio::select! {
            () = stop.cancelled() => {}
            ended = server.into_future() => drop(ended),
        }
    };
    Ok((address, tokio::spawn(work)))
}

async fn take(State(door): State<Arc<Door>>, Path(name): Path<String>, request: Request) -> Answer {
    let answer = door.answer(&name, request).await;
    door.vitals.called(answer.0.as_u16());
    answer
}
