//! A change that kubemate offers as a pull request: files on a branch of their own, and the words about
//! it. Pure.
//!
//! The branch is named after what it holds, so that the same offer made twice is one pull request.

use super::{PullNumber, Put};
use crate::plan::Plan;
use crate::plan::display::escape::{code, markdown as words};
use crate::plan::display::markdown::{self, Part};
use crate::plan::display::{Places, summary};
use crate::source::repository::CommitId;

/// Most bytes of the words: what every forge takes.
const BODY_BYTES: usize = 60_000;
/// Digits of the digest that a branch is named with.
const DIGITS: usize = 10;
/// Most characters of a name in a branch.
const MAX_NAME: usize = 100;
/// The line of a commit message by which our own commits are known.
pub const TRAILER: &str = "Kubemate-Change";

/// One file that is not the same afterwards. Bytes are kept as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Its path from the repository's root.
    pub path: String,
    /// What it holds; `None` if it is not there.
    pub before: Option<Vec<u8>>,
    /// What it is to hold; `None` if it goes.
    pub after: Option<Vec<u8>>,
    /// Whether it may be executed, which stays as it is.
    pub executable: bool,
}

impl FileChange {
    /// What is done with it, in the word of the forges.
    pub fn verb(&self) -> &'static str {
        match (&self.before, &self.after) {
            (None, _) => "create",
            (Some(_), Some(_)) => "update",
            (Some(_), None) => "delete",
        }
    }
}

/// What is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The commit it was made of: nothing is written if the branch does not start there.
    pub base: CommitId,
    /// The branch that it is for.
    pub onto: String,
    /// The branch that holds it.
    pub branch: String,
    /// The title of the pull request and first line of the commit.
    pub title: String,
    /// The message of the commit.
    pub message: String,
    /// What the pull request says.
    pub body: String,
    /// The files.
    pub files: Vec<FileChange>,
    /// The id of the tree that it makes, where that is known.
    pub tree: Option<String>,
}

/// Where a branch stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tip {
    /// Its last commit.
    pub commit: CommitId,
    /// What that commit came on top of.
    pub parents: Vec<CommitId>,
    /// What it says.
    pub message: String,
    /// The id of its tree, where the forge tells it.
    pub tree: Option<String>,
}

/// An open pull request of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// Its number.
    pub number: PullNumber,
    /// Where people look at it.
    pub link: Option<String>,
    /// Whether it is new.
    pub put: Put,
}

/// What a proposal is about, for its words.
pub struct About<'a> {
    /// In one line, as in `Promote app/checkout to prod: 2.15.0`.
    pub title: &'a str,
    /// One line each: what else there is to know.
    pub remarks: &'a [String],
    /// What would change, by comparing the base with it.
    pub plans: &'a [Plan],
    /// Finds places in KDL.
    pub places: Places<'a>,
}

impl Proposal {
    /// What is offered of these files on top of a commit. `name` is a word for the branch.
    pub fn new(
        (base, onto): (&CommitId, &str),
        name: &str,
        files: Vec<FileChange>,
        about: &About<'_>,
    ) -> Self {
        let digest = digest(base, &files);
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() || c == '.' {
                c
            } else {
                '-'
            }
        };
        let name: String = name.chars().map(plain).take(MAX_NAME).collect();
        let mut message = format!("{}\n\n", about.title);
        for remark in about.remarks {
            message.push_str(&format!("{remark}\n"));
        }
        message.push_str(&format!("\n{TRAILER}: {digest}"));
        Self {
            base: base.clone(),
            onto: onto.to_owned(),
            branch: format!(
                "kubemate-{name}-{}",
                digest.get(..DIGITS).unwrap_or_default()
            ),
            title: about.title.to_owned(),
            message,
            body: body(base, about),
            files,
            tree: None,
        }
    }

    /// Whether a branch stands where this proposal would put it. Remarks depend on the hour, so of the
    /// message only the digest counts, and the tree is that of the change and of nothing else.
    pub fn is_at(&self, tip: &Tip) -> bool {
        let (ours, theirs) = (trailer(&self.message), trailer(&tip.message));
        let mut trees = self.tree.iter().zip(&tip.tree);
        tip.parents == [self.base.clone()]
            && theirs.is_some()
            && ours == theirs
            && trees.all(|(ours, theirs)| ours == theirs)
    }
}

/// The digest that a commit of ours names.
fn trailer(message: &str) -> Option<&str> {
    let mut lines = message.lines().rev();
    lines.find_map(|line| line.strip_prefix(TRAILER)?.strip_prefix(": "))
}

/// The digest over a base and the files on top of it.
fn digest(base: &CommitId, files: &[FileChange]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(base.as_str().as_bytes());
    for file in files {
        let after = file.after.as_deref().unwrap_or_default();
        for part in [
            file.path.as_bytes(),
            &[u8::from(file.after.is_some())],
            after,
        ] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
    }
    hasher.finalize().to_hex().to_string()
}

fn body(base: &CommitId, about: &About<'_>) -> String {
    let mut head = format!("Made by kubemate on top of {}.\n\n", code(base.short()));
    for remark in about.remarks {
        head.push_str(&format!("- {}\n", words(remark)));
    }
    let mut parts = vec![Part {
        importance: 0,
        what: "heading",
        text: head + "\n",
    }];
    let shown = about.plans.iter().filter(|plan| !plan.is_empty());
    for plan in shown.clone() {
        let set = code(&plan.set.to_string());
        parts.push(Part {
            importance: 1,
            what: "summary",
            text: format!("**{set}**: {}\n\n", words(&summary(plan))),
        });
        let findings = plan.findings.iter();
        parts.extend(findings.map(|finding| markdown::finding(finding, about.places)));
        parts.extend(markdown::differences(plan, about.places));
    }
    if shown.count() == 0 {
        parts.push(Part {
            importance: 1,
            what: "summary",
            text: "No object changes.\n".to_owned(),
        });
    }
    markdown::fit(&parts, BODY_BYTES, "`kubemate plan` shows all of it.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, after: &str) -> FileChange {
        FileChange {
            path: path.to_owned(),
            before: None,
            after: Some(after.into()),
            executable: false,
        }
    }

    fn proposal(base: char, files: Vec<FileChange>) -> Proposal {
        let about = About {
            title: "Promote",
            remarks: &["@ann said so".to_owned()],
            plans: &[],
            places: &|_| None,
        };
        let base = CommitId::new(&base.to_string().repeat(40)).unwrap();
        let tree = Some("7".repeat(40));
        Proposal {
            tree,
            ..Proposal::new((&base, "main"), "promote-app/ö", files, &about)
        }
    }

    #[test]
    fn a_branch_is_named_after_what_it_holds() {
        let one = proposal('1', vec![file("a", "x")]);
        assert_eq!(one, proposal('1', vec![file("a", "x")]));
        assert!(
            one.branch.starts_with("kubemate-promote-app---"),
            "{}",
            one.branch
        );
        for other in [
            proposal('2', vec![file("a", "x")]),
            proposal('1', vec![file("a", "y")]),
            proposal('1', vec![file("ax", "")]),
            proposal('1', vec![file("a", "x"), file("b", "")]),
        ] {
            assert_ne!(one.branch, other.branch);
        }
        assert!(!one.body.contains("@ann"), "{}", one.body);
    }

    #[test]
    fn only_our_own_commit_is_taken_for_ours() {
        let ours = proposal('1', vec![file("a", "x")]);
        let tip = Tip {
            commit: CommitId::new(&"9".repeat(40)).unwrap(),
            parents: vec![ours.base.clone()],
            message: format!("{}\n", ours.message),
            tree: ours.tree.clone(),
        };
        assert!(ours.is_at(&tip));
        let at_another_hour = Tip {
            message: ours.message.replace("@ann said so", "not before Monday"),
            ..tip.clone()
        };
        let untold = Tip {
            tree: None,
            ..tip.clone()
        };
        assert!(ours.is_at(&at_another_hour) && ours.is_at(&untold));
        let amended = Tip {
            tree: Some("8".repeat(40)),
            ..tip.clone()
        };
        assert!(!ours.is_at(&amended));
        let elsewhere = Tip {
            parents: vec![tip.commit.clone()],
            ..tip.clone()
        };
        let other = Tip {
            message: "mine".to_owned(),
            ..tip
        };
        assert!(!ours.is_at(&elsewhere) && !ours.is_at(&other));
    }
}
