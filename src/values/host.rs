//! Names of hosts: "checkout.pay.bank", "*.pay.bank", "harbor.bank:8443".

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use super::network::Port;
use crate::names::grammar::{Grammar, ValueError};
use crate::names::{subdomain, text};

/// The name of a host, with an optional `*.` for all names one level below.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostName(Arc<str>);

text!(HostName);

impl HostName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it starts with `*.`.
    pub fn is_wildcard(&self) -> bool {
        self.0.starts_with("*.")
    }

    /// The name without `*.`.
    pub fn domain(&self) -> &str {
        self.0.strip_prefix("*.").unwrap_or(&self.0)
    }

    /// Whether every host that `other` names is one that this names. A `*.` stands for one label or
    /// more, as in the routes of a gateway.
    pub fn covers(&self, other: &Self) -> bool {
        if !self.is_wildcard() {
            return self == other;
        }
        let above = |name: &str| {
            name.strip_suffix(self.domain())
                .is_some_and(|l| l.ends_with('.'))
        };
        above(other.domain()) || self == other
    }
}

fn host(text: &str) -> Result<(), String> {
    if text.contains("://") {
        return Err("it is a URL".to_owned());
    }
    if text.contains('/') {
        return Err("it has a path".to_owned());
    }
    if text.parse::<IpAddr>().is_ok() {
        return Err("it is an IP address".to_owned());
    }
    if text.contains(':') {
        return Err("it has a port".to_owned());
    }
    if text.contains('*') {
        return Err("a `*` may only stand for the first part".to_owned());
    }
    subdomain(text, 253)?;
    match text.split('.').find(|label| label.len() > 63) {
        Some(_) => Err("a part of it has more than 63 characters".to_owned()),
        None if text
            .rsplit('.')
            .next()
            .is_some_and(|l| l.bytes().all(|b| b.is_ascii_digit())) =>
        {
            Err("its last part is a number".to_owned())
        }
        None => Ok(()),
    }
}

impl Grammar for HostName {
    const FORMAT: &'static str = "host-name";
    const WHAT: &'static str = "the name of a host";
    const ALLOWED: &'static str =
        "use lower-case letters, digits, `-` and `.`, with `*.` in front for all below";
    const EXAMPLE: &'static str = "checkout.pay.bank";

    fn read(text: &str) -> Result<Self, ValueError> {
        host(text.strip_prefix("*.").unwrap_or(text)).map_err(ValueError::refuse::<Self>)?;
        Ok(Self(text.into()))
    }

    fn guess(text: &str) -> Vec<String> {
        let text = text.trim().to_ascii_lowercase();
        let text = text.split_once("://").map_or(&*text, |(_, rest)| rest);
        let text = text
            .split(['/', ':', '?', '#'])
            .next()
            .unwrap_or(text)
            .trim_end_matches('.');
        let mut guesses = vec![text.to_owned()];
        guesses.extend(text.strip_prefix('.').map(|rest| format!("*.{rest}")));
        guesses.extend(text.strip_prefix('*').map(|rest| format!("*.{rest}")));
        guesses.push(text.replace('_', "-"));
        guesses
    }
}

/// A host and an optional port, as of a registry or a mail server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPort {
    host: HostName,
    port: Option<Port>,
}

impl HostPort {
    /// The host.
    pub const fn host(&self) -> &HostName {
        &self.host
    }

    /// The port, if one is written.
    pub const fn port(&self) -> Option<Port> {
        self.port
    }
}

impl Grammar for HostPort {
    const FORMAT: &'static str = "host-port";
    const WHAT: &'static str = "a host with an optional port";
    const ALLOWED: &'static str =
        "write the name of a host, then `:` and a port if it is not usual";
    const EXAMPLE: &'static str = "harbor.bank:8443";

    fn read(text: &str) -> Result<Self, ValueError> {
        let refuse = |reason: String| ValueError::refuse::<Self>(reason);
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) if !text.contains("://") => {
                let range = |_| refuse("what follows the `:` is not a port".to_owned());
                (name, Some(Port::read(port).map_err(range)?))
            }
            _ => (text, None),
        };
        host(name).map_err(refuse)?;
        Ok(Self {
            host: HostName(name.into()),
            port,
        })
    }

    fn guess(text: &str) -> Vec<String> {
        let text = text.trim().to_ascii_lowercase();
        let text = text.split_once("://").map_or(&*text, |(_, rest)| rest);
        let host = text.split(['/', '?', '#']).next().unwrap_or(text);
        vec![
            host.to_owned(),
            host.trim_end_matches(['.', ':']).to_owned(),
        ]
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => self.host.fmt(f),
        }
    }
}
