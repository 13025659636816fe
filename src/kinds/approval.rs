//! Who has to agree to a change. Renders nothing: it takes effect when a plan is applied.

mod check;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Findings, Kind, Objects, Scope};
use crate::dsl::form::Repeated;
use crate::dsl::schema::Home;
use crate::names::{GroupName, Name, UserName};
use crate::values::duration::Duration;

/// Who has to agree to a change before it is applied. It renders nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["name"]}))]
pub struct Approval {
    /// Name of the approval.
    pub name: Name,
    /// How many different people must agree. Default: 1.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 20))]
    pub count: u32,
    /// How long an agreement is good for. Default: until the change changes.
    #[serde(default)]
    pub valid_for: Option<Duration>,
    /// Person or group that may agree.
    #[serde(default)]
    pub approver: Repeated<Approver>,
    /// People whose agreement does not count, beside whoever opened the change. Default: whoever wrote
    /// one of its commits.
    #[serde(default = "committer")]
    pub exclude: Vec<Part>,
}

/// A person or a group: exactly one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Approver {
    /// A person, as the forge or the cluster calls them.
    #[serde(default)]
    pub user: Option<UserName>,
    /// A group, as the forge or the cluster calls it.
    #[serde(default)]
    pub group: Option<GroupName>,
}

/// A part that people have in a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Whoever opened the change.
    Author,
    /// Whoever wrote one of its commits.
    Committer,
    /// Whoever merged it.
    Merger,
}

fn one() -> u32 {
    1
}

fn committer() -> Vec<Part> {
    vec![Part::Committer]
}

impl Kind for Approval {
    const NAME: &'static str = "approval";
    const HOME: Home = Home::Platform;

    fn check(&self, _scope: &Scope<'_>, out: &mut Findings<'_>) {
        check::check(self, out);
    }

    fn render(&self, _scope: &Scope<'_>, _out: &mut Objects) {}
}
