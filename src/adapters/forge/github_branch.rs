//! Branches and pull requests at GitHub, through its Git data: blobs and trees keep every byte and mode,
//! and the branch appears only with its commit.

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
    repository: &str,
    branch: &str,
) -> Result<Option<Tip>, ForgeError> {
    let what = "read a branch";
    let path = format!("/repos/{repository}/branches/{}", read::segment(branch));
    let Some(answer) = link.find(&Ask::get(path, what)).await? else {
        return Ok(None);
    };
    let parents = read::commits(&answer, "/commit/parents", "/sha");
    let found = read::commit(&answer, "/commit/sha").zip(parents);
    let (commit, parents) = found.ok_or_else(|| read::odd(link, what))?;
    Ok(Some(Tip {
        commit,
        parents,
        message: read::text(&answer, "/commit/commit/message").unwrap_or_default(),
        tree: read::text(&answer, "/commit/commit/tree/sha"),
    }))
}

pub(super) async fn put_branch(
    link: &Link,
    repository: &str,
    proposal: &Proposal,
) -> Result<(), ForgeError> {
    let what = "write a commit";
    let git = format!("/repos/{repository}/git");
    let base = Ask::get(format!("{git}/commits/{}", proposal.base), "read a commit");
    let base = link.call(&base).await?.body;
    let base = read::text(&base, "/tree/sha").ok_or_else(|| read::odd(link, what))?;
    let mut entries = Vec::new();
    for file in &proposal.files {
        entries.push(entry(link, &git, file).await?);
    }
    // What is written twice by its digest is there once, so a lost answer costs nothing.
    let tree = json!({ "base_tree": base, "tree": entries });
    let tree = made(link, &format!("{git}/trees"), &tree).await?;
    let commit = json!({
        "message": proposal.message, "tree": tree, "parents": [proposal.base.as_str()],
    });
    let commit = made(link, &format!("{git}/commits"), &commit).await?;
    let branch = json!({ "ref": format!("refs/heads/{}", proposal.branch), "sha": commit });
    let ask = Ask::send(
        Method::POST,
        format!("{git}/refs"),
        &branch,
        "make a branch",
    );
    link.call(&ask).await.map(drop)
}

/// An entry of a tree: a file with new bytes, or one that goes.
async fn entry(link: &Link, git: &str, file: &FileChange) -> Result<Value, ForgeError> {
    let sha = match &file.after {
        None => Value::Null,
        Some(bytes) => {
            let blob = json!({ "content": STANDARD.encode(bytes), "encoding": "base64" });
            made(link, &format!("{git}/blobs"), &blob).await?.into()
        }
    };
    let mode = if file.executable { "100755" } else { "100644" };
    Ok(json!({ "path": file.path, "mode": mode, "type": "blob", "sha": sha }))
}

/// Writes a Git object and returns its id.
async fn made(link: &Link, path: &str, body: &Value) -> Result<String, ForgeError> {
    let ask = Ask::send(Method::POST, path, body, "write a commit").repeatable();
    let answer = link.call(&ask).await?.body;
    read::text(&answer, "/sha").ok_or_else(|| read::odd(link, ask.what))
}

pub(super) async fn offered(
    link: &Link,
    repository: &str,
    proposal: &Proposal,
) -> Result<Option<Offered>, ForgeError> {
    let owner = repository.split('/').next().unwrap_or_default();
    let head = read::segment(&format!("{owner}:{}", proposal.branch));
    let onto = read::segment(&proposal.onto);
    let path = format!("/repos/{repository}/pulls?state=open&head={head}&base={onto}");
    let found = link.call(&Ask::get(path, "list pull requests")).await?.body;
    Ok(read::offered(&found[0], "/number", "/html_url", Put::Same))
}

pub(super) async fn open_pull(
    link: &Link,
    repository: &str,
    proposal: &Proposal,
) -> Result<Offered, ForgeError> {
    let body = json!({
        "title": proposal.title, "head": proposal.branch, "base": proposal.onto,
        "body": proposal.body,
    });
    let path = format!("/repos/{repository}/pulls");
    let ask = Ask::send(Method::POST, path, &body, "open a pull request");
    let made = link.call(&ask).await?.body;
    read::offered(&made, "/number", "/html_url", Put::Created)
        .ok_or_else(|| read::odd(link, ask.what))
}
