//! Forges behind [`Forge`]: one client, one policy for retries and limits, three dialects.
//!
//! A credential goes to the host it is for and nowhere else, is never printed, and nothing here has a
//! `Debug` that could show it. Redirects are not followed.
//!
//! [`Forge`]: crate::report::forge::Forge

mod any;
mod app;
mod client;
mod credential;
mod gitea;
mod gitea_branch;
mod github;
mod github_branch;
mod github_checks;
mod gitlab;
mod gitlab_branch;
mod gitlab_lines;
mod kept;
mod offer;
mod pages;
mod past;
mod people;
mod read;
mod remark;
mod sticky;

pub use crate::adapters::retry::Patience;
pub use any::AnyForge;
pub use app::AppKey;
pub use client::Link;
pub use credential::{Auth, Token};
pub use gitea::Gitea;
pub use github::GitHub;
pub use gitlab::GitLab;
pub use offer::offer;
pub use people::people;
