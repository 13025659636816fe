//! A directory as a [`SourceTree`](crate::source::SourceTree), for local commands.
//!
//! Follows no symbolic link, opens nothing but regular files, and reads nothing before the number and
//! the sizes of all files were found within the limits. A file that changes while it is read stays
//! within them too. `.gitignore` is not consulted; [`is_skipped`] says what is left out.

use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::source::intake::{Admitted, Listing, Loaded, MAX_DEPTH, is_skipped};
use crate::source::{Content, PathError, RepoPath, Revision, SourceFile, SourceTree, TreeError};

use super::text::printable;

/// Why a directory could not be read at all. What is wrong with one file is in the tree instead.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// There is nothing.
    #[error("there is no directory `{path}`")]
    Missing {
        /// The directory that was asked for.
        path: String,
    },
    /// There is something else.
    #[error("`{path}` is not a directory")]
    NotADirectory {
        /// The path that was asked for.
        path: String,
    },
    /// It is closed to us.
    #[error("`{path}` may not be read by this user; check its permissions")]
    NoPermission {
        /// The directory that was asked for.
        path: String,
    },
    /// The system refused for another reason.
    #[error("`{path}` could not be read: {reason}")]
    Unreadable {
        /// The directory that was asked for.
        path: String,
        /// The system's reason.
        reason: String,
    },
    /// It is over the limits.
    #[error(transparent)]
    Tree(#[from] TreeError),
}

/// How a listed place is read.
#[derive(Debug)]
enum Place {
    File(PathBuf),
    Not(Content),
}

/// One directory still to be listed.
struct Pending {
    on_disk: PathBuf,
    in_tree: String,
    depth: usize,
}

/// Reads everything below `root`.
pub fn load(root: &Path) -> Result<Loaded, DiskError> {
    let (admitted, refused) = list(root)?.admit()?;
    let files = admitted.into_par_iter().map(read).collect();
    Ok(Loaded {
        revision: Revision::WorkingTree,
        tree: SourceTree::new(files)?,
        refused,
    })
}

/// Walks depth-first, without recursion and without reading any file.
fn list(root: &Path) -> Result<Listing<Place>, DiskError> {
    let mut listing = Listing::default();
    // Only the root itself may be reached through a link: it is what the person named.
    let first = fs::read_dir(root).map_err(|error| root_error(root, &error))?;
    let mut pending = Vec::new();
    let top = Pending {
        on_disk: root.to_owned(),
        in_tree: String::new(),
        depth: 0,
    };
    list_one(first, &top, &mut listing, &mut pending)?;
    while let Some(directory) = pending.pop() {
        if directory.depth > MAX_DEPTH {
            let reason = format!("it lies more than {MAX_DEPTH} directories deep");
            listing.add(&directory.in_tree, 0, hidden(reason))?;
            continue;
        }
        if directory.on_disk.join(".git").symlink_metadata().is_ok() {
            let reason = "it is a Git repository of its own, which is never read".to_owned();
            let nested = Place::Not(Content::Nested { reason });
            listing.add(&directory.in_tree, 0, nested)?;
            continue;
        }
        match fs::read_dir(&directory.on_disk) {
            Ok(entries) => list_one(entries, &directory, &mut listing, &mut pending)?,
            Err(error) => listing.add(&directory.in_tree, 0, hidden(reason_of(&error)))?,
        }
    }
    Ok(listing)
}

fn list_one(
    entries: fs::ReadDir,
    directory: &Pending,
    listing: &mut Listing<Place>,
    pending: &mut Vec<Pending>,
) -> Result<(), DiskError> {
    for entry in entries {
        listing.count()?;
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if directory.in_tree.is_empty() => {
                return Err(root_error(&directory.on_disk, &error));
            }
            Err(error) => {
                listing.add(&directory.in_tree, 0, hidden(reason_of(&error)))?;
                break;
            }
        };
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            let shown = join(&directory.in_tree, &printable(&name.to_string_lossy()));
            listing.refuse(PathError {
                path: shown,
                reason: "its name is not UTF-8",
            });
            continue;
        };
        let in_tree = join(&directory.in_tree, name);
        match entry.file_type() {
            // In a linked worktree `.git` is a file.
            _ if name == ".git" => {}
            Ok(kind) if kind.is_dir() && is_skipped(&directory.in_tree, name) => {}
            Ok(kind) if kind.is_dir() => {
                let depth = directory.depth + 1;
                pending.push(Pending {
                    on_disk: entry.path(),
                    in_tree,
                    depth,
                });
            }
            Ok(kind) => list_file(&entry, kind, &in_tree, listing)?,
            Err(error) => listing.add(&in_tree, 0, hidden(reason_of(&error)))?,
        }
    }
    Ok(())
}

fn list_file(
    entry: &fs::DirEntry,
    kind: FileType,
    in_tree: &str,
    listing: &mut Listing<Place>,
) -> Result<(), TreeError> {
    if kind.is_symlink() {
        return listing.add(in_tree, 0, Place::Not(Content::Symlink));
    }
    if !kind.is_file() {
        return listing.add(in_tree, 0, unreadable(special(kind).to_owned()));
    }
    match entry.metadata() {
        Ok(metadata) => listing.add(in_tree, metadata.len(), Place::File(entry.path())),
        Err(error) => listing.add(in_tree, 0, unreadable(reason_of(&error))),
    }
}

fn read(found: Admitted<Place>) -> SourceFile {
    let Admitted {
        path,
        bytes,
        readable,
        handle,
    } = found;
    match handle {
        Place::Not(content) => SourceFile::unread(path, content),
        Place::File(_) if !readable => SourceFile::unread(path, Content::TooLarge { bytes }),
        Place::File(on_disk) => match read_file(&on_disk, bytes) {
            Ok(content) => SourceFile::from_bytes(path, content),
            Err(error) => unread(path, &error),
        },
    }
}

/// Reads at most one byte more than the limit, so that a file that grew is still seen as too large.
fn read_file(on_disk: &Path, expected: u64) -> io::Result<Vec<u8>> {
    let file = open_regular(on_disk)?;
    let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or(0));
    file.take(expected + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > expected {
        return Err(io::Error::other("it grew while it was read; try again"));
    }
    Ok(bytes)
}

/// Opens without following a link and without waiting for a writer, should either have appeared.
fn open_regular(on_disk: &Path) -> io::Result<File> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(on_disk)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no longer a regular file"));
    }
    Ok(file)
}

fn unread(path: RepoPath, error: &io::Error) -> SourceFile {
    let content = match error.raw_os_error() {
        Some(libc::ELOOP) => Content::Symlink,
        _ => Content::Unreadable {
            reason: reason_of(error),
        },
    };
    SourceFile::unread(path, content)
}

fn root_error(root: &Path, error: &io::Error) -> DiskError {
    let path = printable(&root.to_string_lossy());
    match error.kind() {
        io::ErrorKind::NotFound => DiskError::Missing { path },
        io::ErrorKind::NotADirectory => DiskError::NotADirectory { path },
        io::ErrorKind::PermissionDenied => DiskError::NoPermission { path },
        _ => DiskError::Unreadable {
            path,
            reason: reason_of(error),
        },
    }
}

fn hidden(reason: String) -> Place {
    Place::Not(Content::Hidden { reason })
}

fn unreadable(reason: String) -> Place {
    Place::Not(Content::Unreadable { reason })
}

fn reason_of(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "this user may not read it".to_owned(),
        io::ErrorKind::NotFound => "it vanished while the directory was read".to_owned(),
        _ => error.to_string(),
    }
}

fn special(kind: FileType) -> &'static str {
    if kind.is_fifo() {
        "it is a named pipe"
    } else if kind.is_socket() {
        "it is a socket"
    } else if kind.is_block_device() || kind.is_char_device() {
        "it is a device"
    } else {
        "it is not a regular file"
    }
}

fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() {
        name.to_owned()
    } else {
        format!("{directory}/{name}")
    }
}

/// A file that cannot be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` cannot be {verb}: {reason}")]
pub struct FileError {
    /// The file.
    pub path: String,
    /// What was tried.
    pub verb: &'static str,
    /// The system's reason.
    pub reason: String,
}

impl FileError {
    fn new(path: &Path, verb: &'static str, error: &impl std::fmt::Display) -> Self {
        Self {
            path: path.display().to_string(),
            verb,
            reason: error.to_string(),
        }
    }
}

/// Whether what was named on the command line is a file.
pub fn is_file(path: &Path) -> bool {
    path.is_file()
}

/// The text of one file that was named on the command line.
pub fn read_text(path: &Path) -> Result<String, FileError> {
    fs::read_to_string(path).map_err(|error| FileError::new(path, "read", &error))
}

/// Adds to the end of a file, which is made where it is missing: how runners take outputs of steps.
pub fn append(path: &Path, text: &str) -> Result<(), FileError> {
    let failed = |error: &dyn std::fmt::Display| FileError::new(path, "written", &error);
    let mut file = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(|e| failed(&e))?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(|e| failed(&e))
}

/// Replaces a file's text; a reader sees the old one or the new one. Missing directories are made.
pub fn write(path: &Path, text: &str) -> Result<(), FileError> {
    let failed = |error: &dyn std::fmt::Display| FileError::new(path, "written", &error);
    let directory = path
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::create_dir_all(directory).map_err(|e| failed(&e))?;
    let mut file = tempfile::Builder::new()
        .prefix(".new-")
        .tempfile_in(directory)
        .map_err(|e| failed(&e))?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(|e| failed(&e))?;
    if let Ok(old) = fs::metadata(path) {
        file.as_file()
            .set_permissions(old.permissions())
            .map_err(|e| failed(&e))?;
    }
    file.persist(path).map(drop).map_err(|e| failed(&e.error))
}
