//! Acceptance cases by number, through the real binary or the real engine, with the oracles after each.

mod disturbed;
mod every_call;
mod fidelity;
mod immutable;
mod killed;
mod local;
pub(crate) mod oracles;
mod prune;
mod record;
mod schema;
mod semantics;
pub(crate) mod slow;
mod small;
mod starved;
pub(crate) mod trust;
mod weather;
