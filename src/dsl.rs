//! KDL text in, composed and checked resources out, every mistake named at its place.
//!
//! Each stage is pure and keeps spans: `scan` → `kdl` → `project` → fragment check → `compose` →
//! full check. Nothing stops at the first problem.

pub mod check;
pub mod codes;
pub mod compose;
pub mod diagnostic;
pub mod edit;
pub mod fmt;
pub mod form;
pub mod interpolate;
pub mod lex;
pub mod merge;
pub mod node;
pub mod parse;
pub mod project;
pub mod raw;
pub mod scan;
pub mod schema;
pub mod shape;
pub mod write;
