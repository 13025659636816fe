//! What a commit means: typed resources per target, every name resolved, every owner judged alone.
//!
//! [`platform::plan_jobs`] splits a tree into one [`job::Job`] per owner path; [`compile::run`] turns a
//! job into a [`job::Outcome`] and is what a worker process executes; [`platform::conclude`] joins the
//! outcomes and judges what spans owners. All of it is pure: a job and its outcome are plain data, so
//! an outcome may be cached under the job's digest.

pub mod compile;
pub mod index;
pub mod job;
pub mod layout;
pub mod parse;
pub mod platform;
pub mod rules;
pub mod test;
pub mod written;
