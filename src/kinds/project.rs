//! The project: clusters, environments, shared values, which files belong to it and who owns which
//! paths. It stands in `kubemate.kdl` at the root of the repository, once.

use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dsl::compose::Target;
use crate::dsl::form::{Keyed, Props, Repeated};
use crate::dsl::schema::{Home, KindSchema, SchemaError};
use crate::names::reference::ApprovalRef;
use crate::names::{ClusterName, EnvironmentName, ProjectName, TenantName};
use crate::values::duration::Duration;
use crate::values::objects::Uid;
use crate::values::path::RelativeGlob;
use crate::values::version::KubernetesVersion;

/// The file that makes a directory a project.
pub const FILE: &str = "kubemate.kdl";
/// The language version this program reads.
pub const SCHEMA_VERSION: u32 = 1;
/// The render version this program writes.
pub const RENDER_VERSION: u32 = 1;

/// The project: what the repository describes and where it runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["name"]}))]
pub struct Project {
    /// Name of the project; part of every set's label.
    pub name: ProjectName,
    /// Version of the language that the files are written in.
    #[schemars(range(min = 1, max = 1))]
    pub schema: u32,
    /// Version of the rendering. Output for a version never changes; moving on is a commit with a plan.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1))]
    pub render: u32,
    /// A Kubernetes cluster.
    #[serde(default)]
    pub cluster: Keyed<ClusterName, Cluster>,
    /// One variant of everything, bound to one or several clusters.
    #[serde(default)]
    pub environment: Keyed<EnvironmentName, Environment>,
    /// Values for `${name}` in every file.
    #[serde(default, rename = "let")]
    pub lets: Props<LetValue>,
    /// Which files belong to the project, as globs from its root.
    #[serde(default)]
    pub include: Vec<RelativeGlob>,
    /// Which paths belong to whom. Without it every file belongs to the platform.
    #[serde(default)]
    pub ownership: Ownership,
}

/// A value that `${name}` stands for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline, transform = any_scalar)]
pub enum LetValue {
    /// A flag.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
}

fn any_scalar(schema: &mut schemars::Schema) {
    let types = serde_json::json!({ "type": ["string", "number", "boolean"] });
    if let Ok(plain) = types.try_into() {
        *schema = plain;
    }
}

/// A Kubernetes cluster, verified by its identity before anything is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Cluster {
    /// UID of the cluster's `kube-system` namespace: `kubectl get ns kube-system -o jsonpath={.metadata.uid}`.
    pub uid: Uid,
    /// The Kubernetes version it serves; decides which API versions are rendered.
    #[serde(default)]
    pub kubernetes: Option<KubernetesVersion>,
}

/// One variant of everything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Environment {
    /// The approval that changes of this environment need.
    #[serde(default)]
    pub approval: Option<ApprovalRef>,
    /// A cluster of the environment.
    #[serde(default)]
    pub cluster: Keyed<ClusterName, Rollout>,
    /// Values for `${name}` in this environment.
    #[serde(default, rename = "let")]
    pub lets: Props<LetValue>,
}

/// When a cluster of an environment gets a change.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rollout {
    /// The cluster that must be healthy on the change first.
    #[serde(default)]
    pub after: Option<ClusterName>,
    /// How long that cluster must have been healthy.
    #[serde(default)]
    pub soak: Option<Duration>,
}

/// Which paths belong to whom.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Ownership {
    /// One rule. The most specific matching one decides.
    #[serde(default)]
    pub path: Repeated<PathRule>,
}

/// One rule of ownership.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["glob"]}))]
pub struct PathRule {
    /// The paths, as a glob from the project's root.
    pub glob: RelativeGlob,
    /// The platform team.
    #[serde(default)]
    pub owner: Option<PathOwner>,
    /// The tenant whose files these are.
    #[serde(default)]
    pub tenant: Option<TenantName>,
}

/// Owners that are not tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PathOwner {
    /// The platform team.
    Platform,
}

fn one() -> u32 {
    1
}

impl Project {
    /// Every environment on each of its clusters, in the order of writing.
    pub fn targets(&self) -> Vec<Target> {
        let of = |(environment, value): (&EnvironmentName, &Environment)| {
            let environment = environment.to_string();
            let clusters: Vec<String> = value.cluster.keys().map(ToString::to_string).collect();
            clusters.into_iter().map(move |cluster| Target {
                environment: environment.clone(),
                cluster,
            })
        };
        self.environment.iter().flat_map(of).collect()
    }

    /// Whether another environment runs on the same cluster.
    pub fn shares_cluster(&self, target: &Target) -> bool {
        let on = self
            .environment
            .values()
            .filter(|e| e.cluster.keys().any(|c| c.as_str() == target.cluster));
        on.count() > 1
    }

    /// The Kubernetes namespace of a tenant's namespace on a target.
    pub fn namespace(&self, tenant: &str, name: Option<&str>, target: &Target) -> String {
        let mut namespace = tenant.to_owned();
        if let Some(name) = name {
            namespace.push('-');
            namespace.push_str(name);
        }
        if self.shares_cluster(target) {
            namespace.push('-');
            namespace.push_str(&target.environment);
        }
        namespace
    }
}

/// The schema of the project node, compiled on first use.
pub fn schema() -> Option<&'static KindSchema> {
    static COMPILED: LazyLock<Result<KindSchema, SchemaError>> =
        LazyLock::new(|| KindSchema::compile::<Project>("project", Home::Project, &[]));
    COMPILED.as_ref().ok()
}
