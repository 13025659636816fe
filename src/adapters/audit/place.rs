//! Names of the places where trails are kept, as operators write them.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use secrecy::{ExposeSecret as _, SecretString};

use super::file::FileTrail;
use super::notes::{NotesTrail, local};
use super::s3::S3Trail;
use super::{AuditError, Trail};

/// Where trails are kept: a directory, `s3://BUCKET/PREFIX` or `notes`.
///
/// An S3 store that is not Amazon's is named with `?endpoint=https://…`; `&region=…` and
/// `&lock-days=365` may follow.
///
/// ```
/// use kubemate::adapters::audit::Place;
/// for good in ["/var/audit", "s3://audit/eu?endpoint=https://s3.bank&lock-days=365", "notes"] {
///     assert!(good.parse::<Place>().is_ok(), "{good}");
/// }
/// for bad in ["", "s3://", "s3://Audit", "s3://a/b?lock-days=0", "s3://a?endpoint=http://s3.bank"] {
///     assert!(bad.parse::<Place>().is_err(), "{bad}");
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Files in a directory, `NAME.jsonl` each.
    Directory(PathBuf),
    /// Objects of an S3 store.
    Bucket(Bucket),
    /// Notes beside the commits, in the repository that they are of.
    Notes,
}

/// A place in an S3 store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// The bucket.
    pub(super) name: String,
    /// What stands before the names of objects; empty, or with a slash at its end.
    pub(super) prefix: String,
    /// The store, where it is not Amazon's.
    pub(super) endpoint: Option<String>,
    /// The region, where the environment does not say it.
    pub(super) region: Option<String>,
    /// For how many days no line can be deleted.
    pub(super) lock_days: Option<u16>,
}

/// Who we are to an S3 store, where the environment does not say it. Nothing shows it.
#[derive(Clone)]
pub struct Keys {
    /// The id of the key.
    pub id: String,
    /// The key.
    pub secret: SecretString,
}

impl PartialEq for Keys {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.secret.expose_secret() == other.secret.expose_secret()
    }
}

/// A text that names no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "write a directory, s3://BUCKET/PREFIX[?endpoint=https://HOST&region=REGION&lock-days=N], or `notes`"
)]
pub struct NoPlace;

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        match text {
            "" => Err(NoPlace),
            "notes" => Ok(Self::Notes),
            _ if text.starts_with("s3://") => bucket(text).map(Self::Bucket).ok_or(NoPlace),
            _ => Ok(Self::Directory(PathBuf::from(text))),
        }
    }
}

impl Place {
    /// The trail of this name. `name` is made of letters, digits, `-` and `.`. Notes are of a repository,
    /// which is not known here.
    pub async fn trail(&self, name: &str, keys: Option<Keys>) -> Option<Trail> {
        match self {
            Self::Directory(directory) => Some(Trail::File(FileTrail::new(directory, name))),
            Self::Bucket(bucket) => Some(Trail::S3(S3Trail::new(bucket, name, keys).await)),
            Self::Notes => None,
        }
    }
}

impl Trail {
    /// The trail that a person names to read it: a file, `s3://BUCKET/PREFIX/NAME`, or `notes/NAME` for
    /// notes that were fetched into the repository of the current directory.
    pub async fn named(text: &str) -> Result<Self, AuditError> {
        let refused = |reason: &str| AuditError::store(text, reason);
        if let Some(name) = text.strip_prefix("notes/") {
            return NotesTrail::new(local(Path::new("."))?, name).map(Self::Notes);
        }
        if !text.starts_with("s3://") {
            return Ok(Self::File(FileTrail::at(Path::new(text))));
        }
        let bucket = bucket(text).ok_or_else(|| refused(&NoPlace.to_string()))?;
        let whole = bucket.prefix.trim_end_matches('/').to_owned();
        let (prefix, name) = match whole.rsplit_once('/') {
            Some((prefix, name)) => (format!("{prefix}/"), name),
            None => (String::new(), whole.as_str()),
        };
        if name.is_empty() {
            return Err(refused(
                "its name is missing: write s3://BUCKET/PREFIX/NAME",
            ));
        }
        let bucket = Bucket { prefix, ..bucket };
        Ok(Self::S3(S3Trail::new(&bucket, name, None).await))
    }
}

fn bucket(text: &str) -> Option<Bucket> {
    let url = url::Url::parse(text).ok()?;
    let name = url.host_str()?.to_owned();
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.');
    // A host of an unknown scheme keeps its case.
    if !(3..=63).contains(&name.len()) && name.len() != 1 || !name.bytes().all(plain) {
        return None;
    }
    let prefix = url.path().trim_matches('/');
    let mut bucket = Bucket {
        name,
        prefix: if prefix.is_empty() {
            String::new()
        } else {
            format!("{prefix}/")
        },
        endpoint: None,
        region: None,
        lock_days: None,
    };
    for (key, value) in url.query_pairs() {
        match key.as_ref() {
            "endpoint" => bucket.endpoint = Some(endpoint(&value)?),
            "region" => bucket.region = Some(value.into_owned()),
            "lock-days" => bucket.lock_days = Some(value.parse().ok().filter(|days| *days > 0)?),
            _ => return None,
        }
    }
    Some(bucket)
}

/// Plain HTTP is for this machine only: what is signed can still be read on the way.
fn endpoint(text: &str) -> Option<String> {
    let url = url::Url::parse(text).ok()?;
    let here = matches!(url.host_str()?, "127.0.0.1" | "localhost" | "[::1]");
    let safe = url.scheme() == "https" || (url.scheme() == "http" && here);
    (safe && url.username().is_empty() && url.password().is_none()).then(|| text.to_owned())
}
