//! Fields of answers as the types of the report; what is missing or odd is an error, not a guess.

use jiff::Timestamp;
use serde_json::Value;

use super::client::{Ask, Link};
use crate::report::forge::proposal::Offered;
use crate::report::forge::{ForgeError, PullNumber, Put};
use crate::source::repository::CommitId;

/// Names of users are the same in any case.
pub(super) fn same_user(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

pub(super) fn commit(value: &Value, pointer: &str) -> Option<CommitId> {
    CommitId::new(value.pointer(pointer)?.as_str()?)
}

/// The commits of a list, each at a pointer below its item; `None` where one is none.
pub(super) fn commits(value: &Value, list: &str, pointer: &str) -> Option<Vec<CommitId>> {
    let list = value.pointer(list)?.as_array()?;
    list.iter().map(|item| commit(item, pointer)).collect()
}

/// A pull request that was found or made.
pub(super) fn offered(value: &Value, id: &str, link: &str, put: Put) -> Option<Offered> {
    let number = number(value, id)?;
    let link = text(value, link);
    Some(Offered { number, link, put })
}

pub(super) fn text(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer)?.as_str().map(str::to_owned)
}

pub(super) fn moment(value: &Value, pointer: &str) -> Option<Timestamp> {
    value.pointer(pointer)?.as_str()?.parse().ok()
}

/// Author and committer of commits, in the words that GitHub and Gitea share. Of more than `most` commits
/// not all are told, so others may have written the rest.
pub(super) fn writers(commits: &[Value], most: usize) -> Vec<Option<String>> {
    let sides = ["/author/login", "/committer/login"];
    let of = |commit: &Value| sides.map(|side| text(commit, side).filter(|name| is_login(name)));
    let rest = (commits.len() >= most).then_some(None);
    commits.iter().flat_map(of).chain(rest).collect()
}

/// The organization and the team that a group means.
pub(super) fn team<'a>(group: &'a str, repository: &'a str) -> Option<(&'a str, &'a str)> {
    let owner = repository.split('/').next()?;
    let (owner, team) = group.split_once('/').unwrap_or((owner, group));
    // A part that is no name would lead somewhere else in a path.
    let plain = |part: &str| !matches!(part, "" | "." | "..");
    (plain(owner) && plain(team)).then_some((owner, team))
}

pub(super) fn flag(value: &Value, pointer: &str) -> bool {
    value
        .pointer(pointer)
        .and_then(Value::as_bool)
        .unwrap_or(false)
}

pub(super) fn number(value: &Value, pointer: &str) -> Option<PullNumber> {
    PullNumber::parse(&value.pointer(pointer)?.as_u64()?.to_string())
}

/// An answer without what it must have.
pub(super) fn odd(link: &Link, what: &'static str) -> ForgeError {
    let reason = "its answer lacks what it must have".to_owned();
    ForgeError::Unreachable {
        host: link.host(),
        what,
        reason,
    }
}

/// The name of the user whose token we have; `bot` where the token may not ask.
pub(super) async fn login(
    link: &Link,
    pointer: &str,
    bot: Option<&str>,
) -> Result<String, ForgeError> {
    let what = "ask whose token this is";
    let answer = match (link.call(&Ask::get("/user", what)).await, bot) {
        (Err(ForgeError::Denied { .. } | ForgeError::Missing { .. }), Some(bot)) => {
            return Ok(bot.to_owned());
        }
        (answer, _) => answer?.body,
    };
    text(&answer, pointer).ok_or_else(|| odd(link, what))
}

/// Whether a text can be a user's name. Anything else is nobody, and never part of a path.
pub(super) fn is_login(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let start = text
        .bytes()
        .next()
        .is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
    let base = text.strip_suffix("[bot]").unwrap_or(text);
    start && text.len() <= 255 && base.bytes().all(word)
}

/// A text as one segment of a path or one value of a query.
pub(super) fn segment(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
    let encode = |b: u8| {
        if plain(b) {
            char::from(b).to_string()
        } else {
            format!("%{b:02X}")
        }
    };
    text.bytes().map(encode).collect()
}
