//! The times in which changes are made. Renders nothing: it takes effect when a plan is applied.

mod check;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Findings, Kind, Objects, Scope};
use crate::dsl::form::Repeated;
use crate::dsl::schema::Home;
use crate::names::Name;
use crate::names::reference::{EnvironmentRef, TenantRef};
use crate::values::time::TimeZone;
use crate::values::window::CalendarWindow;

/// The times in which changes are made; outside them they wait. It renders nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("x-kdl" = {"args": ["name"]}))]
pub struct ChangeWindow {
    /// Name of the window.
    pub name: Name,
    /// Environments that it holds for. Default: all.
    #[serde(default)]
    pub env: Vec<EnvironmentRef>,
    /// Tenants that it holds for. Default: everybody.
    #[serde(default)]
    pub tenant: Vec<TenantRef>,
    /// Time zone of the clock.
    pub zone: TimeZone,
    /// Days and hours in which changes are made: "Tue,Thu 20:00-23:00".
    #[serde(default)]
    pub open: Repeated<CalendarWindow>,
}

impl Kind for ChangeWindow {
    const NAME: &'static str = "change-window";
    const HOME: Home = Home::Platform;

    fn check(&self, _scope: &Scope<'_>, out: &mut Findings<'_>) {
        check::check(self, out);
    }

    fn render(&self, _scope: &Scope<'_>, _out: &mut Objects) {}
}
