//! A comment as it stands at the forge now, whatever somebody says of it.

use serde_json::Value;

use super::client::{Ask, Link};
use super::read;
use crate::report::forge::{ForgeError, PullNumber, Remark};

/// The comment at a path, with all that the forge says of it; `author` is where the author's name stands.
pub(super) async fn remark(
    link: &Link,
    path: String,
    author: &'static str,
) -> Result<Option<(Remark, Value)>, ForgeError> {
    let what = "read a comment";
    let Some(found) = link.find(&Ask::get(path, what)).await? else {
        return Ok(None);
    };
    let remark = understood(&found, author).ok_or_else(|| read::odd(link, what))?;
    Ok(Some((remark, found)))
}

fn understood(found: &Value, author: &str) -> Option<Remark> {
    let written = read::moment(found, "/created_at")?;
    let changed = read::moment(found, "/updated_at")?;
    Some(Remark {
        author: read::text(found, author)?,
        text: read::text(found, "/body")?,
        written,
        edited: changed != written,
    })
}

/// The comment of GitHub or Gitea at a path, if it is one of this pull request.
pub(super) async fn of_pull(
    link: &Link,
    path: String,
    pull: PullNumber,
) -> Result<Option<Remark>, ForgeError> {
    let found = remark(link, path, "/user/login").await?;
    let ours = found.filter(|(_, found)| is_of(found, pull));
    Ok(ours.map(|(remark, _)| remark))
}

/// Whether it is, by the address that it names.
fn is_of(found: &Value, pull: PullNumber) -> bool {
    ["/pull_request_url", "/issue_url"].iter().any(|pointer| {
        let address = read::text(found, pointer).unwrap_or_default();
        address.rsplit('/').next().and_then(PullNumber::parse) == Some(pull)
    })
}
