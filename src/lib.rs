//! kubemate: a declarative GitOps reconciler. KDL in Git, a plan you can trust, a cluster that stays so.
//!
//! ```text
//! source → dsl → kinds → model → render → observe → plan → apply → health → report
//! ```
//!
//! A module imports only from its left; `tests/it/tidy.rs` enforces it. Left of `apply` nothing does
//! I/O, reads a clock, rolls dice or looks at the environment. `adapters` implement the three traits
//! through which the world is reached; `cli` runs the pipeline once, `controller` runs it on a loop.

pub mod names;
pub mod values;
pub mod source;
pub mod dsl;
pub mod object;
pub mod kinds;
pub mod model;
pub mod render;
pub mod plan;
pub mod health;
pub mod apply;
pub mod report;
pub mod adapters;
pub mod cli;
