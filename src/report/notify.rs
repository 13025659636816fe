//! Who is told how a Sync goes, and what about: receivers as a Sync names them, the words for what they
//! are told, and what each of them was told last.
//!
//! Nothing here holds an address or a key: a receiver names a Secret, which only the edge reads. Nothing
//! here waits, reads a clock or sends.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub mod answer;
pub mod body;
pub mod inert;
pub mod news;
pub mod sign;

/// Receivers of one Sync at most.
pub const MAX_RECEIVERS: usize = 8;

/// What Kubernetes takes for the name of an object.
const NAME: &str = "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$";

/// Somebody who is told how a Sync goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Receiver {
    /// Its name among the receivers of the Sync.
    #[schemars(length(max = 63), regex(pattern = NAME))]
    pub name: String,
    /// The service that it is.
    #[serde(rename = "type")]
    pub service: Service,
    /// The Secret in kubemate-system with the key `url` and, where the receiver checks signatures,
    /// `secret`; for `email` with `url`, `from`, `to` and, where the server asks for them, `user` and
    /// `password`.
    #[schemars(length(max = 253), regex(pattern = NAME))]
    pub secret: String,
    /// What it is told of; without it everything but `applied`.
    // Not `on`: kubectl reads that key as a truth, as YAML 1.1 does.
    #[serde(default = "usual")]
    #[schemars(length(min = 1))]
    pub topics: Vec<Topic>,
}

impl Receiver {
    /// Whether the name of its Secret is one. The API server checks it too; here it becomes part of a
    /// path.
    pub fn names_a_secret(&self) -> bool {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-';
        let ends = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
        let name = self.secret.as_bytes();
        name.len() <= 253
            && name.iter().copied().all(plain)
            && ends(name.first())
            && ends(name.last())
    }
}

fn usual() -> Vec<Topic> {
    Topic::ALL
        .into_iter()
        .filter(|topic| *topic != Topic::Applied)
        .collect()
}

/// The service that a receiver is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// JSON by POST, signed as Standard Webhooks are if there is a key.
    Webhook,
    /// An incoming webhook of Slack, or of what speaks like it.
    Slack,
    /// A group robot of WeCom.
    Wecom,
    /// A custom robot of DingTalk.
    Dingtalk,
    /// A custom bot of Feishu or Lark.
    Feishu,
    /// People, by e-mail.
    Email,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Webhook,
        Self::Slack,
        Self::Wecom,
        Self::Dingtalk,
        Self::Feishu,
        Self::Email,
    ];
}

/// What a notice is about.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Topic {
    /// Only a person can help: the commit is not valid, or the Sync makes no sense.
    Stalled,
    /// Something has failed for some minutes and is tried again.
    Failed,
    /// A change waits for a yes, or a rule holds it.
    Held,
    /// An object has failed, or is not healthy for long.
    Unhealthy,
    /// Objects were changed outside of Git, and nothing undoes that.
    Drifted,
    /// What was told before is over.
    Recovered,
    /// A commit was applied completely and is healthy.
    Applied,
}

impl Topic {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Stalled,
        Self::Failed,
        Self::Held,
        Self::Unhealthy,
        Self::Drifted,
        Self::Recovered,
        Self::Applied,
    ];

    /// Its word, as in `topics`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stalled => "stalled",
            Self::Failed => "failed",
            Self::Held => "held",
            Self::Unhealthy => "unhealthy",
            Self::Drifted => "drifted",
            Self::Recovered => "recovered",
            Self::Applied => "applied",
        }
    }

    /// Whether something is wrong, and stays so until `recovered`.
    pub const fn is_trouble(self) -> bool {
        match self {
            Self::Stalled | Self::Failed | Self::Held | Self::Unhealthy | Self::Drifted => true,
            Self::Recovered | Self::Applied => false,
        }
    }
}

/// How it goes with one receiver.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ReceiverStatus {
    /// What it was told last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told: Option<Told>,
    /// Why it could not be told what came after that; empty if nothing is in the way.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub failure: String,
}

/// What a receiver was told last, so that no restart tells it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// What it was about.
    pub topic: Topic,
    /// The digest of the trouble that was told last; it stays when that is over.
    pub digest: String,
    /// The commit that was told last as applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// When trouble, or its end, was told last.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// How many changes before it were not told, as they came and went.
    #[serde(default)]
    pub changes: u32,
    /// How many notices in a row each came soon after the one before.
    #[serde(default)]
    pub streak: u32,
}

/// Why a receiver was not told. No variant holds its URL or a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotifyError {
    /// The Secret is missing, may not be read, or lacks something.
    #[error("the Secret `{secret}`: {reason}")]
    Secret {
        /// Its name.
        secret: String,
        /// What is the matter with it.
        reason: String,
    },
    /// The URL is none, or may not be called.
    #[error("its URL may not be called: {reason}")]
    Address {
        /// Why, and what to do.
        reason: String,
    },
    /// Who writes or who reads letters is nobody.
    #[error("nobody can be written to: {reason}")]
    People {
        /// Why.
        reason: String,
    },
    /// Too many calls for longer than one can wait.
    #[error("{host} asks to wait longer than the {limit} s there are")]
    Limited {
        /// The host.
        host: String,
        /// The time there was, in seconds.
        limit: u64,
    },
    /// The call was refused.
    #[error("{host} refused the notice: {reason}")]
    Refused {
        /// The host.
        host: String,
        /// What it said.
        reason: String,
    },
    /// No answer, or none that makes sense.
    #[error("{host} did not take the notice: {reason}")]
    Unreachable {
        /// The host.
        host: String,
        /// What happened.
        reason: String,
    },
    /// No client could be made.
    #[error("no HTTP client could be made")]
    Client,
}

impl NotifyError {
    /// What it says without what differs from one time to the next, such as times and identities: so the
    /// same trouble is written down once.
    pub fn lasting(&self) -> String {
        let said = match self.clone() {
            Self::Refused { host, reason } => Self::Refused {
                host,
                reason: lasting(&reason),
            },
            Self::Unreachable { host, reason } => Self::Unreachable {
                host,
                reason: lasting(&reason),
            },
            said @ (Self::Secret { .. }
            | Self::Address { .. }
            | Self::People { .. }
            | Self::Limited { .. }
            | Self::Client) => said,
        };
        said.to_string()
    }

    /// A word for metrics; the same for all errors of one sort.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Secret { .. } | Self::Address { .. } | Self::People { .. } | Self::Client => {
                "setup"
            }
            Self::Limited { .. } => "limited",
            Self::Refused { .. } => "refused",
            Self::Unreachable { .. } => "unreachable",
        }
    }
}

/// The words of a service without those that hold a digit: of numbers only a code is kept, which stands
/// first, or behind `HTTP`.
fn lasting(words: &str) -> String {
    let mut before = "HTTP";
    let mut kept: Vec<&str> = Vec::new();
    for word in words.split_whitespace() {
        let code = before == "HTTP" && word.len() <= 6 && word.parse::<i32>().is_ok();
        let steady = code || !word.contains(|c: char| c.is_ascii_digit());
        kept.push(if steady { word } else { "…" });
        before = word;
    }
    kept.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_each_time_is_not_written_down() {
        for (said, kept) in [
            ("93000 bad key", "93000 bad key"),
            ("-1 busy", "-1 busy"),
            ("HTTP 502 no", "HTTP 502 no"),
            (
                "HTTP 503 try again at 2026-05-04T10:00:00Z, in 17 s",
                "HTTP 503 try again at … in … s",
            ),
            (
                "HTTP 500 {\"request\":\"a81f\"} failed",
                "HTTP 500 … failed",
            ),
            ("1764000000 is over", "… is over"),
            ("no answer in time", "no answer in time"),
        ] {
            let error = |reason: &str| NotifyError::Unreachable {
                host: "10.0.0.1".to_owned(),
                reason: reason.to_owned(),
            };
            assert_eq!(error(said).lasting(), error(kept).to_string());
        }
    }

    fn receiver(secret: &str) -> Receiver {
        serde_json::from_value(serde_json::json!({
            "name": "team", "type": "slack", "secret": secret
        }))
        .unwrap()
    }

    #[test]
    fn a_receiver_hears_of_all_that_needs_a_person_and_of_its_end() {
        let on = receiver("team-slack").topics;
        assert!(
            Topic::ALL
                .into_iter()
                .all(|topic| on.contains(&topic) == (topic != Topic::Applied))
        );
        let topics = Topic::ALL.map(|topic| serde_json::to_value(topic).unwrap());
        assert_eq!(
            topics,
            Topic::ALL.map(|topic| serde_json::json!(topic.word()))
        );
    }

    #[test]
    fn only_names_of_objects_name_a_secret() {
        for good in ["a", "team-slack", "a.b-c9"] {
            assert!(receiver(good).names_a_secret(), "{good}");
        }
        let long = "a".repeat(254);
        for bad in [
            "",
            "../x",
            "a/b",
            "a?b",
            "A",
            "-a",
            "a-",
            "a b",
            "a%2f",
            long.as_str(),
        ] {
            assert!(!receiver(bad).names_a_secret(), "{bad}");
        }
    }
}
