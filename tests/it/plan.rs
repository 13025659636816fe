//! The planner against worlds made by a small model of the API server: promises as properties, and
//! plans as text that people read.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on fails; helpers take the values that json! makes"
)]

mod golden;
mod order;
mod properties;
mod rules;
mod saved;
mod waiting;
mod world;
