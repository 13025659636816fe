//! Acceptance cases by number, through the real binary or the real engine, with the oracles after each.

mod disturbed;
mod every_call;
mod fidelity;
mod killed;
mod oracles;
mod semantics;
pub(crate) mod trust;
