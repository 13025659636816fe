//! Where letters go: a mail server that may be called, who writes and who reads. All but the host is shown
//! to nobody, so nothing here has a `Debug`.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lettre::Address;
use secrecy::{ExposeSecret as _, SecretString};

use super::target::{read, refuse, shown};
use crate::report::notify::NotifyError;
use crate::source::address::{AllowList, RemoteAddress};

/// Readers of one receiver at most.
const MAX_READERS: usize = 20;
/// Longest address.
const MAX_ADDRESS: usize = 254;
/// Parts of the Secret that are hidden are at least this long.
const SHORTEST: usize = 4;

/// What a Secret says of a letterbox.
#[derive(Clone, Copy)]
pub struct Post<'a> {
    /// `smtps://HOST`, or `smtp://HOST` where TLS begins with STARTTLS; `smtp://127.0.0.1?tls=none`.
    pub url: &'a str,
    /// Who writes.
    pub from: &'a str,
    /// Who reads, separated by commas or line breaks.
    pub to: &'a str,
    /// As whom to log in, and with which password.
    pub login: Option<(&'a str, &'a str)>,
}

/// How a connection is kept secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cover {
    /// TLS from the beginning.
    Tls,
    /// TLS after a few words, or nothing is said.
    StartTls,
    /// Not at all: it does not leave this machine.
    None,
}

/// Where letters go.
pub struct Letterbox {
    host: String,
    pub(super) port: u16,
    pub(super) cover: Cover,
    pub(super) from: Address,
    pub(super) to: Vec<Address>,
    pub(super) login: Option<(String, SecretString)>,
}

impl Letterbox {
    /// The letterbox of a Secret, if its server may be called and its people can be written to.
    pub fn new(post: Post<'_>, allowed: &AllowList) -> Result<Self, NotifyError> {
        let (server, port, cover) = server(post.url)?;
        let judged = allowed.check(&server);
        judged.map_err(|error| refuse(&error.reason))?;
        let host = server.host().trim_matches(['[', ']']).to_owned();
        let here = host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        if cover == Cover::None && !here {
            return Err(refuse("without TLS only a loopback address is called"));
        }
        Ok(Self {
            host,
            port,
            cover,
            from: person(post.from)?,
            to: readers(post.to)?,
            login: post
                .login
                .map(|(user, password)| (user.to_owned(), password.to_owned().into())),
        })
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Its host and port, for whatever is bounded by them.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    pub(super) fn unreachable(&self, reason: &str) -> NotifyError {
        NotifyError::Unreachable {
            host: self.host.clone(),
            reason: shown(reason, &self.hidden()),
        }
    }

    pub(super) fn refused(&self, reason: &str) -> NotifyError {
        NotifyError::Refused {
            host: self.host.clone(),
            reason: shown(reason, &self.hidden()),
        }
    }

    /// Everything that may be shown to nobody, also as it is sent.
    fn hidden(&self) -> Vec<String> {
        let mut all: Vec<String> = self.to.iter().map(ToString::to_string).collect();
        all.push(self.from.to_string());
        if let Some((user, password)) = &self.login {
            let password = password.expose_secret();
            let sent = [
                format!("\0{user}\0{password}"),
                user.clone(),
                password.to_owned(),
            ];
            all.extend(sent.iter().map(|text| STANDARD.encode(text)));
            all.extend([user.clone(), password.to_owned()]);
        }
        all.retain(|part| part.len() >= SHORTEST);
        all
    }
}

/// The server as rules name it, its port, and how it is spoken to.
fn server(url: &str) -> Result<(RemoteAddress, u16, Cover), NotifyError> {
    let held = "it holds a user, a password, a path or a fragment; write `user` and `password` as keys of the Secret";
    let url = read(url, held)?;
    if !matches!(url.path(), "" | "/") {
        return Err(refuse(held));
    }
    let (cover, usual) = match (url.scheme(), url.query()) {
        ("smtps", None) => (Cover::Tls, 465),
        ("smtp", None) => (Cover::StartTls, 587),
        ("smtp", Some("tls=none")) => (Cover::None, 587),
        ("smtp" | "smtps", Some(_)) => {
            return Err(refuse(
                "behind its `?` only tls=none is understood, after smtp://",
            ));
        }
        _ => return Err(refuse("write smtps://HOST, or smtp://HOST for STARTTLS")),
    };
    let host = url.host_str().ok_or_else(|| refuse("it has no host"))?;
    let port = url.port().unwrap_or(usual);
    // The host is judged as a repository's is.
    let place = RemoteAddress::parse(&format!("https://{host}:{port}/x"));
    let place = place.map_err(|error| refuse(&error.reason))?;
    Ok((place, port, cover))
}

fn readers(text: &str) -> Result<Vec<Address>, NotifyError> {
    let refuse = |reason: &str| {
        let reason = reason.to_owned();
        NotifyError::People { reason }
    };
    let names = text.split([',', '\n']).map(str::trim);
    let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
    if names.is_empty() {
        return Err(refuse("its key `to` names nobody"));
    }
    if names.len() > MAX_READERS {
        return Err(refuse(
            "its key `to` names more than 20 addresses; write to a list instead",
        ));
    }
    names.into_iter().map(person).collect()
}

/// One address, which is never part of an error.
fn person(text: &str) -> Result<Address, NotifyError> {
    let refuse = || NotifyError::People {
        reason: "in its keys `from` and `to` something is no address as in team@bank.example"
            .to_owned(),
    };
    // Quotes and brackets are for those who can read them; a plain one cannot leave its place.
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"@.!#$%&'*+/=?^_{|}~-".contains(&b);
    if text.len() > MAX_ADDRESS || !text.bytes().all(plain) {
        return Err(refuse());
    }
    text.parse().map_err(|_| refuse())
}
