//! A remote repository as a bare mirror of one ref on this disk.
//!
//! The mirror is only a cache: what is damaged or too large is thrown away and fetched once more. It
//! never holds a credential, a configuration or a checkout, and a failed fetch leaves nothing in it.

mod past;
mod push;

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use git2::{Direction, FetchOptions, Oid, RemoteCallbacks};

use super::session::{Credential, FetchLimits, Session, SshOptions, Start};
use super::{LocalRepository, Merge, blocking, git_error, transport};
use crate::adapters::reach::Reach;
use crate::adapters::text::printable;
use crate::source::address::{AllowList, RemoteAddress};
use crate::source::intake::Loaded;
use crate::source::repository::{ChangedPaths, CommitId, Repository, RepositoryError};

/// "All of it", in libgit2's words.
const WHOLE_HISTORY: i32 = i32::MAX;

/// What is fetched, and how.
#[derive(Clone)]
pub struct RemoteOptions {
    /// The repository.
    pub address: RemoteAddress,
    /// The tracked ref by its full name.
    pub name: String,
    /// The directory of all mirrors.
    pub mirrors: PathBuf,
    /// Who we are to this host, and to no other.
    pub credential: Option<Credential>,
    /// What a fetch may use.
    pub limits: FetchLimits,
    /// How ssh is started.
    pub ssh: SshOptions,
}

/// A remote repository. Clones share one mirror.
#[derive(Clone)]
pub struct RemoteRepository {
    options: Arc<RemoteOptions>,
    client: reqwest::Client,
    reach: Reach,
    git_dir: PathBuf,
}

/// How much history a fetch asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// The tip alone; what was fetched before is kept.
    Tip,
    /// Everything.
    Whole,
}

impl RemoteRepository {
    /// Checks the address against the allow-list; fetches nothing yet. `client` comes from
    /// [`super::http::client`] and is shared by all remotes.
    pub fn new(
        options: RemoteOptions,
        allowed: &AllowList,
        client: reqwest::Client,
    ) -> Result<Self, RepositoryError> {
        allowed.check(&options.address)?;
        transport::prepare()?;
        let fits =
            options.name.starts_with("refs/") && git2::Reference::is_valid_name(&options.name);
        if !fits {
            let hint = Some("write the full name of a ref, such as refs/heads/main".to_owned());
            let revision = printable(&options.name);
            return Err(RepositoryError::UnknownRevision { revision, hint });
        }
        let name = blake3::hash(options.address.to_string().as_bytes()).to_hex();
        let git_dir = options
            .mirrors
            .join(format!("{}.git", name.get(..32).unwrap_or_default()));
        Ok(Self {
            options: Arc::new(options),
            client,
            reach: Reach::of(allowed),
            git_dir,
        })
    }

    /// Where the mirror lies.
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    fn session(&self, runtime: &tokio::runtime::Handle, may_push: bool) -> Arc<Session> {
        let options = &self.options;
        Session::new(Start {
            address: options.address.clone(),
            credential: options.credential.clone(),
            client: self.client.clone(),
            runtime: runtime.clone(),
            ssh: options.ssh.clone(),
            limits: options.limits,
            may_push,
            reach: self.reach,
        })
    }

    /// Brings the mirror up to date. Blocks; needs the runtime that drives the client.
    fn fetch(
        &self,
        runtime: &tokio::runtime::Handle,
        depth: Depth,
    ) -> Result<CommitId, RepositoryError> {
        let options = &self.options;
        let session = self.session(runtime, false);
        fs::create_dir_all(&options.mirrors).map_err(|error| disk_error(&error))?;
        let _lock = self.lock(&session)?;
        if size_of_packs(&self.git_dir) > options.limits.bytes {
            self.discard();
        }
        match session.during(|| self.fetch_once(&session, depth)) {
            Err(RepositoryError::Damaged { .. }) if self.git_dir.exists() => {
                self.discard();
                let again = session.during(|| self.fetch_once(&session, depth));
                if matches!(again, Err(RepositoryError::Damaged { .. })) {
                    self.discard();
                }
                again
            }
            other => other,
        }
    }

    fn fetch_once(&self, session: &Session, depth: Depth) -> Result<CommitId, RepositoryError> {
        let fetched = self.transfer(session, depth);
        if fetched.is_err() {
            remove_leftovers(&self.git_dir);
        }
        match fetched {
            Ok(()) => LocalRepository::at(&self.git_dir)?.resolve(&self.tracking()),
            Err(Stopped::Known(error)) => Err(error),
            // The transport knows better than libgit2 what went wrong.
            Err(Stopped::Git(error)) => Err(session.take_failure().unwrap_or_else(|| {
                if session.is_late() {
                    session.timed_out()
                } else {
                    fetch_error(session, &error)
                }
            })),
        }
    }

    fn transfer(&self, session: &Session, depth: Depth) -> Result<(), Stopped> {
        let repository = self.open_or_create()?;
        let mut remote = repository.remote_anonymous(&session.address.to_string())?;
        let mut connection =
            remote.connect_auth(Direction::Fetch, Some(callbacks(session)), None)?;
        let name = self.options.name.as_str();
        let tip = connection
            .list()?
            .iter()
            .find(|head| head.name() == name)
            .map(git2::RemoteHead::oid);
        let Some(tip) = tip else {
            // A ref that is gone is forgotten here too, so that nobody takes the old commit for it.
            if let Ok(mut old) = repository.find_reference(&self.tracking()) {
                old.delete()?;
            }
            let (host, name) = (session.host(), self.options.name.clone());
            return Err(Stopped::Known(RepositoryError::NoSuchRef { host, name }));
        };
        let known = self.is_whole(&repository, tip);
        if !known || depth == Depth::Whole && repository.is_shallow() {
            let mut fetch = FetchOptions::new();
            fetch.remote_callbacks(callbacks(session));
            fetch.download_tags(git2::AutotagOption::None);
            fetch.depth(if depth == Depth::Whole {
                WHOLE_HISTORY
            } else {
                1
            });
            let spec = format!("+{name}:{}", self.tracking());
            connection
                .remote()
                .download(&[spec.as_str()], Some(&mut fetch))?;
        }
        drop(connection);
        repository.reference(&self.tracking(), tip, true, "fetch")?;
        Ok(())
    }

    /// Whether the tip was fetched before, as far as its own objects tell.
    fn is_whole(&self, repository: &git2::Repository, tip: Oid) -> bool {
        repository.refname_to_id(&self.tracking()) == Ok(tip)
            && repository.find_object(tip, None).is_ok()
    }

    fn open_or_create(&self) -> Result<git2::Repository, git2::Error> {
        if let Ok(repository) = git2::Repository::open_bare(&self.git_dir) {
            return Ok(repository);
        }
        self.discard();
        let mut options = git2::RepositoryInitOptions::new();
        options.bare(true).external_template(false).mkpath(true);
        git2::Repository::init_opts(&self.git_dir, &options)
    }

    /// Two processes never write one mirror at the same time.
    fn lock(&self, session: &Session) -> Result<File, RepositoryError> {
        let path = self.git_dir.with_extension("lock");
        let file = File::create(path).map_err(|error| disk_error(&error))?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(disk_error(&error)),
                Err(TryLockError::WouldBlock) if session.is_late() => {
                    return Err(session.timed_out());
                }
                Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    fn discard(&self) {
        // What cannot be removed is met again by whoever opens it.
        drop(fs::remove_dir_all(&self.git_dir));
    }

    /// Where the tracked ref lies in the mirror.
    pub fn tracking(&self) -> String {
        let name = self
            .options
            .name
            .strip_prefix("refs/")
            .unwrap_or(&self.options.name);
        format!("refs/kubemate/{name}")
    }

    /// Runs `read` on the mirror, after one more fetch where the mirror is damaged, too shallow or gone.
    fn read<T>(
        &self,
        runtime: &tokio::runtime::Handle,
        read: impl Fn(&LocalRepository) -> Result<T, RepositoryError>,
    ) -> Result<T, RepositoryError> {
        let first = LocalRepository::at(&self.git_dir).and_then(|local| read(&local));
        match first {
            Err(RepositoryError::Damaged { .. } | RepositoryError::NotARepository { .. }) => {
                self.discard();
                self.fetch(runtime, Depth::Whole)?;
            }
            Err(RepositoryError::UnknownRevision { .. }) if self.lost_its_tip() => {
                self.discard();
                self.fetch(runtime, Depth::Whole)?;
            }
            Err(RepositoryError::UnknownRevision { .. }) if self.is_shallow() => {
                self.fetch(runtime, Depth::Whole)?;
            }
            other => return other,
        }
        read(&LocalRepository::at(&self.git_dir)?)
    }

    fn is_shallow(&self) -> bool {
        git2::Repository::open_bare(&self.git_dir).is_ok_and(|repository| repository.is_shallow())
    }

    /// Whether the tracked ref names a commit that cannot be found, as behind a truncated index.
    fn lost_its_tip(&self) -> bool {
        git2::Repository::open_bare(&self.git_dir).is_ok_and(|repository| {
            let tip = repository.refname_to_id(&self.tracking());
            tip.is_ok_and(|tip| repository.find_object(tip, None).is_err())
        })
    }

    /// The commits that came after one of the tracked ref up to another, the oldest first, each with
    /// what it came on top of, following first parents only. `None` if the one is not behind the other,
    /// or more than `most` lie between them.
    pub async fn since(
        &self,
        from: &CommitId,
        to: &CommitId,
        most: usize,
    ) -> Result<Option<Vec<(CommitId, CommitId)>>, RepositoryError> {
        let (from, to) = (from.clone(), to.clone());
        self.on_mirror(move |local| {
            local.resolve(from.as_str())?;
            local.resolve(to.as_str())?;
            local.since(&from, &to, most)
        })
        .await
    }

    /// Whether a merge holds exactly what Git makes of its two sides by itself. The last commit of the pull
    /// request may lie in the mirror of `pull` alone.
    pub async fn is_plain(&self, merge: Merge, pull: &Self) -> Result<bool, RepositoryError> {
        let beside = pull.git_dir.clone();
        self.on_mirror(move |local| local.is_plain(&merge, &beside))
            .await
    }

    async fn on_mirror<T: Send + 'static>(
        &self,
        read: impl Fn(&LocalRepository) -> Result<T, RepositoryError> + Send + 'static,
    ) -> Result<T, RepositoryError> {
        let (this, runtime) = (self.clone(), tokio::runtime::Handle::current());
        blocking(move || this.read(&runtime, read)).await
    }
}

impl Repository for RemoteRepository {
    async fn head(&self) -> Result<CommitId, RepositoryError> {
        let (this, runtime) = (self.clone(), tokio::runtime::Handle::current());
        blocking(move || this.fetch(&runtime, Depth::Tip)).await
    }

    async fn resolve(&self, revision: &str) -> Result<CommitId, RepositoryError> {
        let tracked = revision == self.options.name;
        let revision = if tracked {
            self.tracking()
        } else {
            revision.to_owned()
        };
        self.on_mirror(move |local| local.resolve(&revision)).await
    }

    async fn load(&self, commit: &CommitId, root: &str) -> Result<Loaded, RepositoryError> {
        let (commit, root) = (commit.clone(), root.to_owned());
        let read = move |local: &LocalRepository| {
            local.resolve(commit.as_str())?;
            local.load(&commit, &root)
        };
        self.on_mirror(read).await
    }

    async fn changed_paths(
        &self,
        from: &CommitId,
        to: &CommitId,
    ) -> Result<ChangedPaths, RepositoryError> {
        let (from, to) = (from.clone(), to.clone());
        let read = move |local: &LocalRepository| {
            local.resolve(from.as_str())?;
            local.resolve(to.as_str())?;
            local.changed_paths(&from, &to)
        };
        self.on_mirror(read).await
    }

    async fn merge_base(
        &self,
        one: &CommitId,
        other: &CommitId,
    ) -> Result<Option<CommitId>, RepositoryError> {
        let (one, other) = (one.clone(), other.clone());
        let (this, runtime) = (self.clone(), tokio::runtime::Handle::current());
        let find = move |local: &LocalRepository| {
            local.resolve(one.as_str())?;
            local.resolve(other.as_str())?;
            local.merge_base(&one, &other)
        };
        blocking(move || match this.read(&runtime, &find)? {
            None if this.is_shallow() => {
                this.fetch(&runtime, Depth::Whole)?;
                this.read(&runtime, &find)
            }
            found => Ok(found),
        })
        .await
    }
}

/// Why a transfer ended early.
enum Stopped {
    Known(RepositoryError),
    Git(git2::Error),
}

impl From<git2::Error> for Stopped {
    fn from(error: git2::Error) -> Self {
        Self::Git(error)
    }
}

/// Stops libgit2 at the deadline and at the limits, whatever it is doing.
fn callbacks(session: &Session) -> RemoteCallbacks<'_> {
    let mut callbacks = RemoteCallbacks::new();
    callbacks.sideband_progress(|_| !session.is_late());
    callbacks.transfer_progress(|progress| {
        if progress.total_objects() > session.limits.objects {
            let limit = session.limits.bytes;
            drop(session.fail(RepositoryError::TooLarge {
                host: session.host(),
                limit,
            }));
            return false;
        }
        !session.is_late()
    });
    callbacks
}

fn fetch_error(session: &Session, error: &git2::Error) -> RepositoryError {
    use git2::ErrorClass::{Indexer, Net, Odb, Reference, Zlib};
    let reason = printable(error.message());
    match error.class() {
        Indexer | Odb | Reference | Zlib => RepositoryError::Damaged { reason },
        Net => session.unreachable(reason),
        _ => git_error(error),
    }
}

fn disk_error(error: &std::io::Error) -> RepositoryError {
    RepositoryError::Git {
        reason: format!("the mirror cannot be written: {error}"),
    }
}

/// What an aborted fetch leaves beside the finished packs.
fn remove_leftovers(git_dir: &Path) {
    let Ok(entries) = fs::read_dir(git_dir.join("objects/pack")) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let finished = name.to_str().is_some_and(|name| {
            let ending = Path::new(name)
                .extension()
                .and_then(|ending| ending.to_str());
            name.starts_with("pack-") && matches!(ending, Some("pack" | "idx" | "rev" | "keep"))
        });
        if !finished {
            drop(fs::remove_file(entry.path()));
        }
    }
}

fn size_of_packs(git_dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(git_dir.join("objects/pack")) else {
        return 0;
    };
    entries
        .flatten()
        .filter_map(|entry| entry.metadata().ok())
        .map(|metadata| metadata.len())
        .sum()
}
