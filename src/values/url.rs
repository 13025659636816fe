//! URLs of pages, of Git repositories, and addresses of mail. None may carry a password.

use std::sync::Arc;

use crate::names::grammar::{Grammar, ValueError, length, shown};
use crate::names::text;

/// The longest URL in characters.
const MAX: usize = 2048;

/// The URL of a page or an API: "https://wiki.bank/checkout".
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Url(Arc<str>);

text!(Url);

impl Url {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether what is sent to it is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.0.starts_with("https:")
    }

    /// The name or address of its host.
    pub fn host(&self) -> String {
        let url = url::Url::parse(&self.0).ok();
        url.and_then(|url| url.host_str().map(str::to_owned))
            .unwrap_or_default()
    }
}

fn printable(text: &str) -> Result<(), String> {
    length(text, MAX)?;
    match text.chars().find(|c| c.is_whitespace() || c.is_control()) {
        Some(c) => Err(format!("{} is not allowed", shown(c))),
        None => Ok(()),
    }
}

/// A URL with one of some schemes, a host and no password.
fn parse(text: &str, schemes: &[&str]) -> Result<url::Url, String> {
    printable(text)?;
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(format!("`{}://` is missing in front", schemes[0]));
    };
    if !schemes.contains(&scheme) {
        return Err(format!("only {} can be in front of `://`", either(schemes)));
    }
    if rest.is_empty() || rest.starts_with(['/', '?', '#', ':']) {
        return Err("the host is missing".to_owned());
    }
    if rest.contains('\\') {
        return Err("it has a backslash".to_owned());
    }
    let url = url::Url::parse(text).map_err(|_| "its host or port is not valid".to_owned())?;
    match url.password() {
        Some(_) => Err("it has a password in it, which belongs into a secret".to_owned()),
        None => Ok(url),
    }
}

fn either(schemes: &[&str]) -> String {
    schemes
        .iter()
        .map(|scheme| format!("`{scheme}`"))
        .collect::<Vec<_>>()
        .join(" or ")
}

/// The normal form, without the `/` that nobody wrote.
fn normal(text: &str, url: &url::Url) -> Arc<str> {
    let whole = url.as_str();
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    match whole.strip_suffix('/') {
        Some(short) if bare && !text.ends_with('/') => short.into(),
        _ => whole.into(),
    }
}

impl Grammar for Url {
    const FORMAT: &'static str = "url";
    const WHAT: &'static str = "a URL";
    const ALLOWED: &'static str = "write `https://`, a host and a path, without a user or password";
    const EXAMPLE: &'static str = "https://wiki.bank/checkout";

    fn read(text: &str) -> Result<Self, ValueError> {
        let url = parse(text, &["https", "http"]).map_err(ValueError::refuse::<Self>)?;
        match url.username() {
            "" => Ok(Self(normal(text, &url))),
            _ => Err(ValueError::refuse::<Self>("it has a user in it")),
        }
    }

    fn guess(text: &str) -> Vec<String> {
        let text = text.trim();
        let lower = text.split_once("://").map(|(scheme, rest)| {
            format!(
                "{}://{}",
                scheme.to_ascii_lowercase(),
                rest.replace(' ', "%20")
            )
        });
        let missing = text.contains('.').then(|| format!("https://{text}"));
        lower
            .into_iter()
            .chain(missing.filter(|_| !text.contains("://")))
            .collect()
    }
}

/// The URL of a Git repository: "https://git.bank/payments/checkout".
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GitUrl(Arc<str>);

text!(GitUrl);

impl GitUrl {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is reached by SSH.
    pub fn is_ssh(&self) -> bool {
        self.0.starts_with("ssh:")
    }
}

impl Grammar for GitUrl {
    const FORMAT: &'static str = "git-url";
    const WHAT: &'static str = "the URL of a Git repository";
    const ALLOWED: &'static str = "write `https://` or `ssh://`, a host and a path";
    const EXAMPLE: &'static str = "https://git.bank/payments/checkout";

    fn read(text: &str) -> Result<Self, ValueError> {
        let refuse = |reason: &str| Err(ValueError::refuse::<Self>(reason));
        let url = match parse(text, &["https", "ssh", "http"]) {
            Ok(url) => url,
            Err(reason) => return refuse(&reason),
        };
        if url.scheme() != "ssh" && !url.username().is_empty() {
            return refuse("it has a user in it");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return refuse("it has a query or a fragment");
        }
        match url.path().trim_matches('/') {
            "" => refuse("the path of the repository is missing"),
            _ => Ok(Self(url.as_str().trim_end_matches('/').into())),
        }
    }

    fn guess(text: &str) -> Vec<String> {
        let text = text.trim();
        let short = match text.split_once(':') {
            Some((host, path)) if host.contains('@') && !text.contains("://") => {
                Some(format!("ssh://{host}/{}", path.trim_start_matches('/')))
            }
            _ => None,
        };
        short.into_iter().chain(Url::guess(text)).collect()
    }
}

/// An address of mail: "payments@bank".
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(Arc<str>);

text!(Email);

impl Email {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Grammar for Email {
    const FORMAT: &'static str = "email";
    const WHAT: &'static str = "an address of mail";
    const ALLOWED: &'static str = "write a mailbox, `@` and a host";
    const EXAMPLE: &'static str = "payments@bank";

    fn read(text: &str) -> Result<Self, ValueError> {
        let refuse = |reason: &str| ValueError::refuse::<Self>(reason);
        length(text, 254).map_err(|reason| refuse(&reason))?;
        let Some((mailbox, host)) = text.rsplit_once('@') else {
            return Err(refuse("there is no `@` in it"));
        };
        let inner = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
        let dots = mailbox.starts_with('.') || mailbox.ends_with('.') || mailbox.contains("..");
        if mailbox.is_empty() || dots || !mailbox.chars().all(inner) {
            return Err(refuse("what is before the `@` is not a mailbox"));
        }
        crate::names::subdomain(&host.to_ascii_lowercase(), 253)
            .map_err(|_| refuse("what is after the `@` is not a host"))?;
        Ok(Self(
            format!("{mailbox}@{}", host.to_ascii_lowercase()).into(),
        ))
    }

    fn guess(text: &str) -> Vec<String> {
        let inner = text.split_once('<').map_or(text, |(_, rest)| rest);
        let inner = inner
            .trim()
            .trim_end_matches('>')
            .trim_start_matches("mailto:");
        vec![inner.to_owned(), inner.replace(" at ", "@")]
    }
}
