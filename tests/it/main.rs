//! All integration tests, in one binary so that they link once.

mod alone;
mod bed;
mod githost;

mod disk;
mod fmt;
mod git;
mod language;
mod plan;
mod printers;
mod remote;
mod scan;
mod tidy;
mod worker;
