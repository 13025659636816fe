//! What can go wrong between kubemate and a cluster, as data with a sentence for people.
//!
//! Every problem names what was tried and what to do. It never holds the value of a secret: whoever
//! knows the object's rules passes it through [`Problem::masked`] before it is kept.

use serde::{Deserialize, Serialize};

use crate::plan::mask::Mask;
use crate::plan::observed::ApiProblem;

/// One failed conversation with a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("cannot {what}: {said}{}", help_of(*.kind))]
pub struct Problem {
    /// What sort of failure.
    pub kind: ProblemKind,
    /// What was tried, as in `apply Deployment.apps/web in shop`.
    pub what: String,
    /// What was said, or what we saw.
    pub said: String,
    /// The API server's refusal, where it answered with one.
    pub api: Option<Box<ApiProblem>>,
}

/// Sorts of failures; each needs another reaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// The API server cannot be reached; nothing was done.
    NoCluster,
    /// The cluster is not the one the KDL means.
    WrongCluster,
    /// There is no identity to write with.
    NoIdentity,
    /// The credentials are not accepted.
    Unauthorized,
    /// The identity may not do this.
    Forbidden,
    /// The object, or its namespace, does not exist.
    NotFound,
    /// The API server does not serve the kind.
    NotServed,
    /// Another manager owns fields.
    Conflict,
    /// The object changed since it was read, or exists already.
    Stale,
    /// The object is not valid.
    Invalid,
    /// An admission webhook refused or failed.
    Webhook,
    /// The object is too large.
    TooLarge,
    /// The server asks to come back later, and that is later than we wait.
    Throttled,
    /// No answer in time; nothing was changed.
    Timeout,
    /// No answer in time, or the connection broke: it may have happened or not.
    Unknown,
    /// The server failed; nothing was changed.
    Server,
    /// What came back is not what was asked for.
    BadAnswer,
    /// What is stored about the set is damaged.
    DamagedInventory,
    /// Someone else works on the set.
    Leased,
    /// What the step needs is not there or not healthy.
    NotReady,
    /// Values are encrypted and cannot be decrypted here; nothing was sent.
    Sealed,
}

impl ProblemKind {
    /// One word for metrics and wire formats.
    pub fn word(self) -> &'static str {
        match self {
            Self::NoCluster => "no-cluster",
            Self::WrongCluster => "wrong-cluster",
            Self::NoIdentity => "no-identity",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not-found",
            Self::NotServed => "not-served",
            Self::Conflict => "conflict",
            Self::Stale => "stale",
            Self::Invalid => "invalid",
            Self::Webhook => "webhook",
            Self::TooLarge => "too-large",
            Self::Throttled => "throttled",
            Self::Timeout => "timeout",
            Self::Unknown => "unknown-outcome",
            Self::Server => "server",
            Self::BadAnswer => "bad-answer",
            Self::DamagedInventory => "damaged-inventory",
            Self::Leased => "leased",
            Self::NotReady => "not-ready",
            Self::Sealed => "sealed",
        }
    }

    /// What to do about it, one sentence without full stop; empty where the message says it all.
    pub fn help(self) -> &'static str {
        match self {
            Self::NoCluster => {
                "check that the API server runs and that its address in the kubeconfig is right"
            }
            Self::WrongCluster => {
                "use the kubeconfig of the cluster that is meant, or correct `uid` of the cluster in KDL"
            }
            Self::NoIdentity => "a tenant's set is written with the tenant's ServiceAccount only",
            Self::Unauthorized => "renew the credentials of the kubeconfig",
            Self::Forbidden => "let the identity do it, or take the object out",
            Self::NotServed => "install what serves the kind, or take the object out",
            Self::Conflict => {
                "take the field out of one of the two, or say in the policy who keeps it"
            }
            Self::Stale | Self::Unknown => "plan again",
            Self::Invalid => "correct the field",
            Self::Webhook => "ask who runs the webhook",
            Self::TooLarge => "make the object smaller",
            Self::Throttled | Self::Timeout | Self::Server => "try again later",
            Self::BadAnswer => "check what answers under the address of the API server",
            Self::DamagedInventory => {
                "restore the ConfigMap of the inventory from a backup, or delete it: what bears the set's marks is then recorded again"
            }
            Self::Leased => "wait until it has finished",
            Self::NotFound | Self::NotReady | Self::Sealed => "",
        }
    }

    /// Whether trying again later, with nothing else changed, may help.
    pub fn passes(self) -> bool {
        match self {
            Self::NoCluster
            | Self::Throttled
            | Self::Timeout
            | Self::Unknown
            | Self::Server
            | Self::BadAnswer
            | Self::Leased
            | Self::NotReady
            | Self::Stale
            | Self::Webhook
            | Self::NotFound
            | Self::NotServed => true,
            Self::WrongCluster
            | Self::NoIdentity
            | Self::Unauthorized
            | Self::Forbidden
            | Self::Conflict
            | Self::Invalid
            | Self::TooLarge
            | Self::DamagedInventory
            | Self::Sealed => false,
        }
    }
}

fn help_of(kind: ProblemKind) -> String {
    match kind.help() {
        "" => String::new(),
        help => format!("; {help}"),
    }
}

impl Problem {
    /// A problem without an answer of the API server.
    pub fn new(kind: ProblemKind, what: impl Into<String>, said: impl Into<String>) -> Self {
        Self {
            kind,
            what: what.into(),
            said: said.into(),
            api: None,
        }
    }

    /// The HTTP status of the API server's refusal, where it answered with one.
    pub fn status(&self) -> Option<u16> {
        self.api.as_ref().map(|api| api.status)
    }

    /// The same without words that may quote a secret of the object.
    #[must_use]
    pub fn masked(mut self, mask: &Mask) -> Self {
        let Some(api) = &mut self.api else {
            return self;
        };
        let words = mask.words(api);
        if words != api.message {
            api.causes
                .iter_mut()
                .for_each(|cause| cause.message.clear());
            api.message.clone_from(&words);
            self.said = words;
        }
        self
    }

    /// The cluster has another UID than the project says.
    pub fn wrong_cluster(name: &str, wanted: &str, found: &str) -> Self {
        let said = format!(
            "the cluster `{name}` has the UID {wanted} in KDL, and the kube-system namespace that answers has {found}; nothing was written"
        );
        Self::new(
            ProblemKind::WrongCluster,
            format!("write to `{name}`"),
            said,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::GroupKind;
    use crate::plan::observed::Cause;

    #[test]
    fn a_secret_is_not_quoted() {
        let message = "Secret \"a\" is invalid: data[k]: Invalid value: \"hunter2\"";
        let cause = Cause {
            reason: "FieldValueInvalid".into(),
            field: "data[k]".into(),
            message: "Invalid value: \"hunter2\"".into(),
        };
        let api = ApiProblem {
            status: 422,
            reason: "Invalid".into(),
            message: message.into(),
            causes: vec![cause],
            conflicts: Vec::new(),
        };
        let problem = Problem {
            api: Some(Box::new(api)),
            ..Problem::new(ProblemKind::Invalid, "apply Secret/a in n", message)
        };
        let masked = problem.masked(&Mask::new(&GroupKind::new("", "Secret"), None));
        assert!(!format!("{masked:?} {masked}").contains("hunter2"));
        assert_eq!(
            masked.to_string(),
            "cannot apply Secret/a in n: Invalid: data[k]; correct the field"
        );
    }
}
