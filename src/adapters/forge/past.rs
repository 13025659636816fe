//! What was done to a pull request since it was opened, as each dialect tells it: who pushed to it, and when it
//! was sent to another branch.

use serde_json::Value;

use super::client::{Ask, Link};
use super::{github, gitlab, read};
use crate::report::forge::{ForgeError, Past};
use crate::source::repository::CommitId;

const WHAT: &str = "read what was done to a pull request";
/// The size of a page at Gitea, and the most pages that are read there.
const GITEA_PAGE: usize = 50;
const GITEA_PAGES: usize = 60;
/// The most pages without anything, one after the other, behind which more is looked for.
const GITEA_GAP: usize = 8;

/// One thing that was done.
enum Deed {
    Pushed,
    Turned,
    Other,
}

/// GitHub tells of pushes only where they replaced commits.
pub(super) async fn github(link: &Link, path: &str) -> Result<Past, ForgeError> {
    let all = link.list(path, github::PAGES, WHAT).await?;
    let deed = |event: &Value| match event["event"].as_str() {
        Some("head_ref_force_pushed") => Deed::Pushed,
        Some("base_ref_changed" | "automatic_base_change_succeeded") => Deed::Turned,
        Some(_) | None => Deed::Other,
    };
    past(link, &all, "/actor/login", deed)
}

/// GitLab writes it down among the comments, as comments of its own.
pub(super) async fn gitlab(link: &Link, path: &str) -> Result<Past, ForgeError> {
    let all = link.list(path, gitlab::PAGES, WHAT).await?;
    let deed = |note: &Value| {
        let text = note["body"].as_str().unwrap_or_default();
        let turned = text.starts_with("changed target branch")
            || (text.starts_with("deleted the ") && text.contains("now targets"));
        match read::flag(note, "/system") && turned {
            true => Deed::Turned,
            false => Deed::Other,
        }
    };
    past(link, &all, "/author/username", deed)
}

/// Gitea leaves comments on lines out of the pages that they fill and tells no true number of all, so a page without
/// anything may not be the last one. The push of the last commit must have been among what was read, and is looked for
/// behind such pages: Gitea notes it anew right after a change of the branch, so nothing of that kind can hide there.
pub(super) async fn gitea(link: &Link, path: &str, head: &CommitId) -> Result<Past, ForgeError> {
    let is_push = |event: &Value| event["type"] == "pull_push";
    let brought = |event: &Value| {
        let pushed = event["body"].as_str().unwrap_or_default();
        is_push(event) && pushed.contains(head.as_str())
    };
    let (mut all, mut gap) = (Vec::<Value>::new(), 0);
    for page in 1..=GITEA_PAGES {
        let path = format!("{path}?limit={GITEA_PAGE}&page={page}");
        let ask = Ask::get(path, WHAT);
        match link.call(&ask).await?.body {
            Value::Array(items) if !items.is_empty() => {
                gap = 0;
                all.extend(items);
            }
            Value::Array(_) | Value::Null if gap == GITEA_GAP || all.iter().any(brought) => break,
            Value::Array(_) | Value::Null => gap += 1,
            _ => return Err(link.unreachable(&ask, "its answer is no list")),
        }
    }
    if !all.iter().any(brought) {
        let ask = Ask::get(path.to_owned(), WHAT);
        return Err(link.unreachable(&ask, "it does not tell who pushed the last commit"));
    }
    let deed = |event: &Value| match event["type"].as_str() {
        Some("pull_push") => Deed::Pushed,
        Some("change_target_branch") => Deed::Turned,
        Some(_) | None => Deed::Other,
    };
    past(link, &all, "/user/login", deed)
}

/// What was done, of all that is told; `actor` is where the name stands of who did it.
fn past(
    link: &Link,
    all: &[Value],
    actor: &str,
    deed: impl Fn(&Value) -> Deed,
) -> Result<Past, ForgeError> {
    let mut past = Past::default();
    for one in all {
        match deed(one) {
            Deed::Pushed => {
                let name = read::text(one, actor).filter(|name| read::is_login(name));
                past.pushers.push(name);
            }
            Deed::Turned => {
                let at = read::moment(one, "/created_at").ok_or_else(|| read::odd(link, WHAT))?;
                past.turned = past.turned.max(Some(at));
            }
            Deed::Other => {}
        }
    }
    Ok(past)
}
