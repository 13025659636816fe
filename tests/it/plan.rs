//! The planner against worlds made by a small model of the API server: promises as properties, and
//! plans as text that people read.

mod golden;
mod order;
mod properties;
mod rules;
mod saved;
mod world;
