//! Rules over the decided steps: dangers and refusals. Each rule is a small function of its own.
//!
//! Rules never change a step. A finding that holds keeps the step of its object from being executed;
//! one about the plan's deletions holds them all.

use crate::plan::Finding;
use crate::plan::draft::{Context, Draft};

mod bounds;
mod cel;
mod crd;
mod data;
pub(crate) mod deletes;
mod members;
mod quota;
mod rbac;
mod restart;
mod routes;
mod schema;
mod sealed;

pub(in crate::plan) use self::routes::{Address, addresses};

/// What a rule looks at.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    /// What the plan was made from.
    pub context: Context<'a>,
    /// What was decided.
    pub drafts: &'a [Draft<'a>],
}

/// One rule.
type Check = fn(Input<'_>) -> Vec<Finding>;

/// All rules.
const CHECKS: &[Check] = &[
    bounds::namespaces,
    bounds::forbidden_kinds,
    bounds::served,
    bounds::size,
    bounds::unverified,
    schema::unasked,
    crd::scope,
    crd::stored_versions,
    data::claims,
    data::moved,
    deletes::budget,
    deletes::protected,
    members::ends,
    quota::exceeded,
    rbac::rules,
    rbac::bindings,
    restart::pods,
    routes::overlap,
    sealed::unopened,
];

/// What all rules say.
pub(crate) fn check(input: Input<'_>) -> Vec<Finding> {
    CHECKS.iter().flat_map(|rule| rule(input)).collect()
}
