//! The one validator for addresses of remotes, and the list of those that are allowed.
//!
//! What passes has one spelling only, so that comparing texts is comparing addresses. Nothing here
//! resolves a name; [`is_outside`] judges what they resolve to. Credentials are never part of an address.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::repository::AddressError;

/// Longest address that is looked at.
const MAX_LENGTH: usize = 1024;

/// How a remote is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scheme {
    /// Git over HTTPS.
    Https,
    /// Git over ssh.
    Ssh,
    /// Git over plain HTTP, to a loopback address that is allowed by name. For tests on one machine.
    LoopbackHttp,
}

/// A checked address in its only spelling.
///
/// ```
/// use kubemate::source::address::RemoteAddress;
/// let address = RemoteAddress::parse("HTTPS://Git.Bank.example:443/platform/config.git/").unwrap();
/// assert_eq!(address.to_string(), "https://git.bank.example/platform/config.git");
/// assert!(RemoteAddress::parse("https://user:token@git.bank.example/x").is_err());
/// assert!(RemoteAddress::parse("ssh://-oProxyCommand=x/y").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RemoteAddress {
    scheme: Scheme,
    user: Option<String>,
    host: String,
    port: Option<u16>,
    path: String,
}

impl RemoteAddress {
    /// Checks an address. What it says about a refused one never repeats user information.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if text.len() > MAX_LENGTH || !text.chars().all(|c| c.is_ascii_graphic()) {
            return refuse("it may hold visible ASCII characters only, at most 1024");
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return refuse("write https://HOST/PATH or ssh://USER@HOST/PATH");
        };
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "https" => Scheme::Https,
            "ssh" => Scheme::Ssh,
            "http" => Scheme::LoopbackHttp,
            _ => return refuse("only https:// and ssh:// are fetched"),
        };
        let Some((authority, path)) = rest.split_once('/') else {
            return refuse("it has no path after the host");
        };
        let (user, place) = match authority.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, authority),
        };
        let user = user.map(|user| user_name(scheme, user)).transpose()?;
        let (host, port) = host_and_port(place)?;
        let is_loopback = ip_of(&host).is_some_and(|ip| ip.is_loopback());
        if scheme == Scheme::LoopbackHttp && !is_loopback {
            return refuse(
                "plain http would show the credential to everyone on the way; use https://",
            );
        }
        let default = match scheme {
            Scheme::Https => 443,
            Scheme::Ssh => 22,
            Scheme::LoopbackHttp => 80,
        };
        let port = port.filter(|port| *port != default);
        Ok(Self {
            scheme,
            user,
            host,
            port,
            path: checked_path(path)?,
        })
    }

    /// How it is reached.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The user that ssh logs in as.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The host in lower case; IPv6 addresses in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, where it is not the usual one.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The path, without a slash at either end.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether it names this machine, its network or the cluster, where only the operator may point.
    pub fn is_internal(&self) -> bool {
        if let Some(ip) = ip_of(&self.host) {
            return !is_outside(ip);
        }
        let single = !self.host.contains('.');
        let ends = [
            ".localhost",
            ".local",
            ".internal",
            ".svc",
            ".cluster.local",
        ];
        single || ends.iter().any(|end| self.host.ends_with(end))
    }

    fn same_place(&self, other: &Self) -> bool {
        (self.scheme, &self.host, self.port) == (other.scheme, &other.host, other.port)
    }
}

impl fmt::Display for RemoteAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Https => "https",
            Scheme::Ssh => "ssh",
            Scheme::LoopbackHttp => "http",
        };
        write!(f, "{scheme}://")?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        f.write_str(&self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write!(f, "/{}", self.path)
    }
}

/// Which remotes may be fetched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowList {
    rules: Vec<(RemoteAddress, bool)>,
}

impl AllowList {
    /// Reads rules: a full address, or one that ends in `/*` for everything below it.
    pub fn parse<'a>(rules: impl IntoIterator<Item = &'a str>) -> Result<Self, AddressError> {
        let rule = |text: &str| match text.strip_suffix("/*") {
            // A whole host is allowed through a path that is taken off again.
            Some(above) if above.matches('/').count() == 2 => {
                let mut address = RemoteAddress::parse(&format!("{above}/x"))?;
                address.path.clear();
                Ok((address, true))
            }
            Some(above) => RemoteAddress::parse(above).map(|address| (address, true)),
            None => RemoteAddress::parse(text).map(|address| (address, false)),
        };
        let rules: Result<_, _> = rules.into_iter().map(rule).collect();
        Ok(Self { rules: rules? })
    }

    /// Whether it has no rule.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Checks an address. An empty list allows what lies outside this machine and its networks.
    pub fn check(&self, address: &RemoteAddress) -> Result<(), AddressError> {
        if self
            .rules
            .iter()
            .any(|(rule, below)| covers(rule, *below, address))
        {
            return Ok(());
        }
        if !self.is_empty() {
            return refuse("no rule of the allow-list covers it");
        }
        if address.is_internal() || address.scheme == Scheme::LoopbackHttp {
            return refuse(
                "it points into this machine or an internal network; allow it by name first",
            );
        }
        Ok(())
    }
}

fn covers(rule: &RemoteAddress, below: bool, address: &RemoteAddress) -> bool {
    if !rule.same_place(address) || rule.user.is_some() && rule.user != address.user {
        return false;
    }
    match address.path.strip_prefix(&rule.path) {
        Some("") => !below,
        Some(rest) => below && (rule.path.is_empty() || rest.starts_with('/')),
        None => false,
    }
}

fn refuse<T>(reason: &str) -> Result<T, AddressError> {
    Err(AddressError {
        reason: reason.to_owned(),
    })
}

fn user_name(scheme: Scheme, user: &str) -> Result<String, AddressError> {
    if scheme != Scheme::Ssh {
        return refuse("it holds a user or a token; credentials belong into a secret");
    }
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if user.is_empty() || user.starts_with('-') || !user.bytes().all(allowed) {
        return refuse(
            "the user name before the `@` may hold letters, digits, `.`, `_` and `-` only",
        );
    }
    Ok(user.to_owned())
}

fn host_and_port(place: &str) -> Result<(String, Option<u16>), AddressError> {
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (place, None),
    };
    let port = match port.map(str::parse::<u16>) {
        None => None,
        Some(Ok(port)) if port != 0 => Some(port),
        Some(_) => return refuse("what follows the `:` is not a port; write ssh://USER@HOST/PATH"),
    };
    Ok((checked_host(&host.to_ascii_lowercase())?, port))
}

fn checked_host(host: &str) -> Result<String, AddressError> {
    if let Some(inner) = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        return match inner.parse::<Ipv6Addr>() {
            Ok(ip) => Ok(format!("[{ip}]")),
            Err(_) => refuse("what stands in brackets is not an IPv6 address"),
        };
    }
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    if host.len() > 253 || !host.split('.').all(is_label) {
        return refuse("its host is not a host name");
    }
    let last = host.rsplit('.').next().unwrap_or(host);
    let numeric = last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x");
    if numeric && host.parse::<IpAddr>().is_err() {
        return refuse("its host is a number in disguise; write four decimal numbers");
    }
    Ok(host.to_owned())
}

fn checked_path(path: &str) -> Result<String, AddressError> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let allowed =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'~' | b'+');
    for segment in path.split('/') {
        if segment.is_empty() {
            return refuse("its path has an empty segment");
        }
        if segment == "." || segment == ".." || segment.starts_with('-') {
            return refuse("its path has a segment `.`, `..` or one that begins with `-`");
        }
        if !segment.bytes().all(allowed) {
            return refuse("its path may hold letters, digits and `.`, `_`, `-`, `~`, `+` only");
        }
    }
    Ok(path.to_owned())
}

fn ip_of(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .parse()
        .ok()
}

/// Whether an address lies outside of this machine, its networks and those that nobody routes.
pub fn is_outside(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let special = ip.is_loopback() || ip.is_private() || ip.is_link_local();
            !(special
                || shared
                || ip.is_unspecified()
                || ip.is_broadcast()
                || ip.is_multicast()
                || a == 0)
        }
        IpAddr::V6(ip) => {
            let special = ip.is_loopback() || ip.is_unspecified() || ip.is_multicast();
            let local = ip.is_unique_local() || ip.is_unicast_link_local();
            let inner = ip.to_ipv4().or_else(|| translated(ip));
            !(special || local) && inner.is_none_or(|ip| is_outside(IpAddr::V4(ip)))
        }
    }
}

/// The address of IPv4 that a gateway makes of one of IPv6 (RFC 6052 §2.1 and RFC 3056 §2).
fn translated(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, ..] = ip.segments();
    let halves = match (a, b) {
        (0x64, 0xff9b) if c == 0 && d == 0 => [ip.segments()[6], ip.segments()[7]],
        (0x2002, _) => [b, c],
        _ => return None,
    };
    let [high, low] = halves.map(u16::to_be_bytes);
    Some(Ipv4Addr::new(high[0], high[1], low[0], low[1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_ssh_with_one_spelling_pass() {
        for (text, expected) in [
            ("https://h.example/org/r.git", "https://h.example/org/r.git"),
            ("https://h.example:443/r/", "https://h.example/r"),
            (
                "ssh://git@h.example:2222/~u/r",
                "ssh://git@h.example:2222/~u/r",
            ),
            ("https://[2001:DB8::1]/r", "https://[2001:db8::1]/r"),
        ] {
            assert_eq!(RemoteAddress::parse(text).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn s_09_every_trick_is_refused() {
        for text in [
            "",
            "-oX=y@h:r",
            "ssh://-oProxyCommand=x/y",
            "ssh://-x@h/y",
            "ext::sh -c x",
            "fd::3",
            "file:///etc",
            "/etc",
            "../x",
            "https:///h/r",
            "https://h/a'b",
            "https://h/a\"b",
            "https://u:CANARY@h/r",
            "https://u@h/r",
            "ssh://u:CANARY@h/r",
            "git@h:r",
            "git://h/r",
            "http://h.example/r",
            "https://h/%2e%2e/r",
            "https://h/a/../b",
            "https://h//b",
            "https://h./r",
            "https://h.evil\\@x/r",
            "https://h/r?x",
            "https://h/r#x",
            "https://2130706433/r",
            "https://0x7f.1/r",
            "https://127.1/r",
            "https://0177.0.0.1/r",
            "https://h:0/r",
            "https://h:99999/r",
            "https://b\u{e4}nk/r",
            "https://h/a b",
            "https://[::1/r",
            "https://h/-x",
            "https://h",
            "https://h/",
        ] {
            let error = RemoteAddress::parse(text).unwrap_err().to_string();
            assert!(!error.contains("CANARY"), "{error}");
        }
    }

    #[test]
    fn s_52_only_canonical_matches_are_allowed() {
        let list =
            AllowList::parse(["https://h.example/org/*", "ssh://git@h.example/one"]).unwrap();
        let check = |text: &str| list.check(&RemoteAddress::parse(text).unwrap()).is_ok();
        assert!(check("https://h.example/org/r"));
        assert!(check("https://H.EXAMPLE:443/org/a/b"));
        assert!(check("ssh://git@h.example/one"));
        for text in [
            "https://h.example.evil/org/r",
            "https://h.example/ORG/r",
            "https://h.example/org-evil/r",
            "https://h.example:8443/org/r",
            "https://h.example/org",
            "ssh://h.example/org/r",
            "ssh://root@h.example/one",
            "ssh://git@h.example/one/two",
        ] {
            assert!(!check(text), "{text}");
        }
        for text in [
            "https://h.example@evil/org/r",
            "https://evil/@h.example/org/r",
            "https://h.example./org/r",
            "https://h.example/org%2f..%2fevil/r",
            "https://h.example/org/../evil/r",
            "https://h.ex\u{430}mple/org/r",
            "https://h.example\\@evil/org/r",
            "https://h.example:443:8443/org/r",
        ] {
            assert!(RemoteAddress::parse(text).is_err(), "{text}");
        }
        assert!(
            AllowList::parse(["https://h.example/*"])
                .unwrap()
                .check(&RemoteAddress::parse("https://h.example/any/where").unwrap())
                .is_ok()
        );
    }

    #[test]
    fn s_11_internal_places_must_be_named() {
        let open = AllowList::default();
        for text in [
            "https://127.0.0.1/r",
            "https://[::1]/r",
            "https://169.254.169.254/r",
            "https://10.1.2.3/r",
            "https://kubernetes.default.svc/r",
            "https://localhost/r",
            "http://127.0.0.1:80/r",
            "https://[::ffff:10.0.0.1]/r",
            "https://[64:ff9b::a00:1]/r",
            "https://[2002:7f00:1::]/r",
            "https://[fd00::1]/r",
            "https://100.64.0.1/r",
        ] {
            let address = RemoteAddress::parse(text).unwrap();
            assert!(open.check(&address).is_err(), "{text}");
            assert!(
                AllowList::parse([text]).unwrap().check(&address).is_ok(),
                "{text}"
            );
        }
        assert!(
            open.check(&RemoteAddress::parse("https://github.com/a/b").unwrap())
                .is_ok()
        );
    }
}
