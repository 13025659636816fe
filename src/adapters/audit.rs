//! Where audit trails are kept: files in a directory, objects of an S3 store, notes of a Git repository.
//!
//! A line is in its place before the first write that it is about. Two writers of one trail never make
//! two chains of it: the place of each line can be taken once.

mod file;
mod notes;
mod place;
mod s3;

use jiff::Timestamp;

use self::file::FileTrail;
use self::notes::NotesTrail;
use self::s3::S3Trail;
use crate::report::audit::{self, Broken, End, Entry, Line};
use crate::source::repository::RepositoryError;

pub use notes::notes_ref;
pub use place::{Keys, NoPlace, Place};

/// Why nothing can be added to a trail, or read from it.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The place does not take it, or does not give it.
    #[error("the audit trail {place} cannot be used: {reason}")]
    Store {
        /// Where.
        place: String,
        /// Its reason.
        reason: String,
    },
    /// What is there is not what was written.
    #[error("the audit trail {place} is broken at {broken}; put it away and find out why")]
    Broken {
        /// Where.
        place: String,
        /// Which line.
        broken: Broken,
    },
    /// The Git repository that holds it.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

/// Says that a trail begins though something was applied before.
fn begins(place: impl std::fmt::Display, end: &End, entry: &Entry) {
    if let (0, Some(base)) = (end.lines(), &entry.base) {
        tracing::warn!(
            %place,
            base,
            "an audit trail begins after that commit: unless an older one was put away, it was deleted"
        );
    }
}

impl AuditError {
    fn store(place: impl std::fmt::Display, reason: impl std::fmt::Display) -> Self {
        let (place, reason) = (place.to_string(), reason.to_string());
        Self::Store { place, reason }
    }

    fn broken(place: impl std::fmt::Display, broken: Broken) -> Self {
        let place = place.to_string();
        Self::Broken { place, broken }
    }
}

/// A trail of one Sync. Clones write to the same one.
#[derive(Clone)]
pub enum Trail {
    /// A file.
    File(FileTrail),
    /// Objects of an S3 store.
    S3(S3Trail),
    /// Notes of a Git repository.
    Notes(NotesTrail),
}

impl Trail {
    /// Adds a line and waits until its place has it. What others may have written is checked before: a
    /// broken trail is not continued.
    pub async fn add(&self, entry: Entry, at: Timestamp) -> Result<(), AuditError> {
        match self {
            Self::File(trail) => {
                let trail = trail.clone();
                let added = tokio::task::spawn_blocking(move || trail.add(entry, at)).await;
                added.unwrap_or_else(|_| {
                    Err(AuditError::store("in a file", "writing was interrupted"))
                })
            }
            Self::S3(trail) => trail.add(entry, at).await,
            Self::Notes(trail) => trail.add(entry, at).await,
        }
    }

    /// All lines, checked, and the end; or where the chain breaks.
    pub async fn read(&self) -> Result<Result<(Vec<Line>, End), Broken>, AuditError> {
        match self {
            Self::File(trail) => trail.text().map(|text| audit::read(&text)),
            Self::S3(trail) => trail.read().await,
            Self::Notes(trail) => trail.read().await.map(|text| audit::read(&text)),
        }
    }
}
