//! A forge of any kind, for those who learn only at run time which one it is.

use std::sync::Arc;

use super::{Auth, GitHub, GitLab, Gitea, Link, Patience};
use crate::report::forge::ci::{ForgeKind, Home};
use crate::report::forge::comment::Comment;
use crate::report::forge::proposal::{Offered, Proposal, Tip};
use crate::report::forge::{
    Caps, Deployment, Forge, ForgeError, Instance, LineNote, Past, Permission, Pull, PullNumber,
    Put, Remark, Review, Status,
};
use crate::source::repository::CommitId;

/// A repository at a forge of any kind. Clones share one connection, and the answers that it keeps.
#[derive(Clone)]
pub enum AnyForge {
    /// At GitHub.
    GitHub(Arc<GitHub>),
    /// At GitLab.
    GitLab(Arc<GitLab>),
    /// At Gitea or Forgejo.
    Gitea(Arc<Gitea>),
}

impl AnyForge {
    /// The repository at its forge. `bot` is who writes with a job's own token, which may not ask for
    /// its name.
    pub fn new(home: &Home, auth: Auth, bot: Option<&str>) -> Result<Self, ForgeError> {
        let link = Link::new(&home.api, auth, Patience::default(), Vec::new())?;
        let repository = &home.repository;
        Ok(match home.kind {
            ForgeKind::GitHub => Self::GitHub(Arc::new(GitHub::new(link, repository, bot))),
            ForgeKind::GitLab => Self::GitLab(Arc::new(GitLab::new(link, repository))),
            ForgeKind::Gitea => Self::Gitea(Arc::new(Gitea::new(link, repository, bot))),
        })
    }
}

/// The same call on whichever forge it is. The futures are large, and boxed so that one is not three.
macro_rules! on {
    ($this:expr, $forge:ident => $call:expr) => {
        match $this {
            AnyForge::GitHub($forge) => Box::pin($call).await,
            AnyForge::GitLab($forge) => Box::pin($call).await,
            AnyForge::Gitea($forge) => Box::pin($call).await,
        }
    };
}

impl Forge for AnyForge {
    fn caps(&self) -> Caps {
        match self {
            Self::GitHub(forge) => forge.caps(),
            Self::GitLab(forge) => forge.caps(),
            Self::Gitea(forge) => forge.caps(),
        }
    }

    async fn pull(&self, number: PullNumber) -> Result<Pull, ForgeError> {
        on!(self, forge => forge.pull(number))
    }

    async fn open_pulls(&self) -> Result<Vec<Pull>, ForgeError> {
        on!(self, forge => forge.open_pulls())
    }

    async fn put_status(&self, status: &Status) -> Result<Put, ForgeError> {
        on!(self, forge => forge.put_status(status))
    }

    async fn put_comment(&self, pull: PullNumber, comment: &Comment) -> Result<Put, ForgeError> {
        on!(self, forge => forge.put_comment(pull, comment))
    }

    async fn remark(&self, pull: PullNumber, id: u64) -> Result<Option<Remark>, ForgeError> {
        on!(self, forge => forge.remark(pull, id))
    }

    async fn put_notes(
        &self,
        pull: &Pull,
        instance: &Instance,
        notes: &[LineNote],
    ) -> Result<Put, ForgeError> {
        on!(self, forge => forge.put_notes(pull, instance, notes))
    }

    async fn put_deployment(&self, deployment: &Deployment) -> Result<Put, ForgeError> {
        on!(self, forge => forge.put_deployment(deployment))
    }

    async fn reviews(&self, number: PullNumber) -> Result<Vec<Review>, ForgeError> {
        on!(self, forge => forge.reviews(number))
    }

    async fn permission(&self, user: &str) -> Result<Permission, ForgeError> {
        on!(self, forge => forge.permission(user))
    }

    async fn is_collaborator(&self, user: &str) -> Result<bool, ForgeError> {
        on!(self, forge => forge.is_collaborator(user))
    }

    async fn merged_with(
        &self,
        commit: &CommitId,
        target: &str,
    ) -> Result<Option<Pull>, ForgeError> {
        on!(self, forge => forge.merged_with(commit, target))
    }

    async fn fork_point(
        &self,
        pull: &Pull,
        before: &CommitId,
    ) -> Result<Option<CommitId>, ForgeError> {
        on!(self, forge => forge.fork_point(pull, before))
    }

    async fn writers(&self, number: PullNumber) -> Result<Vec<Option<String>>, ForgeError> {
        on!(self, forge => forge.writers(number))
    }

    async fn past(&self, pull: &Pull) -> Result<Past, ForgeError> {
        on!(self, forge => forge.past(pull))
    }

    async fn is_member(&self, group: &str, user: &str) -> Result<bool, ForgeError> {
        on!(self, forge => forge.is_member(group, user))
    }

    async fn tip(&self, branch: &str) -> Result<Option<Tip>, ForgeError> {
        on!(self, forge => forge.tip(branch))
    }

    async fn put_branch(&self, proposal: &Proposal) -> Result<(), ForgeError> {
        on!(self, forge => forge.put_branch(proposal))
    }

    async fn offered(&self, proposal: &Proposal) -> Result<Option<Offered>, ForgeError> {
        on!(self, forge => forge.offered(proposal))
    }

    async fn open_pull(&self, proposal: &Proposal) -> Result<Offered, ForgeError> {
        on!(self, forge => forge.open_pull(proposal))
    }
}
