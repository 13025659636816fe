//! Acceptance cases.
