//! What libgit2 needs to be told once per process.
//!
//! The only file with `unsafe` of our own: libgit2's settings are process-wide and must not change
//! while another call uses them, which the `Once`-like cell here guarantees.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use git2::ConfigLevel;
use git2::transport::Transport;

use super::http::Http;
use super::session::Session;
use super::ssh::Ssh;
use crate::source::repository::RepositoryError;

/// libgit2 maps pack files in windows; its defaults suit a desktop, not a container.
const WINDOW_BYTES: usize = 32 * 1024 * 1024;
const MAPPED_BYTES: usize = 256 * 1024 * 1024;
const OBJECT_CACHE_BYTES: isize = 64 * 1024 * 1024;

/// Makes libgit2 ready. Called before anything else is asked of it, and does its work once.
pub fn prepare() -> Result<(), RepositoryError> {
    static DONE: OnceLock<Result<(), String>> = OnceLock::new();
    DONE.get_or_init(|| configure().map_err(|error| error.message().to_owned()))
        .clone()
        .map_err(|reason| RepositoryError::Git { reason })
}

#[expect(
    unsafe_code,
    reason = "libgit2's process-wide settings; synchronised by the cell in `prepare`, before any other use"
)]
fn configure() -> Result<(), git2::Error> {
    git2::opts::strict_hash_verification(true);
    let nowhere = Path::new("");
    // SAFETY: `prepare` runs this once, before any other call into libgit2, and blocks all others.
    unsafe {
        git2::opts::set_mwindow_size(WINDOW_BYTES)?;
        git2::opts::set_mwindow_mapped_limit(MAPPED_BYTES)?;
        git2::opts::set_cache_max_size(OBJECT_CACHE_BYTES)?;
        // Nothing is executed and nothing written, so it does not matter who owns the files.
        git2::opts::set_verify_owner_validation(false)?;
        // A person's or machine's Git configuration must not change what a commit means.
        for level in [
            ConfigLevel::System,
            ConfigLevel::XDG,
            ConfigLevel::Global,
            ConfigLevel::ProgramData,
        ] {
            git2::opts::set_search_path(level, nowhere)?;
        }
        for scheme in ["https", "http"] {
            git2::transport::register(scheme, |remote| {
                Transport::smart(remote, true, Http(session()?))
            })?;
        }
        git2::transport::register("ssh", |remote| {
            Transport::smart(remote, false, Ssh(session()?))
        })?;
    }
    Ok(())
}

/// A remote that nobody prepared a session for is not contacted.
fn session() -> Result<Arc<Session>, git2::Error> {
    Session::current().ok_or_else(|| git2::Error::from_str("remotes are reached by a fetch only"))
}
