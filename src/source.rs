//! The files of one revision in memory: what a repository, a directory or a worker hands to the pipeline.
//!
//! A [`SourceTree`] is plain data. It never touches a disk or a Git object database; `adapters` fill
//! it, with the same limits for every origin. What could not be read stays in the tree as
//! [`Content`] of its own, so that it becomes a diagnostic and never silently an absent file.

pub mod address;
pub mod intake;
pub mod repository;
pub mod signed;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Largest number of files in a tree.
pub const MAX_FILES: usize = 20_000;
/// Largest size of one file in bytes.
pub const MAX_FILE_BYTES: usize = 1024 * 1024;
/// Largest size of all files together in bytes.
pub const MAX_TREE_BYTES: usize = 64 * 1024 * 1024;

/// A path inside a repository: relative, `/`-separated, without `.`, `..`, empty segments or NUL.
///
/// ```
/// use kubemate::source::RepoPath;
/// assert_eq!(RepoPath::new("tenants/a/app.kdl").unwrap().as_str(), "tenants/a/app.kdl");
/// assert!(RepoPath::new("../secret").is_err());
/// assert!(RepoPath::new("/etc/passwd").is_err());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepoPath(Arc<str>);

/// Why a text is not a path inside the repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` is not a path inside the repository: {reason}")]
pub struct PathError {
    /// The text as given, control characters escaped.
    pub path: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl RepoPath {
    /// Checks that `path` stays inside the repository whatever reads it.
    pub fn new(path: &str) -> Result<Self, PathError> {
        let refuse = |reason| {
            Err(PathError {
                path: path.escape_debug().to_string(),
                reason,
            })
        };
        if path.is_empty() {
            return refuse("it is empty");
        }
        if path.starts_with('/') {
            return refuse("it is absolute");
        }
        if path.contains('\\') {
            return refuse("it contains a backslash");
        }
        if path.chars().any(char::is_control) {
            return refuse("it contains a control character");
        }
        for segment in path.split('/') {
            match segment {
                "" => return refuse("it has an empty segment"),
                "." | ".." => return refuse("it has a `.` or `..` segment"),
                s if s.eq_ignore_ascii_case(".git") => return refuse("it points into `.git`"),
                _ => {}
            }
        }
        Ok(Self(path.into()))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The directory part, empty at the root.
    pub fn parent(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(dir, _)| dir)
    }
}

impl TryFrom<String> for RepoPath {
    type Error = PathError;
    fn try_from(path: String) -> Result<Self, PathError> {
        Self::new(&path)
    }
}

impl From<RepoPath> for String {
    fn from(path: RepoPath) -> Self {
        path.0.as_ref().to_owned()
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Which state of a repository a tree shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Revision {
    /// The files as they lie in a directory.
    WorkingTree,
    /// One commit, by its full id in lower-case hex.
    Commit(String),
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WorkingTree => f.write_str("working tree"),
            Self::Commit(id) => f.write_str(id.get(..12).unwrap_or(id)),
        }
    }
}

/// The BLAKE3 digest of a file's bytes: the key under which results about it may be cached.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BlobDigest([u8; 32]);

impl BlobDigest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// The raw digest.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for BlobDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(blake3::Hash::from_bytes(self.0).to_hex().as_str())
    }
}

/// What was found at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// UTF-8 text.
    Text(Box<str>),
    /// Bytes that are not UTF-8; valid up to this offset.
    NotUtf8 {
        /// Offset of the first bad byte.
        valid_up_to: usize,
    },
    /// A file over [`MAX_FILE_BYTES`], not read.
    TooLarge {
        /// Its size in bytes.
        bytes: u64,
    },
    /// A symbolic link, never followed.
    Symlink,
    /// A file that exists and could not be read.
    Unreadable {
        /// The system's reason.
        reason: String,
    },
    /// A repository within this one, which nobody looks into.
    Nested {
        /// What it is, in words that follow the path.
        reason: String,
    },
    /// A directory that could not be looked into: nobody knows which files are below.
    Hidden {
        /// The system's reason.
        reason: String,
    },
}

/// One file of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// Where it is.
    pub path: RepoPath,
    /// What is there.
    pub content: Content,
    /// Digest of the bytes; of nothing where they were not read.
    pub digest: BlobDigest,
}

impl SourceFile {
    /// A file from its bytes, whatever they are.
    pub fn from_bytes(path: RepoPath, bytes: Vec<u8>) -> Self {
        let digest = BlobDigest::of(&bytes);
        let content = if bytes.len() > MAX_FILE_BYTES {
            Content::TooLarge {
                bytes: bytes.len() as u64,
            }
        } else {
            match String::from_utf8(bytes) {
                Ok(text) => Content::Text(text.into()),
                Err(error) => Content::NotUtf8 {
                    valid_up_to: error.utf8_error().valid_up_to(),
                },
            }
        };
        Self {
            path,
            content,
            digest,
        }
    }

    /// A place that holds no readable file.
    pub fn unread(path: RepoPath, content: Content) -> Self {
        Self {
            path,
            content,
            digest: BlobDigest::of(b""),
        }
    }

    /// The text, where there is one.
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            Content::NotUtf8 { .. }
            | Content::TooLarge { .. }
            | Content::Symlink
            | Content::Unreadable { .. }
            | Content::Nested { .. }
            | Content::Hidden { .. } => None,
        }
    }
}

/// The index of a file in its [`SourceTree`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FileId(pub u32);

/// Files sorted by path. Order is part of the value: the same files always get the same [`FileId`]s.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceTree {
    files: Vec<SourceFile>,
}

/// A tree over the limits of [`MAX_FILES`] and [`MAX_TREE_BYTES`], or with a path twice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// More files than allowed.
    #[error(
        "the repository has more than {MAX_FILES} files; move what is not configuration out of it or narrow the path"
    )]
    TooManyFiles,
    /// More bytes than allowed.
    #[error("the repository's files are larger than {} MiB together; `{path}` crosses the limit", MAX_TREE_BYTES / 1024 / 1024)]
    TooManyBytes {
        /// The file that crosses the limit, in path order.
        path: RepoPath,
    },
    /// The same path twice.
    #[error("`{path}` is in the tree twice")]
    Twice {
        /// The path.
        path: RepoPath,
    },
}

impl SourceTree {
    /// Sorts the files and checks the limits.
    pub fn new(mut files: Vec<SourceFile>) -> Result<Self, TreeError> {
        if files.len() > MAX_FILES {
            return Err(TreeError::TooManyFiles);
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let mut bytes = 0;
        for (index, file) in files.iter().enumerate() {
            bytes += file.text().map_or(0, str::len);
            if bytes > MAX_TREE_BYTES {
                return Err(TreeError::TooManyBytes {
                    path: file.path.clone(),
                });
            }
            if index > 0 && files[index - 1].path == file.path {
                return Err(TreeError::Twice {
                    path: file.path.clone(),
                });
            }
        }
        Ok(Self { files })
    }

    /// All files in path order.
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// All files with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files
            .iter()
            .enumerate()
            .map(|(i, f)| (FileId(u32::try_from(i).unwrap_or(u32::MAX)), f))
    }

    /// The file with this id.
    pub fn get(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(id.0 as usize)
    }

    /// The file at this path.
    pub fn find(&self, path: &str) -> Option<(FileId, &SourceFile)> {
        let index = self
            .files
            .binary_search_by(|f| f.path.as_str().cmp(path))
            .ok()?;
        Some((FileId(u32::try_from(index).ok()?), &self.files[index]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_leave_the_repository_are_refused() {
        for path in [
            "../x",
            "/etc/passwd",
            "a/../../x",
            "..\\x",
            "a\0b",
            "",
            "a//b",
            "./a",
            ".git/config",
        ] {
            assert!(RepoPath::new(path).is_err(), "{path:?}");
        }
        assert!(
            RepoPath::new("%2e%2e/x").is_ok(),
            "nothing decodes percent signs"
        );
    }

    #[test]
    fn a_tree_is_ordered_and_finds_by_path() {
        let file = |p: &str| SourceFile::from_bytes(RepoPath::new(p).unwrap(), p.into());
        let tree = SourceTree::new(vec![file("b"), file("a/x")]).unwrap();
        assert_eq!(tree.find("b").unwrap().0, FileId(1));
        assert_eq!(tree.get(FileId(0)).unwrap().path.as_str(), "a/x");
        assert!(SourceTree::new(vec![file("a"), file("a")]).is_err());
    }
}
