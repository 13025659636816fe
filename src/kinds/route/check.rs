//! A route that can be served: it hangs on a listener, every rule leads somewhere, nothing in it is
//! ignored by the gateway, and nobody else answers to its hosts.

mod change;
mod place;
mod policy;
mod rule;
mod split;

use super::Route;
use super::place::Dialect;
use super::rule::Rule;
use crate::kinds::component::needed;
use crate::kinds::{Findings, Scope};

pub(super) fn check(route: &Route, scope: &Scope<'_>, out: &mut Findings<'_>) {
    let dialect = place::check(route, scope, out);
    needed::check("gateway.networking.k8s.io", "", scope, out);
    if dialect == Some(Dialect::Traefik) {
        needed::check("traefik.io", "", scope, out);
    }
    for (index, rule) in route.rule.iter().enumerate() {
        let here = Here {
            route,
            scope,
            rule,
            at: format!("/rule/{index}"),
            dialect,
        };
        rule::check(&here, out);
        change::check(&here, out);
        policy::check(&here, out);
    }
    rule::together(route, out);
    place::claims(route, scope, out);
}

/// One rule and everything around it.
struct Here<'a> {
    route: &'a Route,
    scope: &'a Scope<'a>,
    rule: &'a Rule,
    /// Pointer to the rule.
    at: String,
    /// What the gateway obeys; `None` where the gateway is broken or missing.
    dialect: Option<Dialect>,
}

impl Here<'_> {
    /// Pointer to a field of the rule.
    fn field(&self, name: &str) -> String {
        format!("{}/{name}", self.at)
    }
}
