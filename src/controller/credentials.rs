//! The directory of credentials, as a mounted Secret is one: a file for each host and use.
//!
//! Files are read anew each time, so that a changed Secret is used at once. Nothing here has a `Debug`.

use std::path::{Path, PathBuf};

use crate::adapters::audit::Keys;
use crate::adapters::disk;

/// Where credentials lie, if anywhere.
#[derive(Clone, Default)]
pub struct Credentials(Option<PathBuf>);

impl Credentials {
    /// The credentials in a directory; without one there are none.
    pub fn new(directory: Option<PathBuf>) -> Self {
        Self(directory)
    }

    /// The path of a file, if it is there.
    pub(super) fn file(&self, name: &str) -> Option<PathBuf> {
        let path = self.0.as_deref().map(|dir: &Path| dir.join(name))?;
        path.is_file().then_some(path)
    }

    /// What a file holds, without space around it; an empty one is as good as none.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let text = disk::read_text(&self.file(name)?).ok()?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// The keys of the S3 store, `s3.access-key-id` and `s3.secret-access-key`; without them the
    /// environment says who we are.
    pub(super) fn s3(&self) -> Option<Keys> {
        let id = self.text("s3.access-key-id")?;
        let secret = self.text("s3.secret-access-key")?.into();
        Some(Keys { id, secret })
    }
}
