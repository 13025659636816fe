//! Which commit is in force: the one that the tracked ref points to, and while that one cannot be had or
//! is not valid, the one that was valid before. Trouble with a source never means that nothing is wanted.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::asked;
use super::cycle::{Seen, Sort, Trouble};
use super::desired::Desired;
use super::heads::Answer;
use crate::source::repository::{CommitId, RepositoryError};

/// What is said while the first answer of a repository is waited for.
const UNANSWERED: &str = "the repository does not answer yet";

/// Where the commits of one Sync come from.
pub(super) trait Source: Send {
    /// Where the tracked ref points to, if that is known by now. A question names the time after which an
    /// answer is news, and for how long it is waited for.
    fn head(
        &mut self,
        question: Option<(Instant, Duration)>,
    ) -> impl Future<Output = Option<Answer>> + Send;

    /// Whether the tracked commit may be read at all: the commit under which history was rewritten, if it
    /// was and that is followed; the error is why it is not read.
    fn admit(
        &mut self,
        head: &CommitId,
    ) -> impl Future<Output = Result<Option<String>, Trouble>> + Send;

    /// What a commit wants.
    fn desired(
        &mut self,
        commit: &CommitId,
    ) -> impl Future<Output = Result<Arc<Desired>, Trouble>> + Send;
}

/// What the repository said when it was asked last.
#[derive(Clone)]
pub(super) struct Said {
    attempted: Option<String>,
    trouble: Option<Trouble>,
    in_force: CommitId,
}

/// What the commit in force wants. `before` is what the repository said before, and `last_valid` the
/// commit that the status names; `ask` is as [`super::decide`] decided.
pub(super) async fn wanted<S: Source>(
    source: &mut S,
    before: &mut Option<Said>,
    ask: Option<Instant>,
    last_valid: Option<&str>,
    seen: &mut Seen,
) -> Option<Arc<Desired>> {
    let question = match (before.is_some(), ask) {
        (true, None) => None,
        (true, Some(heard)) => Some((heard, asked::SOON)),
        (false, heard) => Some((heard.unwrap_or_else(Instant::now), asked::FIRST)),
    };
    let head = source.head(question).await;
    if let Some(said) = before.clone().filter(|_| head.is_none()) {
        (seen.attempted, seen.trouble) = (said.attempted, said.trouble);
        return match source.desired(&said.in_force).await {
            Ok(desired) => {
                seen.in_force = Some(said.in_force.to_string());
                Some(desired)
            }
            // Nothing is known then, which is not that nothing is wanted.
            Err(trouble) => {
                seen.trouble.get_or_insert(trouble);
                None
            }
        };
    }
    *before = None;
    let found = match head {
        Some(Ok(head)) => {
            seen.attempted = Some(head.to_string());
            admitted(source, head, seen).await
        }
        Some(Err(error)) => Err(of_source(&error)),
        None => Err(Trouble::new(Sort::Source, UNANSWERED)),
    };
    let (commit, desired) = match found {
        Ok(found) => found,
        Err(trouble) => {
            seen.trouble = Some(trouble);
            let last = last_valid.and_then(CommitId::new)?;
            let desired = source.desired(&last).await.ok()?;
            (last, desired)
        }
    };
    seen.in_force = Some(commit.to_string());
    *before = Some(Said {
        attempted: seen.attempted.clone(),
        trouble: seen.trouble.clone(),
        in_force: commit,
    });
    Some(desired)
}

/// What the tracked commit wants, if it may be read and is valid.
async fn admitted<S: Source>(
    source: &mut S,
    head: CommitId,
    seen: &mut Seen,
) -> Result<(CommitId, Arc<Desired>), Trouble> {
    seen.rewritten = source.admit(&head).await?;
    let desired = source.desired(&head).await?;
    Ok((head, desired))
}

/// Trouble with a repository: of its content, or of the way to it.
pub(super) fn of_source(error: &RepositoryError) -> Trouble {
    let sort = match error {
        RepositoryError::NoSuchDirectory { .. } | RepositoryError::Tree(_) => Sort::InvalidCommit,
        _ => Sort::Source,
    };
    Trouble::new(sort, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "1111111111111111111111111111111111111111";

    /// A repository that does not answer, whatever it is asked.
    struct Silent;

    impl Source for Silent {
        async fn head(&mut self, _: Option<(Instant, Duration)>) -> Option<Answer> {
            None
        }

        async fn admit(&mut self, _: &CommitId) -> Result<Option<String>, Trouble> {
            Ok(None)
        }

        async fn desired(&mut self, _: &CommitId) -> Result<Arc<Desired>, Trouble> {
            Err(Trouble::new(Sort::Source, "nobody answers"))
        }
    }

    /// A look at a commit that was in force before and cannot be read again.
    async fn look(before: Option<Trouble>) -> Seen {
        let mut said = Some(Said {
            attempted: Some(COMMIT.to_owned()),
            trouble: before,
            in_force: CommitId::new(COMMIT).unwrap(),
        });
        let mut seen = Seen::default();
        let wanted = wanted(&mut Silent, &mut said, None, Some(COMMIT), &mut seen).await;
        assert!(wanted.is_none());
        seen
    }

    #[tokio::test]
    async fn a_commit_that_cannot_be_read_again_is_trouble_and_not_an_empty_one() {
        let seen = look(None).await;
        let trouble = Trouble::new(Sort::Source, "nobody answers");
        assert_eq!(seen.trouble, Some(trouble));
        assert_eq!(seen.in_force, None);
        assert_eq!(seen.attempted.as_deref(), Some(COMMIT));
        // What is wrong with the tracked commit is still what has to be mended.
        let mistake = Trouble::new(Sort::InvalidCommit, "a mistake");
        assert_eq!(look(Some(mistake.clone())).await.trouble, Some(mistake));
    }
}
