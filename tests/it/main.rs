//! All integration tests, in one binary so that they link once.

mod alone;

mod disk;
mod git;
mod language;
mod worker;
