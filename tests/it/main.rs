//! All integration tests, in one binary so that they link once.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_in_result,
    clippy::disallowed_methods,
    reason = "tests fail by panicking, touch files and clocks, and what they share is not marked as a test"
)]

mod alone;
mod bed;
mod collector;
mod engine;
mod githost;
mod loopback;

mod apply;
mod audit;
mod bank;
mod broken;
mod cached;
mod cli;
mod codes;
mod controller;
mod disk;
mod docs;
mod doctor;
mod effort;
mod engine_cases;
mod fmt;
mod forge;
mod git;
mod golden;
mod health;
mod import;
mod language;
mod line_soup;
mod notify;
mod past;
mod plan;
mod printers;
mod reach;
mod remote;
mod scan;
mod security;
mod served;
mod sops;
mod span_law;
mod tenancy;
mod tidy;
mod traces;
mod tutorial;
mod worker;
