//! KDL text in, composed and checked resources out, every mistake named at its place.
//!
//! Each stage is pure and keeps spans: `scan` → `kdl` → `project` → fragment check → `compose` →
//! full check. Nothing stops at the first problem.

pub mod codes;
pub mod diagnostic;
pub mod fmt;
pub mod lex;
pub mod parse;
pub mod scan;
