//! Forges: a real Gitea, three simulators that enforce the documented rules, one suite for all of them, faults, the
//! comment, CI systems, webhooks with the door they come in by, and `kubemate ci` itself.

mod app;
mod branches;
pub(crate) mod ci;
mod comment;
mod detect;
pub(crate) mod door;
mod examples;
mod faults;
mod gitea_real;
pub(crate) mod gitea_sim;
pub(crate) mod github_sim;
pub(crate) mod gitlab_sim;
pub(crate) mod hooks;
mod offers;
mod people;
mod remarks;
pub(crate) mod sim;
mod suite;
