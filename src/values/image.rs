//! Container images: the repository, the tag, the digest, and all of them together.
//!
//! The repository and the version of an image are two values, so that a promotion changes one line.

use std::fmt;
use std::sync::Arc;

use crate::names::grammar::{Grammar, Numbers, ValueError, length, only};
use crate::names::text;

/// Where an image is kept, without a tag: "harbor.bank/payments/checkout".
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageRepository(Arc<str>);

text!(ImageRepository);

impl ImageRepository {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host of the registry with its port, `None` where the runtime's default is meant.
    pub fn registry(&self) -> Option<&str> {
        self.0
            .split_once('/')
            .map(|(host, _)| host)
            .filter(|host| is_host(host))
    }

    /// The path inside the registry.
    pub fn path(&self) -> &str {
        match self.registry() {
            Some(host) => &self.0[host.len() + 1..],
            None => &self.0,
        }
    }
}

/// A first part that is a host and not a directory of the default registry.
fn is_host(part: &str) -> bool {
    part == "localhost" || part.contains(['.', ':'])
}

fn registry_host(host: &str) -> Result<(), String> {
    let (name, port) = host.split_once(':').unwrap_or((host, "443"));
    let label = |part: &str| {
        let edge = |c: char| c.is_ascii_alphanumeric();
        let inner = part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        inner && part.starts_with(edge) && part.ends_with(edge)
    };
    if !name.split('.').all(label) {
        return Err("its first part is not the name of a host".to_owned());
    }
    match port.parse::<u16>() {
        Ok(1..) if !port.starts_with(['+', '0']) => Ok(()),
        _ => Err("what follows the `:` of the host is not a port".to_owned()),
    }
}

fn path_part(part: &str) -> Result<(), String> {
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if part.is_empty() {
        return Err("it has an empty part beside a `/`".to_owned());
    }
    only(part, |c| edge(c) || matches!(c, '.' | '_' | '-'))?;
    let mixed = |run: &str| !matches!(run, "." | "_" | "__") && run.contains(['.', '_']);
    if !part.starts_with(edge) || !part.ends_with(edge) || part.split(edge).any(mixed) {
        return Err(format!(
            "in `{part}`, a separator is not between letters or digits"
        ));
    }
    Ok(())
}

fn repository(text: &str) -> Result<(), String> {
    length(text, 255)?;
    if text.contains("://") {
        return Err("it is a URL".to_owned());
    }
    if text.contains('@') {
        return Err("it has a digest, which is written apart from it".to_owned());
    }
    let (host, path) = match text.split_once('/') {
        Some((host, path)) if is_host(host) => (Some(host), path),
        _ => (None, text),
    };
    host.map_or(Ok(()), registry_host)?;
    if path.contains(':') {
        return Err("it has a tag, which is written apart from it".to_owned());
    }
    path.split('/').try_for_each(path_part)
}

impl Grammar for ImageRepository {
    const FORMAT: &'static str = "image-repository";
    const WHAT: &'static str = "the repository of an image";
    const ALLOWED: &'static str = "write the host of the registry and a path in lower case";
    const EXAMPLE: &'static str = "harbor.bank/payments/checkout";

    fn read(text: &str) -> Result<Self, ValueError> {
        repository(text).map_err(ValueError::refuse::<Self>)?;
        Ok(Self(text.into()))
    }

    fn guess(text: &str) -> Vec<String> {
        let text = text.trim();
        let text = text.split_once("://").map_or(text, |(_, rest)| rest);
        let bare = text.split_once('@').map_or(text, |(bare, _)| bare);
        let cut = match bare.rsplit_once(':') {
            Some((front, tag)) if !tag.contains('/') => front,
            _ => bare,
        };
        let cut = cut.trim_end_matches('/');
        vec![cut.to_owned(), cut.to_ascii_lowercase()]
    }
}

/// The version of an image, its tag: "2.14.0".
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(Arc<str>);

text!(Version);

impl Version {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Grammar for Version {
    const FORMAT: &'static str = "version";
    const WHAT: &'static str = "the version of an image";
    const ALLOWED: &'static str = "use letters, digits, `_`, `.` and `-`, at most 128 characters";
    const EXAMPLE: &'static str = "2.14.0";
    // A fraction would lose its last zero: 1.10 must be written in quotes.
    const NUMBERS: Numbers = Numbers::Whole(0, i64::MAX);

    fn read(text: &str) -> Result<Self, ValueError> {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        length(text, 128)
            .and_then(|()| only(text, |c| word(c) || c == '.' || c == '-'))
            .map_err(ValueError::refuse::<Self>)?;
        if !text.starts_with(word) {
            return Err(ValueError::refuse::<Self>("it starts with a `.` or a `-`"));
        }
        Ok(Self(text.into()))
    }

    fn guess(text: &str) -> Vec<String> {
        let text = text.trim().trim_start_matches([':', '.', '-']);
        vec![text.to_owned(), text.replace(['+', ' ', '/'], "-")]
    }
}

/// The digest of an image: "sha256:" and 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(Arc<str>);

text!(Digest);

impl Digest {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Grammar for Digest {
    const FORMAT: &'static str = "digest";
    const WHAT: &'static str = "the digest of an image";
    const ALLOWED: &'static str = "write `sha256:` and 64 digits from 0-9 and a-f";
    const EXAMPLE: &'static str =
        "sha256:9f3a0c5e7d1b2a4f6c8e0d2b4a6f8c0e1d3b5a7f9c1e3d5b7a9f1c3e5d7b9a1f";

    fn read(text: &str) -> Result<Self, ValueError> {
        let refuse = |reason: String| Err(ValueError::refuse::<Self>(reason));
        let Some(digits) = text.strip_prefix("sha256:") else {
            return refuse("`sha256:` is missing in front".to_owned());
        };
        if let Err(reason) = only(digits, |c| matches!(c, '0'..='9' | 'a'..='f')) {
            return refuse(reason);
        }
        match digits.len() {
            64 => Ok(Self(text.into())),
            n => refuse(format!("it has {n} digits, not 64")),
        }
    }

    fn guess(text: &str) -> Vec<String> {
        let text = text.trim().trim_start_matches('@').to_ascii_lowercase();
        vec![format!("sha256:{text}"), text]
    }
}

/// A whole image: the repository, and a version or a digest or both, or neither.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageReference {
    /// Where it is kept.
    pub repository: ImageRepository,
    /// Its tag.
    pub version: Option<Version>,
    /// Its digest.
    pub digest: Option<Digest>,
}

impl Grammar for ImageReference {
    const FORMAT: &'static str = "image-reference";
    const WHAT: &'static str = "an image";
    const ALLOWED: &'static str =
        "write a repository, then `:` and a version, then `@` and a digest";
    const EXAMPLE: &'static str = "harbor.bank/payments/checkout:2.14.0";

    fn read(text: &str) -> Result<Self, ValueError> {
        let part = |name: &'static str| {
            move |error: ValueError| {
                let reason = error.message.split_once(": ").map_or("", |(_, rest)| rest);
                let reason = reason.split_once("; ").map_or(reason, |(reason, _)| reason);
                ValueError::refuse::<Self>(format!("in its {name}, {reason}"))
            }
        };
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(Digest::read(digest).map_err(part("digest"))?)),
            None => (text, None),
        };
        let (name, version) = match rest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => {
                (name, Some(Version::read(tag).map_err(part("version"))?))
            }
            _ => (rest, None),
        };
        repository(name).map_err(ValueError::refuse::<Self>)?;
        Ok(Self {
            repository: ImageRepository(name.into()),
            version,
            digest,
        })
    }

    fn guess(text: &str) -> Vec<String> {
        let text = text.trim();
        let text = text.split_once("://").map_or(text, |(_, rest)| rest);
        let at = text.rfind(':').unwrap_or(text.len());
        let (name, tag) = text.split_at(at);
        vec![
            text.to_owned(),
            format!("{}{tag}", name.to_ascii_lowercase()),
        ]
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.repository.fmt(f)?;
        if let Some(version) = &self.version {
            write!(f, ":{version}")?;
        }
        match &self.digest {
            Some(digest) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}
