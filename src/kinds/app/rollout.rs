//! How a new version replaces the old one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dsl::form::{Block, Keyed};
use crate::kinds::pod::Plain;
use crate::names::{LabelKey, Name};
use crate::values::duration::Duration;
use crate::values::percent::{Percent, Share};
use crate::values::url::Url;

/// How a new version replaces the old one: `rollout canary every="5m" { … }`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["strategy"]}))]
pub struct Rollout {
    /// The way.
    #[serde(default)]
    pub strategy: Strategy,
    /// Pods beyond the wanted number while rolling. Default: 25%.
    #[serde(default)]
    pub surge: Option<Share>,
    /// Pods that may be missing while rolling. Default: none, or one per step where pods are numbered.
    #[serde(default)]
    pub unavailable: Option<Share>,
    /// Time without progress after which the rollout counts as failed. Default: 10m.
    #[serde(default)]
    pub timeout: Option<Duration>,
    /// Period of the steps of a canary.
    #[serde(default)]
    pub every: Option<Duration>,
    /// Shares of the traffic that a canary gets, one after the other.
    #[serde(default)]
    pub steps: Vec<Percent>,
    /// Measure that must hold at every step.
    #[serde(default)]
    pub check: Keyed<Measure, Bound>,
    /// Looks at the checks that may fail before the rollout has failed. Default: none, the first one
    /// ends it.
    #[serde(default)]
    #[schemars(range(max = 100))]
    pub tolerate: Option<u32>,
    /// How often the new version is looked at before it gets the traffic. Default: once.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    pub looks: Option<u32>,
    /// Somebody who is called during the rollout: a test, a load, an approval.
    #[serde(default)]
    pub call: Keyed<Name, Call>,
    /// What a failed check does. Default: rollback.
    #[serde(default)]
    pub on_fail: Option<OnFail>,
}

/// A call by HTTP; an answer that is not 2xx counts as a failed look, or holds the rollout where it asks
/// for consent: `call smoke-test url="https://tests.bank/smoke" when=before { settings { suite api } }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Call {
    /// Address that is called.
    pub url: Url,
    /// When. Default: during, which is at every look.
    #[serde(default)]
    pub when: When,
    /// How long an answer may take. Default: 10s.
    #[serde(default)]
    pub timeout: Option<Duration>,
    /// What the one who is called wants to know, sent along.
    #[serde(default)]
    pub settings: Block<LabelKey, Plain>,
}

/// When somebody is called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// Before the new version starts, which waits for consent.
    Consent,
    /// Before the first traffic.
    Before,
    /// At every look.
    #[default]
    During,
    /// Before every further share, which waits for consent.
    Step,
    /// Before the new version gets everything, which waits for consent.
    Promotion,
    /// When it is over, well or not.
    After,
    /// At every look, and consent ends the rollout.
    Rollback,
}

impl When {
    /// As Flagger writes it.
    pub const fn flagger(self) -> &'static str {
        match self {
            Self::Consent => "confirm-rollout",
            Self::Before => "pre-rollout",
            Self::During => "rollout",
            Self::Step => "confirm-traffic-increase",
            Self::Promotion => "confirm-promotion",
            Self::After => "post-rollout",
            Self::Rollback => "rollback",
        }
    }

    /// All of them with the word of the language.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Consent, "consent"),
        (Self::Before, "before"),
        (Self::During, "during"),
        (Self::Step, "step"),
        (Self::Promotion, "promotion"),
        (Self::After, "after"),
        (Self::Rollback, "rollback"),
    ];
}

/// A way to replace the old version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// Some pods at a time.
    #[default]
    Rolling,
    /// All old pods end before the first new one starts.
    Recreate,
    /// The new version gets a growing share of the traffic.
    Canary,
    /// The new version starts beside the old one and gets all traffic at once.
    BlueGreen,
}

impl Strategy {
    /// The word of the language.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Rolling => "rolling",
            Self::Recreate => "recreate",
            Self::Canary => "canary",
            Self::BlueGreen => "blue-green",
        }
    }

    /// Whether traffic is moved in steps, under checks.
    pub const fn progressive(self) -> bool {
        matches!(self, Self::Canary | Self::BlueGreen)
    }
}

/// What is measured during a rollout.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// Share of the requests that are answered with an error.
    ErrorRate,
    /// Time that 99 of 100 requests are answered in.
    Latency,
}

impl Measure {
    /// The word of the language.
    pub const fn word(self) -> &'static str {
        match self {
            Self::ErrorRate => "error-rate",
            Self::Latency => "latency",
        }
    }
}

/// The bound of a measure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Bound {
    /// Largest error rate.
    #[serde(default)]
    pub max: Option<Percent>,
    /// Longest latency.
    #[serde(default)]
    pub within: Option<Duration>,
    /// Look-back. Default: the period of the steps.
    #[serde(default)]
    pub over: Option<Duration>,
}

/// What a failed check does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnFail {
    /// All traffic goes back to the old version.
    Rollback,
}
