//! Adds to a ref of a remote that only grows: fetched, written on top of, pushed; anew where somebody
//! else came first. Nothing is ever overwritten.

use std::cell::RefCell;

use git2::{Oid, PushOptions};

use super::{Depth, RemoteRepository, blocking, callbacks, fetch_error};
use crate::adapters::git::{LocalRepository, commit_id, git_error, oid};
use crate::adapters::text::printable;
use crate::source::address::Scheme;
use crate::source::repository::{CommitId, RepositoryError};

/// How one push ended.
enum Pushed {
    Done,
    /// The ref is no longer where it was: nothing was written.
    Moved,
}

impl RemoteRepository {
    /// The mirror, with all of the tracked ref as it is now.
    pub async fn fetched(&self) -> Result<LocalRepository, RepositoryError> {
        let (this, runtime) = (self.clone(), tokio::runtime::Handle::current());
        blocking(move || {
            this.fetch(&runtime, Depth::Whole)?;
            LocalRepository::at(&this.git_dir)
        })
        .await
    }

    /// Adds a commit to the tracked ref. `write` makes it in the mirror on top of what it is given, and
    /// is asked again where the ref moved meanwhile, `tries` times at most.
    pub async fn append(
        &self,
        write: impl Fn(&git2::Repository, Option<Oid>) -> Result<Oid, git2::Error> + Send + 'static,
        tries: usize,
    ) -> Result<CommitId, RepositoryError> {
        let (this, runtime) = (self.clone(), tokio::runtime::Handle::current());
        blocking(move || this.append_blocking(&runtime, &write, tries)).await
    }

    fn append_blocking(
        &self,
        runtime: &tokio::runtime::Handle,
        write: &dyn Fn(&git2::Repository, Option<Oid>) -> Result<Oid, git2::Error>,
        tries: usize,
    ) -> Result<CommitId, RepositoryError> {
        if self.options.address.scheme() == Scheme::Ssh {
            return Err(RepositoryError::Git {
                reason: "what is pushed goes over https: write the address that way".to_owned(),
            });
        }
        for _ in 0..tries {
            let tip = match self.fetch(runtime, Depth::Whole) {
                Ok(commit) => Some(oid(&commit)?),
                Err(RepositoryError::NoSuchRef { .. }) => None,
                Err(error) => return Err(error),
            };
            let session = self.session(runtime, true);
            let lock = self.lock(&session)?;
            let repository = self.open_or_create().map_err(|error| git_error(&error))?;
            let made = write(&repository, tip).map_err(|error| git_error(&error))?;
            let pushed = session.during(|| self.push(&repository, &session, made));
            match pushed {
                Ok(Pushed::Done) => return commit_id(made),
                Ok(Pushed::Moved) => {}
                // The answer may have got lost behind what was done: the ref tells.
                Err(error) if error.is_transient() => {
                    drop(lock);
                    if self
                        .fetch(runtime, Depth::Whole)
                        .is_ok_and(|now| is(&now, made))
                    {
                        return commit_id(made);
                    }
                    return Err(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(RepositoryError::Git {
            reason: format!("others were faster {tries} times"),
        })
    }

    fn push(
        &self,
        repository: &git2::Repository,
        session: &super::Session,
        commit: Oid,
    ) -> Result<Pushed, RepositoryError> {
        let name = self.options.name.as_str();
        let here = |error: git2::Error| git_error(&error);
        // Pushed from a name of its own, so that what others know of the ref stays as it was fetched.
        let offered = "refs/kubemate-push/offered";
        drop(
            repository
                .reference(offered, commit, true, "push")
                .map_err(here)?,
        );
        let address = self.options.address.to_string();
        let mut remote = repository.remote_anonymous(&address).map_err(here)?;
        let refused: RefCell<Option<String>> = RefCell::default();
        let mut answers = callbacks(session);
        answers.push_update_reference(|_, status| {
            *refused.borrow_mut() = status.map(str::to_owned);
            Ok(())
        });
        let mut options = PushOptions::new();
        options.remote_callbacks(answers);
        let spec = format!("{offered}:{name}");
        let pushed = remote.push(&[spec.as_str()], Some(&mut options));
        drop(options);
        match (pushed, refused.into_inner()) {
            (Ok(()), None) => Ok(Pushed::Done),
            (Ok(()), Some(why)) if is_race(&why) => Ok(Pushed::Moved),
            (Ok(()), Some(why)) => Err(RepositoryError::Git {
                reason: format!("{} refused the push: {}", session.host(), printable(&why)),
            }),
            (Err(error), _) if error.code() == git2::ErrorCode::NotFastForward => Ok(Pushed::Moved),
            (Err(error), _) => Err(session
                .take_failure()
                .unwrap_or_else(|| fetch_error(session, &error))),
        }
    }
}

/// Whether a refusal says that somebody else moved the ref.
fn is_race(why: &str) -> bool {
    [
        "fetch first",
        "non-fast-forward",
        "failed to update ref",
        "cannot lock",
        "stale info",
    ]
    .iter()
    .any(|text| why.contains(text))
}

fn is(commit: &CommitId, id: Oid) -> bool {
    commit.as_str() == id.to_string()
}
