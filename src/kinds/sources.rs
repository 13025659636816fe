//! The owner's other files: what a field such as `file … from="…"` reads. A path is relative to the
//! directory of the KDL file that names it, and never leaves the owner's files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::object::Owner;
use crate::source::FileId;
use crate::values::path::RelativeGlob;

/// A place that holds no text: whoever means it cannot go on as if it were not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unusable {
    /// Where it is.
    pub path: String,
    /// Why it cannot be used, in words that follow the path.
    pub why: String,
    /// Whether it is a directory of which nobody knows what is below.
    pub hides: bool,
    /// Whether files may lie behind it though nobody looks there: a link, or a repository within this one.
    pub passed_by: bool,
}

/// The files that one owner's resources may read, and whose they are.
#[derive(Debug, Default)]
pub struct Sources {
    owner: Option<Owner>,
    kdl: BTreeMap<FileId, String>,
    texts: BTreeMap<String, (FileId, String)>,
    unusable: Vec<Unusable>,
}

impl Sources {
    /// From the owner, the paths of all KDL files in sight, and the owner's other files.
    pub fn new(
        owner: Owner,
        kdl: impl IntoIterator<Item = (FileId, String)>,
        texts: impl IntoIterator<Item = (String, FileId, String)>,
    ) -> Self {
        Self {
            owner: Some(owner),
            kdl: kdl.into_iter().collect(),
            texts: texts
                .into_iter()
                .map(|(path, id, text)| (path, (id, text)))
                .collect(),
            unusable: Vec::new(),
        }
    }

    /// The same with places of the owner that cannot be used.
    #[must_use]
    pub fn without(self, unusable: Vec<Unusable>) -> Self {
        Self { unusable, ..self }
    }

    /// Whether the files stand on paths of the platform.
    pub fn are_platforms(&self) -> bool {
        self.owner == Some(Owner::Platform)
    }

    /// The whole path of a file that a KDL file names.
    pub fn path(&self, named_in: FileId, path: &str) -> String {
        let directory = self.kdl.get(&named_in).and_then(|kdl| kdl.rsplit_once('/'));
        match directory {
            Some((directory, _)) => format!("{directory}/{path}"),
            None => path.to_owned(),
        }
    }

    /// The text of a file that a KDL file names.
    pub fn text(&self, named_in: FileId, path: &str) -> Option<&str> {
        self.texts
            .get(&self.path(named_in, path))
            .map(|(_, text)| text.as_str())
    }

    /// The files that a pattern in a KDL file means, by their paths.
    pub fn matching(&self, named_in: FileId, pattern: &RelativeGlob) -> Vec<(&str, FileId, &str)> {
        // The directory is no pattern, whatever characters it has.
        let directory = self.path(named_in, "");
        let matcher = pattern.matcher();
        let below = self.texts.iter().filter_map(|(path, (id, text))| {
            let rest = path.strip_prefix(&directory)?;
            matcher
                .is_match(rest)
                .then_some((path.as_str(), *id, text.as_str()))
        });
        below.collect()
    }

    /// What a pattern in a KDL file means and cannot be used, or where something that it means may be
    /// hidden.
    pub fn unusable(&self, named_in: FileId, pattern: &RelativeGlob) -> Vec<&Unusable> {
        let directory = self.path(named_in, "");
        let matcher = pattern.matcher();
        let meant = |place: &&Unusable| match place.path.strip_prefix(&directory) {
            Some(rest) => matcher.is_match(rest) || place.hides && pattern.reaches(rest),
            None => place.hides && directory.starts_with(&format!("{}/", place.path)),
        };
        self.unusable.iter().filter(meant).collect()
    }

    /// Places behind which nobody looks, and where something may lie that a pattern in a KDL file means.
    pub fn passed_by(&self, named_in: FileId, pattern: &RelativeGlob) -> Vec<&Unusable> {
        let directory = self.path(named_in, "");
        let matcher = pattern.matcher();
        let behind = |place: &&Unusable| {
            let rest = place.path.strip_prefix(&directory);
            let meant = |rest: &str| pattern.reaches(rest) && !matcher.is_match(rest);
            place.passed_by && rest.is_some_and(meant)
        };
        self.unusable.iter().filter(behind).collect()
    }

    /// Why a file that a KDL file names cannot be used, in words that follow its path, if it is there.
    pub fn why_not(&self, named_in: FileId, path: &str) -> Option<&str> {
        let path = self.path(named_in, path);
        let found = self.unusable.iter().find(|place| place.path == path);
        found.map(|place| place.why.as_str())
    }

    /// Paths of all files that can be read.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.texts.keys().map(String::as_str)
    }
}
