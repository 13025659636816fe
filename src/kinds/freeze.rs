//! A time in which nothing is changed. Renders nothing: it takes effect when a plan is applied.

mod check;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Findings, Kind, Objects, Scope};
use crate::dsl::schema::Home;
use crate::names::Name;
use crate::names::reference::{ApprovalRef, EnvironmentRef, TenantRef};
use crate::values::time::{DateTime, TimeZone};

/// A time in which nothing is changed. It renders nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["name"]}))]
pub struct Freeze {
    /// Name of the freeze.
    pub name: Name,
    /// Environments that it holds for. Default: all.
    #[serde(default)]
    pub env: Vec<EnvironmentRef>,
    /// Tenants that it holds for. Default: everybody.
    #[serde(default)]
    pub tenant: Vec<TenantRef>,
    /// When it starts.
    pub from: DateTime,
    /// When it ends.
    pub to: DateTime,
    /// Time zone of `from` and `to`, unless they have an offset of their own.
    #[serde(default)]
    pub zone: Option<TimeZone>,
    /// How a change gets through all the same. Default: not at all.
    #[serde(default, rename = "override")]
    pub exception: Option<Override>,
}

/// How a change gets through a freeze.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Override {
    /// The approval that it needs.
    pub approval: ApprovalRef,
    /// Whether the change must name a ticket. Default: required.
    #[serde(default)]
    pub ticket: Ticket,
}

/// Whether a change must name a ticket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ticket {
    /// It must.
    #[default]
    Required,
    /// It may.
    Optional,
}

impl Kind for Freeze {
    const NAME: &'static str = "freeze";
    const HOME: Home = Home::Platform;

    fn check(&self, _scope: &Scope<'_>, out: &mut Findings<'_>) {
        check::check(self, out);
    }

    fn render(&self, _scope: &Scope<'_>, _out: &mut Objects) {}
}
