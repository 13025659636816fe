//! One fetch: its limits, its credential and the first thing that went wrong.
//!
//! libgit2 creates transports by URL and without context, on the thread that fetches; so the session of
//! a fetch belongs to its thread. A credential is known to a session only and never part of a URL,
//! a file or an error.

use std::cell::RefCell;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use secrecy::SecretString;

use super::guard::{Guard, Refusal};
use crate::adapters::reach::Reach;
use crate::source::address::RemoteAddress;
use crate::source::repository::RepositoryError;

/// What proves to a host who we are. It has no text, so that no message can hold it by accident:
///
/// ```compile_fail
/// fn shown(credential: &kubemate::adapters::git::Credential) -> String {
///     format!("{credential:?}")
/// }
/// ```
#[derive(Clone)]
pub enum Credential {
    /// A user name and a password or token.
    Basic {
        /// The user name; forges ignore it where the password is a token.
        user: String,
        /// The password or token.
        password: SecretString,
    },
    /// A token for the `Authorization: Bearer` header.
    Bearer(SecretString),
}

/// What one fetch may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchLimits {
    /// From the first connection to the last object.
    pub deadline: Duration,
    /// Everything received, and everything kept for one repository.
    pub bytes: u64,
    /// One object: what is larger could not be held in memory.
    pub object_bytes: u64,
    /// Objects in one pack.
    pub objects: usize,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_mins(2),
            bytes: 512 * 1024 * 1024,
            object_bytes: 64 * 1024 * 1024,
            objects: 2_000_000,
        }
    }
}

/// How ssh is started.
#[derive(Debug, Clone)]
pub struct SshOptions {
    /// The program, found on the path or by its full name.
    pub program: PathBuf,
    /// The private key.
    pub key: Option<PathBuf>,
    /// The file of host keys that are trusted. Without one no host is.
    pub known_hosts: Option<PathBuf>,
}

impl Default for SshOptions {
    fn default() -> Self {
        Self {
            program: PathBuf::from("ssh"),
            key: None,
            known_hosts: None,
        }
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<Session>>> = const { RefCell::new(None) };
}

/// One fetch in progress.
pub(super) struct Session {
    pub(super) address: RemoteAddress,
    pub(super) credential: Option<Credential>,
    pub(super) client: reqwest::Client,
    pub(super) runtime: tokio::runtime::Handle,
    pub(super) ssh: SshOptions,
    pub(super) limits: FetchLimits,
    pub(super) until: Instant,
    /// Whether it may write; a fetch never does.
    pub(super) may_push: bool,
    /// Where the host's name may lead.
    pub(super) reach: Reach,
    /// Where the host has moved the repository to on itself.
    pub(super) base: Mutex<String>,
    received: AtomicU64,
    failure: Mutex<Option<RepositoryError>>,
}

/// Everything a session starts with.
pub(super) struct Start {
    pub(super) address: RemoteAddress,
    pub(super) credential: Option<Credential>,
    pub(super) client: reqwest::Client,
    pub(super) runtime: tokio::runtime::Handle,
    pub(super) ssh: SshOptions,
    pub(super) limits: FetchLimits,
    pub(super) may_push: bool,
    pub(super) reach: Reach,
}

impl Session {
    pub(super) fn new(start: Start) -> Arc<Self> {
        let Start {
            address,
            credential,
            client,
            runtime,
            ssh,
            limits,
            may_push,
            reach,
        } = start;
        Arc::new(Self {
            base: Mutex::new(address.to_string()),
            until: Instant::now() + limits.deadline,
            address,
            credential,
            client,
            runtime,
            ssh,
            limits,
            may_push,
            reach,
            received: AtomicU64::new(0),
            failure: Mutex::new(None),
        })
    }

    /// Makes this the session of the current thread while `call` runs.
    pub(super) fn during<T>(self: &Arc<Self>, call: impl FnOnce() -> T) -> T {
        struct Reset;
        impl Drop for Reset {
            fn drop(&mut self) {
                CURRENT.with_borrow_mut(|current| *current = None);
            }
        }
        CURRENT.with_borrow_mut(|current| *current = Some(Arc::clone(self)));
        let _reset = Reset;
        call()
    }

    /// The session of the current thread.
    pub(super) fn current() -> Option<Arc<Self>> {
        CURRENT.with_borrow(Clone::clone)
    }

    pub(super) fn host(&self) -> String {
        self.address.host().to_owned()
    }

    pub(super) fn unreachable(&self, reason: impl Into<String>) -> RepositoryError {
        RepositoryError::Unreachable {
            host: self.host(),
            reason: reason.into(),
        }
    }

    pub(super) fn timed_out(&self) -> RepositoryError {
        RepositoryError::TimedOut {
            host: self.host(),
            after: self.limits.deadline,
        }
    }

    pub(super) fn is_late(&self) -> bool {
        Instant::now() >= self.until
    }

    /// A guard for one answer of this session's host.
    pub(super) fn guard(&self) -> Guard {
        Guard::new(self.limits.object_bytes)
    }

    /// Counts and judges received bytes, and refuses those over a limit.
    pub(super) fn receive(&self, bytes: &[u8], guard: Option<&mut Guard>) -> io::Result<()> {
        let length = bytes.len() as u64;
        let so_far = self.received.fetch_add(length, Ordering::Relaxed) + length;
        if so_far > self.limits.bytes {
            let limit = self.limits.bytes;
            return Err(self.fail(RepositoryError::TooLarge {
                host: self.host(),
                limit,
            }));
        }
        if self.is_late() {
            return Err(self.fail(self.timed_out()));
        }
        let Some(guard) = guard else {
            return Ok(());
        };
        guard.feed(bytes).map_err(|refusal| {
            let (host, limit) = (self.host(), self.limits.object_bytes);
            self.fail(match refusal {
                Refusal::TooLarge(bytes) => RepositoryError::ObjectTooLarge { host, bytes, limit },
                Refusal::Malformed => RepositoryError::Damaged {
                    reason: format!("{host} sent a malformed pack"),
                },
            })
        })
    }

    /// Remembers what went wrong first; libgit2 only carries a text.
    pub(super) fn fail(&self, error: RepositoryError) -> io::Error {
        let text = error.to_string();
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(error);
        io::Error::other(text)
    }

    pub(super) fn take_failure(&self) -> Option<RepositoryError> {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}
