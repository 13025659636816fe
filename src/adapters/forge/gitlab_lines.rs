//! Notes on lines at GitLab: threads on the difference of a merge request, one for each note. A note
//! that is no longer true has its thread resolved.

use http::Method;
use serde_json::{Value, json};

use super::client::{Ask, Link};
use super::gitea::line_text;
use super::gitlab::PAGES;
use super::read;
use crate::plan::digest;
use crate::report::forge::{ForgeError, Instance, LineNote, Put};

/// Most threads that are opened at once.
const MOST: usize = 30;

struct Thread {
    id: String,
    key: String,
    resolved: bool,
}

/// Makes these the open threads of an instance on a merge request.
pub(super) async fn put(
    link: &Link,
    request: &str,
    me: &str,
    instance: &Instance,
    notes: &[LineNote],
) -> Result<Put, ForgeError> {
    let marker = format!("<!-- kubemate:line instance={instance} key=");
    let threads = threads(link, request, me, &marker).await?;
    let wanted: Vec<(String, &LineNote)> = notes
        .iter()
        .take(MOST)
        .map(|note| (digest::of_text(&format!("{note:?}")), note))
        .collect();
    let mut changed = false;
    for thread in threads.iter().filter(|t| !t.resolved) {
        if !wanted.iter().any(|(key, _)| *key == thread.key) {
            let body = json!({ "resolved": true });
            let path = format!("{request}/discussions/{}", read::segment(&thread.id));
            link.call(&Ask::send(Method::PUT, path, &body, "resolve a note"))
                .await?;
            changed = true;
        }
    }
    let missing = wanted
        .iter()
        .filter(|(key, _)| !threads.iter().any(|t| t.key == *key));
    let missing: Vec<_> = missing.collect();
    let mut left_out = notes.len().saturating_sub(MOST);
    if !missing.is_empty() {
        let commits = commits(link, request).await?;
        for (key, note) in missing {
            match open(link, request, &commits, &format!("{marker}{key} -->"), note).await {
                Ok(()) => changed = true,
                // The line is not part of the difference: the comment tells it.
                Err(ForgeError::Refused { status: 400, .. }) => left_out += 1,
                Err(error) => return Err(error),
            }
        }
    }
    Ok(match (changed, left_out) {
        (true, _) if threads.is_empty() => Put::Created,
        (true, _) => Put::Updated,
        (false, 0) => Put::Same,
        (false, n) => Put::Skipped(format!(
            "{n} notes are on lines that the request does not show"
        )),
    })
}

async fn threads(
    link: &Link,
    request: &str,
    me: &str,
    marker: &str,
) -> Result<Vec<Thread>, ForgeError> {
    let all = link
        .list(
            &format!("{request}/discussions"),
            PAGES,
            "read notes on lines",
        )
        .await?;
    let ours = |thread: &Value| {
        let first = thread.pointer("/notes/0")?;
        let mine = read::same_user(first.pointer("/author/username")?.as_str()?, me);
        let key = first["body"]
            .as_str()?
            .strip_prefix(marker)?
            .split(' ')
            .next()?;
        mine.then(|| Thread {
            id: read::text(thread, "/id").unwrap_or_default(),
            key: key.to_owned(),
            resolved: read::flag(first, "/resolved"),
        })
    };
    Ok(all.iter().filter_map(ours).collect())
}

/// The three commits that a place in a difference is given by.
async fn commits(link: &Link, request: &str) -> Result<Value, ForgeError> {
    let what = "read the versions of a merge request";
    let answer = link
        .call(&Ask::get(format!("{request}/versions"), what))
        .await?
        .body;
    let newest = answer.get(0).ok_or_else(|| read::odd(link, what))?;
    let one = |name: &str| read::commit(newest, &format!("/{name}")).map(|id| id.to_string());
    let (base, start) = (one("base_commit_sha"), one("start_commit_sha"));
    match (base, start, one("head_commit_sha")) {
        (Some(base), Some(start), Some(head)) => Ok(json!({
            "base_sha": base, "start_sha": start, "head_sha": head,
        })),
        _ => Err(read::odd(link, what)),
    }
}

async fn open(
    link: &Link,
    request: &str,
    commits: &Value,
    marker: &str,
    note: &LineNote,
) -> Result<(), ForgeError> {
    let mut position = commits.clone();
    position["position_type"] = "text".into();
    // Both paths are asked for, even where a file is new.
    position["new_path"] = note.path.as_str().into();
    position["old_path"] = note.path.as_str().into();
    position["new_line"] = note.line.get().into();
    let body = json!({ "body": format!("{marker}\n{}", line_text(note)), "position": position });
    let ask = Ask::send(
        Method::POST,
        format!("{request}/discussions"),
        &body,
        "write a note on a line",
    );
    link.call(&ask).await.map(|_| ())
}
