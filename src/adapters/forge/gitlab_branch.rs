//! Branches and merge requests at GitLab: one call makes the branch with its commit, on top of exactly
//! the commit that it names.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Value, json};

use super::client::{Ask, Link};
use super::read;
use crate::report::forge::proposal::{FileChange, Offered, Proposal, Tip};
use crate::report::forge::{ForgeError, Put};

pub(super) async fn tip(
    link: &Link,
    project: &str,
    branch: &str,
) -> Result<Option<Tip>, ForgeError> {
    let what = "read a branch";
    let path = format!("{project}/repository/branches/{}", read::segment(branch));
    let Some(answer) = link.find(&Ask::get(path, what)).await? else {
        return Ok(None);
    };
    let parents = read::commits(&answer, "/commit/parent_ids", "");
    let found = read::commit(&answer, "/commit/id").zip(parents);
    let (commit, parents) = found.ok_or_else(|| read::odd(link, what))?;
    Ok(Some(Tip {
        commit,
        parents,
        message: read::text(&answer, "/commit/message").unwrap_or_default(),
        tree: None,
    }))
}

pub(super) async fn put_branch(
    link: &Link,
    project: &str,
    proposal: &Proposal,
) -> Result<(), ForgeError> {
    let body = json!({
        "branch": proposal.branch, "start_sha": proposal.base.as_str(),
        "commit_message": proposal.message,
        "actions": proposal.files.iter().map(action).collect::<Vec<_>>(),
    });
    let path = format!("{project}/repository/commits");
    let ask = Ask::send(Method::POST, path, &body, "write a commit");
    link.call(&ask).await.map(drop)
}

fn action(file: &FileChange) -> Value {
    let mut action = json!({ "action": file.verb(), "file_path": file.path });
    if let Some(after) = &file.after {
        action["content"] = STANDARD.encode(after).into();
        action["encoding"] = "base64".into();
    }
    action
}

pub(super) async fn offered(
    link: &Link,
    project: &str,
    proposal: &Proposal,
) -> Result<Option<Offered>, ForgeError> {
    let [branch, onto] = [&proposal.branch, &proposal.onto].map(|name| read::segment(name));
    let query = format!("state=opened&source_branch={branch}&target_branch={onto}");
    let path = format!("{project}/merge_requests?{query}");
    let found = link
        .call(&Ask::get(path, "list merge requests"))
        .await?
        .body;
    Ok(read::offered(&found[0], "/iid", "/web_url", Put::Same))
}

pub(super) async fn open_pull(
    link: &Link,
    project: &str,
    proposal: &Proposal,
) -> Result<Offered, ForgeError> {
    let body = json!({
        "title": proposal.title, "source_branch": proposal.branch,
        "target_branch": proposal.onto, "description": proposal.body,
        "remove_source_branch": true,
    });
    let path = format!("{project}/merge_requests");
    let ask = Ask::send(Method::POST, path, &body, "open a merge request");
    let made = link.call(&ask).await?.body;
    read::offered(&made, "/iid", "/web_url", Put::Created).ok_or_else(|| read::odd(link, ask.what))
}
