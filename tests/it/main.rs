//! All integration tests, in one binary so that they link once.

mod alone;
mod bed;
mod githost;

mod disk;
mod git;
mod language;
mod printers;
mod remote;
mod tidy;
mod worker;
