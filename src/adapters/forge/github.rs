//! GitHub and GitHub Enterprise Server: statuses, comments, deployments, reviews. Notes on lines are
//! check runs, see `github_checks`.

use http::Method;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::client::{Ask, Link};
use super::credential::Auth;
use super::sticky::{self, Words};
use super::{github_branch, github_checks, past, read, remark};
use crate::report::forge::comment::Comment;
use crate::report::forge::proposal::{Offered, Proposal, Tip};
use crate::report::forge::{
    Caps, Deployment, Forge, ForgeError, Instance, LineNote, LineScope, Past, Permission, Pull,
    PullNumber, Put, Remark, Review, State, Status,
};
use crate::source::repository::CommitId;

pub(super) const PAGES: (&str, usize) = ("per_page", 100);
/// What the forge takes is larger; this is what a person can still scroll through.
const COMMENT_BYTES: usize = 60_000;
/// Commits of one pull request that the forge tells at most.
const MOST_COMMITS: usize = 250;

/// One repository at GitHub.
pub struct GitHub {
    link: Link,
    repository: String,
    me: OnceCell<String>,
    bot: Option<String>,
}

impl GitHub {
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
        let ask = || async {
            match self.link.auth() {
                Auth::App(key) => key.login(&self.link).await,
                Auth::Bearer(_) | Auth::TokenWord(_) | Auth::PrivateToken(_) => {
                    read::login(&self.link, "/login", self.bot.as_deref()).await
                }
            }
        };
        self.me.get_or_try_init(ask).await.map(String::as_str)
    }

    async fn statuses(&self, status: &Status) -> Result<Option<Value>, ForgeError> {
        let path = self.path(&format!("commits/{}/statuses?per_page=100", status.commit));
        let found = self.link.call(&Ask::get(path, "read statuses")).await?.body;
        let context = status.context();
        let ours = |item: &&Value| {
            item["context"]
                .as_str()
                .is_some_and(|c| c.eq_ignore_ascii_case(&context))
        };
        // The newest comes first.
        Ok(found
            .as_array()
            .and_then(|all| all.iter().find(ours))
            .cloned())
    }
}

/// A pull request in the words that GitHub and Gitea share.
pub(super) fn pull(value: &Value) -> Option<Pull> {
    let side = |side: &str| read::text(value, &format!("/{side}/repo/full_name"));
    Some(Pull {
        number: read::number(value, "/number")?,
        head: read::commit(value, "/head/sha")?,
        base: read::commit(value, "/base/sha"),
        target: read::text(value, "/base/ref")?,
        author: read::text(value, "/user/login")?,
        // The repository of a head that was deleted is null: that was a fork.
        fork: side("head") != side("base"),
        draft: read::flag(value, "/draft"),
        open: value["state"] == "open",
        merger: read::text(value, "/merged_by/login"),
    })
}

/// The word for a state that GitHub and Gitea share.
pub(super) fn word(state: State) -> &'static str {
    match state {
        State::Pending => "pending",
        State::Success => "success",
        State::Failure => "failure",
        State::Error => "error",
    }
}

/// Whether a status that was found says the same; `state` is how its field is called.
pub(super) fn says_the_same(found: &Value, state: &str, status: &Status) -> bool {
    let link = found["target_url"].as_str().filter(|link| !link.is_empty());
    found[state] == word(status.state)
        && found["description"] == status.text.as_str()
        && link == status.link.as_deref()
}

/// The latest word of each user. `yes` and `no` are the dialect's states; other states are no verdict.
pub(super) fn latest(reviews: &[Value], yes: &str, no: &[&str]) -> Vec<Review> {
    let mut latest: Vec<Review> = Vec::new();
    for review in reviews {
        let state = review["state"].as_str().unwrap_or_default();
        let dropped = read::flag(review, "/dismissed") || read::flag(review, "/stale");
        let Some(user) = read::text(review, "/user/login") else {
            continue;
        };
        if state != yes && !no.contains(&state) {
            continue;
        }
        latest.retain(|known| !read::same_user(&known.user, &user));
        let commit = read::commit(review, "/commit_id");
        latest.push(Review {
            user,
            approved: state == yes && !dropped,
            commit,
            at: read::moment(review, "/submitted_at"),
        });
    }
    latest
}

impl Forge for GitHub {
    fn caps(&self) -> Caps {
        Caps {
            comment_bytes: COMMENT_BYTES,
            lines: LineScope::Anywhere,
            deployments: true,
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
        let known = self.statuses(status).await?;
        if known
            .as_ref()
            .is_some_and(|known| says_the_same(known, "state", status))
        {
            return Ok(Put::Same);
        }
        let body = json!({
            "state": word(status.state),
            "context": status.context(),
            "description": status.text.as_str(),
            "target_url": status.link,
        });
        let path = self.path(&format!("statuses/{}", status.commit));
        let ask = Ask::send(Method::POST, path, &body, "write a status").repeatable();
        match self.link.call(&ask).await {
            Ok(_) if known.is_some() => Ok(Put::Updated),
            Ok(_) => Ok(Put::Created),
            // A commit takes 1,000 statuses of one context and no more, however often it is tried.
            Err(ForgeError::Refused {
                status: 422,
                reason,
                ..
            }) if reason.contains("maximum") => Ok(Put::Skipped(reason)),
            Err(error) => Err(error),
        }
    }

    async fn put_comment(&self, pull: PullNumber, comment: &Comment) -> Result<Put, ForgeError> {
        let words = Words {
            list: self.path(&format!("issues/{pull}/comments")),
            one: self.path("issues/comments"),
            pages: Some(PAGES),
            author: "/user/login",
            edit: Method::PATCH,
        };
        sticky::put(&self.link, &words, self.me().await?, comment).await
    }

    async fn remark(&self, pull: PullNumber, id: u64) -> Result<Option<Remark>, ForgeError> {
        let path = self.path(&format!("issues/comments/{id}"));
        remark::of_pull(&self.link, path, pull).await
    }

    async fn put_notes(
        &self,
        pull: &Pull,
        instance: &Instance,
        notes: &[LineNote],
    ) -> Result<Put, ForgeError> {
        github_checks::put(&self.link, &self.repository, &pull.head, instance, notes).await
    }

    async fn put_deployment(&self, deployment: &Deployment) -> Result<Put, ForgeError> {
        let (commit, environment) = (&deployment.commit, read::segment(&deployment.environment));
        let path = self.path(&format!(
            "deployments?sha={commit}&environment={environment}&per_page=1"
        ));
        let found = self
            .link
            .call(&Ask::get(path, "read deployments"))
            .await?
            .body;
        let known = found.pointer("/0/id").and_then(Value::as_u64);
        let id = match known {
            Some(id) => id,
            None => {
                // Without these two GitHub would merge branches and ask for green checks.
                let body = json!({
                    "ref": commit.as_str(), "environment": deployment.environment,
                    "auto_merge": false, "required_contexts": [],
                });
                let ask = Ask::send(
                    Method::POST,
                    self.path("deployments"),
                    &body,
                    "make a deployment",
                );
                let made = self.link.call(&ask).await?.body;
                made["id"]
                    .as_u64()
                    .ok_or_else(|| read::odd(&self.link, ask.what))?
            }
        };
        let path = self.path(&format!("deployments/{id}/statuses"));
        let body = json!({
            "state": match deployment.state { State::Pending => "in_progress", other => word(other) },
            "description": deployment.text.as_str(),
            "environment": deployment.environment,
        });
        let latest = Ask::get(format!("{path}?per_page=1"), "read a deployment");
        let latest = self.link.call(&latest).await?.body;
        let same = |key: &str| latest.pointer(&format!("/0/{key}")) == Some(&body[key]);
        if known.is_some() && same("state") && same("description") {
            return Ok(Put::Same);
        }
        self.link
            .call(&Ask::send(Method::POST, path, &body, "report a deployment").repeatable())
            .await?;
        Ok(if known.is_some() {
            Put::Updated
        } else {
            Put::Created
        })
    }

    async fn reviews(&self, number: PullNumber) -> Result<Vec<Review>, ForgeError> {
        let path = self.path(&format!("pulls/{number}/reviews"));
        let all = self.link.list(&path, PAGES, "read reviews").await?;
        Ok(latest(
            &all,
            "APPROVED",
            &["CHANGES_REQUESTED", "DISMISSED"],
        ))
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
        let path = self.path(&format!("commits/{commit}/pulls"));
        let all = self.link.list(&path, PAGES, what).await?;
        // Forks share their commits, and a pull request of another repository may have a number of ours.
        let ours = |p: &Value| {
            let name = read::text(p, "/base/repo/full_name");
            name.is_some_and(|name| read::same_user(&name, &self.repository))
        };
        let into = |p: &Value| p.pointer("/base/ref").is_some_and(|name| name == target);
        let merged = |p: &&Value| p["merged_at"].is_string() && into(p) && ours(p);
        let merged = all.iter().find(merged);
        let Some(number) = merged.and_then(|p| read::number(p, "/number")) else {
            return Ok(None);
        };
        // Only the whole of it tells who merged it.
        self.pull(number).await.map(Some)
    }

    async fn fork_point(
        &self,
        pull: &Pull,
        before: &CommitId,
    ) -> Result<Option<CommitId>, ForgeError> {
        let path = self.path(&format!("compare/{before}...{}?per_page=1", pull.head));
        let ask = Ask::get(path, "compare two commits");
        let answer = self.link.call(&ask).await?.body;
        Ok(read::commit(&answer, "/merge_base_commit/sha"))
    }

    async fn writers(&self, number: PullNumber) -> Result<Vec<Option<String>>, ForgeError> {
        let path = self.path(&format!("pulls/{number}/commits"));
        let all = self.link.list(&path, PAGES, "read commits").await?;
        Ok(read::writers(&all, MOST_COMMITS))
    }

    async fn past(&self, pull: &Pull) -> Result<Past, ForgeError> {
        let path = self.path(&format!("issues/{}/events", pull.number));
        past::github(&self.link, &path).await
    }

    async fn tip(&self, branch: &str) -> Result<Option<Tip>, ForgeError> {
        github_branch::tip(&self.link, &self.repository, branch).await
    }

    async fn put_branch(&self, proposal: &Proposal) -> Result<(), ForgeError> {
        github_branch::put_branch(&self.link, &self.repository, proposal).await
    }

    async fn offered(&self, proposal: &Proposal) -> Result<Option<Offered>, ForgeError> {
        github_branch::offered(&self.link, &self.repository, proposal).await
    }

    async fn open_pull(&self, proposal: &Proposal) -> Result<Offered, ForgeError> {
        github_branch::open_pull(&self.link, &self.repository, proposal).await
    }

    async fn is_member(&self, group: &str, user: &str) -> Result<bool, ForgeError> {
        let Some((owner, team)) = read::team(group, &self.repository) else {
            return Ok(false);
        };
        if !read::is_login(user) {
            return Ok(false);
        }
        let [owner, team, user] = [owner, team, user].map(read::segment);
        let path = format!("/orgs/{owner}/teams/{team}/memberships/{user}");
        match self
            .link
            .call(&Ask::get(path, "ask who is in a team"))
            .await
        {
            Ok(answer) => Ok(answer.body["state"] == "active"),
            Err(ForgeError::Missing { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// A user's permission in the words that GitHub and Gitea share.
pub(super) async fn permission(
    link: &Link,
    path: &str,
    user: &str,
) -> Result<Permission, ForgeError> {
    if !read::is_login(user) {
        return Ok(Permission::None);
    }
    let what = "ask what a user may do";
    let answer = match link.call(&Ask::get(path, what)).await {
        Ok(answer) => answer.body,
        Err(ForgeError::Missing { .. }) => return Ok(Permission::None),
        Err(error) => return Err(error),
    };
    match answer["permission"].as_str() {
        Some("owner" | "admin") => Ok(Permission::Admin),
        Some("write" | "maintain") => Ok(Permission::Write),
        Some("read" | "triage") => Ok(Permission::Read),
        Some("none") => Ok(Permission::None),
        _ => Err(read::odd(link, what)),
    }
}

/// Whether a user stands among the collaborators, as GitHub and Gitea say it: 204 or 404.
pub(super) async fn is_collaborator(
    link: &Link,
    path: &str,
    user: &str,
) -> Result<bool, ForgeError> {
    if !read::is_login(user) {
        return Ok(false);
    }
    match link.call(&Ask::get(path, "ask who is let in")).await {
        Ok(_) => Ok(true),
        Err(ForgeError::Missing { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
