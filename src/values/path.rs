//! Paths: inside a container, of a URL, inside the repository, and of a secret in its store.
//!
//! None of them may have a `..`, so that joining one to a directory never leaves it.

use std::fmt;
use std::sync::Arc;

use globset::{Glob, GlobBuilder, GlobMatcher};

use crate::names::Name;
use crate::names::grammar::{Grammar, ValueError, length, shown};
use crate::names::text;

/// The longest path in characters.
const MAX: usize = 1024;

/// What is never allowed in any path.
fn plain(text: &str) -> Result<(), String> {
    length(text, MAX)?;
    match text.chars().find(|c| c.is_control() || *c == '\\') {
        Some('\\') => Err("it has a backslash".to_owned()),
        Some(c) => Err(format!("{} is not allowed", shown(c))),
        None => Ok(()),
    }
}

/// The parts between slashes: none empty, none `.` or `..`.
fn segments(text: &str) -> Result<(), String> {
    match text
        .split('/')
        .find(|part| matches!(*part, "" | "." | ".."))
    {
        Some("") => Err("it has an empty part beside a `/`".to_owned()),
        Some(part) => Err(format!("it has a `{part}` in it")),
        None => Ok(()),
    }
}

/// A path without what makes it not canonical; `..` stays, its meaning is not ours to guess.
fn tidy(text: &str) -> String {
    let text = text.trim().replace('\\', "/");
    text.split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect::<Vec<_>>()
        .join("/")
}

/// A path inside a container: "/var/cache".
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AbsolutePath(Arc<str>);

text!(AbsolutePath);

impl AbsolutePath {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `other` is this directory or lies in it.
    pub fn covers(&self, other: &Self) -> bool {
        match other.0.strip_prefix(self.0.trim_end_matches('/')) {
            Some(rest) => rest.is_empty() || rest.starts_with('/'),
            None => false,
        }
    }
}

impl Grammar for AbsolutePath {
    const FORMAT: &'static str = "absolute-path";
    const WHAT: &'static str = "a path in a container";
    const ALLOWED: &'static str = "start with `/`, without `..`, `:` or a `/` at the end";
    const EXAMPLE: &'static str = "/var/cache";

    fn read(text: &str) -> Result<Self, ValueError> {
        let refuse = |reason: String| ValueError::refuse::<Self>(reason);
        plain(text).map_err(refuse)?;
        let Some(rest) = text.strip_prefix('/') else {
            return Err(refuse("it does not start with `/`".to_owned()));
        };
        if text.contains(':') {
            return Err(refuse("it has a `:`".to_owned()));
        }
        if rest.ends_with('/') {
            return Err(refuse("it ends with `/`".to_owned()));
        }
        match rest {
            "" => Ok(()),
            rest => segments(rest).map_err(refuse),
        }?;
        Ok(Self(text.into()))
    }

    fn guess(text: &str) -> Vec<String> {
        match tidy(text) {
            path if path.is_empty() => Vec::new(),
            path => vec![format!("/{path}")],
        }
    }
}

/// The path of a URL: "/api/v1".
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UrlPath(Arc<str>);

text!(UrlPath);

impl UrlPath {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn url_path(text: &str) -> Result<(), String> {
    plain(text)?;
    let Some(rest) = text.strip_prefix('/') else {
        return Err("it does not start with `/`".to_owned());
    };
    let body = rest.strip_suffix('/').unwrap_or(rest);
    if !(rest.is_empty() || rest == body && body.is_empty()) {
        segments(body)?;
    }
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '%' => {
                let digits = [chars.next(), chars.next()];
                if !digits
                    .iter()
                    .all(|c| c.is_some_and(|c| c.is_ascii_hexdigit()))
                {
                    return Err("two hexadecimal digits are missing after a `%`".to_owned());
                }
            }
            '?' => return Err("it has a query".to_owned()),
            '#' => return Err("it has a fragment".to_owned()),
            c if c.is_ascii_alphanumeric() || "/-._~!$&'()*+,;=:@".contains(c) => (),
            c => return Err(format!("{} must be written with `%`", shown(c))),
        }
    }
    Ok(())
}

impl Grammar for UrlPath {
    const FORMAT: &'static str = "url-path";
    const WHAT: &'static str = "the path of a URL";
    const ALLOWED: &'static str = "start with `/`, without a query or `..`";
    const EXAMPLE: &'static str = "/api";

    fn read(text: &str) -> Result<Self, ValueError> {
        url_path(text).map_err(ValueError::refuse::<Self>)?;
        Ok(Self(text.into()))
    }

    fn guess(text: &str) -> Vec<String> {
        let text = text.trim();
        let path = match text.split_once("://") {
            Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
            None => text,
        };
        let path = path.split(['?', '#']).next().unwrap_or(path);
        let end = if path.ends_with('/') && path.len() > 1 {
            "/"
        } else {
            ""
        };
        vec![
            format!("/{}{end}", tidy(path)),
            format!("/{}", tidy(path).replace(' ', "%20")),
        ]
    }
}

/// A file of the repository, relative to its root: "files/checkout.toml".
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelativePath(Arc<str>);

text!(RelativePath);

impl RelativePath {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn relative(text: &str) -> Result<(), String> {
    plain(text)?;
    if text.starts_with('/') {
        return Err("it is absolute".to_owned());
    }
    segments(text)
}

impl Grammar for RelativePath {
    const FORMAT: &'static str = "relative-path";
    const WHAT: &'static str = "a path in the repository";
    const ALLOWED: &'static str = "write it without `/` in front and without `..`";
    const EXAMPLE: &'static str = "files/checkout.toml";

    fn read(text: &str) -> Result<Self, ValueError> {
        relative(text).map_err(ValueError::refuse::<Self>)?;
        Ok(Self(text.into()))
    }

    fn guess(text: &str) -> Vec<String> {
        vec![tidy(text)]
    }
}

/// A pattern of paths in the repository: "tenants/**/*.kdl".
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RelativeGlob(Glob);

impl RelativeGlob {
    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.glob()
    }

    /// What decides whether a path matches; made once for many paths.
    pub fn matcher(&self) -> GlobMatcher {
        self.0.compile_matcher()
    }

    /// Whether it may match something below a directory.
    pub fn reaches(&self, directory: &str) -> bool {
        reaches(self.as_str(), directory)
    }
}

/// Whether a pattern may match something below a directory. In doubt it does.
pub fn reaches(pattern: &str, directory: &str) -> bool {
    // An alternative may hold a slash.
    if pattern.contains('{') {
        return true;
    }
    let mut parts = pattern.split('/');
    for name in directory.split('/') {
        match parts.next() {
            None => return false,
            Some(part) if part.contains("**") => return true,
            Some(part) => {
                let glob = Glob::new(part).map(|glob| glob.compile_matcher());
                if glob.is_ok_and(|glob| !glob.is_match(name)) {
                    return false;
                }
            }
        }
    }
    parts.next().is_some()
}

impl Ord for RelativeGlob {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl PartialOrd for RelativeGlob {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for RelativeGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Grammar for RelativeGlob {
    const FORMAT: &'static str = "relative-glob";
    const WHAT: &'static str = "a pattern of paths in the repository";
    const ALLOWED: &'static str =
        "write a path where `*` stands for any name and `**` for any directories";
    const EXAMPLE: &'static str = "tenants/**/*.kdl";

    fn read(text: &str) -> Result<Self, ValueError> {
        relative(text).map_err(ValueError::refuse::<Self>)?;
        if text.contains("..") {
            return Err(ValueError::refuse::<Self>("it has a `..` in it"));
        }
        let glob = GlobBuilder::new(text).literal_separator(true).build();
        glob.map(Self)
            .map_err(|_| ValueError::refuse::<Self>("a bracket in it is not closed"))
    }

    fn guess(text: &str) -> Vec<String> {
        vec![tidy(text)]
    }
}

/// Where a secret comes from: "vault:kv/payments/checkout", a store and a path in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretSource {
    store: Name,
    path: Arc<str>,
}

impl SecretSource {
    /// The name of the secret store.
    pub const fn store(&self) -> &Name {
        &self.store
    }

    /// The path in the store.
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl Grammar for SecretSource {
    const FORMAT: &'static str = "secret-source";
    const WHAT: &'static str = "the source of a secret";
    const ALLOWED: &'static str = "write the name of a secret store, `:` and a path in it";
    const EXAMPLE: &'static str = "vault:kv/payments/checkout";

    fn read(text: &str) -> Result<Self, ValueError> {
        let refuse = |reason: &str| ValueError::refuse::<Self>(reason);
        let Some((store, path)) = text.split_once(':') else {
            return Err(refuse("there is no `:` in it"));
        };
        let store = Name::read(store);
        let store = store.map_err(|_| refuse("what is before the `:` is not a name"))?;
        if path.contains(char::is_whitespace) {
            return Err(refuse("the path has a space in it"));
        }
        relative(path).map_err(|reason| refuse(&format!("in the path, {reason}")))?;
        Ok(Self {
            store,
            path: path.into(),
        })
    }

    fn guess(text: &str) -> Vec<String> {
        let text = text.replacen("://", ":", 1);
        let (store, path) = text.split_once(':').unwrap_or(("", &text));
        vec![format!(
            "{}:{}",
            store.trim().to_ascii_lowercase(),
            tidy(path)
        )]
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.store, self.path)
    }
}
