//! Who belongs to a tenant, and what the shipped roles let them do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::names::NamespaceName;
use crate::names::reference::RoleRef;
use crate::values::time::DateTime;

/// A person, group or service account with a role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Member {
    /// What the name stands for. Default: user.
    #[serde(default)]
    pub kind: MemberKind,
    /// What the member may do: admin, operator, viewer, deployer, or the name of a `role`.
    pub role: RoleRef,
    /// Kubernetes namespace of a service account. Default: the tenant's first one.
    #[serde(default)]
    pub namespace: Option<NamespaceName>,
    /// End of the membership, with its offset from UTC.
    #[serde(default)]
    pub until: Option<DateTime>,
}

/// What a member's name stands for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MemberKind {
    /// A person, as the cluster's login calls them.
    #[default]
    User,
    /// A group, as the cluster's login calls it.
    Group,
    /// A ServiceAccount of the cluster.
    ServiceAccount,
}

/// The roles that need no `role` of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shipped {
    /// Reads everything but secrets.
    Viewer,
    /// Reads, restarts pods, changes replicas, opens ports to its own machine.
    Operator,
    /// Reads, and writes what apps are made of.
    Deployer,
    /// All of these, and shells in containers.
    Admin,
}

impl Shipped {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Operator, Self::Deployer, Self::Admin];

    /// The name in KDL.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Deployer => "deployer",
            Self::Admin => "admin",
        }
    }

    /// The role of that name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}
