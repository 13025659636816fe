//! Typed resources into objects: templates run on data, their output parsed strictly, every identity
//! checked, every field traced to its KDL where asked for.
//!
//! Nothing here reads a disk, a clock or the environment: templates are part of the program, so the
//! same commit gives the same bytes on every machine.

pub mod engine;
pub mod guard;
pub mod images;
pub mod job;
pub mod objects;
mod plain;
pub mod reach;
pub mod show;
pub mod tests_of;
pub mod trace;
pub mod verbatim;
pub mod yaml;
