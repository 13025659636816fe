//! Branches and pull requests at Gitea and Forgejo: a branch is made of the exact commit first, and the
//! commit on it replaces files by the digests of what they held.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Value, json};

use super::client::{Ask, Link};
use super::{github_branch, read};
use crate::report::forge::proposal::{FileChange, Offered, Proposal, Tip};
use crate::report::forge::{ForgeError, Put};

pub(super) async fn tip(
    link: &Link,
    repository: &str,
    branch: &str,
) -> Result<Option<Tip>, ForgeError> {
    let what = "read a branch";
    let path = format!("/repos/{repository}/branches/{}", read::segment(branch));
    let Some(answer) = link.find(&Ask::get(path, what)).await? else {
        return Ok(None);
    };
    let commit = read::commit(&answer, "/commit/id").ok_or_else(|| read::odd(link, what))?;
    // What a branch tells of its commit lacks the parents.
    let only = "stat=false&verification=false&files=false";
    let path = format!("/repos/{repository}/git/commits/{commit}?{only}");
    let whole = link.call(&Ask::get(path, "read a commit")).await?.body;
    let parents = read::commits(&whole, "/parents", "/sha");
    Ok(Some(Tip {
        parents: parents.ok_or_else(|| read::odd(link, what))?,
        message: read::text(&whole, "/commit/message").unwrap_or_default(),
        // What it calls the tree of a commit is the commit.
        tree: None,
        commit,
    }))
}

pub(super) async fn put_branch(
    link: &Link,
    repository: &str,
    proposal: &Proposal,
) -> Result<(), ForgeError> {
    let branch = json!({
        "new_branch_name": proposal.branch, "old_ref_name": proposal.base.as_str(),
    });
    let path = format!("/repos/{repository}/branches");
    let ask = Ask::send(Method::POST, path, &branch, "make a branch");
    match link.call(&ask).await {
        Ok(_) => {}
        // An earlier try may have come this far: a branch that is still at its base is gone on with.
        Err(error @ ForgeError::Refused { status: 409, .. }) => {
            let begun = tip(link, repository, &proposal.branch).await?;
            if begun.is_none_or(|tip| tip.commit != proposal.base) {
                return Err(error);
            }
        }
        Err(error) => return Err(error),
    }
    let files: Option<Vec<Value>> = proposal.files.iter().map(file).collect();
    let files = files.ok_or_else(|| ForgeError::Setup {
        reason: "a file could not be written into a commit".to_owned(),
    })?;
    let body = json!({ "branch": proposal.branch, "message": proposal.message, "files": files });
    let path = format!("/repos/{repository}/contents");
    let ask = Ask::send(Method::POST, path, &body, "write a commit");
    link.call(&ask).await.map(drop)
}

fn file(file: &FileChange) -> Option<Value> {
    let mut change = json!({ "path": file.path, "operation": file.verb() });
    if let Some(before) = &file.before {
        let id = git2::Oid::hash_object(git2::ObjectType::Blob, before).ok()?;
        change["sha"] = id.to_string().into();
    }
    if let Some(after) = &file.after {
        change["content"] = STANDARD.encode(after).into();
    }
    Some(change)
}

pub(super) async fn offered(
    link: &Link,
    repository: &str,
    proposal: &Proposal,
) -> Result<Option<Offered>, ForgeError> {
    let [onto, branch] = [&proposal.onto, &proposal.branch].map(|name| read::segment(name));
    let path = format!("/repos/{repository}/pulls/{onto}/{branch}");
    let found = link.find(&Ask::get(path, "list pull requests")).await?;
    let open = found.filter(|pull| pull["state"] == "open");
    Ok(open.and_then(|pull| read::offered(&pull, "/number", "/html_url", Put::Same)))
}

pub(super) async fn open_pull(
    link: &Link,
    repository: &str,
    proposal: &Proposal,
) -> Result<Offered, ForgeError> {
    github_branch::open_pull(link, repository, proposal).await
}
