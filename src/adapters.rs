//! The edges: the only place that touches disks, processes, the network and the clock.
//!
//! Each adapter turns what it finds into the plain data of the pipeline, within stated limits, and
//! every failure into a value. No adapter decides anything that the pipeline should decide.
#![expect(
    clippy::disallowed_methods,
    reason = "this is the edge that the rest of the crate is kept away from"
)]

pub mod disk;
pub mod git;

pub mod approval;
pub mod audit;
pub mod cache;
pub mod cluster;
pub mod examine;
pub mod forge;
pub mod hold;
pub mod judge;
pub mod notify;
pub mod reach;
pub mod rights;
pub mod sops;
pub mod sync;
pub mod worker;

mod listed;
mod retry;
mod text;
