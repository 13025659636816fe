//! Why a forge did not do what it was asked.

/// Why a forge did not do what it was asked. No variant holds a credential or an address with one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForgeError {
    /// The credential is not enough.
    #[error("{host} refused to {what} (HTTP {status}): {reason}")]
    Denied {
        /// The host.
        host: String,
        /// What was asked, as in "write a status".
        what: &'static str,
        /// The status it answered with.
        status: u16,
        /// What it said.
        reason: String,
    },
    /// What was spoken of does not exist, or is hidden from this credential.
    #[error("{host} knows nothing to {what} (HTTP {status})")]
    Missing {
        /// The host.
        host: String,
        /// What was asked.
        what: &'static str,
        /// The status it answered with.
        status: u16,
    },
    /// Too many requests for longer than one can wait.
    #[error("{host} asks to wait before one can {what}, longer than the {limit} s there are")]
    Limited {
        /// The host.
        host: String,
        /// What was asked.
        what: &'static str,
        /// The time there was, in seconds.
        limit: u64,
    },
    /// The request itself was refused.
    #[error("{host} refused to {what} (HTTP {status}): {reason}")]
    Refused {
        /// The host.
        host: String,
        /// What was asked.
        what: &'static str,
        /// The status it answered with.
        status: u16,
        /// What it said.
        reason: String,
    },
    /// No answer, or none that makes sense, however often it was asked.
    #[error("{host} did not {what}: {reason}")]
    Unreachable {
        /// The host.
        host: String,
        /// What was asked.
        what: &'static str,
        /// What happened.
        reason: String,
    },
    /// The address or the credential cannot be used at all.
    #[error("{reason}")]
    Setup {
        /// Why, and what to do.
        reason: String,
    },
}

impl ForgeError {
    /// A word for metrics and events; the same for all errors of one sort.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Denied { .. } => "denied",
            Self::Missing { .. } => "missing",
            Self::Limited { .. } => "limited",
            Self::Refused { .. } => "refused",
            Self::Unreachable { .. } => "unreachable",
            Self::Setup { .. } => "setup",
        }
    }
}
