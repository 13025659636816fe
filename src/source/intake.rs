//! The rules by which a directory and a commit become the same [`SourceTree`]: what is skipped, what
//! is too large, and which names would be one file on another machine.
//!
//! Pure bookkeeping: it never reads anything. An adapter lists what it found *before* it reads, asks
//! [`Listing::admit`], and reads only what was admitted.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::{
    MAX_FILE_BYTES, MAX_FILES, MAX_TREE_BYTES, PathError, RepoPath, Revision, SourceTree, TreeError,
};

/// Deepest directory that is looked into.
pub const MAX_DEPTH: usize = 32;
/// Most directory entries that are looked at, files or not.
pub const MAX_ENTRIES: usize = 5 * MAX_FILES;
/// Most refused names that are kept.
const MAX_REFUSED: usize = 100;

/// Whether nobody looks into this directory, neither on disk nor in a commit.
///
/// `.git`, `.kubemate` and `node_modules` anywhere, and the build directory `target` at the root.
/// Everything else is read, ignored by Git or not: what is validated is what lies there.
///
/// ```
/// use kubemate::source::intake::is_skipped;
/// assert!(is_skipped("web", "node_modules"));
/// assert!(is_skipped("", "target"));
/// assert!(!is_skipped("tenants", "target"));
/// ```
pub fn is_skipped(parent: &str, name: &str) -> bool {
    matches!(name, ".git" | ".kubemate" | "node_modules") || (parent.is_empty() && name == "target")
}

/// What reading one revision gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// Which state this is.
    pub revision: Revision,
    /// The files; paths are relative to the root that was asked for.
    pub tree: SourceTree,
    /// Names that cannot be paths in a repository, at most a hundred; their files are not in the tree.
    pub refused: Vec<PathError>,
}

/// What was found, before anything is read. `R` is how the adapter finds it again.
#[derive(Debug)]
pub struct Listing<R> {
    found: Vec<(RepoPath, u64, R)>,
    entries: usize,
    refused: Vec<PathError>,
}

/// One admitted place.
#[derive(Debug)]
pub struct Admitted<R> {
    /// Where it is.
    pub path: RepoPath,
    /// Its size as listed.
    pub bytes: u64,
    /// Whether it is within the limit for one file.
    pub readable: bool,
    /// How the adapter finds it.
    pub handle: R,
}

impl<R> Default for Listing<R> {
    fn default() -> Self {
        Self {
            found: Vec::new(),
            entries: 0,
            refused: Vec::new(),
        }
    }
}

impl<R> Listing<R> {
    /// Counts one directory entry of any sort, and says when there are too many.
    pub fn count(&mut self) -> Result<(), TreeError> {
        self.entries += 1;
        if self.entries > MAX_ENTRIES {
            Err(TreeError::TooManyFiles)
        } else {
            Ok(())
        }
    }

    /// Adds a place of this size; zero for what will not be read.
    pub fn add(&mut self, path: &str, bytes: u64, handle: R) -> Result<(), TreeError> {
        match RepoPath::new(path) {
            Ok(path) => self.found.push((path, bytes, handle)),
            Err(error) => self.refuse(error),
        }
        if self.found.len() > MAX_FILES {
            Err(TreeError::TooManyFiles)
        } else {
            Ok(())
        }
    }

    /// Remembers a name that is no path.
    pub fn refuse(&mut self, error: PathError) {
        if self.refused.len() < MAX_REFUSED {
            self.refused.push(error);
        }
    }

    /// Checks the size of everything together; only then may the adapter read.
    pub fn admit(mut self) -> Result<(Vec<Admitted<R>>, Vec<PathError>), TreeError> {
        self.found.sort_by(|a, b| a.0.cmp(&b.0));
        let mut total = 0;
        let mut admitted = Vec::with_capacity(self.found.len());
        for (path, bytes, handle) in self.found {
            let readable = bytes <= MAX_FILE_BYTES as u64;
            if readable {
                total += bytes;
            }
            if total > MAX_TREE_BYTES as u64 {
                return Err(TreeError::TooManyBytes { path });
            }
            admitted.push(Admitted {
                path,
                bytes,
                readable,
                handle,
            });
        }
        Ok((admitted, self.refused))
    }
}

/// Two paths, of files or of their directories, that look alike or are one on other machines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clash {
    /// The first in path order.
    pub first: String,
    /// The other one.
    pub second: String,
    /// Why they clash.
    pub cause: ClashCause,
}

/// Why two names clash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClashCause {
    /// They differ in upper and lower case only.
    Case,
    /// They differ in characters that nobody sees.
    Invisible,
}

/// All clashes in a tree, in path order.
pub fn clashes(tree: &SourceTree) -> Vec<Clash> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    let mut found = Vec::new();
    let mut before = "";
    for file in tree.files() {
        let path = file.path.as_str();
        // Directories that the file before lies in too have been seen.
        let known = common(before, path);
        before = path;
        let ends = path
            .match_indices('/')
            .map(|(at, _)| at)
            .filter(|at| *at >= known)
            .chain([path.len()]);
        for prefix in ends.filter_map(|end| path.get(..end)) {
            match seen.entry(folded(prefix)) {
                Entry::Vacant(place) => {
                    place.insert(prefix);
                }
                Entry::Occupied(place) if *place.get() != prefix => {
                    found.push(clash(place.get(), prefix));
                }
                Entry::Occupied(_) => {}
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Up to where two paths have their directories in common.
fn common(one: &str, other: &str) -> usize {
    let same = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b);
    let same = same.count();
    // The last `/` of the common part ends a directory that is the same in both.
    other.as_bytes()[..same]
        .iter()
        .rposition(|b| *b == b'/')
        .map_or(0, |at| at + 1)
}

/// The first character of a path that nobody sees, if there is one.
pub fn invisible_in(path: &RepoPath) -> Option<char> {
    path.as_str().chars().find(|c| is_invisible(*c))
}

fn clash(first: &str, second: &str) -> Clash {
    let visible = |text: &str| {
        text.chars()
            .filter(|c| !is_invisible(*c))
            .collect::<String>()
    };
    let same_letters = visible(first) == visible(second);
    let cause = if same_letters {
        ClashCause::Invisible
    } else {
        ClashCause::Case
    };
    Clash {
        first: first.to_owned(),
        second: second.to_owned(),
        cause,
    }
}

fn folded(path: &str) -> String {
    path.chars()
        .filter(|c| !is_invisible(*c))
        .flat_map(char::to_lowercase)
        .collect()
}

/// Characters that take no room or change the direction of what follows.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;

    fn tree(paths: &[&str]) -> SourceTree {
        let file = |p: &&str| SourceFile::from_bytes(RepoPath::new(p).unwrap(), Vec::new());
        SourceTree::new(paths.iter().map(file).collect()).unwrap()
    }

    #[test]
    fn names_that_are_one_elsewhere_clash() {
        let found = clashes(&tree(&[
            "a/App.kdl",
            "a/app.kdl",
            "A/other.kdl",
            "x\u{200b}",
            "x",
            "y",
        ]));
        let pairs: Vec<_> = found
            .iter()
            .map(|c| (&*c.first, &*c.second, c.cause))
            .collect();
        assert_eq!(
            pairs,
            [
                ("A", "a", ClashCause::Case),
                ("a/App.kdl", "a/app.kdl", ClashCause::Case),
                ("x", "x\u{200b}", ClashCause::Invisible),
            ]
        );
        assert!(clashes(&tree(&["a/x", "a/y", "b/x"])).is_empty());
    }

    #[test]
    fn the_total_is_checked_on_sizes_alone() {
        let mut listing = Listing::default();
        for i in 0..65 {
            listing
                .add(&format!("f{i:02}"), MAX_FILE_BYTES as u64, ())
                .unwrap();
        }
        let path = RepoPath::new("f64").unwrap();
        assert_eq!(
            listing.admit().unwrap_err(),
            TreeError::TooManyBytes { path }
        );
    }

    #[test]
    fn a_large_file_is_listed_but_counts_for_nothing() {
        let mut listing = Listing::default();
        listing.add("big", 50 * 1024 * 1024, ()).unwrap();
        listing.add("a\\b", 1, ()).unwrap();
        let (admitted, refused) = listing.admit().unwrap();
        assert!(!admitted[0].readable);
        assert_eq!(refused.len(), 1);
    }

    #[test]
    fn entries_and_files_are_counted() {
        let mut listing = Listing::default();
        let last = (0..=MAX_FILES)
            .map(|i| listing.add(&format!("f{i}"), 0, ()))
            .find(Result::is_err);
        assert_eq!(last, Some(Err(TreeError::TooManyFiles)));
        let mut listing = Listing::<()>::default();
        assert!((0..MAX_ENTRIES).all(|_| listing.count().is_ok()));
        assert!(listing.count().is_err());
    }
}
