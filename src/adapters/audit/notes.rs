//! A trail as notes of a Git repository: each line stands with the commit that it is about, in a ref of
//! its own that only grows. A push that finds the ref moved is made anew on top of it.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use git2::{ErrorCode, Oid, Signature, Time};
use jiff::Timestamp;

use super::{AuditError, begins};
use crate::adapters::git::LocalRepository;
use crate::adapters::git::remote::RemoteRepository;
use crate::report::audit::{End, Entry, end_of};
use crate::source::repository::RepositoryError;

/// How often a push is made anew because somebody else came first.
const TRIES: usize = 20;
/// Most bytes of all lines together.
const MAX_BYTES: usize = 256 * 1024 * 1024;

/// A trail in notes.
#[derive(Clone)]
pub struct NotesTrail {
    home: Home,
    name: String,
    known: Known,
}

/// The state of the ref when this process wrote it last, and the end then; locked while it writes.
type Known = Arc<tokio::sync::Mutex<Option<(Oid, End)>>>;

/// Where the notes are.
#[derive(Clone)]
pub(super) enum Home {
    /// At a remote, whose tracked ref is that of the notes.
    Remote(Box<RemoteRepository>),
    /// In a repository on this machine, to be read.
    Local(LocalRepository),
}

/// The ref of a trail's notes.
pub fn notes_ref(name: &str) -> String {
    format!("refs/notes/kubemate-audit/{name}")
}

/// The repository that a directory is in.
pub(super) fn local(directory: &Path) -> Result<Home, AuditError> {
    Ok(Home::Local(LocalRepository::discover(directory)?))
}

impl super::Trail {
    /// The trail of this name in the notes of a remote, whose tracked ref is [`notes_ref`] of it.
    pub fn in_notes(remote: RemoteRepository, name: &str) -> Result<Self, AuditError> {
        NotesTrail::new(Home::Remote(Box::new(remote)), name).map(Self::Notes)
    }

    /// This trail, with what another one of the same name knows of it.
    #[must_use]
    pub fn knowing(self, other: &Self) -> Self {
        match (self, other) {
            (Self::Notes(trail), Self::Notes(other)) => Self::Notes(NotesTrail {
                known: Arc::clone(&other.known),
                ..trail
            }),
            (Self::S3(trail), Self::S3(other)) => Self::S3(trail.knowing(other)),
            (trail, _) => trail,
        }
    }
}

impl NotesTrail {
    pub(super) fn new(home: Home, name: &str) -> Result<Self, AuditError> {
        let reference = notes_ref(name);
        if !git2::Reference::is_valid_name(&reference) {
            return Err(AuditError::store(name, "this is no name of a trail"));
        }
        Ok(Self {
            home,
            name: reference,
            known: Arc::default(),
        })
    }

    pub(super) async fn add(&self, entry: Entry, at: Timestamp) -> Result<(), AuditError> {
        let Home::Remote(remote) = &self.home else {
            return Err(AuditError::store(&self.name, "it is only read here"));
        };
        let mut known = self.known.lock().await;
        let (this, before) = (self.clone(), known.clone());
        let kept = Arc::new(Mutex::new(None));
        let outcome = Arc::clone(&kept);
        let write = move |repository: &git2::Repository, tip: Option<Oid>| match this.written(
            repository,
            (tip, before.as_ref()),
            &entry,
            at,
        ) {
            Ok((commit, end)) => {
                *outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(Ok(end));
                Ok(commit)
            }
            Err(error) => {
                let text = error.to_string();
                *outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(Err(error));
                Err(git2::Error::from_str(&text))
            }
        };
        let pushed = remote.append(write, TRIES).await;
        let kept = kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (pushed, kept) {
            (Ok(commit), Some(Ok(end))) => {
                let tip = Oid::from_str(commit.as_str()).ok();
                *known = tip.map(|tip| (tip, end));
                Ok(())
            }
            (_, Some(Err(error))) => Err(error),
            (Err(error), _) => Err(error.into()),
            (Ok(_), _) => Err(AuditError::store(&self.name, "nothing was written")),
        }
    }

    /// A commit that adds the line to the notes of its commit.
    fn written(
        &self,
        repository: &git2::Repository,
        (tip, known): (Option<Oid>, Option<&(Oid, End)>),
        entry: &Entry,
        at: Timestamp,
    ) -> Result<(Oid, End), AuditError> {
        let git = |error: git2::Error| AuditError::store(&self.name, error.message());
        // A mirror's notes are those of the remote, whatever an earlier try left.
        match tip {
            Some(tip) => drop(
                repository
                    .reference(&self.name, tip, true, "audit")
                    .map_err(git)?,
            ),
            None => {
                if let Ok(mut left) = repository.find_reference(&self.name) {
                    left.delete().map_err(git)?;
                }
            }
        }
        let end = match (known, tip) {
            (Some((then, end)), Some(tip)) if *then == tip => end.clone(),
            _ => {
                let there = tip.map(|_| text_of(repository, &self.name)).transpose()?;
                let end = end_of(&there.unwrap_or_default(), known.map(|(_, end)| end));
                end.map_err(|broken| AuditError::broken(&self.name, broken))?
            }
        };
        let subject = Oid::from_str(&entry.commit).map_err(git)?;
        begins(&self.name, &end, entry);
        let next = end.next(entry.clone(), at);
        let (line, end) = next.map_err(|error| AuditError::store(&self.name, error))?;
        let there = match repository.find_note(Some(&self.name), subject) {
            Ok(note) => String::from_utf8(note.message_bytes().to_vec()).map_err(|_| {
                AuditError::store(&self.name, "what is noted at the commit is no text")
            })?,
            Err(error) if error.code() == ErrorCode::NotFound => String::new(),
            Err(error) => return Err(git(error)),
        };
        let text = there + &line;
        let time = Time::new(at.as_second(), 0);
        let us = Signature::new("kubemate", "kubemate@localhost", &time).map_err(git)?;
        repository
            .note(&us, &us, Some(&self.name), subject, &text, true)
            .map_err(git)?;
        let commit = repository.refname_to_id(&self.name).map_err(git)?;
        Ok((commit, end))
    }

    /// All lines in their order.
    pub(super) async fn read(&self) -> Result<String, AuditError> {
        let local = match &self.home {
            Home::Local(local) => local.clone(),
            Home::Remote(remote) => match remote.fetched().await {
                Ok(local) => local,
                Err(RepositoryError::NoSuchRef { .. }) => return Ok(String::new()),
                Err(error) => return Err(error.into()),
            },
        };
        let name = match &self.home {
            Home::Local(_) => self.name.clone(),
            Home::Remote(remote) => remote.tracking(),
        };
        let reading = tokio::task::spawn_blocking(move || {
            local.reading(|repository| Ok(text_of(repository, &name)))
        });
        let read = reading
            .await
            .map_err(|_| AuditError::store(&self.name, "reading was interrupted"))?;
        read?
    }
}

/// The lines of all notes, by their numbers.
fn text_of(repository: &git2::Repository, name: &str) -> Result<String, AuditError> {
    let git = |error: git2::Error| AuditError::store(name, error.message());
    let (mut lines, mut bytes) = (Vec::new(), 0);
    for note in repository.notes(Some(name)).map_err(git)? {
        let (blob, _) = note.map_err(git)?;
        let blob = repository.find_blob(blob).map_err(git)?;
        bytes += blob.size();
        if bytes > MAX_BYTES {
            return Err(AuditError::store(
                name,
                "it is larger than can be read at once",
            ));
        }
        for line in String::from_utf8_lossy(blob.content()).lines() {
            lines.push((number_of(line), line.to_owned()));
        }
    }
    lines.sort();
    Ok(lines.into_iter().map(|(_, line)| line + "\n").collect())
}

/// The number that a line says; what says none comes last, where it breaks the chain.
fn number_of(line: &str) -> u64 {
    let value: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
    value["number"].as_u64().unwrap_or(u64::MAX)
}
