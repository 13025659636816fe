//! A role beside the shipped ones: what its members may do in their tenant's namespaces, and what
//! they may ask of kubemate. A role renders nothing itself: it becomes a Role in every namespace of
//! each tenant that has a member with it.

mod check;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tenant::rights::{self, Rule};
use super::{Findings, Kind, Objects, Scope};
use crate::dsl::form::Repeated;
use crate::dsl::schema::Home;
use crate::names::Name;
use crate::values::objects::GroupResource;

/// What members of a tenant may do, beside the shipped roles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["name"]}))]
pub struct Role {
    /// Name of the role, used in `member NAME role=…`.
    pub name: Name,
    /// What may be done with one kind of object, in the namespaces of the member's tenant.
    #[serde(default)]
    pub allow: Repeated<Allow>,
    /// What may be asked of kubemate. It is judged when a plan is made or applied.
    #[serde(default)]
    pub may: Vec<Action>,
}

/// What may be done with one kind of object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": [], "rest": "verbs"}))]
pub struct Allow {
    /// What may be done.
    #[schemars(length(min = 1))]
    pub verbs: Vec<Verb>,
    /// The kind of object: `pods`, `apps/deployments`.
    pub on: GroupResource,
}

/// What can be done with an object. Rights over rights are not among them.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// Read one.
    Get,
    /// Read all.
    List,
    /// Follow changes.
    Watch,
    /// Make one.
    Create,
    /// Replace one.
    Update,
    /// Change parts of one.
    Patch,
    /// Remove one.
    Delete,
}

/// What can be asked of kubemate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// See what a change would do.
    Plan,
    /// Carry out a plan.
    Apply,
    /// Move a version to the next environment.
    Promote,
    /// Stop drift from being undone for a while.
    Hold,
    /// Agree to a change.
    Approve,
}

impl Action {
    /// As KDL writes it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Apply => "apply",
            Self::Promote => "promote",
            Self::Hold => "hold",
            Self::Approve => "approve",
        }
    }
}

impl Verb {
    /// As RBAC writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }

    /// Whether it leaves everything as it is.
    pub const fn reads(self) -> bool {
        matches!(self, Self::Get | Self::List | Self::Watch)
    }
}

impl Role {
    /// The rules of the Role in a namespace.
    pub fn rules(&self) -> Vec<Rule> {
        let rule = |allow: &Allow| {
            let verbs: Vec<&str> = allow.verbs.iter().map(|verb| verb.name()).collect();
            rights::rule(allow.on.group(), &[allow.on.resource()], &verbs)
        };
        self.allow.iter().map(rule).collect()
    }
}

impl Kind for Role {
    const NAME: &'static str = "role";
    const HOME: Home = Home::Platform;

    fn check(&self, scope: &Scope<'_>, out: &mut Findings<'_>) {
        check::check(self, scope, out);
    }

    fn render(&self, _scope: &Scope<'_>, _out: &mut Objects) {}
}
