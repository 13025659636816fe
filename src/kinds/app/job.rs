//! What runs to its end: schedules, and tasks around a deployment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dsl::form::{Block, Keyed, Repeated};
use crate::kinds::pod::{EnvFrom, EnvValue, Plain, Release, Resources, Verbatim};
use crate::names::{EnvVarName, Name};
use crate::values::cron::CronExpr;
use crate::values::duration::Duration;
use crate::values::image::ImageRepository;
use crate::values::time::TimeZone;

/// When a cron job starts: `schedule "30 2 * * 1-5" zone="Asia/Shanghai"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["cron"]}))]
pub struct Schedule {
    /// Minute, hour, day of the month, month and weekday.
    pub cron: CronExpr,
    /// Time zone of the schedule. Default: UTC.
    #[serde(default)]
    pub zone: Option<TimeZone>,
    /// What happens when the last run has not ended. Default: forbid.
    #[serde(default)]
    pub overlap: Overlap,
    /// Completed runs that are kept. Default: 3.
    #[serde(default)]
    #[schemars(range(max = 100))]
    pub keep: Option<u32>,
    /// Failed runs that are kept. Default: 1.
    #[serde(default)]
    #[schemars(range(max = 100))]
    pub keep_failed: Option<u32>,
    /// How late a run may start before it is left out. Default: 10m.
    #[serde(default)]
    pub late: Option<Duration>,
    /// Whether no run starts.
    #[serde(default)]
    pub paused: bool,
}

/// What happens when a run is due and the last one has not ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Overlap {
    /// Both run.
    Allow,
    /// The new one is left out.
    #[default]
    Forbid,
    /// The old one is stopped.
    Replace,
}

impl Overlap {
    /// The word of Kubernetes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::Forbid => "Forbid",
            Self::Replace => "Replace",
        }
    }
}

/// What tasks are run around.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// A new version or configuration of the app.
    Deploy,
}

/// Tasks in the order of writing, each once per version.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Tasks {
    /// One task.
    #[serde(default)]
    pub task: Keyed<Name, Task>,
}

/// A program that runs to its end. It has the environment and the configuration of the app.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Task {
    /// Repository of the image. Default: the one of the app.
    #[serde(default)]
    pub image: Option<ImageRepository>,
    /// Version of the image. Default: the one of the app.
    #[serde(default)]
    pub version: Option<Release>,
    /// Line for the image's shell. Not together with `command`.
    #[serde(default)]
    pub run: Option<Verbatim>,
    /// Program to run. Default: the image's entry point.
    #[serde(default)]
    pub command: Vec<Plain>,
    /// Arguments of the program. Default: those of the image.
    #[serde(default)]
    pub args: Vec<Plain>,
    /// Environment variables, beside those of the app.
    #[serde(default)]
    pub env: Block<EnvVarName, EnvValue>,
    /// All keys of a secret or a configuration as environment variables, beside those of the app.
    #[serde(default)]
    pub env_from: Repeated<EnvFrom>,
    /// CPU, memory and devices.
    #[serde(default)]
    pub resources: Resources,
    /// How often it is tried again. Default: 3.
    #[serde(default)]
    #[schemars(range(max = 100))]
    pub retries: Option<u32>,
    /// Time after which it is stopped as failed. Default: 10m.
    #[serde(default)]
    pub timeout: Option<Duration>,
}
