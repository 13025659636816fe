//! Gitea and Forgejo: close to GitHub, with reviews for notes on lines and without deployments.

use http::Method;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::client::{Ask, Link};
use super::github::{is_collaborator, latest, permission, pull, says_the_same, word};
use super::sticky::{self, Words};
use super::{gitea_branch, past, read, remark};
use crate::plan::digest;
use crate::plan::display::escape::markdown;
use crate::report::forge::comment::Comment;
use crate::report::forge::proposal::{Offered, Proposal, Tip};
use crate::report::forge::{
    Caps, Deployment, Forge, ForgeError, Instance, LineNote, LineScope, Past, Permission, Pull,
    PullNumber, Put, Remark, Review, Status,
};
use crate::source::repository::CommitId;

/// More than fifty is cut to fifty by most servers.
const PAGES: (&str, usize) = ("limit", 50);
/// The server takes more than anybody wants to read.
const COMMENT_BYTES: usize = 200_000;
/// Commits of one pull request that are read at most.
const MOST_COMMITS: usize = 2500;
/// Most notes of one review.
const MOST_NOTES: usize = 100;

/// One repository at a Gitea or Forgejo.
pub struct Gitea {
    link: Link,
    repository: String,
    me: OnceCell<String>,
    bot: Option<String>,
}

impl Gitea {
    /// The repository `OWNER/NAME`. `bot` is who writes with a job's own token, which
    /// may not ask for its name.
    pub fn new(link: Link, repository: &str, bot: Option<&str>) -> Self {
        let bot = bot.map(str::to_owned);
        Self {
            link,
            repository: repository.to_owned(),
            me: OnceCell::new(),
            bot,
        }
    }

    fn path(&self, rest: &str) -> String {
        format!("/repos/{}/{rest}", self.repository)
    }

    async fn me(&self) -> Result<&str, ForgeError> {
        let ask = || read::login(&self.link, "/login", self.bot.as_deref());
        self.me.get_or_try_init(ask).await.map(String::as_str)
    }

    async fn all_reviews(&self, number: PullNumber) -> Result<Vec<Value>, ForgeError> {
        self.link
            .list(
                &self.path(&format!("pulls/{number}/reviews")),
                PAGES,
                "read reviews",
            )
            .await
    }
}

impl Forge for Gitea {
    fn caps(&self) -> Caps {
        Caps {
            comment_bytes: COMMENT_BYTES,
            lines: LineScope::Shown,
            deployments: false,
            reviews_name_commits: true,
        }
    }

    async fn pull(&self, number: PullNumber) -> Result<Pull, ForgeError> {
        let what = "read a pull request";
        let path = self.path(&format!("pulls/{number}"));
        let answer = self.link.call(&Ask::get(path, what)).await?.body;
        pull(&answer).ok_or_else(|| read::odd(&self.link, what))
    }

    async fn open_pulls(&self) -> Result<Vec<Pull>, ForgeError> {
        let all = self
            .link
            .list(&self.path("pulls?state=open"), PAGES, "list pull requests")
            .await?;
        Ok(all.iter().filter_map(pull).collect())
    }

    async fn put_status(&self, status: &Status) -> Result<Put, ForgeError> {
        let path = self.path(&format!(
            "commits/{}/statuses?sort=recentupdate&limit=50",
            status.commit
        ));
        let found = self.link.call(&Ask::get(path, "read statuses")).await?.body;
        let context = status.context();
        let newest = found
            .as_array()
            .into_iter()
            .flatten()
            .filter(|s| s["context"] == context.as_str());
        let known = newest.max_by_key(|s| s["id"].as_u64());
        // Gitea calls the state of a status that is read `status`.
        if known.is_some_and(|known| says_the_same(known, "status", status)) {
            return Ok(Put::Same);
        }
        let body = json!({
            "state": word(status.state),
            "context": context,
            "description": status.text.as_str(),
            "target_url": status.link.as_deref().unwrap_or_default(),
        });
        let path = self.path(&format!("statuses/{}", status.commit));
        self.link
            .call(&Ask::send(Method::POST, path, &body, "write a status").repeatable())
            .await?;
        Ok(if known.is_some() {
            Put::Updated
        } else {
            Put::Created
        })
    }

    async fn put_comment(&self, pull: PullNumber, comment: &Comment) -> Result<Put, ForgeError> {
        let words = Words {
            list: self.path(&format!("issues/{pull}/comments")),
            one: self.path("issues/comments"),
            pages: None,
            author: "/user/login",
            edit: Method::PATCH,
        };
        sticky::put(&self.link, &words, self.me().await?, comment).await
    }

    async fn remark(&self, pull: PullNumber, id: u64) -> Result<Option<Remark>, ForgeError> {
        let path = self.path(&format!("issues/comments/{id}"));
        remark::of_pull(&self.link, path, pull).await
    }

    /// One review holds all notes; other notes are another review, and the old one goes.
    async fn put_notes(
        &self,
        pull: &Pull,
        instance: &Instance,
        notes: &[LineNote],
    ) -> Result<Put, ForgeError> {
        let identity = digest::of_text(&format!("{} {notes:?}", pull.head));
        let marker = format!("<!-- kubemate:lines instance={instance} ");
        let heading = format!(
            "{marker}notes={identity} -->\nkubemate: {} notes on lines",
            notes.len()
        );
        let me = self.me().await?;
        let ours = |review: &Value| {
            let text = review["body"].as_str()?;
            let mine = read::same_user(review.pointer("/user/login")?.as_str()?, me);
            (mine && text.starts_with(&marker)).then(|| (review["id"].as_u64(), text == heading))
        };
        let reviews = self.all_reviews(pull.number).await?;
        let ours: Vec<_> = reviews.iter().filter_map(ours).collect();
        if ours.iter().any(|(_, same)| *same) || (ours.is_empty() && notes.is_empty()) {
            return Ok(Put::Same);
        }
        let reviews = self.path(&format!("pulls/{}/reviews", pull.number));
        for id in ours.iter().filter_map(|(id, _)| *id) {
            match self
                .link
                .call(&Ask::delete(format!("{reviews}/{id}"), "remove old notes"))
                .await
            {
                Ok(_) | Err(ForgeError::Missing { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        if !notes.is_empty() {
            let body = json!({
                "event": "COMMENT",
                "body": heading,
                "commit_id": pull.head.as_str(),
                "comments": notes.iter().take(MOST_NOTES).map(comment).collect::<Vec<_>>(),
            });
            self.link
                .call(&Ask::send(
                    Method::POST,
                    reviews,
                    &body,
                    "write notes on lines",
                ))
                .await?;
        }
        Ok(if ours.is_empty() {
            Put::Created
        } else {
            Put::Updated
        })
    }

    async fn put_deployment(&self, _deployment: &Deployment) -> Result<Put, ForgeError> {
        Ok(Put::Skipped("this forge has no deployments".to_owned()))
    }

    async fn reviews(&self, number: PullNumber) -> Result<Vec<Review>, ForgeError> {
        let all = self.all_reviews(number).await?;
        Ok(latest(&all, "APPROVED", &["REQUEST_CHANGES"]))
    }

    async fn permission(&self, user: &str) -> Result<Permission, ForgeError> {
        let path = self.path(&format!("collaborators/{}/permission", read::segment(user)));
        permission(&self.link, &path, user).await
    }

    async fn is_collaborator(&self, user: &str) -> Result<bool, ForgeError> {
        let path = self.path(&format!("collaborators/{}", read::segment(user)));
        is_collaborator(&self.link, &path, user).await
    }

    async fn merged_with(
        &self,
        commit: &CommitId,
        target: &str,
    ) -> Result<Option<Pull>, ForgeError> {
        let what = "ask where a commit came from";
        let path = self.path(&format!("commits/{commit}/pull"));
        match self.link.call(&Ask::get(path, what)).await {
            Ok(answer) if read::flag(&answer.body, "/merged") => {
                Ok(pull(&answer.body).filter(|pull| pull.target == target))
            }
            Ok(_) | Err(ForgeError::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gitea keeps it with the pull request.
    async fn fork_point(
        &self,
        pull: &Pull,
        _before: &CommitId,
    ) -> Result<Option<CommitId>, ForgeError> {
        let path = self.path(&format!("pulls/{}", pull.number));
        let ask = Ask::get(path, "read a pull request");
        let answer = self.link.call(&ask).await?.body;
        Ok(read::commit(&answer, "/merge_base"))
    }

    async fn writers(&self, number: PullNumber) -> Result<Vec<Option<String>>, ForgeError> {
        let path = self.path(&format!(
            "pulls/{number}/commits?files=false&verification=false"
        ));
        let all = self.link.list(&path, PAGES, "read commits").await?;
        Ok(read::writers(&all, MOST_COMMITS))
    }

    async fn past(&self, pull: &Pull) -> Result<Past, ForgeError> {
        let path = self.path(&format!("issues/{}/timeline", pull.number));
        past::gitea(&self.link, &path, &pull.head).await
    }

    async fn tip(&self, branch: &str) -> Result<Option<Tip>, ForgeError> {
        gitea_branch::tip(&self.link, &self.repository, branch).await
    }

    async fn put_branch(&self, proposal: &Proposal) -> Result<(), ForgeError> {
        gitea_branch::put_branch(&self.link, &self.repository, proposal).await
    }

    async fn offered(&self, proposal: &Proposal) -> Result<Option<Offered>, ForgeError> {
        gitea_branch::offered(&self.link, &self.repository, proposal).await
    }

    async fn open_pull(&self, proposal: &Proposal) -> Result<Offered, ForgeError> {
        gitea_branch::open_pull(&self.link, &self.repository, proposal).await
    }

    async fn is_member(&self, group: &str, user: &str) -> Result<bool, ForgeError> {
        let what = "ask who is in a team";
        let Some((owner, team)) = read::team(group, &self.repository) else {
            return Ok(false);
        };
        if !read::is_login(user) {
            return Ok(false);
        }
        let (owner, wanted) = (read::segment(owner), read::segment(team));
        let path = format!("/orgs/{owner}/teams/search?q={wanted}&limit=50");
        let found = match self.link.call(&Ask::get(path, what)).await {
            Ok(answer) => answer.body,
            Err(ForgeError::Missing { .. }) => return Ok(false),
            Err(error) => return Err(error),
        };
        let mut teams = found["data"].as_array().into_iter().flatten();
        let known = teams.find(|t| t["name"].as_str().is_some_and(|n| read::same_user(n, team)));
        let Some(id) = known.and_then(|team| team["id"].as_u64()) else {
            return Ok(false);
        };
        let path = format!("/teams/{id}/members/{}", read::segment(user));
        match self.link.call(&Ask::get(path, what)).await {
            Ok(_) => Ok(true),
            Err(ForgeError::Missing { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn comment(note: &LineNote) -> Value {
    json!({ "path": note.path, "new_position": note.line.get(), "body": line_text(note) })
}

/// A note as markdown.
pub(super) fn line_text(note: &LineNote) -> String {
    let lines: Vec<String> = note.message.lines().map(markdown).collect();
    format!("**{}** {}", markdown(&note.title), lines.join("<br>"))
}
