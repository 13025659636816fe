//! Calls of forges to us: the signature first, in constant time, then as little JSON as is needed.
//!
//! A call only says that something may have changed; what did is asked of the repository itself. So a
//! forged or repeated call can cost one look, and nothing it says is believed beyond that.

use std::collections::{BTreeSet, VecDeque};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use serde_json::Value;
use sha2::Sha256;

use super::PullNumber;
use crate::source::repository::CommitId;

/// Largest body that is read, in bytes.
pub const MAX_BODY: usize = 1024 * 1024;
/// How far a signed time may be off, in seconds.
pub const WINDOW: i64 = 300;
/// Shortest secret: less can be guessed.
pub const SHORTEST_SECRET: usize = 16;
/// Deliveries that are remembered.
const REMEMBERED: usize = 4_096;

/// Why a call is refused. The texts tell a stranger nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No signature, or one that does not fit the body; or no secret to check it with.
    #[error("not signed")]
    Unsigned,
    /// Signed for another time.
    #[error("too old")]
    Stale,
    /// More than [`MAX_BODY`].
    #[error("too large")]
    TooLarge,
    /// Signed, and not what a forge sends.
    #[error("not understood")]
    Malformed,
}

/// The headers that matter, by lower-case name. Others are not read.
pub trait Headers {
    /// The value of a header, if it is there once and is text.
    fn get(&self, name: &str) -> Option<&str>;
}

impl Headers for std::collections::BTreeMap<String, String> {
    fn get(&self, name: &str) -> Option<&str> {
        Self::get(self, name).map(String::as_str)
    }
}

/// What a call is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A ref moved.
    Push {
        /// Its full name.
        reference: String,
        /// Where it stands now; `None` when it was deleted.
        after: Option<CommitId>,
    },
    /// A pull request was opened, pushed to, closed or edited.
    Pull(PullNumber),
    /// Somebody wrote a comment on a pull request. Edits are not told.
    Comment {
        /// The path of the repository, as in `team/platform`.
        repository: String,
        /// Its number, by which it is known again, and asked of the forge.
        id: u64,
        /// The pull request.
        pull: PullNumber,
        /// Who wrote it, as the call says.
        user: String,
        /// The text, as the call says.
        text: String,
    },
    /// The forge tries whether we are there.
    Ping,
    /// Nothing for us.
    Other,
}

/// A call whose signature holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its identity, where the forge gives one; a repeated one is the same call.
    pub id: Option<String>,
    /// What it is about.
    pub event: Event,
}

/// Checks and reads a call. Nothing of the body is parsed before its signature holds.
pub fn receive(
    headers: &impl Headers,
    body: &[u8],
    secret: &[u8],
    now: Timestamp,
) -> Result<Delivery, Refusal> {
    if body.len() > MAX_BODY {
        return Err(Refusal::TooLarge);
    }
    if secret.len() < SHORTEST_SECRET {
        return Err(Refusal::Unsigned);
    }
    let dialect = verify(headers, body, secret, now)?;
    let value: Value = serde_json::from_slice(body).map_err(|_| Refusal::Malformed)?;
    let (id, event) = match dialect {
        Dialect::Gitea => (
            "x-gitea-delivery",
            hub(headers.get("x-gitea-event"), &value),
        ),
        Dialect::GitHub => (
            "x-github-delivery",
            hub(headers.get("x-github-event"), &value),
        ),
        Dialect::GitLab if headers.get("webhook-id").is_some() => ("webhook-id", gitlab(&value)),
        Dialect::GitLab => ("x-gitlab-event-uuid", gitlab(&value)),
    };
    let id = headers
        .get(id)
        .filter(|id| !id.is_empty() && id.len() <= 200);
    Ok(Delivery {
        id: id.map(str::to_owned),
        event,
    })
}

enum Dialect {
    GitHub,
    GitLab,
    Gitea,
}

/// Gitea sends GitHub's headers as well, so it is asked first.
fn verify(
    headers: &impl Headers,
    body: &[u8],
    secret: &[u8],
    now: Timestamp,
) -> Result<Dialect, Refusal> {
    if let Some(given) = headers.get("x-gitea-signature") {
        return signed(&hex(given), &[body], secret).map(|()| Dialect::Gitea);
    }
    if let Some(given) = headers.get("x-hub-signature-256") {
        let given = given.strip_prefix("sha256=").unwrap_or_default();
        return signed(&hex(given), &[body], secret).map(|()| Dialect::GitHub);
    }
    if let Some(given) = headers.get("webhook-signature") {
        let id = headers.get("webhook-id").ok_or(Refusal::Unsigned)?;
        let at = headers.get("webhook-timestamp").ok_or(Refusal::Unsigned)?;
        let parts: [&[u8]; 5] = [id.as_bytes(), b".", at.as_bytes(), b".", body];
        let one = |given: &str| {
            let bytes = given
                .strip_prefix("v1,")
                .and_then(|b| STANDARD.decode(b).ok());
            signed(&bytes.unwrap_or_default(), &parts, secret).is_ok()
        };
        // A forge that changes its secret signs with both; each is tried, a handful at most.
        let fits = given
            .split(' ')
            .take(5)
            .fold(false, |found, given| one(given) | found);
        let seconds: i64 = at.parse().map_err(|_| Refusal::Unsigned)?;
        return match (
            fits,
            now.as_second().abs_diff(seconds) <= WINDOW.unsigned_abs(),
        ) {
            (false, _) => Err(Refusal::Unsigned),
            (true, false) => Err(Refusal::Stale),
            (true, true) => Ok(Dialect::GitLab),
        };
    }
    let token = headers.get("x-gitlab-token").unwrap_or_default();
    same(token.as_bytes(), secret).map(|()| Dialect::GitLab)
}

fn signed(given: &[u8], parts: &[&[u8]], secret: &[u8]) -> Result<(), Refusal> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|_| Refusal::Unsigned)?;
    parts.iter().for_each(|part| mac.update(part));
    mac.verify_slice(given).map_err(|_| Refusal::Unsigned)
}

/// Compares in a time that depends on neither text: both are signed with the same key first.
fn same(given: &[u8], secret: &[u8]) -> Result<(), Refusal> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|_| Refusal::Unsigned)?;
    mac.update(secret);
    signed(&mac.finalize().into_bytes(), &[given], secret)
}

/// Bytes of hex digits; anything else is no bytes, which no signature is.
fn hex(text: &str) -> Vec<u8> {
    let digit = |b: u8| {
        char::from(b)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    text.as_bytes()
        .chunks(2)
        .map(pair)
        .collect::<Option<_>>()
        .unwrap_or_default()
}

/// GitHub and the forges that speak like it.
fn hub(kind: Option<&str>, value: &Value) -> Event {
    let number = |pointer: &str| {
        let number = value.pointer(pointer)?.as_u64()?;
        PullNumber::parse(&number.to_string())
    };
    let found = match kind.unwrap_or_default() {
        "ping" => Some(Event::Ping),
        "push" => push(value),
        "pull_request" | "pull_request_sync" => number("/pull_request/number").map(Event::Pull),
        "issue_comment" if value.pointer("/action").and_then(Value::as_str) == Some("created") => {
            let on_pull = value
                .pointer("/issue/pull_request")
                .is_some_and(|v| !v.is_null());
            comment(
                number("/issue/number").filter(|_| on_pull),
                value,
                [
                    "/repository/full_name",
                    "/comment/id",
                    "/comment/user/login",
                    "/comment/body",
                ],
            )
        }
        _ => None,
    };
    found.unwrap_or(Event::Other)
}

fn gitlab(value: &Value) -> Event {
    let number = |pointer: &str| {
        let number = value.pointer(pointer)?.as_u64()?;
        PullNumber::parse(&number.to_string())
    };
    let found = match value
        .pointer("/object_kind")
        .and_then(Value::as_str)
        .unwrap_or_default()
    {
        "push" | "tag_push" => push(value),
        "merge_request" => number("/object_attributes/iid").map(Event::Pull),
        "note" => {
            // GitLab tells edits with the same event; only what was just created counts.
            let action = value
                .pointer("/object_attributes/action")
                .and_then(Value::as_str);
            let pull = number("/merge_request/iid").filter(|_| action == Some("create"));
            let at = [
                "/project/path_with_namespace",
                "/object_attributes/id",
                "/user/username",
                "/object_attributes/note",
            ];
            comment(pull, value, at)
        }
        _ => None,
    };
    found.unwrap_or(Event::Other)
}

fn push(value: &Value) -> Option<Event> {
    let reference = value
        .get("ref")?
        .as_str()
        .filter(|r| r.starts_with("refs/"))?;
    let after = value.get("after")?.as_str().and_then(CommitId::new);
    let after = after.filter(|id| id.as_str().bytes().any(|b| b != b'0'));
    Some(Event::Push {
        reference: reference.to_owned(),
        after,
    })
}

fn comment(
    pull: Option<PullNumber>,
    value: &Value,
    [repository, id, user, text]: [&str; 4],
) -> Option<Event> {
    let at = |pointer: &str| value.pointer(pointer)?.as_str().map(str::to_owned);
    Some(Event::Comment {
        repository: at(repository)?,
        id: value.pointer(id)?.as_u64()?,
        pull: pull?,
        user: at(user)?,
        text: at(text)?,
    })
}

/// Deliveries that were seen, the latest few thousand.
#[derive(Debug, Default)]
pub struct Deliveries {
    known: BTreeSet<String>,
    order: VecDeque<String>,
}

impl Deliveries {
    /// Whether a delivery is new; it is not from now on. One without an identity always is.
    pub fn is_new(&mut self, delivery: &Delivery) -> bool {
        let Some(id) = &delivery.id else { return true };
        if !self.known.insert(id.clone()) {
            return false;
        }
        self.order.push_back(id.clone());
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}
