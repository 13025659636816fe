//! One comment per instance and pull request: found by marker and author, edited in place, its second
//! copies removed. A comment of somebody else is never ours, whatever it says.

use serde_json::Value;

use super::client::{Ask, Link};
use super::read;
use crate::report::forge::comment::Comment;
use crate::report::forge::{ForgeError, Put};
use http::Method;
use serde_json::json;

/// Second comments that are removed at once.
const MAX_EXTRA: usize = 10;

/// How a dialect speaks of comments.
pub(super) struct Words {
    /// The list of one pull request's comments, and where new ones are posted.
    pub(super) list: String,
    /// What stands before a comment's id to edit or delete it.
    pub(super) one: String,
    /// How a page's size is called, if there are pages.
    pub(super) pages: Option<(&'static str, usize)>,
    /// Where the author's name stands.
    pub(super) author: &'static str,
    /// How a comment is edited.
    pub(super) edit: Method,
}

/// Makes the comment of an instance say this.
pub(super) async fn put(
    link: &Link,
    words: &Words,
    me: &str,
    comment: &Comment,
) -> Result<Put, ForgeError> {
    match attempt(link, words, me, comment).await {
        // It may have been written before the connection broke, or what we knew was old: what is there
        // now decides.
        Err(ForgeError::Unreachable { .. } | ForgeError::Missing { .. }) => {
            link.forget_all();
            attempt(link, words, me, comment).await
        }
        decided => decided,
    }
}

async fn attempt(
    link: &Link,
    words: &Words,
    me: &str,
    comment: &Comment,
) -> Result<Put, ForgeError> {
    let mut ours = find(link, words, me, comment).await?.into_iter();
    let body = json!({ "body": comment.text() });
    let Some((id, text)) = ours.next() else {
        let ask = Ask::send(Method::POST, words.list.clone(), &body, "write a comment");
        link.call(&ask).await?;
        return Ok(Put::Created);
    };
    for (extra, _) in ours.take(MAX_EXTRA) {
        let ask = Ask::delete(format!("{}/{extra}", words.one), "remove a second comment");
        match link.call(&ask).await {
            Ok(_) | Err(ForgeError::Missing { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    if comment.says(&text) {
        return Ok(Put::Same);
    }
    let path = format!("{}/{id}", words.one);
    link.call(&Ask::send(
        words.edit.clone(),
        path,
        &body,
        "edit a comment",
    ))
    .await?;
    Ok(Put::Updated)
}

/// Ids and texts of our comments, the oldest first.
async fn find(
    link: &Link,
    words: &Words,
    me: &str,
    comment: &Comment,
) -> Result<Vec<(u64, String)>, ForgeError> {
    let what = "read comments";
    let all = match words.pages {
        Some(pages) => link.list(&words.list, pages, what).await?,
        None => match link.call(&Ask::get(words.list.clone(), what)).await?.body {
            Value::Array(items) => items,
            _ => Vec::new(),
        },
    };
    let marker = comment.marker();
    let ours = |item: &Value| {
        let text = item["body"].as_str()?;
        let mine = read::same_user(item.pointer(words.author)?.as_str()?, me);
        (mine && text.starts_with(marker)).then_some(())?;
        Some((item["id"].as_u64()?, text.to_owned()))
    };
    let mut ours: Vec<_> = all.iter().filter_map(ours).collect();
    ours.sort();
    Ok(ours)
}
