//! An app: a program that runs in the cluster, as a service, on every node, once or on a schedule.

mod check;
mod import;
pub mod job;
pub(in crate::kinds) mod render;
pub mod rollout;
pub mod scale;
#[cfg(test)]
mod tests;
mod views;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::job::{Event, Schedule, Tasks};
use self::rollout::Rollout;
use self::scale::{Autoscale, Disruption, Shutdown};
use super::pod::volume::{Access, Source};
use super::pod::{
    Config, Container, EnvFrom, EnvValue, Expose, Placement, Plain, Port, Probe, ProbeName,
    Release, Resources, Security, Verbatim, Volume,
};
use super::import::{Drafts, Found};
use super::{Findings, Kind, Objects, Scope};
use crate::dsl::form::{Block, Keyed, Repeated};
use crate::dsl::node::Data;
use crate::dsl::schema::Home;
use crate::names::reference::{AppRef, NamespaceRef, TenantRef};
use crate::names::{EnvVarName, LabelKey, LabelValue, Name, PortName};
use crate::object::ResourceId;
use crate::values::duration::Duration;
use crate::values::image::ImageRepository;

/// A program that runs in the cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["name"]}))]
pub struct App {
    /// Name of the app and of its objects.
    pub name: Name,
    /// Tenant that the app belongs to.
    pub tenant: TenantRef,
    /// Namespace of the tenant that it runs in. Default: the tenant's only one.
    #[serde(default)]
    pub namespace: Option<NamespaceRef>,
    /// Tenants that may refer to the app.
    #[serde(default)]
    pub export: Vec<TenantRef>,
    /// How it runs. Default: deployment.
    #[serde(default)]
    pub workload: Workload,

    /// Repository of the image, without its tag.
    pub image: ImageRepository,
    /// Version of the image. Promotion changes this line and nothing else.
    #[serde(default)]
    pub version: Option<Release>,
    /// Program to run. Default: the image's entry point.
    #[serde(default)]
    pub command: Vec<Plain>,
    /// Arguments of the program. Default: those of the image.
    #[serde(default)]
    pub args: Vec<Plain>,
    /// Environment variables.
    #[serde(default)]
    pub env: Block<EnvVarName, EnvValue>,
    /// All keys of a secret or a configuration as environment variables.
    #[serde(default)]
    pub env_from: Repeated<EnvFrom>,
    /// Files and values for the program to read. A change rolls the pods.
    #[serde(default)]
    pub config: Keyed<Name, Config>,
    /// Directory that is kept, shared or filled from elsewhere.
    #[serde(default)]
    pub volume: Keyed<Name, Volume>,
    /// Port that it listens on.
    #[serde(default)]
    pub port: Keyed<PortName, Port>,
    /// Port offered beyond the cluster.
    #[serde(default)]
    pub expose: Keyed<PortName, Expose>,
    /// Question that tells whether it has started, lives and may get traffic.
    #[serde(default)]
    pub probe: Keyed<ProbeName, Probe>,
    /// CPU, memory and devices.
    #[serde(default)]
    pub resources: Resources,
    /// Container that runs to its end before the others start.
    #[serde(default)]
    pub init: Keyed<Name, Container>,
    /// Container that runs beside the program.
    #[serde(default)]
    pub sidecar: Keyed<Name, Container>,
    /// On which nodes it runs.
    #[serde(default)]
    pub placement: Placement,
    /// What it may do on its node.
    #[serde(default)]
    pub security: Security,
    /// How it is asked to end.
    #[serde(default)]
    pub shutdown: Shutdown,
    /// Labels of the pods, beside our own.
    #[serde(default)]
    pub labels: Block<LabelKey, LabelValue>,
    /// Annotations of the pods.
    #[serde(default)]
    pub annotations: Block<LabelKey, Plain>,

    /// Number of pods. Default: 1. Not together with `autoscale`.
    #[serde(default)]
    pub replicas: Option<u32>,
    /// Number of pods by load.
    #[serde(default)]
    pub autoscale: Option<Autoscale>,
    /// How a new version replaces the old one.
    #[serde(default)]
    pub rollout: Option<Rollout>,
    /// How many pods maintenance of nodes may take away. Default: one, where there are two or more.
    #[serde(default)]
    pub disruption: Option<Disruption>,
    /// Tasks that must complete before an event: `before deploy { task … }`.
    #[serde(default)]
    pub before: Keyed<Event, Tasks>,
    /// Tasks that run once an event is over: `after deploy { task … }`.
    #[serde(default)]
    pub after: Keyed<Event, Tasks>,
    /// What must be healthy before this app is written.
    #[serde(default)]
    pub needs: Repeated<Need>,

    /// When a cron job starts.
    #[serde(default)]
    pub schedule: Option<Schedule>,
    /// Key of a job's run: another key starts it once more, nothing else does.
    #[serde(default)]
    pub run: Option<Verbatim>,
    /// How often a failed job is tried again. Default: 3.
    #[serde(default)]
    #[schemars(range(max = 100))]
    pub retries: Option<u32>,
    /// Time after which a job is stopped as failed. Default: none.
    #[serde(default)]
    pub timeout: Option<Duration>,
    /// Pods of a job that run at the same time. Default: 1.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub parallel: Option<u32>,
    /// Pods of a job that must complete. Default: 1.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub completions: Option<u32>,
}

/// How an app runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Workload {
    /// Interchangeable pods that run for ever.
    #[default]
    Deployment,
    /// Numbered pods that keep their name and their volumes.
    Stateful,
    /// One pod on every node.
    Daemon,
    /// Pods that run to their end, once per `run` key.
    Job,
    /// A job that starts on a schedule.
    CronJob,
}

impl Workload {
    /// The word of the language.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::Stateful => "stateful",
            Self::Daemon => "daemon",
            Self::Job => "job",
            Self::CronJob => "cron-job",
        }
    }

    /// API group and kind of the object.
    pub const fn object(self) -> (&'static str, &'static str) {
        match self {
            Self::Deployment => ("apps", "Deployment"),
            Self::Stateful => ("apps", "StatefulSet"),
            Self::Daemon => ("apps", "DaemonSet"),
            Self::Job => ("batch", "Job"),
            Self::CronJob => ("batch", "CronJob"),
        }
    }

    /// Whether its pods end by themselves.
    pub const fn ends(self) -> bool {
        matches!(self, Self::Job | Self::CronJob)
    }
}

/// What must be healthy first: `needs app=db healthy`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["state"]}))]
pub struct Need {
    /// App of the same tenant.
    pub app: AppRef,
    /// State that it must have reached. Default: healthy.
    #[serde(default)]
    pub state: NeedState,
}

/// The state of what is needed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NeedState {
    /// All of its pods run the current version and are ready; a job has completed.
    #[default]
    Healthy,
}

impl Kind for App {
    const NAME: &'static str = "app";
    // A tenant's app may stand on a path of the platform: only there it may own nodes.
    const HOME: Home = Home::Either;

    fn check(&self, scope: &Scope<'_>, out: &mut Findings<'_>) {
        check::check(self, scope, out);
    }

    fn render(&self, scope: &Scope<'_>, out: &mut Objects) {
        render::render(self, scope, out);
    }

    fn import(found: &Found, drafts: &mut Drafts) {
        import::import(found, drafts);
    }
}

impl App {
    /// The Kubernetes namespace that the app runs in.
    pub fn namespace(&self, scope: &Scope<'_>) -> String {
        let tenant = self.tenant.name();
        let only = self
            .known_namespaces(scope)
            .filter(|known| known.len() == 1);
        let only = only.and_then(|known| known.into_iter().next());
        let name = self
            .namespace
            .as_ref()
            .map(|n| n.name().to_owned())
            .or(only);
        scope.namespace(tenant, name.as_deref())
    }

    /// Names of the tenant's namespaces; `None` where the tenant is broken or missing.
    fn known_namespaces(&self, scope: &Scope<'_>) -> Option<Vec<String>> {
        let id = ResourceId {
            kind: "tenant".to_owned(),
            tenant: None,
            name: self.tenant.name().to_owned(),
        };
        let declared = scope.node(&id)?.get("namespace").map(|n| &n.data);
        Some(match declared {
            Some(Data::Map(map)) => map.keys().cloned().collect(),
            _ => Vec::new(),
        })
    }

    /// Ports of the app and of its sidecars: where each is written, its name and itself.
    pub fn ports(&self) -> impl Iterator<Item = (String, &PortName, &Port)> {
        let own = self
            .port
            .iter()
            .map(|(name, port)| (format!("/port/{name}"), name, port));
        let beside = self.sidecar.iter().flat_map(|(sidecar, container)| {
            let at = format!("/sidecar/{sidecar}/port");
            let ports = container.port.iter();
            ports.map(move |(name, port)| (format!("{at}/{name}"), name, port))
        });
        own.chain(beside)
    }

    /// Fewest pods that run.
    pub fn at_least(&self) -> u32 {
        match &self.autoscale {
            Some(autoscale) => autoscale.min,
            None => self.replicas.unwrap_or(1),
        }
    }

    /// The rollout, where Flagger carries it out: then the Services, the number of pods and the
    /// split of the traffic are Flagger's.
    pub fn progressive(&self) -> Option<&Rollout> {
        self.rollout.as_ref().filter(|r| r.strategy.progressive())
    }

    /// The port whose traffic Flagger moves: `http` where there is one, else the first.
    pub(in crate::kinds) fn moved_port(&self) -> Option<(&PortName, &Port)> {
        let named = self.port.iter().find(|(name, _)| name.as_str() == "http");
        named.or_else(|| self.port.iter().next())
    }

    /// Whether the author decides the number of pods.
    const fn counted(&self) -> bool {
        matches!(self.workload, Workload::Deployment | Workload::Stateful)
    }

    /// A volume that pods of one node only can use, shared by all pods.
    fn exclusive_volume(&self) -> Option<&Name> {
        let exclusive = |v: &Volume| v.source() == Source::Shared && v.access == Access::One;
        self.volume
            .iter()
            .find(|(_, v)| exclusive(v))
            .map(|(name, _)| name)
    }
}
