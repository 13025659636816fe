//! Forges: three simulators that enforce the documented rules, one suite for all of them, faults, the
//! comment, CI systems, webhooks and `kubemate ci` itself.

mod app;
mod ci;
mod comment;
mod detect;
mod examples;
mod faults;
mod gitea_sim;
mod github_sim;
mod gitlab_sim;
mod hooks;
mod sim;
mod suite;
