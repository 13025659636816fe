//! What kubemate says to GitHub, GitLab, Gitea and Forgejo, and the trait through which it says it.
//!
//! The types below cannot hold what a forge would refuse: a status text fits, a comment carries the
//! marker of its instance, a line is at least 1. Adapters implement [`Forge`]; nothing here waits.

use std::fmt;
use std::future::Future;
use std::num::{NonZeroU32, NonZeroU64};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use self::proposal::{Offered, Proposal, Tip};
use crate::plan::display::escape;
use crate::source::repository::CommitId;

pub mod ci;
pub mod comment;
mod error;
pub mod notes;
pub mod outputs;
pub mod proposal;
pub mod webhook;

pub use error::ForgeError;

/// Most characters of a status description: the least that every forge takes.
pub const STATUS_TEXT: usize = 140;

/// The name of one kubemate that reports: several may speak on the same pull request.
///
/// ```
/// use kubemate::report::forge::Instance;
/// let instance = Instance::new("prod-eu").unwrap();
/// assert_eq!(instance.context(), "kubemate/plan/prod-eu");
/// assert!(Instance::new("prod eu -->").is_none());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Instance(String);

impl Instance {
    /// The name, if it is lower-case letters, digits and single hyphens between them, at most 40.
    pub fn new(name: &str) -> Option<Self> {
        let fits = !name.is_empty() && name.len() <= 40 && !name.contains("--");
        let plain = name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let ends = name.starts_with('-') || name.ends_with('-');
        (fits && plain && !ends).then(|| Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The one status context that a branch protection may require.
    pub fn context(&self) -> String {
        format!("kubemate/plan/{}", self.0)
    }

    /// The hidden first line of this instance's comment.
    pub fn marker(&self) -> String {
        format!("<!-- kubemate:v1 instance={} -->", self.0)
    }

    /// The hidden first line of this instance's answer to one comment. It is never the beginning of, nor
    /// begins with, [`Instance::marker`].
    pub fn reply_marker(&self, comment: u64) -> String {
        format!("<!-- kubemate:v1 instance={} reply={comment} -->", self.0)
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for Instance {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text).ok_or("an instance is lower-case letters, digits and hyphens")
    }
}

impl From<Instance> for String {
    fn from(instance: Instance) -> Self {
        instance.0
    }
}

/// The number of a pull or merge request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PullNumber(pub NonZeroU64);

impl PullNumber {
    /// The number, if it is one.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

impl fmt::Display for PullNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A pull request as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pull {
    /// Its number.
    pub number: PullNumber,
    /// The commit that would be merged.
    pub head: CommitId,
    /// The commit it was made against, where the forge tells.
    pub base: Option<CommitId>,
    /// The branch it goes to.
    pub target: String,
    /// Who opened it.
    pub author: String,
    /// Whether its commits come from another repository.
    pub fork: bool,
    /// Whether its author says that it is not finished.
    pub draft: bool,
    /// Whether it can still be merged.
    pub open: bool,
    /// Who merged it, once that is done and where the forge tells.
    pub merger: Option<String>,
}

/// How a check stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Work goes on.
    Pending,
    /// All is well.
    Success,
    /// The change was judged and refused.
    Failure,
    /// It could not be judged.
    Error,
}

/// A description that every forge takes: one line, at most [`STATUS_TEXT`] characters, nothing hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusText(String);

impl StatusText {
    /// The text, cut where it is too long.
    pub fn new(text: &str) -> Self {
        let line = escape::line(text);
        if line.chars().count() <= STATUS_TEXT {
            return Self(line);
        }
        let cut: String = line.chars().take(STATUS_TEXT - 1).collect();
        Self(cut + "…")
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a status is about. Each has a context of its own, so that none hides another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// What a change would do: the one that a branch protection may require.
    Plan,
    /// What became of a commit that is in force.
    Apply,
}

/// The status of one instance on one commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The commit.
    pub commit: CommitId,
    /// Who says it; the context follows from it and from the purpose.
    pub instance: Instance,
    /// What it is about.
    pub purpose: Purpose,
    /// How it stands.
    pub state: State,
    /// In a few words.
    pub text: StatusText,
    /// Where there is more to read.
    pub link: Option<String>,
}

impl Status {
    /// Under which name the forge shows it.
    pub fn context(&self) -> String {
        match self.purpose {
            Purpose::Plan => self.instance.context(),
            Purpose::Apply => format!("kubemate/apply/{}", self.instance),
        }
    }
}

/// How much a line note weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// It stops the change.
    Failure,
    /// It may hurt.
    Warning,
    /// Good to know.
    Notice,
}

/// A few words on one line of KDL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineNote {
    /// How much it weighs.
    pub weight: Weight,
    /// The file, from the repository's root.
    pub path: String,
    /// The line, from 1.
    pub line: NonZeroU32,
    /// The rule or code.
    pub title: String,
    /// What is to say, of users and not escaped.
    pub message: String,
}

/// A deployment of one commit to one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// The commit.
    pub commit: CommitId,
    /// The environment.
    pub environment: String,
    /// How it stands.
    pub state: State,
    /// In a few words.
    pub text: StatusText,
}

/// What a person said about a pull request, the latest word only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Who.
    pub user: String,
    /// Whether it is a yes.
    pub approved: bool,
    /// The commit that was looked at, where the forge tells. A yes to another commit is none.
    pub commit: Option<CommitId>,
    /// When, where the forge tells.
    pub at: Option<Timestamp>,
}

/// What was done to a pull request since it was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    /// Who pushed to it, as far as the forge tells; `None` for somebody whom it does not name.
    pub pushers: Vec<Option<String>>,
    /// When it was sent to another branch last: what was said before was said of something else.
    pub turned: Option<Timestamp>,
}

/// A comment as it stands at the forge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Who wrote it.
    pub author: String,
    /// What it says.
    pub text: String,
    /// When it was written.
    pub written: Timestamp,
    /// Whether anything of it was changed after it was written, by whomever.
    pub edited: bool,
}

/// What a user may do with a repository; each includes those before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// Nothing, or nobody knows the user.
    None,
    /// Read.
    Read,
    /// Push branches.
    Write,
    /// Decide about the repository.
    Admin,
}

/// Which lines of a pull request can bear a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineScope {
    /// Any line of any file.
    Anywhere,
    /// Only lines that the pull request shows.
    Shown,
}

/// What a forge can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// Most bytes of a comment.
    pub comment_bytes: usize,
    /// Which lines can bear a note.
    pub lines: LineScope,
    /// Whether deployments exist.
    pub deployments: bool,
    /// Whether a review names the commit that was looked at. Where it does not, the forge itself must
    /// take approvals back when commits are added.
    pub reviews_name_commits: bool,
}

/// What became of something that was reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    /// It is new.
    Created,
    /// It stands in place of what was there.
    Updated,
    /// It was there already: nothing was written.
    Same,
    /// The forge has no place for it, or no more; why.
    Skipped(String),
}

/// A forge, for one repository.
///
/// Everything that is written can be written again: what stands there already is left alone.
pub trait Forge: Send + Sync {
    /// What this forge can do.
    fn caps(&self) -> Caps;

    /// One pull request.
    fn pull(&self, number: PullNumber) -> impl Future<Output = Result<Pull, ForgeError>> + Send;

    /// The open pull requests, at most a few hundred.
    fn open_pulls(&self) -> impl Future<Output = Result<Vec<Pull>, ForgeError>> + Send;

    /// Sets the status of an instance on a commit.
    fn put_status(&self, status: &Status) -> impl Future<Output = Result<Put, ForgeError>> + Send;

    /// Makes the one comment of an instance say this, wherever it stands; its second comments go.
    fn put_comment(
        &self,
        pull: PullNumber,
        comment: &comment::Comment,
    ) -> impl Future<Output = Result<Put, ForgeError>> + Send;

    /// The comment of this number; `None` if the pull request has none.
    fn remark(
        &self,
        pull: PullNumber,
        id: u64,
    ) -> impl Future<Output = Result<Option<Remark>, ForgeError>> + Send;

    /// Makes these the notes of an instance on the lines of a pull request.
    fn put_notes(
        &self,
        pull: &Pull,
        instance: &Instance,
        notes: &[LineNote],
    ) -> impl Future<Output = Result<Put, ForgeError>> + Send;

    /// Reports a deployment.
    fn put_deployment(
        &self,
        deployment: &Deployment,
    ) -> impl Future<Output = Result<Put, ForgeError>> + Send;

    /// The latest word of each reviewer.
    fn reviews(
        &self,
        number: PullNumber,
    ) -> impl Future<Output = Result<Vec<Review>, ForgeError>> + Send;

    /// What a user may do.
    fn permission(&self, user: &str)
    -> impl Future<Output = Result<Permission, ForgeError>> + Send;

    /// Whether a user was let in by name or by group. A public repository may be read by everybody.
    fn is_collaborator(&self, user: &str) -> impl Future<Output = Result<bool, ForgeError>> + Send;

    /// The pull request with which a commit came into a branch, if it came with one. What was merged into
    /// another branch does not count.
    fn merged_with(
        &self,
        commit: &CommitId,
        target: &str,
    ) -> impl Future<Output = Result<Option<Pull>, ForgeError>> + Send;

    /// The commit from which a pull request went its own way. `before` is what it was merged into.
    fn fork_point(
        &self,
        pull: &Pull,
        before: &CommitId,
    ) -> impl Future<Output = Result<Option<CommitId>, ForgeError>> + Send;

    /// Who wrote the commits of a pull request: author and committer of each; `None` for somebody whom
    /// the forge does not know.
    fn writers(
        &self,
        number: PullNumber,
    ) -> impl Future<Output = Result<Vec<Option<String>>, ForgeError>> + Send;

    /// What was done to a pull request since it was opened. What cannot be read whole is an error.
    fn past(&self, pull: &Pull) -> impl Future<Output = Result<Past, ForgeError>> + Send;

    /// Whether a user is in a group: a team of the repository's owner, or `OWNER/TEAM`; on GitLab the
    /// path of a group.
    fn is_member(
        &self,
        group: &str,
        user: &str,
    ) -> impl Future<Output = Result<bool, ForgeError>> + Send;

    /// Where a branch stands; `None` if there is no such branch.
    fn tip(&self, branch: &str) -> impl Future<Output = Result<Option<Tip>, ForgeError>> + Send;

    /// Makes the branch of a proposal with its one commit, on top of exactly its base.
    fn put_branch(
        &self,
        proposal: &Proposal,
    ) -> impl Future<Output = Result<(), ForgeError>> + Send;

    /// The open pull request of a proposal's branch, if there is one.
    fn offered(
        &self,
        proposal: &Proposal,
    ) -> impl Future<Output = Result<Option<Offered>, ForgeError>> + Send;

    /// Opens the pull request of a branch that exists.
    fn open_pull(
        &self,
        proposal: &Proposal,
    ) -> impl Future<Output = Result<Offered, ForgeError>> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_cannot_leave_their_marker() {
        for bad in [
            "",
            "A",
            "a b",
            "a-->",
            "-a",
            "a-",
            "a--b",
            &"a".repeat(41),
            "ä",
        ] {
            assert!(Instance::new(bad).is_none(), "{bad}");
        }
        assert!(
            Instance::new("prod-eu1")
                .unwrap()
                .marker()
                .ends_with("=prod-eu1 -->")
        );
    }

    #[test]
    fn status_texts_fit_and_stay_on_a_line() {
        let long = StatusText::new(&"ä\n".repeat(400));
        assert_eq!(long.as_str().chars().count(), STATUS_TEXT);
        assert!(!long.as_str().contains('\n') && long.as_str().ends_with('…'));
        assert_eq!(StatusText::new("ok").as_str(), "ok");
    }

    #[test]
    fn a_pull_request_has_a_number() {
        assert_eq!(PullNumber::parse("12").unwrap().to_string(), "12");
        for bad in ["0", "-1", "", "1; rm", "12/../3"] {
            assert!(PullNumber::parse(bad).is_none(), "{bad}");
        }
    }
}
