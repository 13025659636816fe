//! GitLab: merge requests, notes, deployments, and commit statuses that are a machine of states.

use http::Method;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::client::{Ask, Link};
use super::sticky::{self, Words};
use super::{gitlab_branch, gitlab_lines, past, read, remark};
use crate::report::forge::comment::Comment;
use crate::report::forge::proposal::{Offered, Proposal, Tip};
use crate::report::forge::{
    Caps, Deployment, Forge, ForgeError, Instance, LineNote, LineScope, Past, Permission, Pull,
    PullNumber, Put, Remark, Review, State, Status,
};
use crate::source::repository::CommitId;

pub(super) const PAGES: (&str, usize) = ("per_page", 100);
/// The server takes a million characters; this is what a person can still scroll through.
const COMMENT_BYTES: usize = 200_000;

/// One project at a GitLab.
pub struct GitLab {
    link: Link,
    project: String,
    me: OnceCell<String>,
}

impl GitLab {
    /// The project at this path, as in `group/team/platform`.
    pub fn new(link: Link, project: &str) -> Self {
        let project = format!("/projects/{}", read::segment(project));
        Self {
            link,
            project,
            me: OnceCell::new(),
        }
    }

    async fn me(&self) -> Result<&str, ForgeError> {
        let ask = || read::login(&self.link, "/username", None);
        self.me.get_or_try_init(ask).await.map(String::as_str)
    }

    async fn known(&self, status: &Status) -> Result<Option<Value>, ForgeError> {
        let (commit, name) = (&status.commit, read::segment(&status.context()));
        let path = format!(
            "{}/repository/commits/{commit}/statuses?name={name}&per_page=100",
            self.project
        );
        let found = self.link.call(&Ask::get(path, "read statuses")).await?.body;
        let all = found.as_array().cloned().unwrap_or_default();
        let ours = all
            .into_iter()
            .filter(|s| s["name"] == status.context().as_str());
        Ok(ours.max_by_key(|s| s["id"].as_u64()))
    }

    /// Without a pipeline's number a status may open a pipeline of its own.
    async fn pipeline(&self, status: &Status) -> Result<Option<u64>, ForgeError> {
        let path = format!("{}/repository/commits/{}", self.project, status.commit);
        let commit = self.link.call(&Ask::get(path, "read a commit")).await?.body;
        Ok(commit.pointer("/last_pipeline/id").and_then(Value::as_u64))
    }
}

fn word(state: State) -> &'static str {
    match state {
        State::Pending => "running",
        State::Success => "success",
        State::Failure | State::Error => "failed",
    }
}

fn pull(value: &Value) -> Option<Pull> {
    Some(Pull {
        number: read::number(value, "/iid")?,
        head: read::commit(value, "/sha")?,
        base: read::commit(value, "/diff_refs/base_sha"),
        target: read::text(value, "/target_branch")?,
        author: read::text(value, "/author/username")?,
        fork: value["source_project_id"] != value["target_project_id"],
        draft: read::flag(value, "/draft"),
        open: value["state"] == "opened",
        merger: read::text(value, "/merge_user/username"),
    })
}

impl Forge for GitLab {
    fn caps(&self) -> Caps {
        Caps {
            comment_bytes: COMMENT_BYTES,
            lines: LineScope::Shown,
            deployments: true,
            reviews_name_commits: false,
        }
    }

    async fn pull(&self, number: PullNumber) -> Result<Pull, ForgeError> {
        let what = "read a merge request";
        let path = format!("{}/merge_requests/{number}", self.project);
        let answer = self.link.call(&Ask::get(path, what)).await?.body;
        pull(&answer).ok_or_else(|| read::odd(&self.link, what))
    }

    async fn open_pulls(&self) -> Result<Vec<Pull>, ForgeError> {
        let path = format!("{}/merge_requests?state=opened", self.project);
        let all = self.link.list(&path, PAGES, "list merge requests").await?;
        Ok(all.iter().filter_map(pull).collect())
    }

    /// A finished status stays finished: it can be followed by another verdict, not by "running".
    async fn put_status(&self, status: &Status) -> Result<Put, ForgeError> {
        let known = self.known(status).await?;
        if let Some(known) = &known {
            let state = known["status"].as_str().unwrap_or_default();
            let running = matches!(state, "running" | "pending" | "created");
            let link = known["target_url"].as_str().filter(|link| !link.is_empty());
            let same_text =
                known["description"] == status.text.as_str() && link == status.link.as_deref();
            let still_running = running && status.state == State::Pending;
            if still_running || (state == word(status.state) && same_text) {
                return Ok(Put::Same);
            }
            if !running && status.state == State::Pending {
                return Ok(Put::Skipped(
                    "a finished status does not run again".to_owned(),
                ));
            }
        }
        let mut body = json!({
            "state": word(status.state),
            "name": status.context(),
            "description": status.text.as_str(),
            "target_url": status.link,
        });
        if let Some(pipeline) = self.pipeline(status).await? {
            body["pipeline_id"] = pipeline.into();
        }
        let path = format!("{}/statuses/{}", self.project, status.commit);
        let ask = Ask::send(Method::POST, path, &body, "write a status").repeatable();
        match self.link.call(&ask).await {
            Ok(_) if known.is_some() => Ok(Put::Updated),
            Ok(_) => Ok(Put::Created),
            // Somebody else wrote it between our look and our word.
            Err(ForgeError::Refused {
                status: 400,
                reason,
                ..
            }) if reason.contains("Cannot transition status") => Ok(Put::Skipped(reason)),
            Err(error) => Err(error),
        }
    }

    async fn put_comment(&self, pull: PullNumber, comment: &Comment) -> Result<Put, ForgeError> {
        let notes = format!("{}/merge_requests/{pull}/notes", self.project);
        let words = Words {
            list: notes.clone(),
            one: notes,
            pages: Some(PAGES),
            author: "/author/username",
            edit: Method::PUT,
        };
        sticky::put(&self.link, &words, self.me().await?, comment).await
    }

    /// What GitLab itself notes is nobody's comment.
    async fn remark(&self, pull: PullNumber, id: u64) -> Result<Option<Remark>, ForgeError> {
        let path = format!("{}/merge_requests/{pull}/notes/{id}", self.project);
        let found = remark::remark(&self.link, path, "/author/username").await?;
        let ours = found.filter(|(_, found)| !read::flag(found, "/system"));
        Ok(ours.map(|(remark, _)| remark))
    }

    async fn put_notes(
        &self,
        pull: &Pull,
        instance: &Instance,
        notes: &[LineNote],
    ) -> Result<Put, ForgeError> {
        let request = format!("{}/merge_requests/{}", self.project, pull.number);
        gitlab_lines::put(&self.link, &request, self.me().await?, instance, notes).await
    }

    async fn put_deployment(&self, deployment: &Deployment) -> Result<Put, ForgeError> {
        let environment = read::segment(&deployment.environment);
        let all = format!("{}/deployments", self.project);
        let path = format!("{all}?environment={environment}&order_by=id&sort=desc&per_page=20");
        let found = self
            .link
            .call(&Ask::get(path, "read deployments"))
            .await?
            .body;
        let ours = |d: &&Value| d["sha"] == deployment.commit.as_str();
        let known = found
            .as_array()
            .and_then(|all| all.iter().find(ours))
            .cloned();
        let state = word(deployment.state);
        let Some(known) = known else {
            let body = json!({
                "environment": deployment.environment, "sha": deployment.commit.as_str(),
                "ref": deployment.commit.as_str(), "tag": false, "status": state,
            });
            self.link
                .call(&Ask::send(Method::POST, all, &body, "make a deployment"))
                .await?;
            return Ok(Put::Created);
        };
        if known["status"] == state {
            return Ok(Put::Same);
        }
        let id = known["id"]
            .as_u64()
            .ok_or_else(|| read::odd(&self.link, "report a deployment"))?;
        let body = json!({ "status": state });
        let path = format!("{all}/{id}");
        self.link
            .call(&Ask::send(Method::PUT, path, &body, "report a deployment"))
            .await?;
        Ok(Put::Updated)
    }

    /// GitLab does not tell which commit was approved: the project must reset approvals on a push.
    async fn reviews(&self, number: PullNumber) -> Result<Vec<Review>, ForgeError> {
        let path = format!("{}/merge_requests/{number}/approvals", self.project);
        let answer = self
            .link
            .call(&Ask::get(path, "read approvals"))
            .await?
            .body;
        let users = answer["approved_by"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let one = |by: &Value| {
            let user = read::text(by, "/user/username")?;
            Some(Review {
                user,
                approved: true,
                commit: None,
                at: read::moment(by, "/approved_at"),
            })
        };
        Ok(users.iter().filter_map(one).collect())
    }

    async fn permission(&self, user: &str) -> Result<Permission, ForgeError> {
        if !read::is_login(user) {
            return Ok(Permission::None);
        }
        let what = "ask what a user may do";
        let path = format!("/users?username={}", read::segment(user));
        let found = self.link.call(&Ask::get(path, what)).await?.body;
        let found = found.as_array().cloned().unwrap_or_default();
        let exact = |u: &&Value| {
            u["username"]
                .as_str()
                .is_some_and(|n| read::same_user(n, user))
        };
        let Some(id) = found.iter().find(exact).and_then(|u| u["id"].as_u64()) else {
            return Ok(Permission::None);
        };
        let path = format!("{}/members/all/{id}", self.project);
        let member = match self.link.call(&Ask::get(path, what)).await {
            Ok(answer) => answer.body,
            Err(ForgeError::Missing { .. }) => return Ok(Permission::None),
            Err(error) => return Err(error),
        };
        let active = member["state"]
            .as_str()
            .is_none_or(|state| state == "active");
        Ok(match member["access_level"].as_u64() {
            _ if !active => Permission::None,
            Some(40..) => Permission::Admin,
            Some(30..) => Permission::Write,
            Some(10..) => Permission::Read,
            Some(_) | None => Permission::None,
        })
    }

    /// Only members have a level at all.
    async fn is_collaborator(&self, user: &str) -> Result<bool, ForgeError> {
        Ok(self.permission(user).await? > Permission::None)
    }

    async fn merged_with(
        &self,
        commit: &CommitId,
        target: &str,
    ) -> Result<Option<Pull>, ForgeError> {
        let what = "ask where a commit came from";
        let path = format!(
            "{}/repository/commits/{commit}/merge_requests",
            self.project
        );
        let all = self.link.list(&path, PAGES, what).await?;
        let into =
            |request: &&Value| request["state"] == "merged" && request["target_branch"] == target;
        let merged = all.iter().find(into);
        let Some(number) = merged.and_then(|request| read::number(request, "/iid")) else {
            return Ok(None);
        };
        self.pull(number).await.map(Some)
    }

    async fn fork_point(
        &self,
        pull: &Pull,
        before: &CommitId,
    ) -> Result<Option<CommitId>, ForgeError> {
        let refs = format!("refs[]={before}&refs[]={}", pull.head);
        let path = format!("{}/repository/merge_base?{refs}", self.project);
        let ask = Ask::get(path, "compare two commits");
        let answer = self.link.call(&ask).await?.body;
        Ok(read::commit(&answer, "/id"))
    }

    /// GitLab tells names and addresses, which anybody can write into a commit, and no users.
    async fn writers(&self, _number: PullNumber) -> Result<Vec<Option<String>>, ForgeError> {
        Ok(vec![None])
    }

    async fn past(&self, pull: &Pull) -> Result<Past, ForgeError> {
        let path = format!("{}/merge_requests/{}/notes", self.project, pull.number);
        past::gitlab(&self.link, &path).await
    }

    async fn tip(&self, branch: &str) -> Result<Option<Tip>, ForgeError> {
        gitlab_branch::tip(&self.link, &self.project, branch).await
    }

    async fn put_branch(&self, proposal: &Proposal) -> Result<(), ForgeError> {
        gitlab_branch::put_branch(&self.link, &self.project, proposal).await
    }

    async fn offered(&self, proposal: &Proposal) -> Result<Option<Offered>, ForgeError> {
        gitlab_branch::offered(&self.link, &self.project, proposal).await
    }

    async fn open_pull(&self, proposal: &Proposal) -> Result<Offered, ForgeError> {
        gitlab_branch::open_pull(&self.link, &self.project, proposal).await
    }

    async fn is_member(&self, group: &str, user: &str) -> Result<bool, ForgeError> {
        if !read::is_login(user) {
            return Ok(false);
        }
        let (group, query) = (read::segment(group), read::segment(user));
        let path = format!("/groups/{group}/members/all?query={query}");
        let all = match self.link.list(&path, PAGES, "ask who is in a group").await {
            Ok(all) => all,
            Err(ForgeError::Missing { .. }) => return Ok(false),
            Err(error) => return Err(error),
        };
        Ok(all.iter().any(|member| {
            let name = member["username"].as_str().unwrap_or_default();
            read::same_user(name, user) && member["state"] == "active"
        }))
    }
}
