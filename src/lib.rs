//! kubemate: a declarative GitOps reconciler. KDL in Git, a plan you can trust, a cluster that stays so.
//!
//! ```text
//! source → dsl → kinds → model → render → observe → plan → apply → health → report
//! ```
//!
//! A module imports only from its left; `tests/it/tidy.rs` enforces it. Left of `apply` nothing does
//! I/O, reads a clock, rolls dice or looks at the environment. `adapters` implement the three traits
//! through which the world is reached; `cli` runs the pipeline once, `controller` runs it on a loop.

pub mod adapters;
pub mod apply;
pub mod cli;
pub mod controller;
pub mod dsl;
pub mod health;
pub mod import;
pub mod kinds;
pub mod model;
pub mod names;
pub mod object;
pub mod plan;
pub mod render;
pub mod report;
pub mod source;
pub mod telemetry;
pub mod values;
